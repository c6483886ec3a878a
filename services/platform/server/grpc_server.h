#pragma once

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <cstdint>
#include <memory>
#include <string>

#include "services/platform/pipeline/pipeline.h"

// The gRPC door: what the router knows, served over HTTP/2 without generated service code, so that every method takes the same
// way.
//
// It has completion queues of its own with a thread each that waits without a time-out: grpc++'s callback queue sleeps 100 ms at
// a time when a process is idle, which the next caller would pay for. No thread is held by a call that waits, nor by a stream
// that has nothing to send.
namespace helhed::server {

// PEM files. All empty means cleartext: inside a pod, a mesh, a test.
struct TlsOptions {
  std::string certificate_file;
  std::string key_file;
  // Whose certificates callers must show; empty asks for none.
  std::string client_ca_file;
  // How often the files are looked at. New files are used by the connections that follow.
  absl::Duration refresh = absl::Seconds(30);

  bool enabled() const { return !certificate_file.empty() || !key_file.empty() || !client_ca_file.empty(); }
};

struct GrpcServerOptions {
  // `0.0.0.0:8443`, `[::]:8443`, `unix:/run/x.sock`. Port 0 takes a free one.
  std::string listen = "127.0.0.1:0";
  TlsOptions tls;
  // Lets any caller list the contract. Off in production.
  bool reflection = false;
  int completion_queues = 2;
  // Most server streams at a time; more are refused with RESOURCE_EXHAUSTED OVERLOADED.
  int streams_max = 1000;
  // What gRPC's buffers may hold before it slows reading down.
  std::int64_t buffer_bytes_max = std::int64_t{256} << 20;
};

// Metadata read from callers: `helhed-identity-bin` (trusted for its signature alone) and `traceparent`. Everything else is
// ignored.
class GrpcServer {
 public:
  // Listens and serves. `pipeline` must outlive the server. Errors: INVALID_ARGUMENT when a TLS file cannot be read, UNAVAILABLE
  // when the address cannot be listened on.
  static absl::StatusOr<std::unique_ptr<GrpcServer>> Start(Pipeline& pipeline, GrpcServerOptions const& options);

  // Drains at once if Drain was not called.
  ~GrpcServer();

  // The port that was taken.
  int port() const;

  // What gRPC's health service says of the server and of each of its services. SERVING from the start.
  void SetServing(bool serving);

  // Ends serving, once: health says NOT_SERVING, streams end with UNAVAILABLE DRAINING, new connections are refused, callers are
  // told to go elsewhere (GOAWAY), and calls that were accepted run to their end. Those that still run at `deadline` are
  // cancelled. Returns when all have ended, however long a handler that ignores its cancellation takes: bound it from outside.
  void Drain(absl::Time deadline);

 private:
  struct State;
  explicit GrpcServer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace helhed::server
