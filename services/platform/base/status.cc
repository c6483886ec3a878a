#include "services/platform/base/status.h"

#include <absl/strings/cord.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <google/protobuf/descriptor.h>
#include <google/rpc/error_details.pb.h>
#include <google/rpc/status.pb.h>

#include "helhed/common/v1/errors.pb.h"

namespace helhed {
namespace {

constexpr std::string_view kTypePrefix = "type.googleapis.com/";

template <typename Detail>
std::string TypeUrl() {
  return absl::StrCat(Av(kTypePrefix), Detail::descriptor()->full_name());
}

template <typename Detail>
void Attach(absl::Status& status, Detail const& detail) {
  status.SetPayload(TypeUrl<Detail>(), absl::Cord(detail.SerializeAsString()));
}

template <typename Detail>
std::optional<Detail> Find(absl::Status const& status) {
  auto const payload = status.GetPayload(TypeUrl<Detail>());
  if (!payload) return std::nullopt;
  Detail detail;
  if (!detail.ParseFromString(std::string(*payload))) return std::nullopt;
  return detail;
}

// `helhed.residents.v1.ErrorReason` -> `residents.helhed.dk`; the common one is the suite's own.
std::string DomainOf(std::string const& package) {
  auto const begin = package.find('.') + 1;
  auto const service = package.substr(begin, package.find('.', begin) - begin);
  return service == "common" ? "helhed.dk" : service + ".helhed.dk";
}

}  // namespace

Reason::Reason(google::protobuf::EnumDescriptor const* type, int value) : domain_(DomainOf(type->file()->package())) {
  constexpr std::string_view prefix = "ERROR_REASON_";
  auto const* const found = type->FindValueByNumber(value);
  name_ = found == nullptr ? absl::StrCat(value) : found->name();
  if (name_.starts_with(prefix)) name_.erase(0, prefix.size());
}

absl::Status Error(absl::StatusCode code, Reason const& reason, std::string_view message, ErrorMetadata metadata) {
  absl::Status status(code, Av(message));
  google::rpc::ErrorInfo info;
  info.set_reason(reason.name());
  info.set_domain(reason.domain());
  for (auto& [key, value] : metadata) (*info.mutable_metadata())[key] = std::move(value);
  Attach(status, info);
  return status;
}

absl::Status BadRequest(std::vector<FieldViolation> violations) {
  google::rpc::BadRequest details;
  std::string message;
  for (auto const& violation : violations) {
    absl::StrAppend(&message, message.empty() ? "" : "; ", violation.field, ": ", violation.description);
    auto* const added = details.add_field_violations();
    added->set_field(violation.field);
    added->set_description(violation.description);
  }
  // The status message travels in a header: the list in the details is complete, the text need not be.
  constexpr std::size_t message_bytes_max = 900;
  if (message.size() > message_bytes_max) {
    auto const cut = message.rfind(';', message_bytes_max);
    message.resize(cut == std::string::npos ? message_bytes_max : cut);
    absl::StrAppend(&message, "; and more, ", violations.size(), " in all");
  }
  auto status = Error(absl::StatusCode::kInvalidArgument, common::v1::ERROR_REASON_BAD_REQUEST, message);
  Attach(status, details);
  return status;
}

absl::Status NotFound(std::string_view resource) {
  return Error(absl::StatusCode::kNotFound, common::v1::ERROR_REASON_RESOURCE_NOT_FOUND,
               Sv(absl::StrCat(Av(resource), " was not found")), {{"resource", std::string(resource)}});
}

absl::Status WithRetryDelay(absl::Status status, std::chrono::milliseconds delay) {
  google::rpc::RetryInfo info;
  info.mutable_retry_delay()->set_seconds(delay.count() / 1000);
  info.mutable_retry_delay()->set_nanos(static_cast<std::int32_t>(delay.count() % 1000) * 1'000'000);
  Attach(status, info);
  return status;
}

std::string ReasonOf(absl::Status const& status) {
  auto const info = Find<google::rpc::ErrorInfo>(status);
  return info ? info->reason() : "";
}

ErrorMetadata MetadataOf(absl::Status const& status) {
  auto const info = Find<google::rpc::ErrorInfo>(status);
  if (!info) return {};
  return {info->metadata().begin(), info->metadata().end()};
}

std::vector<FieldViolation> ViolationsOf(absl::Status const& status) {
  std::vector<FieldViolation> violations;
  if (auto const details = Find<google::rpc::BadRequest>(status)) {
    for (auto const& violation : details->field_violations()) violations.push_back({violation.field(), violation.description()});
  }
  return violations;
}

std::optional<std::chrono::milliseconds> RetryDelayOf(absl::Status const& status) {
  auto const info = Find<google::rpc::RetryInfo>(status);
  if (!info) return std::nullopt;
  return std::chrono::milliseconds(info->retry_delay().seconds() * 1000 + info->retry_delay().nanos() / 1'000'000);
}

google::rpc::Status ToProto(absl::Status const& status) {
  google::rpc::Status proto;
  proto.set_code(static_cast<int>(status.code()));
  proto.set_message(std::string(status.message()));
  status.ForEachPayload([&](absl::string_view url, absl::Cord const& payload) {
    auto* const detail = proto.add_details();
    detail->set_type_url(std::string(url));
    detail->set_value(std::string(payload));
  });
  return proto;
}

absl::Status FromProto(google::rpc::Status const& proto) {
  absl::Status status(static_cast<absl::StatusCode>(proto.code()), proto.message());
  for (auto const& detail : proto.details()) status.SetPayload(detail.type_url(), absl::Cord(detail.value()));
  return status;
}

}  // namespace helhed
