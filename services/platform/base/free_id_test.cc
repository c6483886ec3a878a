#include "services/platform/base/free_id.h"

#include <gtest/gtest.h>

namespace helhed {
namespace {

TEST(FreeId, IsTheSameUnlessItIsTaken) {
  IdSet taken = {"cafe"};
  EXPECT_EQ(FreeId("klub", "p", taken), "klub");
  EXPECT_EQ(FreeId("cafe", "p", taken), "cafe-p");
  EXPECT_EQ(FreeId("cafe", "p", taken), "cafe-p-2");
  EXPECT_EQ(taken, (IdSet{"cafe", "cafe-p", "cafe-p-2", "klub"}));
}

TEST(FreeId, IsNeverTooLong) {
  IdSet taken;
  std::string const id(63, 'a');
  for (std::string const& suffix : {std::string("p"), std::string(63, 'b')}) {
    for (int i = 0; i < 12; ++i) EXPECT_LE(FreeId(id, suffix, taken).size(), 63U);
  }
  EXPECT_EQ(taken.size(), 24U) << "a suffix that is cut tells one number from the next";
}

}  // namespace
}  // namespace helhed
