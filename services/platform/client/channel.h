#pragma once

#include <absl/status/statusor.h>
#include <absl/time/time.h>
#include <google/protobuf/message.h>

#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

#include "services/platform/base/random.h"
#include "services/platform/contract/contract.h"
#include "services/platform/identity/identity.h"
#include "services/platform/pipeline/pipeline.h"

// How one service asks another: by the contract's methods, with an identity of its own, through either door.
namespace helhed::client {

struct CallOptions {
  absl::Time deadline = absl::InfiniteFuture();
  std::stop_token stop;
  // A serialized SignedIdentity.
  std::string identity;
  // What a gateway in between asks for instead (RFC 6750): the token alone, without `Bearer`.
  std::string bearer_token;
  std::string traceparent;
};

// A way to a service. Safe from any thread.
class Channel {
 public:
  virtual ~Channel() = default;

  // One attempt: serialized request in, serialized response or the service's status out.
  virtual absl::StatusOr<std::string> Call(contract::Method const& method, std::string_view request,
                                           CallOptions const& options) = 0;

  // Calls `on_message` for each message of a server stream, on the caller's thread, until the stream ends, `on_message` returns
  // false or `options.stop` is set. Returns how the stream ended; OK when `on_message` ended it.
  virtual absl::Status Stream(contract::Method const& method, std::string_view request, CallOptions const& options,
                              std::function<bool(std::string_view)> const& on_message) = 0;
};

// The in-process door: calls the pipeline directly, no socket.
std::unique_ptr<Channel> ConnectInProcess(Pipeline& pipeline);

struct GrpcOptions {
  // `dns:///residents:8443`, `127.0.0.1:1234`, `unix:/run/x.sock`.
  std::string target;
  // PEM files for TLS with a client certificate; all empty means cleartext (a mesh, a laptop, a test).
  std::string ca_file, certificate_file, key_file;
};
// grpc++ with round_robin, keepalive and connections that age.
std::unique_ptr<Channel> ConnectGrpc(GrpcOptions const& options);

// Retries as the contract allows: reads, and writes that carry a request_id, on UNAVAILABLE and on RESOURCE_EXHAUSTED with a
// retry delay; exponential back-off with jitter within the deadline.
struct RetryOptions {
  int attempts_max = 5;
  absl::Duration backoff_first = absl::Milliseconds(50);
  absl::Duration backoff_max = absl::Seconds(2);
  // Injected, so that tests do not sleep.
  std::function<void(absl::Duration, std::stop_token)> sleep;
};
std::unique_ptr<Channel> WithRetries(std::unique_ptr<Channel> channel, RetryOptions options, Random& random);

// A typed call: Invoke<Dwelling>(channel, "/helhed.residents.v1.HousingRegisterService/GetDwelling", request, options).
template <typename Response>
absl::StatusOr<Response> Invoke(Channel& channel, std::string_view path, google::protobuf::Message const& request,
                                CallOptions const& options) {
  auto const* const method = contract::FindMethod(path);
  if (method == nullptr) return absl::UnimplementedError(Av(path));
  ASSIGN_OR_RETURN(auto const bytes, channel.Call(*method, request.SerializeAsString(), options));
  Response response;
  if (!response.ParseFromString(bytes)) return absl::InternalError("the answer is not a message of the contract");
  return response;
}

}  // namespace helhed::client
