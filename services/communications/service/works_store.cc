#include "services/communications/service/works_store.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include <algorithm>
#include <utility>

#include "helhed/communications/v1/errors.pb.h"
#include "helhed/communications/v1/events.pb.h"
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
    "SELECT organisation, department, stairwell, dwelling, period_start_date, period_end_date FROM works_areas "
    "WHERE plan = $1 AND works_notice = $2 ORDER BY position");
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
Statement const kWaitingHouseholds(
    "communications.works_households_waiting",
    "SELECT household_organisation, household FROM works_households WHERE plan = $1 AND works_notice = $2 "
    "AND state IN (1, 3) LIMIT $3");
// The latest of each is the end of an index, and no row is counted.
Statement const kLatestStart(
    "communications.latest_works_start",
    "SELECT earliest_start_date FROM works_households WHERE plan = $1 AND works_notice = $2 "
    "AND earliest_start_date IS NOT NULL ORDER BY earliest_start_date DESC, works_household DESC LIMIT 1");
Statement const kLatestDelivery("communications.latest_works_delivery",
                                "SELECT MAX(delivery_date) AS latest FROM works_households WHERE plan = $1 AND works_notice = $2 "
                                "AND state = 2");
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

absl::Status StoreAreas(WriteTransaction& tx, v1::WorksNotice const& notice) {
  auto const key = KeyOf<v1::WorksNotice>(notice.name());
  for (int i = 0; i < notice.areas_size(); ++i) {
    auto const& area = notice.areas(i);
    auto const organisation = contract::ParentOf(area.department());
    std::string const start = area.has_period() ? ToIsoDate(*ToCivil(area.period().start_date())) : "";
    std::string const end =
        area.has_period() && area.period().has_end_date() ? ToIsoDate(*ToCivil(area.period().end_date())) : "";
    auto const text_or_null = [](std::string const& text) {
      return text.empty() ? storage::Bind(nullptr) : storage::Bind(std::string_view(text));
    };
    std::string_view const dwelling = area.dwelling().empty() ? std::string_view() : contract::LastPart(area.dwelling());
    RETURN_IF_ERROR(
        tx.Enqueue(kStoreArea, {std::string_view(key[0]), std::string_view(key[1]), std::int64_t{i},
                                contract::LastPart(organisation), contract::LastPart(area.department()),
                                std::string_view(area.stairwell()), dwelling, text_or_null(start), text_or_null(end)}));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CompleteWorksNotice(ReadTransaction& tx, v1::WorksNotice& notice) {
  auto const key = KeyOf<v1::WorksNotice>(notice.name());
  ASSIGN_OR_RETURN(auto const rows, tx.Query(kAreas, {std::string_view(key[0]), std::string_view(key[1])}));
  for (std::size_t row = 0; row < rows.size(); ++row) {
    auto& area = *notice.add_areas();
    area.set_department(NameOfHousehold(rows.Text(row, 0), "departments", rows.Text(row, 1)));
    area.set_stairwell(rows.Text(row, 2));
    if (!rows.Text(row, 3).empty()) area.set_dwelling(NameOfHousehold(rows.Text(row, 0), "dwellings", rows.Text(row, 3)));
    if (!rows.IsNull(row, 4)) *area.mutable_period() = RangeOf(rows, row, 4);
  }
  return absl::OkStatus();
}

absl::StatusOr<v1::WorksNotice> LoadWorksNotice(ReadTransaction& tx, std::string_view name) {
  ASSIGN_OR_RETURN(auto notice, tx.Get<v1::WorksNotice>(name));
  RETURN_IF_ERROR(CompleteWorksNotice(tx, notice));
  return notice;
}

absl::StatusOr<v1::WorksNotice> LockWorksNotice(WriteTransaction& tx, std::string_view name) {
  auto const key = KeyOf<v1::WorksNotice>(name);
  RETURN_IF_ERROR(tx.Query(kLockWorks, {std::string_view(key[0]), std::string_view(key[1])}).status());
  return LoadWorksNotice(tx, name);
}

absl::Status RequireState(v1::WorksNotice const& notice, std::initializer_list<v1::WorksState> states) {
  if (std::find(states.begin(), states.end(), notice.state()) != states.end()) return absl::OkStatus();
  std::vector<std::string> needed;
  for (auto const state : states) needed.push_back(NameOf(state));
  auto const names = absl::StrJoin(needed, ", ");
  return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_WORKS_STATE, "this needs the notice to be " + names,
               {{"works_notice", notice.name()}, {"state", NameOf(notice.state())}, {"needed", names}});
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
      ASSIGN_OR_RETURN(auto const period, NoticePeriodOn(tx, notice.kind(), *told.delivery));
      *row.mutable_earliest_start_date() = ToProtoDate(EarliestStart(*told.delivery, period));
    }
    rows.push_back(std::move(row));
  }
  RETURN_IF_ERROR(tx.InsertMany(rows));
  for (auto const& told : households) {
    if (!told.informed) continue;
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

absl::Status ReckonDates(ReadTransaction& tx, v1::WorksNotice& notice) {
  notice.clear_last_delivery_date();
  notice.clear_earliest_start_date();
  if (notice.waiting_count() > 0) return absl::OkStatus();
  auto const key = KeyOf<v1::WorksNotice>(notice.name());
  ASSIGN_OR_RETURN(auto const last, tx.Query(kLatestDelivery, {std::string_view(key[0]), std::string_view(key[1])}));
  ASSIGN_OR_RETURN(auto const start, tx.Query(kLatestStart, {std::string_view(key[0]), std::string_view(key[1])}));
  if (!last.empty() && !last.IsNull(0, 0)) *notice.mutable_last_delivery_date() = ToProtoDate(*FromIsoDate(last.Text(0, 0)));
  if (!start.empty()) *notice.mutable_earliest_start_date() = ToProtoDate(*FromIsoDate(start.Text(0, 0)));
  return absl::OkStatus();
}

absl::StatusOr<bool> IsAffected(ReadTransaction& tx, std::string_view notice, std::string_view household) {
  return tx.Exists<v1::WorksHousehold>(absl::StrCat(Av(notice), "/households/", IdOf(household)));
}

absl::StatusOr<bool> Tell(WriteTransaction& tx, v1::WorksNotice const& notice, std::string_view household, absl::CivilDay day) {
  auto const name = absl::StrCat(notice.name(), "/households/", IdOf(household));
  ASSIGN_OR_RETURN(bool const is_affected, IsAffected(tx, notice.name(), household));
  if (!is_affected) {
    return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_HOUSEHOLD_NOT_AFFECTED,
                 "a household is none of those that the notice is about", {});
  }
  ASSIGN_OR_RETURN(auto row, tx.Get<v1::WorksHousehold>(name));
  if (IsTold(row.state())) return false;
  bool const withdrawn = row.state() == v1::WORKS_HOUSEHOLD_STATE_WITHDRAWN_WAITING;
  row.set_state(withdrawn ? v1::WORKS_HOUSEHOLD_STATE_WITHDRAWN_TOLD : v1::WORKS_HOUSEHOLD_STATE_TOLD);
  *row.mutable_delivery_date() = ToProtoDate(day);
  if (!withdrawn) {
    ASSIGN_OR_RETURN(auto const period, NoticePeriodOn(tx, notice.kind(), day));
    *row.mutable_earliest_start_date() = ToProtoDate(EarliestStart(day, period));
    auto const key = KeyOf<v1::WorksHousehold>(name);
    RETURN_IF_ERROR(tx.Enqueue(kInformed, {std::string_view(key[0]), std::string_view(key[1]), std::string_view(key[2])}));
  }
  RETURN_IF_ERROR(tx.Update(row));
  return true;
}

absl::StatusOr<std::vector<std::string>> SomeWaiting(ReadTransaction& tx, std::string_view notice, std::int64_t limit) {
  auto const key = KeyOf<v1::WorksNotice>(notice);
  ASSIGN_OR_RETURN(auto const rows, tx.Query(kWaitingHouseholds, {std::string_view(key[0]), std::string_view(key[1]), limit}));
  std::vector<std::string> names;
  for (std::size_t row = 0; row < rows.size(); ++row)
    names.push_back(NameOfHousehold(rows.Text(row, 0), "households", rows.Text(row, 1)));
  return names;
}

absl::StatusOr<std::optional<absl::CivilDay>> LatestViolation(ReadTransaction& tx, std::string_view notice) {
  auto const key = KeyOf<v1::WorksNotice>(notice);
  ASSIGN_OR_RETURN(auto const rows, tx.Query(kViolation, {std::string_view(key[0]), std::string_view(key[1])}));
  if (rows.empty()) return std::nullopt;
  return FromIsoDate(rows.Text(0, 0));
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
