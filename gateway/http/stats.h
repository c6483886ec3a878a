#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include "gateway/http/exchange.h"
#include "services/platform/telemetry/metrics.h"

namespace helhed::gateway::http {

// Why a peer was refused something.
enum class Refusal {
  kTooManyConnections,
  kTooManyConnectionsOfAddress,
  kHandshakeFailed,
  kHandshakeTooSlow,
  kMalformedRequest,
  kHeadersTooLarge,
  kTargetTooLong,
  kBodyTooLarge,
  kContentEncodingUnsupported,
  kExpectationUnknown,
  kMethodUnsupported,
  kTransferCodingUnsupported,
  kVersionUnsupported,
  kHeadTooSlow,
  kBodyTooSlow,
  kReaderTooSlow,
  kOutputTooLarge,
  kTooManyControlFrames,
  kTooManyResets,
  kProtocolError,
  kCount,
};

// `headers_too_large`: the label of the metric.
std::string_view NameOf(Refusal refusal);

// What a server counts. Safe from any thread.
class Stats {
 public:
  explicit Stats(telemetry::Metrics& metrics);

  void ConnectionOpened() { connections_.Add(1); }
  void ConnectionClosed() { connections_.Add(-1); }
  void RequestStarted(Version version) {
    running_.Add(1);
    requests_[version == Version::kHttp2 ? 1 : 0].Increment();
  }
  void RequestEnded() { running_.Add(-1); }
  void Refused(Refusal refusal) { refused_[static_cast<std::size_t>(refusal)].Increment(); }

 private:
  telemetry::Gauge connections_;
  telemetry::Gauge running_;
  std::array<telemetry::Counter, 2> requests_;
  std::array<telemetry::Counter, static_cast<std::size_t>(Refusal::kCount)> refused_;
};

}  // namespace helhed::gateway::http
