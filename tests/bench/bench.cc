#include "tests/bench/bench.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>
#include <absl/synchronization/mutex.h>
#include <sys/types.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <thread>

#include "helhed/residents/v1/housing_register_service.pb.h"
#include "services/residents/residents.h"

namespace helhed::bench {

namespace rv1 = residents::v1;

void Fail(std::string_view what, absl::Status const& status) {
  std::cerr << what << ": " << status << "\n";
  std::exit(1);
}

void Report(std::string_view row, double ours, double reference, std::string_view unit, double bar) {
  std::cout << absl::StrFormat("%s\t%.4g\t%.4g\t%s\t%.2f\t%.2f\n", row, ours, reference, unit, ours / reference, bar)
            << std::flush;
}

void ReportAtMost(std::string_view row, double ours, std::string_view unit, double bar) {
  std::cout << absl::StrFormat("%s\t%.4g\t-\t%s\t%.2f\tat most %.4g\n", row, ours, unit, bar / ours, bar) << std::flush;
}

Service::Service(server::Definition const& definition, server::StorageOptions storage, std::string const& folder,
                 std::string const& roles_file)
    : package_(absl::StrCat("/helhed.", definition.name, ".v1.")),
      signer_(identity::Signer::Generate("bench")),
      log_({.service = "bench", .minimum = telemetry::Severity::kError, .destination = "-"}) {
  auto const key_file = absl::StrCat(folder, "/", definition.name, ".pub");
  std::ofstream(key_file) << signer_.PublicKeyText();
  identity_ = SignIn("bench");
  {
    auto const database = Must("open", server::OpenDatabase(storage));
    Must("migrate", storage::Migrate(*database, server::AllMigrations(definition)).status());
  }
  server::InstanceOptions options;
  options.storage = std::move(storage);
  options.identity_key_files = {key_file};
  options.roles_file = roles_file;
  instance_ = Must("instance", server::Instance::Open(definition, options, clock_, random_, log_, metrics_));
}

std::string Service::SignIn(std::string const& subject) {
  common::v1::Identity identity;
  identity.set_issuer("bench");
  identity.set_subject(subject);
  identity.set_audience("helhed");
  auto const now = absl::ToUnixSeconds(clock_.Now());
  identity.mutable_issue_time()->set_seconds(now);
  identity.mutable_expire_time()->set_seconds(now + 3600);
  identity.add_grants()->set_role("operator");
  return signer_.Sign(identity);
}

absl::StatusOr<std::string> Service::CallRaw(std::string_view method, std::string_view request, std::string_view identity) {
  auto const path = absl::StrCat(package_, Av(method));
  IncomingCall call;
  call.path = path;
  call.request = request;
  call.identity = identity.empty() ? std::string_view(identity_) : identity;
  return pipeline().Run(call);
}

Register::Register(server::StorageOptions storage, std::string const& folder, std::string const& roles_file)
    : Service(residents::ResidentsDefinition(), std::move(storage), folder, roles_file) {}

void Register::Fill(int organisations, int departments_each, int per_department) {
  for (int o = 0; o < organisations; ++o) {
    rv1::CreateOrganisationRequest organisation;
    organisation.set_organisation_id(absl::StrFormat("%04d", 1000 + o));
    organisation.mutable_organisation()->set_display_name(absl::StrCat("Boligforeningen ", o));
    auto const parent = Call<rv1::Organisation>("HousingRegisterService/CreateOrganisation", organisation).name();
    rv1::BatchCreateDwellingsRequest batch;
    batch.set_parent(parent);
    auto const send = [&] {
      if (batch.requests_size() > 0)
        Call<rv1::BatchCreateDwellingsResponse>("HousingRegisterService/BatchCreateDwellings", batch);
      batch.clear_requests();
    };
    for (int d = 1; d <= departments_each; ++d) {
      rv1::CreateDepartmentRequest department;
      department.set_parent(parent);
      department.set_department_id(absl::StrFormat("%03d", d));
      department.mutable_department()->set_display_name(absl::StrCat("Afdeling ", d));
      auto const name = Call<rv1::Department>("HousingRegisterService/CreateDepartment", department).name();
      for (int i = 0; i < per_department; ++i) {
        auto* const row = batch.add_requests();
        row->set_parent(parent);
        row->set_dwelling_id(absl::StrFormat("d%03d-%04d", d, i));
        auto* const dwelling = row->mutable_dwelling();
        dwelling->set_department(name);
        dwelling->set_address(absl::StrFormat("Øresundsvej %d, %d. th, 2300 København S", d * 7 % 300 + i / 8, i % 8 + 1));
        dwelling->set_area_square_metres(40 + i % 90);
        dwelling->mutable_period()->mutable_start_date()->set_year(1990);
        dwelling->mutable_period()->mutable_start_date()->set_month(1);
        dwelling->mutable_period()->mutable_start_date()->set_day(1);
        if (batch.requests_size() == 1000) send();
      }
    }
    send();
  }
}

double ResidentMebibytes(pid_t pid) {
  std::ifstream status(absl::StrCat("/proc/", pid, "/status"));
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmRSS:")) return std::atof(line.c_str() + 6) / 1024;
  }
  return 0;
}

double RoundsPerSecond(int callers, absl::Duration duration, std::function<void(int, std::int64_t)> const& work) {
  std::atomic<bool> running{true};
  std::atomic<std::int64_t> rounds{0};
  std::vector<std::thread> threads;
  auto const start = absl::Now();
  for (int caller = 0; caller < callers; ++caller) {
    threads.emplace_back([&, caller] {
      std::int64_t done = 0;
      while (running.load(std::memory_order_relaxed)) work(caller, done++);
      rounds += done;
    });
  }
  absl::SleepFor(duration);
  running = false;
  for (auto& thread : threads) thread.join();
  return static_cast<double>(rounds.load()) / absl::ToDoubleSeconds(absl::Now() - start);
}

void ReportInTurns(std::string_view row, std::function<void()> const& ours, std::function<void()> const& reference,
                   std::string_view unit, double bar) {
  constexpr int turns = 7;
  std::vector<double> our_rates, reference_rates;
  for (int turn = 0; turn < turns; ++turn) {
    reference_rates.push_back(RoundsPerSecond(1, kTurn, [&](int, std::int64_t) { reference(); }));
    our_rates.push_back(RoundsPerSecond(1, kTurn, [&](int, std::int64_t) { ours(); }));
  }
  std::sort(our_rates.begin(), our_rates.end());
  std::sort(reference_rates.begin(), reference_rates.end());
  Report(row, our_rates[turns / 2], reference_rates[turns / 2], unit, bar);
}

void Analyze(storage::Database& database) {
  storage::Statement const analyze(storage::Statement::Dynamic{"bench.analyze", "ANALYZE"});
  Must("analyze", database.Write({}, [&](storage::WriteTransaction& tx) { return tx.Execute(analyze, {}).status(); }));
}

}  // namespace helhed::bench

// helhed_bench SECTION ROLES_FILE BIN_FOLDER [DWELLINGS [POSTINGS [ATTENDANCES]]]
int main(int argc, char** argv) {
  // Debian's Abseil looks for deadlocks on every lock; a release binary does not, and neither does what measures one.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  if (argc < 4) {
    std::cerr << "usage: helhed_bench activities|campaigns|doors|paper|postings|reads|residents|writes ROLES_FILE BIN_FOLDER "
                 "[DWELLINGS [POSTINGS [ATTENDANCES]]]\n";
    return 2;
  }
  std::string const section = argv[1];
  if (section == "writes") helhed::bench::BenchWrites(argv[2]);
  if (section == "reads") helhed::bench::BenchReads(argv[2], argc > 4 ? std::atoi(argv[4]) : 600'000);
  if (section == "residents") helhed::bench::BenchResidents(argv[2], argc > 4 ? std::atoi(argv[4]) : 600'000);
  if (section == "postings") helhed::bench::BenchPostings(argv[2], argv[3], argc > 5 ? std::atoi(argv[5]) : 1'000'000);
  if (section == "activities") helhed::bench::BenchActivities(argv[2], argc > 6 ? std::atoi(argv[6]) : 2'000'000);
  if (section == "campaigns") helhed::bench::BenchCampaigns(argv[2]);
  if (section == "doors") helhed::bench::BenchDoors(argv[2], argv[3]);
  if (section == "paper") helhed::bench::BenchPaper();
  return 0;
}
