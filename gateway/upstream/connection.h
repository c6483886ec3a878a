#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/status/status.h>
#include <absl/time/time.h>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/steady_timer.hpp>
#include <nghttp2/nghttp2.h>

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/upstream/grpc_wire.h"
#include "gateway/upstream/upstream.h"
#include "services/platform/base/random.h"

// One HTTP/2 connection to one address of a service (nghttp2 as client). All on the loop's thread.
namespace helhed::gateway::upstream {

using Endpoint = boost::asio::generic::stream_protocol::endpoint;

// How far one try of a call came.
struct Outcome {
  enum class Reach {
    kAnswered,      // the service's own word
    kLost,          // the connection or the stream broke: it may have been done
    kNotProcessed,  // it certainly was not done
  };
  Reach reach = Reach::kAnswered;
  End end;
};

// Hears of one try.
class Attempt {
 public:
  virtual ~Attempt() = default;
  virtual void OnMessage(std::string message) = 0;
  // Once, unless it was cancelled. The attempt may be destroyed from within.
  virtual void OnOutcome(Outcome outcome) = 0;
};

class Connection final : public std::enable_shared_from_this<Connection> {
 public:
  struct Options {
    absl::Duration connect_timeout = absl::Seconds(3);
    absl::Duration ping_after = absl::Seconds(30);
    absl::Duration ping_timeout = absl::Seconds(10);
    // Then it takes no more calls, a tenth sooner or later, so that new addresses get their share.
    absl::Duration age_max = absl::Minutes(10);
    // No more calls on it after so many streams: their numbers are 31 bits, odd, and never used twice.
    std::int32_t stream_id_max = 1 << 30;
    std::int32_t stream_window_bytes = 256 * 1024;
    std::int32_t connection_window_bytes = 16 * 1024 * 1024;
    std::size_t message_bytes_max = std::size_t{16} * 1024 * 1024;
    // Resets that may be sent at once, and per second afterwards: peers close connections that reset more often (rapid reset,
    // CVE-2023-44487; nghttp2 allows 1000 and 33).
    double resets_burst = 500;
    double resets_per_second = 20;
  };
  struct Parts {
    boost::asio::io_context* loop = nullptr;
    Endpoint endpoint;
    std::string authority;
    // Without one the connection is in cleartext.
    std::shared_ptr<boost::asio::ssl::context> tls;
    // Whose certificate is expected.
    std::string tls_name;
    Options options;
    Random* random = nullptr;
    // Called when it is open, when it takes no more calls, and when it is closed.
    std::function<void()> on_change;
  };

  explicit Connection(Parts parts);
  ~Connection();
  Connection(Connection const&) = delete;
  Connection& operator=(Connection const&) = delete;

  void Connect();

  // Sends a call, at once or when the connection is open. Needs takes_calls(). Returns the stream's id; never calls `attempt`
  // from within.
  std::int32_t Start(Call const& call, absl::Duration time_left, Attempt& attempt);
  void Cancel(std::int32_t stream);
  void Consume(std::int32_t stream, std::size_t bytes);

  // No more calls; closes when the last has ended.
  void Retire();
  // Closes now, without telling anyone but the attempts.
  void Abandon();

  bool takes_calls() const { return state_ != State::kClosed && !retired_; }
  bool open() const { return state_ == State::kOpen; }
  bool closed() const { return state_ == State::kClosed; }
  // Whether it ever was open.
  bool was_open() const { return was_open_; }
  std::size_t streams() const { return streams_.size(); }
  Endpoint const& endpoint() const { return parts_.endpoint; }

 private:
  enum class State { kIdle, kConnecting, kOpen, kClosed };
  struct Stream;
  using Socket = boost::asio::generic::stream_protocol::socket;
  using Tls = boost::asio::ssl::stream<Socket&>;
  class Callbacks;
  friend class Callbacks;

  void MakeSession();
  void Handshake();
  void Opened();
  void Read();
  void Received(std::size_t bytes);
  void ScheduleFlush();
  void Flush();
  void Written(boost::system::error_code error);
  void Tick();
  void KeepAlive();
  void SendResets();
  bool TakeReset();
  void Close();
  void Changed();

  // What nghttp2 tells.
  void OnHeader(std::int32_t id, std::string_view name, std::string_view value);
  void OnData(std::int32_t id, std::string_view bytes);
  void OnSent(std::int32_t id);
  void OnStreamClosed(std::int32_t id, std::uint32_t error);
  void OnGoAway();
  void Deliver(std::int32_t id, Stream& stream, std::string_view bytes);
  Stream* Find(std::int32_t id);

  Parts parts_;
  Socket socket_;
  std::optional<Tls> tls_;
  boost::asio::steady_timer timer_;
  nghttp2_session* session_ = nullptr;
  State state_ = State::kIdle;
  bool retired_ = false;
  bool was_open_ = false;
  bool writing_ = false;
  bool flush_scheduled_ = false;
  bool ping_under_way_ = false;
  std::chrono::steady_clock::time_point connect_until_;
  std::chrono::steady_clock::time_point heard_;
  std::chrono::steady_clock::time_point pinged_;
  std::chrono::steady_clock::time_point retire_at_;
  std::chrono::steady_clock::time_point resets_at_;
  double resets_;
  // Streams that were cancelled and wait for their reset.
  std::deque<std::int32_t> cancelled_;
  absl::flat_hash_map<std::int32_t, std::unique_ptr<Stream>> streams_;
  std::string out_;
  std::array<char, std::size_t{32} * 1024> in_;
};

}  // namespace helhed::gateway::upstream
