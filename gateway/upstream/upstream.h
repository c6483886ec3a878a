#pragma once

#include <absl/status/status.h>
#include <absl/time/time.h>

#include <cstddef>
#include <memory>
#include <string>

#include "services/platform/contract/contract.h"

// A way from one event loop to a service, by HTTP/2 or directly into the pipeline of the same process. All of it happens on that
// loop's thread.
namespace helhed::gateway::upstream {

struct Call {
  contract::Method const* method = nullptr;
  // The serialized request: every method of the contract takes one message.
  std::string request;
  // A serialized SignedIdentity for the metadata key `helhed-identity-bin`; empty for a public method.
  std::string identity;
  std::string traceparent;
  std::string request_id;
  absl::Time deadline = absl::InfiniteFuture();
};

// How a call ended.
struct End {
  // Code and message as the service gave them, with its google.rpc.Status details as payloads as services/platform/base/status.h
  // keeps them; UNAVAILABLE when the service was not reached, DEADLINE_EXCEEDED when time ran out on this side.
  absl::Status status;
  // `grpc-status-details-bin` as it came, decoded from base64; passed on unchanged to gRPC callers.
  std::string details;
};

// Hears of a call. May destroy the Running that it belongs to from within OnEnd, not from within OnMessage.
class Receiver {
 public:
  virtual ~Receiver() = default;
  // One message of the answer, serialized.
  virtual void OnMessage(std::string message) = 0;
  // Once, unless the call was cancelled by destroying its Running.
  virtual void OnEnd(End end) = 0;
};

// A call under way. Destroying it cancels what has not ended.
class Running {
 public:
  virtual ~Running() = default;
  // Lets the service send that many bytes of messages more; what is not consumed fills the window and then the service waits.
  virtual void Consume(std::size_t bytes) = 0;
};

// One service, as seen from one loop.
class Upstream {
 public:
  virtual ~Upstream() = default;
  // Never calls `receiver` before it has returned.
  virtual std::unique_ptr<Running> Start(Call call, Receiver& receiver) = 0;
  // Whether a call would be tried at all: false while the circuit breaker is open or no address is known.
  virtual bool available() const = 0;
};

}  // namespace helhed::gateway::upstream
