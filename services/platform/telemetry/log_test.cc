#include "services/platform/telemetry/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidjson/document.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>
#include <vector>

#include "services/platform/testing/matchers.h"

namespace helhed::telemetry {
namespace {

class LogTest : public ::testing::Test {
 protected:
  LogTest() : path_(std::filesystem::path(::testing::TempDir()) / ("helhed_log_" + std::to_string(::getpid()))) {
    std::filesystem::remove(path_);
  }
  ~LogTest() override { std::filesystem::remove(path_); }

  Log::Options Options() const { return {"residents", Severity::kInfo, path_.string()}; }

  // Every line, parsed with UTF-8 checked; a line that is not JSON fails the test.
  std::vector<rapidjson::Document> Lines() const {
    std::vector<rapidjson::Document> documents;
    std::ifstream in(path_);
    for (std::string line; std::getline(in, line);) {
      auto& document = documents.emplace_back();
      document.Parse<rapidjson::kParseValidateEncodingFlag>(line.c_str(), line.size());
      EXPECT_FALSE(document.HasParseError()) << line;
    }
    return documents;
  }

  std::filesystem::path path_;
};

TEST_F(LogTest, WritesOneObjectAnEntryInOrder) {
  Log log(Options());
  log.Info("first", {{"text", "a \"b\" \n c"}, {"number", std::int64_t{-3}}, {"yes", true}});
  log.Warning("second");
  log.Flush();
  auto const lines = Lines();
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_STREQ(lines[0]["severity"].GetString(), "INFO");
  EXPECT_STREQ(lines[0]["service"].GetString(), "residents");
  EXPECT_STREQ(lines[0]["message"].GetString(), "first");
  EXPECT_STREQ(lines[0]["text"].GetString(), "a \"b\" \n c");
  EXPECT_EQ(lines[0]["number"].GetInt64(), -3);
  EXPECT_TRUE(lines[0]["yes"].GetBool());
  EXPECT_STREQ(lines[1]["severity"].GetString(), "WARNING");
}

TEST_F(LogTest, LeavesOutWhatIsBelowTheMinimum) {
  Log log(Options());
  log.Debug("quiet");
  EXPECT_FALSE(log.Writes(Severity::kDebug));
  EXPECT_TRUE(log.Writes(Severity::kInfo));
  log.Flush();
  EXPECT_TRUE(Lines().empty());
}

TEST_F(LogTest, IsValidJsonWhateverBytesComeIn) {
  Log log(Options());
  std::uint64_t const count = 500;
  testing::ForAllSeeds(count, [&](SeededRandom& random) {
    std::string bytes;
    for (auto i = random.Between(0, 40); i > 0; --i) bytes.push_back(static_cast<char>(random.Between(0, 255)));
    log.Info(bytes, {{bytes, bytes}});
  });
  log.Flush();
  EXPECT_EQ(Lines().size(), count);
}

TEST_F(LogTest, ReplacesOnlyWhatIsNotUtf8) {
  Log log(Options());
  log.Info("utf8", {{"good", "æøå €𝄞"},
                    {"cut", "a\xE2\x82"},
                    {"overlong", "\xC0\xAF"},
                    {"surrogate", "\xED\xA0\x80"},
                    {"beyond", "\xF4\x90\x80\x80"}});
  log.Flush();
  auto const lines = Lines();
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_STREQ(lines[0]["good"].GetString(), "æøå €𝄞");
  EXPECT_STREQ(lines[0]["cut"].GetString(), "a\xEF\xBF\xBD\xEF\xBF\xBD");
  EXPECT_STREQ(lines[0]["overlong"].GetString(), "\xEF\xBF\xBD\xEF\xBF\xBD");
  EXPECT_STREQ(lines[0]["surrogate"].GetString(), "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");
  EXPECT_STREQ(lines[0]["beyond"].GetString(), "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");
}

TEST_F(LogTest, CutsLongValuesBetweenCharacters) {
  Log log(Options());
  std::string text = "x";
  while (text.size() < 10'000) text += "æ";
  log.Info("long", {{"text", text}});
  log.Flush();
  auto const lines = Lines();
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_LT(lines[0]["text"].GetStringLength(), 4200U);
}

TEST_F(LogTest, KeepsEveryLineWholeFromManyThreadsAndWritesTheRestAtTheEnd) {
  {
    Log log(Options());
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        for (int n = 0; n < 500; ++n) log.Info("line", {{"n", std::int64_t{n}}});
      });
    }
    for (auto& thread : threads) thread.join();
  }
  EXPECT_EQ(Lines().size(), 2000U);
}

TEST_F(LogTest, NeverWaitsForItsReaderAndSaysHowManyEntriesWereDropped) {
  // A pipe without a reader's attention takes 64 KiB and no more.
  ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
  std::ifstream reader;
  std::thread opener([&] { reader.open(path_); });
  Log log(Options());
  opener.join();
  std::int64_t const written = 20'000;
  for (std::int64_t i = 0; i < written; ++i) log.Info("line", {{"n", i}});
  std::int64_t seen = 0;
  std::int64_t dropped = 0;
  for (std::string line; seen + dropped < written && std::getline(reader, line);) {
    rapidjson::Document document;
    ASSERT_FALSE(document.Parse(line.c_str(), line.size()).HasParseError()) << line;
    if (document.HasMember("count")) {
      dropped += document["count"].GetInt64();
    } else {
      ++seen;
    }
  }
  EXPECT_GT(dropped, 0);
  EXPECT_EQ(seen + dropped, written);
  reader.close();
}

TEST(Log, FallsBackToStandardErrorWhenItsFileCannotBeOpened) {
  ::testing::internal::CaptureStderr();
  {
    Log log({"residents", Severity::kInfo, "/nowhere/at/all.log"});
    log.Info("still heard");
  }
  auto const text = ::testing::internal::GetCapturedStderr();
  EXPECT_THAT(text, ::testing::HasSubstr("still heard"));
  EXPECT_THAT(text, ::testing::HasSubstr("cannot be opened"));
}

}  // namespace
}  // namespace helhed::telemetry
