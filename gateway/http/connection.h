#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <chrono>
#include <cstddef>
#include <ctime>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/http/pace.h"
#include "gateway/http/session.h"
#include "gateway/http/transport.h"

namespace helhed::gateway::http {

class Connection;

// What the connections of a loop share.
struct LoopParts {
  boost::asio::io_context& io;
  Limits const& limits;
  Stats& stats;
  MakeHandler const& make;
  std::function<void(Connection&)> on_closed;
  // Used within one turn at a time, so that a connection that waits holds no buffer.
  std::vector<char> input = std::vector<char>(64 * 1024);
  std::string output;
  std::time_t date_at = 0;
  std::string date;
};

// One connection: its socket, the session on it, and the times of both.
class Connection final : public std::enable_shared_from_this<Connection>, private Host {
 public:
  Connection(LoopParts& loop, boost::asio::ip::tcp::socket socket, std::shared_ptr<ssl_ctx_st> context, std::string address,
             std::string admission_key);

  void Start();
  void Tick();
  // Ends it when the requests that run have ended.
  void Drain();
  // Ends it at once.
  void Close();

  std::string const& admission_key() const { return admission_key_; }
  // Where the loop keeps it.
  std::list<std::shared_ptr<Connection>>::iterator place;

 private:
  enum class Phase { kHandshake, kSniff, kServing, kLinger, kClosed };

  // Host
  TimePoint now() const override { return std::chrono::steady_clock::now(); }
  std::string const& date() override;
  void Wake() override;
  boost::asio::io_context& loop() override { return loop_.io; }

  void ArmRead();
  void ArmWrite();
  void PostRead();
  void OnReadable();
  void OnWritable();
  void Handshake();
  void ReadSome();
  void Discard();
  void Deliver(std::string_view bytes);
  void Begin(bool http2);
  void Flush();
  void WriteOut(std::string_view bytes);
  void WritePending();
  void Linger();
  bool WantsBytes() const {
    return phase_ == Phase::kSniff || (phase_ == Phase::kServing && session_ && session_->wants_bytes());
  }

  LoopParts& loop_;
  boost::asio::ip::tcp::socket socket_;
  std::unique_ptr<Transport> transport_;
  std::string admission_key_;
  std::shared_ptr<Peer> peer_;
  Phase phase_;
  TimePoint since_;
  std::string sniffed_;
  std::unique_ptr<Session> session_;
  // Reading is under way: armed, posted, or on the stack.
  bool reading_ = false;
  bool writing_ = false;
  // Sending is on the stack or posted.
  bool in_turn_ = false;
  bool woken_ = false;
  std::string pending_;
  std::size_t pending_offset_ = 0;
  Pace output_pace_;
  std::size_t discarded_ = 0;
};

}  // namespace helhed::gateway::http
