#include "services/platform/consumer/consumer.h"

#include <absl/strings/str_cat.h>

#include <atomic>
#include <functional>
#include <map>
#include <thread>
#include <utility>

#include "helhed/events/v1/event_service.pb.h"
#include "helhed/residents/v1/events.pb.h"
#include "services/platform/testing/engines.h"
#include "services/platform/testing/matchers.h"
#include "services/platform/testing/store.h"

namespace helhed::consumer {
namespace {

using residents::v1::DepartmentsMerged;
using residents::v1::DwellingDeleted;
using testing::IsOk;
using testing::StatusIs;

constexpr char kEffects[] = "CREATE TABLE effects (number BIGINT NOT NULL, event TEXT NOT NULL)";
constexpr storage::Migration kOwn[] = {{"test", 1, "effects", kEffects, kEffects}};
storage::Statement const kEffect("test.effect", "INSERT INTO effects (number, event) VALUES ($1, $2)");

// A database in whose writes a test lets things go wrong.
class FaultyDatabase final : public storage::Database {
 public:
  enum class Fault { kNone, kBeforeUnit, kAfterUnit, kAfterCommit };
  explicit FaultyDatabase(storage::Database& real) : real_(real) {}

  std::function<Fault()> next_fault = [] { return Fault::kNone; };

  storage::Engine engine() const override { return real_.engine(); }
  absl::Status Read(storage::Limits const& limits, absl::FunctionRef<absl::Status(storage::ReadTransaction&)> unit) override {
    return real_.Read(limits, unit);
  }
  absl::Status Write(storage::Limits const& limits, absl::FunctionRef<absl::Status(storage::WriteTransaction&)> unit) override {
    Fault const fault = next_fault();
    if (fault == Fault::kBeforeUnit) return absl::UnavailableError("before the unit");
    absl::Status const status = real_.Write(limits, [&](storage::WriteTransaction& tx) -> absl::Status {
      RETURN_IF_ERROR(unit(tx));
      return fault == Fault::kAfterUnit ? absl::UnavailableError("before the commit") : absl::OkStatus();
    });
    if (status.ok() && fault == Fault::kAfterCommit) return absl::UnavailableError("after the commit");
    return status;
  }
  absl::Status RunScript(std::string_view script, storage::Statement const& then, std::span<storage::Bind const> binds) override {
    return real_.RunScript(script, then, binds);
  }
  absl::StatusOr<std::string> Explain(storage::Statement const& statement) override { return real_.Explain(statement); }
  absl::Status Ping(storage::Limits const& limits) override { return real_.Ping(limits); }

 private:
  storage::Database& real_;
};

// Answers EventService from a log, without a pipeline. A watch ends well when there is no more for now.
class LogChannel final : public client::Channel {
 public:
  explicit LogChannel(events::EventLog& log) : log_(log) {}

  std::function<absl::Status()> next_error = [] { return absl::OkStatus(); };
  int watches = 0;
  absl::Time last_deadline;

  absl::StatusOr<std::string> Call(contract::Method const& method, std::string_view bytes,
                                   client::CallOptions const& options) override {
    EXPECT_EQ(method.name(), "ReadEvents");
    EXPECT_EQ(options.identity, "signed");
    last_deadline = options.deadline;
    RETURN_IF_ERROR(next_error());
    events::v1::ReadEventsRequest request;
    EXPECT_TRUE(request.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())));
    ASSIGN_OR_RETURN(auto const response,
                     Read<events::v1::ReadEventsResponse>(request.cursor(), request.page_size(), request.types()));
    return response.SerializeAsString();
  }
  absl::Status Stream(contract::Method const& method, std::string_view bytes, client::CallOptions const&,
                      std::function<bool(std::string_view)> const& on_message) override {
    EXPECT_EQ(method.name(), "WatchEvents");
    ++watches;
    if (on_watch) on_watch();
    events::v1::WatchEventsRequest request;
    EXPECT_TRUE(request.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())));
    for (std::string cursor = request.cursor();;) {
      RETURN_IF_ERROR(next_error());
      ASSIGN_OR_RETURN(auto const response, Read<events::v1::WatchEventsResponse>(cursor, 2, request.types()));
      if (!on_message(response.SerializeAsString()) || response.events().empty()) return absl::OkStatus();
      cursor = response.next_cursor();
    }
  }
  std::function<void()> on_watch;

 private:
  template <typename Response, typename Types>
  absl::StatusOr<Response> Read(std::string const& cursor, int limit, Types const& wanted) {
    std::vector<std::string> const types(wanted.begin(), wanted.end());
    ASSIGN_OR_RETURN(auto const batch, log_.Read({}, cursor, limit, types));
    Response response;
    for (auto const& event : batch.events) *response.add_events() = event;
    response.set_next_cursor(batch.next_cursor);
    return response;
  }
  events::EventLog& log_;
};

class ConsumerTest : public testing::ForBothEngines {
 protected:
  void SetUp() override {
    ForBothEngines::SetUp();
    source_database_ = source_fresh_.Open();
    source_.emplace(*source_database_, std::span<storage::Migration const>(), clock_, random_);
    channel_.emplace(source_->log());
    Start();
  }
  void TearDown() override {
    Stop();
    channel_.reset();
    source_.reset();
  }
  void Start() {
    faulty_.emplace(database());
    parts_.emplace(*faulty_, kOwn, clock_, random_);
    consumer_ = MakeConsumer({});
  }
  void Stop() {
    consumer_.reset();
    parts_.reset();
    faulty_.reset();
  }
  void Restart() {
    Stop();
    Reopen();
    Start();
  }

  std::unique_ptr<Consumer> MakeConsumer(std::vector<std::string> types) {
    Consumer::Options options{.name = "test/source",
                              .types = std::move(types),
                              .subject = "services/test",
                              .page_size = 3,
                              .identity = [] { return std::string("signed"); },
                              .sleep = [this](absl::Duration delay, std::stop_token stop) { Sleep(delay, stop); }};
    return std::make_unique<Consumer>(
        Consumer::Parts{.channel = &*channel_, .store = &parts_->store(), .log = &log_, .metrics = &metrics_}, std::move(options),
        [this](WriteTransaction& tx, events::v1::Event const& event) { return Handle(tx, event); });
  }
  // The effect of an event: a row, and an event of this service's own.
  absl::Status Handle(WriteTransaction& tx, events::v1::Event const& event) {
    RETURN_IF_ERROR(before_effect());
    int const number = ++handled_;
    RETURN_IF_ERROR(tx.Enqueue(kEffect, {std::int64_t{number}, std::string_view(event.subject())}));
    DepartmentsMerged own;
    own.set_successor(event.subject());
    RETURN_IF_ERROR(tx.Append(own, event.subject()));
    return after_effect();
  }
  void Sleep(absl::Duration delay, std::stop_token) {
    slept_.push_back(delay);
    if (on_sleep) on_sleep();
  }

  // Something happens in the other service.
  template <typename Message = DepartmentsMerged>
  void Happen(int count) {
    for (int i = 0; i < count; ++i) {
      CallContext const call(
          testing::CallParts("/helhed.residents.v1.HousingRegisterService/CreateOrganisation", clock_, random_));
      std::string const subject = absl::StrCat(happened_++);
      ASSERT_THAT(source_->store().Apply(call, [&](WriteTransaction& tx) { return tx.Append(Message(), subject); }), IsOk());
    }
  }

  // The events that took effect, in order.
  std::vector<std::string> Effects() {
    storage::Statement const all(storage::Statement::Dynamic{"test.effects", "SELECT event FROM effects ORDER BY number"});
    std::vector<std::string> effects;
    auto const status = database().Read({}, [&](storage::ReadTransaction& tx) -> absl::Status {
      ASSIGN_OR_RETURN(auto const rows, tx.Query(all, {}));
      for (std::size_t row = 0; row < rows.size(); ++row) effects.push_back(rows.Text(row, 0));
      return absl::OkStatus();
    });
    EXPECT_THAT(status, IsOk());
    return effects;
  }
  static std::vector<std::string> UpTo(int count) {
    std::vector<std::string> all;
    for (int i = 0; i < count; ++i) all.push_back(absl::StrCat(i));
    return all;
  }
  // The events that the effects appended, too, are each there once.
  std::vector<std::string> OwnEvents() {
    auto const batch = parts_->log().Read({}, "", 1000, {});
    EXPECT_THAT(batch, IsOk());
    std::vector<std::string> subjects;
    for (auto const& event : batch->events) subjects.push_back(event.subject());
    return subjects;
  }

  FakeClock clock_{testing::kTestStart};
  testing::TestRandom random_;
  telemetry::Log log_{{.service = "test", .destination = "/dev/null"}};
  telemetry::Metrics metrics_;
  testing::FreshDatabase source_fresh_{GetParam()};
  std::unique_ptr<storage::Database> source_database_;
  std::optional<testing::TestStore> source_;
  std::optional<LogChannel> channel_;
  std::optional<FaultyDatabase> faulty_;
  std::optional<testing::TestStore> parts_;
  std::unique_ptr<Consumer> consumer_;

  std::function<absl::Status()> before_effect = [] { return absl::OkStatus(); };
  std::function<absl::Status()> after_effect = [] { return absl::OkStatus(); };
  std::function<void()> on_sleep;
  std::atomic<int> handled_{0};
  int happened_ = 0;
  std::vector<absl::Duration> slept_;
};

TEST_P(ConsumerTest, TakesInEveryEventOnceAndInOrder) {
  Happen(8);
  EXPECT_EQ(*consumer_->CatchUp({}), 8);
  EXPECT_EQ(*consumer_->CatchUp({}), 0);
  Happen(2);
  Restart();
  EXPECT_EQ(*consumer_->CatchUp({}), 2);
  EXPECT_EQ(Effects(), UpTo(10));
  EXPECT_EQ(OwnEvents(), UpTo(10));
}

TEST_P(ConsumerTest, TakesInAPageAtATimeForWhoHasMoreToDo) {
  Happen(7);
  for (auto const& [more, effects] : {std::pair(true, 3), std::pair(true, 6), std::pair(true, 7), std::pair(false, 7)}) {
    auto const page = consumer_->CatchUpPage({});
    ASSERT_THAT(page, IsOk());
    EXPECT_EQ(*page, more);
    EXPECT_EQ(Effects(), UpTo(effects));
  }
}

TEST_P(ConsumerTest, APageEndsWhenItsTimeIsUp) {
  Happen(3);
  auto const more = consumer_->CatchUpPage({.deadline = absl::InfinitePast()});
  ASSERT_THAT(more, IsOk());
  EXPECT_TRUE(*more);
  EXPECT_EQ(Effects(), UpTo(0));
  EXPECT_EQ(channel_->last_deadline, clock_.Now()) << "nor does the other service have any";
  ASSERT_THAT(consumer_->CatchUpPage({}), IsOk());
  EXPECT_EQ(Effects(), UpTo(3));
}

TEST_P(ConsumerTest, EffectsBearTheServicesNameInTheCallersTrace) {
  Happen(1);
  ASSERT_THAT(consumer_->CatchUp({}), IsOk());
  auto const batch = parts_->log().Read({}, "", 1, {});
  EXPECT_EQ(batch->events.front().sender(), "services/test");
  EXPECT_EQ(batch->events.front().traceparent().substr(3, 32), "0af7651916cd43dd8448eb211c80319c");
}

TEST_P(ConsumerTest, AHandlersErrorStopsThereAndIsNeverSkipped) {
  Happen(5);
  int calls = 0;
  before_effect = [&] { return ++calls == 3 ? absl::FailedPreconditionError("not yet") : absl::OkStatus(); };
  EXPECT_EQ(consumer_->CatchUp({}).status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(Effects(), UpTo(2));
  EXPECT_EQ(*consumer_->CatchUp({}), 3);
  EXPECT_EQ(Effects(), UpTo(5));
}

// At every step of every event something fails once: before the effect, after it, before the transaction, before and after its
// commit, at the other service; now and then the process ends. Nothing is lost, nothing happens twice.
TEST_P(ConsumerTest, EachEventTakesEffectOnceWhateverFails) {
  using Fault = FaultyDatabase::Fault;
  SeededRandom random(42);
  int faults = 0;
  auto const fails = [&] { return random.Between(0, 4) == 0 && ++faults > 0; };
  auto const fail = [&] { return fails() ? absl::UnavailableError("injected") : absl::OkStatus(); };
  before_effect = fail;
  after_effect = fail;
  channel_->next_error = fail;
  std::map<Fault, int> seen;
  Happen(25);
  for (int attempt = 0; attempt < 2000 && Effects().size() < 25; ++attempt) {
    if (random.Between(0, 9) == 0) Restart();
    faulty_->next_fault = [&] {
      auto const fault = fails() ? static_cast<Fault>(random.Between(1, 3)) : Fault::kNone;
      ++seen[fault];
      return fault;
    };
    consumer_->CatchUp({}).IgnoreError();
  }
  EXPECT_EQ(Effects(), UpTo(25));
  EXPECT_EQ(OwnEvents(), UpTo(25));
  EXPECT_GT(faults, 25);
  EXPECT_EQ(seen.size(), 4u) << "every kind of fault was injected";
}

TEST_P(ConsumerTest, OfSeveralReplicasOneTakesEachEventIn) {
  Happen(30);
  auto const other = MakeConsumer({});
  std::atomic<int> taken{0};
  std::vector<std::thread> threads;
  for (Consumer* const consumer : {consumer_.get(), other.get()}) {
    threads.emplace_back([&taken, consumer] {
      auto const count = consumer->CatchUp({});
      EXPECT_THAT(count, IsOk());
      taken += *count;
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(taken, 30);
  EXPECT_EQ(OwnEvents(), UpTo(30));
}

TEST_P(ConsumerTest, PassesEventsOfOtherTypesAndDoesNotGrowTooOldMeanwhile) {
  auto const deleted = MakeConsumer({"helhed.residents.v1.DwellingDeleted"});
  Happen(4);
  EXPECT_EQ(*deleted->CatchUp({}), 0);
  EXPECT_EQ(*source_->log().Trim({}, absl::InfiniteFuture(), 100), 4);
  Happen(1);
  Happen<DwellingDeleted>(1);
  EXPECT_EQ(*deleted->CatchUp({}), 1);
  EXPECT_EQ(Effects(), (std::vector<std::string>{"5"}));
}

TEST_P(ConsumerTest, ATooOldCursorIsSurfacedAndResetGoesOn) {
  Happen(2);
  EXPECT_EQ(*consumer_->CatchUp({}), 2);
  Happen(3);
  ASSERT_THAT(source_->log().Trim({}, absl::InfiniteFuture(), 4), IsOk());
  auto const status = consumer_->Run({});
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kOutOfRange, "CURSOR_TOO_OLD"));
  EXPECT_TRUE(slept_.empty());
  ASSERT_THAT(consumer_->Reset({}, MetadataOf(status).at("oldest_cursor")), IsOk());
  EXPECT_EQ(*consumer_->CatchUp({}), 1);
  EXPECT_EQ(Effects(), (std::vector<std::string>{"0", "1", "4"}));
}

TEST_P(ConsumerTest, RunWatchesAfterItHasCaughtUp) {
  std::stop_source stop;
  Happen(2);
  channel_->on_watch = [&] {
    if (channel_->watches == 1) Happen(3);
  };
  on_sleep = [&] { stop.request_stop(); };
  EXPECT_THAT(consumer_->Run(stop.get_token()), IsOk());
  EXPECT_EQ(Effects(), UpTo(5));
  EXPECT_GE(channel_->watches, 2);
}

TEST_P(ConsumerTest, RunTriesAgainLaterAndLaterAndRecovers) {
  std::stop_source stop;
  Happen(3);
  bool broken = true;
  before_effect = [&] { return broken && handled_ == 1 ? absl::InternalError("a bug") : absl::OkStatus(); };
  on_sleep = [&] {
    if (slept_.size() == 12) broken = false;
    if (slept_.size() == 13) stop.request_stop();
  };
  EXPECT_THAT(consumer_->Run(stop.get_token()), IsOk());
  EXPECT_EQ(Effects(), UpTo(3));
  EXPECT_EQ(slept_[0], absl::Milliseconds(50));
  EXPECT_EQ(slept_[1], absl::Milliseconds(100));
  EXPECT_EQ(slept_[11], absl::Seconds(30));
  EXPECT_NE(metrics_.Expose().find("helhed_consumer_errors_total{consumer=\"test/source\"} 12"), std::string::npos)
      << metrics_.Expose();
  EXPECT_NE(metrics_.Expose().find("helhed_consumer_events_total{consumer=\"test/source\"} 3"), std::string::npos);
}

TEST_P(ConsumerTest, StopsBetweenTwoEvents) {
  std::stop_source stop;
  Happen(5);
  after_effect = [&] {
    if (handled_ == 2) stop.request_stop();
    return absl::OkStatus();
  };
  consumer_->CatchUp(stop.get_token()).IgnoreError();
  after_effect = [] { return absl::OkStatus(); };
  EXPECT_LT(Effects().size(), 3u);
  EXPECT_THAT(consumer_->CatchUp({}), IsOk());
  EXPECT_EQ(OwnEvents(), UpTo(5));
}

HELHED_BOTH_ENGINES(ConsumerTest);

}  // namespace
}  // namespace helhed::consumer
