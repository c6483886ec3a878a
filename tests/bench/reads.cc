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

constexpr absl::Duration kRound = absl::Seconds(2);

constexpr int kDepartments = 13;
constexpr int kPerDepartment = 85;

struct Figures {
  double point, first, deep, filtered, sorted;
};

// One caller at a time, so that the figures compare work and not contention. The organisation that is listed has as many
// dwellings as the store's size makes it have; names go through all of it.
Figures Measure(Register& store, int organisations, int departments, int per_department) {
  Figures figures{};
  SeededRandom random(1);
  figures.point = RoundsPerSecond(1, kRound, [&](int, std::int64_t) {
    rv1::GetDwellingRequest request;
    request.set_name(absl::StrFormat("organisations/%04d/dwellings/d%03d-%04d", 1000 + random.Between(0, organisations - 1),
                                     random.Between(1, departments), random.Between(0, per_department - 1)));
    store.Call<rv1::Dwelling>("GetDwelling", request);
  });
  auto const pages = [&](rv1::ListDwellingsRequest request) {
    return RoundsPerSecond(1, kRound, [&](int, std::int64_t) {
      request.set_parent(absl::StrFormat("organisations/%04d", 1000 + random.Between(0, organisations - 1)));
      auto const response = store.Call<rv1::ListDwellingsResponse>("ListDwellings", request);
      if (response.dwellings().empty()) Fail("empty page", absl::NotFoundError(request.parent()));
    });
  };
  rv1::ListDwellingsRequest request;
  request.set_page_size(50);
  figures.first = pages(request);
  request.set_order_by("address");
  figures.sorted = pages(request);
  request.set_order_by("");
  request.set_filter("area_square_metres > 60 AND area_square_metres < 70");
  figures.filtered = pages(request);

  // A deep page: the token of the page that begins at the end of the longest list there is.
  request.set_filter("");
  request.set_page_size(1000);
  request.set_parent("organisations/1000");
  rv1::ListDwellingsResponse page = store.Call<rv1::ListDwellingsResponse>("ListDwellings", request);
  std::string token;
  int const pages_max = std::max(1, departments * per_department / 1000 - 1);
  for (int i = 0; i < pages_max && !page.next_page_token().empty(); ++i) {
    token = page.next_page_token();
    request.set_page_token(token);
    page = store.Call<rv1::ListDwellingsResponse>("ListDwellings", request);
  }
  request.set_page_token(token);
  request.set_page_size(50);
  figures.deep =
      RoundsPerSecond(1, kRound, [&](int, std::int64_t) { store.Call<rv1::ListDwellingsResponse>("ListDwellings", request); });
  return figures;
}

void PipelineCost(Register& store) {
  rv1::GetOrganisationRequest request;
  request.set_name("organisations/1000");
  auto const bytes = request.SerializeAsString();
  auto const whole = RoundsPerSecond(1, kRound, [&](int, std::int64_t) { Must("get", store.CallRaw("GetOrganisation", bytes)); });
  // The same call refused by validation pays for everything but handler and store.
  rv1::GetOrganisationRequest bad;
  bad.set_name("organisations/1000/");
  auto const bad_bytes = bad.SerializeAsString();
  auto const refused = RoundsPerSecond(1, kRound, [&](int, std::int64_t) { (void)store.CallRaw("GetOrganisation", bad_bytes); });
  std::cout << absl::StrFormat(
      "# in-process call: read from SQLite %.1f us, of which door, pipeline and refusal at most %.1f us\n", 1e6 / whole,
      1e6 / refused);
}

void Compare(std::string const& engine, server::StorageOptions const& small_storage, server::StorageOptions const& large_storage,
             std::string const& roles_file, int dwellings) {
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
    // Autovacuum would do so within a minute of the import; without statistics the planner takes the country for a village.
    storage::Statement const analyze(storage::Statement::Dynamic{"bench.analyze", "ANALYZE"});
    for (auto* store : {&small, &large}) {
      Must("analyze",
           store->database().Write({}, [&](storage::WriteTransaction& tx) { return tx.Execute(analyze, {}).status(); }));
    }
  }
  auto const plan = Measure(small, 5, 4, 207);
  auto const nation = Measure(large, organisations, kDepartments, kPerDepartment);
  Report(engine + ": point read, national size against one plan", nation.point, plan.point, "reads/s", 0.7);
  Report(engine + ": first page of 50, national size against one plan", nation.first, plan.first, "pages/s", 0.7);
  Report(engine + ": first page sorted by address, national against one plan", nation.sorted, plan.sorted, "pages/s", 0.7);
  Report(engine + ": filtered page, national size against one plan", nation.filtered, plan.filtered, "pages/s", 0.7);
  Report(engine + ": deep page, national size against one plan", nation.deep, plan.deep, "pages/s", 0.7);
}

}  // namespace

void BenchReads(std::string const& roles_file, int dwellings) {
  {
    Folder folder;
    Compare("SQLite", {.sqlite_path = folder.path() + "/small.db"}, {.sqlite_path = folder.path() + "/large.db"}, roles_file,
            dwellings);
  }
  testing::PostgresFixture server(testing::PostgresFixture::Durability::kFull);
  Compare("PostgreSQL", {.postgres = server.NewDatabase()}, {.postgres = server.NewDatabase()}, roles_file, dwellings);
}

}  // namespace helhed::bench
