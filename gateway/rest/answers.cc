#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <google/rpc/error_details.pb.h>

#include <algorithm>
#include <array>

#include "gateway/rest/transcoder.h"
#include "helhed/common/v1/errors.pb.h"
#include "services/platform/base/status.h"
#include "services/platform/base/strings.h"
#include "services/platform/json/error.h"

namespace helhed::gateway::rest {
namespace {

// What callers are meant to see of google/rpc/error_details.proto. DebugInfo is for us alone.
bool IsForCallers(absl::string_view type_url) {
  static constexpr std::array<std::string_view, 9> kinds = {"type.googleapis.com/google.rpc.ErrorInfo",
                                                            "type.googleapis.com/google.rpc.BadRequest",
                                                            "type.googleapis.com/google.rpc.RetryInfo",
                                                            "type.googleapis.com/google.rpc.QuotaFailure",
                                                            "type.googleapis.com/google.rpc.PreconditionFailure",
                                                            "type.googleapis.com/google.rpc.ResourceInfo",
                                                            "type.googleapis.com/google.rpc.Help",
                                                            "type.googleapis.com/google.rpc.LocalizedMessage",
                                                            "type.googleapis.com/google.rpc.RequestInfo"};
  return std::find(kinds.begin(), kinds.end(), Sv(type_url)) != kinds.end();
}

bool IsOurFault(absl::StatusCode code) {
  return code == absl::StatusCode::kInternal || code == absl::StatusCode::kUnknown || code == absl::StatusCode::kDataLoss;
}

// `status` as a stranger may see it.
absl::Status ForCallers(absl::Status const& status, std::string_view reference) {
  if (IsOurFault(status.code())) {
    auto const message =
        absl::StrCat("something went wrong on our side", reference.empty() ? "" : "; its reference is ", Av(reference));
    return Error(status.code(), common::v1::ERROR_REASON_INTERNAL, message, {{"reference", std::string(reference)}});
  }
  absl::Status kept(status.code(), status.message());
  status.ForEachPayload([&](absl::string_view url, absl::Cord const& payload) {
    if (IsForCallers(url)) kept.SetPayload(url, payload);
  });
  return kept;
}

// RFC 6750, section 3: without an identity no error is named, else the token is what is wrong.
std::string Challenge(absl::Status const& status) {
  std::string challenge = "Bearer realm=\"helhed\"";
  if (ReasonOf(status) != "IDENTITY_MISSING") absl::StrAppend(&challenge, ", error=\"invalid_token\"");
  return challenge;
}

}  // namespace

Answer ErrorAnswer(absl::Status const& status, std::string_view reference) {
  auto const shown = ForCallers(status, reference);
  Answer answer;
  answer.status = ReasonOf(shown) == "REQUEST_TOO_LARGE" ? 413 : json::HttpStatus(shown.code());
  answer.fields = {{"content-type", "application/json"}, {"cache-control", "no-store"}, {"x-content-type-options", "nosniff"}};
  if (answer.status == 401) answer.fields.push_back({"www-authenticate", Challenge(shown)});
  if (auto const delay = RetryDelayOf(shown)) {
    // Whole seconds, and never an invitation to come at once.
    auto const seconds = std::max<std::int64_t>(1, (delay->count() + 999) / 1000);
    answer.fields.push_back({"retry-after", absl::StrCat(seconds)});
  }
  answer.body = json::ErrorJson(shown, answer.status);
  return answer;
}

Answer TooLarge(Matched const& matched) {
  return ErrorAnswer(Error(absl::StatusCode::kResourceExhausted, common::v1::ERROR_REASON_REQUEST_TOO_LARGE,
                           Sv(absl::StrCat("the body must not have more than ", matched.body_bytes_max, " bytes")),
                           {{"bytes_max", absl::StrCat(matched.body_bytes_max)}}),
                     "");
}

}  // namespace helhed::gateway::rest
