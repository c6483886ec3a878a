#include "services/platform/service/requests.h"

#include <absl/strings/str_cat.h>

#include <memory>
#include <utility>

namespace helhed {

std::string IdOr(CallContext const& call, std::string const& chosen) { return chosen.empty() ? call.NewId() : chosen; }

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
