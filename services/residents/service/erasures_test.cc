#include "services/residents/service/erasures.h"

#include <gmock/gmock.h>

#include "services/platform/testing/recording_database.h"
#include "services/residents/residents.h"
#include "services/residents/testing/people.h"

// How data about people ends: P7 of domain.md.
namespace helhed::residents::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr char const* kBirdNumber = "170550-5001";

class ErasureTest : public PeopleTest {
 protected:
  void Recipient(std::string const& service) {
    v1::CreateErasureRecipientRequest request;
    request.set_erasure_recipient_id(service);
    EXPECT_THAT(Call<v1::ErasureRecipient>("ErasureService/CreateErasureRecipient", request), IsOk());
  }
  absl::StatusOr<v1::Erasure> Acknowledge(std::string const& erasure, std::string const& service, v1::ErasureOutcome outcome) {
    v1::AcknowledgeErasureRequest request;
    request.set_name(erasure);
    request.set_service(service);
    request.set_outcome(outcome);
    request.set_record_count(3);
    return Call<v1::Erasure>("ErasureService/AcknowledgeErasure", request, As("service", ""));
  }
  std::string Hold(std::string const& resident, std::string const& end = "") {
    v1::CreateErasureHoldRequest request;
    request.set_parent(resident);
    request.set_purpose("purposes/register");
    request.mutable_erasure_hold()->set_justification("a dispute about the deposit");
    *request.mutable_erasure_hold()->mutable_period() = Range("2126-01-01", end);
    auto const hold = Call<v1::ErasureHold>("ErasureService/CreateErasureHold", request);
    EXPECT_THAT(hold, IsOk());
    return hold.ok() ? hold->name() : "";
  }
  v1::RetentionRun Retain(int limit = 0) {
    v1::RunRetentionRequest request;
    request.set_limit(limit);
    auto const run = Call<v1::RetentionRun>("ErasureService/RunRetention", request);
    EXPECT_THAT(run, IsOk());
    return run.value_or(v1::RetentionRun());
  }
  // The job's run, in which somebody else executes `sql` after that query of it.
  void RetainWhile(std::string_view query, std::string const& sql) {
    helhed::testing::RecordingDatabase recording(database());
    storage::Schema schema(recording);
    for (auto const& resource : ResidentsDefinition().resources) ASSERT_THAT(schema.Add(resource), IsOk());
    auto parts = instance().store().parts();
    parts.database = &recording;
    parts.schema = &schema;
    Store store(parts);
    int found = 0;
    recording.meanwhile = [&](storage::Statement const& statement, storage::WriteTransaction& tx) {
      if (statement.name() != query) return;
      ++found;
      EXPECT_THAT(tx.Execute(storage::Statement(storage::Statement::Dynamic{"test.meanwhile", sql}), {}), IsOk());
    };
    ASSERT_THAT(Erasures(store).RunRetentionJob({}), IsOk());
    EXPECT_EQ(found, 1);
  }
  // A person who moved out on the day.
  std::string Former(std::string const& given_name, std::string const& moved_out, std::string const& controller = "") {
    auto request = Entry(given_name, kHouseholdA);
    *request.mutable_membership()->mutable_period() = Range("2121-01-01", moved_out);
    if (!controller.empty()) request.mutable_resident()->mutable_responsibility()->set_controller(controller);
    auto const created = Call<v1::Resident>("PeopleService/CreateResident", request);
    EXPECT_THAT(created, IsOk());
    return created.ok() ? created->name() : "";
  }
  bool IsErased(std::string const& resident) {
    auto const got = Get(resident);
    if (got.ok()) return false;
    EXPECT_THAT(got, StatusIs(kAbsent, "RESIDENT_ERASED"));
    return true;
  }
};
HELHED_BOTH_ENGINES(ErasureTest);

// P7: nothing of the person stays anywhere in the store, the trail does, and the others learn of it.
TEST_P(ErasureTest, LeavesATombstoneAndTheTrailAndNothingElse) {
  auto request = Entry("Kanariefugl", kHouseholdA, kBirdNumber, "");
  request.mutable_resident()->set_preferred_name("Gulfugl");
  request.set_request_id("0190f5a8-0000-7000-8000-000000000001");
  auto& point = *request.mutable_resident()->add_contact_points();
  point.set_kind(v1::CONTACT_POINT_KIND_EMAIL);
  point.set_value("kanarie.fugl@example.dk");
  auto const created = Call<v1::Resident>("PeopleService/CreateResident", request);
  ASSERT_THAT(created, IsOk());
  auto const bird = created->name();
  auto const child = Person("Ida", kHouseholdA, "", "2115-05-17");
  Guardian(child, bird);
  auto const consent = Ask(bird);
  Give(consent);
  Protect(bird);
  v1::CreateProtectedAccessRequest open;
  open.set_parent(bird);
  open.set_purpose("purposes/advice");
  open.mutable_protected_access()->set_justification("Kanariefugl asked for it");
  ASSERT_THAT(Call<v1::ProtectedAccess>("PeopleService/CreateProtectedAccess", open), IsOk());
  EXPECT_FALSE(TablesThatHold("anariefugl").empty());

  auto const erasure = Erase(bird);
  ASSERT_THAT(erasure, IsOk());
  EXPECT_EQ(erasure->state(), v1::ERASURE_STATE_COMPLETE);
  EXPECT_EQ(erasure->subject(), "anna");
  EXPECT_EQ(erasure->responsibility().controller(), "organisations/9001");
  auto const event = LastEvent<v1::ResidentErased>(bird);
  EXPECT_EQ(event.resident(), bird);
  EXPECT_EQ(event.erasure(), erasure->name());

  for (auto const* text : {"anariefugl", "ulfugl", "kanarie.fugl@example.dk", "170550"}) {
    EXPECT_THAT(TablesThatHold(text), IsEmpty()) << text;
  }
  auto const id = bird.substr(bird.rfind('/') + 1);
  for (auto const* table :
       {"residents", "resident_languages", "resident_contact_points", "resident_cpr_numbers", "cpr_lookups", "household_members",
        "resident_search", "guardianships", "protected_accesses", "consents", "erasure_holds"}) {
    EXPECT_EQ(Count(std::string("SELECT count(*) AS n FROM ") + table + " WHERE resident = '" + id + "'"), 0) << table;
  }
  EXPECT_EQ(Count("SELECT count(*) AS n FROM guardianships WHERE guardian = '" + id + "'"), 0);

  EXPECT_TRUE(IsErased(bird));
  EXPECT_EQ(LogOf(bird).back().kind(), v1::ACCESS_KIND_ERASED) << "the trail is complete";
  EXPECT_GE(LogOf(bird).size(), 5U);
  Refused<v1::Erasure>(
      "ErasureService/EraseResident",
      [&] {
        v1::EraseResidentRequest again;
        again.set_name(bird);
        again.set_ground(v1::ERASURE_GROUND_REQUEST);
        again.set_purpose("purposes/register");
        return again;
      }(),
      kAbsent, "RESIDENT_ERASED");
  // Trying the old call again enters nobody anew, and shows nothing.
  auto const again = Call<v1::Resident>("PeopleService/CreateResident", request);
  ASSERT_THAT(again, IsOk());
  EXPECT_THAT(*again, EqualsProto(v1::Resident()));
  Person("Bo", kHouseholdB, kBirdNumber);
}

TEST_P(ErasureTest, TheTrailIsShownToWhoAnswersForThePerson) {
  auto const anna = Person("Anna");
  ASSERT_THAT(Erase(anna), IsOk());
  v1::ListAccessLogEntriesRequest request;
  request.set_parent(anna);
  EXPECT_THAT(Call<v1::ListAccessLogEntriesResponse>("AccessLogService/ListAccessLogEntries", request,
                                                     As("housing-organisation", "organisations/9001")),
              IsOk());
  Refused<v1::ListAccessLogEntriesResponse>("AccessLogService/ListAccessLogEntries", request, kAbsent, "RESOURCE_NOT_FOUND",
                                            As("housing-organisation", "organisations/9002"));
}

TEST_P(ErasureTest, ServicesAnswerWithReceipts) {
  Recipient("activities");
  Recipient("communications");
  auto const anna = Person("Anna");
  auto const erasure = Erase(anna);
  ASSERT_THAT(erasure, IsOk());
  EXPECT_EQ(erasure->state(), v1::ERASURE_STATE_ERASED);
  EXPECT_THAT(erasure->awaited_services(), ElementsAre("activities", "communications"));
  auto first = Acknowledge(erasure->name(), "activities", v1::ERASURE_OUTCOME_KEPT_BY_LAW);
  ASSERT_THAT(first, IsOk());
  EXPECT_THAT(first->awaited_services(), ElementsAre("activities", "communications")) << "it will answer again";
  EXPECT_EQ(first->state(), v1::ERASURE_STATE_ERASED);
  ASSERT_THAT(Acknowledge(erasure->name(), "communications", v1::ERASURE_OUTCOME_NOTHING_STORED), IsOk());
  auto const last = Acknowledge(erasure->name(), "activities", v1::ERASURE_OUTCOME_ERASED);
  ASSERT_THAT(last, IsOk());
  EXPECT_EQ(last->state(), v1::ERASURE_STATE_COMPLETE);
  ASSERT_EQ(last->receipts_size(), 2);
  EXPECT_EQ(last->receipts(0).service(), "activities");
  EXPECT_EQ(last->receipts(0).outcome(), v1::ERASURE_OUTCOME_ERASED);
  EXPECT_EQ(last->receipts(0).record_count(), 3);
  v1::GetErasureRequest get;
  get.set_name(erasure->name());
  EXPECT_THAT(*Call<v1::Erasure>("ErasureService/GetErasure", get), EqualsProto(*last));
  EXPECT_THAT(Acknowledge(anna + "/erasures/none", "activities", v1::ERASURE_OUTCOME_ERASED),
              StatusIs(kAbsent, "RESOURCE_NOT_FOUND"));
}

TEST_P(ErasureTest, AHoldKeepsItBack) {
  auto const anna = Person("Anna");
  auto const hold = Hold(anna);
  auto const held = Erase(anna);
  ASSERT_THAT(held, IsOk());
  EXPECT_EQ(held->state(), v1::ERASURE_STATE_HELD);
  EXPECT_THAT(Get(anna), IsOk());
  EXPECT_THAT(Acknowledge(held->name(), "activities", v1::ERASURE_OUTCOME_ERASED), StatusIs(kAbsent, "RESOURCE_NOT_FOUND"));
  v1::UpdateErasureHoldRequest release;
  release.set_purpose("purposes/register");
  release.mutable_erasure_hold()->set_name(hold);
  *release.mutable_erasure_hold()->mutable_period() = Range("2126-01-01", "2126-03-01");
  ASSERT_THAT(Call<v1::ErasureHold>("ErasureService/UpdateErasureHold", release), IsOk());
  auto const erased = Erase(anna);
  ASSERT_THAT(erased, IsOk());
  EXPECT_EQ(erased->name(), held->name());
  EXPECT_TRUE(IsErased(anna));
}

TEST_P(ErasureTest, WhatOutlastsThePersonSaysNothingOfThePerson) {
  v1::EraseResidentRequest request;
  request.set_name(Person("Anna"));
  request.set_purpose("purposes/register");
  request.set_ground(v1::ERASURE_GROUND_RETENTION);
  EXPECT_THAT(Refused<v1::Erasure>("ErasureService/EraseResident", request, kInvalid, "BAD_REQUEST").fields,
              ElementsAre("ground"));
  request.set_ground(v1::ERASURE_GROUND_MISTAKE);
  request.set_archive_receipt("SA-170550-5001");
  EXPECT_THAT(Refused<v1::Erasure>("ErasureService/EraseResident", request, kInvalid, "BAD_REQUEST").fields,
              ElementsAre("archive_receipt"));
}

TEST_P(ErasureTest, AMunicipalityHandsOverToTheArchiveFirst) {
  auto request = Entry("Anna", kHouseholdA);
  request.mutable_resident()->mutable_responsibility()->set_controller("municipalities/0101");
  auto const anna = Call<v1::Resident>("PeopleService/CreateResident", request)->name();
  EXPECT_EQ(Erase(anna)->state(), v1::ERASURE_STATE_ARCHIVE_PENDING);
  EXPECT_THAT(Get(anna), IsOk());
  auto const erased = Erase(anna, "SA-2126-17");
  ASSERT_THAT(erased, IsOk());
  EXPECT_EQ(erased->archive_receipt(), "SA-2126-17");
  EXPECT_TRUE(IsErased(anna));
}

TEST_P(ErasureTest, RetentionIsExecutedAndReported) {
  auto const due = Former("Anna", "2125-09-01");
  auto const not_yet = Former("Bo", "2125-09-02");
  auto const held = Former("Carl", "2124-01-01");
  auto const municipal = Former("Dorte", "2124-01-01", "municipalities/0101");
  auto const here = Person("Erik");
  Hold(held);
  EXPECT_EQ(Retain().due_count(), 0) << "without a policy nothing is due";
  Retention("former", v1::RETENTION_SUBJECT_FORMER_RESIDENT, 6);
  auto const run = Retain();
  EXPECT_EQ(run.due_count(), 3);
  EXPECT_EQ(run.erased_count(), 1);
  EXPECT_EQ(run.held_count(), 1);
  EXPECT_EQ(run.archive_pending_count(), 1);
  EXPECT_FALSE(run.unfinished());
  EXPECT_TRUE(IsErased(due));
  for (auto const& resident : {not_yet, held, municipal, here}) EXPECT_FALSE(IsErased(resident));
  v1::ListErasuresRequest list;
  list.set_parent(due);
  auto const erasures = Call<v1::ListErasuresResponse>("ErasureService/ListErasures", list);
  ASSERT_THAT(erasures, IsOk());
  EXPECT_EQ(erasures->erasures(0).ground(), v1::ERASURE_GROUND_RETENTION);
  EXPECT_EQ(erasures->erasures(0).retention_policy(), "retentionPolicies/former");
  auto const runs = Call<v1::ListRetentionRunsResponse>("ErasureService/ListRetentionRuns", v1::ListRetentionRunsRequest());
  ASSERT_THAT(runs, IsOk());
  EXPECT_EQ(runs->retention_runs_size(), 2);
  EXPECT_THAT(runs->retention_runs(1), EqualsProto(run));
}

TEST_P(ErasureTest, TheJobDoesTheSameByItself) {
  auto const due = Former("Anna", "2125-09-01");
  Retention("former", v1::RETENTION_SUBJECT_FORMER_RESIDENT, 6);
  RunJob("retention");
  EXPECT_TRUE(IsErased(due));
  EXPECT_EQ(LogOf(due).back().subject(), "services/residents");
  EXPECT_EQ(LogOf(due).back().method(), "retention");
  RunJob("retention");
  EXPECT_EQ(Count("SELECT count(*) AS n FROM retention_runs"), 1) << "nothing done is nothing to report";
}

// Between finding who is due and erasing, somebody moves in again: whoever lives here stays.
TEST_P(ErasureTest, WhoMovesInAgainMeanwhileStays) {
  auto const stays = Former("Anna", "2125-09-01");
  auto const goes = Former("Bo", "2125-09-01");
  Retention("former", v1::RETENTION_SUBJECT_FORMER_RESIDENT, 6);
  RetainWhile("residents.people_due_anywhere",
              "UPDATE residents SET moved_out_date = NULL WHERE resident = '" + stays.substr(stays.rfind('/') + 1) + "'");
  EXPECT_FALSE(IsErased(stays));
  EXPECT_TRUE(IsErased(goes));
}

// The same of a consent that is given for longer meanwhile.
TEST_P(ErasureTest, AConsentThatIsGivenForLongerMeanwhileStays) {
  Give(Ask(Person("Anna")));
  clock().Advance(absl::Hours(24 * 400));
  RetainWhile("residents.consents_to_expire", "UPDATE consents SET expire_date = '2199-01-01'");
  EXPECT_EQ(Count("SELECT count(*) AS n FROM consents WHERE state = 2"), 1);
  EXPECT_EQ(Count("SELECT count(*) AS n FROM retention_runs"), 0) << "nothing was done";
}

TEST_P(ErasureTest, ALimitIsKeptAndTheRestFollows) {
  for (int i = 0; i < 5; ++i) Former("Anna" + std::to_string(i), "2125-01-0" + std::to_string(i + 1));
  Retention("former", v1::RETENTION_SUBJECT_FORMER_RESIDENT, 6);
  auto const first = Retain(2);
  EXPECT_EQ(first.erased_count(), 2);
  EXPECT_TRUE(first.unfinished());
  EXPECT_EQ(Retain(2).erased_count(), 2);
  auto const last = Retain(2);
  EXPECT_EQ(last.erased_count(), 1);
  EXPECT_FALSE(last.unfinished());
}

TEST_P(ErasureTest, AControllersOwnPolicyComesFirst) {
  auto const own = Former("Anna", "2125-01-01");
  auto const other = Former("Bo", "2125-01-01", "organisations/9002");
  Retention("everybody", v1::RETENTION_SUBJECT_FORMER_RESIDENT, 6);
  Retention("longer", v1::RETENTION_SUBJECT_FORMER_RESIDENT, 60, "organisations/9001");
  EXPECT_EQ(Retain().erased_count(), 1);
  EXPECT_FALSE(IsErased(own));
  EXPECT_TRUE(IsErased(other));
  v1::CreateRetentionPolicyRequest request;
  request.set_retention_policy_id("second");
  request.mutable_retention_policy()->set_subject(v1::RETENTION_SUBJECT_FORMER_RESIDENT);
  request.mutable_retention_policy()->set_months(1);
  request.mutable_retention_policy()->set_source("none");
  *request.mutable_retention_policy()->mutable_period() = Range("2126-01-01");
  Refused<v1::RetentionPolicy>("ErasureService/CreateRetentionPolicy", request, kPrecondition, "PERIODS_OVERLAP");
}

TEST_P(ErasureTest, EndedConsentsGoAfterTheirTime) {
  auto const anna = Person("Anna");
  auto const consent = Ask(anna);
  Give(consent);
  v1::WithdrawConsentRequest withdraw;
  withdraw.set_name(consent);
  ASSERT_THAT(Call<v1::Consent>("ConsentService/WithdrawConsent", withdraw), IsOk());
  Give(Ask(anna));
  Retention("consents", v1::RETENTION_SUBJECT_ENDED_CONSENT, 3);
  EXPECT_EQ(Retain().consents_removed_count(), 0);
  clock().Set(absl::FromCivil(absl::CivilHour(2126, 6, 1, 8), absl::UTCTimeZone()));
  EXPECT_EQ(Retain().consents_removed_count(), 1);
  EXPECT_EQ(Count("SELECT count(*) AS n FROM consents"), 1) << "the one that holds stays";
}

TEST_P(ErasureTest, EndedConsentsFollowTheControllersOwnPolicy) {
  for (auto const* controller : {"organisations/9001", "organisations/9002"}) {
    auto request = Entry("Anna", kHouseholdA);
    request.mutable_resident()->mutable_responsibility()->set_controller(controller);
    auto const consent = Ask(Call<v1::Resident>("PeopleService/CreateResident", request)->name());
    Give(consent);
    v1::WithdrawConsentRequest withdraw;
    withdraw.set_name(consent);
    ASSERT_THAT(Call<v1::Consent>("ConsentService/WithdrawConsent", withdraw), IsOk());
  }
  Retention("everybody", v1::RETENTION_SUBJECT_ENDED_CONSENT, 3);
  Retention("longer", v1::RETENTION_SUBJECT_ENDED_CONSENT, 60, "organisations/9001");
  clock().Set(absl::FromCivil(absl::CivilHour(2126, 7, 1, 8), absl::UTCTimeZone()));
  EXPECT_EQ(Retain().consents_removed_count(), 1);
  EXPECT_EQ(Count("SELECT count(*) AS n FROM consents WHERE responsibility_controller = 'organisations/9001'"), 1);
}

}  // namespace
}  // namespace helhed::residents::testing
