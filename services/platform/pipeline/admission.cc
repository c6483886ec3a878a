#include "services/platform/pipeline/admission.h"

#include <absl/strings/escaping.h>
#include <absl/strings/str_cat.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <sodium.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "helhed/common/v1/errors.pb.h"
#include "services/platform/base/status.h"
#include "services/platform/contract/contract.h"
#include "services/platform/contract/resource_name.h"

namespace helhed {
namespace {

using google::protobuf::Message;

// A name that is longer than any of the contract is not repeated in errors: they travel in headers.
constexpr std::size_t kShownBytesMax = 500;

absl::Status CheckSize(contract::Method const& method, std::size_t bytes) {
  if (bytes <= method.request_bytes_max()) return absl::OkStatus();
  return Error(
      absl::StatusCode::kResourceExhausted, common::v1::ERROR_REASON_REQUEST_TOO_LARGE,
      Sv(absl::StrCat("The request has ", bytes, " bytes; ", method.name(), " takes at most ", method.request_bytes_max(), ".")),
      {{"bytes", absl::StrCat(bytes)}, {"bytes_max", absl::StrCat(method.request_bytes_max())}});
}

absl::StatusOr<std::shared_ptr<common::v1::Identity const>> Identify(Pipeline::Parts const& pipeline,
                                                                     contract::Method const& method,
                                                                     std::string_view signed_identity) {
  if (!method.policy().public_() || !signed_identity.empty()) return pipeline.verifier->Verify(signed_identity);
  static auto const& anonymous = *new std::shared_ptr<common::v1::Identity const>(std::make_shared<common::v1::Identity>());
  return anonymous;
}

absl::StatusOr<Message*> Parse(Router::Entry const& entry, std::string_view bytes, google::protobuf::Arena& arena) {
  auto* const request = entry.request->New(&arena);
  if (request->ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return request;
  return Error(absl::StatusCode::kInvalidArgument, common::v1::ERROR_REASON_BAD_REQUEST,
               Sv(absl::StrCat("The bytes are not a ", entry.request->GetTypeName(), ".")));
}

// What has not the form of a name is not repeated either: nothing was validated yet, so it may be any text.
bool HasNamesForm(std::string_view text) {
  return text.find('/') != std::string_view::npos && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '/' || c == '.' ||
                  c == '_' || c == '~' || c == '-';
         });
}

bool IsShown(CallRecord const& record, std::string_view resource) {
  return record.method->resource_is_shown && resource.size() <= kShownBytesMax && HasNamesForm(resource);
}

absl::Status Denied(CallRecord const& record, std::string_view permission, std::string_view resource) {
  ErrorMetadata metadata{{"permission", std::string(permission)}};
  auto message = absl::StrCat("No grant of the caller carries ", Av(permission));
  if (IsShown(record, resource)) {
    metadata.emplace("resource", resource);
    absl::StrAppend(&message, " for ", Av(resource));
  }
  absl::StrAppend(&message, ".");
  return Error(absl::StatusCode::kPermissionDenied, common::v1::ERROR_REASON_PERMISSION_MISSING, message, std::move(metadata));
}

absl::Status Absent(CallRecord const& record, std::string_view resource) {
  if (IsShown(record, resource)) return NotFound(resource);
  return Error(absl::StatusCode::kNotFound, common::v1::ERROR_REASON_RESOURCE_NOT_FOUND, "The resource was not found.");
}

absl::Status CheckContent(Message& request) {
  contract::ClearOutputOnly(request);
  return contract::Validate(request);
}

bool CoversAny(std::vector<std::string> const& scopes, std::string_view resource) {
  return std::any_of(scopes.begin(), scopes.end(), [&](std::string const& scope) { return contract::Covers(scope, resource); });
}

// Compares the caller's grants with what the request names; see Pipeline.
absl::Status Authorise(CallRecord const& record, CallContext::Parts const& parts, Message& request) {
  auto const& method = *parts.method;
  auto const& policy = method.policy();
  if (policy.public_()) return absl::OkStatus();
  if (parts.scopes.empty()) return Denied(record, policy.permission(), parts.resource);
  switch (policy.scope()) {
    case policy::v1::SCOPE_FILTERED:
    case policy::v1::SCOPE_RESOLVED:
      return absl::OkStatus();
    case policy::v1::SCOPE_GLOBAL:
      if (CoversAny(parts.scopes, "")) return absl::OkStatus();
      return Denied(record, policy.permission(), parts.resource);
    default:
      break;
  }
  if (CoversAny(parts.scopes, parts.resource)) return absl::OkStatus();
  // Who forgot the name is told so. That it is absent would be true and of no help.
  if (parts.resource.empty()) {
    RETURN_IF_ERROR(CheckContent(request));
  }
  return method.is_read() ? Absent(record, parts.resource) : Denied(record, policy.permission(), parts.resource);
}

// The SHA-256 of the method's path and the request, in hexadecimal. Deterministic within a version of the contract, which is all
// that a repetition within the idempotency records' life needs.
std::string HashOf(contract::Method const& method, Message const& request) {
  std::string bytes = method.path();
  bytes.push_back('\n');
  {
    google::protobuf::io::StringOutputStream out(&bytes);
    google::protobuf::io::CodedOutputStream coded(&out);
    coded.SetSerializationDeterministic(true);
    request.SerializeToCodedStream(&coded);
  }
  std::array<unsigned char, crypto_hash_sha256_BYTES> hash{};
  crypto_hash_sha256(hash.data(), reinterpret_cast<unsigned char const*>(bytes.data()), bytes.size());
  return absl::BytesToHexString(absl::string_view(reinterpret_cast<char const*>(hash.data()), hash.size()));
}

// What the handler and its transaction need to know of a request that passed.
void Describe(Message const& request, CallContext::Parts& parts) {
  auto const& method = *parts.method;
  parts.request_id = method.RequestId(request);
  parts.validate_only = method.ValidateOnly(request);
  if (!method.is_read()) parts.request_hash = HashOf(method, request);
  if (method.policy().audit() == policy::v1::AUDIT_LEVEL_REQUEST) {
    parts.audit_request = contract::Redact(request)->SerializeAsString();
  }
}

}  // namespace

absl::Status Admit(Pipeline::Parts const& pipeline, IncomingCall const& call, google::protobuf::Arena& arena, CallRecord& record,
                   Admitted& admitted) {
  auto const& entry = *record.method->entry;
  auto const& method = *entry.method;
  auto& parts = admitted.parts;
  parts.method = &method;
  parts.clock = pipeline.clock;
  parts.random = pipeline.random;
  parts.deadline = record.deadline;
  parts.stop = call.stop;
  parts.trace = record.trace;

  RETURN_IF_ERROR(CheckSize(method, call.request.size()));
  RETURN_IF_ERROR(CallContext::CheckWanted(parts));
  ASSIGN_OR_RETURN(parts.identity, Identify(pipeline, method, call.identity));
  record.subject = parts.identity->subject();
  ASSIGN_OR_RETURN(auto* const request, Parse(entry, call.request, arena));
  parts.resource = method.Resource(*request);
  if (!method.policy().permission().empty()) {
    parts.scopes = pipeline.roles->Scopes(*parts.identity, method.policy().permission());
  }
  RETURN_IF_ERROR(Authorise(record, parts, *request));
  RETURN_IF_ERROR(CheckContent(*request));
  Describe(*request, parts);
  record.resource = parts.resource;
  record.request_id = parts.request_id;
  RETURN_IF_ERROR(CallContext::CheckWanted(parts));
  record.handled = true;
  admitted.request = request;
  return absl::OkStatus();
}

}  // namespace helhed
