#include "services/activities/service/activity_store.h"

#include <absl/strings/str_cat.h>

#include <map>
#include <vector>

#include "helhed/activities/v1/errors.pb.h"
#include "helhed/activities/v1/events.pb.h"
#include "services/activities/domain/activity_life.h"
#include "services/activities/service/moved_plans.h"
#include "services/activities/service/requests.h"
#include "services/platform/base/civil.h"

namespace helhed::activities {
namespace {

using storage::Statement;

// SQLite has one writer.
Statement const kLockSeats(
    "activities.lock_seats",
    "SELECT capacity, taken, waiting, last_number, moved FROM activity_seats WHERE plan = $1 AND activity = $2",
    "SELECT capacity, taken, waiting, last_number, moved FROM activity_seats WHERE plan = $1 AND activity = $2 "
    "FOR NO KEY UPDATE");
Statement const kSaveSeats("activities.save_seats",
                           "UPDATE activity_seats SET capacity = $3, taken = $4, waiting = $5, last_number = $6 "
                           "WHERE plan = $1 AND activity = $2");
Statement const kMakeSeats("activities.make_seats", "INSERT INTO activity_seats (plan, activity, capacity) VALUES ($1, $2, $3)");
Statement const kMakeTally("activities.make_tally",
                           "INSERT INTO activity_tallies (plan, activity, confirmed, attended) VALUES ($1, $2, 0, 0)");
// Of several activities of one plan.
Statement const kSeats("activities.seats",
                       "SELECT activity, taken, waiting FROM activity_seats WHERE plan = $1 "
                       "AND activity IN (SELECT wanted.value FROM json_each($2) AS wanted)",
                       "SELECT activity, taken, waiting FROM activity_seats WHERE plan = $1 "
                       "AND activity IN (SELECT wanted.value FROM json_array_elements_text(CAST($2 AS JSON)) AS wanted (value))");
Statement const kPartners("activities.partners",
                          "SELECT activity, kind, display_name FROM activity_partners WHERE plan = $1 "
                          "AND activity IN (SELECT wanted.value FROM json_each($2) AS wanted) ORDER BY activity, position",
                          "SELECT activity, kind, display_name FROM activity_partners WHERE plan = $1 "
                          "AND activity IN (SELECT wanted.value FROM json_array_elements_text(CAST($2 AS JSON)) AS wanted "
                          "(value)) ORDER BY activity, position");
Statement const kDeletePartners("activities.delete_partners", "DELETE FROM activity_partners WHERE plan = $1 AND activity = $2");
Statement const kStorePartner("activities.store_partner",
                              "INSERT INTO activity_partners (plan, activity, position, kind, display_name) "
                              "VALUES ($1, $2, $3, $4, $5)");
Statement const kLanguages("activities.languages",
                           "SELECT activity, language FROM activity_languages WHERE plan = $1 "
                           "AND activity IN (SELECT wanted.value FROM json_each($2) AS wanted) ORDER BY activity, position",
                           "SELECT activity, language FROM activity_languages WHERE plan = $1 "
                           "AND activity IN (SELECT wanted.value FROM json_array_elements_text(CAST($2 AS JSON)) AS wanted "
                           "(value)) ORDER BY activity, position");
Statement const kDeleteLanguages("activities.delete_languages",
                                 "DELETE FROM activity_languages WHERE plan = $1 AND activity = $2");
Statement const kStoreLanguage("activities.store_language",
                               "INSERT INTO activity_languages (plan, activity, position, language) VALUES ($1, $2, $3, $4)");
Statement const kPausedState("activities.paused_state", "SELECT paused_state FROM activities WHERE plan = $1 AND activity = $2");
Statement const kSetPausedState("activities.set_paused_state",
                                "UPDATE activities SET paused_state = $3 WHERE plan = $1 AND activity = $2");
Statement const kRuleOn("activities.rule_on",
                        "SELECT activity_rule FROM activity_rules WHERE activity_rule <= $1 ORDER BY activity_rule DESC LIMIT 1");

storage::Bind CapacityBind(std::optional<std::int64_t> capacity) {
  return capacity ? storage::Bind(*capacity) : storage::Bind(nullptr);
}

}  // namespace

absl::StatusOr<Seats> LockSeats(WriteTransaction& tx, std::string_view name, Moved moved) {
  auto const [plan, activity] = KeyOf(name);
  ASSIGN_OR_RETURN(auto const rows, tx.Query(kLockSeats, {plan, activity}));
  if (rows.empty()) return NotFound(ActivityOf(name));
  if (rows.Bool(0, 4) && moved == Moved::kRefused) {
    ASSIGN_OR_RETURN(auto const old, tx.Get<v1::Activity>(ActivityOf(name)));
    return GoneOn(old.name(), old.successor());
  }
  Seats seats{.taken = rows.Int64(0, 1), .waiting = rows.Int64(0, 2), .last_number = rows.Int64(0, 3)};
  if (!rows.IsNull(0, 0)) seats.capacity = rows.Int64(0, 0);
  return seats;
}

absl::Status SaveSeats(WriteTransaction& tx, std::string_view name, Seats const& seats) {
  auto const [plan, activity] = KeyOf(name);
  return tx.Enqueue(kSaveSeats, {plan, activity, CapacityBind(seats.capacity), seats.taken, seats.waiting, seats.last_number});
}

absl::Status MakeSeats(WriteTransaction& tx, v1::Activity const& activity) {
  auto const [plan, id] = KeyOf(activity.name());
  std::optional<std::int64_t> capacity;
  if (activity.has_capacity()) capacity = activity.capacity();
  RETURN_IF_ERROR(tx.Enqueue(kMakeTally, {plan, id}));
  return tx.Enqueue(kMakeSeats, {plan, id, CapacityBind(capacity)});
}

absl::Status CompleteActivities(ReadTransaction& tx, std::span<v1::Activity* const> activities) {
  if (activities.empty()) return absl::OkStatus();
  auto const plan = KeyOf(activities.front()->name()).plan;
  std::map<std::string, v1::Activity*> by_id;
  std::vector<std::string> ids;
  for (auto* const activity : activities) {
    ids.emplace_back(KeyOf(activity->name()).activity);
    by_id[ids.back()] = activity;
  }
  auto const wanted = JsonArray(ids);
  ASSIGN_OR_RETURN(auto const partners, tx.Query(kPartners, {plan, std::string_view(wanted)}));
  for (std::size_t i = 0; i < partners.size(); ++i) {
    auto& partner = *by_id.at(partners.Text(i, 0))->add_partners();
    partner.set_kind(static_cast<v1::PartnerKind>(partners.Int64(i, 1)));
    partner.set_display_name(partners.Text(i, 2));
  }
  ASSIGN_OR_RETURN(auto const languages, tx.Query(kLanguages, {plan, std::string_view(wanted)}));
  for (std::size_t i = 0; i < languages.size(); ++i) by_id.at(languages.Text(i, 0))->add_languages(languages.Text(i, 1));
  ASSIGN_OR_RETURN(auto const seats, tx.Query(kSeats, {plan, std::string_view(wanted)}));
  for (std::size_t i = 0; i < seats.size(); ++i) {
    auto& activity = *by_id.at(seats.Text(i, 0));
    activity.set_taken_count(static_cast<int>(seats.Int64(i, 1)));
    activity.set_waiting_count(static_cast<int>(seats.Int64(i, 2)));
  }
  return absl::OkStatus();
}

absl::StatusOr<v1::Activity> LoadActivity(ReadTransaction& tx, std::string_view name) {
  ASSIGN_OR_RETURN(auto activity, tx.Get<v1::Activity>(ActivityOf(name)));
  v1::Activity* const one[] = {&activity};
  RETURN_IF_ERROR(CompleteActivities(tx, one));
  return activity;
}

absl::Status StoreLists(WriteTransaction& tx, v1::Activity const& activity) {
  auto const [plan, id] = KeyOf(activity.name());
  RETURN_IF_ERROR(tx.Enqueue(kDeletePartners, {plan, id}));
  for (int i = 0; i < activity.partners_size(); ++i) {
    auto const& partner = activity.partners(i);
    RETURN_IF_ERROR(tx.Enqueue(kStorePartner, {plan, id, std::int64_t{i}, static_cast<std::int64_t>(partner.kind()),
                                               std::string_view(partner.display_name())}));
  }
  RETURN_IF_ERROR(tx.Enqueue(kDeleteLanguages, {plan, id}));
  for (int i = 0; i < activity.languages_size(); ++i) {
    RETURN_IF_ERROR(tx.Enqueue(kStoreLanguage, {plan, id, std::int64_t{i}, std::string_view(activity.languages(i))}));
  }
  return absl::OkStatus();
}

absl::StatusOr<v1::ActivityState> PausedState(ReadTransaction& tx, std::string_view name) {
  auto const [plan, activity] = KeyOf(name);
  ASSIGN_OR_RETURN(auto const rows, tx.Query(kPausedState, {plan, activity}));
  if (rows.empty() || rows.IsNull(0, 0)) return v1::ACTIVITY_STATE_UNSPECIFIED;
  return static_cast<v1::ActivityState>(rows.Int64(0, 0));
}

absl::Status SetPausedState(WriteTransaction& tx, std::string_view name, v1::ActivityState state) {
  auto const [plan, activity] = KeyOf(name);
  auto const bind =
      state == v1::ACTIVITY_STATE_UNSPECIFIED ? storage::Bind(nullptr) : storage::Bind(static_cast<std::int64_t>(state));
  return tx.Enqueue(kSetPausedState, {plan, activity, bind});
}

absl::Status AppendActivityChanged(WriteTransaction& tx, v1::Activity const& activity, v1::ActivityState former,
                                   std::string_view reason) {
  v1::ActivityChanged event;
  event.set_activity(activity.name());
  event.set_state(activity.state());
  event.set_former_state(former);
  event.set_reason(std::string(reason));
  return tx.Append(event, activity.name(), PlanOf(activity.name()));
}

absl::Status SaveActivity(WriteTransaction& tx, v1::Activity& activity, v1::ActivityState former, std::string_view reason) {
  RETURN_IF_ERROR(tx.Update(activity));
  return AppendActivityChanged(tx, activity, former, reason);
}

absl::Status RequireNotOver(v1::Activity const& activity) {
  if (!IsOver(activity.state())) return absl::OkStatus();
  return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_ACTIVITY_CLOSED, "the activity is over or cancelled",
               {{"activity", activity.name()}, {"state", NameOf(activity.state())}});
}

absl::StatusOr<v1::ActivityRule> RuleOn(ReadTransaction& tx, absl::CivilDay day) {
  auto const date = ToIsoDate(day);
  ASSIGN_OR_RETURN(auto const rows, tx.Query(kRuleOn, {date}));
  if (rows.empty()) {
    return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_NO_RULE, "no rule about activities holds on this date",
                 {{"date", date}});
  }
  return tx.Get<v1::ActivityRule>(absl::StrCat("activityRules/", rows.Text(0, 0)));
}

}  // namespace helhed::activities
