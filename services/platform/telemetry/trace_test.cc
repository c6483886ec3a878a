#include "services/platform/telemetry/trace.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/platform/testing/matchers.h"

namespace helhed::telemetry {
namespace {

constexpr char kHeader[] = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

TEST(Trace, ReadsAHeaderAndWritesItBack) {
  auto const context = ParseTraceparent(kHeader);
  ASSERT_TRUE(context.has_value());
  EXPECT_EQ(context->trace_id, "4bf92f3577b34da6a3ce929d0e0e4736");
  EXPECT_EQ(context->span_id, "00f067aa0ba902b7");
  EXPECT_TRUE(context->sampled);
  EXPECT_EQ(context->ToHeader(), kHeader);
}

TEST(Trace, RefusesWhatIsNotAHeader) {
  for (std::string const header : {
           "",
           "00",
           "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0",
           "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",  // version 00 has no more
           "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",       // upper case
           "00-00000000000000000000000000000000-00f067aa0ba902b7-01",       // no trace
           "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",       // no span
           "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",       // forbidden version
           "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01more",   // more without a dash
           "00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
       }) {
    EXPECT_EQ(ParseTraceparent(header), std::nullopt) << header;
  }
}

TEST(Trace, ReadsALaterVersionAsTheFirst) {
  auto const context = ParseTraceparent("01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-02-more");
  ASSERT_TRUE(context.has_value());
  EXPECT_FALSE(context->sampled);
}

TEST(Trace, ContinuesTheCallersTraceWithASpanOfItsOwn) {
  SeededRandom random(1);
  auto const context = ContinueTrace(kHeader, random);
  EXPECT_EQ(context.trace_id, "4bf92f3577b34da6a3ce929d0e0e4736");
  EXPECT_NE(context.span_id, "00f067aa0ba902b7");
  EXPECT_TRUE(context.sampled);
}

TEST(Trace, MakesAValidTraceWhateverHeaderCame) {
  testing::ForAllSeeds(200, [](SeededRandom& random) {
    std::string header;
    for (auto i = random.Between(0, 60); i > 0; --i) header.push_back(static_cast<char>(random.Between(0, 255)));
    EXPECT_NE(ParseTraceparent(ContinueTrace(header, random).ToHeader()), std::nullopt);
  });
}

}  // namespace
}  // namespace helhed::telemetry
