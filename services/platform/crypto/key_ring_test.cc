#include "services/platform/crypto/key_ring.h"

#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "services/platform/testing/matchers.h"

namespace helhed::crypto {
namespace {

using helhed::testing::IsOk;
using helhed::testing::StatusCodeIs;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::string_view kOld = "helhed-data-key 2025 AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n";
constexpr std::string_view kNew = "helhed-data-key 2026 ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=\n";

KeyRing Ring(std::string const& text) {
  auto ring = KeyRing::FromText(text);
  EXPECT_THAT(ring, IsOk());
  return *ring;
}

TEST(KeyRing, OpensWhatItSealedAndNothingElse) {
  auto const ring = Ring(std::string(kOld));
  auto sealed = ring.Seal("cpr|a", "0101901234");
  EXPECT_EQ(sealed.key_id, "2025");
  EXPECT_EQ(sealed.bytes.find("0101901234"), std::string::npos);
  EXPECT_EQ(ring.Open("cpr|a", sealed).value_or(""), "0101901234");
  EXPECT_NE(ring.Seal("cpr|a", "0101901234").bytes, sealed.bytes) << "the same value must not be seen to be the same";
  EXPECT_THAT(ring.Open("cpr|b", sealed), StatusCodeIs(absl::StatusCode::kDataLoss)) << "moved to another row";
  for (std::size_t i = 0; i < sealed.bytes.size(); ++i) {
    auto altered = sealed;
    altered.bytes[i] = static_cast<char>(altered.bytes[i] ^ 1);
    EXPECT_THAT(ring.Open("cpr|a", altered), StatusCodeIs(absl::StatusCode::kDataLoss)) << i;
  }
  sealed.bytes.resize(20);
  EXPECT_THAT(ring.Open("cpr|a", sealed), StatusCodeIs(absl::StatusCode::kDataLoss));
}

TEST(KeyRing, RotatesByANewFirstKey) {
  auto const before = Ring(std::string(kOld)).Seal("c", "v");
  auto const rotated = Ring(absl::StrCat(Av(kNew), Av(kOld)));
  EXPECT_EQ(rotated.active(), "2026");
  EXPECT_EQ(rotated.Open("c", before).value_or(""), "v");
  auto const after = rotated.Seal("c", "v");
  EXPECT_EQ(after.key_id, "2026");
  EXPECT_THAT(Ring(std::string(kOld)).Open("c", after), StatusCodeIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_EQ(Ring(std::string(kNew)).Open("c", after).value_or(""), "v");
}

TEST(KeyRing, FingerprintsAreTheSameForTheSameValueAndKeyOnly) {
  auto const ring = Ring(absl::StrCat(Av(kNew), Av(kOld)));
  auto const one = ring.Fingerprints("cpr", "0101901234");
  ASSERT_EQ(one.size(), 2U);
  EXPECT_EQ(one[0].key_id, "2026");
  EXPECT_EQ(one[1].key_id, "2025");
  EXPECT_EQ(one[0].bytes.size(), 32U);
  EXPECT_NE(one[0].bytes, one[1].bytes);
  EXPECT_EQ(ring.Fingerprints("cpr", "0101901234")[0].bytes, one[0].bytes);
  EXPECT_EQ(Ring(std::string(kOld)).Fingerprints("cpr", "0101901234")[0].bytes, one[1].bytes);
  EXPECT_NE(ring.Fingerprints("cpr", "0101901235")[0].bytes, one[0].bytes);
  EXPECT_NE(ring.Fingerprints("cp", "r0101901234")[0].bytes, one[0].bytes);
}

TEST(KeyRing, NamesTheLineThatIsWrongAndRepeatsNothingOfIt) {
  std::string const secret = "ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8";
  for (auto const& text : {absl::StrCat("# comment\n\nhelhed-data-key 2026 ", secret),
                           "# c\n\nhelhed-private-key a " + secret + "=", "# c\n\nhelhed-data-key a/b " + secret + "=",
                           std::string("#\n\nhelhed-data-key a AAAA"), "\n" + std::string(kOld) + std::string(kOld)}) {
    auto const ring = KeyRing::FromText(text);
    ASSERT_THAT(ring, StatusCodeIs(absl::StatusCode::kInvalidArgument)) << text;
    EXPECT_THAT(std::string(ring.status().message()), HasSubstr("line 3:"));
    EXPECT_THAT(std::string(ring.status().message()), Not(HasSubstr("ICEi")));
  }
  EXPECT_THAT(KeyRing::FromText("# nothing\n"), StatusCodeIs(absl::StatusCode::kInvalidArgument));
}

TEST(KeyRing, AFileThatOthersCanReadIsRefused) {
  std::string path = "/tmp/helhed_key_ring_XXXXXX";
  close(mkstemp(path.data()));
  std::ofstream(path) << kOld;
  EXPECT_THAT(KeyRing::FromFile(path), IsOk());
  chmod(path.c_str(), 0640);
  EXPECT_THAT(KeyRing::FromFile(path), StatusCodeIs(absl::StatusCode::kFailedPrecondition));
  unlink(path.c_str());
  EXPECT_THAT(KeyRing::FromFile(path), StatusCodeIs(absl::StatusCode::kNotFound));
}

}  // namespace
}  // namespace helhed::crypto
