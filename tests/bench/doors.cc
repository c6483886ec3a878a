#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iostream>
#include <mutex>
#include <numeric>

#include "helhed/residents/v1/housing_register_service.pb.h"
#include "services/platform/client/channel.h"
#include "tests/bench/bench.h"
#include "tests/e2e/process.h"

// The service as a process: how soon it is ready, what it weighs at rest, what a call through gRPC costs.
namespace helhed::bench {
namespace {

namespace rv1 = residents::v1;

constexpr std::string_view kGet = "/helhed.residents.v1.HousingRegisterService/GetOrganisation";

struct ServingRegister {
  ServingRegister(std::string const& folder, std::string const& roles_file, std::string const& bin)
      : log(folder + "/service.log") {
    address = absl::StrCat("127.0.0.1:", testing::FreePort());
    auto const signer = identity::Signer::Generate("bench");
    std::ofstream(folder + "/bench.pub") << signer.PublicKeyText();
    common::v1::Identity caller;
    caller.set_issuer("bench");
    caller.set_subject("bench");
    caller.set_audience("helhed");
    auto const now = absl::ToUnixSeconds(absl::Now());
    caller.mutable_issue_time()->set_seconds(now);
    caller.mutable_expire_time()->set_seconds(now + 3600);
    caller.add_grants()->set_role("operator");
    identity = signer.Sign(caller);
    arguments = {bin + "/helhed-residents",
                 "serve",
                 "--sqlite",
                 folder + "/residents.sqlite",
                 "--listen",
                 address,
                 "--admin-listen",
                 "",
                 "--identity-key-file",
                 folder + "/bench.pub",
                 "--roles-file",
                 roles_file,
                 "--migrate-on-start",
                 "--log-level",
                 "warning"};
  }

  // Starts it and returns how long it took until a call was answered.
  absl::Duration Start() {
    auto const begin = absl::Now();
    process = std::make_unique<testing::Process>(arguments, log);
    auto const channel = client::ConnectGrpc({.target = address});
    while (absl::IsUnavailable(Get(*channel))) {
      if (absl::Now() - begin > absl::Seconds(30)) Fail("start", absl::DeadlineExceededError(testing::ReadWhole(log)));
      absl::SleepFor(absl::Milliseconds(2));
    }
    return absl::Now() - begin;
  }

  void Stop() {
    process->Signal(SIGTERM);
    if (process->Wait() != 0) Fail("stop", absl::InternalError(testing::ReadWhole(log)));
  }

  absl::Status Get(client::Channel& channel) const {
    rv1::GetOrganisationRequest request;
    request.set_name("organisations/9001");
    return client::Invoke<rv1::Organisation>(channel, kGet, request,
                                             {.deadline = absl::Now() + absl::Seconds(10), .identity = identity})
        .status();
  }

  std::string log, address, identity;
  std::vector<std::string> arguments;
  std::unique_ptr<testing::Process> process;
};

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

// The median of calls after silence against the median of calls that follow at once.
void AfterSilence(ServingRegister& service) {
  auto const channel = client::ConnectGrpc({.target = service.address});
  auto const time = [&] {
    auto const begin = absl::Now();
    Must("get", service.Get(*channel));
    return absl::ToDoubleMicroseconds(absl::Now() - begin);
  };
  std::vector<double> first, next;
  time();
  for (int i = 0; i < 7; ++i) {
    absl::SleepFor(absl::Seconds(2));
    first.push_back(time());
    for (int j = 0; j < 20; ++j) next.push_back(time());
  }
  Report("first call after 2 s of silence: time of the next against the first", Median(next), Median(first), "us", 0.5);
}

}  // namespace

void BenchDoors(std::string const& roles_file, std::string const& bin) {
  Folder folder;
  ServingRegister service(folder.path(), roles_file, bin);
  service.Start();
  {
    auto const channel = client::ConnectGrpc({.target = service.address});
    rv1::CreateOrganisationRequest request;
    request.set_organisation_id("9001");
    request.mutable_organisation()->set_display_name("Boligforeningen 3B");
    Must("create", client::Invoke<rv1::Organisation>(*channel, "/helhed.residents.v1.HousingRegisterService/CreateOrganisation",
                                                     request, {.identity = service.identity}));
  }
  service.Stop();
  std::vector<double> starts;
  for (int i = 0; i < 5; ++i) {
    starts.push_back(absl::ToDoubleSeconds(service.Start()));
    if (i < 4) service.Stop();
  }
  ReportAtMost("start to ready, helhed-residents on SQLite", Median(starts), "s", 0.5);
  absl::SleepFor(absl::Seconds(1));
  ReportAtMost("memory at rest, helhed-residents on SQLite", ResidentMebibytes(service.process->pid()), "MiB", 40);
  AfterSilence(service);

  std::vector<std::unique_ptr<client::Channel>> channels;
  for (int i = 0; i < 4; ++i) channels.push_back(client::ConnectGrpc({.target = service.address}));
  auto const direct = RoundsPerSecond(32, absl::Seconds(4), [&](int caller, std::int64_t) {
    Must("get", service.Get(*channels[static_cast<std::size_t>(caller) % channels.size()]));
  });
  std::cout << "# gRPC read without a gateway, 32 callers in this process: " << static_cast<int>(direct) << " calls/s\n";
  service.Stop();
}

}  // namespace helhed::bench
