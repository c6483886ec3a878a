#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>

#include <map>
#include <set>

#include "helhed/residents/v1/democracy_events.pb.h"
#include "services/residents/testing/democracy.h"

// It is 1 March 2126.
namespace helhed::residents::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr char kDepartment[] = "organisations/9001/departments/001";
constexpr char kToday[] = "2126-03-01";

class VotersTest : public DemocracyTest {
 protected:
  v1::CountEligibleVotesResponse Count(std::string const& date, std::string const& department = kDepartment) {
    v1::CountEligibleVotesRequest request;
    request.set_parent(department);
    *request.mutable_meeting_date() = Date(date);
    auto const response = Ask<v1::CountEligibleVotesResponse>("ResidentDemocracyService/CountEligibleVotes", request);
    EXPECT_THAT(response, IsOk());
    return response.value_or(v1::CountEligibleVotesResponse());
  }

  static v1::CheckEligibilityRequest CheckRequest(int number, std::string const& date) {
    v1::CheckEligibilityRequest request;
    request.set_parent(kDepartment);
    request.set_resident(Name(number));
    *request.mutable_meeting_date() = Date(date);
    request.set_purpose("purposes/voters-list");
    return request;
  }
  v1::CheckEligibilityResponse Check(int number, std::string const& date) {
    auto const response =
        Ask<v1::CheckEligibilityResponse>("ResidentDemocracyService/CheckEligibility", CheckRequest(number, date));
    EXPECT_THAT(response, IsOk());
    return response.value_or(v1::CheckEligibilityResponse());
  }

  static v1::FetchEligibleVotersRequest FetchRequest(std::string const& date) {
    v1::FetchEligibleVotersRequest request;
    request.set_parent(kDepartment);
    *request.mutable_meeting_date() = Date(date);
    request.set_purpose("purposes/voters-list");
    return request;
  }
  absl::StatusOr<v1::FetchEligibleVotersResponse> TryFetch(v1::FetchEligibleVotersRequest const& request,
                                                           std::string const& identity = "") {
    return Ask<v1::FetchEligibleVotersResponse>("ResidentDemocracyService/FetchEligibleVoters", request, identity);
  }
  // Every page of the list.
  std::vector<v1::EligibleHousehold> Fetch(std::string const& date, int page_size = 0) {
    std::vector<v1::EligibleHousehold> households;
    auto request = FetchRequest(date);
    request.set_page_size(page_size);
    do {
      auto const page = TryFetch(request);
      EXPECT_THAT(page, IsOk());
      if (!page.ok()) break;
      for (auto const& household : page->households()) households.push_back(household);
      request.set_page_token(page->next_page_token());
    } while (!request.page_token().empty());
    return households;
  }
  static std::vector<std::string> Names(v1::EligibleHousehold const& household) {
    std::vector<std::string> names;
    for (auto const& voter : household.voters()) names.push_back(voter.display_name());
    return names;
  }
};
HELHED_BOTH_ENGINES(VotersTest);

// V1: two votes for a household, whatever its size. V2: its adult members who are registered there on the day.
TEST_P(VotersTest, AHouseholdHasTwoVotesWhateverItsSize) {
  for (auto const* id : {"a", "b", "c", "d"}) Home(id, "001");
  Home("e", "002");
  Person(1, "2090-05-05");
  Person(2, "2091-05-05");
  Person(3, "2092-05-05");
  for (int const adult : {1, 2, 3}) Member(adult, "a", "2120-01-01");
  Person(4, "2080-05-05");
  Member(4, "b", "2120-01-01");
  // Of age on 2 March.
  Person(5, "2108-03-02");
  Member(5, "c", "2120-01-01");
  // Lives there and is registered elsewhere.
  Person(6, "2080-05-05");
  Member(6, "d", "2120-01-01", "", 2);
  Member(6, "e", "2120-01-01");

  auto const count = Count(kToday);
  EXPECT_EQ(count.household_count(), 2);
  EXPECT_EQ(count.voter_count(), 4);
  EXPECT_EQ(count.vote_count(), 4);
  EXPECT_EQ(count.voting_rule(), "votingRules/normal");
  auto const tomorrow = Count("2126-03-02");
  EXPECT_EQ(tomorrow.household_count(), 3);
  EXPECT_EQ(tomorrow.voter_count(), 5);
  EXPECT_EQ(tomorrow.vote_count(), 6);
  EXPECT_EQ(Count("2119-12-31").vote_count(), 0);
  EXPECT_EQ(Count(kToday, "organisations/9001/departments/002").vote_count(), 2);

  EXPECT_EQ(Check(1, kToday).eligibility(), v1::VOTER_ELIGIBILITY_ELIGIBLE);
  EXPECT_EQ(Check(1, kToday).household(), "organisations/9001/households/a");
  EXPECT_EQ(Check(1, kToday).household_vote_count(), 2);
  EXPECT_EQ(Check(5, kToday).eligibility(), v1::VOTER_ELIGIBILITY_UNDER_AGE);
  EXPECT_EQ(Check(5, kToday).household(), "");
  EXPECT_EQ(Check(6, kToday).eligibility(), v1::VOTER_ELIGIBILITY_NOT_REGISTERED);
  EXPECT_EQ(Check(1, "2119-12-31").eligibility(), v1::VOTER_ELIGIBILITY_NO_MEMBER);
  EXPECT_EQ(TimesLogged(6), 1);
}

TEST_P(VotersTest, AreListedByAddressWithTheirNames) {
  Home("b", "001");
  Home("a", "001");
  Home("c", "001");
  Person(1, "2090-05-05", "Åse", "Holm");
  Person(2, "2090-05-05", "Bo", "Holm");
  Person(3, "2090-05-05", "Cem", "");
  for (int const number : {1, 2}) Member(number, "a", "2120-01-01");
  Member(3, "b", "2120-01-01");
  std::string const third = P(3);
  Run("UPDATE residents SET preferred_name = 'Jim' WHERE resident = $1", {std::string_view(third)});

  for (int const page_size : {0, 1}) {
    auto const households = Fetch(kToday, page_size);
    ASSERT_THAT(households, SizeIs(2));
    EXPECT_EQ(households[0].household(), "organisations/9001/households/a");
    EXPECT_EQ(households[0].address(), "Remisevej a, 2300 København S");
    EXPECT_EQ(households[0].vote_count(), 2);
    EXPECT_THAT(Names(households[0]), ElementsAre("Bo Holm", "Åse Holm"));
    EXPECT_EQ(households[0].voters(0).resident(), Name(2));
    EXPECT_THAT(Names(households[1]), ElementsAre("Jim"));
  }
  // P1: each time that a name was shown stands in the log.
  for (int const number : {1, 2, 3}) EXPECT_EQ(TimesLogged(number), 2);
}

// P5: who is protected stands in no list. The household does, or it could not vote.
TEST_P(VotersTest, WhoIsProtectedIsShownOnlyAsTheHousehold) {
  Home("a", "001");
  Home("b", "001");
  for (int const number : {1, 2, 3}) Person(number, "2090-05-05", absl::StrCat("Person ", number), "");
  for (int const number : {1, 2}) Member(number, "a", "2120-01-01");
  Member(3, "b", "2120-01-01");
  Protect(2, "2126-01-01", "2126-12-31");
  Protect(3, "2126-01-01", "2126-12-31");
  auto households = Fetch(kToday);
  ASSERT_THAT(households, SizeIs(2));
  EXPECT_THAT(Names(households[0]), ElementsAre("Person 1"));
  EXPECT_EQ(households[1].household(), "organisations/9001/households/b");
  EXPECT_EQ(households[1].vote_count(), 2);
  EXPECT_THAT(households[1].voters(), IsEmpty());
  EXPECT_EQ(TimesLogged(2), 0);
  EXPECT_EQ(TimesLogged(3), 0);
  EXPECT_EQ(Count(kToday).voter_count(), 3);
  // Also in a list for a day on which they no longer are, and in one for a day on which they will be.
  EXPECT_THAT(Names(Fetch("2127-01-01")[0]), ElementsAre("Person 1"));
  Protect(1, "2126-06-01", "2126-07-01");
  EXPECT_THAT(Names(Fetch("2126-06-15")[0]), IsEmpty());
  EXPECT_THAT(Names(Fetch("2126-05-15")[0]), ElementsAre("Person 1"));
  // Whether such a person votes here is where the person lives.
  EXPECT_THAT(Ask<v1::CheckEligibilityResponse>("ResidentDemocracyService/CheckEligibility", CheckRequest(3, kToday)),
              StatusIs(absl::StatusCode::kPermissionDenied, "RESIDENT_PROTECTED"));
}

// P1: no purpose, no list; and no trace of a list that was not given.
TEST_P(VotersTest, NeedAPurposeThatCoversNames) {
  Home("a", "001");
  Person(1, "2090-05-05");
  Member(1, "a", "2120-01-01");
  Purpose("counts", "languages");
  auto request = FetchRequest(kToday);
  request.clear_purpose();
  EXPECT_THAT(TryFetch(request), StatusIs(kInvalid, "BAD_REQUEST"));
  request.set_purpose("purposes/none");
  EXPECT_THAT(TryFetch(request), StatusIs(kPrecondition, "PURPOSE_NOT_CONFIGURED"));
  request.set_purpose("purposes/counts");
  EXPECT_THAT(TryFetch(request), StatusIs(absl::StatusCode::kPermissionDenied, "PURPOSE_DOES_NOT_COVER"));
  auto check = CheckRequest(1, kToday);
  check.set_purpose("purposes/none");
  EXPECT_THAT(Ask<v1::CheckEligibilityResponse>("ResidentDemocracyService/CheckEligibility", check),
              StatusIs(kPrecondition, "PURPOSE_NOT_CONFIGURED"));
  EXPECT_EQ(Number("SELECT COUNT(*) AS entries FROM access_log", {}), 0);
}

TEST_P(VotersTest, BelongToTheSuccessorAfterAMerger) {
  Home("a", "001");
  Person(1, "2090-05-05");
  Member(1, "a", "2120-01-01");
  Merge("9001", "002", {"001"}, "2126-06-01");
  EXPECT_EQ(Count("2126-05-31").vote_count(), 2);
  EXPECT_EQ(Count("2126-06-01", "organisations/9001/departments/002").vote_count(), 2);
  v1::CountEligibleVotesRequest request;
  request.set_parent(kDepartment);
  *request.mutable_meeting_date() = Date("2126-06-01");
  auto const refused = Ask<v1::CountEligibleVotesResponse>("ResidentDemocracyService/CountEligibleVotes", request);
  EXPECT_THAT(refused, StatusIs(kPrecondition, "DEPARTMENT_MERGED"));
  EXPECT_EQ(MetadataOf(refused.status()).at("successor"), "organisations/9001/departments/002");
  EXPECT_THAT(TryFetch(FetchRequest("2126-06-01")), StatusIs(kPrecondition, "DEPARTMENT_MERGED"));
  request.set_parent("organisations/9001/departments/009");
  EXPECT_THAT(Ask<v1::CountEligibleVotesResponse>("ResidentDemocracyService/CountEligibleVotes", request),
              StatusIs(kAbsent, "RESOURCE_NOT_FOUND"));
}

TEST_P(VotersTest, AreSeenByThoseOfTheirDepartment) {
  Home("a", "001");
  Person(1, "2090-05-05");
  Member(1, "a", "2120-01-01");
  auto const own = As("housing-organisation", kDepartment);
  auto const other = As("housing-organisation", "organisations/9001/departments/002");
  EXPECT_THAT(TryFetch(FetchRequest(kToday), own), IsOk());
  EXPECT_THAT(TryFetch(FetchRequest(kToday), other), StatusIs(kAbsent, "RESOURCE_NOT_FOUND"));
  EXPECT_THAT(TryFetch(FetchRequest(kToday), As("portal", "organisations/9001")),
              StatusCodeIs(absl::StatusCode::kPermissionDenied));
  v1::CountEligibleVotesRequest request;
  request.set_parent(kDepartment);
  EXPECT_THAT(Ask<v1::CountEligibleVotesResponse>("ResidentDemocracyService/CountEligibleVotes", request, As("service", "")),
              IsOk());
}

// The age and the votes are data, and a rule does not reach back.
TEST_P(VotersTest, FollowTheRuleOfTheirDay) {
  Home("a", "001");
  Person(1, "2110-01-01");
  Member(1, "a", "2120-01-01");
  v1::CreateVotingRuleRequest request;
  request.set_voting_rule_id("from-2126-07");
  *request.mutable_voting_rule()->mutable_start_date() = Date("2126-07-01");
  request.mutable_voting_rule()->set_voting_age_years(16);
  request.mutable_voting_rule()->set_household_vote_count(3);
  auto const create = [&] { return Ask<v1::VotingRule>("ResidentDemocracyService/CreateVotingRule", request); };
  auto const created = create();
  ASSERT_THAT(created, IsOk());
  EXPECT_THAT(LastEvent<v1::VotingRuleCreated>(created->name()).voting_rule(), EqualsProto(*created));
  EXPECT_EQ(Count("2126-06-30").vote_count(), 0);
  EXPECT_EQ(Count("2126-07-01").vote_count(), 3);
  EXPECT_EQ(Count("2126-07-01").voting_rule(), "votingRules/from-2126-07");
  EXPECT_EQ(Check(1, "2126-07-01").household_vote_count(), 3);

  request.set_voting_rule_id("again");
  EXPECT_THAT(create(), StatusIs(kPrecondition, "RULE_DAY_TAKEN"));
  *request.mutable_voting_rule()->mutable_start_date() = Date(kToday);
  EXPECT_THAT(create(), StatusIs(kInvalid, "BAD_REQUEST"));
  v1::CountEligibleVotesRequest before;
  before.set_parent(kDepartment);
  *before.mutable_meeting_date() = Date("1996-12-31");
  EXPECT_THAT(Ask<v1::CountEligibleVotesResponse>("ResidentDemocracyService/CountEligibleVotes", before),
              StatusIs(kPrecondition, "RULE_NOT_CONFIGURED"));
  v1::ListVotingRulesRequest list;
  list.set_order_by("start_date desc");
  auto const listed =
      Ask<v1::ListVotingRulesResponse>("ResidentDemocracyService/ListVotingRules", list, As("portal", "organisations/9001"));
  ASSERT_THAT(listed, IsOk());
  EXPECT_THAT(Ids(listed->voting_rules()), ElementsAre("from-2126-07", "normal"));
  v1::GetVotingRuleRequest get;
  get.set_name(created->name());
  EXPECT_THAT(*Ask<v1::VotingRule>("ResidentDemocracyService/GetVotingRule", get), EqualsProto(*created));
}

// The list, the count and the check are three statements; they must mean the same.
TEST_P(VotersTest, ListCountAndCheckAgree) {
  SeededRandom random(5);
  auto const day = [&](int from, int to) { return ToIsoDate(absl::CivilDay(2126, 1, 1) + random.Between(from, to)); };
  std::vector<std::string> const homes = {"a", "b", "c", "d", "e"};
  for (auto const& home : homes) Home(home, home < "d" ? "001" : "002");
  int const people = 30;
  for (int number = 1; number <= people; ++number) {
    Person(number, ToIsoDate(absl::CivilDay(2108, 2, 1) + random.Between(-60, 60)));
    auto const move = random.Between(10, 100);
    auto const home = [&] { return homes[static_cast<std::size_t>(random.Between(0, 4))]; };
    Member(number, home(), "2126-01-01", day(static_cast<int>(move), static_cast<int>(move)),
           static_cast<int>(random.Between(1, 2)));
    if (random.Between(0, 1) == 1) Member(number, home(), day(101, 101), "", static_cast<int>(random.Between(1, 2)));
  }
  Merge("9001", "001", {"002"}, "2126-03-20");
  std::int64_t found = 0;
  for (auto const* date : {"2126-01-15", "2126-03-01", "2126-03-20", "2126-06-01"}) {
    SCOPED_TRACE(date);
    std::map<std::string, std::set<std::string>> checked;
    std::int64_t voters = 0;
    for (int number = 1; number <= people; ++number) {
      auto const answer = Check(number, date);
      if (answer.eligibility() != v1::VOTER_ELIGIBILITY_ELIGIBLE) continue;
      checked[answer.household()].insert(Name(number));
      ++voters;
    }
    std::map<std::string, std::set<std::string>> listed;
    for (auto const& household : Fetch(date, 2)) {
      for (auto const& voter : household.voters()) listed[household.household()].insert(voter.resident());
    }
    EXPECT_EQ(listed, checked);
    auto const count = Count(date);
    EXPECT_EQ(count.voter_count(), voters);
    EXPECT_EQ(count.household_count(), static_cast<std::int64_t>(checked.size()));
    found += voters;
  }
  EXPECT_GT(found, 10);
}

}  // namespace
}  // namespace helhed::residents::testing
