#include "services/platform/testing/explain.h"

#include <gmock/gmock.h>

#include <deque>
#include <map>

#include "services/platform/testing/recording_database.h"
#include "services/residents/residents.h"
#include "services/residents/service/housing_register.h"
#include "services/residents/testing/fixture.h"

// No statement may read a table from end to end: those that are written down, and those that lists are made into.
namespace helhed::residents::testing {
namespace {

using ::testing::IsEmpty;

class ExplainTest : public helhed::testing::ForBothEngines {
 protected:
  void SetUp() override {
    ForBothEngines::SetUp();
    recording_ = std::make_unique<helhed::testing::RecordingDatabase>(database());
    auto const definition = ResidentsDefinition();
    schema_ = std::make_unique<storage::Schema>(database());
    store_ = std::make_unique<helhed::testing::TestStore>(*recording_, definition.migrations, clock_, random_, schema_.get());
    for (auto const& resource : definition.resources) ASSERT_THAT(schema_->Add(resource), IsOk());
    register_ = std::make_unique<HousingRegister>(store_->store());
    Enter();
  }

  CallContext Context(std::string_view method, std::vector<std::string> scopes = {""}) {
    auto parts =
        helhed::testing::CallParts("/helhed.residents.v1.HousingRegisterService/" + std::string(method), clock_, random_);
    parts.scopes = std::move(scopes);
    return CallContext(std::move(parts));
  }

  // Enough for two pages of everything.
  void Enter() {
    for (auto const* id : {"9001", "9002"}) {
      v1::CreateOrganisationRequest request;
      request.set_organisation_id(id);
      request.mutable_organisation()->set_display_name("Vibo");
      ASSERT_THAT(register_->CreateOrganisation(Context("CreateOrganisation"), request), IsOk());
    }
    for (auto const* id : {"001", "002"}) {
      v1::CreateDepartmentRequest request;
      request.set_parent("organisations/9001");
      request.set_department_id(id);
      request.mutable_department()->set_display_name("Remisevænget");
      ASSERT_THAT(register_->CreateDepartment(Context("CreateDepartment"), request), IsOk());
      v1::CreateDwellingRequest dwelling;
      dwelling.set_parent("organisations/9001");
      dwelling.set_dwelling_id(id);
      dwelling.mutable_dwelling()->set_address("Remisevej 1");
      dwelling.mutable_dwelling()->set_department("organisations/9001/departments/" + std::string(id));
      *dwelling.mutable_dwelling()->mutable_period() = Range("2020-01-01");
      ASSERT_THAT(register_->CreateDwelling(Context("CreateDwelling"), dwelling), IsOk());
      v1::CreateHouseholdRequest household;
      household.set_parent("organisations/9001");
      household.set_household_id(id);
      household.mutable_household()->set_dwelling("organisations/9001/dwellings/" + std::string(id));
      *household.mutable_household()->mutable_occupation() = Range("2020-01-01");
      ASSERT_THAT(register_->CreateHousehold(Context("CreateHousehold"), household), IsOk());
    }
  }

  // Runs a list in every order and both directions, two pages of each, with and without a filter, for callers of several scopes.
  template <typename Request, typename Handler>
  void Walk(std::string_view method, Handler handler, Request request, std::vector<std::string> const& orders,
            std::string const& filter) {
    std::vector<std::vector<std::string>> const callers = {
        {""},
        {"organisations/9001"},
        {"organisations/9001/departments/001", "organisations/9001/departments/002"},
        {"organisations/9001/departments/001", "organisations/9001/dwellings/002"}};
    request.set_page_size(1);
    for (auto const& order : orders) {
      for (auto const* direction : {"", " desc"}) {
        for (auto const& text : {std::string(), filter}) {
          for (auto const& scopes : callers) {
            request.set_order_by(order.empty() ? "" : order + direction);
            request.set_filter(text);
            request.clear_page_token();
            auto const context = Context(method, scopes);
            auto const page = (register_.get()->*handler)(context, request);
            ASSERT_THAT(page, IsOk());
            request.set_page_token(page->next_page_token());
            if (!request.page_token().empty()) {
              ASSERT_THAT((register_.get()->*handler)(context, request), IsOk());
            }
          }
        }
      }
    }
  }

  FakeClock clock_{helhed::testing::kTestStart};
  helhed::testing::TestRandom random_;
  std::unique_ptr<helhed::testing::RecordingDatabase> recording_;
  std::unique_ptr<storage::Schema> schema_;
  std::unique_ptr<helhed::testing::TestStore> store_;
  std::unique_ptr<HousingRegister> register_;
};
HELHED_BOTH_ENGINES(ExplainTest);

TEST_P(ExplainTest, NoStatementScans) {
  // What is not a table of ours: SQLite's catalogue, the list that a statement was given, and the rows of its own recursion.
  EXPECT_THAT(helhed::testing::FullScans(database(), storage::RegisteredStatements(), {"sqlite_schema", "wanted", "up"}),
              IsEmpty());
  for (auto const* table : schema_->tables()) {
    EXPECT_THAT(helhed::testing::FullScans(database(), table->statements()), IsEmpty());
  }
}

TEST_P(ExplainTest, NoListScans) {
  recording_->Forget();
  v1::ListDwellingsRequest dwellings;
  dwellings.set_parent("organisations/9001");
  std::vector<std::string> const orders = {"", "name", "address", "kvhx_key", "area_square_metres"};
  Walk("ListDwellings", &HousingRegister::ListDwellings, dwellings, orders, "floor = \"2\" AND area_square_metres >= 0");
  dwellings.set_department("organisations/9001/departments/001");
  Walk("ListDwellings", &HousingRegister::ListDwellings, dwellings, orders, "address != \"x\"");
  v1::ListHouseholdsRequest households;
  households.set_parent("organisations/9001");
  Walk("ListHouseholds", &HousingRegister::ListHouseholds, households, {"", "name"}, "");
  households.set_department("organisations/9001/departments/001");
  Walk("ListHouseholds", &HousingRegister::ListHouseholds, households, {"", "name"}, "");
  households.set_dwelling("organisations/9001/dwellings/001");
  Walk("ListHouseholds", &HousingRegister::ListHouseholds, households, {"", "name"}, "");
  v1::ListDepartmentsRequest departments;
  departments.set_parent("organisations/9001");
  Walk("ListDepartments", &HousingRegister::ListDepartments, departments, {"", "name", "display_name"},
       "state = DEPARTMENT_STATE_ACTIVE");
  EXPECT_GT(recording_->statements().size(), 50U);
  EXPECT_THAT(helhed::testing::FullScans(database(), recording_->statements()), IsEmpty());

  // The list of all organisations is the one that begins at the beginning; it reads an index in order, and stops after a page.
  recording_->Forget();
  Walk("ListOrganisations", &HousingRegister::ListOrganisations, v1::ListOrganisationsRequest(), {"", "name", "display_name"},
       "");
  for (auto const* statement : recording_->statements()) {
    auto const plan = database().Explain(*statement);
    ASSERT_THAT(plan, IsOk());
    EXPECT_EQ(plan->find("Seq Scan"), std::string::npos) << *plan;
    EXPECT_EQ(plan->find("USE TEMP B-TREE FOR ORDER BY"), std::string::npos) << *plan;
  }
}

}  // namespace
}  // namespace helhed::residents::testing
