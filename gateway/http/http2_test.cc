#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "gateway/http/server_for_test.h"

// HTTP/2 by the frames that a socket carries, of good callers and of bad ones (RFC 9113; the attacks have their CVE numbers).
namespace helhed::gateway::http {
namespace {

using std::chrono::milliseconds;
using ::testing::Contains;
using ::testing::Key;
using ::testing::Pair;

constexpr std::uint32_t kNoError = 0, kProtocolError = 1, kInternalError = 2, kFlowControlError = 3, kRefusedStream = 7,
                        kCancel = 8, kEnhanceYourCalm = 11;
constexpr int kOpen = kEndHeaders;  // a body follows
constexpr int kSettingInitialWindow = 4;

std::string Body(std::int32_t stream, std::string_view bytes, bool end = true) {
  return Frame(kDataFrame, end ? kEndStream : 0, stream, bytes);
}

class Http2Test : public ServerTest {
 protected:
  std::pair<std::string, std::string> Ask(std::string const& frames) {
    Http2Wire wire(server_->port());
    wire.Send(frames);
    return wire.Answer(1);
  }
  // Sends it again and again until the server has had enough; its reason.
  std::optional<std::uint32_t> Flood(std::string const& frames, std::string const& first = {}) {
    Http2Wire wire(server_->port());
    wire.Send(first);
    std::string many;
    while (many.size() < 64 * 1024) many += frames;
    for (int i = 0; i < 2000 && wire.Send(many); ++i) {
    }
    return wire.AwaitEnd();
  }
};

TEST_F(Http2Test, AnswersWithHeadersBodyAndTrailers) {
  Start();
  Http2Wire wire(server_->port());
  wire.Send(Head(1, "/hello"));
  auto head = wire.Await(kHeadersFrame, 1);
  EXPECT_THAT(head.fields, Contains(Pair(":status", "200")));
  EXPECT_THAT(head.fields, Contains(Pair("content-length", "5")));
  EXPECT_THAT(head.fields, Contains(Key("date")));
  auto const data = wire.Next();
  EXPECT_EQ(data.payload, "hello");
  EXPECT_EQ(data.flags & kEndStream, kEndStream);

  wire.Send(Head(3, "/echo", kOpen, {{"te", "trailers"}, {"x-name", "a value"}}, "POST") + Body(3, "one", false) +
            Body(3, "two"));
  EXPECT_EQ(wire.Await(kHeadersFrame, 3).flags & kEndStream, 0);
  std::string body;
  auto frame = wire.Next();
  for (; frame.type != kHeadersFrame && frame.type != -1; frame = wire.Next())
    body += frame.type == kDataFrame ? frame.payload : "";
  EXPECT_EQ(body, "onetwo");
  EXPECT_THAT(frame.fields, Contains(Pair("x-trailer", "end")));
  EXPECT_EQ(frame.flags & kEndStream, kEndStream);

  wire.Send(Head(5, "/head-only"));
  auto const alone = wire.Await(kHeadersFrame, 5);
  EXPECT_EQ(alone.flags & kEndStream, kEndStream) << "a trailers-only answer is one frame";
  EXPECT_THAT(alone.fields, Contains(Pair("grpc-status", "5")));

  std::lock_guard const lock(script_.mutex);
  auto const& seen = script_.heads[1];
  EXPECT_EQ(seen.version, Version::kHttp2);
  EXPECT_EQ(seen.method, "POST");
  EXPECT_EQ(seen.authority, "localhost");
  EXPECT_EQ(seen.target, "/echo");
  EXPECT_EQ(Find(seen.fields, "x-name"), "a value");
}

TEST_F(Http2Test, ARequestMayComeInAnyPieces) {
  Start();
  Http2Wire wire(server_->port());
  for (char const c : Head(1, "/echo", kOpen, {}, "POST") + Body(1, "abc")) wire.Send(std::string(1, c));
  EXPECT_EQ(wire.Answer(1).second, "abc");
}

TEST_F(Http2Test, HeadAndNothingHaveNoBody) {
  Start();
  Http2Wire wire(server_->port());
  wire.Send(Head(1, "/hello", kEndStream | kEndHeaders, {}, "HEAD") + Head(3, "/nothing"));
  for (std::int32_t const stream : {1, 3}) EXPECT_EQ(wire.Await(kHeadersFrame, stream).flags & kEndStream, kEndStream);
}

TEST_F(Http2Test, ManyStreamsAtOnceOnOneConnection) {
  Start();
  Http2Wire wire(server_->port());
  std::string frames;
  for (int i = 0; i < 100; ++i) frames += Head(2 * i + 1, "/echo", kOpen, {}, "POST");
  for (int i = 99; i >= 0; --i) frames += Body(2 * i + 1, absl::StrCat("body ", i));
  wire.Send(frames);
  std::map<std::int32_t, std::string> bodies;
  for (int ended = 0; ended < 100;) {
    auto const frame = wire.Next();
    ASSERT_NE(frame.type, -1);
    if (frame.type == kDataFrame) bodies[frame.stream] += frame.payload;
    if (frame.type == kHeadersFrame && (frame.flags & kEndStream) != 0) ++ended;
  }
  for (int i = 0; i < 100; ++i) EXPECT_EQ(bodies[2 * i + 1], absl::StrCat("body ", i));
}

TEST_F(Http2Test, AnEarlyAnswerEndsTheStreamOfWhoGoesOnSending) {
  limits_.linger_time = milliseconds(50);
  Start();
  Http2Wire wire(server_->port());
  wire.Send(Head(1, "/early", kOpen, {}, "POST"));
  EXPECT_THAT(wire.Await(kHeadersFrame, 1).fields, Contains(Pair(":status", "401")));
  EXPECT_EQ(wire.Await(kResetFrame, 1).code(), kNoError) << "after a while";
  wire.Send(Head(3, "/echo", kOpen, {{"expect", "100-continue"}}, "POST"));
  EXPECT_THAT(wire.Await(kHeadersFrame, 3).fields, Contains(Pair(":status", "100")));
  wire.Send(Body(3, "x"));
  EXPECT_EQ(wire.Answer(3), (std::pair<std::string, std::string>("200", "x")));
}

// A client that is told of the reset before it has sent its body forgets the answer (curl 7.88: "stream was not closed cleanly").
TEST_F(Http2Test, ABodyThatEndsSoonAfterItsEarlyAnswerIsNotReset) {
  limits_.linger_time = std::chrono::hours(1);
  Start();
  Http2Wire wire(server_->port());
  wire.Send(Head(1, "/early", kOpen, {}, "POST"));
  EXPECT_THAT(wire.Await(kHeadersFrame, 1).fields, Contains(Pair(":status", "401")));
  wire.Send(Body(1, "late"));
  wire.Send(Head(3, "/hello"));
  for (auto frame = wire.Next(); frame.type != -1 && frame.stream != 3; frame = wire.Next()) EXPECT_NE(frame.type, kResetFrame);

  wire.Send(Head(5, "/early", kOpen, {}, "POST"));
  EXPECT_THAT(wire.Await(kHeadersFrame, 5).fields, Contains(Pair(":status", "401")));
  for (int i = 0; i < 10; ++i) wire.Send(Body(5, std::string(16'000, 'x'), false));
  EXPECT_EQ(wire.Await(kResetFrame, 5).code(), kNoError) << "it does not end";
}

TEST_F(Http2Test, FaultyHandlersBreakNoFraming) {
  Start();
  EXPECT_EQ(Ask(Head(1, "/injects")).first, "500");
  EXPECT_EQ(Ask(Head(1, "/aborts")).first, absl::StrCat("reset ", kInternalError));
}

TEST_F(Http2Test, RefusesWhatIsMalformed) {
  Start();
  auto const reset = absl::StrCat("reset ", kProtocolError);
  auto const post = [](Pairs const& more) { return Head(1, "/echo", kOpen, more, "POST") + Body(1, "abc"); };
  EXPECT_EQ(Ask(post({{"content-length", "3"}, {"content-length", "4"}})).first, reset);
  EXPECT_EQ(Ask(post({{"content-length", "3"}, {"transfer-encoding", "chunked"}})).first, reset);
  EXPECT_EQ(Ask(post({{"content-length", "4"}})).first, reset) << "not as long as announced";
  EXPECT_EQ(Ask(post({{"x-a", std::string("b\0c", 3)}})).first, reset) << "NUL";
  EXPECT_EQ(Ask(post({{"x-a", "b\r\nc: d"}})).first, reset);
  EXPECT_EQ(Ask(post({{"X-A", "b"}})).first, reset);
  EXPECT_EQ(Ask(post({{"connection", "close"}})).first, reset);
  EXPECT_EQ(Ask(post({{":path", "/twice"}})).first, reset);
  EXPECT_EQ(Ask(post({{"host", "other"}})).first, "400");
  EXPECT_EQ(Ask(post({{"content-encoding", "gzip"}})).first, "415");
  EXPECT_EQ(Ask(Head(1, "/hello", kEndStream | kEndHeaders, {}, "GET", "user@host")).first, "400");
  EXPECT_EQ(Ask(Head(1, "hello")).first, reset);
  EXPECT_EQ(Ask(Head(1, "/hel#lo")).first, "400");
  EXPECT_TRUE(script_.gone == static_cast<int>(script_.heads.size())) << "no handler saw any of it to its end";
}

TEST_F(Http2Test, RefusesWhatIsTooLarge) {
  limits_.body_bytes = 1000;
  Start();
  EXPECT_EQ(Ask(Head(1, absl::StrCat("/", std::string(8192, 'a')))).first, "414");
  EXPECT_EQ(Ask(Head(1, "/hello", kEndStream, {{"a", std::string(16'000, 'a')}}) +
                Frame(kContinuationFrame, kEndHeaders, 1, Block({{"b", std::string(500, 'b')}})))
                .first,
            "431");
  Pairs many;
  for (int i = 0; i < 100; ++i) many.emplace_back(absl::StrCat("x", i), "");
  EXPECT_EQ(Ask(Head(1, "/hello", kEndStream | kEndHeaders, many)).first, "431");
  EXPECT_EQ(Ask(Head(1, "/echo", kOpen, {{"content-length", "1001"}}, "POST")).first, "413");
  EXPECT_EQ(Ask(Head(1, "/echo", kOpen, {}, "POST") + Body(1, std::string(1001, 'x'), false)).first, "413");
  EXPECT_EQ(Refused("headers_too_large"), 2);
  Http2Wire wire(server_->port());
  std::string frames = Head(1, "/hello", kEndStream, {{"a", std::string(16'000, 'a')}});
  for (int i = 0; i < 5; ++i) frames += Frame(kContinuationFrame, 0, 1, Block({{"a", std::string(16'000, 'a')}}));
  wire.Send(frames);
  EXPECT_TRUE(wire.AwaitEnd().has_value()) << "four times too much costs the connection";
}

// CVE-2023-44487
TEST_F(Http2Test, RapidReset) {
  Start();
  Http2Wire wire(server_->port());
  std::int32_t stream = 1;
  for (int i = 0; i < 100; ++i) {
    std::string frames;
    for (int j = 0; j < 100; ++j, stream += 2) frames += Head(stream, "/wait") + Frame(kResetFrame, 0, stream, Number(kCancel));
    if (!wire.Send(frames)) break;
  }
  EXPECT_EQ(wire.AwaitEnd(), kEnhanceYourCalm);
  EXPECT_EQ(Refused("too_many_resets"), 1);
  ASSERT_TRUE(script_.Await([&] { return script_.running == 0; }));
  EXPECT_LE(script_.heads.size(), 700U) << "500 at once, and what a slow machine earns meanwhile";
}

// CVE-2025-8671
TEST_F(Http2Test, ResetsThatThePeerProvokes) {
  limits_.resets_burst = 100;
  limits_.resets_per_second = 0;
  Start();
  Http2Wire wire(server_->port());
  auto const overflow = Number(0x7fffffff);
  std::int32_t stream = 1;
  while (wire.Send(Head(stream, "/wait") + Frame(kWindowFrame, 0, stream, overflow)) &&
         wire.Await(kResetFrame, stream).type != -1) {
    stream += 2;
  }
  EXPECT_EQ(Refused("too_many_resets"), 1);
  EXPECT_EQ(script_.heads.size(), 101U);
}

TEST_F(Http2Test, AFewCancelledCallsAreNoAttack) {
  Start();
  Http2Wire wire(server_->port());
  std::string frames;
  for (std::int32_t stream = 1; stream < 200; stream += 2) frames += Head(stream, "/wait");
  for (std::int32_t stream = 1; stream < 200; stream += 2) frames += Frame(kResetFrame, 0, stream, Number(kCancel));
  wire.Send(frames + Head(201, "/hello"));
  EXPECT_EQ(wire.Answer(201).second, "hello");
  EXPECT_TRUE(script_.Await([&] { return script_.gone == 100; }));
}

// CVE-2024-28182
TEST_F(Http2Test, ContinuationFlood) {
  Start();
  auto const code = Flood(Frame(kContinuationFrame, 0, 1, Block({{"a", "b"}})), Head(1, "/hello", kEndStream));
  EXPECT_EQ(code, kEnhanceYourCalm);
  EXPECT_TRUE(script_.heads.empty());
}

// CVE-2019-9511 to 9518
TEST_F(Http2Test, FloodsOfFramesThatCarryNothing) {
  Start();
  std::pair<char const*, std::string> const floods[] = {
      {"PING", Frame(kPingFrame, 0, 0, "12345678")},
      {"SETTINGS", Frame(kSettingsFrame, 0, 0, "")},
      {"PRIORITY", Frame(kPriorityFrame, 0, 3, std::string("\0\0\0\1\x10", 5))},
      {"WINDOW_UPDATE", Frame(kWindowFrame, 0, 0, Number(1))},
      {"unknown", Frame(0x77, 0, 0, "")},
      {"empty DATA", Body(1, "", false)},
      {"tiny DATA", Body(1, "x", false)},
  };
  for (auto const& [name, frames] : floods) {
    EXPECT_EQ(Flood(frames, Head(1, "/echo", kOpen, {}, "POST")), kEnhanceYourCalm) << name;
  }
  EXPECT_EQ(Refused("too_many_control_frames"), static_cast<int>(std::size(floods)));
  EXPECT_TRUE(script_.Await([&] { return script_.running == 0; }));
}

TEST_F(Http2Test, WorkEarnsTheFramesThatItNeeds) {
  limits_.controls_burst = 200;
  limits_.controls_per_second = 0;
  Start();
  Http2Wire wire(server_->port());
  for (std::int32_t stream = 1; stream < 1000; stream += 2) {
    wire.Send(Head(stream, "/hello") + Frame(kWindowFrame, 0, 0, Number(5)) + Frame(kPingFrame, 0, 0, "12345678"));
    ASSERT_EQ(wire.Answer(stream).second, "hello") << stream;
  }
}

TEST_F(Http2Test, WrongStreamsEndTheConnection) {
  Start();
  for (auto const& frames : {Head(1, "/wait") + Head(1, "/hello"), Head(2, "/hello"), Head(0, "/hello"), Body(1, "idle"),
                             Frame(kPingFrame, 0, 0, "short"), Frame(kSettingsFrame, 0, 1, ""),
                             Frame(kContinuationFrame, kEndHeaders, 1, ""), Frame(kDataFrame, 0, 1, std::string(17'000, 'x'))}) {
    Http2Wire wire(server_->port());
    wire.Send(frames);
    auto const code = wire.AwaitEnd();
    ASSERT_TRUE(code.has_value());
    EXPECT_NE(*code, kNoError);
  }
  EXPECT_GE(Refused("protocol_error"), 6);
}

TEST_F(Http2Test, AStreamIsUsedOnce) {
  Start();
  std::size_t served = 0;
  // One that was, and one that was passed over.
  for (std::int32_t const again : {3, 1}) {
    Http2Wire wire(server_->port());
    wire.Send(Head(3, "/hello"));
    EXPECT_EQ(wire.Answer(3).second, "hello");
    wire.Send(Head(again, "/hello") + Frame(kPingFrame, 0, 0, "12345678"));
    wire.Await(kPingFrame);
    std::lock_guard const lock(script_.mutex);
    EXPECT_EQ(script_.heads.size(), ++served) << again;
  }
}

TEST_F(Http2Test, StreamsAreLimited) {
  limits_.streams = 2;
  Start();
  Http2Wire wire(server_->port(), {}, 0, /*acknowledges=*/false);
  wire.Send(Head(1, "/wait") + Head(3, "/wait") + Head(5, "/wait"));
  EXPECT_EQ(wire.Await(kResetFrame, 5).code(), kRefusedStream);
  ASSERT_TRUE(script_.Await([&] { return script_.waiting.size() == 2; }));
  script_.Release();
  EXPECT_EQ(wire.Answer(1).second, "released");
  Http2Wire knowing(server_->port());
  knowing.Send(Head(1, "/wait") + Head(3, "/wait") + Head(5, "/wait"));
  EXPECT_EQ(knowing.AwaitEnd(), kProtocolError) << "who has acknowledged the limit has no excuse";
}

TEST_F(Http2Test, ASlowHeadCostsTheConnection) {
  limits_.head_time = milliseconds(200);
  Start();
  Http2Wire slow(server_->port());
  slow.Send(Head(1, "/wait"));
  auto const head = Head(3, "/hello");
  slow.Send(std::string_view(head).substr(0, head.size() - 2));
  EXPECT_EQ(slow.AwaitEnd(), kEnhanceYourCalm) << "a request that runs does not excuse it";
  Http2Wire unended(server_->port());
  unended.Send(Head(1, "/hello", kEndStream));
  EXPECT_EQ(unended.AwaitEnd(), kEnhanceYourCalm);
  Wire silent(server_->port());
  silent.Send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
  silent.ReadAll();
  EXPECT_EQ(Refused("head_too_slow"), 3);
}

TEST_F(Http2Test, ASlowBodyIsRefusedAndOthersGoOn) {
  limits_.body_time = milliseconds(200);
  Start();
  Http2Wire wire(server_->port());
  wire.Send(Head(1, "/echo", kOpen, {}, "POST") + Head(3, "/wait"));
  EXPECT_EQ(wire.Answer(1).first, "408");
  EXPECT_EQ(Refused("body_too_slow"), 1);
  ASSERT_TRUE(script_.Await([&] { return script_.gone == 1; }));
  script_.Release();
  EXPECT_EQ(wire.Answer(3).second, "released");
}

TEST_F(Http2Test, ABodyComesNoFasterThanItIsConsumed) {
  limits_.stream_window = 70'000;
  limits_.body_time = milliseconds(200);
  Start();
  Http2Wire wire(server_->port());
  std::string frames = Head(1, "/unread", kOpen, {}, "POST");
  for (int i = 0; i < 7; ++i) frames += Body(1, std::string(10'000, 'x'), false);
  wire.Send(frames + Head(3, "/echo", kOpen, {}, "POST") + Body(3, "other"));
  EXPECT_EQ(wire.Answer(3).second, "other") << "the connection is not held up";
  std::this_thread::sleep_for(milliseconds(400));
  EXPECT_EQ(script_.gone, 0) << "the peer may not send: it is not slow";
  wire.Send(Body(1, "y", false));
  auto const reset = wire.Await(kResetFrame, 1);
  EXPECT_EQ(reset.code(), kFlowControlError) << "no window was given that nobody consumed";
}

TEST_F(Http2Test, WindowsAreGivenBackAsBodiesAreConsumed) {
  limits_.stream_window = 65'535;
  limits_.connection_window = 65'535;
  limits_.body_bytes = 10 << 20;
  Start();
  Http2Wire wire(server_->port());
  for (std::int32_t stream = 1; stream < 9; stream += 2) {
    wire.Send(Head(stream, stream == 5 ? "/early" : "/sink", kOpen, {}, "POST"));
    for (int i = 0; i < 3; ++i) {
      wire.Send(Body(stream, std::string(16'384, 'x'), false) + Body(stream, std::string(16'384, 'x'), false));
      // Of the connection: also what came on a stream that was refused is given back.
      auto frame = wire.Await(kWindowFrame);
      while (frame.type != -1 && frame.stream != 0) frame = wire.Await(kWindowFrame);
      ASSERT_EQ(frame.type, kWindowFrame) << stream;
    }
    wire.Send(Frame(kResetFrame, 0, stream, Number(kCancel)));
  }
}

TEST_F(Http2Test, AnExhaustedWindowHoldsBoundedMemoryAndIsReset) {
  limits_.output_time = milliseconds(300);
  Start();
  Http2Wire wire(server_->port(), Setting(kSettingInitialWindow, 0));
  wire.Send(Head(1, "/endless") + Head(3, "/head-only"));
  EXPECT_EQ(wire.Await(kHeadersFrame, 3).fields[":status"], "200") << "what needs no window goes";
  EXPECT_EQ(wire.Await(kResetFrame, 1).code(), kCancel);
  EXPECT_EQ(script_.gone, 1);
  EXPECT_LE(script_.queued_max, Exchange::kHighWater + 32 * 1024);
  EXPECT_EQ(Refused("reader_too_slow"), 1);
}

TEST_F(Http2Test, AReaderThatStopsHoldsBoundedMemoryAndIsCutOff) {
  limits_.output_time = milliseconds(300);
  Start();
  Http2Wire wire(server_->port(), Setting(kSettingInitialWindow, 0x7fffffff), 4096);
  wire.Send(Frame(kWindowFrame, 0, 0, Number(0x7fff0000)) + Head(1, "/endless"));
  ASSERT_TRUE(script_.Await([&] { return script_.gone == 1 && script_.running == 0; }));
  EXPECT_LE(script_.queued_max, Exchange::kHighWater + 32 * 1024);
  EXPECT_GE(Refused("reader_too_slow"), 1) << "of the stream, and of the connection";
}

// CVE-2019-9511: a window that opens byte by byte.
TEST_F(Http2Test, ADribbledWindowIsAFlood) {
  Start();
  EXPECT_EQ(Flood(Frame(kWindowFrame, 0, 1, Number(1)),
                  Frame(kSettingsFrame, 0, 0, Setting(kSettingInitialWindow, 0)) + Head(1, "/endless")),
            kEnhanceYourCalm);
}

TEST_F(Http2Test, AStreamIsPacedByItsReader) {
  Start();
  Http2Wire wire(server_->port());
  wire.Send(Head(1, "/endless"));
  std::size_t read = 0;
  while (read < (4 << 20)) {
    auto const frame = wire.Await(kDataFrame, 1);
    ASSERT_EQ(frame.type, kDataFrame);
    read += frame.payload.size();
    auto const more = Number(static_cast<std::uint32_t>(frame.payload.size()));
    wire.Send(Frame(kWindowFrame, 0, 0, more) + Frame(kWindowFrame, 0, 1, more));
  }
  EXPECT_LE(script_.queued_max, Exchange::kHighWater + 32 * 1024);
  wire.Send(Frame(kResetFrame, 0, 1, Number(kCancel)));
  EXPECT_TRUE(script_.Await([&] { return script_.gone == 1 && script_.running == 0; }));
}

TEST_F(Http2Test, AHandlerThatWritesWithoutEndIsReset) {
  limits_.output_bytes = 1 << 20;
  Start();
  Http2Wire wire(server_->port(), Setting(kSettingInitialWindow, 0));
  wire.Send(Head(1, "/greedy") + Head(3, "/wait"));
  EXPECT_EQ(wire.Await(kResetFrame, 1).code(), kEnhanceYourCalm);
  EXPECT_EQ(Refused("output_too_large"), 1);
  EXPECT_EQ(script_.gone, 1);
}

TEST_F(Http2Test, AllAnswersOfAConnectionAreBoundedTogether) {
  limits_.output_bytes = 2 << 20;
  Start();
  Http2Wire wire(server_->port(), Setting(kSettingInitialWindow, 0));
  for (std::int32_t stream = 1; stream < 200; stream += 2) wire.Send(Head(stream, "/endless"));
  wire.Send(Frame(kPingFrame, 0, 0, "12345678"));
  while (true) {
    auto const frame = wire.Await(kPingFrame);
    if (frame.type == -1 || (frame.flags & kAck) != 0) break;
  }
  std::lock_guard const lock(script_.mutex);
  EXPECT_EQ(script_.heads.size(), 100U);
  EXPECT_LE(script_.written, (1U << 20) + Exchange::kHighWater) << "told to stop at half, not one is reset";
  EXPECT_EQ(script_.gone, 0);
}

TEST_F(Http2Test, AnIdleConnectionIsTakenLeaveOf) {
  limits_.idle_time = milliseconds(100);
  Start();
  Http2Wire wire(server_->port());
  wire.Send(Head(1, "/hello"));
  EXPECT_EQ(wire.Answer(1).second, "hello");
  EXPECT_EQ(wire.AwaitEnd(), kNoError);
}

TEST_F(Http2Test, WhoGoesIsNoticed) {
  Start();
  Http2Wire wire(server_->port());
  wire.Send(Head(1, "/wait") + Head(3, "/wait"));
  ASSERT_TRUE(script_.Await([&] { return script_.waiting.size() == 2; }));
  wire.Send(Frame(kResetFrame, 0, 1, Number(kCancel)));
  ASSERT_TRUE(script_.Await([&] { return script_.gone == 1 && script_.running == 1; }));
  wire.Close();
  EXPECT_TRUE(script_.Await([&] { return script_.gone == 2 && script_.running == 0; }));
}

}  // namespace
}  // namespace helhed::gateway::http
