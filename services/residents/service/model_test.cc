#include <absl/strings/str_cat.h>

#include <map>
#include <optional>
#include <set>

#include "services/residents/testing/fixture.h"

// Random departments, mergers, dwellings and households against a model that knows nothing of rows and indexes. Both engines run
// the same seeds, so they also agree with each other.
namespace helhed::residents::testing {
namespace {

constexpr int kDepartments = 6;
constexpr int kDays = 24;

// The register as one would keep it on paper.
struct Model {
  struct Dwelling {
    int entered_in;
    Period period;
  };
  struct Household {
    std::string dwelling;
    Period period;
  };
  std::map<int, std::pair<int, absl::CivilDay>> mergers;
  std::map<std::string, Dwelling> dwellings;
  std::map<std::string, Household> households;

  int Resolve(int department, absl::CivilDay day) const {
    auto const found = mergers.find(department);
    return found != mergers.end() && found->second.second <= day ? Resolve(found->second.first, day) : department;
  }
  bool Merge(int successor, int predecessor, absl::CivilDay date) {
    bool const circular = successor == predecessor || Resolve(successor, absl::CivilDay::max()) == predecessor;
    bool const gone = mergers.contains(predecessor) || Resolve(successor, date - 1) != successor;
    if (circular || gone) return false;
    mergers[predecessor] = {successor, date};
    return true;
  }
  bool AddDwelling(std::string const& id, int department, Period const& period) {
    if (dwellings.contains(id) || Resolve(department, period.start) != department) return false;
    dwellings[id] = {department, period};
    return true;
  }
  bool ChangeDwelling(std::string const& id, Period const& period) {
    if (!dwellings.contains(id)) return false;
    for (auto const& [_, household] : households) {
      if (household.dwelling == id && !period.Contains(household.period)) return false;
    }
    dwellings[id].period = period;
    return true;
  }
  bool DeleteDwelling(std::string const& id) {
    for (auto const& [_, household] : households) {
      if (household.dwelling == id) return false;
    }
    return dwellings.erase(id) > 0;
  }
  bool Fits(std::string const& id, std::string const& dwelling, Period const& period) const {
    auto const found = dwellings.find(dwelling);
    if (found == dwellings.end() || !found->second.period.Contains(period)) return false;
    for (auto const& [other, household] : households) {
      if (other != id && household.dwelling == dwelling && household.period.Overlaps(period)) return false;
    }
    return true;
  }
  bool AddHousehold(std::string const& id, std::string const& dwelling, Period const& period) {
    if (households.contains(id) || !Fits(id, dwelling, period)) return false;
    households[id] = {dwelling, period};
    return true;
  }
  bool ChangeHousehold(std::string const& id, Period const& period) {
    auto const found = households.find(id);
    if (found == households.end() || !Fits(id, found->second.dwelling, period)) return false;
    found->second.period = period;
    return true;
  }
  std::vector<std::string> DwellingsOf(int department, absl::CivilDay day) const {
    std::vector<std::string> ids;
    for (auto const& [id, dwelling] : dwellings) {
      if (dwelling.period.Contains(day) && Resolve(dwelling.entered_in, day) == department) ids.push_back(id);
    }
    return ids;
  }
  std::vector<std::string> HouseholdsOf(int department, absl::CivilDay day) const {
    std::vector<std::string> ids;
    for (auto const& [id, household] : households) {
      if (household.period.Contains(day) && Resolve(dwellings.at(household.dwelling).entered_in, day) == department)
        ids.push_back(id);
    }
    return ids;
  }
};

class ModelTest : public RegisterTest {
 protected:
  std::string Name(std::string_view collection, std::string const& id) const {
    return absl::StrCat("organisations/", organisation_, "/", Av(collection), "/", id);
  }
  std::string DepartmentOf(int number) const { return Name("departments", absl::StrCat("00", number)); }

  absl::CivilDay Day(SeededRandom& random) { return absl::CivilDay(2026, 1, 1) + random.Between(0, kDays); }
  Period SomePeriod(SeededRandom& random) {
    Period period{Day(random), std::nullopt};
    if (random.Between(0, 2) > 0) period.end = period.start + random.Between(1, kDays);
    return period;
  }
  static std::string Id(SeededRandom& random, char kind, int most) {
    return absl::StrCat(std::string(1, kind), random.Between(0, most));
  }

  // Does one thing in the register and in the model; both must let it happen or neither.
  void Step(SeededRandom& random, Model& model) {
    auto const period = SomePeriod(random);
    auto const dwelling = Id(random, 'd', 9);
    auto const household = Id(random, 'h', 14);
    int const department = static_cast<int>(random.Between(1, kDepartments));
    switch (random.Between(0, 9)) {
      case 0:
        return StepMerge(random, model, department);
      case 1:
      case 2:
      case 3: {
        auto request = DwellingRequest(organisation_, dwelling, absl::StrCat("00", department), "2026-01-01");
        *request.mutable_dwelling()->mutable_period() = ToProtoRange(period);
        return Same(Call<v1::Dwelling>("CreateDwelling", request), model.AddDwelling(dwelling, department, period));
      }
      case 4:
      case 5: {
        v1::UpdateDwellingRequest request;
        request.mutable_dwelling()->set_name(Name("dwellings", dwelling));
        *request.mutable_dwelling()->mutable_period() = ToProtoRange(period);
        return Same(Call<v1::Dwelling>("UpdateDwelling", request), model.ChangeDwelling(dwelling, period));
      }
      case 6: {
        v1::DeleteDwellingRequest request;
        request.set_name(Name("dwellings", dwelling));
        return Same(Call<google::protobuf::Empty>("DeleteDwelling", request), model.DeleteDwelling(dwelling));
      }
      case 7:
      case 8: {
        auto request = HouseholdRequest(organisation_, household, dwelling, "2026-01-01");
        *request.mutable_household()->mutable_occupation() = ToProtoRange(period);
        return Same(Call<v1::Household>("CreateHousehold", request), model.AddHousehold(household, dwelling, period));
      }
      default: {
        v1::UpdateHouseholdRequest request;
        request.mutable_household()->set_name(Name("households", household));
        *request.mutable_household()->mutable_occupation() = ToProtoRange(period);
        return Same(Call<v1::Household>("UpdateHousehold", request), model.ChangeHousehold(household, period));
      }
    }
  }

  void StepMerge(SeededRandom& random, Model& model, int successor) {
    int const predecessor = static_cast<int>(random.Between(1, kDepartments));
    auto const date = Day(random);
    v1::MergeDepartmentsRequest request;
    request.set_name(DepartmentOf(successor));
    request.add_predecessors(DepartmentOf(predecessor));
    *request.mutable_merge_date() = ToProtoDate(date);
    Same(Call<v1::Department>("MergeDepartments", request), model.Merge(successor, predecessor, date));
  }

  template <typename T>
  void Same(absl::StatusOr<T> const& result, bool allowed) {
    EXPECT_EQ(result.ok(), allowed) << result.status();
    // Whatever is refused is refused for a reason of the contract.
    if (!result.ok()) {
      EXPECT_NE(ReasonOf(result.status()), "INTERNAL") << result.status();
    }
  }

  template <typename Response, typename Request>
  std::vector<std::string> Walk(std::string_view method, Request request, SeededRandom& random) {
    std::vector<std::string> ids;
    request.set_parent("organisations/" + organisation_);
    request.set_page_size(static_cast<std::int32_t>(random.Between(1, 5)));
    do {
      auto const page = Call<Response>(method, request);
      EXPECT_THAT(page, IsOk());
      if (!page.ok()) break;
      for (auto& id : ListedIn(*page)) ids.push_back(std::move(id));
      request.set_page_token(page->next_page_token());
    } while (!request.page_token().empty());
    return ids;
  }

  void Compare(SeededRandom& random, Model const& model) {
    auto const day = absl::CivilDay(2026, 1, 1) + random.Between(-1, 2 * kDays);
    SCOPED_TRACE(ToIsoDate(day));
    for (int department = 1; department <= kDepartments; ++department) {
      v1::ListDwellingsRequest dwellings;
      dwellings.set_department(DepartmentOf(department));
      *dwellings.mutable_as_of_date() = ToProtoDate(day);
      EXPECT_EQ(Walk<v1::ListDwellingsResponse>("ListDwellings", dwellings, random), model.DwellingsOf(department, day))
          << department;
      v1::ListHouseholdsRequest households;
      households.set_department(DepartmentOf(department));
      *households.mutable_as_of_date() = ToProtoDate(day);
      EXPECT_EQ(Walk<v1::ListHouseholdsResponse>("ListHouseholds", households, random), model.HouseholdsOf(department, day))
          << department;
      v1::ResolveDepartmentRequest resolve;
      resolve.set_name(DepartmentOf(department));
      *resolve.mutable_as_of_date() = ToProtoDate(day);
      auto const resolved = Call<v1::Department>("ResolveDepartment", resolve);
      EXPECT_EQ(resolved.value_or(v1::Department()).name(), DepartmentOf(model.Resolve(department, day)));
    }
  }

  std::string organisation_;
};
HELHED_BOTH_ENGINES(ModelTest);

TEST_P(ModelTest, TheRegisterIsWhatWasEntered) {
  int number = 1000;
  ForAllSeeds(5, [&](SeededRandom& random) {
    organisation_ = std::to_string(++number);
    Organisation(organisation_);
    for (int department = 1; department <= kDepartments; ++department) Department(organisation_, absl::StrCat("00", department));
    Model model;
    for (int step = 0; step < 150; ++step) {
      Step(random, model);
      if (step % 30 == 29) Compare(random, model);
      if (HasFailure()) return;
    }
  });
}

}  // namespace
}  // namespace helhed::residents::testing
