#pragma once

#include <absl/status/status.h>

#include <vector>

#include "helhed/funding/v1/plan.pb.h"
#include "helhed/funding/v1/regulation.pb.h"
#include "services/platform/base/status.h"

// What a plan promises: its period, its budget, its focus areas, under a regulation.
namespace helhed::funding {

// What is wrong with an amount of a plan: another currency than DKK, or a negative one (domain.md M1). `field` is the path of the
// Money in the request.
void CheckMoney(common::v1::Money const& money, std::string_view field, std::vector<FieldViolation>& violations);

// What is wrong with the plan itself, whatever it is under: its period needs an end, it is not its own predecessor.
void CheckPlan(v1::Plan const& plan, std::vector<FieldViolation>& violations);

// What is wrong with a regulation: a focus area twice, a basis for a field that it does not have.
void CheckRegulation(v1::Regulation const& regulation, std::vector<FieldViolation>& violations);

// OK when the plan fits the regulation. Errors:
//   FAILED_PRECONDITION  REGULATION_NOT_VALID  the plan does not start within the regulation's grant years
//   INVALID_ARGUMENT     FOCUS_AREA_UNKNOWN    the plan has chosen what the regulation does not have
absl::Status CheckUnder(v1::Regulation const& regulation, v1::Plan const& plan);

}  // namespace helhed::funding
