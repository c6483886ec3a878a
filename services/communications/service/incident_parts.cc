#include <absl/strings/str_cat.h>

#include <map>
#include <set>
#include <utility>

#include "helhed/communications/v1/errors.pb.h"
#include "services/communications/domain/incident_life.h"
#include "services/communications/service/incident_service.h"
#include "services/communications/service/incident_store.h"
#include "services/communications/service/names.h"
#include "services/platform/base/times.h"
#include "services/platform/contract/fields.h"
#include "services/platform/service/requests.h"

// Parties, tasks and timeline.
namespace helhed::communications {
namespace {

using storage::Statement;

Statement const kCoordinators(
    "communications.some_coordinators",
    "SELECT incident_party FROM incident_parties WHERE plan = $1 AND incident = $2 AND coordinates = TRUE "
    "LIMIT 2");
Statement const kStoreDeputy("communications.store_task_deputy",
                             "INSERT INTO incident_task_deputies (plan, incident, incident_task, position, subject) "
                             "VALUES ($1, $2, $3, $4, $5)");
Statement const kDeputies("communications.task_deputies",
                          "SELECT incident_task, subject FROM incident_task_deputies WHERE plan = $1 AND incident = $2 "
                          "ORDER BY incident_task, position");

absl::Status CheckTask(v1::CreateIncidentTaskRequest const& request, absl::Time now) {
  RETURN_IF_ERROR(CheckTexts({{"incident_task.title", request.incident_task().title()}}, request.confirm_no_personal_data()));
  if (TimeOf(request.incident_task().due_time()) > now) return absl::OkStatus();
  return BadRequest({{"incident_task.due_time", "must be in the future"}});
}

// Who is called about a task, in order; each a party.
absl::StatusOr<std::vector<std::string>> LineOf(ReadTransaction& tx, v1::IncidentTask const& task, std::string const& incident) {
  std::vector<std::string> line = {task.owner()};
  line.insert(line.end(), task.deputies().begin(), task.deputies().end());
  if (line.size() == 1) line.push_back(task.assigner());
  std::set<std::string> seen;
  for (std::size_t i = 0; i < line.size(); ++i) {
    ASSIGN_OR_RETURN(auto const party, FindParty(tx, incident, line[i]));
    if (party) continue;
    return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_NOT_A_PARTY,
                 "whoever has a task is a party of the incident",
                 {{"field", i == 0 ? "incident_task.owner" : absl::StrCat("incident_task.deputies[", i - 1, "]")}});
  }
  std::erase_if(line, [&](std::string const& subject) { return !seen.insert(subject).second; });
  if (line.size() > 1) return line;
  return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_ESCALATION_TO_NOBODY,
               "a task for oneself needs a deputy, or nobody is called when it is not answered", {{"incident", incident}});
}

absl::Status CompleteTasks(ReadTransaction& tx, std::string const& incident,
                           google::protobuf::RepeatedPtrField<v1::IncidentTask>& tasks) {
  auto const key = KeyOf<v1::Incident>(incident);
  ASSIGN_OR_RETURN(auto const rows, tx.Query(kDeputies, {std::string_view(key[0]), std::string_view(key[1])}));
  std::map<std::string, v1::IncidentTask*, std::less<>> by_id;
  for (auto& task : tasks) by_id.emplace(contract::LastPart(task.name()), &task);
  for (std::size_t row = 0; row < rows.size(); ++row) {
    auto const task = by_id.find(rows.Text(row, 0));
    if (task != by_id.end()) task->second->add_deputies(rows.Text(row, 1));
  }
  return absl::OkStatus();
}

absl::Status StoreDeputies(WriteTransaction& tx, v1::IncidentTask const& task) {
  auto const key = KeyOf<v1::IncidentTask>(task.name());
  for (int i = 0; i < task.deputies_size(); ++i) {
    RETURN_IF_ERROR(tx.Enqueue(kStoreDeputy, {std::string_view(key[0]), std::string_view(key[1]), std::string_view(key[2]),
                                              std::int64_t{i}, std::string_view(task.deputies(i))}));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<v1::IncidentParty> IncidentService::CreateIncidentParty(CallContext const& call,
                                                                       v1::CreateIncidentPartyRequest const& request) {
  RETURN_IF_ERROR(
      CheckTexts({{"incident_party.need_to_know", request.incident_party().need_to_know()}}, request.confirm_no_personal_data()));
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::IncidentParty> {
    RETURN_IF_ERROR(RequireCoordinator(tx, request.parent(), request.parent()).status());
    ASSIGN_OR_RETURN(auto const incident, LockIncident(tx, request.parent(), request.parent()));
    ASSIGN_OR_RETURN(auto const there, FindParty(tx, incident.name(), request.incident_party().subject()));
    if (there) {
      return Error(absl::StatusCode::kAlreadyExists, v1::ERROR_REASON_PARTY_EXISTS, "the subject is a party already",
                   {{"party", there->name()}});
    }
    v1::IncidentParty party = request.incident_party();
    party.set_name(absl::StrCat(request.parent(), "/parties/", IdOr(call, request.incident_party_id())));
    RETURN_IF_ERROR(tx.Insert(party));
    RETURN_IF_ERROR(AddToTimeline(tx, incident.name(), v1::TIMELINE_KIND_PARTY_ADDED, party.need_to_know()));
    tx.AnswerIsAbout(incident.name());
    return party;
  });
}

absl::StatusOr<v1::ListIncidentPartiesResponse> IncidentService::ListIncidentParties(
    CallContext const& call, v1::ListIncidentPartiesRequest const& request) {
  return ListOfIncident<v1::ListIncidentPartiesResponse>(call, request, "incident_parties t");
}

absl::StatusOr<google::protobuf::Empty> IncidentService::DeleteIncidentParty(CallContext const& call,
                                                                             v1::DeleteIncidentPartyRequest const& request) {
  auto const name = IncidentOf(request.name());
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<google::protobuf::Empty> {
    RETURN_IF_ERROR(RequireCoordinator(tx, name, request.name()).status());
    RETURN_IF_ERROR(LockIncident(tx, name, request.name()).status());
    ASSIGN_OR_RETURN(auto const party, tx.Get<v1::IncidentParty>(request.name()));
    auto const key = KeyOf<v1::Incident>(name);
    ASSIGN_OR_RETURN(auto const coordinators, tx.Query(kCoordinators, {std::string_view(key[0]), std::string_view(key[1])}));
    if (party.coordinates() && coordinators.size() < 2) {
      return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_LAST_COORDINATOR,
                   "somebody has to coordinate: add another coordinator first", {{"incident", name}});
    }
    RETURN_IF_ERROR(tx.Delete<v1::IncidentParty>(request.name()));
    RETURN_IF_ERROR(AddToTimeline(tx, name, v1::TIMELINE_KIND_PARTY_REMOVED));
    return google::protobuf::Empty();
  });
}

absl::StatusOr<v1::IncidentTask> IncidentService::CreateIncidentTask(CallContext const& call,
                                                                     v1::CreateIncidentTaskRequest const& request) {
  RETURN_IF_ERROR(CheckTask(request, call.Now()));
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::IncidentTask> {
    RETURN_IF_ERROR(RequireCoordinator(tx, request.parent(), request.parent()).status());
    ASSIGN_OR_RETURN(auto const incident, LockIncident(tx, request.parent(), request.parent()));
    RETURN_IF_ERROR(RequireState(incident, IsUnderWay));
    v1::IncidentTask task = request.incident_task();
    task.set_name(absl::StrCat(request.parent(), "/tasks/", IdOr(call, request.incident_task_id())));
    task.set_state(v1::TASK_STATE_OPEN);
    task.set_assigner(call.identity().subject());
    ASSIGN_OR_RETURN(auto const line, LineOf(tx, task, incident.name()));
    RETURN_IF_ERROR(tx.Insert(task));
    RETURN_IF_ERROR(StoreDeputies(tx, task));
    RETURN_IF_ERROR(AddToTimeline(tx, incident.name(), v1::TIMELINE_KIND_TASK, task.title()));
    RETURN_IF_ERROR(RaiseAlert(tx, incident, {"", task.name(), line}));
    tx.AnswerIsAbout(incident.name());
    return task;
  });
}

absl::StatusOr<v1::ListIncidentTasksResponse> IncidentService::ListIncidentTasks(CallContext const& call,
                                                                                 v1::ListIncidentTasksRequest const& request) {
  return store_.Read(call, [&](ReadTransaction& tx) -> absl::StatusOr<v1::ListIncidentTasksResponse> {
    ASSIGN_OR_RETURN(auto page, PageOfIncident<v1::ListIncidentTasksResponse>(tx, request, "incident_tasks t"));
    RETURN_IF_ERROR(CompleteTasks(tx, request.parent(), *page.mutable_incident_tasks()));
    return page;
  });
}

absl::StatusOr<v1::IncidentTask> IncidentService::CompleteIncidentTask(CallContext const& call,
                                                                       v1::CompleteIncidentTaskRequest const& request) {
  RETURN_IF_ERROR(CheckTexts({{"outcome", request.outcome()}}, request.confirm_no_personal_data()));
  if (request.state() == v1::TASK_STATE_OPEN) return BadRequest({{"state", "must be DONE or CANCELLED"}});
  auto const name = IncidentOf(request.name());
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::IncidentTask> {
    RETURN_IF_ERROR(RequireParty(tx, name, request.name()).status());
    RETURN_IF_ERROR(LockIncident(tx, name, request.name()).status());
    ASSIGN_OR_RETURN(auto task, tx.Get<v1::IncidentTask>(request.name()));
    if (task.owner() != call.identity().subject()) {
      RETURN_IF_ERROR(RequireCoordinator(tx, name, request.name()).status());
    }
    if (task.state() != v1::TASK_STATE_OPEN) {
      return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_TASK_ENDED, "the task has ended",
                   {{"task", task.name()}, {"state", contract::EnumText(task.state())}});
    }
    task.set_state(request.state());
    task.set_outcome(request.outcome());
    RETURN_IF_ERROR(tx.Update(task));
    RETURN_IF_ERROR(SettleAlerts(tx, name, task.name()));
    RETURN_IF_ERROR(AddToTimeline(tx, name, v1::TIMELINE_KIND_TASK, request.outcome()));
    tx.AnswerIsAbout(name);
    google::protobuf::RepeatedPtrField<v1::IncidentTask> tasks;
    tasks.Add()->Swap(&task);
    RETURN_IF_ERROR(CompleteTasks(tx, name, tasks));
    return tasks[0];
  });
}

absl::StatusOr<v1::TimelineEntry> IncidentService::CreateTimelineEntry(CallContext const& call,
                                                                       v1::CreateTimelineEntryRequest const& request) {
  RETURN_IF_ERROR(CheckTexts({{"timeline_entry.text", request.timeline_entry().text()}}, request.confirm_no_personal_data()));
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::TimelineEntry> {
    RETURN_IF_ERROR(RequireParty(tx, request.parent(), request.parent()).status());
    v1::TimelineEntry entry = request.timeline_entry();
    entry.set_kind(v1::TIMELINE_KIND_NOTE);
    RETURN_IF_ERROR(EnterInTimeline(tx, request.parent(), entry));
    tx.AnswerIsAbout(request.parent());
    return entry;
  });
}

absl::StatusOr<v1::ListTimelineEntriesResponse> IncidentService::ListTimelineEntries(
    CallContext const& call, v1::ListTimelineEntriesRequest const& request) {
  return ListOfIncident<v1::ListTimelineEntriesResponse>(call, request, "timeline_entries t");
}

}  // namespace helhed::communications
