#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/http/server.h"
#include "services/platform/telemetry/metrics.h"

struct nghttp2_hd_inflater;

// A server whose handlers do as the path says, and peers that send it raw bytes.
namespace helhed::gateway::http {

// What the handlers saw. Safe from any thread.
class Script {
 public:
  void Change(std::function<void()> const& change);
  // Waits for what must come to pass; false when it does not in half a minute.
  [[nodiscard]] bool Await(std::function<bool()> const& condition);
  // Lets the handlers of `/wait` answer.
  void Release();

  std::mutex mutex;
  std::condition_variable changed;
  std::vector<RequestHead> heads;
  // Tests read these without the lock once what they awaited has come.
  std::atomic<int> running = 0;
  std::atomic<int> gone = 0;
  std::atomic<int> ended = 0;
  std::atomic<std::size_t> received = 0;
  std::atomic<std::size_t> queued_max = 0;
  std::atomic<std::size_t> written = 0;
  std::map<Exchange*, boost::asio::io_context*> waiting;
};

// `/hello` greets, with a length. `/echo` returns the body in one piece with trailers. `/endless` writes until the queue is full,
// and again. `/greedy` writes 8 MiB at once. `/wait` answers when released. `/unread` never consumes its body, `/sink` consumes
// and never answers. `/early` refuses on the head alone. `/nothing` is a 204. `/head-only` is a head that ends the stream.
// `/injects`, `/short`, `/long`, `/aborts` are faulty.
MakeHandler MakeScripted(Script& script);

// A blocking socket. What must come comes within half a minute, or the test fails.
class Wire {
 public:
  // `receive_buffer` in bytes; 0 leaves the system's.
  explicit Wire(int port, int receive_buffer = 0);
  ~Wire();
  Wire(Wire const&) = delete;
  Wire& operator=(Wire const&) = delete;

  // False when the other side has closed.
  bool Send(std::string_view bytes) const;
  // Sends until the other side takes no more for a moment; returns how much it took.
  std::size_t SendUntilStalled(std::size_t most) const;
  // Up to and with `end`, or until the other side closes.
  std::string ReadUntil(std::string_view end);
  std::string Read(std::size_t count);
  std::string ReadAll();
  void Close();

 private:
  bool Fill();

  int socket_;
  std::string buffer_;
};

// HTTP/2 in the raw (RFC 9113, 4 and 6).
inline constexpr int kDataFrame = 0, kHeadersFrame = 1, kPriorityFrame = 2, kResetFrame = 3, kSettingsFrame = 4, kPingFrame = 6,
                     kGoAwayFrame = 7, kWindowFrame = 8, kContinuationFrame = 9;
inline constexpr int kEndStream = 1, kAck = 1, kEndHeaders = 4;

using Pairs = std::vector<std::pair<std::string, std::string>>;
std::string Frame(int type, int flags, std::int32_t stream, std::string_view payload);
std::string Number(std::uint32_t number);
// A header block of literals that are not indexed (RFC 7541, 6.2.2).
std::string Block(Pairs const& fields);
// The request's head alone, in one frame.
std::string Head(std::int32_t stream, std::string const& path, int flags = kEndStream | kEndHeaders, Pairs const& more = {},
                 std::string const& method = "GET", std::string const& authority = "localhost");
std::string Setting(int id, std::uint32_t value);

struct SeenFrame {
  int type = -1;
  int flags = 0;
  std::int32_t stream = 0;
  std::string payload;
  std::map<std::string, std::string> fields;

  // Of RST_STREAM and GOAWAY.
  std::uint32_t code() const;
};

class Http2Wire : public Wire {
 public:
  // Sends the preface and SETTINGS, and acknowledges the server's.
  explicit Http2Wire(int port, std::string_view settings = {}, int receive_buffer = 0, bool acknowledges = true);
  ~Http2Wire();
  // type -1 when the connection is at its end.
  SeenFrame Next();
  // The next frame of that type (and stream, unless 0); others before it are passed over.
  SeenFrame Await(int type, std::int32_t stream = 0);
  // Sends and passes over all that comes, until the other side closes; the code of its last GOAWAY, if any.
  std::optional<std::uint32_t> AwaitEnd();
  // The whole answer on a stream: its `:status`, its body.
  std::pair<std::string, std::string> Answer(std::int32_t stream);

 private:
  nghttp2_hd_inflater* inflater_ = nullptr;
};

class ServerTest : public ::testing::Test {
 protected:
  ServerTest() { limits_.tick = std::chrono::milliseconds(10); }
  void TearDown() override;
  void Start(TlsOptions tls = {}, int loops = 1, std::string const& listen = "127.0.0.1:0");
  // What the metric says of a reason.
  int Refused(std::string const& reason) const;

  Script script_;
  telemetry::Metrics metrics_;
  // To be set before Start.
  Limits limits_;
  std::unique_ptr<Server> server_;
};

}  // namespace helhed::gateway::http
