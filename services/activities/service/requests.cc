#include "services/activities/service/requests.h"

#include <absl/strings/str_cat.h>

#include <memory>
#include <utility>

namespace helhed::activities {
namespace {

// The `index`th part of a name, from 0; empty when it is shorter.
std::string_view Part(std::string_view name, int index) {
  for (; index > 0; --index) {
    auto const slash = name.find('/');
    if (slash == std::string_view::npos) return {};
    name.remove_prefix(slash + 1);
  }
  return name.substr(0, name.find('/'));
}

}  // namespace

ActivityKey KeyOf(std::string_view name) {
  return {Part(name, 1), Part(name, 2) == "activities" ? Part(name, 3) : std::string_view()};
}

std::string PlanOf(std::string_view name) { return absl::StrCat("plans/", Av(Part(name, 1))); }

std::string ActivityOf(std::string_view name) {
  auto const [plan, activity] = KeyOf(name);
  return absl::StrCat("plans/", Av(plan), "/activities/", Av(activity));
}

std::string IdOr(CallContext const& call, std::string const& chosen) { return chosen.empty() ? call.NewId() : chosen; }

absl::Status Verdict(std::vector<FieldViolation> violations) {
  return violations.empty() ? absl::OkStatus() : BadRequest(std::move(violations));
}

CallContext OwnContext(Store::Parts const& parts, storage::Limits const& limits) {
  auto identity = std::make_shared<common::v1::Identity>();
  identity->set_subject("services/activities");
  CallContext::Parts context;
  context.clock = parts.clock;
  context.random = parts.random;
  context.identity = std::move(identity);
  context.deadline = limits.deadline;
  context.stop = limits.stop;
  context.trace = telemetry::ContinueTrace("", *parts.random);
  return CallContext(std::move(context));
}

}  // namespace helhed::activities
