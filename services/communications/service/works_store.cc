#include "services/communications/service/works_store.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <utility>

#include "helhed/communications/v1/errors.pb.h"
#include "helhed/communications/v1/events.pb.h"
#include "services/communications/service/moved_plans.h"
#include "services/communications/service/names.h"
#include "services/platform/base/civil.h"
#include "services/platform/base/requests.h"

namespace helhed::communications {
namespace {

using storage::Statement;

Statement const kLockWorks("communications.lock_works_notice",
                           "SELECT state FROM works_notices WHERE plan = $1 AND works_notice = $2",
                           "SELECT state FROM works_notices WHERE plan = $1 AND works_notice = $2 FOR NO KEY UPDATE");
Statement const kAreas(
    "communications.works_areas",
    "SELECT organisation, department, stairwell, dwelling, period_start_date, period_end_date, works_notice FROM works_areas "
    "WHERE plan = $1 AND works_notice >= $2 AND works_notice <= $3 ORDER BY works_notice, position");
Statement const kStoreArea(
    "communications.store_works_area",
    "INSERT INTO works_areas (plan, works_notice, position, organisation, department, stairwell, dwelling, "
    "period_start_date, period_end_date) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)");
Statement const kPeriodOn("communications.notice_period_on",
                          "SELECT notice_period FROM notice_periods WHERE kind = $1 AND start_date <= $2 "
                          "ORDER BY start_date DESC LIMIT 1");
Statement const kHouseholds("communications.households_of_works",
                            "SELECT household_organisation, household, dwelling_organisation, dwelling, period_start_date, "
                            "period_end_date, state, delivery_date, informed FROM works_households "
                            "WHERE plan = $1 AND works_notice = $2 ORDER BY household_organisation, household");
Statement const kInformed(
    "communications.note_informed_households",
    "UPDATE works_households SET informed = TRUE WHERE plan = $1 AND works_notice = $2 AND works_household = $3");
// Whoever was told, or has to be told that it is off, heard of the works.
Statement const kInformedAll("communications.note_all_informed_households",
                             "UPDATE works_households SET informed = TRUE WHERE plan = $1 AND works_notice = $2 "
                             "AND state IN (2, 3, 4)");
Statement const kHouseholdState("communications.state_of_works_household",
                                "SELECT state FROM works_households WHERE plan = $1 AND works_notice = $2 "
                                "AND works_household = $3");
Statement const kTell("communications.tell_works_household",
                      "UPDATE works_households SET state = $4, delivery_date = $5, earliest_start_date = $6, informed = TRUE, "
                      "revision = revision + 1, update_time = $7 WHERE plan = $1 AND works_notice = $2 AND works_household = $3");
// 1 waiting becomes 2 told, 3 withdrawn and waiting becomes 4 withdrawn and told.
Statement const kTellAll("communications.tell_all_waiting_works_households",
                         "UPDATE works_households SET delivery_date = $3, "
                         "earliest_start_date = CASE WHEN state = 1 THEN $4 ELSE NULL END, state = state + 1, informed = TRUE, "
                         "revision = revision + 1, update_time = $5 WHERE plan = $1 AND works_notice = $2 AND state IN (1, 3)");
// The latest of each is the end of an index, and no row is counted.
Statement const kLatestStart(
    "communications.latest_works_start",
    "SELECT earliest_start_date FROM works_households WHERE plan = $1 AND works_notice = $2 "
    "AND earliest_start_date IS NOT NULL ORDER BY earliest_start_date DESC, works_household DESC LIMIT 1");
Statement const kLatestDelivery("communications.latest_works_delivery",
                                "SELECT delivery_date FROM works_households WHERE plan = $1 AND works_notice = $2 "
                                "AND state = 2 ORDER BY delivery_date DESC LIMIT 1");
Statement const kViolation("communications.latest_works_violation",
                           "SELECT earliest_start_date FROM works_households WHERE plan = $1 AND works_notice = $2 "
                           "AND earliest_start_date > period_start_date ORDER BY earliest_start_date DESC LIMIT 1");
Statement const kBegin("communications.begin_works_delivery",
                       "UPDATE works_notices SET delivery_start_date = $3 WHERE plan = $1 AND works_notice = $2");
Statement const kBegan("communications.works_delivery_began",
                       "SELECT delivery_start_date FROM works_notices WHERE plan = $1 AND works_notice = $2");

std::string IdOf(std::string_view household) { return UuidOf(household); }

std::string NameOfHousehold(std::string_view organisation, std::string_view collection, std::string_view id) {
  return absl::StrCat("organisations/", Av(organisation), "/", Av(collection), "/", Av(id));
}

bool IsTold(v1::WorksHouseholdState state) {
  return state == v1::WORKS_HOUSEHOLD_STATE_TOLD || state == v1::WORKS_HOUSEHOLD_STATE_WITHDRAWN_TOLD;
}

common::v1::DateRange RangeOf(storage::Rows const& rows, std::size_t row, std::size_t start) {
  Period period{FromIsoDate(rows.Text(row, start)).value_or(absl::CivilDay()), std::nullopt};
  if (!rows.IsNull(row, start + 1)) period.end = FromIsoDate(rows.Text(row, start + 1));
  return ToProtoRange(period);
}

storage::Bind TextOrNull(std::string const& text) {
  return text.empty() ? storage::Bind(nullptr) : storage::Bind(std::string_view(text));
}

// The one day that a statement finds for a notice, if it finds one.
absl::StatusOr<std::optional<absl::CivilDay>> DayOf(ReadTransaction& tx, Statement const& statement, std::string_view notice) {
  auto const key = KeyOf<v1::WorksNotice>(notice);
  ASSIGN_OR_RETURN(auto const rows, tx.Query(statement, {std::string_view(key[0]), std::string_view(key[1])}));
  if (rows.empty()) return std::nullopt;
  return FromIsoDate(rows.Text(0, 0));
}

absl::Status StoreAreas(WriteTransaction& tx, v1::WorksNotice const& notice) {
  auto const key = KeyOf<v1::WorksNotice>(notice.name());
  for (int i = 0; i < notice.areas_size(); ++i) {
    auto const& area = notice.areas(i);
    auto const organisation = contract::ParentOf(area.department());
    std::string const start = area.has_period() ? ToIsoDate(*ToCivil(area.period().start_date())) : "";
    std::string const end =
        area.has_period() && area.period().has_end_date() ? ToIsoDate(*ToCivil(area.period().end_date())) : "";
    std::string_view const dwelling = area.dwelling().empty() ? std::string_view() : contract::LastPart(area.dwelling());
    RETURN_IF_ERROR(tx.Enqueue(kStoreArea, {std::string_view(key[0]), std::string_view(key[1]), std::int64_t{i},
                                            contract::LastPart(organisation), contract::LastPart(area.department()),
                                            std::string_view(area.stairwell()), dwelling, TextOrNull(start), TextOrNull(end)}));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CompleteWorksNotices(ReadTransaction& tx, std::span<v1::WorksNotice* const> notices) {
  if (notices.empty()) return absl::OkStatus();
  std::map<std::string, v1::WorksNotice*, std::less<>> by_id;
  for (auto* const notice : notices) by_id.emplace(contract::LastPart(notice->name()), notice);
  auto const plan = PlanOf(notices.front()->name());
  ASSIGN_OR_RETURN(auto const rows, tx.Query(kAreas, {contract::LastPart(plan), std::string_view(by_id.begin()->first),
                                                      std::string_view(by_id.rbegin()->first)}));
  for (std::size_t row = 0; row < rows.size(); ++row) {
    auto const notice = by_id.find(rows.Text(row, 6));
    if (notice == by_id.end()) continue;
    auto& area = *notice->second->add_areas();
    area.set_department(NameOfHousehold(rows.Text(row, 0), "departments", rows.Text(row, 1)));
    area.set_stairwell(rows.Text(row, 2));
    if (!rows.Text(row, 3).empty()) area.set_dwelling(NameOfHousehold(rows.Text(row, 0), "dwellings", rows.Text(row, 3)));
    if (!rows.IsNull(row, 4)) *area.mutable_period() = RangeOf(rows, row, 4);
  }
  return absl::OkStatus();
}

absl::StatusOr<v1::WorksNotice> LoadWorksNotice(ReadTransaction& tx, std::string_view name) {
  ASSIGN_OR_RETURN(auto notice, tx.Get<v1::WorksNotice>(name));
  std::array<v1::WorksNotice*, 1> const one = {&notice};
  RETURN_IF_ERROR(CompleteWorksNotices(tx, one));
  return notice;
}

absl::StatusOr<v1::WorksNotice> LockWorksNotice(WriteTransaction& tx, std::string_view name) {
  auto const key = KeyOf<v1::WorksNotice>(name);
  RETURN_IF_ERROR(tx.Query(kLockWorks, {std::string_view(key[0]), std::string_view(key[1])}).status());
  ASSIGN_OR_RETURN(auto notice, LoadWorksNotice(tx, name));
  if (notice.has_move_date()) return GoneOn(name, notice.successor());
  return notice;
}

absl::Status InsertWorksNotice(WriteTransaction& tx, v1::WorksNotice& notice) {
  RETURN_IF_ERROR(tx.Insert(notice));
  return StoreAreas(tx, notice);
}

absl::Status AppendWorksChanged(WriteTransaction& tx, v1::WorksNotice const& notice, v1::WorksState former) {
  v1::WorksNoticeChanged event;
  event.set_works_notice(notice.name());
  event.set_state(notice.state());
  event.set_former_state(former);
  event.set_waiting_count(notice.waiting_count());
  return tx.Append(event, notice.name(), PlanOf(notice.name()));
}

absl::Status SaveWorksNotice(WriteTransaction& tx, v1::WorksNotice& notice, v1::WorksState former) {
  RETURN_IF_ERROR(tx.Update(notice));
  return AppendWorksChanged(tx, notice, former);
}

absl::StatusOr<v1::NoticePeriod> NoticePeriodOn(ReadTransaction& tx, v1::WorksKind kind, absl::CivilDay day) {
  auto const date = ToIsoDate(day);
  ASSIGN_OR_RETURN(auto const rows, tx.Query(kPeriodOn, {std::int64_t{kind}, std::string_view(date)}));
  if (rows.empty()) {
    return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_NO_RULE, "no notice period is known for that day",
                 {{"date", date}});
  }
  return tx.Get<v1::NoticePeriod>("noticePeriods/" + rows.Text(0, 0));
}

absl::StatusOr<std::vector<Told>> LoadHouseholds(ReadTransaction& tx, std::string_view notice) {
  auto const key = KeyOf<v1::WorksNotice>(notice);
  ASSIGN_OR_RETURN(auto const rows, tx.Query(kHouseholds, {std::string_view(key[0]), std::string_view(key[1])}));
  std::vector<Told> households;
  households.reserve(rows.size());
  for (std::size_t row = 0; row < rows.size(); ++row) {
    Told told;
    told.household.household = NameOfHousehold(rows.Text(row, 0), "households", rows.Text(row, 1));
    told.household.dwelling = NameOfHousehold(rows.Text(row, 2), "dwellings", rows.Text(row, 3));
    told.household.period = StoredPeriod(RangeOf(rows, row, 4));
    told.state = static_cast<v1::WorksHouseholdState>(rows.Int64(row, 6));
    if (!rows.IsNull(row, 7)) told.delivery = FromIsoDate(rows.Text(row, 7));
    told.informed = rows.Bool(row, 8);
    households.push_back(std::move(told));
  }
  return households;
}

absl::Status EnterHouseholds(WriteTransaction& tx, v1::WorksNotice const& notice, std::span<Told const> households) {
  auto const key = KeyOf<v1::WorksNotice>(notice.name());
  EarliestStarts starts(tx, notice.kind());
  std::vector<v1::WorksHousehold> rows;
  rows.reserve(households.size());
  for (auto const& told : households) {
    v1::WorksHousehold row;
    row.set_name(absl::StrCat(notice.name(), "/households/", IdOf(told.household.household)));
    row.set_household(told.household.household);
    row.set_dwelling(told.household.dwelling);
    *row.mutable_period() = ToProtoRange(told.household.period);
    row.set_state(told.state);
    if (told.delivery) *row.mutable_delivery_date() = ToProtoDate(*told.delivery);
    if (told.state == v1::WORKS_HOUSEHOLD_STATE_TOLD) {
      ASSIGN_OR_RETURN(auto const start, starts.Of(*told.delivery));
      *row.mutable_earliest_start_date() = ToProtoDate(start);
    }
    rows.push_back(std::move(row));
  }
  RETURN_IF_ERROR(tx.InsertMany(rows));
  RETURN_IF_ERROR(tx.Enqueue(kInformedAll, {std::string_view(key[0]), std::string_view(key[1])}));
  for (auto const& told : households) {
    if (!told.informed || told.state != v1::WORKS_HOUSEHOLD_STATE_WAITING) continue;
    auto const id = IdOf(told.household.household);
    RETURN_IF_ERROR(tx.Enqueue(kInformed, {std::string_view(key[0]), std::string_view(key[1]), std::string_view(id)}));
  }
  return absl::OkStatus();
}

void SetCounts(v1::WorksNotice& notice, std::span<Told const> households) {
  auto const waits = [](Told const& told) { return !IsTold(told.state); };
  notice.set_household_count(static_cast<int>(households.size()));
  notice.set_waiting_count(static_cast<int>(std::count_if(households.begin(), households.end(), waits)));
}

absl::StatusOr<std::optional<absl::CivilDay>> LatestStart(ReadTransaction& tx, std::string_view notice) {
  return DayOf(tx, kLatestStart, notice);
}

absl::Status ReckonDates(ReadTransaction& tx, v1::WorksNotice& notice) {
  notice.clear_last_delivery_date();
  notice.clear_earliest_start_date();
  if (notice.waiting_count() > 0) return absl::OkStatus();
  ASSIGN_OR_RETURN(auto const last, DayOf(tx, kLatestDelivery, notice.name()));
  ASSIGN_OR_RETURN(auto const start, LatestStart(tx, notice.name()));
  if (last) *notice.mutable_last_delivery_date() = ToProtoDate(*last);
  if (start) *notice.mutable_earliest_start_date() = ToProtoDate(*start);
  return absl::OkStatus();
}

absl::StatusOr<absl::CivilDay> EarliestStarts::Of(absl::CivilDay delivery) {
  auto const known = starts_.find(delivery);
  if (known != starts_.end()) return known->second;
  ASSIGN_OR_RETURN(auto const period, NoticePeriodOn(tx_, kind_, delivery));
  return starts_.emplace(delivery, EarliestStart(delivery, period)).first->second;
}

absl::StatusOr<bool> Tell(WriteTransaction& tx, EarliestStarts& starts, std::string_view notice, std::string_view household,
                          absl::CivilDay day) {
  auto const key = KeyOf<v1::WorksNotice>(notice);
  auto const id = IdOf(household);
  ASSIGN_OR_RETURN(auto const rows,
                   tx.Query(kHouseholdState, {std::string_view(key[0]), std::string_view(key[1]), std::string_view(id)}));
  if (rows.empty()) {
    return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_HOUSEHOLD_NOT_AFFECTED,
                 "a household is none of those that the notice is about", {});
  }
  auto const state = static_cast<v1::WorksHouseholdState>(rows.Int64(0, 0));
  if (IsTold(state)) return false;
  std::string const date = ToIsoDate(day);
  std::string start;
  if (state == v1::WORKS_HOUSEHOLD_STATE_WAITING) {
    ASSIGN_OR_RETURN(auto const earliest, starts.Of(day));
    start = ToIsoDate(earliest);
  }
  auto const told = start.empty() ? v1::WORKS_HOUSEHOLD_STATE_WITHDRAWN_TOLD : v1::WORKS_HOUSEHOLD_STATE_TOLD;
  RETURN_IF_ERROR(tx.Enqueue(kTell, {std::string_view(key[0]), std::string_view(key[1]), std::string_view(id), std::int64_t{told},
                                     std::string_view(date), TextOrNull(start), absl::ToUnixMicros(tx.call().Now())}));
  return true;
}

absl::Status TellAll(WriteTransaction& tx, EarliestStarts& starts, std::string_view notice, absl::CivilDay day) {
  auto const key = KeyOf<v1::WorksNotice>(notice);
  ASSIGN_OR_RETURN(auto const earliest, starts.Of(day));
  auto const date = ToIsoDate(day);
  auto const start = ToIsoDate(earliest);
  return tx.Enqueue(kTellAll, {std::string_view(key[0]), std::string_view(key[1]), std::string_view(date),
                               std::string_view(start), absl::ToUnixMicros(tx.call().Now())});
}

absl::StatusOr<std::optional<absl::CivilDay>> LatestViolation(ReadTransaction& tx, std::string_view notice) {
  return DayOf(tx, kViolation, notice);
}

absl::Status BeginDelivery(WriteTransaction& tx, std::string_view notice) {
  auto const key = KeyOf<v1::WorksNotice>(notice);
  auto const today = ToIsoDate(tx.call().Today());
  return tx.Enqueue(kBegin, {std::string_view(key[0]), std::string_view(key[1]), std::string_view(today)});
}

absl::StatusOr<absl::CivilDay> DeliveryBegan(ReadTransaction& tx, std::string_view notice) {
  auto const key = KeyOf<v1::WorksNotice>(notice);
  ASSIGN_OR_RETURN(auto const rows, tx.Query(kBegan, {std::string_view(key[0]), std::string_view(key[1])}));
  if (rows.empty() || rows.IsNull(0, 0)) return tx.call().Today();
  return FromIsoDate(rows.Text(0, 0)).value_or(tx.call().Today());
}

}  // namespace helhed::communications
