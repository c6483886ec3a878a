#include <absl/strings/str_cat.h>

#include <algorithm>

#include "services/funding/domain/report_text.h"
#include "services/funding/service/money_queries.h"
#include "services/funding/service/report_service.h"
#include "services/funding/service/requests.h"

namespace helhed::funding {
namespace {

using storage::Statement;

constexpr int kItemsMax = 1000;

Statement const kOpenReleases("funding.open_releases",
                              "SELECT source, release, amount_minor_units, release_date, proposed_by FROM releases "
                              "WHERE plan = $1 AND state = 1 ORDER BY source, release LIMIT 1001");
Statement const kOpenReallocations("funding.open_reallocations",
                                   "SELECT reallocation, moved_between_focus_areas_minor_units, proposed_by FROM reallocations "
                                   "WHERE plan = $1 AND state = 1 ORDER BY reallocation LIMIT 1001");
Statement const kOpenDisbursements(
    "funding.open_disbursements",
    "SELECT disbursement, amount_minor_units, expire_time, reserved_by, reservation_entry FROM disbursements "
    "WHERE plan = $1 AND state = 1 ORDER BY expire_time LIMIT 1001");
Statement const kClosingPeriods("funding.closing_periods",
                                "SELECT period, closing_requested_by FROM periods WHERE plan = $1 AND state = 2 "
                                "ORDER BY period LIMIT 1001");

class Collector {
 public:
  Collector(ReadTransaction& tx, std::string const& plan) : tx_(tx), plan_(plan) {}

  absl::Status Collect() {
    RETURN_IF_ERROR(Sources());
    RETURN_IF_ERROR(Releases());
    RETURN_IF_ERROR(Reallocations());
    RETURN_IF_ERROR(Disbursements());
    return Periods();
  }

  // The longest overdue first, what has no date last.
  v1::OpenItems Take() {
    auto const due = [](v1::OpenItem const& item) {
      return item.has_due_date() ? ToCivil(item.due_date()).value_or(absl::CivilDay::max()) : absl::CivilDay::max();
    };
    std::stable_sort(items_.begin(), items_.end(), [&](v1::OpenItem const& a, v1::OpenItem const& b) { return due(a) < due(b); });
    v1::OpenItems answer;
    answer.set_more(items_.size() > kItemsMax);
    if (answer.more()) items_.resize(kItemsMax);
    for (auto& item : items_) *answer.add_items() = std::move(item);
    return answer;
  }

 private:
  void Add(v1::OpenItemKind kind, std::string name, Ore amount, std::optional<absl::CivilDay> due, std::string waits_for) {
    auto& item = items_.emplace_back();
    item.set_kind(kind);
    item.set_resource(std::move(name));
    *item.mutable_amount() = ToMoney(amount);
    if (due) {
      *item.mutable_due_date() = ToProtoDate(*due);
      item.set_overdue(*due <= tx_.call().Today());
    }
    item.set_waits_for(std::move(waits_for));
  }
  static std::string NotBy(std::string const& maker) { return absl::StrCat("anyone but ", maker); }

  absl::Status Sources() {
    ASSIGN_OR_RETURN(auto sources, LoadSources(tx_, plan_));
    std::vector<v1::Source*> all;
    for (auto& source : sources) all.push_back(&source);
    RETURN_IF_ERROR(CompleteSources(tx_, plan_, all));
    for (auto const& source : sources) {
      Ore const amount = source.amount().minor_units();
      Ore const unreleased = amount - source.released().minor_units();
      bool const cash = source.contribution() == v1::CONTRIBUTION_CASH;
      if (source.state() == v1::SOURCE_STATE_PLEDGED) {
        Add(v1::OPEN_ITEM_KIND_SOURCE_TO_APPROVE, source.name(), amount, std::nullopt, "the payer");
      } else if (cash && FollowsFromTotals(source.state()) && unreleased > 0) {
        Add(v1::OPEN_ITEM_KIND_SOURCE_TO_RELEASE, source.name(), unreleased, ToCivil(source.release_due_date()), "the payer");
        auto const account = AccountName(plan_, AccountId(v1::ACCOUNT_KIND_APPROVED, contract::LastPart(source.name())));
        items_.back().set_postings_filter(
            absl::StrCat("(debit_account = \"", account, "\" OR credit_account = \"", account, "\")"));
      } else if (source.state() == v1::SOURCE_STATE_REPAYMENT_DUE) {
        Ore const unused = source.released().minor_units() - source.reserved().minor_units() - source.paid().minor_units();
        Add(v1::OPEN_ITEM_KIND_REPAYMENT_TO_MAKE, source.name(), unused, std::nullopt, "the plan");
        items_.back().set_postings_filter(absl::StrCat("source = \"", source.name(), "\""));
      }
    }
    return absl::OkStatus();
  }

  absl::Status Releases() {
    ASSIGN_OR_RETURN(auto const rows, tx_.Query(kOpenReleases, {PlanIdOf(plan_)}));
    for (std::size_t i = 0; i < rows.size(); ++i) {
      Add(v1::OPEN_ITEM_KIND_RELEASE_TO_APPROVE, absl::StrCat(plan_, "/sources/", rows.Text(i, 0), "/releases/", rows.Text(i, 1)),
          rows.Int64(i, 2), FromIsoDate(rows.Text(i, 3)), NotBy(rows.Text(i, 4)));
    }
    return absl::OkStatus();
  }

  absl::Status Reallocations() {
    ASSIGN_OR_RETURN(auto const rows, tx_.Query(kOpenReallocations, {PlanIdOf(plan_)}));
    for (std::size_t i = 0; i < rows.size(); ++i) {
      Add(v1::OPEN_ITEM_KIND_REALLOCATION_TO_APPROVE, absl::StrCat(plan_, "/reallocations/", rows.Text(i, 0)), rows.Int64(i, 1),
          std::nullopt, NotBy(rows.Text(i, 2)));
    }
    return absl::OkStatus();
  }

  absl::Status Disbursements() {
    ASSIGN_OR_RETURN(auto const rows, tx_.Query(kOpenDisbursements, {PlanIdOf(plan_)}));
    for (std::size_t i = 0; i < rows.size(); ++i) {
      Add(v1::OPEN_ITEM_KIND_DISBURSEMENT_TO_POST, absl::StrCat(plan_, "/disbursements/", rows.Text(i, 0)), rows.Int64(i, 1),
          DateIn(absl::FromUnixMicros(rows.Int64(i, 2))), NotBy(rows.Text(i, 3)));
      // A reservation is one posting.
      items_.back().set_postings_filter(absl::StrCat("name = \"", plan_, "/entries/", rows.Text(i, 4), "/postings/1\""));
    }
    return absl::OkStatus();
  }

  absl::Status Periods() {
    ASSIGN_OR_RETURN(auto const rows, tx_.Query(kClosingPeriods, {PlanIdOf(plan_)}));
    for (std::size_t i = 0; i < rows.size(); ++i) {
      Add(v1::OPEN_ITEM_KIND_PERIOD_TO_CLOSE, absl::StrCat(plan_, "/periods/", rows.Text(i, 0)), 0, std::nullopt,
          NotBy(rows.Text(i, 1)));
    }
    return absl::OkStatus();
  }

  ReadTransaction& tx_;
  std::string const& plan_;
  std::vector<v1::OpenItem> items_;
};

}  // namespace

absl::StatusOr<v1::OpenItems> ReportService::GetOpenItems(CallContext const& call, v1::GetOpenItemsRequest const& request) {
  return store_.Read(call, [&](ReadTransaction& tx) -> absl::StatusOr<v1::OpenItems> {
    RETURN_IF_ERROR(RequirePlan(tx, request.parent()));
    Collector collector(tx, request.parent());
    RETURN_IF_ERROR(collector.Collect());
    auto answer = collector.Take();
    if (request.with_csv()) answer.set_csv(OpenItemsCsv(answer));
    return answer;
  });
}

}  // namespace helhed::funding
