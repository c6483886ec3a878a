#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>
#include <absl/time/time.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <utility>

#include "tests/gateway/rest.h"

// What the gateway composes of several services that run, and of those that do not.
namespace helhed {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using testing::House;
using ::testing::IsEmpty;
using ::testing::IsSupersetOf;
using ::testing::Not;

// What an overview has, each as `service/part`.
struct Overview {
  std::string status;
  std::set<std::string> parts;
  std::map<std::string, std::string> missing;
  std::string text;
};

class OverviewTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    house_ = new House({"residents", "funding"});
    testing::Rest const rest(*house_);
    auto const token = house_->SignIn();
    rest.Enter(token, "organisations?organisation_id=9001", R"({"displayName": "Boligforeningen 3B"})");
    rest.Enter(token, "organisations/9001/departments?department_id=022", R"({"displayName": "Æblehaven"})");
    rest.Enter(token, "plans?plan_id=amager", R"({"displayName": "Amagerplanen", "regulation": "regulations/2019-26",
        "municipalityCode": "0101", "budgetTotal": {"currencyCode": "DKK", "minorUnits": "3100000000"},
        "period": {"startDate": {"year": 2022, "month": 1, "day": 1}, "endDate": {"year": 2026, "month": 1, "day": 1}}})");
    rest.Enter(token, "plans/amager/coveredDepartments",
               R"({"department": "organisations/9001/departments/022", "dwellingCount": "320"})");
  }
  static void TearDownTestSuite() {
    delete house_;
    house_ = nullptr;
  }
  void TearDown() override {
    if (HasFailure()) std::cerr << house_->Logs();
  }

  static Overview Read(std::string const& plan = "amager", std::vector<std::string> arguments = {}) {
    auto const answer =
        testing::Rest(*house_).Send(house_->SignIn(), std::move(arguments), absl::StrCat("plans/", plan, "/overview"));
    Overview overview{.status = answer.status, .text = answer.text};
    auto const& document = answer.json;
    if (document.HasParseError() || !document.HasMember("parts")) return overview;
    auto const name = [](auto const& part) { return absl::StrCat(part["service"].GetString(), "/", part["part"].GetString()); };
    for (auto const& part : document["parts"].GetArray()) overview.parts.insert(name(part));
    for (auto const& part : document["missing"].GetArray()) overview.missing.emplace(name(part), part["code"].GetString());
    return overview;
  }
  // Until every part is there again.
  static void AwaitWhole() {
    // Every loop of the gateway finds out by itself that a service is back, and the next request may meet another loop.
    constexpr int in_a_row = 10;
    int whole = 0;
    for (int i = 0; i < 400 && whole < in_a_row; ++i) {
      whole = Read().missing.empty() ? whole + 1 : 0;
      if (whole == 0) absl::SleepFor(absl::Milliseconds(50));
    }
    EXPECT_EQ(whole, in_a_row);
  }

  static House* house_;
};
House* OverviewTest::house_ = nullptr;

TEST_F(OverviewTest, ShowsWhatAllServicesKnowOfAPlan) {
  auto const overview = Read();
  EXPECT_EQ(overview.status, "200") << overview.text;
  EXPECT_THAT(overview.parts, IsSupersetOf({"funding/plan", "funding/coveredDepartments", "funding/sources", "funding/budgets",
                                            "residents/departments"}));
  EXPECT_THAT(overview.missing, IsEmpty());
  EXPECT_THAT(overview.text, ::testing::AllOf(HasSubstr("Amagerplanen"), HasSubstr("Æblehaven")));
  EXPECT_EQ(Read("nowhere").status, "404");
}

TEST_F(OverviewTest, SaysWhichPartIsMissingWhenAServiceIsDown) {
  house_->KillService("residents");
  auto overview = Read();
  EXPECT_EQ(overview.status, "200") << overview.text;
  EXPECT_THAT(overview.parts, ::testing::AllOf(Contains("funding/plan"), Not(Contains("residents/departments"))));
  EXPECT_THAT(overview.missing,
              ::testing::ElementsAre(std::pair<std::string const, std::string>("residents/departments", "UNAVAILABLE")));
  house_->StartService("residents");
  AwaitWhole();

  house_->KillService("funding");
  overview = Read();
  EXPECT_EQ(overview.status, "200") << overview.text;
  EXPECT_THAT(overview.parts, IsEmpty());
  EXPECT_EQ(overview.missing["funding/plan"], "UNAVAILABLE");
  EXPECT_EQ(overview.missing["funding/sources"], "UNAVAILABLE");
  house_->StartService("funding");
  AwaitWhole();
}

TEST_F(OverviewTest, NeverOutlastsItsDeadlineThoughAServiceIsSilent) {
  AwaitWhole();
  house_->HoldService("residents");
  auto const begun = absl::Now();
  auto const overview = Read("amager", {"--header", "x-request-timeout: 2s"});
  auto const took = absl::Now() - begun;
  house_->FreeService("residents");
  EXPECT_EQ(overview.status, "200") << "what has come is shown: " << overview.text;
  EXPECT_THAT(overview.parts, Contains("funding/plan"));
  EXPECT_EQ(overview.missing.at("residents/departments"), "DEADLINE_EXCEEDED");
  // With what curl and the issuer take besides.
  EXPECT_GE(took, absl::Milliseconds(1500));
  EXPECT_LT(took, absl::Milliseconds(3500));
  AwaitWhole();
}

}  // namespace
}  // namespace helhed
