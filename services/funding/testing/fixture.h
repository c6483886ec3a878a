#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "helhed/funding/v1/events.pb.h"
#include "helhed/funding/v1/plan_service.pb.h"
#include "helhed/funding/v1/regulation_service.pb.h"
#include "services/funding/funding.h"
#include "services/platform/base/civil.h"
#include "services/platform/client/channel.h"
#include "services/platform/client/fake.h"
#include "services/platform/server/instance.h"
#include "services/platform/storage/migrate.h"
#include "services/platform/testing/engines.h"
#include "services/platform/testing/folder.h"
#include "services/platform/testing/matchers.h"
#include "services/platform/testing/store.h"

// The funding service on a fresh database of either engine, called through its whole pipeline in process. It is 1 March 2126:
// time limits are reckoned from this clock and kept by the store's, so that it must not be behind.
namespace helhed::funding::testing {

using helhed::testing::EqualsProto;
using helhed::testing::ForAllSeeds;
using helhed::testing::IsOk;
using helhed::testing::StatusCodeIs;
using helhed::testing::StatusIs;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
constexpr auto kPrecondition = absl::StatusCode::kFailedPrecondition;
constexpr auto kExists = absl::StatusCode::kAlreadyExists;
constexpr auto kAbsent = absl::StatusCode::kNotFound;

// What a refusal says besides its code and reason.
struct Refusal {
  std::vector<std::string> fields;
  ErrorMetadata metadata;
};

// `2022-01-01`; the test fails on anything else.
google::type::Date Date(std::string_view iso);
// An empty end means until further notice.
common::v1::DateRange Range(std::string_view start, std::string_view end = "");
// An amount in øre.
common::v1::Money Dkk(std::int64_t ore);

// Money that says what a test has written down, and nothing is open otherwise.
class ScriptedMoney final : public MoneyGate {
 public:
  absl::StatusOr<MoneyAnswer> Open(ReadTransaction& tx, MoneyQuestion const& question) const override;

  std::map<MoneyStep, MoneyAnswer> answers;
  mutable std::vector<MoneyQuestion> asked;
};

// The register of residents that is not there: `fake` answers, 100 households with 200 votes for every department unless a test
// sets another answer.
PlanPeers FakePeers(std::shared_ptr<client::FakeChannel> fake, std::shared_ptr<MoneyGate const> money);

class ServiceTest : public ::testing::TestWithParam<storage::Engine> {
 protected:
  explicit ServiceTest(server::Definition const& definition);
  ~ServiceTest() override;

  // A method as `<Service>/<Method>`: `PlanService/GetPlan`, as `identity`, or as the operator, who may do everything.
  template <typename Response>
  absl::StatusOr<Response> Call(std::string_view method, google::protobuf::Message const& request, std::string identity = "") {
    client::CallOptions options;
    options.identity = identity.empty() ? operator_ : std::move(identity);
    return client::Invoke<Response>(*channel_, "/helhed.funding.v1." + std::string(method), request, options);
  }
  // The same where it must succeed.
  template <typename Response>
  Response Must(std::string_view method, google::protobuf::Message const& request, std::string identity = "") {
    auto result = Call<Response>(method, request, std::move(identity));
    EXPECT_THAT(result, IsOk()) << method << " " << request.ShortDebugString();
    return result.value_or(Response());
  }
  // A signed identity with a role within a resource; an empty scope means everywhere.
  std::string As(std::string_view role, std::string_view scope, std::string_view subject = "anna") {
    return As({{std::string(role), std::string(scope)}}, subject);
  }
  std::string As(std::vector<std::pair<std::string, std::string>> const& grants, std::string_view subject = "anna");

  // Expects the call to be refused with that code and reason, and to leave nothing behind.
  template <typename Response>
  Refusal Refused(std::string_view method, google::protobuf::Message const& request, absl::StatusCode code,
                  std::string_view reason, std::string identity = "") {
    std::string const before = Content();
    auto const result = Call<Response>(method, request, std::move(identity));
    EXPECT_THAT(result, StatusIs(code, std::string(reason))) << method << " " << request.ShortDebugString();
    EXPECT_EQ(Content(), before) << method << " " << request.ShortDebugString();
    Refusal refusal;
    for (auto const& violation : ViolationsOf(result.status())) refusal.fields.push_back(violation.field);
    refusal.metadata = MetadataOf(result.status());
    return refusal;
  }

  // What enters a plan under `regulations/2019-26` from 2022-01-01 to 2026-01-01 with a budget of 31 million kroner and the four
  // focus areas.
  static v1::CreatePlanRequest PlanRequest(std::string const& id);
  // Enters it; it must succeed.
  v1::Plan Plan(std::string const& id) { return Must<v1::Plan>("PlanService/CreatePlan", PlanRequest(id)); }

  // The last parts of the names of what a list answers.
  static std::vector<std::string> ListedIn(google::protobuf::Message const& response);

  // Every row of the service's tables, and how many events there are: what a refused call must not change.
  std::string Content();
  // The events so far, oldest first.
  std::vector<events::v1::Event> Events();
  template <typename Data>
  Data LastEvent(std::string_view subject) {
    Data data;
    auto const all = Events();
    if (all.empty()) {
      ADD_FAILURE() << "no event";
      return data;
    }
    EXPECT_EQ(all.back().type(), Data::descriptor()->full_name());
    EXPECT_EQ(all.back().subject(), subject);
    EXPECT_TRUE(all.back().data().UnpackTo(&data));
    return data;
  }

  server::Instance& instance() { return *instance_; }
  storage::Database& database() { return instance_->database(); }
  FakeClock& clock() { return clock_; }
  telemetry::Metrics& metrics() { return metrics_; }
  // What was logged, at every level.
  std::string LogText();

 private:
  helhed::testing::FreshDatabase fresh_;
  FakeClock clock_{absl::FromCivil(absl::CivilHour(2126, 3, 1, 8), absl::UTCTimeZone())};
  helhed::testing::TestRandom random_;
  helhed::testing::Folder folder_;
  std::unique_ptr<telemetry::Log> log_;
  telemetry::Metrics metrics_;
  identity::Signer signer_;
  std::unique_ptr<server::Instance> instance_;
  std::unique_ptr<client::Channel> channel_;
  std::string operator_;
};

// The whole service. It asks a register of residents that is not there, and its own books.
class FundingTest : public ServiceTest {
 protected:
  FundingTest() : FundingTest(FakePeers(std::make_shared<client::FakeChannel>(), nullptr)) {}
  explicit FundingTest(PlanPeers peers) : ServiceTest(FundingDefinition(std::move(peers))) {}
};

// The half that keeps plans and decisions.
class PlansOnlyTest : public ServiceTest {
 protected:
  PlansOnlyTest() : PlansOnlyTest(std::make_shared<client::FakeChannel>(), std::make_shared<ScriptedMoney>()) {}

  client::FakeChannel& residents() { return *residents_; }
  ScriptedMoney& money() { return *money_; }

 private:
  PlansOnlyTest(std::shared_ptr<client::FakeChannel> residents, std::shared_ptr<ScriptedMoney> money);

  std::shared_ptr<client::FakeChannel> residents_;
  std::shared_ptr<ScriptedMoney> money_;
};

}  // namespace helhed::funding::testing
