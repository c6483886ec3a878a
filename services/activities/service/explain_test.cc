#include "services/platform/testing/explain.h"

#include <gmock/gmock.h>

#include "services/activities/activities.h"
#include "services/platform/testing/engines.h"
#include "services/platform/testing/matchers.h"
#include "services/platform/testing/store.h"

// No statement may read a table from end to end.
namespace helhed::activities::testing {
namespace {

using ::testing::IsEmpty;

class ExplainTest : public helhed::testing::ForBothEngines {
 protected:
  void SetUp() override {
    ForBothEngines::SetUp();
    definition_ = ActivitiesDefinition();
    schema_ = std::make_unique<storage::Schema>(database());
    store_ = std::make_unique<helhed::testing::TestStore>(database(), definition_.migrations, clock_, random_, schema_.get());
    for (auto const& resource : definition_.resources) ASSERT_THAT(schema_->Add(resource), helhed::testing::IsOk());
  }

  FakeClock clock_{helhed::testing::kTestStart};
  helhed::testing::TestRandom random_;
  server::Definition definition_;
  std::unique_ptr<storage::Schema> schema_;
  std::unique_ptr<helhed::testing::TestStore> store_;
};

TEST_P(ExplainTest, NoNamedStatementScansWhatGrows) {
  std::vector<storage::Statement const*> own;
  for (auto const* statement : storage::RegisteredStatements()) {
    if (statement->name().starts_with("activities.")) own.push_back(statement);
  }
  EXPECT_GT(own.size(), 25U);
  // `wanted` is the list that a statement is given.
  EXPECT_THAT(helhed::testing::FullScans(database(), own, {"wanted"}), IsEmpty());
}

TEST_P(ExplainTest, NoStatementOfATableScansIt) {
  for (auto const* table : schema_->tables()) {
    EXPECT_THAT(helhed::testing::FullScans(database(), table->statements()), IsEmpty()) << table->name();
  }
}

HELHED_BOTH_ENGINES(ExplainTest);

}  // namespace
}  // namespace helhed::activities::testing
