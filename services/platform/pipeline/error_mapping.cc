#include "services/platform/pipeline/error_mapping.h"

#include <absl/strings/cord.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>

#include <chrono>
#include <utility>
#include <vector>

#include "helhed/common/v1/errors.pb.h"
#include "services/platform/base/status.h"

namespace helhed {
namespace {

using Code = absl::StatusCode;

constexpr std::chrono::milliseconds kRetryDelay{250};

MappedError Fault(absl::Status const& status, Clock const& clock, Random& random) {
  auto reference = NewUuid(clock.Now(), random);
  auto error = Error(Code::kInternal, common::v1::ERROR_REASON_INTERNAL,
                     Sv(absl::StrCat("The service failed. Its operator finds out why by the reference ", reference, ".")),
                     {{"reference", reference}});
  return {std::move(error), status.ToString(absl::StatusToStringMode::kWithNoExtraData), std::move(reference)};
}

// The platform's own words for an error that came without a reason; OK where it has none.
absl::Status Standard(Code code) {
  switch (code) {
    case Code::kCancelled:
      return Error(code, common::v1::ERROR_REASON_CANCELLED, "The caller went away.");
    case Code::kDeadlineExceeded:
      return Error(code, common::v1::ERROR_REASON_DEADLINE_EXCEEDED, "The time given for the call ran out.");
    case Code::kNotFound:
      return Error(code, common::v1::ERROR_REASON_RESOURCE_NOT_FOUND, "The resource was not found.");
    case Code::kAlreadyExists:
      return Error(code, common::v1::ERROR_REASON_RESOURCE_EXISTS, "A resource of that name exists.");
    case Code::kAborted:
      return Error(code, common::v1::ERROR_REASON_CONFLICT, "Other writes came in between. Try again.");
    case Code::kResourceExhausted:
      return Error(code, common::v1::ERROR_REASON_OVERLOADED, "More work is waiting than the service takes. Try again later.");
    case Code::kUnavailable:
      return Error(code, common::v1::ERROR_REASON_STORE_UNAVAILABLE, "The store cannot be reached. Try again later.");
    default:
      return absl::OkStatus();
  }
}

void DropInnerPayloads(absl::Status& status) {
  std::vector<std::string> inner;
  status.ForEachPayload([&](absl::string_view url, absl::Cord const&) {
    if (!absl::StartsWith(url, "type.googleapis.com/google.rpc.")) inner.emplace_back(url);
  });
  for (auto const& url : inner) status.ErasePayload(url);
}

bool IsFault(Code code) { return code == Code::kInternal || code == Code::kUnknown || code == Code::kDataLoss; }

}  // namespace

MappedError MapError(absl::Status status, Clock const& clock, Random& random) {
  if (IsFault(status.code())) return Fault(status, clock, random);
  MappedError mapped;
  auto reason = ReasonOf(status);
  if (reason.empty()) {
    mapped.status = Standard(status.code());
    if (mapped.status.ok()) return Fault(status, clock, random);
    mapped.original = status.ToString(absl::StatusToStringMode::kWithNoExtraData);
    if (auto const delay = RetryDelayOf(status)) mapped.status = WithRetryDelay(std::move(mapped.status), *delay);
    reason = ReasonOf(mapped.status);
  } else {
    mapped.status = std::move(status);
  }
  auto const code = mapped.status.code();
  bool const may_help = code == Code::kUnavailable || (code == Code::kResourceExhausted && reason != "REQUEST_TOO_LARGE");
  if (may_help && !RetryDelayOf(mapped.status)) mapped.status = WithRetryDelay(std::move(mapped.status), kRetryDelay);
  DropInnerPayloads(mapped.status);
  return mapped;
}

}  // namespace helhed
