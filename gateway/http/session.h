#pragma once

#include <boost/asio/io_context.hpp>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "gateway/http/exchange.h"
#include "gateway/http/limits.h"
#include "gateway/http/pace.h"
#include "gateway/http/stats.h"

namespace helhed::gateway::http {

// What a session asks of the connection that it runs on.
class Host {
 public:
  virtual TimePoint now() const = 0;
  // The value of the field `date` at this moment.
  virtual std::string const& date() = 0;
  // There is something to send, or bytes are wanted again: Send is to be called soon, but not from within.
  virtual void Wake() = 0;
  virtual boost::asio::io_context& loop() = 0;

 protected:
  ~Host() = default;
};

// What the sessions of a loop share. Outlives them.
struct SessionParts {
  Host* host = nullptr;
  Limits const* limits = nullptr;
  Stats* stats = nullptr;
  MakeHandler const* make = nullptr;
  std::shared_ptr<Peer const> peer;
};

// One connection's protocol without its socket: bytes in, bytes out, and the time. Handlers are destroyed from within Receive,
// Send, Tick and the destructor only, never from within a call of theirs.
class Session {
 public:
  // Handlers that still run hear OnGone.
  virtual ~Session() = default;

  // What the peer sent. Taken whole; not to be called unless wants_bytes.
  virtual void Receive(std::string_view bytes) = 0;
  virtual bool wants_bytes() const = 0;
  // Appends what the peer is to get, and stops soon after `enough` bytes. To be called until nothing comes.
  virtual void Send(std::string& out, std::size_t enough) = 0;
  // Looks at the times.
  virtual void Tick() = 0;
  // Takes no more requests, and is done when those that run have ended.
  virtual void Drain() = 0;
  // When all that was sent is out the connection is to be closed.
  virtual bool done() const = 0;
};

// The 24 bytes that an HTTP/2 connection begins with (RFC 9113, 3.4).
inline constexpr std::string_view kHttp2Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

std::unique_ptr<Session> MakeHttp2Session(SessionParts parts);
std::unique_ptr<Session> MakeHttp1Session(SessionParts parts);

}  // namespace helhed::gateway::http
