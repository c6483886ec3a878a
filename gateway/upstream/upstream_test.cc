#include "gateway/upstream/upstream.h"

#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>
#include <boost/asio/ip/tcp.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <optional>

#include "gateway/upstream/http_upstream.h"
#include "gateway/upstream/in_process.h"
#include "gateway/upstream/testing/loop.h"
#include "helhed/common/v1/errors.pb.h"
#include "services/platform/pipeline/testing/probe.h"
#include "services/platform/server/grpc_server.h"
#include "services/platform/testing/folder.h"

// A real service of the platform, asked by both ways.
namespace helhed::gateway::upstream {
namespace {

using helhed::testing::AskFor;
using helhed::testing::IsOk;
using helhed::testing::Probe;
using helhed::testing::ProbePath;
using helhed::testing::ProbeStream;
using helhed::testing::StatusCodeIs;
using helhed::testing::StatusIs;
using ::testing::HasSubstr;
using testing::Loop;
using ::testing::SizeIs;
namespace pb = probe::v1;

constexpr auto kPatience = std::chrono::seconds(20);

// What a call brought.
class Taker final : public Receiver {
 public:
  explicit Taker(bool consumes = true) : consumes_(consumes) {}

  void OnMessage(std::string message) override {
    auto const bytes = message.size();
    {
      std::lock_guard const lock(mutex_);
      messages_.push_back(std::move(message));
      bytes_ += bytes;
    }
    changed_.notify_all();
    if (consumes_ && running != nullptr) running->Consume(bytes);
  }
  void OnEnd(End end) override {
    running.reset();
    std::lock_guard const lock(mutex_);
    end_ = std::move(end);
    changed_.notify_all();
  }

  End Wait() {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, kPatience, [this] { return end_.has_value(); })) << "no end came";
    return end_.value_or(End{});
  }
  void WaitForMessages(std::size_t count) {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, kPatience, [&] { return messages_.size() >= count; })) << messages_.size();
  }
  std::vector<std::string> messages() const {
    std::lock_guard const lock(mutex_);
    return messages_;
  }
  std::size_t bytes() const {
    std::lock_guard const lock(mutex_);
    return bytes_;
  }

  std::unique_ptr<Running> running;  // touched on the loop only

 private:
  bool const consumes_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> messages_;
  std::size_t bytes_ = 0;
  std::optional<End> end_;
};

template <typename Condition>
void Await(Condition&& condition) {
  for (int i = 0; i < 2000 && !condition(); ++i) absl::SleepFor(absl::Milliseconds(10));
  EXPECT_TRUE(condition());
}

enum class Way { kHttp, kInProcess };

class UpstreamTest : public ::testing::TestWithParam<Way> {
 protected:
  void SetUp() override {
    if (GetParam() == Way::kHttp) StartServer("127.0.0.1:0");
    loop_.Run([this] {
      upstream_ = GetParam() == Way::kHttp ? ConnectHttp(loop_.context, Options(), clock_, random_, metrics_)
                                           : ConnectInProcess(loop_.context, *probe_.pipeline);
    });
  }
  void TearDown() override {
    loop_.Run([this] { upstream_.reset(); });
    loop_.Stop();
    if (server_ != nullptr) server_->Drain(absl::Now());
  }

  void StartServer(std::string const& listen) {
    server::GrpcServerOptions options;
    options.listen = listen;
    auto server = server::GrpcServer::Start(*probe_.pipeline, options);
    ASSERT_THAT(server, IsOk());
    server_ = *std::move(server);
    port_ = server_->port();
  }

  HttpOptions Options() const {
    HttpOptions options;
    options.service = "probe";
    options.target = *ParseTarget(absl::StrCat("127.0.0.1:", port_));
    return options;
  }

  Call Make(std::string_view method, google::protobuf::Message const& request) {
    Call call;
    call.method = contract::FindMethod(ProbePath(method));
    call.request = request.SerializeAsString();
    call.identity = probe_.Identity("");
    call.traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    call.request_id = "request-1";
    return call;
  }
  void Start(Taker& taker, Call call) {
    loop_.Run([&] { taker.running = upstream_->Start(std::move(call), taker); });
  }
  void Cancel(Taker& taker) {
    loop_.Run([&] { taker.running.reset(); });
  }
  End CallAndWait(Call call) {
    Taker taker;
    Start(taker, std::move(call));
    return taker.Wait();
  }

  bool StreamIsGone() {
    std::lock_guard const lock(probe_.handlers.stream->mutex);
    return probe_.handlers.stream->gone;
  }

  Probe probe_{4, 64};
  SystemClock clock_;
  SystemRandom random_;
  telemetry::Metrics metrics_;
  std::unique_ptr<server::GrpcServer> server_;
  int port_ = 0;
  Loop loop_;
  std::unique_ptr<Upstream> upstream_;
};

INSTANTIATE_TEST_SUITE_P(Ways, UpstreamTest, ::testing::Values(Way::kHttp, Way::kInProcess),
                         [](auto const& way) { return way.param == Way::kHttp ? "Http" : "InProcess"; });

TEST_P(UpstreamTest, AnswersAndPassesTheIdentityAndTheTraceOn) {
  std::string subject;
  std::string trace;
  probe_.handlers.act = [&](CallContext const& call, auto const&) {
    subject = call.identity().subject();
    trace = call.trace().trace_id;
    return absl::OkStatus();
  };
  Taker taker;
  Start(taker, Make("GetThing", AskFor("houses/blue/things/1")));
  EXPECT_THAT(taker.Wait().status, IsOk());
  pb::Thing thing;
  ASSERT_THAT(taker.messages(), SizeIs(1));
  ASSERT_TRUE(thing.ParseFromString(taker.messages().front()));
  EXPECT_EQ(thing.name(), "houses/blue/things/1");
  EXPECT_EQ(subject, "subject-1");
  EXPECT_EQ(trace, "0af7651916cd43dd8448eb211c80319c");
  EXPECT_TRUE(loop_.Run([&] { return upstream_->available(); }));
}

TEST_P(UpstreamTest, KeepsMessageReasonAndEveryViolation) {
  auto call = Make("GetThing", AskFor("not a name"));
  auto const bad = CallAndWait(std::move(call));
  EXPECT_THAT(bad.status, StatusIs(absl::StatusCode::kInvalidArgument, "BAD_REQUEST"));
  EXPECT_THAT(ViolationsOf(bad.status), SizeIs(1));
  probe_.handlers.act = [](auto const&, auto const&) {
    return Error(absl::StatusCode::kFailedPrecondition, common::v1::ERROR_REASON_REFERENCE_BROKEN, "Prøv: 50 % ≠ nok.");
  };
  auto const end = CallAndWait(Make("GetThing", AskFor("houses/blue")));
  EXPECT_THAT(end.status, StatusIs(absl::StatusCode::kFailedPrecondition, "REFERENCE_BROKEN"));
  EXPECT_EQ(end.status.message(), "Prøv: 50 % ≠ nok.");
  EXPECT_EQ(end.details.empty(), GetParam() == Way::kInProcess);
}

TEST_P(UpstreamTest, AServerStreamComesInOrderAndEnds) {
  Taker taker;
  Start(taker, Make("WatchThings", pb::ListThingsRequest()));
  auto& control = *probe_.handlers.stream;
  for (int i = 0; i < 50; ++i) control.Push({{absl::StrCat("a", i), absl::StrCat("b", i)}, ServerStream::State::kMore});
  taker.WaitForMessages(100);
  control.Push({{"last"}, ServerStream::State::kDone});
  EXPECT_THAT(taker.Wait().status, IsOk());
  auto const messages = taker.messages();
  ASSERT_THAT(messages, SizeIs(101));
  pb::Thing thing;
  ASSERT_TRUE(thing.ParseFromString(messages[99]));
  EXPECT_EQ(thing.title(), "b49");
}

TEST_P(UpstreamTest, AStreamThatIsNotConsumedStopsAndGoesOn) {
  constexpr int pieces = 400;
  constexpr std::size_t piece = 20'000;
  {
    std::lock_guard const lock(probe_.handlers.stream->mutex);
    for (int i = 0; i < pieces; ++i)
      probe_.handlers.stream->steps.push_back({{std::string(piece, 'x')}, ServerStream::State::kMore});
  }
  Taker slow(false);
  Start(slow, Make("WatchThings", pb::ListThingsRequest()));
  slow.WaitForMessages(5);
  // Another call on the same connection is not held up.
  EXPECT_THAT(CallAndWait(Make("GetThing", AskFor("houses/blue"))).status, IsOk());
  absl::SleepFor(absl::Milliseconds(200));
  auto const held = slow.bytes();
  EXPECT_LE(held, 2 * std::size_t{256} * 1024) << "no more than the window, and what was on its way";
  loop_.Run([&] {
    for (std::size_t i = 0; i < held / piece; ++i) slow.running->Consume(piece + 4);
  });
  slow.WaitForMessages(held / piece + 5);
  Cancel(slow);
  Await([this] { return StreamIsGone(); });
}

TEST_P(UpstreamTest, CancellingReachesTheHandler) {
  std::atomic<bool> entered = false;
  std::atomic<bool> stopped = false;
  probe_.handlers.act = [&](CallContext const& call, auto const&) {
    entered = true;
    while (call.Check().ok()) absl::SleepFor(absl::Milliseconds(2));
    stopped = true;
    return absl::OkStatus();
  };
  Taker taker;
  Start(taker, Make("GetThing", AskFor("houses/blue")));
  Await([&] { return entered.load(); });
  Cancel(taker);
  Await([&] { return stopped.load(); });
}

TEST_P(UpstreamTest, TimeRunsOutOnThisSideToo) {
  std::atomic<bool> free = false;
  std::atomic<int> running = 0;
  probe_.handlers.act = [&](auto const&, auto const&) {
    ++running;
    while (!free) absl::SleepFor(absl::Milliseconds(2));
    --running;
    return absl::OkStatus();
  };
  auto call = Make("GetThing", AskFor("houses/blue"));
  call.deadline = absl::Now() + absl::Milliseconds(150);
  auto const end = CallAndWait(std::move(call));
  free = true;
  Await([&] { return running == 0; });
  EXPECT_THAT(end.status, StatusIs(absl::StatusCode::kDeadlineExceeded, "DEADLINE_EXCEEDED"));
}

class HttpUpstreamTest : public UpstreamTest {
 protected:
  void Restart(HttpOptions options) {
    loop_.Run([&] {
      upstream_.reset();
      upstream_ = ConnectHttp(loop_.context, std::move(options), clock_, random_, metrics_);
    });
  }
  // The number that a metric shows.
  double Metric(std::string const& name) const {
    auto const text = metrics_.Expose();
    auto const at = text.find(absl::StrCat("\n", name, "{"));
    return at == std::string::npos ? 0 : std::atof(text.c_str() + text.find('}', at) + 1);
  }
  void StopServer() {
    server_->Drain(absl::Now());
    server_.reset();
  }
};
INSTANTIATE_TEST_SUITE_P(Ways, HttpUpstreamTest, ::testing::Values(Way::kHttp), [](auto const&) { return "Http"; });

TEST_P(HttpUpstreamTest, AServiceThatDiesIsReportedAndFoundAgain) {
  EXPECT_THAT(CallAndWait(Make("GetThing", AskFor("houses/blue"))).status, IsOk());
  StopServer();
  Await([this] { return !loop_.Run([this] { return upstream_->available(); }); });
  auto const down = CallAndWait(Make("GetThing", AskFor("houses/blue")));
  EXPECT_THAT(down.status, StatusIs(absl::StatusCode::kUnavailable, "SERVICE_UNREACHABLE"));
  EXPECT_TRUE(RetryDelayOf(down.status).has_value());
  EXPECT_GE(Metric("helhed_upstream_unreachable_total"), 1);
  StartServer(absl::StrCat("127.0.0.1:", port_));
  Await([this] { return CallAndWait(Make("GetThing", AskFor("houses/blue"))).status.ok(); });
}

TEST_P(HttpUpstreamTest, AShortRestartIsNotSeenByReads) {
  EXPECT_THAT(CallAndWait(Make("GetThing", AskFor("houses/blue"))).status, IsOk());
  StopServer();
  Taker taker;
  Start(taker, Make("GetThing", AskFor("houses/blue")));
  StartServer(absl::StrCat("127.0.0.1:", port_));
  EXPECT_THAT(taker.Wait().status, IsOk());
}

TEST_P(HttpUpstreamTest, RetriesReadsAndWritesWithARequestIdOnly) {
  std::atomic<int> calls = 0;
  probe_.handlers.act = [&](auto const&, auto const&) {
    ++calls;
    return WithRetryDelay(absl::UnavailableError("away"), std::chrono::milliseconds(1));
  };
  EXPECT_THAT(CallAndWait(Make("GetThing", AskFor("houses/blue"))).status, StatusCodeIs(absl::StatusCode::kUnavailable));
  EXPECT_EQ(calls.exchange(0), 4);
  pb::UpdateThingRequest update;
  update.mutable_thing()->set_name("houses/blue");
  EXPECT_THAT(CallAndWait(Make("UpdateThing", update)).status, StatusCodeIs(absl::StatusCode::kUnavailable));
  EXPECT_EQ(calls.exchange(0), 1);
  update.set_request_id("0190c5a5-7f0e-7cc4-9f7b-1d1b5a7e0001");
  EXPECT_THAT(CallAndWait(Make("UpdateThing", update)).status, StatusCodeIs(absl::StatusCode::kUnavailable));
  EXPECT_EQ(calls.exchange(0), 4);
  EXPECT_EQ(Metric("helhed_upstream_retries_total"), 6);
}

TEST_P(HttpUpstreamTest, NothingIsTriedAgainAfterTheFirstMessage) {
  std::atomic<int> calls = 0;
  probe_.handlers.act = [&](auto const&, auto const&) {
    ++calls;
    return absl::OkStatus();
  };
  Taker taker;
  Start(taker, Make("WatchThings", pb::ListThingsRequest()));
  probe_.handlers.stream->Push({{"one"}, ServerStream::State::kMore});
  taker.WaitForMessages(1);
  probe_.handlers.stream->Push({{}, absl::UnavailableError("gone")});
  EXPECT_THAT(taker.Wait().status, StatusCodeIs(absl::StatusCode::kUnavailable));
  EXPECT_EQ(calls, 1);
}

TEST_P(HttpUpstreamTest, AMessageLargerThanTheWindowArrives) {
  auto options = Options();
  options.connection.stream_window_bytes = 70'000;
  Restart(options);
  Taker taker;
  Start(taker, Make("WatchThings", pb::ListThingsRequest()));
  for (int i = 0; i < 3; ++i) {
    probe_.handlers.stream->Push({{std::string(1'000'000, 'x'), "small"}, ServerStream::State::kMore});
  }
  probe_.handlers.stream->Push({{}, ServerStream::State::kDone});
  EXPECT_THAT(taker.Wait().status, IsOk());
  EXPECT_THAT(taker.messages(), SizeIs(6));
}

TEST_P(HttpUpstreamTest, AMessageOverTheLimitEndsTheCall) {
  auto options = Options();
  options.connection.message_bytes_max = 10'000;
  Restart(options);
  Taker taker;
  Start(taker, Make("WatchThings", pb::ListThingsRequest()));
  probe_.handlers.stream->Push({{std::string(20'000, 'x')}, ServerStream::State::kMore});
  EXPECT_THAT(taker.Wait().status, StatusIs(absl::StatusCode::kInternal, "ANSWER_INVALID"));
}

TEST_P(HttpUpstreamTest, ManyCancelsStayBelowThePeersLimitOfResets) {
  auto options = Options();
  options.connection.resets_burst = 3;
  options.connection.resets_per_second = 1000;
  Await([this] { return Metric("helhed_upstream_connections_total") >= 1; });
  auto const before = Metric("helhed_upstream_connections_total");
  Restart(options);
  std::atomic<bool> free = false;
  std::atomic<int> running = 0;
  probe_.handlers.act = [&](auto const&, auto const&) {
    ++running;
    while (!free) absl::SleepFor(absl::Milliseconds(2));
    --running;
    return absl::OkStatus();
  };
  std::vector<std::unique_ptr<Taker>> takers;
  for (int i = 0; i < 200; ++i) {
    takers.push_back(std::make_unique<Taker>());
    Start(*takers.back(), Make("GetThing", AskFor("houses/blue")));
  }
  loop_.Run([&] {
    for (auto const& taker : takers) taker->running.reset();
  });
  free = true;
  Await([this] { return CallAndWait(Make("GetThing", AskFor("houses/blue"))).status.ok(); });
  Await([&] { return running == 0; });
  EXPECT_EQ(Metric("helhed_upstream_connections_total") - before, 1);
}

TEST_P(HttpUpstreamTest, ConnectionsAreRenewedBeforeStreamIdsRunOut) {
  auto options = Options();
  options.connection.stream_id_max = 11;
  auto const before = Metric("helhed_upstream_connections_total");
  Restart(options);
  for (int i = 0; i < 40; ++i) ASSERT_THAT(CallAndWait(Make("GetThing", AskFor("houses/blue"))).status, IsOk());
  EXPECT_GE(Metric("helhed_upstream_connections_total") - before, 6);
}

TEST_P(HttpUpstreamTest, ConnectionsAgeAndStreamsOnThemStay) {
  auto options = Options();
  options.connection.age_max = absl::Milliseconds(100);
  Restart(options);
  Taker taker;
  Start(taker, Make("WatchThings", pb::ListThingsRequest()));
  probe_.handlers.stream->Push({{"one"}, ServerStream::State::kMore});
  taker.WaitForMessages(1);
  Await([this] { return Metric("helhed_upstream_connections_total") >= 3; });
  EXPECT_THAT(CallAndWait(Make("GetThing", AskFor("houses/blue"))).status, IsOk());
  probe_.handlers.stream->Push({{"two"}, ServerStream::State::kDone});
  EXPECT_THAT(taker.Wait().status, IsOk());
  EXPECT_THAT(taker.messages(), SizeIs(2));
}

TEST_P(HttpUpstreamTest, PingsKeepAnIdleConnection) {
  auto options = Options();
  options.connection.ping_after = absl::Milliseconds(1);
  options.connection.ping_timeout = absl::Milliseconds(900);
  Await([this] { return Metric("helhed_upstream_connections_total") >= 1; });
  auto const before = Metric("helhed_upstream_connections_total");
  Restart(options);
  EXPECT_THAT(CallAndWait(Make("GetThing", AskFor("houses/blue"))).status, IsOk());
  absl::SleepFor(absl::Milliseconds(2500));
  EXPECT_EQ(Metric("helhed_upstream_connections_total") - before, 1) << "its pings are answered";
}

TEST_P(HttpUpstreamTest, UnixSocketsServeAsWell) {
  auto const path = (std::filesystem::temp_directory_path() / absl::StrCat("helhed-upstream-", ::getpid(), ".sock")).string();
  StopServer();
  StartServer(absl::StrCat("unix:", path));
  auto options = Options();
  options.target = *ParseTarget(absl::StrCat("unix:", path));
  Restart(options);
  EXPECT_THAT(CallAndWait(Make("GetThing", AskFor("houses/blue"))).status, IsOk());
  std::filesystem::remove(path);
}

TEST(Target, IsAHostAndAPortOrASocket) {
  EXPECT_EQ(ParseTarget("dns:///residents:8443")->host, "residents");
  EXPECT_EQ(ParseTarget("[::1]:80")->host, "::1");
  EXPECT_EQ(ParseTarget("unix:/run/x.sock")->unix_path, "/run/x.sock");
  EXPECT_EQ(ParseTarget("unix:///run/x.sock")->unix_path, "/run/x.sock");
  for (auto const* const bad :
       {"", "residents", "residents:", ":80", "residents:0", "residents:99999", "http://residents:80", "unix:"}) {
    EXPECT_THAT(ParseTarget(bad), StatusCodeIs(absl::StatusCode::kInvalidArgument)) << bad;
  }
}

// A service at several addresses of one name, each a server of its own.
class AddressesTest : public ::testing::Test {
 protected:
  struct Replica {
    explicit Replica(std::string its_address) : address(std::move(its_address)) {
      probe.handlers.act = [this](auto const&, auto const&) {
        ++calls;
        return absl::OkStatus();
      };
      Start(0);
    }
    ~Replica() { Stop(); }
    Replica(Replica const&) = delete;
    Replica& operator=(Replica const&) = delete;

    void Start(int at_port) {
      server::GrpcServerOptions options;
      options.listen = absl::StrCat(address, ":", at_port);
      auto made = server::GrpcServer::Start(*probe.pipeline, options);
      ASSERT_THAT(made, IsOk());
      server = *std::move(made);
      port = server->port();
    }
    void Stop() {
      if (server != nullptr) server->Drain(absl::Now());
      server.reset();
    }
    Endpoint endpoint() const {
      return boost::asio::ip::tcp::endpoint(boost::asio::ip::make_address(address), static_cast<std::uint16_t>(port));
    }

    std::string const address;
    Probe probe{2, 64};
    std::atomic<int> calls = 0;
    std::unique_ptr<server::GrpcServer> server;
    int port = 0;
  };

  void Connect(std::vector<Replica*> const& replicas, absl::Duration resolve_every = absl::ZeroDuration()) {
    HttpOptions options;
    options.service = "probe";
    options.target = *ParseTarget("dns:///probe:1");
    options.resolve_every = resolve_every;
    Name(replicas);
    options.lookup = [this] {
      std::lock_guard const lock(mutex_);
      return named_;
    };
    loop_.Run([&] { upstream_ = ConnectHttp(loop_.context, std::move(options), clock_, random_, metrics_); });
  }
  // What the name service says from now on.
  void Name(std::vector<Replica*> const& replicas) {
    std::lock_guard const lock(mutex_);
    named_.clear();
    for (auto const* const replica : replicas) named_.push_back(replica->endpoint());
  }
  void TearDown() override {
    loop_.Run([this] { upstream_.reset(); });
    loop_.Stop();
  }

  Call Make(std::string_view method, google::protobuf::Message const& request) {
    Call call;
    call.method = contract::FindMethod(ProbePath(method));
    call.request = request.SerializeAsString();
    call.identity = one_.probe.Identity("");
    return call;
  }
  absl::Status Ask() {
    Taker taker;
    loop_.Run([&] { taker.running = upstream_->Start(Make("GetThing", AskFor("houses/blue")), taker); });
    return taker.Wait().status;
  }
  // So many calls, none of which may fail; how many of them each replica had.
  std::vector<int> Share(int calls) {
    for (auto* const replica : {&one_, &two_, &three_}) replica->calls = 0;
    for (int i = 0; i < calls; ++i) EXPECT_THAT(Ask(), IsOk());
    return {one_.calls, two_.calls, three_.calls};
  }

  SystemClock clock_;
  SystemRandom random_;
  telemetry::Metrics metrics_;
  std::mutex mutex_;
  std::vector<Endpoint> named_;
  Replica one_{"127.0.0.1"};
  Replica two_{"127.0.0.2"};
  Replica three_{"127.0.0.3"};
  Loop loop_;
  std::unique_ptr<Upstream> upstream_;
};

TEST_F(AddressesTest, OneThatIsStartedAgainElsewhereIsFoundBeforeItsNameIsDueToBeLookedUp) {
  Connect({&one_}, absl::Hours(1));
  Await([this] { return Ask().ok(); });
  Name({&two_});
  one_.Stop();
  Await([this] { return Ask().ok(); });
  EXPECT_GT(two_.calls, 0);
}

TEST_F(AddressesTest, CallsAreSharedEvenlyAndOneThatDiesIsLeftOutUntilItIsBack) {
  using ::testing::ElementsAre;
  Connect({&one_, &two_, &three_});
  Await([this] { return Share(3) == std::vector<int>{1, 1, 1}; });
  EXPECT_THAT(Share(30), ElementsAre(10, 10, 10));
  two_.Stop();
  auto const without = Share(30);
  EXPECT_EQ(without[1], 0);
  EXPECT_EQ(without[0] + without[2], 30) << "no call is lost with the address, or done twice";
  EXPECT_GE(std::min(without[0], without[2]), 10);
  two_.Start(two_.port);
  Await([this] { return Share(3) == std::vector<int>{1, 1, 1}; });
}

TEST_F(AddressesTest, ANameIsLookedUpAnewAndStreamsOnAddressesThatLeftStay) {
  using ::testing::ElementsAre;
  Connect({&one_});
  Taker watcher;
  loop_.Run([&] { watcher.running = upstream_->Start(Make("WatchThings", pb::ListThingsRequest()), watcher); });
  one_.probe.handlers.stream->Push({{"one"}, ServerStream::State::kMore});
  watcher.WaitForMessages(1);
  EXPECT_THAT(Share(3), ElementsAre(3, 0, 0));
  Name({&two_, &three_});
  Await([this] { return Share(2) == std::vector<int>{0, 1, 1}; });
  Name({});
  absl::SleepFor(absl::Milliseconds(1100));
  EXPECT_THAT(Share(4), ElementsAre(0, 2, 2)) << "a name service that is silent takes nothing away";
  one_.probe.handlers.stream->Push({{"two"}, ServerStream::State::kDone});
  EXPECT_THAT(watcher.Wait().status, IsOk());
  EXPECT_THAT(watcher.messages(), SizeIs(2));
}

class TlsUpstreamTest : public HttpUpstreamTest {
 protected:
  void SetUp() override {
    auto const script = absl::StrCat("cd ", folder_, R"( && for set in a b; do
      openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=$set -keyout $set-ca.key -out $set-ca.pem
      openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost -keyout $set.key -out $set.csr
      printf 'subjectAltName=DNS:localhost,IP:127.0.0.1' > san
      openssl x509 -req -in $set.csr -CA $set-ca.pem -CAkey $set-ca.key -CAcreateserial -days 2 -extfile san -out $set.pem
      done)");
    ASSERT_EQ(std::system(absl::StrCat("(", script, ") >/dev/null 2>&1").c_str()), 0) << "needs openssl";
    HttpUpstreamTest::SetUp();
    StopServer();
    server::GrpcServerOptions options;
    options.tls = {.certificate_file = folder_ + "a.pem", .key_file = folder_ + "a.key", .client_ca_file = folder_ + "a-ca.pem"};
    auto server = server::GrpcServer::Start(*probe_.pipeline, options);
    ASSERT_THAT(server, IsOk());
    server_ = *std::move(server);
    port_ = server_->port();
  }
  absl::Status CallWith(TlsFiles files, std::string const& host = "localhost") {
    auto options = Options();
    options.target.host = host;
    options.tls = std::move(files);
    options.attempts_max = 2;
    Restart(options);
    return CallAndWait(Make("GetThing", AskFor("houses/blue"))).status;
  }

  helhed::testing::Folder const temporary_;
  std::string const folder_ = temporary_ / "";
};
INSTANTIATE_TEST_SUITE_P(Ways, TlsUpstreamTest, ::testing::Values(Way::kHttp), [](auto const&) { return "Http"; });

TEST_P(TlsUpstreamTest, BothSidesShowCertificatesAndBothAreChecked) {
  TlsFiles const right{.ca_file = folder_ + "a-ca.pem", .certificate_file = folder_ + "a.pem", .key_file = folder_ + "a.key"};
  EXPECT_THAT(CallWith(right), IsOk());
  EXPECT_THAT(CallWith(right, "127.0.0.1"), IsOk());
  auto stranger = right;
  stranger.ca_file = folder_ + "b-ca.pem";
  EXPECT_THAT(CallWith(stranger), StatusIs(absl::StatusCode::kUnavailable, "SERVICE_UNREACHABLE")) << "the service is another";
  EXPECT_THAT(CallWith({.ca_file = right.ca_file, .certificate_file = folder_ + "b.pem", .key_file = folder_ + "b.key"}),
              StatusIs(absl::StatusCode::kUnavailable, "SERVICE_UNREACHABLE"))
      << "the gateway is another";
  EXPECT_THAT(CheckTls(right), IsOk());
  auto missing = right;
  missing.key_file = folder_ + "none.key";
  EXPECT_THAT(CheckTls(missing), StatusCodeIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace helhed::gateway::upstream
