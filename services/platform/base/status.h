#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <google/protobuf/generated_enum_reflection.h>

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "services/platform/base/strings.h"

namespace google::rpc {
class Status;
}

// Errors as AIP-193 has them: an absl::Status that carries one google.rpc.ErrorInfo, and for bad input every
// google.rpc.BadRequest.FieldViolation at once.
namespace helhed {

// Why a call was refused: a value of an enum `ErrorReason` of the contract.
class Reason {
 public:
  template <typename Enum, typename = std::enable_if_t<google::protobuf::is_proto_enum<Enum>::value>>
  Reason(Enum value)  // NOLINT(google-explicit-constructor): reads as the value it is
      : Reason(google::protobuf::GetEnumDescriptor<Enum>(), static_cast<int>(value)) {}

  // The value's name without the enum's prefix: `ETAG_MISMATCH`.
  std::string const& name() const { return name_; }
  // `helhed.dk` for the platform's reasons, `<service>.helhed.dk` for a service's.
  std::string const& domain() const { return domain_; }

 private:
  Reason(google::protobuf::EnumDescriptor const* type, int value);
  std::string name_;
  std::string domain_;
};

// Every value that the message holds and that changes from call to call, by name (lower_snake_case).
using ErrorMetadata = std::map<std::string, std::string>;

// One field that breaks a rule.
struct FieldViolation {
  // The path from the request, in the contract's names: `department.display_name`, `requests[12].dwelling.kvhx_key`.
  std::string field;
  // What is wrong and what would be right. Never the value itself when the field is PERSONAL or more private.
  std::string description;
};

// An error with its reason. `message` is for the developer who calls: English, a sentence, what to do about it.
absl::Status Error(absl::StatusCode code, Reason const& reason, std::string_view message, ErrorMetadata metadata = {});

// INVALID_ARGUMENT BAD_REQUEST that names every violation. `violations` must not be empty.
absl::Status BadRequest(std::vector<FieldViolation> violations);

// NOT_FOUND RESOURCE_NOT_FOUND.
absl::Status NotFound(std::string_view resource);

// `status` with a google.rpc.RetryInfo that asks to wait `delay`.
absl::Status WithRetryDelay(absl::Status status, std::chrono::milliseconds delay);

// What `status` carries, or empty where it carries none.
std::string ReasonOf(absl::Status const& status);
ErrorMetadata MetadataOf(absl::Status const& status);
std::vector<FieldViolation> ViolationsOf(absl::Status const& status);
std::optional<std::chrono::milliseconds> RetryDelayOf(absl::Status const& status);

// To the form that crosses processes, and back. Nothing is lost either way.
google::rpc::Status ToProto(absl::Status const& status);
absl::Status FromProto(google::rpc::Status const& status);

namespace internal {
inline absl::Status StatusOf(absl::Status status) { return status; }
template <typename T>
absl::Status StatusOf(absl::StatusOr<T>&& result) {
  return std::move(result).status();
}
}  // namespace internal

}  // namespace helhed

#define HELHED_CONCAT_(a, b) a##b
#define HELHED_CONCAT(a, b) HELHED_CONCAT_(a, b)

// Leaves the function with the error of `expression` (an absl::Status), if it is one.
#define RETURN_IF_ERROR(expression)                                  \
  if (absl::Status helhed_status = (expression); helhed_status.ok()) \
    [[likely]];                                                      \
  else                                                               \
    return helhed_status

// `left = *expression`, or leaves the function with its error. `left` may declare: ASSIGN_OR_RETURN(auto const plan, Find(...)).
#define ASSIGN_OR_RETURN(left, ...) HELHED_ASSIGN_OR_RETURN_(HELHED_CONCAT(helhed_or_, __LINE__), left, __VA_ARGS__)
#define HELHED_ASSIGN_OR_RETURN_(result, left, ...)    \
  auto result = (__VA_ARGS__);                         \
  if (!result.ok()) return std::move(result).status(); \
  left = *std::move(result)
