#include "services/platform/base/file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "services/platform/testing/folder.h"
#include "services/platform/testing/matchers.h"

namespace helhed {
namespace {

TEST(IsPrivate, MeansTheOwnerAlone) {
  EXPECT_TRUE(IsPrivate(0600, 1000, 1000));
  EXPECT_TRUE(IsPrivate(0400, 0, 0));
  for (mode_t const mode : {0640, 0604, 0620, 0610}) {
    EXPECT_FALSE(IsPrivate(mode, 1000, 1000)) << std::oct << mode;
    EXPECT_FALSE(IsPrivate(mode, 0, 0)) << std::oct << mode;
    EXPECT_FALSE(IsPrivate(mode, 1000, 2000)) << "another user's group is not root's " << std::oct << mode;
  }
}

TEST(IsPrivate, LetsAGroupReadWhatIsRoots) {
  EXPECT_TRUE(IsPrivate(0440, 0, 65532));
  EXPECT_TRUE(IsPrivate(0640, 0, 65532));
  for (mode_t const mode : {0660, 0650, 0444, 0642, 0641}) EXPECT_FALSE(IsPrivate(mode, 0, 65532)) << std::oct << mode;
}

TEST(ReadSmallFile, RefusesASecretThatOthersCanRead) {
  testing::Folder const folder;
  auto const path = folder.path() + "/password";
  std::ofstream(path) << "correct horse";
  ASSERT_EQ(chmod(path.c_str(), 0644), 0);
  auto const refused = ReadSmallFile(path, true);
  ASSERT_THAT(refused, testing::StatusCodeIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(std::string(refused.status().message()), ::testing::HasSubstr("holds a secret and is open to others"));
  EXPECT_EQ(*ReadSmallFile(path, false), "correct horse");
  ASSERT_EQ(chmod(path.c_str(), 0600), 0);
  EXPECT_EQ(*ReadSmallFile(path, true), "correct horse");
}

}  // namespace
}  // namespace helhed
