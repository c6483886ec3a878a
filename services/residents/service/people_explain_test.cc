#include <gmock/gmock.h>

#include "services/platform/testing/explain.h"
#include "services/platform/testing/recording_database.h"
#include "services/residents/residents.h"
#include "services/residents/service/access_log.h"
#include "services/residents/service/consents.h"
#include "services/residents/service/erasures.h"
#include "services/residents/service/people.h"
#include "services/residents/testing/people.h"

// No list of people, and nothing that is asked about one, reads a table from end to end, whoever asks.
namespace helhed::residents::testing {
namespace {

using ::testing::IsEmpty;

class PeopleExplainTest : public PeopleTest {
 protected:
  PeopleExplainTest()
      : recording_(database()),
        schema_(database()),
        store_(Parts()),
        people_(store_, nullptr),
        consents_(store_),
        access_logs_(store_),
        erasures_(store_) {
    for (auto const& resource : ResidentsDefinition().resources) EXPECT_THAT(schema_.Add(resource), IsOk());
    for (auto const* name : {"Anna", "Bo", "Carl"}) anna_ = Person(name);
    Give(Ask(anna_));
    Retention("former", v1::RETENTION_SUBJECT_FORMER_RESIDENT, 6);
    Retention("consents", v1::RETENTION_SUBJECT_ENDED_CONSENT, 6);
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
  static std::vector<std::vector<std::string>> Callers() {
    return {{""},
            {"organisations/9001"},
            {"organisations/9001/departments/001", "organisations/9001/departments/002"},
            {"organisations/9001/departments/001", "organisations/9001/dwellings/a", std::string(kHouseholdA)}};
  }
  // Two pages of a list.
  template <typename Handlers, typename Request, typename Handler>
  void Walk(std::string_view method, Handlers& handlers, Handler handler, Request request) {
    request.set_page_size(1);
    for (auto const& scopes : Callers()) {
      for (auto const* order : {"", "name desc"}) {
        request.set_order_by(order);
        request.clear_page_token();
        auto const context = Context(method, scopes);
        auto const page = (handlers.*handler)(context, request);
        ASSERT_THAT(page, IsOk()) << method;
        request.set_page_token(page->next_page_token());
        if (request.page_token().empty()) continue;
        ASSERT_THAT((handlers.*handler)(context, request), IsOk()) << method;
      }
    }
  }

  std::string anna_;
  helhed::testing::TestRandom random_;
  helhed::testing::RecordingDatabase recording_;
  storage::Schema schema_;
  storage::TokenSealer sealer_{std::string(32, 'k')};
  Store store_;
  People people_;
  Consents consents_;
  AccessLogs access_logs_;
  Erasures erasures_;
};
HELHED_BOTH_ENGINES(PeopleExplainTest);

TEST_P(PeopleExplainTest, NothingScans) {
  recording_.Forget();
  v1::ListResidentsRequest residents;
  residents.set_purpose("purposes/register");
  residents.set_department("organisations/9001/departments/001");
  Walk("PeopleService/ListResidents", people_, &People::ListResidents, residents);
  residents.clear_department();
  residents.set_household(std::string(kHouseholdA));
  Walk("PeopleService/ListResidents", people_, &People::ListResidents, residents);
  v1::SearchResidentsRequest search;
  search.set_purpose("purposes/register");
  search.set_organisation("organisations/9001");
  search.set_family_name("Lu");
  Walk("PeopleService/SearchResidents", people_, &People::SearchResidents, search);
  search.set_given_name("A");
  Walk("PeopleService/SearchResidents", people_, &People::SearchResidents, search);
  search.clear_family_name();
  Walk("PeopleService/SearchResidents", people_, &People::SearchResidents, search);
  search.clear_given_name();
  *search.mutable_birth_date() = Date("2090-05-17");
  Walk("PeopleService/SearchResidents", people_, &People::SearchResidents, search);

  auto const of_anna = [&](auto request) {
    request.set_parent(anna_);
    request.set_purpose("purposes/register");
    return request;
  };
  Walk("PeopleService/ListMemberships", people_, &People::ListMemberships, of_anna(v1::ListMembershipsRequest()));
  Walk("PeopleService/ListProtectedAccesses", people_, &People::ListProtectedAccesses,
       of_anna(v1::ListProtectedAccessesRequest()));
  auto guardianships = of_anna(v1::ListGuardianshipsRequest());
  Walk("PeopleService/ListGuardianships", people_, &People::ListGuardianships, guardianships);
  guardianships.set_as_guardian(true);
  Walk("PeopleService/ListGuardianships", people_, &People::ListGuardianships, guardianships);
  Walk("ErasureService/ListErasureHolds", erasures_, &Erasures::ListErasureHolds, of_anna(v1::ListErasureHoldsRequest()));
  auto consents = of_anna(v1::ListConsentsRequest());
  consents.set_filter("state = CONSENT_STATE_GIVEN AND purpose = \"purposes/advice\"");
  Walk("ConsentService/ListConsents", consents_, &Consents::ListConsents, consents);
  v1::ListAccessLogEntriesRequest log;
  log.set_parent(anna_);
  Walk("AccessLogService/ListAccessLogEntries", access_logs_, &AccessLogs::ListAccessLogEntries, log);
  ASSERT_THAT(erasures_.RunRetention(Context("ErasureService/RunRetention"), v1::RunRetentionRequest()), IsOk());
  EXPECT_GT(recording_.statements().size(), 30U);
  EXPECT_THAT(helhed::testing::FullScans(database(), recording_.statements(), {"wanted"}), IsEmpty());
}

}  // namespace
}  // namespace helhed::residents::testing
