#include "services/communications/service/plan_carry.h"

#include <absl/strings/str_cat.h>

#include <map>
#include <utility>

#include "helhed/communications/v1/campaign.pb.h"
#include "helhed/communications/v1/works.pb.h"
#include "services/communications/service/incident_move.h"
#include "services/communications/service/ledger.h"
#include "services/communications/service/moved_plans.h"
#include "services/communications/service/names.h"
#include "services/communications/service/works_copy.h"
#include "services/communications/service/works_store.h"
#include "services/platform/base/civil.h"
#include "services/platform/base/free_id.h"

namespace helhed::communications {
namespace {

using storage::Statement;

Statement const kMovePlan("communications.move_plan",
                          "INSERT INTO moved_plans (plan, successor, merge, move_date) VALUES ($1, $2, $3, $4)");
Statement const kStoreCarry("communications.store_merge_carry",
                            "INSERT INTO merge_carries (plan, merge, kind, from_plan, from_id, id, was_running) "
                            "VALUES ($1, $2, $3, $4, $5, $6, $7)");
Statement const kCarries("communications.merge_carries",
                         "SELECT kind, from_plan, from_id, id, was_running FROM merge_carries WHERE plan = $1 AND merge = $2 "
                         "ORDER BY kind, from_plan, from_id");

Statement const kTemplates("communications.templates_to_carry",
                           "SELECT template FROM templates WHERE plan = $1 AND move_date IS NULL ORDER BY template");
// 1 to 5: from a draft to what is in effect.
static_assert(v1::WORKS_STATE_DRAFT == 1 && v1::WORKS_STATE_IN_EFFECT == 5);
Statement const kWorks("communications.works_to_carry",
                       "SELECT works_notice FROM works_notices WHERE plan = $1 AND state BETWEEN 1 AND 5 AND move_date IS NULL "
                       "ORDER BY works_notice");
// 2 and 3: running and paused.
static_assert(v1::CAMPAIGN_STATE_RUNNING == 2 && v1::CAMPAIGN_STATE_PAUSED == 3);
Statement const kCampaigns("communications.campaigns_on_their_way",
                           "SELECT campaign FROM campaigns WHERE plan = $1 AND state IN (2, 3) ORDER BY campaign");

Statement const kIdsOfTemplates("communications.ids_of_templates",
                                "SELECT template FROM templates WHERE plan = $1 ORDER BY template");
Statement const kIdsOfWorks("communications.ids_of_works_notices",
                            "SELECT works_notice FROM works_notices WHERE plan = $1 ORDER BY works_notice");
Statement const kIdsOfProjects("communications.ids_of_construction_projects",
                               "SELECT construction_project FROM construction_projects WHERE plan = $1 "
                               "ORDER BY construction_project");

Statement const kCopyVersions("communications.carry_template_versions",
                              "INSERT INTO template_versions (plan, template, version, revision, create_time, update_time) "
                              "SELECT $3, $4, version, revision, create_time, update_time FROM template_versions "
                              "WHERE plan = $1 AND template = $2");
Statement const kCopyParameters("communications.carry_template_parameters",
                                "INSERT INTO template_parameters (plan, template, version, position, parameter, type, optional, "
                                "description) SELECT $3, $4, version, position, parameter, type, optional, description "
                                "FROM template_parameters WHERE plan = $1 AND template = $2");
Statement const kCopyTexts("communications.carry_template_texts",
                           "INSERT INTO template_texts (plan, template, version, position, language, subject, body) "
                           "SELECT $3, $4, version, position, language, subject, body FROM template_texts "
                           "WHERE plan = $1 AND template = $2");
Statement const kCopyPhases("communications.carry_construction_phases",
                            "INSERT INTO construction_phases (plan, construction_project, construction_phase, display_name, "
                            "description, period_start_date, period_end_date, revision, create_time, update_time) "
                            "SELECT $3, $4, construction_phase, display_name, description, period_start_date, period_end_date, "
                            "revision, create_time, update_time FROM construction_phases "
                            "WHERE plan = $1 AND construction_project = $2");

absl::StatusOr<IdSet> TakenIn(ReadTransaction& tx, Statement const& statement, std::string_view plan) {
  ASSIGN_OR_RETURN(auto const ids, IdsIn(tx, statement, plan));
  return IdSet(ids.begin(), ids.end());
}

absl::StatusOr<std::vector<std::string>> NamesIn(ReadTransaction& tx, Statement const& statement, std::string_view plan,
                                                 std::string_view collection) {
  ASSIGN_OR_RETURN(auto names, IdsIn(tx, statement, plan));
  for (auto& name : names) name = NameIn(plan, collection, name);
  return names;
}

// One execution of a merge.
class Carrying {
 public:
  Carrying(WriteTransaction& tx, Merging const& merging, crypto::KeyRing const* keys) : tx_(tx), merging_(merging), keys_(keys) {}

  absl::StatusOr<std::int64_t> Run() {
    std::string_view const successor(merging_.successor);
    RETURN_IF_ERROR(LockPlan(tx_, successor));
    for (auto const& plan : merging_.predecessors) RETURN_IF_ERROR(LockPlan(tx_, plan));
    ASSIGN_OR_RETURN(templates_, TakenIn(tx_, kIdsOfTemplates, successor));
    ASSIGN_OR_RETURN(works_, TakenIn(tx_, kIdsOfWorks, successor));
    ASSIGN_OR_RETURN(projects_, TakenIn(tx_, kIdsOfProjects, successor));
    auto const date = ToIsoDate(merging_.effective);
    for (auto const& plan : merging_.predecessors) {
      RETURN_IF_ERROR(
          tx_.Enqueue(kMovePlan, {std::string_view(plan), successor, std::string_view(merging_.merge), std::string_view(date)}));
      RETURN_IF_ERROR(CarryTemplates(plan));
      RETURN_IF_ERROR(CarryWorks(plan));
      RETURN_IF_ERROR(HoldCampaigns(plan));
    }
    ASSIGN_OR_RETURN(auto const incidents, MoveIncidents(tx_, merging_, keys_));
    return count_ + incidents;
  }

 private:
  absl::Status CarryTemplates(std::string const& plan) {
    ASSIGN_OR_RETURN(auto const ids, IdsIn(tx_, kTemplates, plan));
    for (auto const& id : ids) {
      auto const name = NameIn(plan, "templates", id);
      ASSIGN_OR_RETURN(auto old, tx_.Get<v1::Template>(name));
      *old.mutable_move_date() = ToProtoDate(merging_.effective);
      ++count_;
      std::string carried;
      if (!merging_.not_carried.contains(name)) {
        carried = FreeId(id, plan, templates_);
        auto made = old;
        made.set_name(NameIn(merging_.successor, "templates", carried));
        made.set_predecessor(name);
        made.clear_move_date();
        RETURN_IF_ERROR(tx_.Insert(made));
        for (auto const* const statement : {&kCopyVersions, &kCopyParameters, &kCopyTexts})
          RETURN_IF_ERROR(Copy(*statement, plan, id, carried));
        old.set_successor(made.name());
      }
      RETURN_IF_ERROR(tx_.Update(old));
      RETURN_IF_ERROR(StoreCarry(tx_, merging_, {CarryKind::kTemplate, plan, id, carried}));
    }
    return absl::OkStatus();
  }

  absl::Status CarryWorks(std::string const& plan) {
    ASSIGN_OR_RETURN(auto const ids, IdsIn(tx_, kWorks, plan));
    for (auto const& id : ids) {
      ASSIGN_OR_RETURN(auto old, LockWorksNotice(tx_, NameIn(plan, "worksNotices", id)));
      auto const carried = FreeId(id, plan, works_);
      ++count_;
      auto made = old;
      made.set_name(NameIn(merging_.successor, "worksNotices", carried));
      made.set_predecessor(old.name());
      made.clear_replaces();
      RETURN_IF_ERROR(CarryProject(plan, made));
      RETURN_IF_ERROR(CopyWorksNotice(tx_, old.name(), made));
      RETURN_IF_ERROR(AppendWorksChanged(tx_, made, v1::WORKS_STATE_UNSPECIFIED));
      old.set_successor(made.name());
      *old.mutable_move_date() = ToProtoDate(merging_.effective);
      RETURN_IF_ERROR(SaveWorksNotice(tx_, old, old.state()));
      RETURN_IF_ERROR(StoreCarry(tx_, merging_, {CarryKind::kWorks, plan, id, carried}));
    }
    return absl::OkStatus();
  }

  // The project of a notice that goes on, with its phases; it has gone along with another notice already, or goes now.
  absl::Status CarryProject(std::string const& plan, v1::WorksNotice& made) {
    std::string const former = made.construction_project();
    auto const known = project_of_.find(former);
    std::string carried;
    if (known != project_of_.end()) {
      carried = known->second;
    } else {
      auto const id = contract::LastPart(former);
      ASSIGN_OR_RETURN(auto project, tx_.Get<v1::ConstructionProject>(former));
      auto const carried_id = FreeId(id, plan, projects_);
      carried = NameIn(merging_.successor, "constructionProjects", carried_id);
      project.set_name(carried);
      RETURN_IF_ERROR(tx_.Insert(project));
      RETURN_IF_ERROR(Copy(kCopyPhases, plan, id, carried_id));
      RETURN_IF_ERROR(StoreCarry(tx_, merging_, {CarryKind::kProject, plan, std::string(id), carried_id}));
      project_of_[former] = carried;
    }
    made.set_construction_project(carried);
    if (!made.phase().empty()) made.set_phase(absl::StrCat(carried, "/phases/", Av(contract::LastPart(made.phase()))));
    return absl::OkStatus();
  }

  // What is to end stands still from now on.
  absl::Status HoldCampaigns(std::string const& plan) {
    ASSIGN_OR_RETURN(auto const names, CampaignsOnTheirWay(tx_, plan));
    for (auto const& name : names) {
      if (!merging_.ending.contains(name)) continue;
      ASSIGN_OR_RETURN(auto ledger, Ledger::Open(tx_, name));
      bool const was_running = ledger.campaign().state() == v1::CAMPAIGN_STATE_RUNNING;
      ledger.SetState(v1::CAMPAIGN_STATE_PAUSED);
      RETURN_IF_ERROR(ledger.Close());
      std::string const id(contract::LastPart(name));
      RETURN_IF_ERROR(StoreCarry(tx_, merging_, {CarryKind::kCampaign, plan, id, "", was_running}));
      ++count_;
    }
    return absl::OkStatus();
  }

  absl::Status Copy(Statement const& statement, std::string_view from_plan, std::string_view from_id, std::string_view id) {
    return tx_.Enqueue(statement, {from_plan, from_id, std::string_view(merging_.successor), id});
  }

  WriteTransaction& tx_;
  Merging const& merging_;
  crypto::KeyRing const* keys_;
  // What is taken in the successor.
  IdSet templates_;
  IdSet works_;
  IdSet projects_;
  std::map<std::string, std::string> project_of_;  // by the name of the predecessor's
  std::int64_t count_ = 0;
};

}  // namespace

std::string NameIn(std::string_view plan, std::string_view collection, std::string_view id) {
  return absl::StrCat("plans/", Av(plan), "/", Av(collection), "/", Av(id));
}

absl::StatusOr<std::vector<std::string>> IdsIn(ReadTransaction& tx, Statement const& statement, std::string_view plan) {
  ASSIGN_OR_RETURN(auto const rows, tx.Query(statement, {plan}));
  std::vector<std::string> ids;
  for (std::size_t i = 0; i < rows.size(); ++i) ids.push_back(rows.Text(i, 0));
  return ids;
}

absl::StatusOr<std::vector<v1::Template>> TemplatesGoingOn(ReadTransaction& tx, std::string_view plan) {
  ASSIGN_OR_RETURN(auto const names, NamesIn(tx, kTemplates, plan, "templates"));
  std::vector<v1::Template> templates;
  for (auto const& name : names) {
    ASSIGN_OR_RETURN(templates.emplace_back(), tx.Get<v1::Template>(name));
  }
  return templates;
}

absl::StatusOr<std::vector<std::string>> CampaignsOnTheirWay(ReadTransaction& tx, std::string_view plan) {
  return NamesIn(tx, kCampaigns, plan, "campaigns");
}

absl::Status StoreCarry(WriteTransaction& tx, Merging const& merging, Carry const& carry) {
  return tx.Enqueue(kStoreCarry, {std::string_view(merging.successor), std::string_view(merging.merge),
                                  static_cast<std::int64_t>(carry.kind), std::string_view(carry.from_plan),
                                  std::string_view(carry.from_id), std::string_view(carry.id), carry.was_running});
}

absl::StatusOr<std::vector<Carry>> LoadCarries(ReadTransaction& tx, Merging const& merging) {
  ASSIGN_OR_RETURN(auto const rows, tx.Query(kCarries, {std::string_view(merging.successor), std::string_view(merging.merge)}));
  std::vector<Carry> carries;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    carries.push_back(
        {static_cast<CarryKind>(rows.Int64(i, 0)), rows.Text(i, 1), rows.Text(i, 2), rows.Text(i, 3), rows.Bool(i, 4)});
  }
  return carries;
}

absl::StatusOr<std::int64_t> CarryOver(WriteTransaction& tx, Merging const& merging, crypto::KeyRing const* keys) {
  return Carrying(tx, merging, keys).Run();
}

}  // namespace helhed::communications
