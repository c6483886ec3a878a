#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "gateway/door/feed_cursor.h"
#include "gateway/door/feed_hub.h"
#include "gateway/door/grpc_answer.h"
#include "gateway/door/own_calls.h"
#include "gateway/door/wire.h"
#include "helhed/common/v1/errors.pb.h"
#include "helhed/events/v1/event_service.pb.h"
#include "helhed/gateway/v1/event_feed_service.pb.h"
#include "services/platform/base/status.h"
#include "services/platform/testing/matchers.h"

// The feed over logs that are made up: their order, the moments at which a reader learns of an event, and their failures are the
// test's.
namespace helhed::gateway::door {
namespace {

using helhed::testing::ForAllSeeds;
using helhed::testing::IsOk;
using helhed::testing::StatusIs;
using ::testing::ElementsAre;

TEST(Wire, WhatIsWrittenIsRead) {
  std::string message;
  AppendWire(1, "text", message);
  AppendWire(2, std::uint64_t{300}, message);
  AppendWire(3, "", message);
  std::vector<WireField> fields;
  ASSERT_TRUE(ReadWire(message, fields));
  ASSERT_EQ(fields.size(), 3U);
  EXPECT_EQ(fields[0].bytes, "text");
  EXPECT_EQ(fields[1].value, 300U);
  EXPECT_EQ(fields[2].bytes, "");
  EXPECT_FALSE(ReadWire(message.substr(0, 3), fields));
}

TEST(FeedCursor, ReturnsWhatWentInAndRefusesWhatIsNone) {
  FeedPositions const positions = {{"residents", {"sealed/+=", "id-1"}}, {"funding", {"", ""}}};
  auto const text = ToFeedCursor(positions);
  EXPECT_EQ(*FromFeedCursor(text), positions);
  for (auto const& bad : {std::string("x"), std::string("$end"), text.substr(0, text.size() / 2), std::string("AAAA")}) {
    EXPECT_THAT(FromFeedCursor(bad), StatusIs(absl::StatusCode::kInvalidArgument, "CURSOR_INVALID")) << bad;
  }
}

TEST(GrpcTrailers, SayTheReasonHoweverLongTheRestIs) {
  std::vector<FieldViolation> violations(500, FieldViolation{"a_field_with_a_name", "is wrong in some way"});
  auto const trailers = GrpcTrailers(BadRequest(violations), "");
  std::size_t bytes = 0;
  for (auto const& field : trailers) bytes += field.name.size() + field.value.size();
  EXPECT_LT(bytes, 8U * 1024);
  EXPECT_EQ(http::Find(trailers, "grpc-status"), "3");
  EXPECT_FALSE(http::Find(trailers, "grpc-status-details-bin").empty());
  EXPECT_THAT(GrpcTrailers(absl::OkStatus(), ""), ::testing::SizeIs(1));
  EXPECT_TRUE(IsGrpc("application/grpc+proto; charset=x"));
  EXPECT_FALSE(IsGrpc("application/grpc-web"));
}

// A service's log of events, and the service that reads it: as the real one, its cursors of one place differ each time.
class FakeLog final : public upstream::Upstream {
 public:
  FakeLog(boost::asio::io_context& loop, std::string name) : loop_(loop), name_(std::move(name)) {}

  void Append(int count) {
    for (; count > 0; --count) ids_.push_back(absl::StrCat(name_, "-", ids_.size()));
  }
  std::vector<std::string> const& ids() const { return ids_; }

  // Tells those who watch what there is, `at_most` events each.
  void Announce(std::size_t at_most) {
    for (auto* const watch : std::vector<Watch*>(watches_.begin(), watches_.end())) watch->Send(at_most);
  }
  void Break() {
    for (auto* const watch : std::vector<Watch*>(watches_.begin(), watches_.end())) watch->End();
  }
  void SetDown(bool down) {
    down_ = down;
    if (down) Break();
  }
  // As when events are large: no more in one answer, however many were asked for.
  void SetAnswerMax(std::size_t events) { answer_max_ = events; }
  std::size_t watches() const { return watches_.size(); }
  int reads() const { return reads_; }

  std::unique_ptr<upstream::Running> Start(upstream::Call call, upstream::Receiver& receiver) override {
    if (down_) return Refuse(loop_, receiver, absl::UnavailableError("down"));
    if (call.method->is_server_stream()) {
      events::v1::WatchEventsRequest request;
      EXPECT_TRUE(request.ParseFromString(call.request));
      return std::make_unique<Watch>(*this, receiver, Place(request.cursor()));
    }
    ++reads_;
    events::v1::ReadEventsRequest request;
    EXPECT_TRUE(request.ParseFromString(call.request));
    auto at = Place(request.cursor());
    events::v1::ReadEventsResponse response;
    Fill(at, std::min(static_cast<std::size_t>(request.page_size()), answer_max_), response);
    return std::make_unique<Read>(loop_, receiver, response.SerializeAsString());
  }
  bool available() const override { return !down_; }

 private:
  class Read final : public upstream::Running {
   public:
    Read(boost::asio::io_context& loop, upstream::Receiver& receiver, std::string message) {
      boost::asio::post(loop, [&receiver, message = std::move(message), alive = std::weak_ptr(alive_)] {
        if (alive.lock() == nullptr) return;
        receiver.OnMessage(message);
        receiver.OnEnd({absl::OkStatus(), ""});
      });
    }
    void Consume(std::size_t) override {}

   private:
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  };

  class Watch final : public upstream::Running {
   public:
    Watch(FakeLog& log, upstream::Receiver& receiver, std::size_t at) : log_(log), receiver_(receiver), at_(at) {
      log_.watches_.insert(this);
      boost::asio::post(log_.loop_, [this, alive = std::weak_ptr(alive_)] {
        if (alive.lock() != nullptr) Send(0);
      });
    }
    ~Watch() override { log_.watches_.erase(this); }
    Watch(Watch const&) = delete;
    Watch& operator=(Watch const&) = delete;
    void Consume(std::size_t) override {}

    void Send(std::size_t at_most) {
      events::v1::WatchEventsResponse response;
      log_.Fill(at_, at_most, response);
      receiver_.OnMessage(response.SerializeAsString());
    }
    void End() { receiver_.OnEnd({absl::UnavailableError("gone"), ""}); }

   private:
    FakeLog& log_;
    upstream::Receiver& receiver_;
    std::size_t at_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  };

  template <typename Response>
  void Fill(std::size_t& at, std::size_t at_most, Response& response) {
    for (; at < ids_.size() && at_most > 0; --at_most) {
      auto& event = *response.add_events();
      event.set_id(ids_[at]);
      event.set_type("t");
      event.set_subject("organisations/9001");
      event.set_cursor(Cursor(++at));
    }
    response.set_next_cursor(Cursor(at));
  }
  std::string Cursor(std::size_t at) { return absl::StrCat(at, ":", nonce_++); }
  std::size_t Place(std::string const& cursor) const {
    if (cursor == "$end") return ids_.size();
    return cursor.empty() ? 0 : std::stoul(cursor);
  }

  boost::asio::io_context& loop_;
  std::string const name_;
  std::vector<std::string> ids_;
  std::set<Watch*> watches_;
  int nonce_ = 0;
  int reads_ = 0;
  std::size_t answer_max_ = 1000;
  bool down_ = false;
};

// One life of a gateway: it can be ended and followed by another, which remembers nothing.
class FakeGateway {
 public:
  FakeGateway(boost::asio::io_context& loop, Clock const& clock, Upstreams const& logs, std::size_t events_max)
      : identity_(helhed::identity::Signer::FromSeed("test", std::string(32, 's')), clock),
        hub_({"a", "b"}, logs, loop, identity_, {.events_max = events_max, .reconnect = absl::Milliseconds(1)}),
        own_(roles_, clock, logs, loop, hub_) {
    hub_.Start();
  }
  ~FakeGateway() { hub_.Stop(); }
  FakeGateway(FakeGateway const&) = delete;
  FakeGateway& operator=(FakeGateway const&) = delete;

  std::unique_ptr<upstream::Running> Watch(std::string const& cursor, upstream::Receiver& receiver) {
    v1::WatchFeedRequest request;
    request.set_cursor(cursor);
    return Start("WatchFeed", request, receiver);
  }
  std::unique_ptr<upstream::Running> Read(std::string const& cursor, upstream::Receiver& receiver) {
    v1::ReadFeedRequest request;
    request.set_cursor(cursor);
    return Start("ReadFeed", request, receiver);
  }

 private:
  std::unique_ptr<upstream::Running> Start(std::string const& method, google::protobuf::Message const& request,
                                           upstream::Receiver& receiver) {
    common::v1::Identity identity;
    identity.add_grants()->set_role("reader");
    common::v1::SignedIdentity envelope;
    envelope.set_identity(identity.SerializeAsString());
    upstream::Call call;
    call.method = contract::FindMethod("/helhed.gateway.v1.EventFeedService/" + method);
    call.request = request.SerializeAsString();
    call.identity = envelope.SerializeAsString();
    return own_.Start(std::move(call), receiver);
  }

  helhed::identity::Roles roles_ =
      *helhed::identity::Roles::FromText("roles { name: 'reader' permissions: 'gateway.feed.read' }", "the test");
  OwnIdentity identity_;
  FeedHub hub_;
  OwnUpstream own_;
};

// A client that remembers the last cursor, as an EventSource does.
class Reader final : public upstream::Receiver {
 public:
  explicit Reader(std::string cursor) : cursor_(std::move(cursor)) {}
  void Connect(FakeGateway& gateway) { running_ = gateway.Watch(cursor_, *this); }
  void Disconnect() { running_.reset(); }
  void Read() {
    if (running_ != nullptr) running_->Consume(std::exchange(unread_, 0));
  }
  std::map<std::string, std::vector<std::string>> const& seen() const { return seen_; }
  std::string const& cursor() const { return cursor_; }
  absl::Status const& end() const { return end_; }

 private:
  void OnMessage(std::string message) override {
    unread_ += message.size();
    v1::WatchFeedResponse response;
    ASSERT_TRUE(response.ParseFromString(message));
    for (auto const& event : response.events()) seen_[event.id().substr(0, 1)].push_back(event.id());
    cursor_ = response.next_cursor();
  }
  void OnEnd(upstream::End end) override {
    end_ = end.status;
    running_.reset();
  }

  std::string cursor_;
  std::unique_ptr<upstream::Running> running_;
  std::map<std::string, std::vector<std::string>> seen_;
  std::size_t unread_ = 0;
  absl::Status end_;
};

struct FeedWorld {
  FeedWorld() {
    for (auto const* const name : {"a", "b"}) {
      auto log = std::make_unique<FakeLog>(loop, name);
      logs.emplace(name, log.get());
      upstreams.emplace(name, std::move(log));
    }
  }
  // Runs what is due; timers of the future stay.
  void Turn() {
    for (int i = 0; i < 50; ++i) {
      loop.restart();
      loop.poll();
    }
  }

  boost::asio::io_context loop{1};
  FakeClock clock{absl::FromUnixSeconds(1'700'000'000)};
  std::map<std::string, FakeLog*> logs;
  Upstreams upstreams;
};

TEST(Feed, NoGapAndNoRepeatWhateverHappens) {
  ForAllSeeds(150, [](SeededRandom& random) {
    FeedWorld world;
    for (auto const& [name, log] : world.logs) log->Append(static_cast<int>(random.Between(0, 8)));
    auto gateway =
        std::make_unique<FakeGateway>(world.loop, world.clock, world.upstreams, static_cast<std::size_t>(random.Between(1, 6)));
    Reader from_oldest("");
    from_oldest.Connect(*gateway);
    for (int step = 0; step < 60; ++step) {
      auto& log = *world.logs[random.Between(0, 1) == 0 ? "a" : "b"];
      switch (random.Between(0, 7)) {
        case 0:
        case 1:
          log.Append(static_cast<int>(random.Between(1, 4)));
          break;
        case 2:
        case 3:
          log.Announce(static_cast<std::size_t>(random.Between(1, 5)));
          break;
        case 4:
          log.Break();
          break;
        case 5:
          from_oldest.Disconnect();
          if (random.Between(0, 1) == 0) {
            gateway = std::make_unique<FakeGateway>(world.loop, world.clock, world.upstreams,
                                                    static_cast<std::size_t>(random.Between(1, 6)));
          }
          from_oldest.Connect(*gateway);
          break;
        case 6:
          world.clock.Advance(absl::Seconds(2));
          from_oldest.Read();
          break;
        default:
          log.SetDown(random.Between(0, 2) == 0);
          break;
      }
      if (random.Between(0, 1) == 0) world.Turn();
    }
    for (auto const& [name, log] : world.logs) log->SetDown(false);
    // At rest everything has come, once and in order.
    for (int i = 0; i < 4; ++i) {
      world.clock.Advance(absl::Seconds(5));
      // The streams that broke are opened again by a timer.
      absl::SleepFor(absl::Milliseconds(2));
      world.Turn();
      from_oldest.Disconnect();
      from_oldest.Connect(*gateway);
      world.Turn();
      for (auto const& [name, log] : world.logs) log->Announce(100);
      world.Turn();
    }
    EXPECT_THAT(from_oldest.end(), IsOk());
    for (auto const& [name, log] : world.logs) {
      auto const found = from_oldest.seen().find(name);
      EXPECT_EQ(found == from_oldest.seen().end() ? std::vector<std::string>() : found->second, log->ids());
    }
    from_oldest.Disconnect();
    gateway.reset();
    world.Turn();
  });
}

// What ReadFeed answers.
class Answer final : public upstream::Receiver {
 public:
  v1::ReadFeedResponse const& response() const { return response_; }

 private:
  void OnMessage(std::string message) override { ASSERT_TRUE(response_.ParseFromString(message)); }
  void OnEnd(upstream::End end) override { EXPECT_THAT(end.status, IsOk()); }

  v1::ReadFeedResponse response_;
};

TEST(Feed, IsReadToItsEndThoughAServiceAnswersWithLessThanIsAskedFor) {
  FeedWorld world;
  world.logs["a"]->Append(10);
  world.logs["a"]->SetAnswerMax(4);
  FakeGateway gateway(world.loop, world.clock, world.upstreams, 3);
  world.Turn();
  std::vector<std::string> seen;
  std::string cursor;
  for (bool at_end = false; !at_end && seen.size() <= 10;) {
    Answer answer;
    auto const running = gateway.Read(cursor, answer);
    world.Turn();
    for (auto const& event : answer.response().events()) seen.push_back(event.id());
    cursor = answer.response().next_cursor();
    at_end = answer.response().at_end();
  }
  EXPECT_EQ(seen, world.logs["a"]->ids());
}

TEST(Feed, ManyWatchersAreOneStreamFromEachService) {
  FeedWorld world;
  FakeGateway gateway(world.loop, world.clock, world.upstreams, 100);
  world.Turn();
  std::vector<std::unique_ptr<Reader>> readers;
  for (int i = 0; i < 500; ++i) {
    readers.push_back(std::make_unique<Reader>("$end"));
    readers.back()->Connect(gateway);
  }
  world.Turn();
  EXPECT_EQ(world.logs["a"]->watches(), 1U);
  auto const reads = world.logs["a"]->reads();
  world.logs["a"]->Append(3);
  world.logs["a"]->Announce(10);
  world.Turn();
  for (auto const& reader : readers) EXPECT_THAT(reader->seen().at("a"), ElementsAre("a-0", "a-1", "a-2"));
  EXPECT_EQ(world.logs["a"]->reads(), reads) << "who is up to date needs no read of his own";
  readers.clear();
}

TEST(Feed, AWatcherThatDoesNotReadFallsBehindAndCatchesUp) {
  FeedWorld world;
  FakeGateway gateway(world.loop, world.clock, world.upstreams, 50);
  world.Turn();
  Reader slow("$end");
  slow.Connect(gateway);
  world.Turn();
  for (int i = 0; i < 200; ++i) {
    world.logs["a"]->Append(40);
    world.logs["a"]->Announce(100);
    world.Turn();
  }
  auto const held = slow.seen().at("a").size();
  EXPECT_LT(held, 8000U);
  for (int i = 0; i < 200 && slow.seen().at("a").size() < 8000; ++i) {
    slow.Read();
    world.Turn();
  }
  EXPECT_EQ(slow.seen().at("a"), world.logs["a"]->ids());
  slow.Disconnect();
}

}  // namespace
}  // namespace helhed::gateway::door
