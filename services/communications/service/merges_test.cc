#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "helhed/common/v1/merge.pb.h"
#include "helhed/communications/v1/incident_service.pb.h"
#include "helhed/communications/v1/merge_service.pb.h"
#include "helhed/communications/v1/works_service.pb.h"
#include "services/communications/service/merge_service.h"
#include "services/communications/testing/told.h"
#include "services/platform/crypto/key_ring.h"
#include "services/platform/service/requests.h"

// The communications of plans that become one. Funding is not there: what it would say is handed in.
namespace helhed::communications::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;
namespace cv1 = common::v1;
namespace fv1 = funding::v1;

constexpr char kMerge[] = "plans/s/merges/m";

class MergeTest : public ToldTest {
 protected:
  // Takes in that funding has moved the merge of `amager` and `q` into `s`, from 2126-03-01 on.
  void Say(fv1::PlanMergeState state, std::vector<cv1::MergeDecision> const& decisions = {}) {
    fv1::PlanMergeChanged change;
    change.set_merge(kMerge);
    change.set_state(state);
    change.add_predecessors("plans/q");
    change.add_predecessors("plans/amager");
    *change.mutable_effective_date() = Date("2126-03-01");
    for (auto const& decision : decisions) *change.add_decisions() = decision;
    auto& store = instance().store();
    ASSERT_THAT(store.Apply(OwnContext("communications", store.parts(), {}),
                            [&](WriteTransaction& tx) { return MergeService::TakeChange(tx, change, &*keys_); }),
                IsOk());
  }
  void Merge(std::vector<cv1::MergeDecision> const& decisions = {}) { Say(fv1::PLAN_MERGE_STATE_EXECUTING, decisions); }
  void Undo() { Say(fv1::PLAN_MERGE_STATE_UNDOING); }
  static cv1::MergeDecision Decided(cv1::MergeConflictKind kind, cv1::MergeResolution resolution,
                                    std::vector<std::string> const& subjects) {
    cv1::MergeDecision decision;
    decision.set_kind(kind);
    decision.set_resolution(resolution);
    for (auto const& subject : subjects) decision.add_subjects(subject);
    return decision;
  }

  std::string TemplateIn(std::string const& plan, std::string const& id, std::string const& title) {
    v1::CreateTemplateRequest request;
    request.set_parent("plans/" + plan);
    request.set_template_id(id);
    request.mutable_template_()->set_display_name(title);
    auto const name = Must<v1::Template>("TemplateService/CreateTemplate", request).name();
    Version(name, "Tekst af " + plan);
    return name;
  }
  static v1::CreateTemplateVersionRequest VersionRequest(std::string const& name, std::string const& body) {
    v1::CreateTemplateVersionRequest request;
    request.set_parent(name);
    auto& text = *request.mutable_template_version()->add_texts();
    text.set_language("da");
    text.set_subject("Emne");
    text.set_body(body);
    return request;
  }
  void Version(std::string const& name, std::string const& body) {
    Must<v1::TemplateVersion>("TemplateService/CreateTemplateVersion", VersionRequest(name, body));
  }
  v1::Template GetTemplate(std::string const& name) {
    v1::GetTemplateRequest request;
    request.set_name(name);
    return Must<v1::Template>("TemplateService/GetTemplate", request);
  }
  std::string BodyOf(std::string const& version) {
    v1::GetTemplateVersionRequest request;
    request.set_name(version);
    return Must<v1::TemplateVersion>("TemplateService/GetTemplateVersion", request).texts(0).body();
  }

  static v1::CreateIncidentRequest Report(std::string const& plan, std::string const& id) {
    v1::CreateIncidentRequest request;
    request.set_parent("plans/" + plan);
    request.set_incident_id(id);
    auto& incident = *request.mutable_incident();
    incident.set_kind(v1::INCIDENT_KIND_ARSON);
    *incident.mutable_occur_time() = Instant("2126-02-28T22:30:00Z");
    incident.set_place("Ved containerne");
    incident.set_description("Der blev sat ild til en container.");
    return request;
  }
  // Reported and judged by anna.
  std::string IncidentIn(std::string const& plan, std::string const& id) {
    auto const name = Must<v1::Incident>("IncidentService/CreateIncident", Report(plan, id)).name();
    v1::TriageIncidentRequest request;
    request.set_name(name);
    request.set_severity(v1::INCIDENT_SEVERITY_LOW);
    request.set_scope(v1::INCIDENT_SCOPE_LOCAL);
    request.set_party_kind(v1::PARTY_KIND_POLICE);
    Must<v1::Incident>("IncidentService/TriageIncident", request);
    return name;
  }
  template <typename Request>
  absl::StatusOr<v1::Incident> Incident(std::string const& method, std::string const& name) {
    Request request;
    request.set_name(name);
    return Call<v1::Incident>("IncidentService/" + method, request);
  }
  absl::StatusOr<v1::TimelineEntry> Note(std::string const& incident, std::string const& text) {
    v1::CreateTimelineEntryRequest request;
    request.set_parent(incident);
    request.mutable_timeline_entry()->set_text(text);
    return Call<v1::TimelineEntry>("IncidentService/CreateTimelineEntry", request);
  }
  std::vector<std::string> Notes(std::string const& incident) {
    v1::ListTimelineEntriesRequest request;
    request.set_parent(incident);
    request.set_filter("kind = \"TIMELINE_KIND_NOTE\"");
    std::vector<std::string> notes;
    auto const page = Must<v1::ListTimelineEntriesResponse>("IncidentService/ListTimelineEntries", request);
    for (auto const& entry : page.timeline_entries()) notes.push_back(entry.text());
    return notes;
  }
  std::string Annex(std::string const& incident) {
    v1::CreateIncidentAnnexRequest request;
    request.set_parent(incident);
    auto& annex = *request.mutable_incident_annex();
    annex.set_basis(v1::ANNEX_BASIS_CONSENT);
    annex.set_purpose("purposes/hjaelp");
    annex.set_content("hvem det drejer sig om");
    annex.add_readers("anna");
    *annex.mutable_expire_time() = Instant("2126-03-20T00:00:00Z");
    return Must<v1::IncidentAnnex>("IncidentService/CreateIncidentAnnex", request).name();
  }
  absl::StatusOr<v1::IncidentAnnex> ReadAnnex(std::string const& name) {
    v1::GetIncidentAnnexRequest request;
    request.set_name(name);
    request.set_purpose("purposes/hjaelp");
    request.set_case_reference("sag-1");
    return Call<v1::IncidentAnnex>("IncidentService/GetIncidentAnnex", request);
  }
  void Join(std::string const& incident, std::string const& into) {
    v1::JoinIncidentRequest request;
    request.set_name(incident);
    request.set_into(into);
    request.set_note("det samme");
    Must<v1::Incident>("IncidentService/JoinIncident", request);
  }

  std::string WorksIn(std::string const& plan, std::string const& id) {
    v1::CreateConstructionProjectRequest project;
    project.set_parent("plans/" + plan);
    project.set_construction_project_id("tag");
    project.mutable_construction_project()->set_display_name("Nyt tag");
    *project.mutable_construction_project()->mutable_period() = Range("2126-01-01", "2128-01-01");
    auto const there = Call<v1::ConstructionProject>("WorksService/CreateConstructionProject", project);
    EXPECT_TRUE(there.ok() || absl::IsAlreadyExists(there.status())) << there.status();
    v1::CreateWorksNoticeRequest request;
    request.set_parent(project.parent());
    request.set_works_notice_id(id);
    auto& notice = *request.mutable_works_notice();
    notice.set_construction_project(project.parent() + "/constructionProjects/tag");
    notice.set_kind(v1::WORKS_KIND_MINOR);
    notice.set_display_name("Taget skiftes");
    notice.set_nuisance("Støj");
    notice.set_contact("Ejendomskontoret");
    *notice.mutable_period() = Range("2126-06-01", "2127-01-01");
    notice.add_areas()->set_department("organisations/9001/departments/001");
    auto const name = Must<v1::WorksNotice>("WorksService/CreateWorksNotice", request).name();
    v1::AdvanceWorksNoticeRequest approve;
    approve.set_name(name);
    approve.set_step(v1::WORKS_STEP_APPROVE);
    Must<v1::WorksNotice>("WorksService/AdvanceWorksNotice", approve);
    v1::DeliverWorksNoticeRequest deliver;
    deliver.set_name(name);
    Must<v1::WorksNotice>("WorksService/DeliverWorksNotice", deliver);
    return name;
  }
  static cv1::DateRange Range(std::string_view start, std::string_view end) {
    cv1::DateRange range;
    *range.mutable_start_date() = Date(start);
    *range.mutable_end_date() = Date(end);
    return range;
  }
  v1::WorksNotice GetWorks(std::string const& name) {
    v1::GetWorksNoticeRequest request;
    request.set_name(name);
    return Must<v1::WorksNotice>("WorksService/GetWorksNotice", request);
  }
  static v1::RecordWorksDeliveriesRequest Told(std::string const& name, std::string const& household) {
    v1::RecordWorksDeliveriesRequest request;
    request.set_name(name);
    request.add_households("organisations/9001/households/" + household);
    *request.mutable_delivery_date() = Date("2126-03-01");
    return request;
  }
  v1::WorksNotice Rescheduled(std::string const& name) {
    v1::RescheduleWorksNoticeRequest request;
    request.set_name(name);
    request.set_works_notice_id("senere");
    *request.mutable_period() = Range("2126-07-01", "2127-01-01");
    request.set_note("Materialer mangler");
    return Must<v1::WorksNotice>("WorksService/RescheduleWorksNotice", request);
  }
  // Every row of the tables that a merge touches, but for what each writing changes: when it was, how often.
  std::string Rows() {
    static storage::Statement const all(
        "test.rows_of_merge",
        "SELECT 'a', plan || '/' || template || ' ' || display_name || ' ' || latest_version || COALESCE(successor, '-') || "
        "COALESCE(move_date, '-') AS line FROM templates UNION ALL "
        "SELECT 'b', plan || '/' || template || '/' || version || ' ' || language || body FROM template_texts UNION ALL "
        "SELECT 'c', plan || '/' || works_notice || ' ' || state || COALESCE(successor, '-') || COALESCE(move_date, '-') || "
        "construction_project || COALESCE(delivery_start_date, '-') FROM works_notices UNION ALL "
        "SELECT 'd', plan || '/' || works_notice || '/' || household || ' ' || state || COALESCE(delivery_date, '-') "
        "FROM works_households UNION ALL SELECT 'e', plan || '/' || works_notice || department FROM works_areas UNION ALL "
        "SELECT 'f', plan || '/' || incident || ' ' || state || COALESCE(duplicate_of, '-') || COALESCE(external_id, '-') || "
        "COALESCE(contingency_plan, '-') || timeline_count FROM incidents UNION ALL "
        "SELECT 'g', plan || '/' || incident || '/' || incident_party || subject FROM incident_parties UNION ALL "
        "SELECT 'h', plan || '/' || incident || '/' || timeline_entry || text FROM timeline_entries UNION ALL "
        "SELECT 'i', plan || '/' || incident || '/' || incident_annex || COALESCE(key_id, '-') FROM incident_annexes UNION ALL "
        "SELECT 'j', plan || '/' || incident_tally || count FROM incident_tallies WHERE count > 0 UNION ALL "
        "SELECT 'k', plan || '/' || campaign || ' ' || state FROM campaigns UNION ALL "
        "SELECT 'l', plan || '/' || construction_project FROM construction_projects UNION ALL "
        "SELECT 'm', plan FROM moved_plans UNION ALL SELECT 'n', plan || from_id FROM merge_carries ORDER BY 1, 2");
    std::string text;
    auto const read = [&](storage::ReadTransaction& tx) -> absl::Status {
      ASSIGN_OR_RETURN(auto const rows, tx.Query(all, {}));
      for (std::size_t i = 0; i < rows.size(); ++i) absl::StrAppend(&text, rows.Text(i, 0), " ", rows.Text(i, 1), "\n");
      return absl::OkStatus();
    };
    EXPECT_THAT(database().Read({}, read), IsOk());
    return text;
  }

 private:
  absl::StatusOr<crypto::KeyRing> keys_ = crypto::KeyRing::FromText(kDataKey);
};
HELHED_BOTH_ENGINES(MergeTest);

TEST_P(MergeTest, SaysWhatHasToBeDecided) {
  Houses(1);
  auto const campaign = Started(CampaignRequest()).name();
  TemplateIn("q", "vand", "et BREV");
  TemplateIn("q", "el", "El");
  auto const incident = IncidentIn("q", "brand");
  v1::ReportMergeRequest request;
  request.set_plan("plans/s");
  request.add_predecessors("plans/amager");
  request.add_predecessors("plans/q");
  auto const report = Must<v1::ReportMergeResponse>("MergeService/ReportMerge", request);
  ASSERT_THAT(report.findings(), SizeIs(3));
  EXPECT_THAT(report.findings(0).subjects(), ElementsAre("plans/amager/templates/brev", "plans/q/templates/vand"));
  EXPECT_THAT(report.findings(1).subjects(), ElementsAre(incident));
  EXPECT_THAT(report.findings(2).subjects(), ElementsAre(campaign));
  EXPECT_THAT(Call<v1::ReportMergeResponse>("MergeService/ReportMerge", request, As("plan-staff", "plans/s")),
              StatusCodeIs(kDenied));
}

TEST_P(MergeTest, ATemplateGoesOnAndItsOldNameSaysWhere) {
  auto const alike = TemplateIn("q", "brev", "Et brev");
  auto const other = TemplateIn("q", "el", "El");
  Merge({Decided(cv1::MERGE_CONFLICT_KIND_TEMPLATES_ALIKE, cv1::MERGE_RESOLUTION_CARRY_FIRST,
                 {"plans/amager/templates/brev", alike})});
  EXPECT_EQ(GetTemplate("plans/amager/templates/brev").successor(), "plans/s/templates/brev");
  EXPECT_EQ(GetTemplate("plans/s/templates/brev").predecessor(), "plans/amager/templates/brev");
  EXPECT_EQ(BodyOf("plans/s/templates/el/versions/1"), "Tekst af q");
  EXPECT_EQ(BodyOf(other + "/versions/1"), "Tekst af q") << "it stays readable where it was";
  EXPECT_EQ(GetTemplate(alike).successor(), "");
  EXPECT_TRUE(GetTemplate(alike).has_move_date());
  auto const refusal = Refused<v1::TemplateVersion>("TemplateService/CreateTemplateVersion", VersionRequest(other, "Ny"),
                                                    kPrecondition, "GONE_ON_ELSEWHERE");
  EXPECT_EQ(refusal.metadata.at("successor"), "plans/s/templates/el");
  Refused<v1::TemplateVersion>("TemplateService/CreateTemplateVersion", VersionRequest(alike, "Ny"), kPrecondition,
                               "GONE_ON_ELSEWHERE");
  Version("plans/s/templates/el", "Ny");
}

TEST_P(MergeTest, NothingIsBegunInAPlanThatHasGoneOn) {
  Houses(1);
  auto const draft = Must<v1::Campaign>("CampaignService/CreateCampaign", CampaignRequest("draft")).name();
  Merge();
  EXPECT_EQ(Refused<v1::Incident>("IncidentService/CreateIncident", Report("amager", "brand"), kPrecondition, "GONE_ON_ELSEWHERE")
                .metadata.at("successor"),
            "plans/s");
  Refused<v1::Campaign>("CampaignService/CreateCampaign", CampaignRequest("other"), kPrecondition, "GONE_ON_ELSEWHERE");
  v1::StartCampaignRequest start;
  start.set_name(draft);
  Refused<v1::Campaign>("CampaignService/StartCampaign", start, kPrecondition, "GONE_ON_ELSEWHERE");
  v1::CreateTemplateRequest made;
  made.set_parent("plans/amager");
  made.mutable_template_()->set_display_name("Ny");
  Refused<v1::Template>("TemplateService/CreateTemplate", made, kPrecondition, "GONE_ON_ELSEWHERE");
  Undo();
  Must<v1::Campaign>("CampaignService/StartCampaign", start);
}

TEST_P(MergeTest, AnIncidentMovesWithAllThatIsKnownOfIt) {
  auto const old = IncidentIn("amager", "brand");
  IncidentIn("q", "brand");
  EXPECT_THAT(Note(old, "vagt sat ud"), IsOk());
  auto const annex = Annex(old);
  auto const joined = Must<v1::Incident>("IncidentService/CreateIncident", Report("amager", "igen")).name();
  Join(joined, old);
  Merge();
  auto const now = Incident<v1::ResolveIncidentRequest>("ResolveIncident", old);
  ASSERT_THAT(now, IsOk()) << "its old name leads to it";
  EXPECT_EQ(now->name(), "plans/s/incidents/brand");
  EXPECT_EQ(Incident<v1::ResolveIncidentRequest>("ResolveIncident", joined)->name(), now->name());
  EXPECT_EQ(Incident<v1::ResolveIncidentRequest>("ResolveIncident", "plans/q/incidents/brand")->name(),
            "plans/s/incidents/brand-q");
  EXPECT_THAT(Notes(now->name()), ElementsAre("vagt sat ud"));
  EXPECT_THAT(ReadAnnex(now->name() + annex.substr(old.size())), IsOk()) << "sealed anew";
  auto const get = Incident<v1::GetIncidentRequest>("GetIncident", old);
  EXPECT_THAT(get, StatusIs(kPrecondition, "GONE_ON_ELSEWHERE"));
  EXPECT_EQ(MetadataOf(get.status()).at("successor"), now->name());
  EXPECT_THAT(Note(old, "for sent"), StatusIs(kPrecondition, "GONE_ON_ELSEWHERE"));
  v1::GetIncidentRequest stranger;
  stranger.set_name(old);
  EXPECT_THAT(Call<v1::Incident>("IncidentService/GetIncident", stranger, As("operator", "", "bo")), StatusCodeIs(kAbsent))
      << "who is no party learns nothing";
}

TEST_P(MergeTest, WorksGoOnWithWhoWasTold) {
  Houses(3);
  auto const old = WorksIn("amager", "tag");
  Must<v1::WorksNotice>("WorksService/RecordWorksDeliveries", Told(old, "h1"));
  Merge();
  auto const now = GetWorks("plans/s/worksNotices/tag");
  EXPECT_EQ(now.predecessor(), old);
  EXPECT_EQ(now.construction_project(), "plans/s/constructionProjects/tag");
  EXPECT_EQ(now.waiting_count(), 2);
  EXPECT_EQ(now.areas_size(), 1);
  EXPECT_EQ(GetWorks(old).successor(), now.name());
  EXPECT_EQ(Refused<v1::WorksNotice>("WorksService/RecordWorksDeliveries", Told(old, "h2"), kPrecondition, "GONE_ON_ELSEWHERE")
                .metadata.at("successor"),
            now.name());
  Must<v1::WorksNotice>("WorksService/RecordWorksDeliveries", Told(now.name(), "h2"));
  Must<v1::WorksNotice>("WorksService/RecordWorksDeliveries", Told(now.name(), "h3"));
  EXPECT_EQ(GetWorks(now.name()).state(), v1::WORKS_STATE_DELIVERED);
}

TEST_P(MergeTest, WhoIsToldByACampaignThatWasBegunBeforeIsTold) {
  Houses(2);
  WorksIn("amager", "tag");
  auto request = CampaignRequest("tag");
  request.mutable_campaign()->set_statutory(true);
  auto const campaign = Started(request).name();
  auto const run = Printed(campaign).name();
  Merge();
  v1::ConfirmPrintRunRequest confirm;
  confirm.set_name(run);
  confirm.mutable_deliver_time()->set_seconds(absl::ToUnixSeconds(clock().Now()));
  confirm.set_distributor("Omdelerne A/S");
  Must<v1::PrintRun>("PrintRunService/ConfirmPrintRun", confirm);
  v1::RecordWorksDeliveriesRequest record;
  record.set_name("plans/s/worksNotices/tag");
  record.set_campaign(campaign);
  EXPECT_EQ(Must<v1::WorksNotice>("WorksService/RecordWorksDeliveries", record).state(), v1::WORKS_STATE_DELIVERED);
  record.set_campaign("plans/q/campaigns/tag");
  EXPECT_THAT(Refused<v1::WorksNotice>("WorksService/RecordWorksDeliveries", record, kInvalid, "BAD_REQUEST").fields,
              ElementsAre("campaign"));
}

TEST_P(MergeTest, ACampaignIsFinishedWhereItIsOrEndsWithTheMerge) {
  Houses(2);
  auto const goes_on = Started(CampaignRequest("a")).name();
  auto const ends = Started(CampaignRequest("b")).name();
  Merge({Decided(cv1::MERGE_CONFLICT_KIND_CAMPAIGN_RUNNING, cv1::MERGE_RESOLUTION_BY_HAND, {goes_on}),
         Decided(cv1::MERGE_CONFLICT_KIND_CAMPAIGN_RUNNING, cv1::MERGE_RESOLUTION_END, {ends})});
  EXPECT_EQ(Get(goes_on).state(), v1::CAMPAIGN_STATE_RUNNING);
  EXPECT_EQ(Get(ends).state(), v1::CAMPAIGN_STATE_PAUSED);
  EXPECT_EQ(Printed(goes_on).letter_count(), 2);
  Say(fv1::PLAN_MERGE_STATE_SEALED);
  RunJob("send");
  EXPECT_EQ(Get(ends).state(), v1::CAMPAIGN_STATE_CANCELLED);
  EXPECT_EQ(Get(ends).counts().cancelled_count(), 2);
  EXPECT_EQ(Get(goes_on).state(), v1::CAMPAIGN_STATE_RUNNING);
}

TEST_P(MergeTest, UndoneAtOnceEverythingIsAsBefore) {
  Houses(2);
  auto const ends = Started(CampaignRequest("b")).name();
  TemplateIn("q", "brev", "Et brev");
  for (std::string const plan : {"amager", "q"}) {
    auto report = Report(plan, "anden");
    if (plan == "q") report.mutable_incident()->set_external_id("sag-7");
    auto const other = Must<v1::Incident>("IncidentService/CreateIncident", report).name();
    auto const incident = IncidentIn(plan, "brand");
    EXPECT_THAT(Note(incident, "vagt"), IsOk());
    Join(other, incident);
    Annex(incident);
    Must<v1::WorksNotice>("WorksService/RecordWorksDeliveries", Told(WorksIn(plan, "tag"), "h1"));
  }
  auto const before = Rows();
  Merge({Decided(cv1::MERGE_CONFLICT_KIND_CAMPAIGN_RUNNING, cv1::MERGE_RESOLUTION_END, {ends})});
  auto const merged = LastEvent<cv1::MergeReceipt>(kMerge);
  EXPECT_EQ(merged.service(), "communications");
  EXPECT_EQ(merged.step(), cv1::MERGE_STEP_EXECUTE);
  EXPECT_EQ(merged.carried_count(), 2 + 2 + 2 + 1) << "templates, works, incidents, a campaign";
  EXPECT_NE(Rows(), before);
  Undo();
  EXPECT_EQ(LastEvent<cv1::MergeReceipt>(kMerge).step(), cv1::MERGE_STEP_UNDO);
  EXPECT_EQ(Rows(), before);
}

TEST_P(MergeTest, UndoneLaterWhatHasComeSinceGoesBackToo) {
  Houses(2);
  auto const works = WorksIn("amager", "tag");
  auto const incident = IncidentIn("amager", "brand");
  auto const annex = Annex(incident);
  Merge();
  Version("plans/s/templates/brev", "Ny");
  EXPECT_THAT(Note("plans/s/incidents/brand", "siden"), IsOk());
  Must<v1::WorksNotice>("WorksService/RecordWorksDeliveries", Told("plans/s/worksNotices/tag", "h1"));
  auto const later = Rescheduled("plans/s/worksNotices/tag").name();
  auto const own = Must<v1::Incident>("IncidentService/CreateIncident", Report("s", "egen")).name();
  Join(own, "plans/s/incidents/brand");
  auto const stays = Must<v1::Incident>("IncidentService/CreateIncident", Report("s", "bliver")).name();
  Undo();
  EXPECT_EQ(GetTemplate("plans/amager/templates/brev").latest_version(), 2);
  EXPECT_EQ(BodyOf("plans/amager/templates/brev/versions/2"), "Ny");
  EXPECT_THAT(Notes(incident), ElementsAre("siden"));
  EXPECT_THAT(ReadAnnex(annex), IsOk());
  EXPECT_EQ(Incident<v1::ResolveIncidentRequest>("ResolveIncident", own)->name(), incident) << "it went along";
  EXPECT_EQ(Incident<v1::ResolveIncidentRequest>("ResolveIncident", "plans/s/incidents/brand")->name(), incident);
  EXPECT_EQ(Incident<v1::GetIncidentRequest>("GetIncident", stays)->name(), stays);
  auto const back = GetWorks(works);
  EXPECT_EQ(back.state(), v1::WORKS_STATE_RESCHEDULED);
  EXPECT_EQ(back.replaced_by(), "plans/amager/worksNotices/senere");
  EXPECT_EQ(GetWorks(back.replaced_by()).waiting_count(), 2);
  EXPECT_EQ(GetWorks(back.replaced_by()).replaces(), works);
  v1::GetWorksNoticeRequest gone;
  gone.set_name(later);
  EXPECT_THAT(Call<v1::WorksNotice>("WorksService/GetWorksNotice", gone), StatusCodeIs(kAbsent));
  // And all of it once more.
  Merge();
  EXPECT_EQ(Incident<v1::ResolveIncidentRequest>("ResolveIncident", incident)->name(), "plans/s/incidents/brand");
  EXPECT_EQ(GetWorks(works).state(), v1::WORKS_STATE_RESCHEDULED);
  EXPECT_EQ(GetWorks("plans/amager/worksNotices/senere").successor(), "plans/s/worksNotices/senere");
}

TEST_P(MergeTest, ATemplateThatTheSuccessorUsesStaysThere) {
  Houses(1);
  Merge();
  auto request = CampaignRequest("egen");
  request.set_parent("plans/s");
  request.mutable_campaign()->set_template_version("plans/s/templates/brev/versions/1");
  Must<v1::Campaign>("CampaignService/CreateCampaign", request);
  Undo();
  EXPECT_EQ(GetTemplate("plans/s/templates/brev").predecessor(), "");
  EXPECT_EQ(GetTemplate("plans/amager/templates/brev").successor(), "");
}

}  // namespace
}  // namespace helhed::communications::testing
