#include "gateway/identity/grants.h"

#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>

#include "gateway/identity/config.h"
#include "gateway/identity/json.h"
#include "services/platform/testing/matchers.h"

namespace helhed::gateway::identity {
namespace {

using helhed::testing::IsOk;
using helhed::testing::StatusIs;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

void Add(google::protobuf::RepeatedPtrField<v1::ScopedRole>* list, std::string_view role, std::string_view scope) {
  auto* const grant = list->Add();
  grant->set_role(std::string(role));
  grant->set_scope(std::string(scope));
}

class GrantsTest : public ::testing::Test {
 protected:
  GrantsTest() { Add(issuer_.mutable_may_grant(), "*", "*"); }

  Granted Map(std::string_view claims) {
    auto const document = ParseObject(claims);
    EXPECT_THAT(document, IsOk()) << claims;
    auto granted = GrantMapper(issuer_, roles_).Map(*document);
    EXPECT_THAT(granted, IsOk());
    return *granted;
  }
  std::vector<std::string> Grants(std::string_view claims) {
    std::vector<std::string> texts;
    for (auto const& grant : Map(claims).grants) texts.push_back(grant.role() + "@" + grant.scope());
    return texts;
  }

  v1::Issuer issuer_;
  RoleNames roles_{"portal", "auditor", "plan-leader"};
};

TEST_F(GrantsTest, ReadsObjectsAndTexts) {
  EXPECT_THAT(Grants(R"({"helhed_grants":[{"role":"portal","scope":"organisations/9001"},"auditor@*",
                         "plan-leader@organisations/9001/departments/001"]})"),
              UnorderedElementsAre("portal@organisations/9001", "auditor@", "plan-leader@organisations/9001/departments/001"));
  EXPECT_THAT(Grants("{}"), IsEmpty());
  issuer_.set_grants_claim("/app/grants");
  EXPECT_THAT(Grants(R"({"helhed_grants":["auditor@*"],"app":{"grants":["portal@*"]}})"), UnorderedElementsAre("portal@"));
}

// A role without a scope is not one for everywhere.
TEST_F(GrantsTest, PassesOverWhatItDoesNotUnderstandAndCountsIt) {
  auto const granted =
      Map(R"({"helhed_grants":["portal@organisations/9001","portal","portal@","@*",{"role":"portal"},{"scope":"*"},
                              {"role":"portal","scope":1},7,null,"king@*","portal@everything","portal@organisations/",
                              "portal@organisations/../9001",
                              "portal@organisations/9001 ","Portal@*"]})");
  ASSERT_EQ(granted.grants.size(), 1u);
  EXPECT_EQ(granted.grants[0].scope(), "organisations/9001");
  EXPECT_THAT(granted.ignored,
              UnorderedElementsAre(Pair(Ignored::kForm, 6), Pair(Ignored::kUnknownRole, 3), Pair(Ignored::kUnknownScope, 5)));
  EXPECT_THAT(Map(R"({"helhed_grants":"portal@*"})").ignored, UnorderedElementsAre(Pair(Ignored::kForm, 1)));
  EXPECT_THAT(Map(R"({"helhed_grants":{"role":"portal","scope":"*"}})").grants, IsEmpty());
}

TEST_F(GrantsTest, ReadsGroups) {
  issuer_.set_groups_claim("/realm_access/roles");
  auto* const group = issuer_.add_group_grants();
  group->set_group("KAB portal");
  Add(group->mutable_grants(), "portal", "organisations/9001");
  Add(group->mutable_grants(), "auditor", "organisations/9001");
  auto const* const token = R"({"realm_access":{"roles":["KAB portal","offline_access"]},"helhed_grants":["portal@*"]})";
  EXPECT_THAT(Grants(token), UnorderedElementsAre("portal@", "auditor@organisations/9001"));
  EXPECT_THAT(Map(token).ignored, IsEmpty()) << "groups that mean nothing here are nobody's fault";
  EXPECT_THAT(Grants(R"({"realm_access":{"roles":"KAB portal"}})"),
              UnorderedElementsAre("portal@organisations/9001", "auditor@organisations/9001"));
  EXPECT_THAT(Grants(R"({"realm_access":{"roles":["kab portal","KAB portal "]}})"), IsEmpty());
}

// The issuer of one housing organisation must not make an operator of everything.
TEST_F(GrantsTest, GrantsNoMoreThanTheIssuerMay) {
  issuer_.clear_may_grant();
  Add(issuer_.mutable_may_grant(), "portal", "organisations/9001");
  Add(issuer_.mutable_may_grant(), "*", "organisations/9002");
  auto const* const token =
      R"({"helhed_grants":["portal@organisations/9001/departments/001","portal@*","auditor@organisations/9001",
                               "auditor@organisations/9002","portal@organisations/90011"]})";
  EXPECT_THAT(Grants(token), UnorderedElementsAre("portal@organisations/9001/departments/001", "auditor@organisations/9002"));
  EXPECT_THAT(Map(token).ignored, UnorderedElementsAre(Pair(Ignored::kBeyond, 3)));
  issuer_.clear_may_grant();
  EXPECT_THAT(Grants(token), IsEmpty()) << "nothing by default";
}

TEST_F(GrantsTest, KeepsOnlyTheWidest) {
  EXPECT_THAT(Grants(
                  R"({"helhed_grants":["portal@organisations/9001/departments/001","portal@organisations/9001",
                         "portal@organisations/9001","auditor@organisations/9001/departments/001"]})"),
              UnorderedElementsAre("portal@organisations/9001", "auditor@organisations/9001/departments/001"));
}

TEST_F(GrantsTest, RefusesMoreThan64) {
  std::string claims = R"({"helhed_grants":["auditor@organisations/1")";
  for (int i = 0; i < 63; ++i) absl::StrAppend(&claims, ",\"portal@organisations/", 9000 + i, "\"");
  EXPECT_EQ(Grants(claims + "]}").size(), 64u);
  auto const document = ParseObject(claims + R"(,"portal@organisations/8000"]})");
  EXPECT_THAT(GrantMapper(issuer_, roles_).Map(*document), StatusIs(absl::StatusCode::kUnauthenticated, "TOKEN_CLAIM_INVALID"));
}

}  // namespace
}  // namespace helhed::gateway::identity
