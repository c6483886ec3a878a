#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "cli/testing.h"
#include "services/platform/testing/folder.h"

namespace helhed::cli {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> Complete(std::vector<std::string> words) {
  testing::TestWorld world;
  words.insert(words.begin(), "__complete");
  EXPECT_EQ(world.Run(words), kDone);
  return absl::StrSplit(world.out.str(), '\n', absl::SkipEmpty());
}

TEST(Completion, KnowsWhatCanFollow) {
  EXPECT_THAT(Complete({""}), Contains("import"));
  EXPECT_THAT(Complete({"c"}), ElementsAre("call", "completion"));
  EXPECT_THAT(Complete({"call", "UpdateD"}), ElementsAre("UpdateDepartment", "UpdateDwelling"));
  EXPECT_THAT(Complete({"call", "GetDwelling", ""}), ElementsAre(":files"));
  EXPECT_THAT(Complete({"call", "--tls-"}), ElementsAre("--tls-ca", "--tls-certificate", "--tls-key"));
  EXPECT_THAT(Complete({"call", "--tls-ca", ""}), ElementsAre(":files"));
  EXPECT_THAT(Complete({"call", "--address", ""}), IsEmpty());
  EXPECT_THAT(Complete({"call", "--address", "x", "--json-errors", "WatchE"}), ElementsAre("WatchEvents"));
  EXPECT_THAT(Complete({"describe", "BatchCreateDwellingsR"}), ::testing::SizeIs(3));
  EXPECT_THAT(Complete({"import", ""}), ElementsAre("dwellings"));
  EXPECT_THAT(Complete({"import", "dwellings", ""}), ElementsAre(":files"));
  EXPECT_THAT(Complete({"import", "dwellings", "--per"}), ElementsAre("--per-row"));
  EXPECT_THAT(Complete({"completion", ""}), ElementsAre("bash", "zsh"));
  EXPECT_THAT(Complete({"nonsense", ""}), IsEmpty());
}

// Sources the script in a bash whose `helhed` answers as __complete does, and presses the key.
class BashCompletion : public ::testing::Test {
 protected:
  BashCompletion() {
    testing::TestWorld world;
    EXPECT_EQ(world.Run({"completion", "bash"}), kDone);
    std::ofstream(folder_ + "/script") << world.out.str();
    std::ofstream(folder_ + "/two words.csv") << "";
  }

  // `words` are COMP_WORDS, the last of them is being written.
  std::vector<std::string> Press(std::vector<std::string> const& words) {
    testing::TestWorld world;
    std::vector<std::string> arguments = {"__complete"};
    arguments.insert(arguments.end(), words.begin() + 1, words.end());
    EXPECT_EQ(world.Run(arguments), kDone);
    std::ofstream(folder_ + "/answer") << world.out.str();
    std::string quoted, expected;
    for (auto const& word : words) absl::StrAppend(&quoted, " '", word, "'");
    for (std::size_t i = 1; i < words.size(); ++i) absl::StrAppend(&expected, words[i], "|");
    std::ofstream(folder_ + "/test.sh") << "cd " << folder_ << "\n"
                                        << "helhed() {\n"
                                           "  local asked; asked=$(printf '%s|' \"$@\")\n"
                                           "  [[ $asked == '__complete|"
                                        << expected
                                        << "' ]] || { echo \"asked $asked\" >&3; return 1; }\n"
                                           "  cat answer\n"
                                           "}\n"
                                           "source ./script\n"
                                           "COMP_WORDS=("
                                        << quoted << " ); COMP_CWORD=" << words.size() - 1
                                        << "\n"
                                           "_helhed helhed '' ''\n"
                                           "printf '%s\\n' \"${COMPREPLY[@]}\"\n";
    auto const command = absl::StrCat("bash --norc ", folder_, "/test.sh 3>&1 2>/dev/null");
    std::unique_ptr<FILE, int (*)(FILE*)> const pipe(::popen(command.c_str(), "r"), ::pclose);
    std::string output;
    for (int c = std::fgetc(pipe.get()); c != EOF; c = std::fgetc(pipe.get())) output.push_back(static_cast<char>(c));
    return absl::StrSplit(output, '\n', absl::SkipEmpty());
  }

  helhed::testing::Folder const temporary_;
  std::string const folder_ = temporary_.path();
};

TEST_F(BashCompletion, AsksTheProgramAndOffersItsAnswer) {
  EXPECT_THAT(Press({"helhed", "c"}), ElementsAre("call", "completion"));
  EXPECT_THAT(Press({"helhed", "call", "UpdateD"}), ElementsAre("UpdateDepartment", "UpdateDwelling"));
  EXPECT_THAT(Press({"helhed", "import", ""}), ElementsAre("dwellings"));
  EXPECT_THAT(Press({"helhed", "import", "dwellings", "tw"}), ElementsAre("two words.csv"));
  EXPECT_THAT(Press({"helhed", "call", "--address", ""}), IsEmpty());
}

}  // namespace
}  // namespace helhed::cli
