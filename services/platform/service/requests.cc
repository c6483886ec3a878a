#include "services/platform/service/requests.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "helhed/common/v1/errors.pb.h"
#include "services/platform/base/status.h"
#include "services/platform/contract/resource_name.h"

namespace helhed {

std::string IdOr(CallContext const& call, std::string const& chosen) { return chosen.empty() ? call.NewId() : chosen; }

absl::Status RequireGrantedOn(CallContext const& call, google::protobuf::RepeatedPtrField<std::string> const& names) {
  for (auto const& name : names) {
    bool const granted = std::any_of(call.scopes().begin(), call.scopes().end(),
                                     [&](std::string const& scope) { return contract::Covers(scope, name); });
    if (granted) continue;
    return Error(absl::StatusCode::kPermissionDenied, common::v1::ERROR_REASON_PERMISSION_MISSING,
                 "the permission is needed for every resource that the request names",
                 {{"permission", call.method().policy().permission()}, {"resource", name}});
  }
  return absl::OkStatus();
}

std::string JsonArray(std::span<std::string const> texts) {
  return texts.empty() ? "[]" : absl::StrCat("[\"", absl::StrJoin(texts.begin(), texts.end(), "\",\""), "\"]");
}

CallContext OwnContext(std::string_view service, Store::Parts const& parts, storage::Limits const& limits) {
  auto identity = std::make_shared<common::v1::Identity>();
  identity->set_subject(absl::StrCat("services/", Av(service)));
  CallContext::Parts context;
  context.clock = parts.clock;
  context.random = parts.random;
  context.identity = std::move(identity);
  context.deadline = limits.deadline;
  context.stop = limits.stop;
  context.trace = telemetry::ContinueTrace("", *parts.random);
  return CallContext(std::move(context));
}

}  // namespace helhed
