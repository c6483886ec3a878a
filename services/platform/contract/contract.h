#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/field_mask.pb.h>
#include <google/protobuf/message.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "helhed/policy/v1/policy.pb.h"
#include "services/platform/base/status.h"

// What the contract says, read once from the descriptors and kept in a form that is quick to use.
namespace helhed::contract {

// A method with its policy. Lives as long as the process.
class Method {
 public:
  // `/helhed.residents.v1.HousingRegisterService/GetDwelling`
  std::string const& path() const { return path_; }
  // `GetDwelling`
  std::string const& name() const { return descriptor_->name(); }
  google::protobuf::MethodDescriptor const& descriptor() const { return *descriptor_; }
  policy::v1::MethodPolicy const& policy() const { return policy_; }
  bool is_read() const { return policy_.effect() == policy::v1::EFFECT_READ; }
  bool is_server_stream() const { return descriptor_->server_streaming(); }
  absl::Duration timeout() const { return timeout_; }
  std::size_t request_bytes_max() const { return request_bytes_max_; }

  // The value of the request's field that names the resource acted on; empty where the policy names none.
  std::string Resource(google::protobuf::Message const& request) const;
  // The request's `request_id`, `validate_only`, or empty and false where it has no such field.
  std::string RequestId(google::protobuf::Message const& request) const;
  bool ValidateOnly(google::protobuf::Message const& request) const;

  // Aborts when the method has no policy or its policy names fields that the request does not have: the contract test should
  // have stopped that.
  explicit Method(google::protobuf::MethodDescriptor const* descriptor);

 private:
  google::protobuf::MethodDescriptor const* descriptor_;
  policy::v1::MethodPolicy policy_;
  std::string path_;
  absl::Duration timeout_;
  std::size_t request_bytes_max_;
  std::vector<google::protobuf::FieldDescriptor const*> resource_path_;
  google::protobuf::FieldDescriptor const* request_id_;
  google::protobuf::FieldDescriptor const* validate_only_;
};

// The method of a path, or nullptr when the contract linked into this process has none. Made at first use, safe from any thread.
Method const* FindMethod(std::string_view path);
// All methods of a service by its full name (`helhed.residents.v1.HousingRegisterService`), in the order of the contract.
std::vector<Method const*> MethodsOf(std::string_view service);
// The methods of every service of the contract.
std::vector<Method const*> AllMethods();

// Every rule that `request` breaks, of the fields' rules, `REQUIRED`, resource references and the update mask; OK when none.
// Refused besides: ill-formed UTF-8 and U+0000, enum values that the contract does not have, dates that do not exist, ranges
// that do not end after they start, instants, durations and masks that are out of form, messages more than 64 deep. In the
// resource of an Update request only what will be written is REQUIRED, and its name. OUTPUT_ONLY fields are not looked at: they
// are cleared before (ClearOutputOnly). The error is INVALID_ARGUMENT BAD_REQUEST with all violations; none repeats a value.
absl::Status Validate(google::protobuf::Message const& request);

// Clears what a caller may not set (OUTPUT_ONLY fields, AIP-203), at every depth. `name` and `etag` stay.
void ClearOutputOnly(google::protobuf::Message& request);

// A copy of `message` in which what is PERSONAL or more private is replaced as its redaction says. For logs and audit.
std::unique_ptr<google::protobuf::Message> Redact(google::protobuf::Message const& message);

// The most private data class that a field of this type may hold, at any depth.
policy::v1::DataClass MostPrivate(google::protobuf::Descriptor const& type);
// The data class of a field: its own, or its message's.
policy::v1::DataClass DataClassOf(google::protobuf::FieldDescriptor const& field);

// What the update mask of an Update request means (AIP-134): the paths to change of the resource, in the contract's names. An
// empty mask stands for every field set in `resource`; `*` for every field that may be changed. OUTPUT_ONLY, IMMUTABLE and
// IDENTIFIER fields and `etag` are refused when they are named and differ from `current`; they are left out otherwise. Copies
// those fields from `resource` onto `current`. Errors: BAD_REQUEST that names the paths.
absl::Status ApplyUpdate(google::protobuf::FieldMask const& mask, google::protobuf::Message const& resource,
                         google::protobuf::Message& current, std::string_view resource_field);

}  // namespace helhed::contract
