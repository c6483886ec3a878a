#include "gateway/http/stats.h"

#include <utility>

namespace helhed::gateway::http {
namespace {

constexpr std::array<std::string_view, static_cast<std::size_t>(Refusal::kCount)> kNames = {
    "too_many_connections",
    "too_many_connections_of_address",
    "handshake_failed",
    "handshake_too_slow",
    "malformed_request",
    "headers_too_large",
    "target_too_long",
    "body_too_large",
    "content_encoding_unsupported",
    "expectation_unknown",
    "method_unsupported",
    "transfer_coding_unsupported",
    "version_unsupported",
    "head_too_slow",
    "body_too_slow",
    "reader_too_slow",
    "output_too_large",
    "too_many_control_frames",
    "too_many_resets",
    "protocol_error",
};

template <std::size_t... kIndex>
std::array<telemetry::Counter, sizeof...(kIndex)> RefusedCounters(telemetry::Metrics& metrics,
                                                                  std::index_sequence<kIndex...> /*indices*/) {
  return {metrics.CounterOf("helhed_gateway_http_refused_total", "What peers were refused, by reason",
                            {{"reason", kNames[kIndex]}})...};
}

telemetry::Counter RequestsOf(telemetry::Metrics& metrics, std::string_view version) {
  return metrics.CounterOf("helhed_gateway_http_requests_total", "Requests that reached a handler", {{"version", version}});
}

}  // namespace

std::string_view NameOf(Refusal refusal) { return kNames.at(static_cast<std::size_t>(refusal)); }

Stats::Stats(telemetry::Metrics& metrics)
    : connections_(metrics.GaugeOf("helhed_gateway_http_connections", "Open connections")),
      running_(metrics.GaugeOf("helhed_gateway_http_requests_running", "Requests that are being answered")),
      requests_{RequestsOf(metrics, "1"), RequestsOf(metrics, "2")},
      refused_(RefusedCounters(metrics, std::make_index_sequence<static_cast<std::size_t>(Refusal::kCount)>())) {}

}  // namespace helhed::gateway::http
