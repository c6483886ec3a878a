#pragma once

#include <absl/status/status.h>
#include <absl/time/time.h>

#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "services/platform/base/strings.h"
#include "services/platform/pipeline/error_mapping.h"
#include "services/platform/pipeline/router.h"
#include "services/platform/telemetry/log.h"
#include "services/platform/telemetry/metrics.h"
#include "services/platform/telemetry/trace.h"

namespace helhed {

// A method as this process serves it, with what is counted about it.
struct ServedMethod {
  // nullptr stands for every method that there is not.
  Router::Entry const* entry = nullptr;
  // Whether the name of the resource acted on may stand in logs and errors: its data class is below PERSONAL.
  bool resource_is_shown = false;
  // By status code.
  std::vector<telemetry::Counter> calls;
  telemetry::Histogram duration;
};

// What is known of a call from its arrival on, refused or not: for metrics and the log.
struct CallRecord {
  ServedMethod const* method = nullptr;
  // The earlier of what the caller and the method allow.
  absl::Time deadline;
  std::chrono::steady_clock::time_point arrived;
  telemetry::TraceContext trace;
  // Known from their stage on. Whatever is not known yet was not looked at, and might hold anything.
  std::string subject;
  std::string resource;
  std::string request_id;
  // Whether the call got past every stage, so that its end is the handler's word.
  bool handled = false;
};

// The methods served, and the book that is kept about their calls.
class Served {
 public:
  Served(std::string_view service, Router const& router, telemetry::Metrics& metrics, telemetry::Log& log);

  // Never nullptr: see ServedMethod::entry.
  ServedMethod const* Find(std::string_view path) const;

  // Counts and logs a call that ended well, or with `error`, once.
  void Finish(CallRecord const& record, MappedError const& error) const;

 private:
  void Log(CallRecord const& record, MappedError const& error, std::string_view reason,
           std::chrono::steady_clock::duration duration) const;

  telemetry::Log& log_;
  std::unordered_map<std::string, ServedMethod, StringHash, std::equal_to<>> methods_;
  ServedMethod unknown_;
  // By reason; what has no counter of its own is counted under `other`.
  std::map<std::string, telemetry::Counter, std::less<>> refused_;
};

}  // namespace helhed
