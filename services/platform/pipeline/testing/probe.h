#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidjson/document.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "helhed/probe/v1/probe_service.pb.h"
#include "services/platform/base/clock.h"
#include "services/platform/base/random.h"
#include "services/platform/identity/identity.h"
#include "services/platform/pipeline/pipeline.h"
#include "services/platform/testing/matchers.h"

// For tests: a pipeline before handlers that do what the test says.
namespace helhed::testing {

namespace pb = ::helhed::probe::v1;

inline constexpr char kProbe[] = "helhed.probe.v1.ProbeService";

inline std::string ProbePath(std::string_view method) { return "/" + std::string(kProbe) + "/" + std::string(method); }

// A stream of things that are pushed to it.
class ProbeStream final : public ServerStream {
 public:
  // What Next answers, one after another; then it waits.
  struct Step {
    std::vector<std::string> titles;
    absl::StatusOr<State> state;
  };
  struct Control {
    std::mutex mutex;
    std::vector<Step> steps;
    std::function<void()> wake;
    bool gone = false;

    void Push(Step step) {
      std::lock_guard const lock(mutex);
      steps.push_back(std::move(step));
      if (wake) wake();
    }
  };
  explicit ProbeStream(std::shared_ptr<Control> control) : control_(std::move(control)) {}
  ~ProbeStream() override {
    std::lock_guard const lock(control_->mutex);
    control_->gone = true;
  }

  absl::StatusOr<State> Next(CallContext const&, std::vector<std::string>& out) override {
    std::lock_guard const lock(control_->mutex);
    if (control_->steps.empty()) return State::kWait;
    auto step = std::move(control_->steps.front());
    control_->steps.erase(control_->steps.begin());
    for (auto const& title : step.titles) {
      pb::Thing thing;
      thing.set_title(title);
      out.push_back(thing.SerializeAsString());
    }
    return step.state;
  }
  absl::Duration poll_after() const override { return absl::Hours(1); }
  void Subscribe(std::function<void()> wake) override {
    std::lock_guard const lock(control_->mutex);
    control_->wake = std::move(wake);
  }
  void Unsubscribe() override {
    std::lock_guard const lock(control_->mutex);
    control_->wake = nullptr;
  }

 private:
  std::shared_ptr<Control> control_;
};

// The handlers: each runs `act` and answers with a thing of the name that was asked for.
class ProbeHandlers {
 public:
  using Act = std::function<absl::Status(CallContext const&, google::protobuf::Message const&)>;
  Act act;
  std::shared_ptr<ProbeStream::Control> stream = std::make_shared<ProbeStream::Control>();

  void Enter(Router& router) {
    router.Serve(kProbe);
    router.On(kProbe, "GetThing", this, &ProbeHandlers::Get);
    router.On(kProbe, "UpdateThing", this, &ProbeHandlers::Update);
    router.On(kProbe, "ListThings", this, &ProbeHandlers::List);
    router.On(kProbe, "PurgeThings", this, &ProbeHandlers::Purge);
    router.On(kProbe, "FindThing", this, &ProbeHandlers::Get);
    router.On(kProbe, "GetWeather", this, &ProbeHandlers::Weather);
    router.On(kProbe, "GetPerson", this, &ProbeHandlers::Person);
    router.OnStream(kProbe, "WatchThings", this, &ProbeHandlers::Watch, pb::Thing::default_instance());
  }

 private:
  absl::Status Do(CallContext const& call, google::protobuf::Message const& request) const {
    return act ? act(call, request) : absl::OkStatus();
  }
  absl::StatusOr<pb::Thing> Named(CallContext const& call, google::protobuf::Message const& request) const {
    RETURN_IF_ERROR(Do(call, request));
    pb::Thing thing;
    thing.set_name(call.resource());
    return thing;
  }
  absl::StatusOr<pb::Thing> Get(CallContext const& call, pb::GetThingRequest const& request) { return Named(call, request); }
  absl::StatusOr<pb::Thing> Update(CallContext const& call, pb::UpdateThingRequest const& request) {
    return Named(call, request);
  }
  absl::StatusOr<pb::Thing> Purge(CallContext const& call, pb::PurgeThingsRequest const& request) { return Named(call, request); }
  absl::StatusOr<pb::Thing> Weather(CallContext const& call, pb::GetWeatherRequest const& request) {
    return Named(call, request);
  }
  absl::StatusOr<pb::Thing> Person(CallContext const& call, pb::GetPersonRequest const& request) { return Named(call, request); }
  absl::StatusOr<pb::ListThingsResponse> List(CallContext const& call, pb::ListThingsRequest const& request) {
    RETURN_IF_ERROR(Do(call, request));
    return pb::ListThingsResponse();
  }
  absl::StatusOr<std::unique_ptr<ServerStream>> Watch(CallContext const& call, pb::ListThingsRequest const& request) {
    RETURN_IF_ERROR(Do(call, request));
    return std::make_unique<ProbeStream>(stream);
  }
};

// Everything that a pipeline stands on.
class Probe {
 public:
  explicit Probe(std::size_t threads = 2, std::size_t queue_max = 8)
      : log_path_(std::filesystem::path(::testing::TempDir()) /
                  ("helhed_probe_" + std::to_string(::getpid()) + "_" + std::to_string(SystemRandom().Next()))) {
    handlers.Enter(router);
    EXPECT_THAT(router.Check(), IsOk());
    EXPECT_THAT(verifier.AddKey(signer.PublicKeyText()), IsOk());
    log = std::make_unique<telemetry::Log>(telemetry::Log::Options{"probe", telemetry::Severity::kDebug, log_path_.string()});
    executor = std::make_unique<Executor>(threads, queue_max);
    pipeline = std::make_unique<Pipeline>(Pipeline::Parts{.service = "probe",
                                                          .router = &router,
                                                          .verifier = &verifier,
                                                          .roles = &roles,
                                                          .clock = &clock,
                                                          .random = &random,
                                                          .metrics = &metrics,
                                                          .log = log.get(),
                                                          .executor = executor.get()});
  }
  ~Probe() {
    pipeline.reset();
    executor.reset();
    log.reset();
    std::filesystem::remove(log_path_);
  }

  // An identity with one grant of the role `keeper`, which may do everything, or `reader`, which may only read.
  std::string Identity(std::string const& scope, std::string const& role = "keeper") const {
    common::v1::Identity identity;
    identity.set_issuer("gateway");
    identity.set_subject("subject-1");
    identity.set_audience("probe");
    identity.mutable_issue_time()->set_seconds(absl::ToUnixSeconds(clock.Now()));
    identity.mutable_expire_time()->set_seconds(absl::ToUnixSeconds(clock.Now()) + 600);
    auto* const grant = identity.add_grants();
    grant->set_role(role);
    grant->set_scope(scope);
    return signer.Sign(identity);
  }

  absl::StatusOr<std::string> Run(std::string_view method, std::string_view request, std::string identity) const {
    auto const path = ProbePath(method);
    IncomingCall call;
    call.path = path;
    call.request = request;
    call.identity = std::move(identity);
    return pipeline->Run(call);
  }
  absl::StatusOr<std::string> Run(std::string_view method, google::protobuf::Message const& request, std::string identity) const {
    return Run(method, request.SerializeAsString(), std::move(identity));
  }

  // The log so far, a document a line.
  std::vector<rapidjson::Document> Lines() const {
    log->Flush();
    std::vector<rapidjson::Document> documents;
    std::ifstream in(log_path_);
    for (std::string line; std::getline(in, line);) {
      EXPECT_FALSE(documents.emplace_back().Parse(line.c_str(), line.size()).HasParseError()) << line;
    }
    return documents;
  }
  std::string LogText() const {
    log->Flush();
    std::ifstream in(log_path_);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  FakeClock clock{absl::FromUnixSeconds(1'700'000'000)};
  SystemRandom random;
  identity::Signer signer = identity::Signer::FromSeed("test", std::string(32, 's'));
  identity::Verifier verifier{clock, "probe"};
  identity::Roles roles = *identity::Roles::FromText(
      "roles { name: 'keeper' permissions: 'probe.*' } roles { name: 'reader' permissions: 'probe.things.get' "
      "permissions: 'probe.things.list' permissions: 'probe.things.find' }",
      "the test");
  ProbeHandlers handlers;
  Router router;
  telemetry::Metrics metrics;
  std::unique_ptr<telemetry::Log> log;
  std::unique_ptr<Executor> executor;
  std::unique_ptr<Pipeline> pipeline;

 private:
  std::filesystem::path log_path_;
};

inline pb::GetThingRequest AskFor(std::string_view name) {
  pb::GetThingRequest request;
  request.set_name(std::string(name));
  return request;
}

}  // namespace helhed::testing
