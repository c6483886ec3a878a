#include <gmock/gmock.h>

#include <map>

#include "services/funding/service/agreement_service.h"
#include "services/funding/service/coverage_service.h"
#include "services/funding/service/decision_service.h"
#include "services/funding/service/plan_service.h"
#include "services/funding/service/regulation_service.h"
#include "services/funding/testing/fixture.h"
#include "services/platform/testing/explain.h"
#include "services/platform/testing/recording_database.h"

// No statement may read a table from end to end: those that are written down, and those that lists are made into.
namespace helhed::funding::testing {
namespace {

using ::testing::IsEmpty;

class ExplainTest : public helhed::testing::ForBothEngines {
 protected:
  void SetUp() override {
    ForBothEngines::SetUp();
    recording_ = std::make_unique<helhed::testing::RecordingDatabase>(database());
    server::Definition definition;
    AddPlans(definition);
    schema_ = std::make_unique<storage::Schema>(database());
    store_ = std::make_unique<helhed::testing::TestStore>(*recording_, definition.migrations, clock_, random_, schema_.get());
    for (auto const& resource : definition.resources) ASSERT_THAT(schema_->Add(resource), IsOk());
    plans_ = std::make_unique<PlanService>(store_->store(), money_);
    for (auto const* id : {"a", "b"}) {
      v1::CreatePlanRequest request;
      request.set_plan_id(id);
      auto& plan = *request.mutable_plan();
      plan.set_display_name("Amagerplanen");
      plan.set_regulation("regulations/2019-26");
      *plan.mutable_period() = Range("2022-01-01", "2026-01-01");
      plan.set_municipality_code("0101");
      *plan.mutable_budget_total() = Dkk(1);
      ASSERT_THAT(plans_->CreatePlan(Context("PlanService/CreatePlan"), request), IsOk());
    }
  }

  CallContext Context(std::string_view method, std::vector<std::string> scopes = {""}) {
    auto parts = helhed::testing::CallParts("/helhed.funding.v1." + std::string(method), clock_, random_);
    parts.scopes = std::move(scopes);
    return CallContext(std::move(parts));
  }

  // Runs a list in every order and both directions, two pages of each, with and without a filter, for callers of several scopes.
  template <typename Service, typename Request, typename Handler>
  void Walk(std::string_view method, Service& service, Handler handler, Request request, std::vector<std::string> const& orders,
            std::string const& filter) {
    for (auto const& order : orders) {
      for (auto const* direction : {"", " desc"}) {
        for (auto const& text : {std::string(), filter}) {
          for (auto const& scopes : std::vector<std::vector<std::string>>{{""}, {"plans/a"}, {"plans/a", "plans/b"}}) {
            request.set_page_size(1);
            request.set_order_by(order.empty() ? "" : order + direction);
            request.set_filter(text);
            request.clear_page_token();
            auto const context = Context(method, scopes);
            auto const page = (service.*handler)(context, request);
            ASSERT_THAT(page, IsOk()) << method << " " << request.ShortDebugString();
            request.set_page_token(page->next_page_token());
            if (!request.page_token().empty()) {
              ASSERT_THAT((service.*handler)(context, request), IsOk());
            }
          }
        }
      }
    }
  }

  FakeClock clock_{helhed::testing::kTestStart};
  helhed::testing::TestRandom random_;
  ScriptedMoney money_;
  std::unique_ptr<helhed::testing::RecordingDatabase> recording_;
  std::unique_ptr<storage::Schema> schema_;
  std::unique_ptr<helhed::testing::TestStore> store_;
  std::unique_ptr<PlanService> plans_;
};
HELHED_BOTH_ENGINES(ExplainTest);

TEST_P(ExplainTest, NoStatementScans) {
  // What is not a table of ours: SQLite's catalogue, and the list that a statement was given.
  EXPECT_THAT(helhed::testing::FullScans(database(), storage::RegisteredStatements(), {"sqlite_schema", "wanted"}), IsEmpty());
  for (auto const* table : schema_->tables()) {
    EXPECT_THAT(helhed::testing::FullScans(database(), table->statements()), IsEmpty());
  }
}

TEST_P(ExplainTest, NoListBelowAPlanScans) {
  DecisionService decisions(store_->store(), ResidentDemocracy({}));
  AgreementService agreements(store_->store());
  CoverageService coverage(store_->store());
  auto const below = [](auto request) {
    request.set_parent("plans/a");
    return request;
  };
  recording_->Forget();
  Walk("PlanService/ListPlanChanges", *plans_, &PlanService::ListPlanChanges, below(v1::ListPlanChangesRequest()),
       {"", "name", "effective_date"}, "transition = PLAN_TRANSITION_SUBMIT");
  Walk("PlanService/ListExtensions", *plans_, &PlanService::ListExtensions, below(v1::ListExtensionsRequest()), {"", "name"},
       "state = EXTENSION_STATE_APPLIED");
  Walk("CoverageService/ListCoveredDepartments", coverage, &CoverageService::ListCoveredDepartments,
       below(v1::ListCoveredDepartmentsRequest()), {"", "name"}, "state = COVERAGE_STATE_COVERED");
  Walk("AgreementService/ListAgreements", agreements, &AgreementService::ListAgreements, below(v1::ListAgreementsRequest()),
       {"", "name"}, "kind = AGREEMENT_KIND_SUB");
  Walk("AgreementService/ListMilestones", agreements, &AgreementService::ListMilestones, below(v1::ListMilestonesRequest()),
       {"", "name", "due_date"}, "focus_area = \"beskaeftigelse\"");
  Walk("DecisionService/ListDecisions", decisions, &DecisionService::ListDecisions, below(v1::ListDecisionsRequest()),
       {"", "name", "meeting_date"}, "state = DECISION_STATE_ADOPTED");
  Walk("DecisionService/ListApprovals", decisions, &DecisionService::ListApprovals, below(v1::ListApprovalsRequest()),
       {"", "name", "decide_date"}, "party = PARTY_FUND");
  EXPECT_GT(recording_->statements().size(), 30U);
  EXPECT_THAT(helhed::testing::FullScans(database(), recording_->statements(), {"wanted"}), IsEmpty());
}

TEST_P(ExplainTest, TheListOfAllPlansStopsAfterAPage) {
  recording_->Forget();
  Walk("PlanService/ListPlans", *plans_, &PlanService::ListPlans, v1::ListPlansRequest(), {"", "name", "display_name"}, "");
  for (auto const* statement : recording_->statements()) {
    auto const& text = statement->text(engine());
    // A caller with grants of single plans has those few looked up, and sorted.
    if (text.find("FROM plans p") == std::string::npos || text.find("p.plan IN") != std::string::npos) continue;
    auto const plan = database().Explain(*statement);
    ASSERT_THAT(plan, IsOk());
    EXPECT_EQ(plan->find("Seq Scan"), std::string::npos) << *plan;
    EXPECT_EQ(plan->find("USE TEMP B-TREE FOR ORDER BY"), std::string::npos) << *plan;
  }
}

}  // namespace
}  // namespace helhed::funding::testing
