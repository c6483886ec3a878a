#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <functional>
#include <memory>
#include <string>

// The admin port: what operators and their machines ask, over HTTP/1.1 in cleartext. For a network that others do not reach.
//
//   /metrics   Prometheus' text format
//   /healthz   200 while the process lives
//   /readyz    200 when calls can be served, otherwise 503 and why
namespace helhed::server {

class AdminServer {
 public:
  struct Handlers {
    std::function<std::string()> metrics;
    // Called on the admin port's one thread: must answer within a second or two.
    std::function<absl::Status()> ready;
  };

  // `listen` is IP:PORT; port 0 takes a free one. Errors: INVALID_ARGUMENT, UNAVAILABLE when it cannot be listened on.
  static absl::StatusOr<std::unique_ptr<AdminServer>> Start(std::string const& listen, Handlers handlers);
  ~AdminServer();

  int port() const;

 private:
  struct State;
  explicit AdminServer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace helhed::server
