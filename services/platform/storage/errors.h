#pragma once

#include <absl/status/status.h>
#include <absl/time/time.h>

#include <span>
#include <string>
#include <string_view>

#include "services/platform/storage/database.h"

// What both engines say in the same words. No message holds a value of a row or a bind: they may be personal.
namespace helhed::storage {

inline constexpr std::string_view kConstraintUrl = "type.helhed.dk/storage.constraint";

// ALREADY_EXISTS RESOURCE_EXISTS: a unique key.
absl::Status UniqueBroken(std::string_view statement, std::string_view constraint);
// FAILED_PRECONDITION REFERENCE_BROKEN: a foreign key.
absl::Status ReferenceBroken(std::string_view statement, std::string_view constraint);
// FAILED_PRECONDITION: a CHECK or NOT NULL.
absl::Status CheckBroken(std::string_view statement, std::string_view constraint);
// ABORTED CONFLICT.
absl::Status Conflict(std::string_view statement);
// INTERNAL INTERNAL: the statement itself is wrong.
absl::Status StatementFailed(std::string_view statement, std::string_view why);
// UNAVAILABLE STORE_UNAVAILABLE.
absl::Status StoreUnavailable(std::string_view why);
// RESOURCE_EXHAUSTED OVERLOADED, with a delay after which to try again.
absl::Status Overloaded(std::string_view why);
// DATA_LOSS.
absl::Status StoreDamaged(std::string_view why);

// OK, or DEADLINE_EXCEEDED or CANCELLED by the limits.
absl::Status CheckLimits(Limits const& limits);
absl::Status DeadlineExceeded();
absl::Status Cancelled();

// INVALID_ARGUMENT when a text is not UTF-8 or holds a zero byte: PostgreSQL refuses both, so SQLite must.
absl::Status CheckBinds(Statement const& statement, std::span<Bind const> binds);

}  // namespace helhed::storage
