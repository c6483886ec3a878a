#include "services/communications/domain/plain_text.h"

#include <gtest/gtest.h>

namespace helhed::communications {
namespace {

TEST(PlainText, HoldsNothingThatMakesItLookLikeAnother) {
  EXPECT_TRUE(IsPlainLine("Blåbærgrød, 100 % økologisk – مرحبا"));
  EXPECT_TRUE(IsPlainText("en linje\nog en til"));
  EXPECT_FALSE(IsPlainLine("en linje\nog en til"));
  for (auto const* const bad : {"\t", "\r", "\x1b", "\x7f", "\u0080", "\u0085", "\u009b", "\u2028", "\u2029", "\u202a", "\u202e",
                                "\u2066", "\u2069", "\ufffe", "\uffff"}) {
    EXPECT_FALSE(IsPlainLine(bad)) << bad;
    EXPECT_FALSE(IsPlainText(std::string("før ") + bad + " efter")) << bad;
  }
  EXPECT_TRUE(IsPlainLine("\u00a0")) << "U+00A0 is a space";
}

TEST(PlainText, IsNoMarkup) {
  EXPECT_EQ(EscapeMarkup("<a href=\"x\">'&'</a>"), "&lt;a href=&quot;x&quot;&gt;&#39;&amp;&#39;&lt;/a&gt;");
}

}  // namespace
}  // namespace helhed::communications
