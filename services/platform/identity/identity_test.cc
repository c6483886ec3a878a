#include "services/platform/identity/identity.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <cstdio>
#include <fstream>
#include <thread>

#include "services/platform/base/random.h"
#include "services/platform/testing/matchers.h"

namespace helhed::identity {
namespace {

using common::v1::Identity;
using ::testing::AllOf;
using ::testing::ElementsAre;
using testing::EqualsProto;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::IsOk;
using ::testing::Not;
using testing::StatusCodeIs;
using testing::StatusIs;

constexpr auto kUnauthenticated = absl::StatusCode::kUnauthenticated;
absl::Time const kNow = absl::FromUnixSeconds(1'700'000'000);
std::string const kSeed(32, 's');

Identity Somebody(absl::Time from = kNow, absl::Duration life = absl::Minutes(5)) {
  Identity identity;
  identity.set_issuer("gateway");
  identity.set_subject("user-7");
  identity.set_audience("residents");
  identity.mutable_issue_time()->set_seconds(absl::ToUnixSeconds(from));
  identity.mutable_expire_time()->set_seconds(absl::ToUnixSeconds(from + life));
  auto* const grant = identity.add_grants();
  grant->set_role("portal");
  grant->set_scope("organisations/9001");
  return identity;
}

class VerifierTest : public ::testing::Test {
 protected:
  VerifierTest() { EXPECT_THAT(verifier_.AddKey(signer_.PublicKeyText()), IsOk()); }

  FakeClock clock_{kNow};
  Signer signer_ = Signer::FromSeed("k1", kSeed);
  Verifier verifier_{clock_, "residents"};
};

TEST_F(VerifierTest, GivesBackWhatWasSigned) {
  auto const token = signer_.Sign(Somebody());
  for (int i = 0; i < 2; ++i) {  // the second comes from the cache
    auto const identity = verifier_.Verify(token);
    ASSERT_THAT(identity, IsOk());
    EXPECT_THAT(**identity, EqualsProto(Somebody()));
  }
  EXPECT_EQ(*verifier_.Verify(token), *verifier_.Verify(token)) << "the same object, so it was cached";
}

TEST_F(VerifierTest, RefusesNone) { EXPECT_THAT(verifier_.Verify(""), StatusIs(kUnauthenticated, "IDENTITY_MISSING")); }

TEST_F(VerifierTest, RefusesWhatIsNoIdentity) {
  for (std::string const text : {"x", "\n", "Bearer abc"}) {
    EXPECT_THAT(verifier_.Verify(text), StatusIs(kUnauthenticated, "IDENTITY_INVALID"));
  }
  EXPECT_THAT(verifier_.Verify(std::string(1 << 20, 'x')), StatusIs(kUnauthenticated, "IDENTITY_INVALID"));
}

TEST_F(VerifierTest, RefusesAnAlteredBitAnywhere) {
  auto const token = signer_.Sign(Somebody());
  ASSERT_THAT(verifier_.Verify(token), IsOk());
  for (std::size_t bit = 0; bit < token.size() * 8; ++bit) {
    auto altered = token;
    altered[bit / 8] = static_cast<char>(altered[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_THAT(verifier_.Verify(altered), StatusIs(kUnauthenticated, "IDENTITY_INVALID")) << "bit " << bit;
  }
}

TEST_F(VerifierTest, RefusesOtherFormsOfTheSameIdentity) {
  auto const token = signer_.Sign(Somebody());
  EXPECT_THAT(verifier_.Verify(token + token), StatusIs(kUnauthenticated, "IDENTITY_INVALID"));
  EXPECT_THAT(verifier_.Verify(token + std::string("\x20\x01")), StatusIs(kUnauthenticated, "IDENTITY_INVALID"));
  testing::ForAllSeeds(200, [&](SeededRandom& random) {
    auto cut = token;
    cut.resize(random.Between(0, static_cast<std::int64_t>(token.size()) - 1));
    EXPECT_THAT(verifier_.Verify(cut), StatusCodeIs(kUnauthenticated));
  });
}

TEST_F(VerifierTest, RefusesForeignKeys) {
  EXPECT_THAT(verifier_.Verify(Signer::Generate("k2").Sign(Somebody())), StatusIs(kUnauthenticated, "IDENTITY_INVALID"));
  EXPECT_THAT(verifier_.Verify(Signer::Generate("k1").Sign(Somebody())), StatusIs(kUnauthenticated, "IDENTITY_INVALID"));
}

TEST_F(VerifierTest, RefusesForeignAudiences) {
  auto identity = Somebody();
  identity.set_audience("helhed");
  EXPECT_THAT(verifier_.Verify(signer_.Sign(identity)), IsOk());
  for (auto const* const audience : {"funding", "", "resident", "residents.helhed"}) {
    identity.set_audience(audience);
    EXPECT_THAT(verifier_.Verify(signer_.Sign(identity)), StatusIs(kUnauthenticated, "IDENTITY_FOREIGN")) << audience;
  }
}

TEST_F(VerifierTest, ForgivesAMinuteOfClockDifference) {
  auto const token = signer_.Sign(Somebody());
  auto const at = [&](absl::Duration after) {
    clock_.Set(kNow + after);
    Verifier fresh(clock_, "residents");
    EXPECT_THAT(fresh.AddKey(signer_.PublicKeyText()), IsOk());
    return fresh.Verify(token);
  };
  EXPECT_THAT(at(-absl::Seconds(60)), IsOk());
  EXPECT_THAT(at(-absl::Seconds(61)), StatusIs(kUnauthenticated, "IDENTITY_EXPIRED"));
  EXPECT_THAT(at(absl::Minutes(5) + absl::Seconds(59)), IsOk());
  auto const late = at(absl::Minutes(6));
  EXPECT_THAT(late, StatusIs(kUnauthenticated, "IDENTITY_EXPIRED"));
  EXPECT_EQ(MetadataOf(late.status()).at("expired_at"), "2023-11-14T22:18:20+00:00");
}

TEST_F(VerifierTest, DoesNotLetTheCacheOutliveTheIdentity) {
  auto const token = signer_.Sign(Somebody());
  ASSERT_THAT(verifier_.Verify(token), IsOk());
  clock_.Advance(absl::Minutes(6));
  EXPECT_THAT(verifier_.Verify(token), StatusIs(kUnauthenticated, "IDENTITY_EXPIRED"));
  clock_.Set(kNow - absl::Minutes(2));
  EXPECT_THAT(verifier_.Verify(token), StatusIs(kUnauthenticated, "IDENTITY_EXPIRED"));
}

TEST_F(VerifierTest, RefusesALongLifeAndABackwardOne) {
  EXPECT_THAT(verifier_.Verify(signer_.Sign(Somebody(kNow, absl::Hours(1)))), IsOk());
  EXPECT_THAT(verifier_.Verify(signer_.Sign(Somebody(kNow, absl::Hours(1) + absl::Seconds(1)))),
              StatusIs(kUnauthenticated, "IDENTITY_EXPIRED"));
  EXPECT_THAT(verifier_.Verify(signer_.Sign(Somebody(kNow, absl::ZeroDuration()))),
              StatusIs(kUnauthenticated, "IDENTITY_INVALID"));
  auto forever = Somebody();
  forever.mutable_expire_time()->set_seconds(std::numeric_limits<std::int64_t>::max());
  EXPECT_THAT(verifier_.Verify(signer_.Sign(forever)), StatusIs(kUnauthenticated, "IDENTITY_EXPIRED"));
}

TEST_F(VerifierTest, RefusesWhatSaysTooLittle) {
  for (auto const change :
       {+[](Identity& identity) { identity.clear_subject(); }, +[](Identity& identity) { identity.clear_issue_time(); },
        +[](Identity& identity) { identity.clear_expire_time(); }}) {
    auto identity = Somebody();
    change(identity);
    EXPECT_THAT(verifier_.Verify(signer_.Sign(identity)), StatusIs(kUnauthenticated, "IDENTITY_INVALID"));
  }
}

TEST_F(VerifierTest, TakesTwoKeysWhileTheyRotate) {
  auto const next = Signer::Generate("k2");
  EXPECT_THAT(verifier_.Verify(next.Sign(Somebody())), StatusCodeIs(kUnauthenticated));
  ASSERT_THAT(verifier_.AddKey(next.PublicKeyText()), IsOk());
  EXPECT_THAT(verifier_.Verify(next.Sign(Somebody())), IsOk());
  EXPECT_THAT(verifier_.Verify(signer_.Sign(Somebody())), IsOk());
  EXPECT_THAT(verifier_.AddKey(next.PublicKeyText()), IsOk()) << "the same again";
  EXPECT_THAT(verifier_.AddKey(Signer::Generate("k2").PublicKeyText()), StatusCodeIs(absl::StatusCode::kInvalidArgument));
}

TEST_F(VerifierTest, StaysBoundedAndRightUnderManyIdentitiesAndThreads) {
  std::vector<std::jthread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 700; ++i) {
        auto identity = Somebody();
        identity.set_subject(std::to_string(t) + "/" + std::to_string(i));
        auto const verified = verifier_.Verify(signer_.Sign(identity));
        ASSERT_THAT(verified, IsOk());
        EXPECT_EQ((*verified)->subject(), identity.subject());
      }
    });
  }
}

class KeyFileTest : public ::testing::Test {
 protected:
  std::string Write(std::string const& content, mode_t mode) {
    auto const path = ::testing::TempDir() + "identity_test_key_" + std::to_string(++written_);
    std::ofstream(path) << content;
    EXPECT_EQ(chmod(path.c_str(), mode), 0);
    paths_.push_back(path);
    return path;
  }
  ~KeyFileTest() override {
    for (auto const& path : paths_) std::remove(path.c_str());
  }

 private:
  int written_ = static_cast<int>(getpid()) * 100;
  std::vector<std::string> paths_;
};

TEST_F(KeyFileTest, SignerComesBackFromItsFile) {
  auto const signer = Signer::FromSeed("k1", kSeed);
  auto const read = Signer::FromFile(Write("# made today\n" + signer.PrivateKeyText(), 0600));
  ASSERT_THAT(read, IsOk());
  EXPECT_EQ(read->key_id(), "k1");
  EXPECT_EQ(read->Sign(Somebody()), signer.Sign(Somebody()));
  EXPECT_THAT(Signer::FromFile(Write(signer.PrivateKeyText(), 0400)), IsOk());
}

TEST_F(KeyFileTest, RefusesAPrivateKeyThatOthersCanRead) {
  auto const text = Signer::FromSeed("k1", kSeed).PrivateKeyText();
  for (mode_t const mode : {0640, 0604, 0644, 0620}) {
    auto const path = Write(text, mode);
    auto const read = Signer::FromFile(path);
    EXPECT_THAT(read, StatusCodeIs(absl::StatusCode::kFailedPrecondition));
    EXPECT_THAT(std::string(read.status().message()), AllOf(HasSubstr(path), HasSubstr("chmod 600")));
  }
}

TEST_F(KeyFileTest, ErrorsNameTheFileAndNeverItsContent) {
  auto const secret = Signer::FromSeed("k1", kSeed).PrivateKeyText();
  auto const encoded = secret.substr(secret.rfind(' ') + 1, 20);
  for (auto const& content : {secret + secret, secret.substr(0, secret.size() - 8), std::string(), "x" + secret,
                              secret.substr(secret.find(' ') + 1), secret.substr(0, secret.size() - 1) + " more\n"}) {
    auto const path = Write(content, 0600);
    auto const read = Signer::FromFile(path);
    ASSERT_FALSE(read.ok()) << content;
    EXPECT_THAT(read.status().ToString(), AllOf(HasSubstr(path), Not(HasSubstr(encoded))));
  }
  EXPECT_THAT(Signer::FromFile("nowhere/key"), StatusCodeIs(absl::StatusCode::kNotFound));
}

TEST_F(KeyFileTest, VerifierReadsSeveralKeysALine) {
  FakeClock const clock(kNow);
  Verifier verifier(clock, "residents");
  auto const one = Signer::Generate("one");
  auto const two = Signer::Generate("two");
  ASSERT_THAT(verifier.AddKeyFile(Write("# keys\n\n" + one.PublicKeyText() + two.PublicKeyText(), 0644)), IsOk());
  EXPECT_THAT(verifier.Verify(one.Sign(Somebody())), IsOk());
  EXPECT_THAT(verifier.Verify(two.Sign(Somebody())), IsOk());
}

TEST_F(KeyFileTest, VerifierRefusesFilesThatHoldSomethingElse) {
  FakeClock const clock(kNow);
  Verifier verifier(clock, "residents");
  auto const path = Write("\n" + Signer::Generate("one").PublicKeyText() + "broken\n", 0644);
  EXPECT_THAT(std::string(verifier.AddKeyFile(path).message()), HasSubstr(path + ":3: "));
  EXPECT_FALSE(verifier.AddKeyFile(Write("# nothing\n", 0644)).ok());
  EXPECT_THAT(std::string(verifier.AddKeyFile(Write(Signer::Generate("one").PrivateKeyText(), 0644)).message()),
              HasSubstr("is a private key"));
  EXPECT_FALSE(verifier.AddKeyFile("nowhere/keys").ok());
}

Identity WithGrants(std::vector<std::pair<std::string, std::string>> const& grants) {
  Identity identity;
  for (auto const& [role, scope] : grants) {
    auto* const grant = identity.add_grants();
    grant->set_role(role);
    grant->set_scope(scope);
  }
  return identity;
}

Roles Parsed(std::string_view text) {
  auto roles = Roles::FromText(text, "test");
  EXPECT_THAT(roles, IsOk());
  return *std::move(roles);
}

TEST(Roles, AllowWhatTheyCarry) {
  auto const roles = Parsed(R"(
    roles { name: "a" permissions: "residents.departments.*" permissions: "residents.dwellings.get" }
    roles { name: "all" permissions: "*" }
    roles { name: "none" })");
  EXPECT_THAT(roles.names(), ElementsAre("a", "all", "none"));
  EXPECT_TRUE(roles.Allows("a", "residents.departments.merge"));
  EXPECT_TRUE(roles.Allows("a", "residents.dwellings.get"));
  EXPECT_FALSE(roles.Allows("a", "residents.dwellings.getall"));
  EXPECT_FALSE(roles.Allows("a", "residents.dwellings.delete"));
  EXPECT_FALSE(roles.Allows("a", ""));
  EXPECT_TRUE(roles.Allows("all", "events.events.read"));
  EXPECT_FALSE(roles.Allows("none", "events.events.read"));
  EXPECT_FALSE(roles.Allows("unknown", "events.events.read"));
}

TEST(Roles, ErrorsNameFileAndLine) {
  auto const fault = [](std::string_view text) {
    auto const roles = Roles::FromText(text, "roles.textproto");
    EXPECT_THAT(roles, StatusCodeIs(absl::StatusCode::kInvalidArgument)) << text;
    return std::string(roles.status().message());
  };
  EXPECT_EQ(
      fault("roles {\n name: \"a\"\n permissions: \"residents.dwellings.get\"\n permissions: \"residents.dwelings.get\"\n}"),
      "roles.textproto:4: no method of the contract has the permission residents.dwelings.get");
  EXPECT_THAT(fault("roles { name: 'a' }\nroles { name: 'a' }"), HasSubstr("roles.textproto:2: the role a is defined twice"));
  EXPECT_THAT(fault("roles { }"), HasSubstr("roles.textproto:1: "));
  EXPECT_THAT(fault("\nroles { nme: 'a' }"), HasSubstr("roles.textproto:2: "));
  EXPECT_THAT(fault("roles { name: 'a' permissions: 'nothing.*' }"), HasSubstr("nothing.*"));
  EXPECT_THAT(fault("roles { name: 'a' permissions: 'residents.*.get' }"), HasSubstr("residents.*.get"));
  EXPECT_THAT(fault("roles { name: 'a' permissions: '' }"), HasSubstr("permission"));
  EXPECT_THAT(fault("roles { name: 'A' }\nroles { name: 'b' permissions: 'x.y.z' }"),
              AllOf(HasSubstr(":1: "), HasSubstr(":2: ")));
}

TEST(Roles, ScopesAreThoseOfGrantsThatCarryThePermission) {
  auto const roles = Parsed(R"(
    roles { name: "reader" permissions: "residents.dwellings.get" }
    roles { name: "merger" permissions: "residents.departments.merge" })");
  auto const scopes = [&](std::vector<std::pair<std::string, std::string>> const& grants) {
    return roles.Scopes(WithGrants(grants), "residents.dwellings.get");
  };
  EXPECT_THAT(scopes({}), IsEmpty());
  EXPECT_THAT(scopes({{"merger", ""}, {"nobody", ""}}), IsEmpty());
  EXPECT_THAT(scopes({{"reader", "organisations/1"}, {"merger", ""}, {"reader", "organisations/2"}}),
              ElementsAre("organisations/1", "organisations/2"));
  EXPECT_THAT(scopes({{"reader", "organisations/1"}, {"reader", ""}, {"reader", "organisations/2"}}), ElementsAre(""));
  EXPECT_THAT(scopes({{"reader", "organisations/1/departments/2"}, {"reader", "organisations/1"}, {"reader", "organisations/1"}}),
              ElementsAre("organisations/1"));
}

TEST(Roles, OfTheDeploymentAreGood) {
  auto const roles = Roles::FromFile(HELHED_SOURCE_DIR "/deploy/policy/roles.textproto");
  ASSERT_THAT(roles, IsOk());
  EXPECT_TRUE(roles->Allows("operator", "residents.departments.merge"));
  EXPECT_TRUE(roles->Allows("housing-organisation", "residents.departments.merge"));
  EXPECT_FALSE(roles->Allows("housing-organisation", "events.events.read"));
  EXPECT_TRUE(roles->Allows("auditor", "events.events.read"));
  for (auto const* const reader : {"portal", "plan-leader", "plan-staff", "municipality", "auditor"}) {
    EXPECT_TRUE(roles->Allows(reader, "residents.dwellings.get")) << reader;
    EXPECT_FALSE(roles->Allows(reader, "residents.dwellings.update")) << reader;
  }
  // Whoever reads what is personal says for what; where nobody is asked that, an auditor does not read.
  EXPECT_FALSE(roles->Allows("auditor", "communications.householdContacts.get"));
  // What one service asks of another, and nothing else.
  EXPECT_TRUE(roles->Allows("service", "residents.consents.check"));
  EXPECT_FALSE(roles->Allows("service", "residents.residents.get"));
  EXPECT_THAT(Roles::FromFile("nowhere/roles"), StatusCodeIs(absl::StatusCode::kNotFound));
}

}  // namespace
}  // namespace helhed::identity
