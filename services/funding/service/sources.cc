#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>

#include "helhed/funding/v1/errors.pb.h"
#include "helhed/funding/v1/events.pb.h"
#include "services/funding/domain/budget_rules.h"
#include "services/funding/service/money_queries.h"
#include "services/funding/service/money_session.h"
#include "services/funding/service/requests.h"
#include "services/funding/service/source_service.h"
#include "services/platform/contract/fields.h"

namespace helhed::funding {
namespace {

// What is wrong with a source by itself, and what it leaves out filled in.
void Check(v1::Source& source, std::vector<FieldViolation>& violations) {
  if (source.contribution() == v1::CONTRIBUTION_UNSPECIFIED) source.set_contribution(v1::CONTRIBUTION_CASH);
  if (source.precision() == v1::PRECISION_UNSPECIFIED) source.set_precision(v1::PRECISION_EXACT);
  CheckAmount(source.amount(), "source.amount", Sign::kPositive, violations);
  bool const in_kind = source.contribution() == v1::CONTRIBUTION_IN_KIND_HOURS;
  if (in_kind && source.hours() == 0) violations.push_back({"source.hours", "must say how many hours"});
  if (!in_kind && source.hours() != 0) violations.push_back({"source.hours", "must be left out where money is contributed"});
  bool const names_department = absl::StrContains(source.contributor(), "/departments/");
  if (source.kind() == v1::SOURCE_KIND_ORGANISATION && names_department) {
    violations.push_back({"source.contributor", "must be an organisation where an organisation pays"});
  }
  if (source.kind() == v1::SOURCE_KIND_DEPARTMENT && !source.contributor().empty() && !names_department) {
    violations.push_back({"source.contributor", "must be a department where a department pays"});
  }
}

// M9: what pays for an extension names one that is proposed or applied.
absl::Status CheckExtension(WriteTransaction& tx, std::string_view plan, std::string const& extension) {
  if (extension.empty()) return absl::OkStatus();
  auto const found = tx.Get<v1::Extension>(Sv(absl::StrCat(Av(plan), "/extensions/", extension)));
  if (!found.ok() && !absl::IsNotFound(found.status())) return found.status();
  if (found.ok() && found->state() != v1::EXTENSION_STATE_WITHDRAWN) return absl::OkStatus();
  return BadRequest({{"source.extension", "must be an extension of the plan that was not given up"}});
}

absl::Status AmountFixed(v1::Source const& source) {
  std::string const state = contract::EnumText(source.state());
  return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_SOURCE_AMOUNT_FIXED,
               absl::StrCat("The amount of ", source.name(), " is fixed: it is approved, or the budget spends it."),
               {{"source", source.name()}, {"state", state}});
}

absl::Status AppendChanged(WriteTransaction& tx, v1::Source const& source) {
  v1::SourceChanged event;
  *event.mutable_source() = source;
  return tx.Append(event, source.name(), PlanOf(source.name()));
}

}  // namespace

void SourceService::Register(Router& router) {
  auto const on = [&](std::string_view method, auto handler) {
    router.On("helhed.funding.v1.SourceService", method, this, handler);
  };
  on("GetSource", &SourceService::GetSource);
  on("ListSources", &SourceService::ListSources);
  on("CreateSource", &SourceService::CreateSource);
  on("UpdateSource", &SourceService::UpdateSource);
  on("DeleteSource", &SourceService::DeleteSource);
  on("PledgeSource", &SourceService::PledgeSource);
  on("ApproveSource", &SourceService::ApproveSource);
  on("LapseSource", &SourceService::LapseSource);
  on("ReconcileSource", &SourceService::ReconcileSource);
  on("DemandRepaymentSource", &SourceService::DemandRepaymentSource);
  on("RepaySource", &SourceService::RepaySource);
  on("CloseSource", &SourceService::CloseSource);
  on("ApportionSource", &SourceService::ApportionSource);
  on("GetApportionment", &SourceService::GetApportionment);
  on("ListApportionments", &SourceService::ListApportionments);
  on("GetRelease", &SourceService::GetRelease);
  on("ListReleases", &SourceService::ListReleases);
  on("CreateRelease", &SourceService::CreateRelease);
  on("ApproveRelease", &SourceService::ApproveRelease);
  on("RejectRelease", &SourceService::RejectRelease);
}

absl::StatusOr<v1::Source> SourceService::GetSource(CallContext const& call, v1::GetSourceRequest const& request) {
  return store_.Read(call, [&](ReadTransaction& tx) -> absl::StatusOr<v1::Source> {
    ASSIGN_OR_RETURN(auto source, tx.Get<v1::Source>(request.name()));
    v1::Source* const one[] = {&source};
    RETURN_IF_ERROR(CompleteSources(tx, PlanOf(request.name()), one));
    return source;
  });
}

absl::StatusOr<v1::ListSourcesResponse> SourceService::ListSources(CallContext const& call,
                                                                   v1::ListSourcesRequest const& request) {
  return store_.Read(call, [&](ReadTransaction& tx) -> absl::StatusOr<v1::ListSourcesResponse> {
    ASSIGN_OR_RETURN(auto response, ListOfPlan<v1::ListSourcesResponse>(tx, request, "sources", "s"));
    std::vector<v1::Source*> const page(response.mutable_sources()->pointer_begin(), response.mutable_sources()->pointer_end());
    RETURN_IF_ERROR(CompleteSources(tx, request.parent(), page));
    return response;
  });
}

absl::StatusOr<v1::Source> SourceService::CreateSource(CallContext const& call, v1::CreateSourceRequest const& request) {
  v1::Source entered = request.source();
  std::vector<FieldViolation> violations;
  Check(entered, violations);
  RETURN_IF_ERROR(Verdict(std::move(violations)));
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::Source> {
    ASSIGN_OR_RETURN(auto const session, MoneySession::Open(tx, request.parent(), false));
    RETURN_IF_ERROR(session->RequireAlive());
    RETURN_IF_ERROR(CheckExtension(tx, request.parent(), entered.extension()));
    v1::Source source = entered;
    source.set_name(absl::StrCat(request.parent(), "/sources/", request.source_id()));
    source.set_state(v1::SOURCE_STATE_PROPOSED);
    RETURN_IF_ERROR(tx.Insert(source));
    CompleteMoney(source);
    RETURN_IF_ERROR(AppendChanged(tx, source));
    return source;
  });
}

absl::StatusOr<v1::Source> SourceService::UpdateSource(CallContext const& call, v1::UpdateSourceRequest const& request) {
  auto const& given = request.source();
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::Source> {
    ASSIGN_OR_RETURN(auto const session, MoneySession::Open(tx, given.name(), false));
    RETURN_IF_ERROR(session->RequireAlive());
    ASSIGN_OR_RETURN(auto source, tx.Get<v1::Source>(given.name()));
    CompleteMoney(source);
    RETURN_IF_ERROR(storage::CheckEtag(given.etag(), source.etag(), given.name()));
    v1::Source const before = source;
    RETURN_IF_ERROR(contract::ApplyUpdate(request.update_mask(), given, source, "source"));
    std::vector<FieldViolation> violations;
    Check(source, violations);
    RETURN_IF_ERROR(Verdict(std::move(violations)));
    bool const approved = IsApprovedSource(source.state());
    if (source.amount().minor_units() != before.amount().minor_units()) {
      ASSIGN_OR_RETURN(Ore const budgeted, BudgetedOf(tx, source.name()));
      if (approved || budgeted != 0) return AmountFixed(source);
    }
    if (approved && source.precision() != v1::PRECISION_EXACT) return AmountFixed(source);
    RETURN_IF_ERROR(tx.Update(source));
    v1::Source* const one[] = {&source};
    RETURN_IF_ERROR(CompleteSources(tx, session->plan().name, one));
    RETURN_IF_ERROR(AppendChanged(tx, source));
    return source;
  });
}

absl::StatusOr<google::protobuf::Empty> SourceService::DeleteSource(CallContext const& call,
                                                                    v1::DeleteSourceRequest const& request) {
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<google::protobuf::Empty> {
    ASSIGN_OR_RETURN(auto const session, MoneySession::Open(tx, request.name(), false));
    RETURN_IF_ERROR(session->RequireAlive());
    ASSIGN_OR_RETURN(auto const source, tx.Get<v1::Source>(request.name()));
    RETURN_IF_ERROR(storage::CheckEtag(request.etag(), source.etag(), request.name()));
    if (source.state() != v1::SOURCE_STATE_PROPOSED) return CheckAct(source, SourceAct::kPledge, {});
    // Also a version that no longer counts goes on to say what it said.
    ASSIGN_OR_RETURN(auto const lines, LoadBudgetLines(tx, source.name()));
    for (auto const& line : lines) {
      if (line.source() != source.name()) continue;
      return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_SOURCE_IN_BUDGET,
                   absl::StrCat("A version of the budget spends ", source.name(), "."),
                   {{"source", source.name()}, {"budget_line", line.name()}});
    }
    RETURN_IF_ERROR(DeletePlanned(tx, source.name()));
    RETURN_IF_ERROR(tx.Delete<v1::Source>(source.name()));
    v1::SourceDeleted event;
    event.set_source(source.name());
    RETURN_IF_ERROR(tx.Append(event, source.name(), session->plan().name));
    return google::protobuf::Empty();
  });
}

}  // namespace helhed::funding
