#include "services/platform/base/file.h"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace helhed
