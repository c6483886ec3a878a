#include <gmock/gmock.h>

#include <memory>

#include "services/platform/testing/explain.h"
#include "services/platform/testing/recording_database.h"
#include "services/residents/residents.h"
#include "services/residents/service/resident_democracy.h"
#include "services/residents/service/resident_statistics.h"
#include "services/residents/testing/democracy.h"

// Neither the list for a meeting nor the one of mandates reads a table from end to end, whoever asks.
namespace helhed::residents::testing {
namespace {

using ::testing::IsEmpty;

class DemocracyExplainTest : public DemocracyTest {
 protected:
  DemocracyExplainTest() : recording_(database()), schema_(database()), store_(Parts()), democracy_(store_), statistics_(store_) {
    for (auto const& resource : ResidentsDefinition().resources) EXPECT_THAT(schema_.Add(resource), IsOk());
    for (auto const* id : {"a", "b", "c"}) Home(id, "001");
    int number = 0;
    for (auto const* id : {"a", "b", "c"}) {
      Person(++number, "2090-01-01");
      Member(number, id, "2120-01-01");
    }
  }

  Store::Parts Parts() {
    Store::Parts parts;
    parts.service = "residents";
    parts.database = &recording_;
    parts.schema = &schema_;
    parts.sealer = &sealer_;
    parts.events = &instance().events();
    parts.clock = &clock();
    parts.random = &random_;
    return parts;
  }
  CallContext Context(std::string_view method, std::vector<std::string> scopes = {""}) {
    auto parts = helhed::testing::CallParts("/helhed.residents.v1." + std::string(method), clock(), random_);
    parts.scopes = std::move(scopes);
    return CallContext(std::move(parts));
  }

  // Not that of the instance, which would make the same ids again.
  SystemRandom random_;
  helhed::testing::RecordingDatabase recording_;
  storage::Schema schema_;
  storage::TokenSealer sealer_{std::string(32, 'k')};
  Store store_;
  ResidentDemocracy democracy_;
  ResidentStatistics statistics_;
};
HELHED_BOTH_ENGINES(DemocracyExplainTest);

TEST_P(DemocracyExplainTest, NoListScans) {
  std::vector<std::vector<std::string>> const callers = {
      {""},
      {"organisations/9001"},
      {"organisations/9001/departments/001", "organisations/9001/departments/002"},
      {"organisations/9001/departments/001", "organisations/9001/households/a"}};
  for (auto const& scopes : callers) {
    v1::FetchEligibleVotersRequest voters;
    voters.set_parent("organisations/9001/departments/001");
    voters.set_purpose("purposes/voters-list");
    voters.set_page_size(1);
    for (int page = 0; page < 2; ++page) {
      auto const response =
          democracy_.FetchEligibleVoters(Context("ResidentDemocracyService/FetchEligibleVoters", scopes), voters);
      ASSERT_THAT(response, IsOk());
      ASSERT_EQ(response->households_size(), 1);
      voters.set_page_token(response->next_page_token());
    }
    v1::ListMandatesRequest mandates;
    mandates.set_parent("organisations/9001");
    mandates.set_purpose("purposes/voters-list");
    for (auto const* department : {"", "organisations/9001/departments/001"}) {
      for (auto const* order : {"", "name desc"}) {
        mandates.set_department(department);
        mandates.set_order_by(order);
        ASSERT_THAT(democracy_.ListMandates(Context("ResidentDemocracyService/ListMandates", scopes), mandates), IsOk());
      }
    }
    v1::AggregateResidentsRequest aggregate;
    aggregate.set_parent("organisations/9001");
    aggregate.add_dimensions(v1::RESIDENT_DIMENSION_AGE_BAND);
    ASSERT_THAT(statistics_.AggregateResidents(Context("ResidentStatisticsService/AggregateResidents", scopes), aggregate),
                IsOk());
  }
  EXPECT_GT(recording_.statements().size(), 15U);
  EXPECT_THAT(helhed::testing::FullScans(database(), recording_.statements(), {"wanted"}), IsEmpty());
}

}  // namespace
}  // namespace helhed::residents::testing
