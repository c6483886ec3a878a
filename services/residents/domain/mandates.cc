#include "services/residents/domain/mandates.h"

#include "helhed/residents/v1/errors.pb.h"

namespace helhed::residents {
namespace {

bool IsSameBody(v1::Mandate const& a, v1::Mandate const& b) {
  if (a.body() != b.body()) return false;
  if (a.body() == v1::MANDATE_BODY_HOUSEHOLD) return a.household() == b.household();
  // There is one supreme body; the department only says who elected.
  return a.body() == v1::MANDATE_BODY_SUPREME_BODY || a.department() == b.department();
}

bool Collide(v1::Mandate const& a, v1::Mandate const& b) {
  if (!IsSameBody(a, b)) return false;
  if (a.body() == v1::MANDATE_BODY_HOUSEHOLD || a.holder() == b.holder()) return true;
  return a.role() == v1::MANDATE_ROLE_CHAIR && b.role() == v1::MANDATE_ROLE_CHAIR;
}

bool HasRole(v1::MandateBody body, v1::MandateRole role) {
  switch (body) {
    case v1::MANDATE_BODY_HOUSEHOLD:
      return role == v1::MANDATE_ROLE_REPRESENTATIVE;
    case v1::MANDATE_BODY_DEPARTMENT_BOARD:
      return role == v1::MANDATE_ROLE_MEMBER || role == v1::MANDATE_ROLE_CHAIR || role == v1::MANDATE_ROLE_SUBSTITUTE;
    case v1::MANDATE_BODY_SUPREME_BODY:
      return role == v1::MANDATE_ROLE_REPRESENTATIVE || role == v1::MANDATE_ROLE_SUBSTITUTE;
    default:
      return false;
  }
}

}  // namespace

std::vector<FieldViolation> MandateViolations(v1::Mandate const& mandate) {
  std::vector<FieldViolation> violations;
  bool const is_household = mandate.body() == v1::MANDATE_BODY_HOUSEHOLD;
  if (!HasRole(mandate.body(), mandate.role())) {
    violations.push_back({"mandate.role", "must be a role that there is in the body"});
  }
  if (mandate.body() == v1::MANDATE_BODY_DEPARTMENT_BOARD && mandate.department().empty()) {
    violations.push_back({"mandate.department", "must be given for a department board"});
  }
  if (is_household && !mandate.department().empty()) {
    violations.push_back({"mandate.department", "must be left out for a household: where that is follows from its dwelling"});
  }
  if (is_household == mandate.household().empty()) {
    violations.push_back({"mandate.household", "must be given for a household, and only then"});
  }
  return violations;
}

absl::Status CheckMandate(Tenure const& candidate, std::span<Tenure const> others) {
  for (auto const& other : others) {
    bool const is_other = other.mandate.name() != candidate.mandate.name();
    if (!is_other || !other.period.Overlaps(candidate.period) || !Collide(candidate.mandate, other.mandate)) continue;
    return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_PERIODS_OVERLAP,
                 "There is such a mandate in that period; end it first.",
                 {{"resource", candidate.mandate.name()}, {"other", other.mandate.name()}});
  }
  return absl::OkStatus();
}

}  // namespace helhed::residents
