#include <absl/strings/str_cat.h>

#include "helhed/funding/v1/errors.pb.h"
#include "helhed/funding/v1/events.pb.h"
#include "services/funding/domain/apportion.h"
#include "services/funding/service/money_queries.h"
#include "services/funding/service/money_session.h"
#include "services/funding/service/requests.h"
#include "services/funding/service/source_service.h"

namespace helhed::funding {
namespace {

storage::Statement const kNewPart("funding.new_apportionment_part",
                                  "INSERT INTO apportionment_parts (plan, source, apportionment, department, weight, "
                                  "amount_minor_units, remainder, got_residual) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)");

v1::Apportionment Record(Split const& split, Ore total) {
  v1::Apportionment apportionment;
  apportionment.set_method(v1::APPORTIONMENT_METHOD_LARGEST_REMAINDER);
  *apportionment.mutable_total() = ToMoney(total);
  Ore sum = 0;
  for (auto const& part : split.parts) {
    auto& stored = *apportionment.add_parts();
    stored.set_department(part.key);
    stored.set_weight(part.weight);
    *stored.mutable_amount() = ToMoney(part.amount);
    stored.set_remainder(part.remainder);
    stored.set_got_residual(part.got_residual);
    sum += part.amount;
  }
  auto& proof = *apportionment.mutable_proof();
  proof.set_weights(split.weights);
  *proof.mutable_floors() = ToMoney(split.floors);
  proof.set_residual_units(split.residual_units);
  *proof.mutable_sum() = ToMoney(sum);
  proof.set_least_remainder_served(split.least_remainder_served);
  return apportionment;
}

absl::Status StoreParts(WriteTransaction& tx, v1::Apportionment const& apportionment) {
  auto const source = contract::LastPart(contract::ParentOf(apportionment.name()));
  for (auto const& part : apportionment.parts()) {
    RETURN_IF_ERROR(tx.Enqueue(kNewPart, {PlanIdOf(apportionment.name()), source, contract::LastPart(apportionment.name()),
                                          std::string_view(part.department()), part.weight(), part.amount().minor_units(),
                                          part.remainder(), part.got_residual()}));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<v1::Apportionment> SourceService::ApportionSource(CallContext const& call,
                                                                 v1::ApportionSourceRequest const& request) {
  std::vector<FieldViolation> violations;
  if (request.has_amount()) CheckAmount(request.amount(), "amount", Sign::kNotNegative, violations);
  if (request.weights().empty() && request.key() == v1::APPORTIONMENT_KEY_GIVEN) {
    violations.push_back({"weights", "must be given where the key is given"});
  }
  RETURN_IF_ERROR(Verdict(std::move(violations)));
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::Apportionment> {
    ASSIGN_OR_RETURN(auto const session, MoneySession::Open(tx, request.name(), false));
    RETURN_IF_ERROR(session->RequireAlive());
    ASSIGN_OR_RETURN(auto const source, tx.Get<v1::Source>(request.name()));
    absl::CivilDay date = session->plan().period.start;
    if (request.has_as_of_date()) {
      ASSIGN_OR_RETURN(date, ReadDate(request.as_of_date(), "as_of_date"));
    }
    std::vector<Weight> weights;
    for (auto const& weight : request.weights()) weights.push_back({weight.department(), weight.weight()});
    if (weights.empty()) {
      ASSIGN_OR_RETURN(weights, CoveredWeights(tx, session->plan().name, date, request.key()));
    }
    Ore const total = request.has_amount() ? request.amount().minor_units() : source.amount().minor_units();
    ASSIGN_OR_RETURN(auto const split, Apportion(total, weights));
    auto apportionment = Record(split, total);
    apportionment.set_name(absl::StrCat(request.name(), "/apportionments/", call.NewId()));
    apportionment.set_key(request.key());
    if (request.weights().empty()) *apportionment.mutable_as_of_date() = ToProtoDate(date);
    RETURN_IF_ERROR(tx.Insert(apportionment));
    RETURN_IF_ERROR(StoreParts(tx, apportionment));
    v1::SourceApportioned event;
    *event.mutable_apportionment() = apportionment;
    RETURN_IF_ERROR(tx.Append(event, source.name(), session->plan().name));
    return apportionment;
  });
}

absl::StatusOr<v1::Apportionment> SourceService::GetApportionment(CallContext const& call,
                                                                  v1::GetApportionmentRequest const& request) {
  return store_.Read(call, [&](ReadTransaction& tx) -> absl::StatusOr<v1::Apportionment> {
    ASSIGN_OR_RETURN(auto apportionment, tx.Get<v1::Apportionment>(request.name()));
    v1::Apportionment* const one[] = {&apportionment};
    RETURN_IF_ERROR(CompleteApportionments(tx, one));
    return apportionment;
  });
}

absl::StatusOr<v1::ListApportionmentsResponse> SourceService::ListApportionments(CallContext const& call,
                                                                                 v1::ListApportionmentsRequest const& request) {
  return store_.Read(call, [&](ReadTransaction& tx) -> absl::StatusOr<v1::ListApportionmentsResponse> {
    ASSIGN_OR_RETURN(auto response, ListOfSource<v1::ListApportionmentsResponse>(tx, request, "apportionments", "a"));
    std::vector<v1::Apportionment*> const page(response.mutable_apportionments()->pointer_begin(),
                                               response.mutable_apportionments()->pointer_end());
    RETURN_IF_ERROR(CompleteApportionments(tx, page));
    return response;
  });
}

}  // namespace helhed::funding
