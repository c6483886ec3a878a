#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <iostream>

#include "helhed/residents/v1/democracy_service.pb.h"
#include "helhed/residents/v1/people_service.pb.h"
#include "helhed/residents/v1/statistics_service.pb.h"
#include "services/platform/testing/postgres.h"
#include "tests/bench/bench.h"

// The register of people at national size (600,000 dwellings, a million residents) against the size of one plan: a person, the
// list for a meeting, the count of its votes, the check of a voter, the statistics of an organisation.
namespace helhed::bench {
namespace {

namespace rv1 = residents::v1;
using storage::Statement;

// Organisations of the same size in both stores, so that the same work is compared: 4 departments of 207 dwellings, as one plan
// has them on the average. The nation then has 724 of them; it really had 561 on 1 January 2018.
constexpr int kDepartments = 4;
constexpr int kPerDepartment = 207;
constexpr int kOfOnePlan = 5;

Statement const kHousehold("bench.household",
                           "INSERT INTO households (organisation, household, dwelling, occupation_start_date, revision, "
                           "create_time, update_time) VALUES ($1, $2, $2, '2000-01-01', 1, 0, 0)");
Statement const kResident("bench.resident",
                          "INSERT INTO residents (resident, given_name, family_name, birth_date, responsibility_controller, "
                          "revision, create_time, update_time) VALUES ($1, $2, $3, $4, $5, 1, 0, 0)");
Statement const kMember(
    "bench.member",
    "INSERT INTO household_members (resident, membership, household_organisation, household, kind, "
    "period_start_date, revision, create_time, update_time) VALUES ($1, 'm', $2, $3, 1, '2000-01-01', 1, 0, 0)");
Statement const kSearch("bench.search",
                        "INSERT INTO resident_search (organisation, resident, family_name_key, given_name_key, birth_date) "
                        "VALUES ($1, $2, $3, $4, $5)");
Statement const kLanguage("bench.language", "INSERT INTO resident_languages (resident, position, language) VALUES ($1, 0, $2)");
Statement const kPurpose(
    "bench.purpose",
    "INSERT INTO purposes (purpose, display_name, display_name_sort, legal_basis, period_start_date, revision, "
    "create_time, update_time) VALUES ('bench', 'Bench', $1, 3, '2000-01-01', 1, 0, 0)");

std::string OrganisationId(int organisation) { return absl::StrFormat("%04d", 1000 + organisation); }
std::string DwellingId(int department, int dwelling) { return absl::StrFormat("d%03d-%04d", department, dwelling); }

class People {
 public:
  People(Register& store, int organisations) : store_(store), organisations_(organisations) {}

  // A household in every dwelling, five people in every three.
  void Fill() {
    store_.Fill(organisations_, kDepartments, kPerDepartment);
    std::array<std::byte, 1> const sort{std::byte{1}};
    Write([&](storage::WriteTransaction& tx) { return tx.Execute(kPurpose, {storage::Bytes(sort)}).status(); });
    for (int organisation = 0; organisation < organisations_; ++organisation) {
      Write([&](storage::WriteTransaction& tx) { return FillOrganisation(tx, organisation); });
    }
  }
  int residents() const { return residents_; }

  std::string RandomResident() { return ResidentName(static_cast<int>(random_.Between(0, residents_ - 1))); }
  std::string RandomOrganisation() {
    return "organisations/" + OrganisationId(static_cast<int>(random_.Between(0, organisations_ - 1)));
  }
  std::string RandomDepartment() {
    return absl::StrFormat("%s/departments/%03d", RandomOrganisation(), random_.Between(1, kDepartments));
  }

  template <typename Request>
  void Ask(std::string_view method, Request const& request) {
    Must(method, store_.CallRaw(method, request.SerializeAsString()).status());
  }

 private:
  static std::string ResidentId(int number) { return absl::StrFormat("01930000-%04x-7000-8000-%012d", number % 65536, number); }
  static std::string ResidentName(int number) { return "residents/" + ResidentId(number); }

  void Write(absl::FunctionRef<absl::Status(storage::WriteTransaction&)> unit) {
    Must("fill", store_.database().Write({}, unit));
  }

  absl::Status FillOrganisation(storage::WriteTransaction& tx, int organisation) {
    std::string const id = OrganisationId(organisation);
    for (int department = 1; department <= kDepartments; ++department) {
      for (int i = 0; i < kPerDepartment; ++i) {
        std::string const household = DwellingId(department, i);
        RETURN_IF_ERROR(Enqueue(tx, kHousehold, {id, household}));
        for (int member = 0; member < (i % 3 == 0 ? 1 : 2); ++member) RETURN_IF_ERROR(FillMember(tx, id, household));
      }
    }
    return absl::OkStatus();
  }

  absl::Status FillMember(storage::WriteTransaction& tx, std::string const& organisation, std::string const& household) {
    std::string const id = ResidentId(residents_++);
    std::string const birth =
        absl::StrFormat("%d-%02d-%02d", random_.Between(1935, 2025), random_.Between(1, 12), random_.Between(1, 28));
    auto const given_name = absl::StrCat("fornavn", random_.Between(1, 500));
    auto const family_name = absl::StrCat("efternavn", random_.Between(1, 500));
    RETURN_IF_ERROR(Enqueue(tx, kResident, {id, given_name, family_name, birth, absl::StrCat("organisations/", organisation)}));
    RETURN_IF_ERROR(Enqueue(tx, kSearch, {organisation, id, family_name, given_name, birth}));
    static constexpr std::array<std::string_view, 6> kLanguages = {"da", "da", "da", "ar", "so", "tr"};
    RETURN_IF_ERROR(Enqueue(tx, kLanguage, {id, std::string(kLanguages[static_cast<std::size_t>(random_.Between(0, 5))])}));
    return Enqueue(tx, kMember, {id, organisation, household});
  }

  static absl::Status Enqueue(storage::WriteTransaction& tx, Statement const& statement, std::vector<std::string> const& texts) {
    std::vector<storage::Bind> const binds(texts.begin(), texts.end());
    return tx.Enqueue(statement, binds);
  }

  Register& store_;
  int organisations_;
  int residents_ = 0;
  SeededRandom random_{1};
};

void CompareSizes(std::string const& engine, server::StorageOptions const& small_storage,
                  server::StorageOptions const& large_storage, std::string const& roles_file, int dwellings) {
  Folder folder;
  Register small(small_storage, folder.path(), roles_file);
  Register large(large_storage, folder.path(), roles_file);
  People plan(small, kOfOnePlan);
  plan.Fill();
  People nation(large, std::max(1, dwellings / (kDepartments * kPerDepartment)));
  auto const begin = absl::Now();
  nation.Fill();
  std::cout << absl::StrFormat("# %s: entered %d residents in %.0f s\n", engine, nation.residents(),
                               absl::ToDoubleSeconds(absl::Now() - begin))
            << std::flush;
  if (engine == "PostgreSQL") {
    for (auto* store : {&small, &large}) Analyze(store->database());
  }
  auto const compare = [&](std::string const& what, std::function<void(People&)> const& question) {
    ReportInTurns(
        absl::StrCat(engine, ": ", what, ", national size against one plan"), [&] { question(nation); }, [&] { question(plan); },
        "calls/s", 0.7);
  };
  compare("a person, logged", [](People& people) {
    rv1::GetResidentRequest request;
    request.set_name(people.RandomResident());
    request.set_purpose("purposes/bench");
    people.Ask("PeopleService/GetResident", request);
  });
  compare("count of a department's votes", [](People& people) {
    rv1::CountEligibleVotesRequest request;
    request.set_parent(people.RandomDepartment());
    people.Ask("ResidentDemocracyService/CountEligibleVotes", request);
  });
  compare("page of the list for a meeting, logged", [](People& people) {
    rv1::FetchEligibleVotersRequest request;
    request.set_parent(people.RandomDepartment());
    request.set_page_size(50);
    request.set_purpose("purposes/bench");
    people.Ask("ResidentDemocracyService/FetchEligibleVoters", request);
  });
  compare("check of a voter, logged", [](People& people) {
    rv1::CheckEligibilityRequest request;
    request.set_parent(people.RandomDepartment());
    request.set_resident(people.RandomResident());
    request.set_purpose("purposes/bench");
    people.Ask("ResidentDemocracyService/CheckEligibility", request);
  });
  compare("statistics of an organisation", [](People& people) {
    rv1::AggregateResidentsRequest request;
    request.set_parent(people.RandomOrganisation());
    request.add_dimensions(rv1::RESIDENT_DIMENSION_DEPARTMENT);
    request.add_dimensions(rv1::RESIDENT_DIMENSION_AGE_BAND);
    people.Ask("ResidentStatisticsService/AggregateResidents", request);
  });
}

}  // namespace

void BenchResidents(std::string const& roles_file, int dwellings) {
  {
    Folder folder;
    CompareSizes("SQLite", {.sqlite_path = folder.path() + "/small.db"}, {.sqlite_path = folder.path() + "/large.db"}, roles_file,
                 dwellings);
  }
  testing::PostgresFixture server(testing::PostgresFixture::Durability::kFull);
  CompareSizes("PostgreSQL", {.postgres = server.NewDatabase()}, {.postgres = server.NewDatabase()}, roles_file, dwellings);
}

}  // namespace helhed::bench
