#include <gmock/gmock.h>

#include <deque>

#include "services/funding/funding.h"
#include "services/funding/testing/money_fixture.h"
#include "services/platform/testing/explain.h"

// No statement about money may read a table from end to end.
namespace helhed::funding::testing {
namespace {

using ::testing::IsEmpty;

class MoneyExplainTest : public MoneyTest {};
HELHED_BOTH_ENGINES(MoneyExplainTest);

TEST_P(MoneyExplainTest, NoStatementScans) {
  std::vector<storage::Statement const*> ours;
  for (auto const* const statement : storage::RegisteredStatements()) {
    if (statement->name().starts_with("funding.")) ours.push_back(statement);
  }
  EXPECT_GT(ours.size(), 40U);
  EXPECT_THAT(helhed::testing::FullScans(database(), ours, {"wanted", "regulations"}), IsEmpty());
}

TEST_P(MoneyExplainTest, NoStatementOfATableScans) {
  storage::Schema schema(database());
  for (auto const& resource : FundingDefinition().resources) {
    ASSERT_THAT(schema.Add(resource), IsOk());
    EXPECT_THAT(helhed::testing::FullScans(database(), schema.Of(*resource.message).statements()), IsEmpty()) << resource.name;
  }
}

}  // namespace
}  // namespace helhed::funding::testing
