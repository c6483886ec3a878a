#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>

#include <algorithm>
#include <iostream>

#include "helhed/residents/v1/housing_register_service.pb.h"
#include "services/platform/testing/postgres.h"
#include "tests/bench/bench.h"

// Reads and lists at national size against the size of one plan, and what the pipeline costs.
namespace helhed::bench {
namespace {

namespace rv1 = residents::v1;

constexpr int kDepartments = 13;
constexpr int kPerDepartment = 85;

// A store of some size, and how it is asked.
struct Sized {
  Register& store;
  int organisations;
  int departments;
  int per_department;
  SeededRandom random{1};

  std::string Organisation() { return absl::StrFormat("organisations/%04d", 1000 + random.Between(0, organisations - 1)); }
  std::string Dwelling() {
    return absl::StrFormat("%s/dwellings/d%03d-%04d", Organisation(), random.Between(1, departments),
                           random.Between(0, per_department - 1));
  }
};

using Question = std::function<void(Sized&)>;

void GetOne(Sized& sized) {
  rv1::GetDwellingRequest request;
  request.set_name(sized.Dwelling());
  sized.store.Call<rv1::Dwelling>("HousingRegisterService/GetDwelling", request);
}

Question Page(std::string const& order_by, std::string const& filter) {
  rv1::ListDwellingsRequest request;
  request.set_page_size(50);
  request.set_order_by(order_by);
  request.set_filter(filter);
  return [request](Sized& sized) mutable {
    request.set_parent(sized.Organisation());
    auto const response = sized.store.Call<rv1::ListDwellingsResponse>("HousingRegisterService/ListDwellings", request);
    if (response.dwellings().empty()) Fail("empty page", absl::NotFoundError(request.parent()));
  };
}

// The last full page of 50 of an organisation.
rv1::ListDwellingsRequest LastPage(Sized& sized) {
  rv1::ListDwellingsRequest request;
  request.set_page_size(50);
  request.set_parent("organisations/1000");
  for (;;) {
    auto const page = sized.store.Call<rv1::ListDwellingsResponse>("HousingRegisterService/ListDwellings", request);
    auto next = request;
    next.set_page_token(page.next_page_token());
    if (sized.store.Call<rv1::ListDwellingsResponse>("HousingRegisterService/ListDwellings", next).next_page_token().empty())
      return request;
    request = next;
  }
}

void PipelineCost(Register& store) {
  rv1::GetOrganisationRequest request;
  request.set_name("organisations/1000");
  auto const bytes = request.SerializeAsString();
  auto const whole = RoundsPerSecond(
      1, 4 * kTurn, [&](int, std::int64_t) { Must("get", store.CallRaw("HousingRegisterService/GetOrganisation", bytes)); });
  // The same call refused by validation pays for everything but handler and store.
  rv1::GetOrganisationRequest bad;
  bad.set_name("organisations/1000/");
  auto const bad_bytes = bad.SerializeAsString();
  auto const refused = RoundsPerSecond(
      1, 4 * kTurn, [&](int, std::int64_t) { (void)store.CallRaw("HousingRegisterService/GetOrganisation", bad_bytes); });
  std::cout << absl::StrFormat(
      "# in-process call: read from SQLite %.1f us, of which door, pipeline and refusal at most %.1f us\n", 1e6 / whole,
      1e6 / refused);
}

void CompareSizes(std::string const& engine, server::StorageOptions const& small_storage,
                  server::StorageOptions const& large_storage, std::string const& roles_file, int dwellings) {
  Folder folder;
  // One plan: 5 organisations, 19 departments, 4,135 dwellings; here 5 x 4 x 207.
  Register small(small_storage, folder.path(), roles_file);
  small.Fill(5, 4, 207);
  Register large(large_storage, folder.path(), roles_file);
  // As the country was on 1 January 2018: 7,085 departments in 561 organisations.
  int const organisations = std::max(1, dwellings / (kDepartments * kPerDepartment));
  auto const begin = absl::Now();
  large.Fill(organisations, kDepartments, kPerDepartment);
  auto const rows = organisations * kDepartments * kPerDepartment;
  std::cout << absl::StrFormat("# %s: entered %d dwellings in %d departments at %.0f a second\n", engine, rows,
                               organisations * kDepartments, rows / absl::ToDoubleSeconds(absl::Now() - begin))
            << std::flush;
  if (engine == "SQLite") PipelineCost(small);
  if (engine == "PostgreSQL") {
    for (auto* store : {&small, &large}) Analyze(store->database());
  }
  Sized plan{small, 5, 4, 207};
  Sized nation{large, organisations, kDepartments, kPerDepartment};
  auto const same = [&](std::string const& what, std::string_view unit, Question const& question) {
    ReportInTurns(
        absl::StrCat(engine, ": ", what, ", national size against one plan"), [&] { question(nation); }, [&] { question(plan); },
        unit, 0.7);
  };
  same("point read", "reads/s", GetOne);
  same("first page of 50", "pages/s", Page("", ""));
  same("first page sorted by address", "pages/s", Page("address", ""));
  same("filtered page", "pages/s", Page("", "area_square_metres > 60 AND area_square_metres < 70"));
  auto const last_of_plan = LastPage(plan), last_of_nation = LastPage(nation);
  auto const list = [](Sized& sized, rv1::ListDwellingsRequest const& request) {
    sized.store.Call<rv1::ListDwellingsResponse>("HousingRegisterService/ListDwellings", request);
  };
  ReportInTurns(
      engine + ": deep page, national size against one plan", [&] { list(nation, last_of_nation); },
      [&] { list(plan, last_of_plan); }, "pages/s", 0.7);
}

}  // namespace

void BenchReads(std::string const& roles_file, int dwellings) {
  {
    Folder folder;
    CompareSizes("SQLite", {.sqlite_path = folder.path() + "/small.db"}, {.sqlite_path = folder.path() + "/large.db"}, roles_file,
                 dwellings);
  }
  testing::PostgresFixture server(testing::PostgresFixture::Durability::kFull);
  CompareSizes("PostgreSQL", {.postgres = server.NewDatabase()}, {.postgres = server.NewDatabase()}, roles_file, dwellings);
}

}  // namespace helhed::bench
