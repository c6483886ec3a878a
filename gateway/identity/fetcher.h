#pragma once

#include <absl/status/statusor.h>
#include <absl/time/time.h>
#include <boost/asio/io_context.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "gateway/identity/url.h"

namespace helhed::gateway::identity {

// Fetches small documents by HTTP/1.1, with TLS 1.2 or later and the host's name verified. Safe from any thread; a fetch happens
// on the loop that it is given.
class Fetcher {
 public:
  struct Options {
    // PEM; empty means the system's certificates.
    std::string ca_file;
    // For all of a fetch: name, connection, handshake, answer.
    absl::Duration timeout = absl::Seconds(5);
    std::size_t bytes_max = std::size_t{256} * 1024;
  };
  // INVALID_ARGUMENT when the CA file cannot be read.
  static absl::StatusOr<std::shared_ptr<Fetcher const>> Make(Options options);
  virtual ~Fetcher() = default;

  // Calls `done` once, on `loop`, after it has returned: with the body of a 200, or UNAVAILABLE that says what went wrong.
  // Redirects are not followed.
  using Done = std::function<void(absl::StatusOr<std::string>)>;
  virtual void Get(Url const& url, boost::asio::io_context& loop, Done done) const = 0;
};

}  // namespace helhed::gateway::identity
