#include <absl/strings/str_cat.h>

#include <map>
#include <string>
#include <utility>

#include "helhed/communications/v1/works.pb.h"
#include "services/communications/service/incident_move.h"
#include "services/communications/service/ledger.h"
#include "services/communications/service/moved_plans.h"
#include "services/communications/service/names.h"
#include "services/communications/service/plan_carry.h"
#include "services/communications/service/works_copy.h"
#include "services/communications/service/works_store.h"
#include "services/platform/base/free_id.h"

// How plans go back to what they were, while their merge can be undone.
namespace helhed::communications {
namespace {

using storage::Statement;

Statement const kWorksIds("communications.works_notice_ids",
                          "SELECT works_notice FROM works_notices WHERE plan = $1 ORDER BY works_notice");
// $1, $2 are the successor's, $3, $4 the predecessor's. Versions never change: those that are there are the same.
Statement const kBackVersions("communications.carry_template_versions_back",
                              "INSERT INTO template_versions (plan, template, version, revision, create_time, update_time) "
                              "SELECT $3, $4, version, revision, create_time, update_time FROM template_versions "
                              "WHERE plan = $1 AND template = $2 ON CONFLICT (plan, template, version) DO NOTHING");
Statement const kBackParameters("communications.carry_template_parameters_back",
                                "INSERT INTO template_parameters (plan, template, version, position, parameter, type, optional, "
                                "description) SELECT $3, $4, version, position, parameter, type, optional, description "
                                "FROM template_parameters WHERE plan = $1 AND template = $2 "
                                "ON CONFLICT (plan, template, version, position) DO NOTHING");
Statement const kBackTexts("communications.carry_template_texts_back",
                           "INSERT INTO template_texts (plan, template, version, position, language, subject, body) "
                           "SELECT $3, $4, version, position, language, subject, body FROM template_texts "
                           "WHERE plan = $1 AND template = $2 ON CONFLICT (plan, template, version, position) DO NOTHING");
Statement const kUsesTemplate("communications.campaign_of_template",
                              "SELECT campaign FROM campaigns WHERE plan = $1 AND template_version_template = $2 LIMIT 1");
Statement const kDropTexts("communications.drop_template_texts", "DELETE FROM template_texts WHERE plan = $1 AND template = $2");
Statement const kDropParameters("communications.drop_template_parameters",
                                "DELETE FROM template_parameters WHERE plan = $1 AND template = $2");
Statement const kDropVersions("communications.drop_template_versions",
                              "DELETE FROM template_versions WHERE plan = $1 AND template = $2");
Statement const kDropTemplate("communications.drop_template", "DELETE FROM templates WHERE plan = $1 AND template = $2");
Statement const kUsesProject("communications.works_of_project",
                             "SELECT works_notice FROM works_notices WHERE plan = $1 AND construction_project = $2 LIMIT 1");
Statement const kDropPhases("communications.drop_construction_phases",
                            "DELETE FROM construction_phases WHERE plan = $1 AND construction_project = $2");
Statement const kDropProject("communications.drop_construction_project",
                             "DELETE FROM construction_projects WHERE plan = $1 AND construction_project = $2");
Statement const kDropCarries("communications.drop_merge_carries", "DELETE FROM merge_carries WHERE plan = $1 AND merge = $2");
Statement const kPlanStays("communications.plan_stays", "DELETE FROM moved_plans WHERE plan = $1");

// One undoing of a merge.
class CarryingBack {
 public:
  CarryingBack(WriteTransaction& tx, Merging const& merging, crypto::KeyRing const* keys)
      : tx_(tx), merging_(merging), keys_(keys) {}

  absl::StatusOr<std::int64_t> Run() {
    RETURN_IF_ERROR(LockPlan(tx_, merging_.successor));
    for (auto const& plan : merging_.predecessors) RETURN_IF_ERROR(LockPlan(tx_, plan));
    ASSIGN_OR_RETURN(auto const carries, LoadCarries(tx_, merging_));
    ASSIGN_OR_RETURN(std::int64_t count, MoveIncidentsBack(tx_, merging_, carries, keys_));
    for (auto const& carry : carries) {
      if (carry.kind == CarryKind::kTemplate) {
        RETURN_IF_ERROR(BringTemplate(carry));
      }
      if (carry.kind == CarryKind::kWorks) {
        RETURN_IF_ERROR(BringWorks(carry));
      }
      if (carry.kind == CarryKind::kCampaign) {
        RETURN_IF_ERROR(Resume(carry));
      }
      if (carry.kind != CarryKind::kIncident && carry.kind != CarryKind::kProject) ++count;
    }
    // When no notice needs them any more.
    for (auto const& carry : carries) {
      if (carry.kind != CarryKind::kProject) continue;
      RETURN_IF_ERROR(DropUnused(carry.id, kUsesProject, {&kDropPhases, &kDropProject}));
    }
    for (auto const& plan : merging_.predecessors) RETURN_IF_ERROR(tx_.Enqueue(kPlanStays, {std::string_view(plan)}));
    RETURN_IF_ERROR(tx_.Enqueue(kDropCarries, {std::string_view(merging_.successor), std::string_view(merging_.merge)}));
    return count;
  }

 private:
  absl::Status BringTemplate(Carry const& carry) {
    ASSIGN_OR_RETURN(auto old, tx_.Get<v1::Template>(NameIn(carry.from_plan, "templates", carry.from_id)));
    old.clear_successor();
    old.clear_move_date();
    if (carry.id.empty()) return tx_.Update(old);
    auto const name = NameIn(merging_.successor, "templates", carry.id);
    ASSIGN_OR_RETURN(auto since, tx_.Get<v1::Template>(name));
    old.set_display_name(since.display_name());
    old.set_latest_version(since.latest_version());
    RETURN_IF_ERROR(tx_.Update(old));
    for (auto const* const statement : {&kBackVersions, &kBackParameters, &kBackTexts}) {
      RETURN_IF_ERROR(tx_.Enqueue(*statement, {std::string_view(merging_.successor), std::string_view(carry.id),
                                               std::string_view(carry.from_plan), std::string_view(carry.from_id)}));
    }
    // What a campaign of the successor says stays there.
    since.clear_predecessor();
    RETURN_IF_ERROR(tx_.Update(since));
    return DropUnused(carry.id, kUsesTemplate, {&kDropTexts, &kDropParameters, &kDropVersions, &kDropTemplate});
  }

  // Removes something of the successor unless the statement finds that it is used.
  absl::Status DropUnused(std::string const& id, Statement const& uses, std::initializer_list<Statement const*> const& drops) {
    std::string_view const plan(merging_.successor);
    ASSIGN_OR_RETURN(auto const used, tx_.Query(uses, {plan, std::string_view(id)}));
    if (!used.empty()) return absl::OkStatus();
    for (auto const* const drop : drops) RETURN_IF_ERROR(tx_.Enqueue(*drop, {plan, std::string_view(id)}));
    return absl::OkStatus();
  }

  // A notice as it has become, and, where it was rescheduled, those that took its place.
  absl::Status BringWorks(Carry const& carry) {
    ASSIGN_OR_RETURN(auto const old, LoadWorksNotice(tx_, NameIn(carry.from_plan, "worksNotices", carry.from_id)));
    ASSIGN_OR_RETURN(auto const chain, ChainFrom(NameIn(merging_.successor, "worksNotices", carry.id)));
    ASSIGN_OR_RETURN(auto const ids, IdsIn(tx_, kWorksIds, carry.from_plan));
    IdSet taken(ids.begin(), ids.end());
    std::vector<std::string> names = {old.name()};
    for (std::size_t i = 1; i < chain.size(); ++i) {
      names.push_back(
          NameIn(carry.from_plan, "worksNotices", FreeId(contract::LastPart(chain[i].name()), merging_.successor, taken)));
    }
    for (std::size_t i = 0; i < chain.size(); ++i) {
      auto back = chain[i];
      back.set_name(names[i]);
      back.set_construction_project(old.construction_project());
      if (!back.phase().empty()) {
        back.set_phase(absl::StrCat(old.construction_project(), "/phases/", Av(contract::LastPart(back.phase()))));
      }
      back.clear_replaced_by();
      if (i + 1 < chain.size()) back.set_replaced_by(names[i + 1]);
      if (i == 0) {
        RETURN_IF_ERROR(PutBack(old, back, chain[i].name()));
      } else {
        back.set_replaces(names[i - 1]);
        back.clear_predecessor();
        RETURN_IF_ERROR(CopyWorksNotice(tx_, chain[i].name(), back));
        RETURN_IF_ERROR(AppendWorksChanged(tx_, back, v1::WORKS_STATE_UNSPECIFIED));
      }
    }
    // The last first: each refers to the one before it.
    for (auto i = chain.size(); i-- > 0;) RETURN_IF_ERROR(DropWorksNotice(tx_, chain[i].name()));
    return absl::OkStatus();
  }

  absl::Status PutBack(v1::WorksNotice const& old, v1::WorksNotice& back, std::string_view since) {
    back.set_etag(old.etag());
    back.clear_successor();
    back.clear_move_date();
    back.set_replaces(old.replaces());
    back.set_predecessor(old.predecessor());
    RETURN_IF_ERROR(SaveWorksNotice(tx_, back, old.state()));
    return ReplaceWorksParts(tx_, since, old.name());
  }

  absl::StatusOr<std::vector<v1::WorksNotice>> ChainFrom(std::string name) {
    std::vector<v1::WorksNotice> chain;
    for (; !name.empty(); name = chain.back().replaced_by()) {
      ASSIGN_OR_RETURN(chain.emplace_back(), LockWorksNotice(tx_, name));
    }
    return chain;
  }

  absl::Status Resume(Carry const& carry) {
    ASSIGN_OR_RETURN(auto ledger, Ledger::Open(tx_, NameIn(carry.from_plan, "campaigns", carry.from_id)));
    if (!carry.was_running || ledger.campaign().state() != v1::CAMPAIGN_STATE_PAUSED) return absl::OkStatus();
    ledger.SetState(v1::CAMPAIGN_STATE_RUNNING);
    return ledger.Close();
  }

  WriteTransaction& tx_;
  Merging const& merging_;
  crypto::KeyRing const* keys_;
};

}  // namespace

absl::StatusOr<std::int64_t> CarryBack(WriteTransaction& tx, Merging const& merging, crypto::KeyRing const* keys) {
  return CarryingBack(tx, merging, keys).Run();
}

absl::Status EndCampaigns(WriteTransaction& tx, Merging const& merging) {
  ASSIGN_OR_RETURN(auto const carries, LoadCarries(tx, merging));
  for (auto const& carry : carries) {
    if (carry.kind != CarryKind::kCampaign) continue;
    ASSIGN_OR_RETURN(auto ledger, Ledger::Open(tx, NameIn(carry.from_plan, "campaigns", carry.from_id)));
    auto const state = ledger.campaign().state();
    if (state != v1::CAMPAIGN_STATE_RUNNING && state != v1::CAMPAIGN_STATE_PAUSED) continue;
    ledger.SetState(v1::CAMPAIGN_STATE_CANCELLING);
    RETURN_IF_ERROR(ledger.Close());
  }
  return absl::OkStatus();
}

}  // namespace helhed::communications
