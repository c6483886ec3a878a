#include "services/funding/service/regulation_service.h"

#include <absl/strings/str_cat.h>

#include "helhed/funding/v1/events.pb.h"
#include "services/funding/domain/plan_terms.h"
#include "services/funding/service/plan_queries.h"
#include "services/funding/service/requests.h"

namespace helhed::funding {

void RegulationService::Register(Router& router) {
  auto const on = [&](std::string_view method, auto handler) {
    router.On("helhed.funding.v1.RegulationService", method, this, handler);
  };
  on("GetRegulation", &RegulationService::GetRegulation);
  on("ListRegulations", &RegulationService::ListRegulations);
  on("CreateRegulation", &RegulationService::CreateRegulation);
}

absl::StatusOr<v1::Regulation> RegulationService::GetRegulation(CallContext const& call,
                                                                v1::GetRegulationRequest const& request) {
  return store_.Read(call, [&](ReadTransaction& tx) { return LoadRegulation(tx, request.name()); });
}

absl::StatusOr<v1::ListRegulationsResponse> RegulationService::ListRegulations(CallContext const& call,
                                                                               v1::ListRegulationsRequest const& request) {
  storage::ListOptions options;
  options.from = "regulations r";
  options.alias = "r";
  if (request.has_valid_on_date()) {
    ASSIGN_OR_RETURN(auto const date, ReadDate(request.valid_on_date(), "valid_on_date"));
    auto const day = ToIsoDate(date);
    options.conditions.push_back(
        {"r.period_start_date <= ? AND (r.period_end_date IS NULL OR r.period_end_date > ?)", {day, day}});
  }
  return store_.Read(call, [&](ReadTransaction& tx) -> absl::StatusOr<v1::ListRegulationsResponse> {
    ASSIGN_OR_RETURN(auto response, tx.List<v1::ListRegulationsResponse>(request, options));
    std::vector<v1::Regulation*> const page(response.mutable_regulations()->pointer_begin(),
                                            response.mutable_regulations()->pointer_end());
    RETURN_IF_ERROR(CompleteRegulations(tx, page));
    return response;
  });
}

absl::StatusOr<v1::Regulation> RegulationService::CreateRegulation(CallContext const& call,
                                                                   v1::CreateRegulationRequest const& request) {
  std::vector<FieldViolation> violations;
  CheckRegulation(request.regulation(), violations);
  RETURN_IF_ERROR(Verdict(std::move(violations)));
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::Regulation> {
    v1::Regulation regulation = request.regulation();
    regulation.set_name(absl::StrCat("regulations/", request.regulation_id()));
    RETURN_IF_ERROR(tx.Insert(regulation));
    RETURN_IF_ERROR(StoreRules(tx, regulation));
    v1::RegulationCreated event;
    *event.mutable_regulation() = regulation;
    RETURN_IF_ERROR(tx.Append(event, regulation.name()));
    return regulation;
  });
}

}  // namespace helhed::funding
