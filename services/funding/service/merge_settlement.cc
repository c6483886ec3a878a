#include "services/funding/service/merge_settlement.h"

#include <absl/strings/str_cat.h>

#include <utility>

#include "services/funding/domain/merge_life.h"
#include "services/funding/service/money_queries.h"
#include "services/funding/service/money_session.h"
#include "services/funding/service/source_entries.h"

namespace helhed::funding {
namespace {

namespace cv1 = common::v1;

bool IsHoursSource(v1::Source const& source) { return source.contribution() == v1::CONTRIBUTION_IN_KIND_HOURS; }

// Whether somebody still has to do something about the source: it was approved and has not come to its end.
bool IsUnsettled(v1::Source const& source) {
  return FollowsFromTotals(source.state()) || source.state() == v1::SOURCE_STATE_REPAYMENT_DUE;
}

absl::StatusOr<MoneyAnswer> UnderWay(ReadTransaction& tx, MoneyGate const& money, std::string const& plan) {
  MoneyQuestion question;
  question.step = MoneyStep::kMerge;
  question.plan = plan;
  return money.Open(tx, question);
}

// Books what is left of a source out of the plan.
absl::Status BookSettlement(MoneySession& session, CallContext const& call, v1::PlanMerge const& merge, v1::Source& source,
                            Settlement const& settlement, v1::Voucher const& voucher) {
  if (settlement.repay > 0) {
    auto draft = DraftAbout(call, v1::ENTRY_KIND_REPAYMENT, call.Today(), source, merge.name(), voucher);
    draft.moves.push_back(RepaymentOf(session, source, settlement.repay));
    RETURN_IF_ERROR(session.Book(draft).status());
  }
  if (settlement.lapse > 0) {
    auto draft = DraftAbout(call, v1::ENTRY_KIND_LAPSE, call.Today(), source, merge.name(), voucher);
    draft.moves.push_back(LapseOf(session, source, settlement.lapse));
    RETURN_IF_ERROR(session.Book(draft).status());
  }
  source.set_state(settlement.after);
  session.Touch(source.name());
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<cv1::MergeFinding>> MoneyFindings(ReadTransaction& tx, MoneyGate const& money,
                                                             std::string const& predecessor) {
  std::vector<cv1::MergeFinding> findings;
  ASSIGN_OR_RETURN(auto const sources, LoadSources(tx, predecessor));
  ASSIGN_OR_RETURN(auto const totals, LoadTotals(tx, predecessor));
  for (auto const& source : sources) {
    auto const found = totals.find(source.name());
    if (found == totals.end() || !IsUnsettled(source)) continue;
    auto const& left = found->second;
    if (left.approved + left.released + left.reserved == 0) continue;
    findings.push_back(FindingOf(cv1::MERGE_CONFLICT_KIND_MONEY_REMAINING, {source.name()},
                                 absl::StrCat(ToKroner(left.approved), " kr. are not released, ", ToKroner(left.released),
                                              " kr. released and not spent, ", ToKroner(left.reserved), " kr. reserved"),
                                 {cv1::MERGE_RESOLUTION_SETTLE, cv1::MERGE_RESOLUTION_BY_HAND}));
  }
  ASSIGN_OR_RETURN(auto const open, UnderWay(tx, money, predecessor));
  for (auto const& item : open) {
    findings.push_back(FindingOf(cv1::MERGE_CONFLICT_KIND_MONEY_UNDER_WAY, {item.subject()}, item.description(),
                                 {cv1::MERGE_RESOLUTION_BY_HAND}));
  }
  return findings;
}

absl::Status SettleBooks(WriteTransaction& tx, MoneyGate const& money, v1::PlanMerge const& merge, std::string const& predecessor,
                         v1::Voucher const& voucher, std::span<cv1::MergeDecision const> decisions,
                         std::vector<std::string>& missing) {
  ASSIGN_OR_RETURN(auto const session, MoneySession::Open(tx, predecessor));
  ASSIGN_OR_RETURN(auto const open, UnderWay(tx, money, predecessor));
  for (auto const& item : open) missing.push_back(absl::StrCat("an end of ", item.subject()));
  if (!open.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(auto const sources, LoadSources(tx, predecessor));
  for (auto const& listed : sources) {
    if (!IsUnsettled(listed)) continue;
    ASSIGN_OR_RETURN(auto* const source, session->Source(listed.name()));
    auto const settlement = SettlementOf(session->Totals(source->name()), IsHoursSource(*source));
    std::vector<std::string> const subject = {source->name()};
    bool const by_hand =
        DecisionOn(decisions, cv1::MERGE_CONFLICT_KIND_MONEY_REMAINING, subject) == cv1::MERGE_RESOLUTION_BY_HAND;
    if (by_hand && settlement.lapse + settlement.repay > 0) {
      missing.push_back(absl::StrCat("the settlement of ", source->name(), " by hand"));
      continue;
    }
    RETURN_IF_ERROR(BookSettlement(*session, tx.call(), merge, *source, settlement, voucher));
  }
  return session->Save();
}

}  // namespace helhed::funding
