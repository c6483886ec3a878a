#include <absl/strings/str_cat.h>

#include <atomic>
#include <map>
#include <mutex>
#include <thread>

#include "services/residents/testing/people.h"

// What must hold when callers do not wait for each other. PostgreSQL runs them side by side; SQLite has one writer and passes
// too.
namespace helhed::residents::testing {
namespace {

using ::testing::IsEmpty;

template <typename Fixture>
class Simultaneous : public Fixture {
 protected:
  // Runs `call(i)` for i from 0 on, each on a thread of its own, and counts how they ended, by reason (`OK` for none).
  std::map<std::string, int> AtOnce(int count, std::function<absl::Status(int)> const& call) {
    std::mutex mutex;
    std::map<std::string, int> outcomes;
    std::atomic<int> ready = 0;
    std::vector<std::jthread> threads;
    for (int i = 0; i < count; ++i) {
      threads.emplace_back([&, i] {
        for (++ready; ready < count;) std::this_thread::yield();
        auto const status = call(i);
        std::lock_guard const lock(mutex);
        ++outcomes[status.ok() ? "OK" : ReasonOf(status)];
      });
    }
    threads.clear();
    return outcomes;
  }
};

class ConcurrencyTest : public Simultaneous<RegisterTest> {
 protected:
  ConcurrencyTest() {
    for (auto const* id : {"9001", "9002"}) Organisation(id);
    for (auto const* id : {"001", "002"}) Department("9001", id);
  }
};
HELHED_BOTH_ENGINES(ConcurrencyTest);

TEST_P(ConcurrencyTest, NoDwellingSlipsIntoADepartmentThatIsBeingMerged) {
  for (int round = 0; round < 5; ++round) {
    std::string const first = absl::StrCat("1", round, "1");
    std::string const second = absl::StrCat("1", round, "2");
    Department("9001", first);
    Department("9001", second);
    auto const outcomes = AtOnce(4, [&](int i) {
      if (i == 0) {
        v1::MergeDepartmentsRequest request;
        request.set_name("organisations/9001/departments/" + second);
        request.add_predecessors("organisations/9001/departments/" + first);
        *request.mutable_merge_date() = Date("2022-01-01");
        return Call<v1::Department>("MergeDepartments", request).status();
      }
      for (int j = 0; j < 3; ++j) {
        auto const request = DwellingRequest("9001", absl::StrCat("d", round, "-", i, "-", j), first, "2020-01-01");
        auto const status = Call<v1::Dwelling>("CreateDwelling", request).status();
        if (!status.ok()) return status;
      }
      return absl::OkStatus();
    });
    EXPECT_EQ(outcomes, (std::map<std::string, int>{{"OK", 4}}));
    v1::ListDwellingsRequest request;
    request.set_parent("organisations/9001");
    request.set_department("organisations/9001/departments/" + first);
    auto const left = Call<v1::ListDwellingsResponse>("ListDwellings", request);
    ASSERT_THAT(left, IsOk());
    EXPECT_THAT(ListedIn(*left), IsEmpty());
    request.set_department("organisations/9001/departments/" + second);
    auto const moved = Call<v1::ListDwellingsResponse>("ListDwellings", request);
    ASSERT_THAT(moved, IsOk());
    EXPECT_EQ(moved->dwellings_size(), 9);
  }
}

TEST_P(ConcurrencyTest, OneOfManyHouseholdsMovesIn) {
  Dwelling("9001", "a", "001", "2020-01-01");
  auto const outcomes = AtOnce(4, [&](int i) {
    auto const request = HouseholdRequest("9001", absl::StrCat("h", i), "a", absl::StrCat("202", i, "-01-01"));
    return Call<v1::Household>("CreateHousehold", request).status();
  });
  EXPECT_EQ(outcomes, (std::map<std::string, int>{{"OK", 1}, {"PERIODS_OVERLAP", 3}}));
}

TEST_P(ConcurrencyTest, OneOfManyDwellingsTakesAnAddress) {
  for (int round = 0; round < 10; ++round) {
    auto const outcomes = AtOnce(4, [&](int i) {
      auto request = DwellingRequest("9001", absl::StrCat("d", round, "-", i), "001", "2020-01-01");
      request.mutable_dwelling()->set_address_uuid(absl::StrCat("0a3f50b8-1234-32b8-e044-0003ba29801", round));
      return Call<v1::Dwelling>("CreateDwelling", request).status();
    });
    EXPECT_EQ(outcomes, (std::map<std::string, int>{{"OK", 1}, {"ADDRESS_TAKEN", 3}}));
  }
}

TEST_P(ConcurrencyTest, OneOfTwoBecomesTheOthersAdministrator) {
  auto const outcomes = AtOnce(2, [&](int i) {
    v1::CreateAdministrationRequest request;
    request.set_parent(absl::StrCat("organisations/900", 1 + i));
    request.mutable_administration()->set_administrator(absl::StrCat("organisations/900", 2 - i));
    *request.mutable_administration()->mutable_period() = Range("2020-01-01");
    return Call<v1::Administration>("CreateAdministration", request).status();
  });
  EXPECT_EQ(outcomes, (std::map<std::string, int>{{"OK", 1}, {"ADMINISTRATION_CIRCULAR", 1}}));
}

TEST_P(ConcurrencyTest, UpdatesWithoutAnEtagDoNotMeetEachOther) {
  Dwelling("9001", "a", "001", "2020-01-01");
  Household("9001", "h", "a", "2020-01-01");
  auto const outcomes = AtOnce(8, [&](int i) -> absl::Status {
    if (i % 4 == 0) {
      v1::UpdateDwellingRequest request;
      request.mutable_dwelling()->set_name("organisations/9001/dwellings/a");
      request.mutable_dwelling()->set_area_square_metres(50 + i);
      return Call<v1::Dwelling>("UpdateDwelling", request).status();
    }
    if (i % 4 == 1) {
      v1::UpdateHouseholdRequest request;
      request.mutable_household()->set_name("organisations/9001/households/h");
      *request.mutable_household()->mutable_occupation() = Range("2020-01-01", absl::StrCat("203", i, "-01-01"));
      return Call<v1::Household>("UpdateHousehold", request).status();
    }
    if (i % 4 == 2) {
      v1::UpdateDepartmentRequest request;
      request.mutable_department()->set_name("organisations/9001/departments/001");
      request.mutable_department()->set_display_name(absl::StrCat("Afdeling ", i));
      return Call<v1::Department>("UpdateDepartment", request).status();
    }
    v1::UpdateOrganisationRequest request;
    request.mutable_organisation()->set_name("organisations/9001");
    request.mutable_organisation()->set_display_name(absl::StrCat("Organisation ", i));
    return Call<v1::Organisation>("UpdateOrganisation", request).status();
  });
  EXPECT_EQ(outcomes, (std::map<std::string, int>{{"OK", 8}}));
}

class PeopleConcurrencyTest : public Simultaneous<PeopleTest> {};
HELHED_BOTH_ENGINES(PeopleConcurrencyTest);

TEST_P(PeopleConcurrencyTest, OneOfManyPeopleTakesACprNumber) {
  for (int round = 0; round < 5; ++round) {
    auto const outcomes = AtOnce(4, [&](int i) {
      auto const request = Entry(absl::StrCat("Anna", i), kHouseholdA, absl::StrCat("170550-500", round), "");
      return RegisterTest::Call<v1::Resident>("PeopleService/CreateResident", request).status();
    });
    EXPECT_EQ(outcomes, (std::map<std::string, int>{{"OK", 1}, {"CPR_NUMBER_TAKEN", 3}}));
  }
}

TEST_P(PeopleConcurrencyTest, OneOfManyAsksForAConsent) {
  for (int round = 0; round < 5; ++round) {
    v1::CreateConsentRequest request;
    request.set_parent(Person(absl::StrCat("Anna", round)));
    request.mutable_consent()->set_purpose("purposes/advice");
    request.mutable_consent()->set_consent_text("purposes/advice/consentTexts/1");
    auto const outcomes =
        AtOnce(4, [&](int) { return RegisterTest::Call<v1::Consent>("ConsentService/CreateConsent", request).status(); });
    EXPECT_EQ(outcomes, (std::map<std::string, int>{{"OK", 1}, {"CONSENT_ACTIVE", 3}}));
  }
}

// P7: who is erased while others write to the person leaves nothing behind, whoever comes first.
TEST_P(PeopleConcurrencyTest, NothingIsWrittenToWhoIsBeingErased) {
  for (int round = 0; round < 5; ++round) {
    auto const anna = Person(absl::StrCat("Anna", round));
    auto const outcomes = AtOnce(4, [&](int i) -> absl::Status {
      if (i == 0) {
        v1::EraseResidentRequest request;
        request.set_name(anna);
        request.set_ground(v1::ERASURE_GROUND_REQUEST);
        request.set_purpose("purposes/register");
        return RegisterTest::Call<v1::Erasure>("ErasureService/EraseResident", request).status();
      }
      v1::UpdateResidentRequest request;
      request.mutable_resident()->set_name(anna);
      request.mutable_resident()->set_preferred_name(absl::StrCat("Kanariefugl", i));
      request.mutable_resident()->add_languages(i == 1 ? "da" : "so");
      request.set_purpose("purposes/register");
      return RegisterTest::Call<v1::Resident>("PeopleService/UpdateResident", request).status();
    });
    for (auto const& [reason, count] : outcomes) EXPECT_TRUE(reason == "OK" || reason == "RESIDENT_ERASED") << reason << count;
    EXPECT_THAT(Get(anna), StatusIs(kAbsent, "RESIDENT_ERASED"));
    EXPECT_THAT(TablesThatHold("Kanariefugl"), IsEmpty());
  }
}

}  // namespace
}  // namespace helhed::residents::testing
