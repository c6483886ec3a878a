#include "services/platform/server/peers.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <fstream>
#include <string>
#include <vector>

#include "services/platform/base/clock.h"
#include "services/platform/testing/matchers.h"

namespace helhed::server {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::IsOk;
using testing::StatusCodeIs;

class PeersTest : public ::testing::Test {
 protected:
  void SetUp() override {
    int const file = mkstemp(path_.data());
    ASSERT_GE(file, 0);
    close(file);
    std::ofstream(path_) << signer_.PrivateKeyText();
  }
  void TearDown() override { unlink(path_.c_str()); }

  absl::StatusOr<std::unique_ptr<Peers>> Open(PeerOptions const& options) {
    return Peers::Open("funding", std::vector<std::string>{"activities", "residents"}, options, random_);
  }

  identity::Signer signer_ = identity::Signer::Generate("funding-1");
  std::string path_ = "/tmp/helhed_peers_XXXXXX";
  SystemRandom random_;
};

TEST_F(PeersTest, AreFoundByName) {
  PeerOptions options;
  options.targets["residents"] = "dns:///residents:8443";
  options.signing_key_file = path_;
  auto const peers = Open(options);
  ASSERT_THAT(peers, IsOk());
  EXPECT_TRUE((*peers)->Find("residents"));
  EXPECT_FALSE((*peers)->Find("activities"));
}

TEST_F(PeersTest, ATargetThatIsNeverAskedIsASlipOfThePen) {
  PeerOptions options;
  options.targets["resident"] = "dns:///residents:8443";
  options.signing_key_file = path_;
  auto const peers = Open(options);
  ASSERT_THAT(peers, StatusCodeIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(std::string(peers.status().message()), HasSubstr("asks activities, residents only"));
}

TEST_F(PeersTest, NobodyIsAskedWithoutAKey) {
  PeerOptions options;
  EXPECT_THAT((*Open(options))->Identity(absl::Now()), IsEmpty());
  options.targets["residents"] = "dns:///residents:8443";
  EXPECT_THAT(Open(options), StatusCodeIs(absl::StatusCode::kInvalidArgument));
}

TEST_F(PeersTest, TheIdentityIsTheServicesOwnAndEnds) {
  PeerOptions options;
  options.signing_key_file = path_;
  auto const peers = Open(options);
  ASSERT_THAT(peers, IsOk());
  FakeClock clock(absl::FromUnixSeconds(1772352000));
  identity::Verifier verifier(clock, "residents");
  ASSERT_THAT(verifier.AddKey(signer_.PublicKeyText()), IsOk());
  auto const text = (*peers)->Identity(clock.Now());
  auto const verified = verifier.Verify(text);
  ASSERT_THAT(verified, IsOk());
  EXPECT_EQ((*verified)->subject(), "service:funding");
  EXPECT_EQ((*verified)->grants(0).role(), "service");
  clock.Advance(absl::Minutes(10));
  EXPECT_THAT(verifier.Verify(text), StatusCodeIs(absl::StatusCode::kUnauthenticated));
}

}  // namespace
}  // namespace helhed::server
