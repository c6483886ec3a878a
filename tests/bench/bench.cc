#include "tests/bench/bench.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>
#include <absl/synchronization/mutex.h>
#include <sys/types.h>

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

Folder::Folder() {
  std::string pattern = (std::filesystem::temp_directory_path() / "helhed-bench-XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr) Fail("mkdtemp", absl::ErrnoToStatus(errno, pattern));
  path_ = pattern;
}

Folder::~Folder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

Register::Register(server::StorageOptions storage, std::string const& folder, std::string const& roles_file)
    : log_({.service = "bench", .minimum = telemetry::Severity::kError, .destination = "-"}) {
  auto const signer = identity::Signer::Generate("bench");
  std::ofstream(folder + "/bench.pub") << signer.PublicKeyText();
  common::v1::Identity identity;
  identity.set_issuer("bench");
  identity.set_subject("bench");
  identity.set_audience("helhed");
  auto const now = absl::ToUnixSeconds(clock_.Now());
  identity.mutable_issue_time()->set_seconds(now);
  identity.mutable_expire_time()->set_seconds(now + 3600);
  identity.add_grants()->set_role("operator");
  identity_ = signer.Sign(identity);

  auto const definition = residents::ResidentsDefinition();
  {
    auto const database = Must("open", server::OpenDatabase(storage));
    Must("migrate", storage::Migrate(*database, server::AllMigrations(definition)).status());
  }
  server::InstanceOptions options;
  options.storage = std::move(storage);
  options.identity_key_files = {folder + "/bench.pub"};
  options.roles_file = roles_file;
  instance_ = Must("instance", server::Instance::Open(definition, options, clock_, random_, log_, metrics_));
}

absl::StatusOr<std::string> Register::CallRaw(std::string_view method, std::string_view request) {
  auto const path = absl::StrCat("/helhed.residents.v1.HousingRegisterService/", Av(method));
  IncomingCall call;
  call.path = path;
  call.request = request;
  call.identity = identity_;
  return pipeline().Run(call);
}

void Register::Fill(int organisations, int departments_each, int per_department) {
  for (int o = 0; o < organisations; ++o) {
    rv1::CreateOrganisationRequest organisation;
    organisation.set_organisation_id(absl::StrFormat("%04d", 1000 + o));
    organisation.mutable_organisation()->set_display_name(absl::StrCat("Boligforeningen ", o));
    auto const parent = Call<rv1::Organisation>("CreateOrganisation", organisation).name();
    rv1::BatchCreateDwellingsRequest batch;
    batch.set_parent(parent);
    auto const send = [&] {
      if (batch.requests_size() > 0) Call<rv1::BatchCreateDwellingsResponse>("BatchCreateDwellings", batch);
      batch.clear_requests();
    };
    for (int d = 1; d <= departments_each; ++d) {
      rv1::CreateDepartmentRequest department;
      department.set_parent(parent);
      department.set_department_id(absl::StrFormat("%03d", d));
      department.mutable_department()->set_display_name(absl::StrCat("Afdeling ", d));
      auto const name = Call<rv1::Department>("CreateDepartment", department).name();
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

}  // namespace helhed::bench

// helhed_bench SECTION ROLES_FILE BIN_FOLDER [DWELLINGS [POSTINGS]]
int main(int argc, char** argv) {
  // Debian's Abseil looks for deadlocks on every lock; a release binary does not, and neither does what measures one.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  if (argc < 4) {
    std::cerr << "usage: helhed_bench campaigns|writes|reads|residents|postings|doors|paper ROLES_FILE BIN_FOLDER [DWELLINGS "
                 "[POSTINGS]]\n";
    return 2;
  }
  std::string const section = argv[1];
  if (section == "writes") helhed::bench::BenchWrites(argv[2]);
  if (section == "reads") helhed::bench::BenchReads(argv[2], argc > 4 ? std::atoi(argv[4]) : 600'000);
  if (section == "residents") helhed::bench::BenchResidents(argv[2], argc > 4 ? std::atoi(argv[4]) : 600'000);
  if (section == "postings") helhed::bench::BenchPostings(argv[2], argc > 5 ? std::atoi(argv[5]) : 1'000'000);
  if (section == "campaigns") helhed::bench::BenchCampaigns(argv[2]);
  if (section == "doors") helhed::bench::BenchDoors(argv[2], argv[3]);
  if (section == "paper") helhed::bench::BenchPaper();
  return 0;
}
