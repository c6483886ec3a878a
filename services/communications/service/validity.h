#pragma once

#include <absl/status/status.h>

#include <string>

#include "helhed/communications/v1/errors.pb.h"
#include "services/platform/base/status.h"
#include "services/platform/storage/database.h"

namespace helhed::communications {

// FAILED_PRECONDITION RULE_NOT_LATER unless something that is to hold from `date` on does so later than what is there: what held
// on a date that has passed was relied on, and stays. `latest` is the date of the last that is there, in its first column, if
// any.
inline absl::Status CheckLater(storage::Rows const& latest, std::string const& date) {
  if (latest.empty() || date > latest.Text(0, 0)) return absl::OkStatus();
  return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_RULE_NOT_LATER,
               "it holds from a later date than those that are there", {{"latest", latest.Text(0, 0)}});
}

}  // namespace helhed::communications
