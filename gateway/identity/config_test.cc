#include "gateway/identity/config.h"

#include <gmock/gmock.h>

#include <cstdio>
#include <fstream>

#include "services/platform/testing/matchers.h"

namespace helhed::gateway::identity {
namespace {

using helhed::testing::IsOk;
using helhed::testing::StatusCodeIs;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::string_view kGood = R"(identity {
  issuers {
    id: "login"
    issuer: "https://login.example.dk/realms/helhed"
    audiences: "https://helhed.example.dk"
    groups_claim: "groups"
    group_grants { group: "portals" grants { role: "portal" scope: "organisations/9001" } }
    may_grant { role: "*" scope: "*" }
  }
  systems {
    certificate_name: "URI:spiffe://helhed/portal"
    subject: "portal-kab"
    grants { role: "portal" scope: "organisations/9001" }
  }
}
limits { client { per_second: 50 burst: 100 } clients { client: "system:portal-kab" rate { per_second: 500 burst: 1000 } } }
)";

RoleNames const kRoles{"portal", "operator"};

std::string Fault(std::string_view text) {
  return std::string(ParseConfig(text, "gateway.textproto", kRoles).status().message());
}

std::string Replaced(std::string_view from, std::string_view to) {
  std::string text(kGood);
  auto const at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

TEST(ParseConfig, TakesAWholeFile) {
  auto const config = ParseConfig(kGood, "gateway.textproto", kRoles);
  ASSERT_THAT(config, IsOk());
  EXPECT_EQ(config->identity().issuers(0).id(), "login");
  EXPECT_EQ(config->limits().clients(0).rate().burst(), 1000);
  EXPECT_THAT(ParseConfig("", "empty", kRoles), IsOk()) << "believes nobody";
}

TEST(ParseConfig, NamesTheLineOfEveryFault) {
  EXPECT_EQ(Fault(Replaced("id: \"login\"", "id: \"System!\"")),
            "gateway.textproto:3: id: must be lower-case letters, digits and hyphens, not `system` nor `demonstration`");
  auto const two = Replaced("audiences: \"https://helhed.example.dk\"", "algorithms: [\"RS256\", \"HS256\"]");
  EXPECT_THAT(Fault(two), HasSubstr("gateway.textproto:2: audiences: must name at least one"));
  EXPECT_THAT(Fault(two), HasSubstr("gateway.textproto:5: algorithms: only RS256, PS256 and ES256 are accepted"));
  EXPECT_THAT(Fault("identity {\n  isuers {}\n}"), HasSubstr("gateway.textproto:2: "));
  EXPECT_THAT(Fault(Replaced("scope: \"organisations/9001\" } }\n    may", "scope: \"everywhere\" } }\n    may")),
              HasSubstr("gateway.textproto:7: scope: neither the name of a resource nor `*`"));
}

TEST(ParseConfig, RefusesWhatCannotBeMeant) {
  auto const refuses = [](std::string_view from, std::string_view to, std::string_view fault) {
    EXPECT_THAT(Fault(Replaced(from, to)), HasSubstr(std::string(fault))) << to;
  };
  refuses("\"login\"", "\"demonstration\"", "id: ");
  refuses("https://login", "http://login", "issuer: must be https");
  refuses("issuer: \"https://login.example.dk/realms/helhed\"", "issuer: \"http://login.example.dk\" allow_http: true",
          "issuer: must be https");
  refuses("https://login", "ldap://login", "issuer: must be an URL");
  refuses("realms/helhed\"", "realms/helhed?x\"", "issuer: must be an URL");
  refuses("audiences: \"https://helhed.example.dk\"", "audiences: \"\"", "audiences: must not be empty");
  refuses("audiences:", "types: \"id+jwt\" audiences:", "types: only");
  refuses("audiences:", "clock_skew { seconds: 301 } audiences:", "clock_skew: must be from 0 s");
  refuses("audiences:", "clock_skew { seconds: -1 } audiences:", "clock_skew: must be from 0 s");
  refuses("audiences:", "token_lifetime_max { seconds: 59 } audiences:", "token_lifetime_max: must be");
  refuses("may_grant { role: \"*\" scope: \"*\" }", "", "may_grant: is empty");
  refuses("may_grant { role: \"*\"", "may_grant { role: \"king\"", "role: no role of the policy file");
  refuses("grants { role: \"portal\"", "grants { role: \"*\"", "role: no role of the policy file");
  refuses("grants { role: \"portal\" scope: \"organisations/9001\"", "grants { role: \"portal\"", "scope: neither");
  refuses("groups_claim: \"groups\"", "", "group_grants: need `groups_claim`");
  refuses("URI:spiffe://helhed/portal", "CN=portal", "certificate_name: must be");
  refuses("URI:spiffe://helhed/portal", "DNS:*.example.dk", "certificate_name: must be");
  refuses("\"portal-kab\"\n", "\"0101701234\"\n", "subject: must be");
  refuses("limits { client { per_second: 50", "limits { client { per_second: -1", "per_second: must not be negative");
  refuses("clients { client:", "clients_max: -1 clients { client:", "clients_max: must not");
  auto const twice = std::string(kGood) + std::string(kGood).substr(0, kGood.find("limits"));
  EXPECT_THAT(Fault(twice), HasSubstr("\"identity\""));
}

TEST(ParseConfig, AllowsHttpForThisMachineOnly) {
  auto const text =
      Replaced("issuer: \"https://login.example.dk/realms/helhed\"", "issuer: \"http://127.0.0.1:3000\" allow_http: true");
  EXPECT_EQ(Fault(text), "");
  EXPECT_THAT(Fault(Replaced("https://login.example.dk/realms/helhed", "http://127.0.0.1:3000")),
              HasSubstr("issuer: must be https"));
}

TEST(ReadConfig, ReadsAFileAndNamesIt) {
  auto const path = ::testing::TempDir() + "gateway_config_test_" + std::to_string(getpid());
  EXPECT_THAT(ReadConfig(path, kRoles), StatusCodeIs(absl::StatusCode::kNotFound));
  std::ofstream(path) << kGood;
  EXPECT_THAT(ReadConfig(path, kRoles), IsOk());
  std::ofstream(path) << "identity {";
  EXPECT_THAT(std::string(ReadConfig(path, kRoles).status().message()), HasSubstr(path + ":"));
  std::remove(path.c_str());
}

}  // namespace
}  // namespace helhed::gateway::identity
