#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>
#include <absl/time/clock.h>
#include <absl/time/time.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidjson/document.h>

#include <algorithm>
#include <fstream>

#include "tests/gateway/house.h"

// The housing register as other systems have it: through one TLS port, with programs that others wrote.
namespace helhed {
namespace {

using testing::AwaitIn;
using ::testing::HasSubstr;
using testing::House;
using ::testing::Not;
using testing::Outcome;
using testing::RunProgram;

std::string const kSource = HELHED_SOURCE_DIR;

class ClientsTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { house_ = new House(); }
  static void TearDownTestSuite() {
    delete house_;
    house_ = nullptr;
  }
  void TearDown() override {
    if (HasFailure()) std::cerr << house_->Logs();
  }

  Outcome Curl(std::vector<std::string> const& arguments) { return house_->Curl(token_, arguments); }
  std::string Url(std::string const& path) const { return house_->url() + path; }

  std::vector<std::string> Buf(std::vector<std::string> const& how, std::string const& method, std::string const& json) {
    std::vector<std::string> arguments = {kSource + "/proto/node_modules/@bufbuild/buf-linux-x64/bin/buf",
                                          "curl",
                                          "--cacert",
                                          house_->ca_file(),
                                          "--protocol",
                                          "grpc",
                                          "--header",
                                          "authorization: Bearer " + token_,
                                          "--data",
                                          json};
    arguments.insert(arguments.end(), how.begin(), how.end());
    arguments.push_back(Url("/" + method));
    return arguments;
  }

  static House* house_;
  std::string token_ = house_->SignIn();
};
House* ClientsTest::house_ = nullptr;

std::vector<std::string> Post(std::string const& url, std::string const& json) {
  return {"--header", "content-type: application/json", "--data", json, url};
}

std::vector<std::string> With(std::vector<std::string> first, std::vector<std::string> const& then) {
  first.insert(first.end(), then.begin(), then.end());
  return first;
}

void UseTheRegister(House& house, std::string const& token, std::string const& version, std::string const& number) {
  auto const curl = [&](std::vector<std::string> const& arguments) {
    return house.Curl(token, With({version}, arguments)).output;
  };
  auto const base = house.url() + "/v1/organisations";
  auto const one = base + "/" + number;
  EXPECT_THAT(curl(Post(base + "?organisation_id=" + number, R"({"displayName": "3B Æblehaven"})")), HasSubstr("\n200"));
  EXPECT_THAT(curl({one}), HasSubstr("3B Æblehaven"));
  EXPECT_THAT(curl({base + "?pageSize=1000"}), HasSubstr("\"organisations/" + number + "\""));
  auto const patched = curl(With({"--request", "PATCH"}, Post(one, R"({"displayName": "KAB"})")));
  EXPECT_THAT(patched, HasSubstr("\"KAB\""));
  EXPECT_THAT(patched, HasSubstr("\n200"));
  EXPECT_THAT(curl(Post(base + "?organisation_id=" + number, R"({"displayName": "again"})")), HasSubstr("\n409"));
  EXPECT_THAT(curl({base + "/9999"}), HasSubstr("\n404"));
  EXPECT_THAT(curl({base + "?nonsense=1"}), HasSubstr("\n400"));
  EXPECT_THAT(curl(Post(base + "?organisation_id=9998", R"({"displayNam": "x"})")), HasSubstr("displayNam"));
  EXPECT_THAT(curl({"--request", "DELETE", base}), HasSubstr("\n405"));
  EXPECT_THAT(curl({house.url() + "/v1/nonsense"}), HasSubstr("\n404"));
}

TEST_F(ClientsTest, CurlByHttp2) { UseTheRegister(*house_, token_, "--http2", "9011"); }

TEST_F(ClientsTest, CurlByHttp11) { UseTheRegister(*house_, token_, "--http1.1", "9012"); }

TEST_F(ClientsTest, WhoShowsNothingOrNonsenseIsToldSo) {
  auto const nobody = house_->Curl("", {"--include", Url("/v1/organisations")});
  EXPECT_THAT(nobody.output, HasSubstr("\n401"));
  EXPECT_THAT(nobody.output, HasSubstr("www-authenticate: Bearer"));
  EXPECT_THAT(nobody.output, HasSubstr("IDENTITY_MISSING"));
  auto const nonsense = house_->Curl("nonsense", {Url("/v1/organisations")});
  EXPECT_THAT(nonsense.output, HasSubstr("\n401"));
  EXPECT_THAT(nonsense.output, Not(HasSubstr("nonsense")));
  // What a caller says he is counts for nothing.
  auto const forged = house_->Curl("", {"--header", "helhed-identity-bin: AAAA", Url("/v1/organisations")});
  EXPECT_THAT(forged.output, HasSubstr("\n401"));
}

TEST_F(ClientsTest, TheIssuersClaimsSayWhatACallerMay) {
  for (auto const* const number : {"9001", "9002"}) {
    Curl(Post(Url(absl::StrCat("/v1/organisations?organisation_id=", number)), R"({"displayName": "X"})"));
  }
  auto const portal = house_->SignIn(testing::OidcIssuer::kPortal);
  EXPECT_THAT(house_->Curl(portal, {Url("/v1/organisations/9001")}).output, HasSubstr("\n200"));
  EXPECT_THAT(house_->Curl(portal, {Url("/v1/organisations/9002")}).output, HasSubstr("\n404"));
  EXPECT_THAT(house_->Curl(portal, Post(Url("/v1/organisations?organisation_id=9003"), R"({"displayName": "X"})")).output,
              HasSubstr("\n403"));
  // One letter of the signature changed.
  auto forged = portal;
  forged[forged.size() - 10] = forged[forged.size() - 10] == 'A' ? 'B' : 'A';
  EXPECT_THAT(house_->Curl(forged, {Url("/v1/organisations/9001")}).output, HasSubstr("TOKEN_SIGNATURE_INVALID"));
}

TEST_F(ClientsTest, WhoIsSignedInForADemonstrationIsToldSo) {
  auto const answer = house_->Curl(house_->DemonstrationToken({"operator"}), {"--include", Url("/v1/organisations")});
  EXPECT_THAT(answer.output, HasSubstr("x-helhed-demonstration: true"));
  EXPECT_THAT(answer.output, HasSubstr("\n200"));
}

TEST_F(ClientsTest, AnswersSayWhatBrowsersAndOperatorsNeed) {
  auto const answer = Curl({"--include", "--header", "x-request-id: my-request-1", "--header",
                            "origin: https://portal.example.dk", Url("/v1/organisations")});
  EXPECT_THAT(answer.output, Not(HasSubstr("x-helhed-demonstration: ")));
  for (auto const* const expected : {"x-request-id: my-request-1", "cache-control: private, no-cache",
                                     "x-content-type-options: nosniff", "strict-transport-security: max-age=",
                                     "access-control-allow-origin: https://portal.example.dk", "vary: origin", "ratelimit: "}) {
    EXPECT_THAT(answer.output, HasSubstr(expected));
  }
  auto const refused = Curl({"--include", Url("/v1/organisations/9999")});
  EXPECT_THAT(refused.output, HasSubstr("cache-control: no-store"));
  auto const stranger = Curl({"--include", "--header", "origin: https://other.example", Url("/v1/organisations")});
  EXPECT_THAT(stranger.output, Not(HasSubstr("access-control-allow-origin")));
  auto const preflight = house_->Curl("", {"--include", "--request", "OPTIONS", "--header", "origin: https://portal.example.dk",
                                           "--header", "access-control-request-method: PATCH", Url("/v1/organisations/9001")});
  EXPECT_THAT(preflight.output, HasSubstr("access-control-allow-methods: GET, HEAD, POST, PATCH"));
  EXPECT_THAT(preflight.output, HasSubstr("\n204"));
  auto const injected = Curl({"--include", "--header", "x-request-id: a b<script>", Url("/v1/organisations")});
  EXPECT_THAT(injected.output, Not(HasSubstr("script")));
}

// A browser shows its certificate whichever page asks.
TEST_F(ClientsTest, ACertificateCountsForPagesOfTheGatewayAndOfNamedOriginsOnly) {
  auto const ask = [&](std::string const& origin, std::vector<std::string> const& arguments) {
    auto const from = origin.empty() ? origin : "origin: " + origin;
    return house_->Curl("", With(With({"--include", "--header", from}, house_->ClientCertificate()), arguments)).output;
  };
  // What a form of any page can send: a POST without a body.
  std::vector<std::string> const act = {"--request", "POST", Url("/v1/retentionRuns:run")};
  std::string const portal = "https://portal.example.dk";
  for (auto const& origin : {std::string(), house_->url(), portal}) {
    EXPECT_THAT(ask(origin, {Url("/v1/organisations")}), HasSubstr("\n200")) << origin;
    EXPECT_THAT(ask(origin, act), HasSubstr("\n200")) << origin;
  }
  for (auto const* const stranger : {"https://portal.example.dk.evil.example", "https://localhost", "http://localhost", "null"}) {
    EXPECT_THAT(ask(stranger, {Url("/v1/organisations")}), HasSubstr("\n401")) << stranger;
    EXPECT_THAT(ask(stranger, act), HasSubstr("\n401")) << stranger;
    EXPECT_THAT(ask(stranger, act), Not(HasSubstr("access-control-allow-origin"))) << stranger;
  }
  // A token is given to a page by its user.
  EXPECT_THAT(Curl({"--header", "origin: https://evil.example", Url("/v1/organisations")}).output, HasSubstr("\n200"));
  EXPECT_THAT(ask(portal, {Url("/v1/organisations")}), HasSubstr("access-control-allow-credentials: true"));
  EXPECT_THAT(ask(portal, {"--request", "OPTIONS", "--header", "access-control-request-method: PATCH", Url("/v1/organisations")}),
              HasSubstr("access-control-allow-credentials: true"));
}

TEST_F(ClientsTest, PagesNeedNoIdentity) {
  EXPECT_THAT(house_->Curl("", {Url("/healthz")}).output, HasSubstr("alive"));
  EXPECT_THAT(house_->Curl("", {Url("/readyz")}).output, HasSubstr("ready"));
  auto const file = house_->folder() + "/descriptor.binpb";
  EXPECT_THAT(house_->Curl("", {"--output", file, Url("/descriptor.binpb")}).output, HasSubstr("200"));
  EXPECT_EQ(testing::ReadWhole(file), testing::ReadWhole(HELHED_DESCRIPTORS));
  EXPECT_THAT(house_->Curl("", {Url("/openapi.json")}).output, HasSubstr("\"/v1/organisations\""));
  EXPECT_THAT(house_->Curl("", {"--include", Url("/docs")}).output,
              HasSubstr("content-security-policy: default-src 'none'; script-src 'self'"));
  auto const icon = house_->folder() + "/favicon.ico";
  EXPECT_THAT(house_->Curl("", {"--output", icon, Url("/favicon.ico")}).output, HasSubstr("200"));
  EXPECT_THAT(testing::ReadWhole(icon), ::testing::StartsWith("\x89PNG"));
  EXPECT_THAT(house_->Curl("", {"--request", "POST", Url("/healthz")}).output, HasSubstr("\n405"));
}

TEST_F(ClientsTest, GrpcJs) {
  auto const outcome = RunProgram({"env", absl::StrCat("NODE_PATH="), "node", kSource + "/tests/gateway/clients/grpc.mjs",
                                   absl::StrCat("localhost:", house_->port()), house_->ca_file(), token_, kSource + "/proto",
                                   kSource + "/proto/node_modules/google-gax/build/protos"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.output;
}

// The command line goes to a gateway as it goes to a service.
TEST_F(ClientsTest, TheCommandLine) {
  auto const token = house_->folder() + "/bearer";
  std::ofstream(token) << token_ << "\n";
  auto const call = [&](std::string const& method, std::string const& json) {
    return RunProgram({testing::Binary("helhed"), "call", method, json, "--address", absl::StrCat("localhost:", house_->port()),
                       "--tls-ca", house_->ca_file(), "--bearer", token});
  };
  auto const made =
      call("CreateOrganisation", R"({"organisationId": "9007", "organisation": {"displayName": "Ved kommandolinjen"}})");
  EXPECT_EQ(made.exit_code, 0) << made.output;
  EXPECT_THAT(call("GetOrganisation", R"({"name": "organisations/9007"})").output, HasSubstr("Ved kommandolinjen"));
  EXPECT_EQ(call("GetOrganisation", R"({"name": "organisations/9990"})").exit_code, 1);
  std::ofstream(token) << "nonsense\n";
  EXPECT_THAT(call("GetOrganisation", R"({"name": "organisations/9007"})").output, HasSubstr("UNAUTHENTICATED"));
}

TEST_F(ClientsTest, BufCurl) {
  auto const buf = [&](std::vector<std::string> const& how, std::string const& method, std::string const& json) {
    return RunProgram(Buf(how, "helhed.residents.v1.HousingRegisterService/" + method, json));
  };
  std::vector<std::string> const schema = {"--schema", HELHED_DESCRIPTORS};
  auto const created =
      buf(schema, "CreateOrganisation", R"({"organisationId": "9301", "organisation": {"displayName": "Boligkontoret"}})");
  EXPECT_EQ(created.exit_code, 0) << created.output;
  EXPECT_THAT(buf(schema, "GetOrganisation", R"({"name": "organisations/9301"})").output, HasSubstr("Boligkontoret"));
  EXPECT_THAT(buf(schema, "ListOrganisations", "{}").output, HasSubstr("organisations/9301"));
  EXPECT_THAT(
      buf(schema, "UpdateOrganisation", R"({"organisation": {"name": "organisations/9301", "displayName": "BK"}})").output,
      HasSubstr("\"BK\""));
  // By reflection it needs no schema.
  auto const reflected = buf({}, "GetOrganisation", R"({"name": "organisations/9301"})");
  EXPECT_THAT(reflected.output, HasSubstr("\"BK\""));
}

TEST_F(ClientsTest, AnEventSourceSeesEachEventOnceThoughGatewayAndServiceDie) {
  auto const log = house_->folder() + "/events.log";
  testing::Process browser(
      {"env", "NODE_EXTRA_CA_CERTS=" + house_->ca_file(), "node", kSource + "/tests/gateway/clients/events.mjs",
       Url("/v1/feed:watch?cursor=%24end"), token_, "helhed.residents.v1.OrganisationCreated", "4"},
      log);
  AwaitIn(log, "open");
  auto const create = [&](std::string const& number) {
    EXPECT_THAT(Curl(Post(Url("/v1/organisations?organisation_id=" + number), R"({"displayName": "X"})")).output,
                HasSubstr("\n200"));
  };
  // The first message says where the end is; what is created before that is not after it.
  absl::SleepFor(absl::Seconds(2));
  create("9401");
  AwaitIn(log, "event organisations/9401");
  house_->KillGateway();
  house_->StartGateway();
  create("9402");
  AwaitIn(log, "event organisations/9402");
  house_->KillService();
  house_->StartService();
  create("9403");
  AwaitIn(log, "event organisations/9403");
  house_->StopGateway();
  house_->StartGateway();
  create("9404");
  EXPECT_EQ(browser.Wait(), 0);
  std::vector<std::string> events;
  for (auto const& line : absl::StrSplit(testing::ReadWhole(log), '\n')) {
    if (absl::StartsWith(line, "event ")) events.emplace_back(line);
  }
  EXPECT_THAT(events, ::testing::ElementsAre("event organisations/9401", "event organisations/9402", "event organisations/9403",
                                             "event organisations/9404"))
      << testing::ReadWhole(log);
}

TEST_F(ClientsTest, AtADrainEveryStreamEndsWithItsReason) {
  auto const log = [&](std::string const& name) { return house_->folder() + "/" + name + ".log"; };
  auto const watch = [&](std::string const& version, std::string const& form) {
    return std::vector<std::string>{"curl",
                                    "--silent",
                                    version,
                                    "--no-buffer",
                                    "--cacert",
                                    house_->ca_file(),
                                    "--header",
                                    "authorization: Bearer " + token_,
                                    "--header",
                                    "accept: " + form,
                                    Url("/v1/feed:watch")};
  };
  testing::Process lines(watch("--http1.1", "application/x-ndjson"), log("lines"));
  testing::Process events(watch("--http2", "text/event-stream"), log("events"));
  testing::Process grpc(Buf({"--schema", HELHED_DESCRIPTORS}, "helhed.gateway.v1.EventFeedService/WatchFeed", "{}"), log("grpc"));
  for (auto const* const name : {"lines", "events", "grpc"}) AwaitIn(log(name), "nextCursor");
  auto const begun = absl::Now();
  house_->StopGateway();
  EXPECT_LT(absl::Now() - begun, absl::Seconds(15)) << "no stream kept it from ending before its time for that was over";
  EXPECT_EQ(lines.Wait(), 0) << "the answer is complete";
  EXPECT_EQ(events.Wait(), 0) << "the answer is complete";
  EXPECT_NE(grpc.Wait(), 0);
  // What came before is long.
  auto const last = [&](std::string const& name) {
    auto text = testing::ReadWhole(log(name));
    return text.substr(text.size() - std::min<std::size_t>(text.size(), 1000));
  };
  using ::testing::AllOf;
  EXPECT_THAT(last("lines"), AllOf(HasSubstr("\n{\"error\":"), HasSubstr("\"UNAVAILABLE\""), HasSubstr("\"DRAINING\"")));
  EXPECT_THAT(last("events"), AllOf(HasSubstr("event: error\nretry: 1000\ndata: {\"error\":"), HasSubstr("\"DRAINING\"")));
  // buf shows details as the base64 of their bytes: a google.rpc.ErrorInfo whose reason is DRAINING.
  EXPECT_THAT(last("grpc"), AllOf(HasSubstr("\"unavailable\""), HasSubstr("\"CghEUkFJTklORx")));
  house_->StartGateway();
}

TEST_F(ClientsTest, TheFeedIsReadPageByPageAndAsLines) {
  for (auto const* const number : {"9501", "9502", "9503"}) {
    Curl(Post(Url(absl::StrCat("/v1/organisations?organisation_id=", number)), R"({"displayName": "X"})"));
  }
  std::string cursor;
  int found = 0;
  bool at_end = false;
  for (int pages = 0; pages < 200 && !at_end; ++pages) {
    auto const answer = Curl({Url("/v1/feed?pageSize=2&cursor=" + cursor)}).output;
    rapidjson::Document page;
    page.Parse(answer.substr(0, answer.rfind('\n')).c_str());
    ASSERT_FALSE(page.HasParseError()) << answer;
    ASSERT_TRUE(page.HasMember("nextCursor")) << answer;
    cursor = page["nextCursor"].GetString();
    at_end = page["atEnd"].GetBool();
    for (auto const& event : page["events"].GetArray()) {
      std::string const subject = event["subject"].GetString();
      if (absl::StartsWith(subject, "organisations/950")) ++found;
    }
  }
  EXPECT_TRUE(at_end);
  EXPECT_EQ(found, 3);
  auto const lines = Curl({"--max-time", "2", "--header", "accept: application/x-ndjson", Url("/v1/feed:watch")}).output;
  EXPECT_THAT(lines, HasSubstr("{\"result\":"));
  EXPECT_THAT(lines, HasSubstr("organisations/9503"));
  EXPECT_THAT(Curl({Url("/v1/feed?cursor=nonsense")}).output, HasSubstr("CURSOR_INVALID"));
}

TEST_F(ClientsTest, AServiceThatIsDownIsSaidToBe) {
  house_->KillService();
  auto const down = Curl({"--include", Url("/v1/organisations/9001")}).output;
  EXPECT_THAT(down, HasSubstr("SERVICE_UNREACHABLE"));
  EXPECT_THAT(down, HasSubstr("\n503"));
  EXPECT_THAT(down, HasSubstr("retry-after: "));
  EXPECT_THAT(Curl({Url("/v1/feed?pageSize=1")}).output, HasSubstr("\"missing\":[\"residents\"]"));
  house_->StartService();
  for (int i = 0; i < 200; ++i) {
    if (absl::StrContains(Curl({Url("/v1/organisations")}).output, "\n200")) return;
    absl::SleepFor(absl::Milliseconds(50));
  }
  FAIL() << "the service was not found again";
}

}  // namespace
}  // namespace helhed
