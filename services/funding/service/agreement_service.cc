#include "services/funding/service/agreement_service.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "helhed/funding/v1/approval.pb.h"
#include "helhed/funding/v1/errors.pb.h"
#include "helhed/funding/v1/events.pb.h"
#include "services/funding/service/plan_facts.h"
#include "services/funding/service/plan_queries.h"
#include "services/funding/service/requests.h"

namespace helhed::funding {
namespace {

using storage::Statement;

constexpr std::string_view kStrategic = "strategic";

Statement const kInForce("funding.agreement_in_force",
                         "SELECT version FROM agreement_versions WHERE plan = $1 AND agreement = $2 AND valid_from_date <= $3 "
                         "ORDER BY valid_from_date DESC LIMIT 1");
Statement const kLastVersion("funding.last_agreement_version",
                             "SELECT version, valid_from_date FROM agreement_versions WHERE plan = $1 AND agreement = $2 "
                             "ORDER BY version DESC LIMIT 1");
// Sets the version in force on the day, if there is one.
absl::Status CompleteAgreement(ReadTransaction& tx, v1::Agreement& agreement, absl::CivilDay day) {
  auto const date = ToIsoDate(day);
  ASSIGN_OR_RETURN(auto const rows, tx.Query(kInForce, {PlanIdOf(agreement.name()), contract::LastPart(agreement.name()), date}));
  if (rows.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(*agreement.mutable_current_version(),
                   tx.Get<v1::AgreementVersion>(absl::StrCat(agreement.name(), "/versions/", rows.Text(0, 0))));
  return absl::OkStatus();
}

// A change of the strategic agreement needs the fund's final approval of this very version (domain.md 1.3.3).
absl::Status CheckApproval(ReadTransaction& tx, v1::Agreement const& agreement, v1::AgreementVersion const& version) {
  auto const needed = Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_FUND_APPROVAL_NEEDED,
                            "the fund approves every change of the strategic agreement",
                            {{"agreement", agreement.name()}, {"subject", version.name()}});
  if (version.approval().empty() || PlanOf(version.approval()) != PlanOf(agreement.name())) return needed;
  auto const approval = tx.Get<v1::Approval>(version.approval());
  if (absl::IsNotFound(approval.status())) return needed;
  RETURN_IF_ERROR(approval.status());
  bool const fits = approval->party() == v1::PARTY_FUND && approval->stage() == v1::APPROVAL_STAGE_FINAL &&
                    approval->outcome() == v1::APPROVAL_OUTCOME_APPROVED && approval->state() == v1::APPROVAL_STATE_STANDING &&
                    approval->subject() == version.name();
  return fits ? absl::OkStatus() : needed;
}

absl::Status VersionNotLater(v1::Agreement const& agreement, std::string const& last) {
  return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_VERSION_NOT_LATER,
               "a version is in force from a later date than the one before: what was in force on a date stays so",
               {{"agreement", agreement.name()}, {"valid_from_date_after", last}});
}

}  // namespace

void AgreementService::Register(Router& router) {
  auto const on = [&](std::string_view method, auto handler) {
    router.On("helhed.funding.v1.AgreementService", method, this, handler);
  };
  on("GetAgreement", &AgreementService::GetAgreement);
  on("ListAgreements", &AgreementService::ListAgreements);
  on("CreateAgreement", &AgreementService::CreateAgreement);
  on("ListAgreementVersions", &AgreementService::ListAgreementVersions);
  on("CreateAgreementVersion", &AgreementService::CreateAgreementVersion);
  on("GetMilestone", &AgreementService::GetMilestone);
  on("ListMilestones", &AgreementService::ListMilestones);
  on("CreateMilestone", &AgreementService::CreateMilestone);
  on("UpdateMilestone", &AgreementService::UpdateMilestone);
}

absl::StatusOr<v1::Agreement> AgreementService::GetAgreement(CallContext const& call, v1::GetAgreementRequest const& request) {
  ASSIGN_OR_RETURN(auto const day, AsOf(call, request));
  return store_.Read(call, [&](ReadTransaction& tx) -> absl::StatusOr<v1::Agreement> {
    ASSIGN_OR_RETURN(auto agreement, tx.Get<v1::Agreement>(request.name()));
    RETURN_IF_ERROR(CompleteAgreement(tx, agreement, day));
    return agreement;
  });
}

absl::StatusOr<v1::ListAgreementsResponse> AgreementService::ListAgreements(CallContext const& call,
                                                                            v1::ListAgreementsRequest const& request) {
  ASSIGN_OR_RETURN(auto const day, AsOf(call, request));
  return store_.Read(call, [&](ReadTransaction& tx) -> absl::StatusOr<v1::ListAgreementsResponse> {
    ASSIGN_OR_RETURN(auto response, PageBelowPlan<v1::ListAgreementsResponse>(tx, request, "agreements t"));
    for (auto& agreement : *response.mutable_agreements()) RETURN_IF_ERROR(CompleteAgreement(tx, agreement, day));
    return response;
  });
}

absl::StatusOr<v1::Agreement> AgreementService::CreateAgreement(CallContext const& call,
                                                                v1::CreateAgreementRequest const& request) {
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::Agreement> {
    RETURN_IF_ERROR(LockPlan(tx, request.parent()));
    ASSIGN_OR_RETURN(auto const plan, LoadPlan(tx, request.parent()));
    auto const& areas = plan.focus_areas();
    bool const strategic = request.agreement_id() == kStrategic;
    if (!strategic && std::find(areas.begin(), areas.end(), request.agreement_id()) == areas.end()) {
      return BadRequest({{"agreement_id", "must be `strategic`, or a focus area that the plan has chosen"}});
    }
    v1::Agreement agreement = request.agreement();
    agreement.set_name(absl::StrCat(plan.name(), "/agreements/", request.agreement_id()));
    agreement.set_kind(strategic ? v1::AGREEMENT_KIND_STRATEGIC : v1::AGREEMENT_KIND_SUB);
    agreement.clear_current_version();
    RETURN_IF_ERROR(tx.Insert(agreement));
    return agreement;
  });
}

absl::StatusOr<v1::ListAgreementVersionsResponse> AgreementService::ListAgreementVersions(
    CallContext const& call, v1::ListAgreementVersionsRequest const& request) {
  storage::ListOptions options;
  options.from = "agreement_versions t";
  options.alias = "t";
  options.conditions.push_back({"t.plan = ? AND t.agreement = ?",
                                {std::string(PlanIdOf(request.parent())), std::string(contract::LastPart(request.parent()))}});
  return store_.Read(call, [&](ReadTransaction& tx) -> absl::StatusOr<v1::ListAgreementVersionsResponse> {
    RETURN_IF_ERROR(tx.Get<v1::Agreement>(request.parent()).status());
    return tx.List<v1::ListAgreementVersionsResponse>(request, options);
  });
}

absl::StatusOr<v1::AgreementVersion> AgreementService::CreateAgreementVersion(CallContext const& call,
                                                                              v1::CreateAgreementVersionRequest const& request) {
  RETURN_IF_ERROR(RequireHash(request.agreement_version().document(), "agreement_version.document"));
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::AgreementVersion> {
    RETURN_IF_ERROR(LockPlan(tx, request.parent()));
    ASSIGN_OR_RETURN(auto const agreement, tx.Get<v1::Agreement>(request.parent()));
    v1::AgreementVersion version = request.agreement_version();
    ASSIGN_OR_RETURN(auto const last, tx.Query(kLastVersion, {PlanIdOf(agreement.name()), contract::LastPart(agreement.name())}));
    ASSIGN_OR_RETURN(auto const from, ReadDate(version.valid_from_date(), "agreement_version.valid_from_date"));
    if (!last.empty() && ToIsoDate(from) <= last.Text(0, 1)) return VersionNotLater(agreement, last.Text(0, 1));
    int const number = last.empty() ? 1 : std::atoi(last.Text(0, 0).c_str()) + 1;
    version.set_name(absl::StrCat(agreement.name(), "/versions/", absl::Dec(number, absl::kZeroPad6)));
    if (!last.empty() && agreement.kind() == v1::AGREEMENT_KIND_STRATEGIC) {
      RETURN_IF_ERROR(CheckApproval(tx, agreement, version));
    }
    RETURN_IF_ERROR(tx.Insert(version));
    v1::AgreementVersionCreated event;
    *event.mutable_version() = version;
    RETURN_IF_ERROR(tx.Append(event, version.name(), PlanOf(version.name())));
    return version;
  });
}

}  // namespace helhed::funding
