#include "services/platform/server/grpc_server.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_replace.h>
#include <absl/time/clock.h>
#include <gmock/gmock.h>
#include <grpc/support/log.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <condition_variable>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <fstream>
#include <future>
#include <mutex>
#include <stop_token>
#include <thread>
#include <utility>

#include "helhed/common/v1/errors.pb.h"
#include "helhed/events/v1/event_service.pb.h"
#include "services/platform/base/status.h"
#include "services/platform/client/channel.h"
#include "services/platform/identity/identity.h"
#include "services/platform/server/commands.h"
#include "services/platform/testing/folder.h"
#include "services/platform/testing/matchers.h"

namespace helhed::server {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Gt;
using ::testing::HasSubstr;
using testing::IsOk;
using ::testing::Lt;
using ::testing::SizeIs;
using testing::StatusCodeIs;
using testing::StatusIs;

constexpr char kService[] = "helhed.events.v1.EventService";
constexpr char kRead[] = "/helhed.events.v1.EventService/ReadEvents";
constexpr char kWatch[] = "/helhed.events.v1.EventService/WatchEvents";

std::string Message(std::string cursor) {
  events::v1::WatchEventsResponse message;
  message.set_next_cursor(std::move(cursor));
  return message.SerializeAsString();
}

// What the streams of a test do, and what was seen of them.
struct Script {
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<std::string> queue;  // sent one message a Next, then the stream waits
  bool late = false;              // once: a message comes, and its wake-up, when the stream has just found none
  bool endless = false;           // instead: 64 KiB again and again
  std::optional<absl::Status> end;
  std::function<void()> wake;
  int asked = 0;    // for messages
  int entered = 0;  // handlers of unary calls that wait
  int open = 0;
  int cancelled = 0;
  bool released = false;

  void Change(std::function<void()> const& change) {
    std::lock_guard const lock(mutex);
    change();
    changed.notify_all();
    if (wake) wake();
  }
  // Waits for what must come to pass; the test's own time-out is the limit.
  void Await(std::function<bool()> const& condition) {
    std::unique_lock lock(mutex);
    changed.wait(lock, condition);
  }
};

class ScriptedStream final : public ServerStream {
 public:
  explicit ScriptedStream(Script& script) : script_(script) {
    script_.Change([&] { ++script_.open; });
  }
  ~ScriptedStream() override {
    script_.Change([&] { --script_.open; });
  }

  absl::StatusOr<State> Next(CallContext const&, std::vector<std::string>& out) override {
    std::lock_guard const lock(script_.mutex);
    ++script_.asked;
    script_.changed.notify_all();
    if (std::exchange(script_.late, false)) {
      script_.queue.emplace_back("late");
      script_.wake();
      return State::kWait;
    }
    if (script_.endless) {
      out.push_back(Message(std::string(64 * 1024, 'x')));
      return State::kMore;
    }
    if (!script_.queue.empty()) {
      out.push_back(Message(script_.queue.front()));
      script_.queue.pop_front();
      return State::kMore;
    }
    if (!script_.end) return State::kWait;
    if (!script_.end->ok()) return *script_.end;
    out.push_back(Message("last"));
    return State::kDone;
  }
  absl::Duration poll_after() const override { return absl::InfiniteDuration(); }
  void Subscribe(std::function<void()> wake) override {
    std::lock_guard const lock(script_.mutex);
    script_.wake = std::move(wake);
  }
  void Unsubscribe() override {
    std::lock_guard const lock(script_.mutex);
    script_.wake = nullptr;
  }

 private:
  Script& script_;
};

// EventService's contract, which has a method of each kind, with handlers that do as `cursor` says.
class Handlers {
 public:
  explicit Handlers(Script& script) : script_(script) {}

  absl::StatusOr<events::v1::ReadEventsResponse> ReadEvents(CallContext const& call,
                                                            events::v1::ReadEventsRequest const& request) {
    if (request.cursor() == "bad") {
      std::vector<FieldViolation> violations;
      for (int i = 0; i < 500; ++i) violations.push_back({absl::StrCat("requests[", i, "].name"), "must be set"});
      return BadRequest(std::move(violations));
    }
    if (request.cursor() == "large") {
      events::v1::ReadEventsResponse response;
      response.set_next_cursor(std::string(100'000, 'l'));
      return response;
    }
    if (request.cursor() == "wait") return WaitForCancellation(call);
    if (request.cursor() == "block") {
      script_.Change([&] { ++script_.entered; });
      script_.Await([&] { return script_.released; });
    }
    events::v1::ReadEventsResponse response;
    response.set_next_cursor(request.cursor());
    return response;
  }

  absl::StatusOr<std::unique_ptr<ServerStream>> WatchEvents(CallContext const&, events::v1::WatchEventsRequest const& request) {
    if (request.cursor() == "bad") return NotFound("events/bad");
    return std::make_unique<ScriptedStream>(script_);
  }

 private:
  absl::Status WaitForCancellation(CallContext const& call) {
    script_.Change([&] { ++script_.entered; });
    auto const stop = call.limits().stop;
    std::stop_callback const woken(stop, [&] { script_.Change([&] { ++script_.cancelled; }); });
    script_.Await([&] { return stop.stop_requested(); });
    return call.Check().ok() ? absl::CancelledError("stopped") : call.Check();
  }

  Script& script_;
};

class GrpcServerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_THAT(verifier_.AddKey(signer_.PublicKeyText()), IsOk());
    auto roles = identity::Roles::FromText(R"(roles { name: "reader" permissions: "events.events.read" })", "test");
    ASSERT_THAT(roles, IsOk());
    roles_ = *std::move(roles);
    router_.Serve(kService);
    router_.On(kService, "ReadEvents", &handlers_, &Handlers::ReadEvents);
    router_.OnStream(kService, "WatchEvents", &handlers_, &Handlers::WatchEvents,
                     events::v1::WatchEventsResponse::default_instance());
    ASSERT_THAT(router_.Check(), IsOk());
    Pipeline::Parts parts;
    parts.service = "events";
    parts.router = &router_;
    parts.verifier = &verifier_;
    parts.roles = &*roles_;
    parts.clock = &clock_;
    parts.random = &random_;
    parts.metrics = &metrics_;
    parts.log = &log_;
    parts.executor = &executor_;
    pipeline_ = std::make_unique<Pipeline>(std::move(parts));
    Start({});
  }

  void Start(GrpcServerOptions const& options) {
    channel_.reset();
    server_.reset();
    auto started = GrpcServer::Start(*pipeline_, options);
    ASSERT_THAT(started, IsOk());
    server_ = *std::move(started);
    channel_ = client::ConnectGrpc({.target = Target(), .ca_file = {}, .certificate_file = {}, .key_file = {}});
  }

  std::string Target() const { return absl::StrCat("127.0.0.1:", server_->port()); }

  std::string Identity() const {
    common::v1::Identity identity;
    identity.set_issuer("test");
    identity.set_subject("tester");
    identity.set_audience("helhed");
    identity.mutable_issue_time()->set_seconds(absl::ToUnixSeconds(absl::Now()));
    identity.mutable_expire_time()->set_seconds(absl::ToUnixSeconds(absl::Now()) + 600);
    identity.add_grants()->set_role("reader");
    return signer_.Sign(identity);
  }

  client::CallOptions Caller(std::stop_token stop = {}) const {
    client::CallOptions options;
    options.identity = Identity();
    options.stop = std::move(stop);
    return options;
  }

  absl::StatusOr<std::string> Read(std::string const& cursor, client::CallOptions const& options) {
    events::v1::ReadEventsRequest request;
    request.set_cursor(cursor);
    auto const response = client::Invoke<events::v1::ReadEventsResponse>(*channel_, kRead, request, options);
    if (!response.ok()) return response.status();
    return response->next_cursor();
  }

  absl::Status Watch(std::function<bool(std::string)> const& on_message, client::CallOptions const& options,
                     std::string const& cursor = "") {
    events::v1::WatchEventsRequest request;
    request.set_cursor(cursor);
    return channel_->Stream(*contract::FindMethod(kWatch), request.SerializeAsString(), options, [&](std::string_view bytes) {
      events::v1::WatchEventsResponse message;
      EXPECT_TRUE(message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())));
      return on_message(message.next_cursor());
    });
  }

  // A call by any name, with what comes back first: for the services that gRPC itself brings.
  std::pair<grpc::Status, std::string> Raw(std::string const& path, std::string const& bytes) const {
    grpc::GenericStub stub(grpc::CreateChannel(Target(), grpc::InsecureChannelCredentials()));
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
    grpc::CompletionQueue queue;
    void* tag = nullptr;
    bool ok = false;
    auto const call = stub.PrepareCall(&context, path, &queue);
    grpc::Slice const slice(bytes);
    grpc::ByteBuffer response;
    grpc::Status status;
    call->StartCall(nullptr);
    queue.Next(&tag, &ok);
    call->WriteLast(grpc::ByteBuffer(&slice, 1), {}, nullptr);
    queue.Next(&tag, &ok);
    call->Read(&response, nullptr);
    queue.Next(&tag, &ok);
    std::string first;
    grpc::Slice answer;
    if (ok && response.DumpToSingleSlice(&answer).ok()) first.assign(answer.begin(), answer.end());
    call->Finish(&status, nullptr);
    queue.Next(&tag, &ok);
    queue.Shutdown();
    while (queue.Next(&tag, &ok)) {
    }
    return {status, first};
  }

  Script script_;
  Handlers handlers_{script_};
  SystemClock clock_;
  SystemRandom random_;
  telemetry::Log log_{{.service = "events", .minimum = telemetry::Severity::kError, .destination = "/dev/null"}};
  telemetry::Metrics metrics_;
  identity::Signer signer_ = identity::Signer::FromSeed("test", std::string(32, 's'));
  identity::Verifier verifier_{clock_, "events"};
  std::optional<identity::Roles> roles_;
  Router router_;
  Executor executor_{2, 64};
  std::unique_ptr<Pipeline> pipeline_;
  std::unique_ptr<GrpcServer> server_;
  std::unique_ptr<client::Channel> channel_;
};

TEST_F(GrpcServerTest, AnswersUnaryCalls) {
  EXPECT_THAT(Read("here", Caller()), IsOk());
  EXPECT_EQ(Read("here", Caller()).value(), "here");
  EXPECT_EQ(Read("", Caller()).value(), "") << "an empty request has no bytes at all";
  EXPECT_THAT(Read("large", Caller()).value(), SizeIs(100'000));
}

TEST_F(GrpcServerTest, AnswersManyAtOnce) {
  std::vector<std::thread> callers;
  std::atomic<int> answered = 0;
  for (int caller = 0; caller < 8; ++caller) {
    callers.emplace_back([&, caller] {
      for (int i = 0; i < 100; ++i) {
        auto const cursor = absl::StrCat(caller, "/", i);
        if (auto const answer = Read(cursor, Caller()); answer.ok() && *answer == cursor) ++answered;
      }
    });
  }
  for (auto& caller : callers) caller.join();
  EXPECT_EQ(answered, 800);
}

TEST_F(GrpcServerTest, ErrorsArriveWithTheirDetailsHoweverMany) {
  auto const status = Read("bad", Caller()).status();
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kInvalidArgument, "BAD_REQUEST"));
  EXPECT_EQ(MetadataOf(status)["violations"], "500");
  EXPECT_THAT(ViolationsOf(status).size(), AllOf(Gt(50U), Lt(500U)));
}

TEST_F(GrpcServerTest, TheIdentityTravelsInTheMetadata) {
  EXPECT_THAT(Read("here", {}), StatusIs(absl::StatusCode::kUnauthenticated, "IDENTITY_MISSING"));
  auto options = Caller();
  options.identity.back() = static_cast<char>(options.identity.back() ^ 1);
  EXPECT_THAT(Read("here", options), StatusIs(absl::StatusCode::kUnauthenticated, "IDENTITY_INVALID"));
}

TEST_F(GrpcServerTest, ATooLargeRequestIsRefused) {
  EXPECT_THAT(Read(std::string(300 * 1024, 'x'), Caller()), StatusIs(absl::StatusCode::kResourceExhausted, "REQUEST_TOO_LARGE"));
  EXPECT_THAT(Read(std::string(5'000'000, 'x'), Caller()), StatusCodeIs(absl::StatusCode::kResourceExhausted));
}

TEST_F(GrpcServerTest, UnknownMethodsAreUnimplemented) {
  EXPECT_EQ(Raw("/helhed.events.v1.EventService/Nothing", "").first.error_code(), grpc::StatusCode::UNIMPLEMENTED);
  EXPECT_EQ(Raw("/nobody/Nothing", "").first.error_code(), grpc::StatusCode::UNIMPLEMENTED);
}

TEST_F(GrpcServerTest, TheDeadlineReachesTheHandler) {
  auto options = Caller();
  options.deadline = absl::Now() + absl::Milliseconds(100);
  EXPECT_THAT(Read("wait", options), StatusIs(absl::StatusCode::kDeadlineExceeded, "DEADLINE_EXCEEDED"));
  script_.Await([&] { return script_.cancelled == 1; });
}

TEST_F(GrpcServerTest, TheCallersCancellationReachesTheHandler) {
  std::stop_source stop;
  auto answer = std::async(std::launch::async, [&] { return Read("wait", Caller(stop.get_token())); });
  script_.Await([&] { return script_.entered == 1; });
  stop.request_stop();
  EXPECT_THAT(answer.get(), StatusIs(absl::StatusCode::kCancelled, "CANCELLED"));
  script_.Await([&] { return script_.cancelled == 1; });
}

TEST_F(GrpcServerTest, AStreamSendsWhatThereIsWaitsAndIsWoken) {
  script_.queue = {"1", "2"};
  std::vector<std::string> seen;
  auto watching = std::async(std::launch::async, [&] {
    return Watch(
        [&](std::string const& cursor) {
          script_.Change([&] { seen.push_back(cursor); });
          return true;
        },
        Caller());
  });
  script_.Await([&] { return seen.size() == 2; });
  for (int i = 3; i < 50; ++i) {
    script_.Change([&] { script_.queue.push_back(absl::StrCat(i)); });
    script_.Await([&] { return seen.size() == static_cast<std::size_t>(i); });
    EXPECT_EQ(seen.back(), absl::StrCat(i));
  }
  script_.Change([&] { script_.end = absl::OkStatus(); });
  EXPECT_THAT(watching.get(), IsOk());
  EXPECT_EQ(seen.back(), "last");
  script_.Await([&] { return script_.open == 0; });
}

TEST_F(GrpcServerTest, AWakeUpBeforeTheWaitIsNotLost) {
  script_.late = true;
  std::string seen;
  auto const status = Watch(
      [&](std::string const& cursor) {
        seen = cursor;
        return false;
      },
      Caller());
  EXPECT_THAT(status, IsOk());
  EXPECT_EQ(seen, "late");
}

TEST_F(GrpcServerTest, AStreamEndsWithItsError) {
  EXPECT_THAT(Watch([](std::string const&) { return true; }, Caller(), "bad"),
              StatusIs(absl::StatusCode::kNotFound, "RESOURCE_NOT_FOUND"));
  EXPECT_THAT(Watch([](std::string const&) { return true; }, {}),
              StatusIs(absl::StatusCode::kUnauthenticated, "IDENTITY_MISSING"));
  script_.queue = {"1"};
  script_.end =
      Error(absl::StatusCode::kOutOfRange, common::v1::ERROR_REASON_CURSOR_TOO_OLD, "Too old.", {{"oldest_cursor", "7"}});
  auto const status = Watch([](std::string const&) { return true; }, Caller());
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kOutOfRange, "CURSOR_TOO_OLD"));
  EXPECT_EQ(MetadataOf(status)["oldest_cursor"], "7");
}

TEST_F(GrpcServerTest, ASlowCallerHoldsTheStreamBack) {
  script_.endless = true;
  std::promise<void> go_on;
  int received = 0;
  auto watching = std::async(std::launch::async, [&] {
    return Watch(
        [&](std::string const&) {
          if (++received == 1) go_on.get_future().wait();
          return received < 200;
        },
        Caller());
  });
  script_.Await([&] { return script_.asked > 1; });
  // Enough work for the server to have sent a multiple of what it may, if nothing held it back.
  for (int i = 0; i < 500; ++i) ASSERT_THAT(Read("here", Caller()), IsOk());
  int held = 0;
  script_.Change([&] { held = script_.asked; });
  EXPECT_LT(held, 150) << "64 KiB each";
  go_on.set_value();
  EXPECT_THAT(watching.get(), IsOk());
  EXPECT_EQ(received, 200);
  script_.Await([&] { return script_.open == 0; });
}

TEST_F(GrpcServerTest, AWaitingStreamHoldsNoThreadAndEndsWithItsCaller) {
  std::stop_source stop;
  std::vector<std::future<absl::Status>> watching;
  for (int i = 0; i < 10; ++i) {
    watching.push_back(
        std::async(std::launch::async, [&] { return Watch([](std::string const&) { return true; }, Caller(stop.get_token())); }));
  }
  script_.Await([&] { return script_.open == 10 && script_.asked >= 10; });
  EXPECT_THAT(Read("here", Caller()), IsOk()) << "ten streams, two threads";
  stop.request_stop();
  for (auto& one : watching) EXPECT_THAT(one.get(), StatusIs(absl::StatusCode::kCancelled, "CANCELLED"));
  script_.Await([&] { return script_.open == 0; });
}

TEST_F(GrpcServerTest, TooManyStreamsAreRefused) {
  Start({.listen = "127.0.0.1:0", .tls = {}, .streams_max = 1});
  std::stop_source stop;
  auto watching =
      std::async(std::launch::async, [&] { return Watch([](std::string const&) { return true; }, Caller(stop.get_token())); });
  script_.Await([&] { return script_.open == 1; });
  auto const status = Watch([](std::string const&) { return true; }, Caller());
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kResourceExhausted, "OVERLOADED"));
  EXPECT_TRUE(RetryDelayOf(status).has_value());
  stop.request_stop();
  EXPECT_FALSE(watching.get().ok());
  script_.Await([&] { return script_.open == 0; });
}

TEST_F(GrpcServerTest, DrainEndsStreamsAndLetsAcceptedCallsEnd) {
  auto watching = std::async(std::launch::async, [&] { return Watch([](std::string const&) { return true; }, Caller()); });
  script_.Await([&] { return script_.open == 1 && script_.asked >= 1; });
  auto blocked = std::async(std::launch::async, [&] { return Read("block", Caller()); });
  script_.Await([&] { return script_.entered == 1; });
  auto drained = std::async(std::launch::async, [&] { server_->Drain(absl::Now() + absl::Seconds(60)); });
  EXPECT_THAT(watching.get(), StatusIs(absl::StatusCode::kUnavailable, "DRAINING"));
  script_.Change([&] { script_.released = true; });
  EXPECT_THAT(blocked.get(), IsOk());
  drained.get();
  EXPECT_THAT(Read("here", Caller()), StatusCodeIs(absl::StatusCode::kUnavailable));
}

TEST_F(GrpcServerTest, DrainCancelsWhatStillRunsAtItsDeadline) {
  auto waiting = std::async(std::launch::async, [&] { return Read("wait", Caller()); });
  script_.Await([&] { return script_.entered == 1; });
  server_->Drain(absl::Now());
  EXPECT_EQ(script_.cancelled, 1);
  EXPECT_FALSE(waiting.get().ok());
}

TEST_F(GrpcServerTest, HealthKnowsTheServices) {
  // HealthCheckRequest{service: ...}; the answer is HealthCheckResponse{status: SERVING = 1 or NOT_SERVING = 2}.
  auto const ask = absl::StrCat("\x0a", std::string(1, static_cast<char>(sizeof(kService) - 1)), kService);
  EXPECT_EQ(Raw("/grpc.health.v1.Health/Check", "").second, "\x08\x01");
  EXPECT_EQ(Raw("/grpc.health.v1.Health/Check", ask).second, "\x08\x01");
  EXPECT_EQ(Raw("/grpc.health.v1.Health/Check", "\x0a\x01x").first.error_code(), grpc::StatusCode::NOT_FOUND);
  server_->SetServing(false);
  EXPECT_EQ(Raw("/grpc.health.v1.Health/Check", "").second, "\x08\x02");
  EXPECT_EQ(Raw("/grpc.health.v1.Health/Check", ask).second, "\x08\x02");
}

TEST_F(GrpcServerTest, ReflectionIsThereOnlyWhenAskedFor) {
  // ServerReflectionRequest{list_services: ""}
  std::string const ask("\x3a\x00", 2);
  EXPECT_EQ(Raw("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", ask).first.error_code(),
            grpc::StatusCode::UNIMPLEMENTED);
  Start({.listen = "127.0.0.1:0", .tls = {}, .reflection = true});
  auto const [status, answer] = Raw("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", ask);
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_THAT(answer, HasSubstr(kService));
}

TEST_F(GrpcServerTest, ATakenPortIsAnError) {
  auto const second = GrpcServer::Start(*pipeline_, {.listen = Target(), .tls = {}});
  ASSERT_THAT(second, StatusCodeIs(absl::StatusCode::kUnavailable));
  EXPECT_THAT(std::string(second.status().message()), HasSubstr(Target()));
}

// Certificates by the openssl command, each set under an authority of its own.
class GrpcServerTlsTest : public GrpcServerTest {
 protected:
  void SetUp() override {
    GrpcServerTest::SetUp();
    // Every refused handshake is an error to gRPC; here they are what is tested.
    gpr_set_log_function([](gpr_log_func_args*) {});
    MakeSet("old");
    MakeSet("new");
    Use("old");
  }
  void TearDown() override { gpr_set_log_function(nullptr); }

  void MakeSet(std::string const& set) const {
    auto const script = absl::StrReplaceAll(
        R"(set -e; mkdir DIR; cd DIR
           openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=SET -keyout ca.key -out ca.pem
           openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost -keyout key.pem -out csr.pem
           printf 'subjectAltName=DNS:localhost,IP:127.0.0.1' > san
           openssl x509 -req -in csr.pem -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile san -out cert.pem)",
        {{"DIR", absl::StrCat(directory_, "/", set)}, {"SET", set}});
    ASSERT_EQ(std::system(absl::StrCat("(", script, ") >/dev/null 2>&1").c_str()), 0) << "needs openssl";
  }

  // A link is replaced as a whole, so that certificate and key change together.
  void Use(std::string const& set) const {
    std::filesystem::create_directory_symlink(absl::StrCat(directory_, "/", set), absl::StrCat(directory_, "/next"));
    std::filesystem::rename(absl::StrCat(directory_, "/next"), absl::StrCat(directory_, "/current"));
  }

  TlsOptions Tls() const {
    auto const current = absl::StrCat(directory_, "/current/");
    return {.certificate_file = current + "cert.pem",
            .key_file = current + "key.pem",
            .client_ca_file = current + "ca.pem",
            .refresh = absl::Seconds(1)};
  }

  // A call on a new connection, by a caller of that set, or without a certificate.
  absl::StatusOr<std::string> ReadAs(std::string const& set, bool with_certificate = true) {
    auto const from = absl::StrCat(directory_, "/", set, "/");
    channel_ = client::ConnectGrpc({.target = Target(),
                                    .ca_file = from + "ca.pem",
                                    .certificate_file = with_certificate ? from + "cert.pem" : "",
                                    .key_file = with_certificate ? from + "key.pem" : ""});
    return Read("here", Caller());
  }

  helhed::testing::Folder const folder_;
  std::string const directory_ = folder_.path();
};

TEST_F(GrpcServerTlsTest, AsksForCertificatesAndTakesNewOnesWithoutARestart) {
  Start({.listen = "127.0.0.1:0", .tls = Tls()});
  EXPECT_THAT(ReadAs("old"), IsOk());
  EXPECT_THAT(ReadAs("old", false), StatusCodeIs(absl::StatusCode::kUnavailable));
  EXPECT_THAT(ReadAs("new"), StatusCodeIs(absl::StatusCode::kUnavailable));
  EXPECT_EQ(Raw("/grpc.health.v1.Health/Check", "").first.error_code(), grpc::StatusCode::UNAVAILABLE) << "cleartext";
  Use("new");
  auto const deadline = absl::Now() + absl::Seconds(30);
  absl::StatusOr<std::string> answer = absl::UnavailableError("");
  while (!answer.ok() && absl::Now() < deadline) answer = ReadAs("new");
  EXPECT_THAT(answer, IsOk());
  EXPECT_THAT(ReadAs("old"), StatusCodeIs(absl::StatusCode::kUnavailable));
}

TEST_F(GrpcServerTlsTest, TheHealthCheckComesThroughWithTheServicesOwnFiles) {
  Start({.listen = "127.0.0.1:0", .tls = Tls()});
  Options options;
  options.grpc.listen = absl::StrCat("0.0.0.0:", server_->port());
  options.grpc.tls = Tls();
  EXPECT_THAT(CheckHealth(options), IsOk());
  server_->SetServing(false);
  EXPECT_THAT(CheckHealth(options), StatusCodeIs(absl::StatusCode::kUnavailable));
  options.grpc.tls = {};
  EXPECT_THAT(CheckHealth(options), StatusCodeIs(absl::StatusCode::kUnavailable)) << "cleartext";
}

TEST_F(GrpcServerTlsTest, AFileThatCannotBeReadIsAnErrorAtStart) {
  auto tls = Tls();
  tls.key_file = "/no/such/key";
  auto const started = GrpcServer::Start(*pipeline_, {.listen = "127.0.0.1:0", .tls = tls});
  ASSERT_THAT(started, StatusCodeIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(std::string(started.status().message()), HasSubstr("/no/such/key"));
}

}  // namespace
}  // namespace helhed::server
