#include "services/platform/storage/errors.h"

#include <absl/strings/cord.h>
#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>

#include <chrono>
#include <utility>

#include "helhed/common/v1/errors.pb.h"
#include "services/platform/base/status.h"
#include "services/platform/base/strings.h"

namespace helhed::storage {
namespace {

absl::Status WithConstraint(absl::Status status, std::string_view constraint) {
  if (!constraint.empty()) status.SetPayload(Av(kConstraintUrl), absl::Cord(Av(constraint)));
  return status;
}

ErrorMetadata Constraint(std::string_view constraint) {
  if (constraint.empty()) return {};
  return {{"constraint", std::string(constraint)}};
}

// How many bytes the well-formed UTF-8 sequence at the start of `text` has, 0 when there is none (Unicode 15, table 3-7).
std::size_t SequenceLength(std::string_view text) {
  auto const byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
  auto const tail = [&](std::size_t i, unsigned low = 0x80, unsigned high = 0xBF) { return byte(i) >= low && byte(i) <= high; };
  unsigned const lead = byte(0);
  if (lead >= 0xC2 && lead <= 0xDF) return tail(1) ? 2 : 0;
  if (lead >= 0xE0 && lead <= 0xEF) {
    return tail(1, lead == 0xE0 ? 0xA0 : 0x80, lead == 0xED ? 0x9F : 0xBF) && tail(2) ? 3 : 0;
  }
  if (lead >= 0xF0 && lead <= 0xF4) {
    return tail(1, lead == 0xF0 ? 0x90 : 0x80, lead == 0xF4 ? 0x8F : 0xBF) && tail(2) && tail(3) ? 4 : 0;
  }
  return 0;
}

bool IsStorableText(std::string_view text) {
  while (!text.empty()) {
    auto const first = static_cast<unsigned char>(text.front());
    if (first == 0) return false;
    std::size_t const length = first < 0x80 ? 1 : SequenceLength(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

}  // namespace

absl::Status UniqueBroken(std::string_view statement, std::string_view constraint) {
  return WithConstraint(
      Error(absl::StatusCode::kAlreadyExists, common::v1::ERROR_REASON_RESOURCE_EXISTS,
            absl::StrCat(Av(statement), ": a unique key is taken (", Av(constraint), ")"), Constraint(constraint)),
      constraint);
}

absl::Status ReferenceBroken(std::string_view statement, std::string_view constraint) {
  return WithConstraint(
      Error(absl::StatusCode::kFailedPrecondition, common::v1::ERROR_REASON_REFERENCE_BROKEN,
            absl::StrCat(Av(statement), ": a row refers to one that is missing, or is referred to"), Constraint(constraint)),
      constraint);
}

absl::Status CheckBroken(std::string_view statement, std::string_view constraint) {
  return WithConstraint(
      absl::FailedPreconditionError(absl::StrCat(Av(statement), ": a rule of the table is broken (", Av(constraint), ")")),
      constraint);
}

absl::Status Conflict(std::string_view statement) {
  return Error(absl::StatusCode::kAborted, common::v1::ERROR_REASON_CONFLICT,
               absl::StrCat(Av(statement), ": other writes came in between; try again"));
}

absl::Status StatementFailed(std::string_view statement, std::string_view why) {
  return Error(absl::StatusCode::kInternal, common::v1::ERROR_REASON_INTERNAL,
               absl::StrCat("statement ", Av(statement), ": ", Av(why)));
}

absl::Status StoreUnavailable(std::string_view why) {
  return Error(absl::StatusCode::kUnavailable, common::v1::ERROR_REASON_STORE_UNAVAILABLE,
               absl::StrCat("the store cannot be reached: ", Av(why)));
}

absl::Status Overloaded(std::string_view why) {
  return WithRetryDelay(Error(absl::StatusCode::kResourceExhausted, common::v1::ERROR_REASON_OVERLOADED, why),
                        std::chrono::milliseconds(200));
}

absl::Status StoreDamaged(std::string_view why) {
  return Error(absl::StatusCode::kDataLoss, common::v1::ERROR_REASON_INTERNAL,
               absl::StrCat("the store is damaged; restore a backup: ", Av(why)));
}

absl::Status DeadlineExceeded() {
  return Error(absl::StatusCode::kDeadlineExceeded, common::v1::ERROR_REASON_DEADLINE_EXCEEDED,
               "the time for the store ran out; nothing was changed");
}

absl::Status Cancelled() {
  return Error(absl::StatusCode::kCancelled, common::v1::ERROR_REASON_CANCELLED, "the call was cancelled; nothing was changed");
}

absl::Status CheckLimits(Limits const& limits) {
  if (limits.stop.stop_requested()) return Cancelled();
  if (limits.deadline != absl::InfiniteFuture() && absl::Now() >= limits.deadline) return DeadlineExceeded();
  return absl::OkStatus();
}

absl::Status CheckBinds(Statement const& statement, std::span<Bind const> binds) {
  for (std::size_t i = 0; i < binds.size(); ++i) {
    auto const* const text = std::get_if<std::string_view>(&binds[i]);
    if (text != nullptr && !IsStorableText(*text)) {
      return absl::InvalidArgumentError(
          absl::StrCat("statement ", statement.name(), ": $", i + 1, " is not UTF-8, or holds a zero byte"));
    }
  }
  return absl::OkStatus();
}

}  // namespace helhed::storage
