#pragma once

#include <boost/asio/io_context.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

// One request and its answer, whichever version of HTTP carries them. All of it happens on the thread of one event loop: nothing
// here is to be called from another, and no callback blocks.
namespace helhed::gateway::http {

// A header or trailer field; the name in lower case (RFC 9113, 8.2.1), the value as received.
struct Field {
  std::string name;
  std::string value;
};
using Fields = std::vector<Field>;

// The value of the first field of that name, or empty.
std::string_view Find(Fields const& fields, std::string_view name);

// Who is at the other end of the connection. Lives as long as its requests.
struct Peer {
  // Without the port: what limits per address go by.
  std::string address;
  bool tls = false;
  // The subject alternative names of a client certificate that was verified: `URI:spiffe://...`, `DNS:...`. Empty without one.
  std::vector<std::string> certificate_names;
};

enum class Version { kHttp1, kHttp2 };

struct RequestHead {
  Version version = Version::kHttp2;
  std::string method;
  std::string authority;
  // Path and query as sent, not decoded: `/v1/organisations?page_size=10`.
  std::string target;
  Fields fields;
  std::shared_ptr<Peer const> peer;
};

// How a request is answered. Lives until its handler is destroyed.
class Exchange {
 public:
  virtual ~Exchange() = default;

  // Once, before any Write. On HTTP/1.1 a body without `content-length` is chunked. `date` and the framing of the connection are
  // added; a name or value that could break the framing makes it a 500.
  virtual void Respond(int status, Fields fields) = 0;
  // Queues bytes of the body. What is queued is bounded by the handler: it stops above `kHighWater` until OnWritable.
  virtual void Write(std::string bytes) = 0;
  // Ends the answer. Trailers travel on HTTP/2 only. A gRPC trailers-only answer is Respond and Finish with nothing between them
  // and the trailers in the head: a head that is finished within the same turn of the loop ends the stream itself.
  virtual void Finish(Fields trailers) = 0;
  // Breaks the answer off: RST_STREAM INTERNAL_ERROR, or the connection is closed.
  virtual void Abort() = 0;

  // What is queued and not yet taken by the connection, in bytes. More than the high water mark also when all the answers of the
  // connection together have grown too large (Limits::output_bytes).
  virtual std::size_t queued() const = 0;
  // Lets the peer send that many bytes of the request's body more. Back-pressure is real: what is not consumed is not read.
  virtual void Consume(std::size_t bytes) = 0;

  virtual boost::asio::io_context& loop() = 0;

  static constexpr std::size_t kHighWater = std::size_t{256} << 10;
};

// What becomes of one request. Destroyed after its answer has been sent, or after OnGone, never from within a call of its own.
// After Finish and Abort it hears nothing more.
class Handler {
 public:
  virtual ~Handler() = default;

  // Bytes of the request's body, at most a window of them at a time. Call Exchange::Consume when they are dealt with.
  virtual void OnBody(std::string_view bytes) = 0;
  // The request is complete.
  virtual void OnBodyEnd() = 0;
  // The queue has fallen to half of the high water mark after it had been above.
  virtual void OnWritable() {}
  // The caller has gone, reset the stream, or took too long. Nothing more may be done with the exchange.
  virtual void OnGone() = 0;
};

// Makes the handler of a request when its head has come. May answer at once.
using MakeHandler = std::function<std::unique_ptr<Handler>(RequestHead head, Exchange& exchange)>;

}  // namespace helhed::gateway::http
