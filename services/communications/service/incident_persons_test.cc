#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "helhed/communications/v1/incident_service.pb.h"
#include "services/communications/testing/answers.h"
#include "services/communications/testing/incidents.h"
#include "services/platform/base/times.h"

namespace helhed::communications::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

class IncidentPersonsTest : public IncidentTest {};

TEST_P(IncidentPersonsTest, TextsThatLookLikePersonsAreRefusedBeforeTheyAreStored) {
  auto request = Report();
  request.mutable_incident()->set_description("Spørg 010190-1234");
  auto refusal =
      Refused<v1::Incident>("IncidentService/CreateIncident", request, kInvalid, "PERSONAL_DATA_SUSPECTED", Staff("bo"));
  EXPECT_EQ(refusal.metadata.at("findings"), "incident.description 6 11 CPR_NUMBER");
  request.set_confirm_no_personal_data(true);
  Refused<v1::Incident>("IncidentService/CreateIncident", request, kInvalid, "PERSONAL_DATA_SUSPECTED", Staff("bo"));
  EXPECT_THAT(EverythingTold(), Not(HasSubstr("1234")));
  request.mutable_incident()->set_description("Vagtcentralen: 33 66 33 66");
  Must<v1::Incident>("IncidentService/CreateIncident", request, Staff("bo"));
  // Every text of every method.
  auto const name = Triaged("ild");
  auto const refused = [&](std::string_view method, auto call, std::string_view field) {
    EXPECT_THAT(
        Refused<v1::Incident>(absl::StrCat("IncidentService/", Av(method)), call, kInvalid, "PERSONAL_DATA_SUSPECTED", Leader())
            .metadata.at("findings"),
        ::testing::StartsWith(std::string(field)));
  };
  auto triage = Triage(name);
  triage.set_note("20304050");
  refused("TriageIncident", triage, "note ");
  refused("AdvanceIncident", Step(name, v1::INCIDENT_STEP_COORDINATE, "20304050"), "note ");
  v1::PublishIncidentInformationRequest publish;
  publish.set_name(name);
  publish.set_text("Ring 20304050");
  refused("PublishIncidentInformation", publish, "text ");
  v1::CreateTimelineEntryRequest note;
  note.set_parent(name);
  note.mutable_timeline_entry()->set_text("Ring 20304050");
  Refused<v1::TimelineEntry>("IncidentService/CreateTimelineEntry", note, kInvalid, "PERSONAL_DATA_SUSPECTED", Leader());
}

TEST_P(IncidentPersonsTest, AnAnnexIsForItsReadersItsPurposeAndItsTime) {
  auto const name = Triaged("ild");
  Party(name, "politi", v1::PARTY_KIND_POLICE);
  auto request = Annex(name, "a");
  request.mutable_incident_annex()->add_readers("ukendt");
  auto refusal =
      Refused<v1::IncidentAnnex>("IncidentService/CreateIncidentAnnex", request, kPrecondition, "NOT_A_PARTY", Leader());
  EXPECT_EQ(refusal.metadata.at("field"), "incident_annex.readers[1]");
  request = Annex(name, "a");
  *request.mutable_incident_annex()->mutable_expire_time() = Stamp(clock().Now() + absl::Hours(24 * 91));
  Refused<v1::IncidentAnnex>("IncidentService/CreateIncidentAnnex", request, kPrecondition, "ANNEX_TOO_LONG", Leader());
  auto const created = Must<v1::IncidentAnnex>("IncidentService/CreateIncidentAnnex", Annex(name, "a"), Leader());
  EXPECT_EQ(created.content(), "") << "an answer is kept, and must not hold it";
  auto const& annex = created.name();
  EXPECT_THAT(Must<v1::IncidentAnnex>("IncidentService/GetIncidentAnnex", Reading(annex), Leader()).content(),
              HasSubstr("Canarysen"));
  Refused<v1::IncidentAnnex>("IncidentService/GetIncidentAnnex", Reading(annex, "purposes/andet"), kDenied, "PURPOSE_FOREIGN",
                             Leader());
  // A party that is no reader; no party at all; a role without the permission.
  Refused<v1::IncidentAnnex>("IncidentService/GetIncidentAnnex", Reading(annex), kAbsent, "RESOURCE_NOT_FOUND", Staff("bo"));
  Refused<v1::IncidentAnnex>("IncidentService/GetIncidentAnnex", Reading(annex), kAbsent, "RESOURCE_NOT_FOUND",
                             As("operator", ""));
  EXPECT_THAT(Call<v1::IncidentAnnex>("IncidentService/GetIncidentAnnex", Reading(annex), As("portal", kIncidentPlan, "lone")),
              StatusCodeIs(kDenied));
  v1::ListAnnexAccessesRequest list;
  list.set_parent(annex);
  auto const accesses = Must<v1::ListAnnexAccessesResponse>("IncidentService/ListAnnexAccesses", list, Leader());
  ASSERT_THAT(accesses.annex_accesses(), SizeIs(1)) << "the readings that were refused showed nothing";
  EXPECT_EQ(accesses.annex_accesses(0).subject(), "lone");
  EXPECT_EQ(accesses.annex_accesses(0).purpose(), "purposes/tryghed");
  EXPECT_EQ(accesses.annex_accesses(0).case_reference(), "S-2126/17");
  EXPECT_THAT(EverythingTold(), Not(HasSubstr("Canarysen")));
  clock().Advance(absl::Hours(24 * 30));
  Refused<v1::IncidentAnnex>("IncidentService/GetIncidentAnnex", Reading(annex), kAbsent, "RESOURCE_NOT_FOUND", Leader());
  RunJob("erase-annexes");
  EXPECT_EQ(Timeline(name, Leader()).back().kind(), v1::TIMELINE_KIND_ANNEX);
  EXPECT_EQ(Timeline(name, Leader()).back().author(), "services/communications");
}

TEST_P(IncidentPersonsTest, UnderSection115AuthoritiesExchangeAndNobodyElse) {
  auto const name = Triaged("ild");
  Party(name, "politi", v1::PARTY_KIND_POLICE);
  Party(name, "ssp", v1::PARTY_KIND_SSP);
  auto request = Annex(name, "a");
  auto& annex = *request.mutable_incident_annex();
  annex.set_basis(v1::ANNEX_BASIS_ADMINISTRATION_OF_JUSTICE_115);
  annex.clear_readers();
  annex.add_readers("ssp");
  auto refusal =
      Refused<v1::IncidentAnnex>("IncidentService/CreateIncidentAnnex", request, kPrecondition, "NOT_AN_AUTHORITY", Leader());
  EXPECT_EQ(refusal.metadata.at("field"), "incident_annex.basis");
  annex.add_readers("lone");
  refusal = Refused<v1::IncidentAnnex>("IncidentService/CreateIncidentAnnex", request, kPrecondition, "NOT_AN_AUTHORITY",
                                       Partner("politi"));
  EXPECT_EQ(refusal.metadata.at("field"), "incident_annex.readers[1]");
  annex.mutable_readers()->RemoveLast();
  Must<v1::IncidentAnnex>("IncidentService/CreateIncidentAnnex", request, Partner("politi"));
  Must<v1::IncidentAnnex>("IncidentService/GetIncidentAnnex", Reading(name + "/annexes/a"), Partner("ssp"));
  Refused<v1::IncidentAnnex>("IncidentService/GetIncidentAnnex", Reading(name + "/annexes/a"), kAbsent, "RESOURCE_NOT_FOUND",
                             Leader());
}

TEST_P(IncidentPersonsTest, AnAnnexIsErasedByHandAndAfterThatNobodyReadsIt) {
  auto const name = Triaged("ild");
  Must<v1::IncidentAnnex>("IncidentService/CreateIncidentAnnex", Annex(name, "a"), Leader());
  v1::DeleteIncidentAnnexRequest erase;
  erase.set_name(name + "/annexes/a");
  Refused<google::protobuf::Empty>("IncidentService/DeleteIncidentAnnex", erase, kAbsent, "RESOURCE_NOT_FOUND",
                                   Leader("another"));
  Must<google::protobuf::Empty>("IncidentService/DeleteIncidentAnnex", erase, Leader());
  Refused<v1::IncidentAnnex>("IncidentService/GetIncidentAnnex", Reading(erase.name()), kAbsent, "RESOURCE_NOT_FOUND", Leader());
}

TEST_P(IncidentPersonsTest, AnnexesAreSealedAnewWhenTheKeyChanges) {
  auto const name = Triaged("ild");
  auto const annex = Must<v1::IncidentAnnex>("IncidentService/CreateIncidentAnnex", Annex(name, "a"), Leader()).name();
  auto const erased = Must<v1::IncidentAnnex>("IncidentService/CreateIncidentAnnex", Annex(name, "b"), Leader()).name();
  v1::DeleteIncidentAnnexRequest erase;
  erase.set_name(erased);
  Must<google::protobuf::Empty>("IncidentService/DeleteIncidentAnnex", erase, Leader());
  constexpr char next[] = "helhed-data-key next AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=\n";
  Restart(absl::StrCat(next, absl::string_view(kDataKey.data(), kDataKey.size())));
  RunJob("rotate-annexes");
  // The old key is taken away.
  Restart(next);
  EXPECT_THAT(Must<v1::IncidentAnnex>("IncidentService/GetIncidentAnnex", Reading(annex), Leader()).content(),
              HasSubstr("Canarysen"));
  RunJob("rotate-annexes");
}

TEST_P(IncidentPersonsTest, WhatIsOverItsRetentionIsForgottenAndOnlyThat) {
  auto report = Report("ild");
  report.set_request_id("0190a8b0-0000-7000-8000-000000000002");
  report.mutable_incident()->set_description("Beretning-Kanarie");
  Must<v1::Incident>("IncidentService/CreateIncident", report, Staff("anmelder-kanarie"));
  auto const name = std::string(kIncidentPlan) + "/incidents/ild";
  Must<v1::Incident>("IncidentService/TriageIncident", Triage(name), Leader());
  Must<v1::IncidentAnnex>("IncidentService/CreateIncidentAnnex", Annex(name, "a"), Leader());
  Must<v1::IncidentAnnex>("IncidentService/GetIncidentAnnex", Reading(name + "/annexes/a"), Leader());
  v1::CreateIncidentTaskRequest task;
  task.set_parent(name);
  task.set_incident_task_id("hegn");
  task.mutable_incident_task()->set_title("Tekst-Kanarie");
  task.mutable_incident_task()->set_owner("anmelder-kanarie");
  task.mutable_incident_task()->add_deputies("lone");
  *task.mutable_incident_task()->mutable_due_time() = Stamp(clock().Now() + absl::Hours(1));
  Must<v1::IncidentTask>("IncidentService/CreateIncidentTask", task, Leader());
  v1::CompleteIncidentTaskRequest complete;
  complete.set_name(name + "/tasks/hegn");
  complete.set_state(v1::TASK_STATE_CANCELLED);
  Must<v1::IncidentTask>("IncidentService/CompleteIncidentTask", complete, Leader());
  for (auto const step : {v1::INCIDENT_STEP_COORDINATE, v1::INCIDENT_STEP_MONITOR, v1::INCIDENT_STEP_CLOSE}) {
    Must<v1::Incident>("IncidentService/AdvanceIncident", Step(name, step, "Tekst-Kanarie"), Leader());
  }
  auto const open = Triaged("vand");
  clock().Advance(absl::Hours(24 * 729));
  RunJob("anonymise-incidents");
  EXPECT_EQ(Get(name, Leader())->state(), v1::INCIDENT_STATE_CLOSED) << "a day early";
  EXPECT_EQ(AnswersThatHold(database(), "Kanarie"), 1);
  clock().Advance(absl::Hours(24));
  RunJob("anonymise-incidents");
  EXPECT_THAT(Get(name, Leader()), StatusIs(kAbsent, "RESOURCE_NOT_FOUND")) << "there are no parties any more";
  auto const content = Content();
  EXPECT_THAT(content, Not(HasSubstr("Kanarie")));
  EXPECT_THAT(content, Not(HasSubstr("anmelder-kanarie")));
  EXPECT_EQ(AnswersThatHold(database(), "Kanarie"), 0);
  // One row is left, and no instant in it but the beginnings of months: a day would tell which incident it was.
  std::vector<std::string> left;
  for (auto const& row : absl::StrSplit(content, '\n')) {
    if (row.find(" | ild | ") != absl::string_view::npos) left.emplace_back(row);
  }
  ASSERT_THAT(left, ElementsAre(::testing::StartsWith("incidents | ")));
  std::vector<std::int64_t> instants;
  for (auto const& column : absl::StrSplit(left[0], " | ")) {
    std::int64_t number = 0;
    if (absl::SimpleAtoi(column, &number) && number > 1'000'000'000'000) instants.push_back(number);
  }
  auto const began = [](int year, int month) {
    return absl::ToUnixMicros(absl::FromCivil(absl::CivilMonth(year, month), Copenhagen()));
  };
  EXPECT_THAT(instants, ElementsAre(began(2126, 2), began(2126, 2), began(2128, 2)));
  EXPECT_EQ(LastEvent<v1::IncidentAnonymised>(name).incident(), name);
  EXPECT_THAT(Get(open, Leader()), IsOk());
  // The call that is tried again does not bring it back.
  auto const again = Call<v1::Incident>("IncidentService/CreateIncident", report, Staff("anmelder-kanarie"));
  EXPECT_TRUE(!again.ok() || again->description().empty());
  v1::ListIncidentTalliesRequest tallies;
  tallies.set_parent(std::string(kIncidentPlan));
  EXPECT_EQ(
      Must<v1::ListIncidentTalliesResponse>("IncidentService/ListIncidentTallies", tallies, Leader()).incident_tallies(0).count(),
      2);
}

TEST_P(IncidentPersonsTest, EventsAndLogSayNothingOfWhatHappened) {
  EnterContingency();
  auto report = Report("ild");
  report.mutable_incident()->set_description("Beretning-Kanarie");
  report.mutable_incident()->set_place("Sted-Kanarie");
  report.mutable_incident()->set_external_id("Id-Kanarie");
  Must<v1::Incident>("IncidentService/CreateIncident", report, Staff("bo"));
  auto const name = std::string(kIncidentPlan) + "/incidents/ild";
  auto triage = Triage(name, kAcute);
  triage.set_note("Note-Kanarie");
  Must<v1::Incident>("IncidentService/TriageIncident", triage, Leader());
  Must<v1::IncidentAnnex>("IncidentService/CreateIncidentAnnex", Annex(name, "a"), Leader());
  Must<v1::Incident>("IncidentService/AdvanceIncident", Step(name, v1::INCIDENT_STEP_COORDINATE, "Plan-Kanarie"), Leader());
  clock().Advance(absl::Hours(2));
  RunJob("escalate-alerts");
  std::string told = Logged();
  for (auto const& event : Events()) told += event.ShortDebugString() + event.data().value();
  EXPECT_THAT(told, Not(HasSubstr("Kanarie")));
  EXPECT_THAT(told, Not(HasSubstr("Canarysen")));
  EXPECT_THAT(told, Not(HasSubstr("gerda"))) << "whom an alert calls";
  EXPECT_THAT(Events(), SizeIs(::testing::Ge(6)));
}

// Each text that is stored in the open is looked at before, whoever writes it.
TEST_P(IncidentPersonsTest, NoOtherTextHoldsNumbersOfPersonsEither) {
  constexpr auto reason = "PERSONAL_DATA_SUSPECTED";
  auto const name = Triaged("ild");
  auto const reported = Reported("ild-2");
  auto request = Report();
  request.mutable_incident()->set_place("Hos 20304050");
  request.mutable_incident()->set_external_id("20304050");
  EXPECT_EQ(
      Refused<v1::Incident>("IncidentService/CreateIncident", request, kInvalid, reason, Staff("bo")).metadata.at("findings"),
      "incident.place 4 8 TELEPHONE_NUMBER; incident.external_id 0 8 TELEPHONE_NUMBER");
  v1::DismissIncidentRequest dismiss;
  dismiss.set_name(reported);
  dismiss.set_note("Ring 20304050");
  Refused<v1::Incident>("IncidentService/DismissIncident", dismiss, kInvalid, reason, Leader());
  v1::JoinIncidentRequest join;
  join.set_name(reported);
  join.set_into(name);
  join.set_note("Ring 20304050");
  Refused<v1::Incident>("IncidentService/JoinIncident", join, kInvalid, reason, Leader());
  v1::TakeOverIncidentRequest take;
  take.set_name(name);
  take.set_party_kind(v1::PARTY_KIND_SOCIAL_PLAN);
  take.set_note("Ring 20304050");
  Refused<v1::Incident>("IncidentService/TakeOverIncident", take, kInvalid, reason, Leader());
  v1::CreateIncidentPartyRequest party;
  party.set_parent(name);
  party.mutable_incident_party()->set_subject("nabo");
  party.mutable_incident_party()->set_kind(v1::PARTY_KIND_OTHER);
  party.mutable_incident_party()->set_need_to_know("Ring 20304050");
  Refused<v1::IncidentParty>("IncidentService/CreateIncidentParty", party, kInvalid, reason, Leader());
  v1::CreateIncidentTaskRequest task;
  task.set_parent(name);
  task.mutable_incident_task()->set_title("Ring 20304050");
  task.mutable_incident_task()->set_owner("bo");
  *task.mutable_incident_task()->mutable_due_time() = Stamp(clock().Now() + absl::Hours(1));
  Refused<v1::IncidentTask>("IncidentService/CreateIncidentTask", task, kInvalid, reason, Leader());
  task.mutable_incident_task()->set_title("Ring til vagten");
  v1::CompleteIncidentTaskRequest complete;
  complete.set_name(Must<v1::IncidentTask>("IncidentService/CreateIncidentTask", task, Leader()).name());
  complete.set_state(v1::TASK_STATE_DONE);
  complete.set_outcome("Ring 20304050");
  Refused<v1::IncidentTask>("IncidentService/CompleteIncidentTask", complete, kInvalid, reason, Staff("bo"));
  auto reading = Reading(Must<v1::IncidentAnnex>("IncidentService/CreateIncidentAnnex", Annex(name, "a"), Leader()).name());
  reading.set_case_reference("010190-1234");
  Refused<v1::IncidentAnnex>("IncidentService/GetIncidentAnnex", reading, kInvalid, reason, Leader());
}

TEST_P(IncidentPersonsTest, AnAnnexIsKeptForAWhileByItsAuthorAndWhoeverCoordinates) {
  auto const name = Triaged("ild");
  Party(name, "politi", v1::PARTY_KIND_POLICE);
  auto const ssp = Party(name, "ssp", v1::PARTY_KIND_SSP);
  auto request = Annex(name, "a");
  *request.mutable_incident_annex()->mutable_expire_time() = Stamp(clock().Now());
  EXPECT_THAT(
      Refused<v1::IncidentAnnex>("IncidentService/CreateIncidentAnnex", request, kInvalid, "BAD_REQUEST", Partner("politi"))
          .fields,
      ElementsAre("incident_annex.expire_time"));
  auto const annex = Must<v1::IncidentAnnex>("IncidentService/CreateIncidentAnnex", Annex(name, "a"), Partner("politi")).name();
  // The author sees who has read it, and does not read it again.
  Refused<v1::IncidentAnnex>("IncidentService/GetIncidentAnnex", Reading(annex), kAbsent, "RESOURCE_NOT_FOUND",
                             Partner("politi"));
  v1::ListAnnexAccessesRequest list;
  list.set_parent(annex);
  Must<v1::ListAnnexAccessesResponse>("IncidentService/ListAnnexAccesses", list, Partner("politi"));
  v1::DeleteIncidentAnnexRequest erase;
  erase.set_name(annex);
  Refused<google::protobuf::Empty>("IncidentService/DeleteIncidentAnnex", erase, kDenied, "NOT_COORDINATOR", Partner("ssp"));
  // Who is taken out of the incident reads no more, and takes nothing back.
  auto for_ssp = Annex(name, "b");
  for_ssp.mutable_incident_annex()->add_readers("ssp");
  auto const second = Must<v1::IncidentAnnex>("IncidentService/CreateIncidentAnnex", for_ssp, Leader()).name();
  Must<v1::IncidentAnnex>("IncidentService/GetIncidentAnnex", Reading(second), Partner("ssp"));
  auto const own = Must<v1::IncidentAnnex>("IncidentService/CreateIncidentAnnex", Annex(name, "c"), Partner("ssp")).name();
  v1::DeleteIncidentPartyRequest remove;
  remove.set_name(ssp);
  Must<google::protobuf::Empty>("IncidentService/DeleteIncidentParty", remove, Leader());
  Refused<v1::IncidentAnnex>("IncidentService/GetIncidentAnnex", Reading(second), kAbsent, "RESOURCE_NOT_FOUND", Partner("ssp"));
  erase.set_name(own);
  Refused<google::protobuf::Empty>("IncidentService/DeleteIncidentAnnex", erase, kAbsent, "RESOURCE_NOT_FOUND", Partner("ssp"));
  erase.set_name(annex);
  Must<google::protobuf::Empty>("IncidentService/DeleteIncidentAnnex", erase, Partner("politi"));
}

HELHED_BOTH_ENGINES(IncidentPersonsTest);

}  // namespace
}  // namespace helhed::communications::testing
