#include <absl/strings/str_cat.h>

#include <algorithm>
#include <functional>
#include <set>
#include <utility>

#include "helhed/common/v1/errors.pb.h"
#include "helhed/communications/v1/campaign.pb.h"
#include "helhed/communications/v1/errors.pb.h"
#include "services/communications/domain/delivery.h"
#include "services/communications/service/names.h"
#include "services/communications/service/works_service.h"
#include "services/communications/service/works_store.h"
#include "services/platform/base/civil.h"
#include "services/platform/base/requests.h"
#include "services/platform/service/requests.h"

// Who has to be told of works, who was, and what a change means to whom.
namespace helhed::communications {
namespace {

using storage::Statement;

// By the channel that was first. LATERAL with OFFSET for what print_run_file.cc says of it.
Statement const kDeliveredByCampaign(
    "communications.delivered_by_campaign",
    "SELECT r.household_organisation, r.household, MIN(d.deliver_time) AS deliver_time FROM deliveries d "
    "JOIN campaign_recipients r ON r.plan = d.plan AND r.campaign = d.campaign AND r.recipient = d.recipient "
    "WHERE d.plan = $1 AND d.campaign = $2 AND d.state = 3 "
    "GROUP BY r.household_organisation, r.household",
    "SELECT r.household_organisation, r.household, MIN(d.deliver_time) AS deliver_time FROM deliveries d "
    "CROSS JOIN LATERAL (SELECT household_organisation, household FROM campaign_recipients "
    "WHERE plan = $1 AND campaign = $2 AND recipient = d.recipient OFFSET 0) r "
    "WHERE d.plan = $1 AND d.campaign = $2 AND d.state = 3 GROUP BY r.household_organisation, r.household");

bool IsUrgent(v1::WorksNotice const& notice) { return notice.kind() == v1::WORKS_KIND_URGENT; }

// What a notice's state must be for its households to be told: urgent works need no approval.
absl::Status RequireDeliverable(v1::WorksNotice const& notice) {
  if (!IsUrgent(notice)) return RequireState(notice, {v1::WORKS_STATE_APPROVED});
  return RequireState(notice, {v1::WORKS_STATE_DRAFT, v1::WORKS_STATE_APPROVED});
}

// None of those who wait may be touched before its period is over, if it is told today.
absl::Status CheckWaiting(ReadTransaction& tx, v1::WorksNotice const& notice, std::span<Told const> households) {
  auto const today = tx.call().Today();
  ASSIGN_OR_RETURN(auto const period, NoticePeriodOn(tx, notice.kind(), today));
  for (auto const& told : households) {
    if (told.state != v1::WORKS_HOUSEHOLD_STATE_WAITING) continue;
    RETURN_IF_ERROR(CheckStart(told.household.period.start, EarliestStart(today, period), period));
  }
  return absl::OkStatus();
}

absl::Status NothingChanges(v1::WorksNotice const& notice) {
  return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_NOTHING_CHANGES,
               "nothing would be different for any household", {{"works_notice", notice.name()}});
}

// The notice that takes the place of `former`.
v1::WorksNotice Successor(v1::WorksNotice const& former, v1::RescheduleWorksNoticeRequest const& request) {
  v1::WorksNotice notice = former;
  notice.clear_last_delivery_date();
  notice.clear_earliest_start_date();
  notice.clear_etag();
  notice.set_replaces(former.name());
  notice.set_change_note(request.note());
  notice.set_state(v1::WORKS_STATE_DELIVERING);
  *notice.mutable_period() = request.period();
  if (request.areas_size() > 0) {
    *notice.mutable_areas() = request.areas();
  } else {
    for (auto& area : *notice.mutable_areas()) area.clear_period();
  }
  return notice;
}

absl::Status CheckDeliveryRequest(v1::RecordWorksDeliveriesRequest const& request, v1::WorksNotice const& notice,
                                  absl::CivilDay today) {
  std::vector<FieldViolation> violations;
  bool const by_campaign = !request.campaign().empty();
  if (int{request.households_size() > 0} + int{request.all_waiting()} + int{by_campaign} != 1) {
    violations.push_back(
        {"households", "must name those who were told, or `all_waiting` or `campaign` be set, and only one of them"});
  }
  auto const day = ToCivil(request.delivery_date());
  if (by_campaign && request.has_delivery_date()) violations.push_back({"delivery_date", "is what the campaign says"});
  auto const plan = PlanOf(request.campaign());
  if (by_campaign && plan != PlanOf(notice.name()) && plan != PlanOf(notice.predecessor())) {
    violations.push_back({"campaign", "must be of the same plan, or of the one that the notice goes on from"});
  }
  if (!by_campaign && (!day || *day > today)) {
    violations.push_back({"delivery_date", "must be an existing date, not later than today"});
  }
  return Verdict(std::move(violations));
}

// A household, and when it was told.
struct Delivered {
  std::string household;
  absl::CivilDay day;
};

// What arrived by a campaign. With the households that the notice is not about.
absl::StatusOr<std::vector<Delivered>> DeliveredBy(ReadTransaction& tx, std::string const& name) {
  ASSIGN_OR_RETURN(auto const campaign, tx.Get<v1::Campaign>(name));
  // What residents may decline is no notice of the law.
  if (!campaign.statutory()) return BadRequest({{"campaign", "must be statutory"}});
  auto const key = KeyOf<v1::Campaign>(name);
  ASSIGN_OR_RETURN(auto const rows, tx.Query(kDeliveredByCampaign, {std::string_view(key[0]), std::string_view(key[1])}));
  std::vector<Delivered> delivered;
  for (std::size_t row = 0; row < rows.size(); ++row) {
    delivered.push_back({absl::StrCat("organisations/", rows.Text(row, 0), "/households/", rows.Text(row, 1)),
                         DateIn(absl::FromUnixMicros(rows.Int64(row, 2)))});
  }
  return delivered;
}

// Of those to whom the request says that something came, the households of the notice: nobody before the delivery began.
absl::StatusOr<std::vector<Delivered>> Meant(ReadTransaction& tx, v1::WorksNotice const& notice,
                                             v1::RecordWorksDeliveriesRequest const& request, absl::CivilDay began) {
  std::vector<Delivered> meant;
  if (request.campaign().empty()) {
    for (auto const& household : request.households()) meant.push_back({household, *ToCivil(request.delivery_date())});
    return meant;
  }
  ASSIGN_OR_RETURN(auto const delivered, DeliveredBy(tx, request.campaign()));
  ASSIGN_OR_RETURN(auto const households, LoadHouseholds(tx, notice.name()));
  std::set<std::string, std::less<>> affected;
  for (auto const& told : households) affected.insert(told.household.household);
  for (auto const& one : delivered) {
    if (one.day >= began && affected.contains(one.household)) meant.push_back(one);
  }
  return meant;
}

// Enters the deliveries and counts who waits then.
absl::Status Enter(WriteTransaction& tx, v1::WorksNotice& notice, v1::RecordWorksDeliveriesRequest const& request) {
  ASSIGN_OR_RETURN(auto const began, DeliveryBegan(tx, notice.name()));
  if (request.has_delivery_date() && *ToCivil(request.delivery_date()) < began) {
    return BadRequest({{"delivery_date", "must not be before the delivery began"}});
  }
  EarliestStarts starts(tx, notice.kind());
  if (request.all_waiting()) {
    notice.set_waiting_count(0);
    return TellAll(tx, starts, notice.name(), *ToCivil(request.delivery_date()));
  }
  ASSIGN_OR_RETURN(auto const meant, Meant(tx, notice, request, began));
  for (auto const& [household, day] : meant) {
    ASSIGN_OR_RETURN(bool const waited, Tell(tx, starts, notice.name(), household, day));
    if (waited) notice.set_waiting_count(notice.waiting_count() - 1);
  }
  return absl::OkStatus();
}

// Whose households were not asked for, since the notice was not to be delivered a moment before.
absl::Status ChangedMeanwhile() {
  return Error(absl::StatusCode::kAborted, common::v1::ERROR_REASON_CONFLICT, "The notice was changed meanwhile. Try again.");
}

}  // namespace

absl::StatusOr<std::vector<Touched>> WorksService::AffectedToday(CallContext const& call, v1::WorksNotice const& notice) const {
  std::set<std::string> departments;
  for (auto const& area : notice.areas()) departments.insert(area.department());
  ASSIGN_OR_RETURN(auto const answer, households_.Fetch(departments, call.Today(), call));
  std::vector<Occupied> households;
  households.reserve(static_cast<std::size_t>(answer.households_size()));
  for (auto const& household : answer.households()) {
    households.push_back({household.household(), household.dwelling(), household.department(), StairwellOf(household.address())});
  }
  auto touched = HouseholdsTouched(notice.areas(), StoredPeriod(notice.period()), households);
  if (!touched.empty()) return touched;
  return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_AUDIENCE_EMPTY, "nobody lives where the works are",
               {{"date", ToIsoDate(call.Today())}});
}

absl::StatusOr<v1::WorksNotice> WorksService::DeliverWorksNotice(CallContext const& call,
                                                                 v1::DeliverWorksNoticeRequest const& request) {
  ASSIGN_OR_RETURN(auto const wanted,
                   store_.Read(call, [&](ReadTransaction& tx) { return LoadWorksNotice(tx, request.name()); }));
  // A call that is tried again is answered from its record, whatever became of the notice since.
  std::vector<Told> households;
  if (RequireDeliverable(wanted).ok()) {
    ASSIGN_OR_RETURN(auto const touched, AffectedToday(call, wanted));
    for (auto const& household : touched) households.push_back({household});
  }
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::WorksNotice> {
    ASSIGN_OR_RETURN(auto notice, LockWorksNotice(tx, request.name()));
    RETURN_IF_ERROR(RequireDeliverable(notice));
    if (households.empty()) return ChangedMeanwhile();
    RETURN_IF_ERROR(CheckWaiting(tx, notice, households));
    auto const former = notice.state();
    notice.set_state(v1::WORKS_STATE_DELIVERING);
    SetCounts(notice, households);
    RETURN_IF_ERROR(SaveWorksNotice(tx, notice, former));
    RETURN_IF_ERROR(BeginDelivery(tx, notice.name()));
    RETURN_IF_ERROR(EnterHouseholds(tx, notice, households));
    return notice;
  });
}

absl::StatusOr<v1::WorksNotice> WorksService::RecordWorksDeliveries(CallContext const& call,
                                                                    v1::RecordWorksDeliveriesRequest const& request) {
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::WorksNotice> {
    ASSIGN_OR_RETURN(auto notice, LockWorksNotice(tx, request.name()));
    RETURN_IF_ERROR(CheckDeliveryRequest(request, notice, call.Today()));
    auto const former = notice.state();
    RETURN_IF_ERROR(RequireState(notice, {v1::WORKS_STATE_DELIVERING, v1::WORKS_STATE_DELIVERED, v1::WORKS_STATE_IN_EFFECT}));
    RETURN_IF_ERROR(Enter(tx, notice, request));
    RETURN_IF_ERROR(ReckonDates(tx, notice));
    if (former == v1::WORKS_STATE_DELIVERING && notice.waiting_count() == 0) notice.set_state(v1::WORKS_STATE_DELIVERED);
    RETURN_IF_ERROR(SaveWorksNotice(tx, notice, former));
    return notice;
  });
}

absl::StatusOr<v1::WorksNotice> WorksService::RescheduleWorksNotice(CallContext const& call,
                                                                    v1::RescheduleWorksNoticeRequest const& request) {
  ASSIGN_OR_RETURN(auto const wanted,
                   store_.Read(call, [&](ReadTransaction& tx) { return LoadWorksNotice(tx, request.name()); }));
  auto successor = Successor(wanted, request);
  std::vector<FieldViolation> violations;
  auto const period = ReadPeriod(request.period(), "period", violations);
  if (period) CheckAreas(successor.areas(), *period, "areas", violations);
  RETURN_IF_ERROR(Verdict(std::move(violations)));
  constexpr auto kDelivering = v1::WORKS_STATE_DELIVERING;
  constexpr auto kDelivered = v1::WORKS_STATE_DELIVERED;
  std::vector<Touched> touched;
  if (RequireState(wanted, {kDelivering, kDelivered}).ok()) {
    ASSIGN_OR_RETURN(touched, AffectedToday(call, successor));
  }
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::WorksNotice> {
    ASSIGN_OR_RETURN(auto former, LockWorksNotice(tx, request.name()));
    RETURN_IF_ERROR(RequireState(former, {kDelivering, kDelivered}));
    if (touched.empty()) return ChangedMeanwhile();
    ASSIGN_OR_RETURN(auto const before, LoadHouseholds(tx, former.name()));
    auto const after = Reschedule(before, touched);
    if (after == before) return NothingChanges(former);
    RETURN_IF_ERROR(CheckWaiting(tx, successor, after));
    v1::WorksNotice notice = successor;
    notice.set_name(absl::StrCat(PlanOf(former.name()), "/worksNotices/", IdOr(call, request.works_notice_id())));
    SetCounts(notice, after);
    RETURN_IF_ERROR(InsertWorksNotice(tx, notice));
    RETURN_IF_ERROR(BeginDelivery(tx, notice.name()));
    RETURN_IF_ERROR(EnterHouseholds(tx, notice, after));
    if (notice.waiting_count() == 0) {
      notice.set_state(kDelivered);
      RETURN_IF_ERROR(ReckonDates(tx, notice));
      RETURN_IF_ERROR(tx.Update(notice));
    }
    RETURN_IF_ERROR(AppendWorksChanged(tx, notice, v1::WORKS_STATE_UNSPECIFIED));
    auto const state = former.state();
    former.set_state(v1::WORKS_STATE_RESCHEDULED);
    former.set_replaced_by(notice.name());
    RETURN_IF_ERROR(SaveWorksNotice(tx, former, state));
    return notice;
  });
}

absl::StatusOr<v1::ListWorksHouseholdsResponse> WorksService::ListWorksHouseholds(CallContext const& call,
                                                                                  v1::ListWorksHouseholdsRequest const& request) {
  return store_.Read(call, [&](ReadTransaction& tx) {
    auto key = KeyOf<v1::WorksNotice>(request.parent());
    return PageBelow<v1::ListWorksHouseholdsResponse>(
        tx, request, "works_households t", {{"t.plan = ?", {std::move(key[0])}}, {"t.works_notice = ?", {std::move(key[1])}}});
  });
}

}  // namespace helhed::communications
