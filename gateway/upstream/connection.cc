#include "gateway/upstream/connection.h"

#include <absl/strings/str_cat.h>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <utility>
#include <vector>

#include "helhed/gateway/v1/errors.pb.h"
#include "services/platform/base/status.h"
#include "services/platform/identity/identity.h"

namespace helhed::gateway::upstream {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using std::chrono::steady_clock;

constexpr std::size_t kWriteBytes = std::size_t{128} * 1024;
constexpr auto kTick = std::chrono::seconds(1);
constexpr auto kResetTick = std::chrono::milliseconds(100);
// What one header of an answer may take: status details are 6 KiB, and base64 makes them a third longer.
constexpr std::size_t kHeaderBytesMax = std::size_t{16} * 1024;

nghttp2_nv Header(std::string_view name, std::string_view value, std::uint8_t flags) {
  // nghttp2's interface is not const; it does not write to either.
  auto* const name_bytes = const_cast<char*>(name.data());
  auto* const value_bytes = const_cast<char*>(value.data());
  return {reinterpret_cast<std::uint8_t*>(name_bytes), reinterpret_cast<std::uint8_t*>(value_bytes), name.size(), value.size(),
          flags};
}

std::string_view View(std::uint8_t const* bytes, std::size_t length) { return {reinterpret_cast<char const*>(bytes), length}; }

absl::Status AnswerInvalid(std::string_view what) {
  return Error(absl::StatusCode::kInternal, v1::ERROR_REASON_ANSWER_INVALID, what);
}

// What an answer without `grpc-status` means (grpc/doc/http-grpc-status-mapping.md).
absl::Status FromHttp(std::string_view status) {
  auto const message = absl::StrCat("The service answered with HTTP status ", Av(status), ".");
  if (status == "401") return absl::UnauthenticatedError(message);
  if (status == "403") return absl::PermissionDeniedError(message);
  if (status == "404") return absl::UnimplementedError(message);
  if (status == "429" || status == "502" || status == "503" || status == "504") return absl::UnavailableError(message);
  return absl::UnknownError(message);
}

}  // namespace

struct Connection::Stream {
  explicit Stream(std::size_t message_bytes_max) : deframer(message_bytes_max) {}

  Attempt* attempt = nullptr;  // nullptr when it was cancelled
  std::string body;
  std::size_t body_sent = 0;
  bool sent = false;
  Deframer deframer;
  // Bytes that were given back to the window before the receiver consumed them.
  std::size_t prepaid = 0;
  std::string http_status, code, message, details;
  bool has_code = false;
  // What is wrong with the answer, found before its end.
  absl::Status fault;
};

// The C side: finds the connection again and hands over.
class Connection::Callbacks {
 public:
  static nghttp2_session_callbacks* Get() {
    static nghttp2_session_callbacks* const callbacks = Make();
    return callbacks;
  }

  static ssize_t ReadBody(nghttp2_session*, std::int32_t, std::uint8_t* to, std::size_t length, std::uint32_t* flags,
                          nghttp2_data_source* source, void*) {
    auto& stream = *static_cast<Stream*>(source->ptr);
    auto const count = std::min(length, stream.body.size() - stream.body_sent);
    std::copy_n(stream.body.data() + stream.body_sent, count, reinterpret_cast<char*>(to));
    stream.body_sent += count;
    if (stream.body_sent == stream.body.size()) *flags |= NGHTTP2_DATA_FLAG_EOF;
    return static_cast<ssize_t>(count);
  }

 private:
  static Connection& Of(void* user_data) { return *static_cast<Connection*>(user_data); }

  static nghttp2_session_callbacks* Make() {
    nghttp2_session_callbacks* callbacks = nullptr;
    if (nghttp2_session_callbacks_new(&callbacks) != 0) std::abort();
    nghttp2_session_callbacks_set_on_header_callback(
        callbacks, [](nghttp2_session*, nghttp2_frame const* frame, std::uint8_t const* name, std::size_t name_length,
                      std::uint8_t const* value, std::size_t value_length, std::uint8_t, void* user_data) {
          Of(user_data).OnHeader(frame->hd.stream_id, View(name, name_length), View(value, value_length));
          return 0;
        });
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(
        callbacks,
        [](nghttp2_session*, std::uint8_t, std::int32_t id, std::uint8_t const* data, std::size_t length, void* user_data) {
          Of(user_data).OnData(id, View(data, length));
          return 0;
        });
    nghttp2_session_callbacks_set_on_stream_close_callback(
        callbacks, [](nghttp2_session*, std::int32_t id, std::uint32_t error, void* user_data) {
          Of(user_data).OnStreamClosed(id, error);
          return 0;
        });
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks,
                                                         [](nghttp2_session*, nghttp2_frame const* frame, void* user_data) {
                                                           if (frame->hd.type == NGHTTP2_GOAWAY) Of(user_data).OnGoAway();
                                                           return 0;
                                                         });
    nghttp2_session_callbacks_set_on_frame_send_callback(callbacks,
                                                         [](nghttp2_session*, nghttp2_frame const* frame, void* user_data) {
                                                           if (frame->hd.type == NGHTTP2_HEADERS)
                                                             Of(user_data).OnSent(frame->hd.stream_id);
                                                           return 0;
                                                         });
    return callbacks;
  }
};

Connection::Connection(Parts parts)
    : parts_(std::move(parts)), socket_(*parts_.loop), timer_(*parts_.loop), resets_(parts_.options.resets_burst) {
  auto const now = steady_clock::now();
  heard_ = pinged_ = resets_at_ = connect_until_ = now;
  // A tenth less or more, so that connections that were opened together do not end together.
  double const part = 0.9 + 0.2 * (static_cast<double>(parts_.random->Next() >> 11U) * 0x1.0p-53);
  retire_at_ = now + absl::ToChronoMilliseconds(parts_.options.age_max * part);
  MakeSession();
}

Connection::~Connection() {
  // Runs no callbacks: the attempts were told by Close.
  nghttp2_session_del(session_);
}

void Connection::MakeSession() {
  nghttp2_option* option = nullptr;
  if (nghttp2_option_new(&option) != 0) std::abort();
  // The window opens when bytes have been consumed, and not before: that is the back-pressure.
  nghttp2_option_set_no_auto_window_update(option, 1);
  if (nghttp2_session_client_new2(&session_, Callbacks::Get(), this, option) != 0) std::abort();
  nghttp2_option_del(option);
  std::array<nghttp2_settings_entry, 3> const settings = {
      {{NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
       {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, static_cast<std::uint32_t>(parts_.options.stream_window_bytes)},
       {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, 64 * 1024}}};
  nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings.data(), settings.size());
  nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0, parts_.options.connection_window_bytes);
}

void Connection::Connect() {
  state_ = State::kConnecting;
  connect_until_ = steady_clock::now() + absl::ToChronoMilliseconds(parts_.options.connect_timeout);
  Tick();
  socket_.async_connect(parts_.endpoint, [self = shared_from_this()](error_code error) {
    if (self->closed()) return;
    if (error) return self->Close();
    if (self->parts_.endpoint.protocol().family() != AF_UNIX) {
      self->socket_.set_option(asio::ip::tcp::no_delay(true), error);
    }
    if (self->parts_.tls != nullptr) return self->Handshake();
    self->Opened();
  });
}

void Connection::Handshake() {
  auto& tls = tls_.emplace(socket_, *parts_.tls);
  // SNI names hosts only (RFC 6066, 3); OpenSSL would send an address as well.
  error_code not_an_address;
  asio::ip::make_address(parts_.tls_name, not_an_address);
  // As the macro SSL_set_tlsext_host_name does, which casts as C does.
  if (not_an_address &&
      SSL_ctrl(tls.native_handle(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, parts_.tls_name.data()) != 1) {
    return Close();
  }
  tls.set_verify_callback(asio::ssl::host_name_verification(parts_.tls_name));
  tls.async_handshake(asio::ssl::stream_base::client, [self = shared_from_this()](error_code error) {
    if (self->closed()) return;
    unsigned char const* protocol = nullptr;
    unsigned length = 0;
    if (!error) SSL_get0_alpn_selected(self->tls_->native_handle(), &protocol, &length);
    if (error || View(protocol, length) != "h2") return self->Close();
    self->Opened();
  });
}

void Connection::Opened() {
  state_ = State::kOpen;
  was_open_ = true;
  heard_ = steady_clock::now();
  Read();
  Flush();
  Changed();
}

std::int32_t Connection::Start(Call const& call, absl::Duration time_left, Attempt& attempt) {
  auto stream = std::make_unique<Stream>(parts_.options.message_bytes_max);
  stream->attempt = &attempt;
  stream->body = Framed(call.request);
  // Names and paths live as long as the process, the authority as long as the session.
  constexpr std::uint8_t kept_name = NGHTTP2_NV_FLAG_NO_COPY_NAME;
  constexpr std::uint8_t kept = NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE;
  // What differs from call to call would only push the rest out of the peer's table.
  constexpr std::uint8_t once = NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_INDEX;
  std::array<nghttp2_nv, 11> headers;
  std::size_t count = 0;
  auto const add = [&](std::string_view name, std::string_view value, std::uint8_t flags) {
    headers[count++] = Header(name, value, flags);
  };
  std::string const identity = ToBinary(call.identity);
  std::string const timeout = time_left == absl::InfiniteDuration() ? "" : ToTimeout(time_left);
  add(":method", "POST", kept);
  add(":scheme", parts_.tls == nullptr ? "http" : "https", kept);
  add(":path", call.method->path(), kept);
  add(":authority", parts_.authority, kept);
  add("te", "trailers", kept);
  add("content-type", "application/grpc", kept);
  add("user-agent", "helhed-gateway", kept);
  if (!timeout.empty()) add("grpc-timeout", timeout, once);
  if (!identity.empty()) add(identity::kIdentityKey, identity, kept_name);
  if (!call.traceparent.empty()) add("traceparent", call.traceparent, once);
  if (!call.request_id.empty()) add("x-request-id", call.request_id, once);
  nghttp2_data_provider provider;
  provider.source.ptr = stream.get();
  provider.read_callback = &Callbacks::ReadBody;
  auto const id = nghttp2_submit_request(session_, nullptr, headers.data(), count, &provider, nullptr);
  if (id < 0) std::abort();  // out of memory, or out of ids, before which the connection is retired
  streams_.emplace(id, std::move(stream));
  if (id >= parts_.options.stream_id_max) Retire();
  ScheduleFlush();
  return id;
}

Connection::Stream* Connection::Find(std::int32_t id) {
  auto const found = streams_.find(id);
  return found == streams_.end() ? nullptr : found->second.get();
}

void Connection::Cancel(std::int32_t id) {
  auto* const stream = Find(id);
  if (stream == nullptr || stream->attempt == nullptr) return;
  stream->attempt = nullptr;
  // What has arrived and was not consumed would keep the window shut, and an answer that only has to end would never do so.
  auto const unread = nghttp2_session_get_stream_effective_recv_data_length(session_, id);
  if (unread > 0) nghttp2_session_consume_stream(session_, id, static_cast<std::size_t>(unread));
  if (!stream->sent || (cancelled_.empty() && TakeReset())) {
    nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, id, NGHTTP2_CANCEL);
  } else {
    cancelled_.push_back(id);
    if (cancelled_.size() == 1) Tick();
  }
  ScheduleFlush();
}

bool Connection::TakeReset() {
  auto const now = steady_clock::now();
  std::chrono::duration<double> const since = now - resets_at_;
  resets_at_ = now;
  resets_ = std::min(resets_ + since.count() * parts_.options.resets_per_second, parts_.options.resets_burst);
  if (resets_ < 1) return false;
  resets_ -= 1;
  return true;
}

void Connection::SendResets() {
  bool sent = false;
  while (!cancelled_.empty()) {
    // Most answers have ended by themselves meanwhile.
    if (Find(cancelled_.front()) != nullptr) {
      if (!TakeReset()) break;
      nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, cancelled_.front(), NGHTTP2_CANCEL);
      sent = true;
    }
    cancelled_.pop_front();
  }
  if (sent) ScheduleFlush();
}

void Connection::Consume(std::int32_t id, std::size_t bytes) {
  auto* const stream = Find(id);
  if (stream == nullptr) return;
  auto const paid = std::min(bytes, stream->prepaid);
  stream->prepaid -= paid;
  if (bytes == paid) return;
  nghttp2_session_consume_stream(session_, id, bytes - paid);
  ScheduleFlush();
}

void Connection::Retire() {
  if (!retired_) {
    retired_ = true;
    Changed();
  }
  if (streams_.empty()) Close();
}

void Connection::Abandon() {
  parts_.on_change = nullptr;
  Close();
}

void Connection::Read() {
  auto const done = [self = shared_from_this()](error_code error, std::size_t bytes) {
    if (self->closed()) return;
    if (error) return self->Close();
    self->Received(bytes);
  };
  if (tls_) return tls_->async_read_some(asio::buffer(in_), done);
  socket_.async_read_some(asio::buffer(in_), done);
}

void Connection::Received(std::size_t bytes) {
  heard_ = steady_clock::now();
  ping_under_way_ = false;
  auto const taken = nghttp2_session_mem_recv(session_, reinterpret_cast<std::uint8_t const*>(in_.data()), bytes);
  if (taken < 0) return Close();
  if (closed()) return;
  Flush();
  if (!closed()) Read();
}

void Connection::ScheduleFlush() {
  if (flush_scheduled_ || state_ != State::kOpen) return;
  flush_scheduled_ = true;
  // After everything that this turn of the loop brings: its frames go out by one system call.
  asio::post(*parts_.loop, [self = shared_from_this()] {
    self->flush_scheduled_ = false;
    self->Flush();
  });
}

void Connection::Flush() {
  if (state_ != State::kOpen || writing_) return;
  out_.clear();
  while (out_.size() < kWriteBytes) {
    std::uint8_t const* bytes = nullptr;
    auto const length = nghttp2_session_mem_send(session_, &bytes);
    if (length < 0) return Close();
    if (length == 0) break;
    out_.append(View(bytes, static_cast<std::size_t>(length)));
  }
  if (out_.empty()) {
    if (nghttp2_session_want_read(session_) == 0 && nghttp2_session_want_write(session_) == 0) Close();
    return;
  }
  writing_ = true;
  auto const done = [self = shared_from_this()](error_code error, std::size_t) { self->Written(error); };
  if (tls_) return asio::async_write(*tls_, asio::buffer(out_), done);
  asio::async_write(socket_, asio::buffer(out_), done);
}

void Connection::Written(error_code error) {
  writing_ = false;
  if (closed()) return;
  if (error) return Close();
  Flush();
}

void Connection::Tick() {
  timer_.expires_after(cancelled_.empty() ? std::chrono::milliseconds(kTick) : kResetTick);
  timer_.async_wait([weak = weak_from_this()](error_code error) {
    auto const self = weak.lock();
    if (error || self == nullptr || self->closed()) return;
    self->SendResets();
    self->KeepAlive();
    if (!self->closed()) self->Tick();
  });
}

void Connection::KeepAlive() {
  auto const now = steady_clock::now();
  if (state_ == State::kConnecting) {
    if (now >= connect_until_) Close();
    return;
  }
  if (now >= retire_at_) {
    Retire();
    if (closed()) return;
  }
  if (ping_under_way_) {
    if (now >= pinged_ + absl::ToChronoMilliseconds(parts_.options.ping_timeout)) Close();
    return;
  }
  if (now < heard_ + absl::ToChronoMilliseconds(parts_.options.ping_after)) return;
  ping_under_way_ = true;
  pinged_ = now;
  nghttp2_submit_ping(session_, NGHTTP2_FLAG_NONE, nullptr);
  Flush();
}

void Connection::Close() {
  if (closed()) return;
  auto const self = shared_from_this();
  bool const was_connecting = !was_open_;
  state_ = State::kClosed;
  retired_ = true;
  error_code ignored;
  socket_.close(ignored);
  timer_.cancel();
  auto const streams = std::exchange(streams_, {});
  for (auto const& [id, stream] : streams) {
    if (stream->attempt == nullptr) continue;
    Outcome outcome;
    outcome.reach = was_connecting || !stream->sent ? Outcome::Reach::kNotProcessed : Outcome::Reach::kLost;
    outcome.end.status = absl::UnavailableError("The connection to the service broke.");
    std::exchange(stream->attempt, nullptr)->OnOutcome(std::move(outcome));
  }
  Changed();
}

void Connection::Changed() {
  if (parts_.on_change) parts_.on_change();
}

void Connection::OnHeader(std::int32_t id, std::string_view name, std::string_view value) {
  auto* const stream = Find(id);
  if (stream == nullptr || value.size() > kHeaderBytesMax) return;
  if (name == ":status") {
    stream->http_status = value;
  } else if (name == "grpc-status") {
    stream->code = value;
    stream->has_code = true;
  } else if (name == "grpc-message") {
    stream->message = value;
  } else if (name == "grpc-status-details-bin") {
    stream->details = FromBinary(value).value_or("");
  }
}

void Connection::OnData(std::int32_t id, std::string_view bytes) {
  // One stream that is not read must not hold up the others.
  nghttp2_session_consume_connection(session_, bytes.size());
  auto* const stream = Find(id);
  if (stream == nullptr) return;
  if (stream->attempt == nullptr || !stream->fault.ok() || stream->http_status != "200") {
    nghttp2_session_consume_stream(session_, id, bytes.size());
    return;
  }
  Deliver(id, *stream, bytes);
}

void Connection::Deliver(std::int32_t id, Stream& stream, std::string_view bytes) {
  // A message that is larger than the window would never arrive if all of it waited to be consumed: it is paid for as it comes.
  bool const pays_ahead = stream.deframer.length() > static_cast<std::size_t>(parts_.options.stream_window_bytes) / 2;
  if (pays_ahead) {
    stream.prepaid += bytes.size();
    nghttp2_session_consume_stream(session_, id, bytes.size());
  }
  auto const before = stream.deframer.prefix_bytes();
  auto const fed = stream.deframer.Feed(bytes, [&](std::string message) {
    if (stream.attempt != nullptr) stream.attempt->OnMessage(std::move(message));
    return stream.attempt != nullptr;
  });
  if (!fed.ok()) {
    stream.fault = AnswerInvalid("The service sent a message that is compressed or too long.");
    nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, id, NGHTTP2_CANCEL);
    return;
  }
  // Prefixes are nobody's to consume.
  auto const prefixes = stream.deframer.prefix_bytes() - before;
  if (pays_ahead) {
    stream.prepaid -= std::min(prefixes, stream.prepaid);
  } else if (prefixes > 0) {
    nghttp2_session_consume_stream(session_, id, prefixes);
  }
}

void Connection::OnSent(std::int32_t id) {
  if (auto* const stream = Find(id); stream != nullptr) stream->sent = true;
}

void Connection::OnGoAway() {
  if (retired_) return;
  retired_ = true;
  Changed();
}

void Connection::OnStreamClosed(std::int32_t id, std::uint32_t error) {
  auto const found = streams_.find(id);
  if (found == streams_.end()) return;
  auto const stream = std::move(found->second);
  streams_.erase(found);
  if (stream->attempt != nullptr) {
    Outcome outcome;
    if (!stream->fault.ok()) {
      outcome.end.status = stream->fault;
    } else if (stream->has_code) {
      outcome.end.status = StatusOf(stream->code, stream->message, stream->details);
      outcome.end.details = std::move(stream->details);
      // We did not cancel, and a handler that did would have said so: the server let the call go while it was shutting down.
      if (outcome.end.status.code() == absl::StatusCode::kCancelled && outcome.end.details.empty()) {
        outcome.reach = Outcome::Reach::kLost;
        outcome.end.status = absl::UnavailableError("The service let the call go.");
      }
      if (outcome.end.status.ok() && !stream->deframer.at_rest()) {
        outcome.end.status = AnswerInvalid("The service's answer ends within a message.");
      }
    } else if (error == NGHTTP2_REFUSED_STREAM) {
      outcome.reach = Outcome::Reach::kNotProcessed;
      outcome.end.status = absl::UnavailableError("The service refused the stream.");
    } else if (error != NGHTTP2_NO_ERROR || stream->http_status == "200" || stream->http_status.empty()) {
      outcome.reach = Outcome::Reach::kLost;
      outcome.end.status = absl::UnavailableError("The service broke the call off.");
    } else {
      outcome.end.status = FromHttp(stream->http_status);
    }
    stream->attempt->OnOutcome(std::move(outcome));
  }
  if (retired_ && streams_.empty()) {
    // Not from within nghttp2's callback.
    asio::post(*parts_.loop, [self = shared_from_this()] {
      if (self->streams_.empty()) self->Close();
    });
  }
}

}  // namespace helhed::gateway::upstream
