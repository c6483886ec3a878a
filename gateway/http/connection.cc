#include "gateway/http/connection.h"

#include <absl/time/time.h>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <ctime>
#include <utility>

namespace helhed::gateway::http {
namespace {

using boost::asio::ip::tcp;
using boost::system::error_code;

// How much one connection may do before the others of its loop have their turn.
constexpr int kReadsPerTurn = 8;
constexpr int kWritesPerTurn = 8;
// What goes out with one system call.
constexpr std::size_t kWriteSize = 128 * 1024;
// What a peer may send on after it was told that nothing is read any more.
constexpr std::size_t kDiscardMax = 1 << 20;

}  // namespace

Connection::Connection(LoopParts& loop, tcp::socket socket, std::shared_ptr<ssl_ctx_st> context, std::string address,
                       std::string admission_key)
    : loop_(loop),
      socket_(std::move(socket)),
      transport_(std::make_unique<Transport>(socket_.native_handle(), std::move(context))),
      admission_key_(std::move(admission_key)),
      peer_(std::make_shared<Peer>()),
      phase_(transport_->tls() ? Phase::kHandshake : Phase::kSniff),
      since_(now()) {
  peer_->address = std::move(address);
  peer_->tls = transport_->tls();
}

void Connection::Start() {
  if (phase_ == Phase::kHandshake) return Handshake();
  ArmRead();
}

std::string const& Connection::date() {
  auto const second = std::time(nullptr);
  if (second != loop_.date_at) {
    loop_.date_at = second;
    loop_.date = absl::FormatTime("%a, %d %b %Y %H:%M:%S GMT", absl::FromTimeT(second), absl::UTCTimeZone());
  }
  return loop_.date;
}

// All that is to be sent by the end of the loop's turn goes out together.
void Connection::Wake() {
  if (in_turn_ || std::exchange(woken_, true)) return;
  boost::asio::post(loop_.io, [self = shared_from_this()] {
    self->woken_ = false;
    self->Flush();
  });
}

void Connection::ArmRead() {
  reading_ = true;
  socket_.async_wait(tcp::socket::wait_read, [self = shared_from_this()](error_code const& error) {
    if (!error) self->OnReadable();
  });
}

void Connection::ArmWrite() {
  if (std::exchange(writing_, true)) return;
  socket_.async_wait(tcp::socket::wait_write, [self = shared_from_this()](error_code const& error) {
    self->writing_ = false;
    if (!error) self->OnWritable();
  });
}

void Connection::PostRead() {
  reading_ = true;
  boost::asio::post(loop_.io, [self = shared_from_this()] { self->OnReadable(); });
}

void Connection::OnReadable() {
  switch (phase_) {
    case Phase::kHandshake:
      reading_ = false;
      return Handshake();
    case Phase::kSniff:
    case Phase::kServing:
      return ReadSome();
    case Phase::kLinger:
      return Discard();
    case Phase::kClosed:
      return;
  }
}

void Connection::OnWritable() {
  switch (phase_) {
    case Phase::kHandshake:
      return Handshake();
    case Phase::kServing:
      return WritePending();
    case Phase::kSniff:
    case Phase::kLinger:
    case Phase::kClosed:
      return;
  }
}

void Connection::Handshake() {
  switch (transport_->Handshake()) {
    case Io::kWantsRead:
      if (!reading_) ArmRead();
      return;
    case Io::kWantsWrite:
      return ArmWrite();
    case Io::kClosed:
      loop_.stats.Refused(Refusal::kHandshakeFailed);
      return Close();
    case Io::kDone:
      break;
  }
  peer_->certificate_names = transport_->PeerNames();
  phase_ = Phase::kSniff;
  since_ = now();
  if (transport_->http2()) {
    Begin(/*http2=*/true);
    Flush();
  }
  // What came with the last message of the handshake is in OpenSSL, and the socket will not speak of it.
  if (phase_ != Phase::kClosed && !reading_) PostRead();
}

void Connection::ReadSome() {
  reading_ = true;
  in_turn_ = true;
  bool empty = false;
  for (int i = 0; i < kReadsPerTurn && !empty && WantsBytes(); ++i) {
    std::size_t count = 0;
    auto const result = transport_->Read(loop_.input.data(), loop_.input.size(), count);
    if (result == Io::kClosed) return Close();
    if (result == Io::kDone) Deliver({loop_.input.data(), count});
    empty = result != Io::kDone || (!transport_->tls() && count < loop_.input.size());
  }
  in_turn_ = false;
  Flush();
  if (phase_ == Phase::kClosed) return;
  reading_ = false;
  if (phase_ == Phase::kLinger) return ArmRead();
  if (!WantsBytes()) return;
  if (empty) {
    ArmRead();
  } else {
    PostRead();
  }
}

// The peer is still sending, although all was said. Until it closes too, what it sends must be read: data that comes to a closed
// socket makes the kernel throw away what the peer has not read yet.
void Connection::Discard() {
  for (int i = 0; i < kReadsPerTurn; ++i) {
    std::size_t count = 0;
    auto const result = transport_->Read(loop_.input.data(), loop_.input.size(), count);
    discarded_ += count;
    if (result == Io::kClosed || discarded_ > kDiscardMax) return Close();
    if (result != Io::kDone) return ArmRead();
  }
  PostRead();
}

void Connection::Deliver(std::string_view bytes) {
  if (phase_ == Phase::kServing) return session_->Receive(bytes);
  sniffed_.append(bytes);
  auto const count = std::min(sniffed_.size(), kHttp2Preface.size());
  bool const http2 = std::string_view(sniffed_).substr(0, count) == kHttp2Preface.substr(0, count);
  if (http2 && count < kHttp2Preface.size()) return;
  Begin(http2);
  session_->Receive(std::exchange(sniffed_, {}));
}

void Connection::Begin(bool http2) {
  phase_ = Phase::kServing;
  SessionParts parts{.host = this, .limits = &loop_.limits, .stats = &loop_.stats, .make = &loop_.make, .peer = peer_};
  session_ = http2 ? MakeHttp2Session(std::move(parts)) : MakeHttp1Session(std::move(parts));
}

void Connection::Flush() {
  if (phase_ != Phase::kServing || !pending_.empty()) return;
  in_turn_ = true;
  auto& output = loop_.output;
  bool more = true;
  for (int i = 0; i < kWritesPerTurn && more && pending_.empty() && phase_ == Phase::kServing; ++i) {
    output.clear();
    session_->Send(output, kWriteSize);
    more = !output.empty();
    if (more) WriteOut(output);
  }
  in_turn_ = false;
  if (phase_ != Phase::kServing || !pending_.empty()) return;
  if (more) return Wake();
  if (session_->done()) return Linger();
  if (!reading_ && WantsBytes()) PostRead();
}

void Connection::WriteOut(std::string_view bytes) {
  while (!bytes.empty()) {
    std::size_t count = 0;
    auto const result = transport_->Write(bytes.data(), bytes.size(), count);
    if (result == Io::kClosed) return Close();
    if (result != Io::kDone) {
      pending_.assign(bytes);
      pending_offset_ = 0;
      output_pace_.Start(now());
      return ArmWrite();
    }
    bytes.remove_prefix(count);
  }
}

void Connection::WritePending() {
  while (pending_offset_ < pending_.size()) {
    std::size_t count = 0;
    auto const result = transport_->Write(pending_.data() + pending_offset_, pending_.size() - pending_offset_, count);
    if (result == Io::kClosed) return Close();
    if (result != Io::kDone) return ArmWrite();
    pending_offset_ += count;
    output_pace_.Moved(now(), count);
  }
  pending_ = std::string();
  pending_offset_ = 0;
  output_pace_.Stop();
  Flush();
}

void Connection::Linger() {
  session_.reset();
  phase_ = Phase::kLinger;
  since_ = now();
  transport_->Shutdown();
  if (!reading_) ArmRead();
}

void Connection::Tick() {
  auto const at = now();
  auto const& limits = loop_.limits;
  switch (phase_) {
    case Phase::kHandshake:
      if (at - since_ < limits.handshake_time) return;
      loop_.stats.Refused(Refusal::kHandshakeTooSlow);
      return Close();
    case Phase::kSniff:
      if (at - since_ < limits.head_time) return;
      loop_.stats.Refused(Refusal::kHeadTooSlow);
      return Close();
    case Phase::kServing:
      session_->Tick();
      if (!output_pace_.TooSlow(at, {limits.output_time, limits.rate_min, limits.rate_grace})) return;
      loop_.stats.Refused(Refusal::kReaderTooSlow);
      return Close();
    case Phase::kLinger:
      if (at - since_ >= limits.linger_time) Close();
      return;
    case Phase::kClosed:
      return;
  }
}

void Connection::Drain() {
  if (phase_ == Phase::kServing) {
    session_->Drain();
  } else if (phase_ != Phase::kLinger) {
    Close();
  }
}

void Connection::Close() {
  if (std::exchange(phase_, Phase::kClosed) == Phase::kClosed) return;
  // Handlers that hear of it here may still ask for the loop, and wake what is no more.
  in_turn_ = true;
  session_.reset();
  transport_.reset();
  error_code ignored;
  socket_.close(ignored);
  loop_.on_closed(*this);
}

}  // namespace helhed::gateway::http
