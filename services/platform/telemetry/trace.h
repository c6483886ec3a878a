#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "services/platform/base/random.h"

namespace helhed::telemetry {

// W3C Trace Context, level 1 (w3.org/TR/trace-context): which trace a call belongs to, and which span of it this is.
struct TraceContext {
  std::string trace_id;  // 32 lower-case hexadecimal digits, not all zero
  std::string span_id;   // 16 of them
  bool sampled = false;
  friend bool operator==(TraceContext const&, TraceContext const&) = default;

  // The header `traceparent`, version 00.
  std::string ToHeader() const;
};

// nullopt when the header is not valid; a version after 00 is read as 00 (section 3.2.4 of the recommendation).
std::optional<TraceContext> ParseTraceparent(std::string_view header);

// The context of a call served here: the caller's trace with a new span, or a new trace.
TraceContext ContinueTrace(std::string_view header, Random& random);

}  // namespace helhed::telemetry
