#include "services/platform/events/event_service.h"

#include <absl/strings/str_cat.h>

#include "services/platform/base/clock.h"
#include "services/platform/base/random.h"
#include "services/platform/testing/engines.h"
#include "services/platform/testing/matchers.h"

namespace helhed::events {
namespace {

using testing::IsOk;
using testing::StatusIs;
using State = ServerStream::State;

constexpr char kRead[] = "/helhed.events.v1.EventService/ReadEvents";
constexpr char kWatch[] = "/helhed.events.v1.EventService/WatchEvents";

class EventServiceTest : public testing::ForBothEngines {
 protected:
  void SetUp() override {
    ForBothEngines::SetUp();
    ASSERT_THAT(storage::Migrate(database(), EventLog::Migrations()), IsOk());
    auto log = EventLog::Open(database(), sealer_);
    ASSERT_THAT(log, IsOk());
    log_ = *std::move(log);
    service_.emplace(*log_);
    service_->Register(router_);
    ASSERT_THAT(router_.Check(), IsOk());
  }
  void TearDown() override { log_.reset(); }

  void Append(std::string const& id, std::string const& type = "t.A") {
    v1::Event event;
    event.set_id(id);
    event.set_type(type);
    ASSERT_THAT(database().Write({}, [&](storage::WriteTransaction& tx) { return log_->Append(tx, event); }), IsOk());
    log_->Appended();
  }
  CallContext Context(std::string_view path) {
    CallContext::Parts parts;
    parts.method = contract::FindMethod(path);
    parts.clock = &clock_;
    parts.random = &random_;
    return CallContext(std::move(parts));
  }
  absl::StatusOr<v1::ReadEventsResponse> Read(v1::ReadEventsRequest const& request) {
    google::protobuf::Arena arena;
    ASSIGN_OR_RETURN(auto* const response, router_.Find(kRead)->unary(Context(kRead), request, arena));
    return static_cast<v1::ReadEventsResponse const&>(*response);
  }
  absl::StatusOr<std::unique_ptr<ServerStream>> Watch(v1::WatchEventsRequest const& request) {
    return router_.Find(kWatch)->stream(Context(kWatch), request);
  }
  // Asks once and checks the ids of all messages that came, each message in brackets.
  void ExpectNext(ServerStream& stream, State state, std::string const& ids) {
    std::vector<std::string> out;
    auto const next = stream.Next(Context(kWatch), out);
    ASSERT_THAT(next, IsOk());
    EXPECT_EQ(*next, state);
    std::string seen;
    for (auto const& bytes : out) {
      v1::WatchEventsResponse response;
      ASSERT_TRUE(response.ParseFromString(bytes));
      seen += "[";
      for (auto const& event : response.events()) seen += event.id();
      seen += "]";
      EXPECT_FALSE(response.next_cursor().empty());
      cursor_ = response.next_cursor();
    }
    EXPECT_EQ(seen, ids);
  }

  storage::TokenSealer sealer_{std::string(32, 'k')};
  FakeClock clock_{absl::FromUnixSeconds(1772352000)};
  SeededRandom random_{1};
  std::unique_ptr<EventLog> log_;
  std::optional<EventService> service_;
  Router router_;
  std::string cursor_;
};

TEST_P(EventServiceTest, ReadsPages) {
  for (int i = 0; i < 150; ++i) Append(absl::StrCat(i), i % 2 == 0 ? "t.A" : "t.B");
  v1::ReadEventsRequest request;
  auto response = Read(request);
  ASSERT_THAT(response, IsOk());
  EXPECT_EQ(response->events_size(), 100);
  EXPECT_EQ(response->events(99).cursor(), response->next_cursor());
  request.set_cursor(response->next_cursor());
  request.set_page_size(7);
  request.add_types("t.B");
  response = Read(request);
  ASSERT_THAT(response, IsOk());
  EXPECT_EQ(response->events_size(), 7);
  EXPECT_EQ(response->events(0).id(), "101");
  request.set_cursor("altered");
  EXPECT_THAT(Read(request), StatusIs(absl::StatusCode::kInvalidArgument, "CURSOR_INVALID"));
}

TEST_P(EventServiceTest, WatchesFromTheEndAndIsWoken) {
  Append("a");
  v1::WatchEventsRequest request;
  request.set_cursor("$end");
  auto const stream = Watch(request);
  ASSERT_THAT(stream, IsOk());
  ExpectNext(**stream, State::kWait, "[]");  // where the end is
  ExpectNext(**stream, State::kWait, "");

  int woken = 0;
  (*stream)->Subscribe([&] { ++woken; });
  EXPECT_EQ(woken, 0);
  Append("b");
  EXPECT_EQ(woken, 1);
  ExpectNext(**stream, State::kMore, "[b]");
  ExpectNext(**stream, State::kWait, "");
  (*stream)->Unsubscribe();
  Append("c");
  EXPECT_EQ(woken, 1);
  // What came while nobody listened wakes at once.
  (*stream)->Subscribe([&] { ++woken; });
  EXPECT_EQ(woken, 2);
  ExpectNext(**stream, State::kMore, "[c]");
}

TEST_P(EventServiceTest, ResumesFromAnyMessagesCursor) {
  Append("a");
  auto const first = Watch({});
  ASSERT_THAT(first, IsOk());
  ExpectNext(**first, State::kMore, "[a]");
  Append("b");
  v1::WatchEventsRequest request;
  request.set_cursor(cursor_);
  auto const second = Watch(request);
  ASSERT_THAT(second, IsOk());
  ExpectNext(**second, State::kMore, "[b]");
}

TEST_P(EventServiceTest, SendsASignOfLife) {
  v1::WatchEventsRequest request;
  request.mutable_heartbeat()->set_seconds(2);
  auto const stream = Watch(request);
  ASSERT_THAT(stream, IsOk());
  ExpectNext(**stream, State::kWait, "[]");
  EXPECT_LE((*stream)->poll_after(), absl::Seconds(2));
  clock_.Advance(absl::Milliseconds(1500));
  ExpectNext(**stream, State::kWait, "");
  EXPECT_LE((*stream)->poll_after(), absl::Milliseconds(500));
  clock_.Advance(absl::Milliseconds(500));
  ExpectNext(**stream, State::kWait, "[]");
}

TEST_P(EventServiceTest, RefusesAHeartbeatThatIsNone) {
  for (int const seconds : {-1, 0, 301}) {
    v1::WatchEventsRequest request;
    request.mutable_heartbeat()->set_seconds(seconds);
    auto const stream = Watch(request);
    EXPECT_THAT(stream, StatusIs(absl::StatusCode::kInvalidArgument, "BAD_REQUEST")) << seconds;
    EXPECT_EQ(ViolationsOf(stream.status()).front().field, "heartbeat");
  }
}

TEST_P(EventServiceTest, ATooOldCursorEndsTheStreamWithTheError) {
  Append("a");
  Append("b");
  auto const all = log_->Read({}, "", 1, {});
  ASSERT_THAT(log_->Trim({}, absl::InfiniteFuture(), 10), IsOk());
  v1::WatchEventsRequest request;
  request.set_cursor(all->next_cursor);
  auto const stream = Watch(request);
  ASSERT_THAT(stream, IsOk());
  std::vector<std::string> out;
  EXPECT_THAT((*stream)->Next(Context(kWatch), out), StatusIs(absl::StatusCode::kOutOfRange, "CURSOR_TOO_OLD"));
}

HELHED_BOTH_ENGINES(EventServiceTest);

}  // namespace
}  // namespace helhed::events
