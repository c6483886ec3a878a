#include "gateway/http/server_for_test.h"

#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <arpa/inet.h>
#include <boost/asio/post.hpp>
#include <fcntl.h>
#include <netinet/in.h>
#include <nghttp2/nghttp2.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <utility>

#include "services/platform/base/strings.h"

namespace helhed::gateway::http {
namespace {

constexpr std::chrono::seconds kPatience{30};

class ScriptedHandler final : public Handler {
 public:
  ScriptedHandler(Script& script, RequestHead head, Exchange& exchange)
      : script_(script), exchange_(exchange), path_(head.target), buffers_(path_ == "/echo") {
    script_.Change([&] {
      ++script_.running;
      script_.heads.push_back(std::move(head));
      if (path_ == "/wait") script_.waiting.emplace(&exchange_, &exchange_.loop());
    });
    AtHead();
  }
  ~ScriptedHandler() override {
    script_.Change([&] {
      --script_.running;
      script_.waiting.erase(&exchange_);
    });
  }

  void OnBody(std::string_view bytes) override {
    script_.Change([&] { script_.received += bytes.size(); });
    if (path_ == "/unread") return;
    if (buffers_) body_.append(bytes);
    exchange_.Consume(bytes.size());
  }
  void OnBodyEnd() override {
    script_.Change([&] { ++script_.ended; });
    if (path_ == "/hello") {
      exchange_.Respond(200, {{"content-length", "5"}, {"content-type", "text/plain"}});
      exchange_.Write("hello");
      exchange_.Finish({});
    } else if (path_ == "/echo") {
      exchange_.Respond(200, {{"content-type", "text/plain"}});
      exchange_.Write(std::move(body_));
      exchange_.Finish({{"x-trailer", "end"}});
    }
  }
  void OnWritable() override { WriteOn(); }
  void OnGone() override {
    script_.Change([&] { ++script_.gone; });
  }

 private:
  void AtHead() {
    if (path_ == "/endless") {
      exchange_.Respond(200, {});
      WriteOn();
    } else if (path_ == "/greedy") {
      exchange_.Respond(200, {});
      for (int i = 0; i < 128; ++i) exchange_.Write(std::string(64 * 1024, 'g'));
    } else if (path_ == "/early") {
      exchange_.Respond(401, {{"content-length", "0"}});
      exchange_.Finish({});
    } else if (path_ == "/nothing") {
      exchange_.Respond(204, {});
      exchange_.Finish({});
    } else if (path_ == "/head-only") {
      exchange_.Respond(200, {{"grpc-status", "5"}});
      exchange_.Finish({});
    } else if (path_ == "/injects") {
      exchange_.Respond(200, {{"x-name", "a\r\nset-cookie: b"}});
      exchange_.Finish({});
    } else if (path_ == "/short" || path_ == "/long") {
      exchange_.Respond(200, {{"content-length", path_ == "/short" ? "10" : "3"}});
      exchange_.Write("hello");
      exchange_.Finish({});
    } else if (path_ == "/aborts") {
      exchange_.Respond(200, {});
      exchange_.Write("hello");
      exchange_.Abort();
    } else if (path_ != "/hello" && path_ != "/echo" && path_ != "/wait" && path_ != "/unread" && path_ != "/sink") {
      exchange_.Respond(404, {{"content-length", "0"}});
      exchange_.Finish({});
    }
  }

  void WriteOn() {
    while (exchange_.queued() <= Exchange::kHighWater) {
      exchange_.Write(std::string(16 * 1024, 'e'));
      script_.Change([&] {
        script_.written += 16 * 1024;
        script_.queued_max = std::max(script_.queued_max.load(), exchange_.queued());
      });
    }
  }

  Script& script_;
  Exchange& exchange_;
  std::string path_;
  bool buffers_;
  std::string body_;
};

}  // namespace

void Script::Change(std::function<void()> const& change) {
  {
    std::lock_guard const lock(mutex);
    change();
  }
  changed.notify_all();
}

bool Script::Await(std::function<bool()> const& condition) {
  std::unique_lock lock(mutex);
  return changed.wait_for(lock, kPatience, condition);
}

void Script::Release() {
  std::lock_guard const lock(mutex);
  for (auto const& [exchange, loop] : waiting) {
    boost::asio::post(*loop, [this, exchange = exchange] {
      {
        std::lock_guard const inner(mutex);
        if (waiting.erase(exchange) == 0) return;
      }
      exchange->Respond(200, {});
      exchange->Write("released");
      exchange->Finish({});
    });
  }
}

MakeHandler MakeScripted(Script& script) {
  return [&script](RequestHead head, Exchange& exchange) -> std::unique_ptr<Handler> {
    return std::make_unique<ScriptedHandler>(script, std::move(head), exchange);
  };
}

// ---- Wire ----

Wire::Wire(int port, int receive_buffer) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
  if (receive_buffer > 0) ::setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(::connect(socket_, reinterpret_cast<sockaddr const*>(&address), sizeof address), 0);
  timeval const patience{kPatience.count(), 0};
  ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  ::setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
}

Wire::~Wire() { Close(); }

void Wire::Close() {
  if (socket_ >= 0) ::close(std::exchange(socket_, -1));
}

bool Wire::Send(std::string_view bytes) const {
  while (!bytes.empty()) {
    auto const sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

std::size_t Wire::SendUntilStalled(std::size_t most) const {
  std::string const chunk(64 * 1024, 'b');
  std::size_t sent = 0;
  while (sent < most) {
    auto const count = ::send(socket_, chunk.data(), std::min(chunk.size(), most - sent), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count > 0) {
      sent += static_cast<std::size_t>(count);
      continue;
    }
    pollfd writable{socket_, POLLOUT, 0};
    if (::poll(&writable, 1, 300) == 0) break;
  }
  return sent;
}

bool Wire::Fill() {
  std::array<char, 16 * 1024> bytes{};
  auto const count = ::recv(socket_, bytes.data(), bytes.size(), 0);
  if (count < 0 && errno == EAGAIN) ADD_FAILURE() << "nothing came";
  if (count <= 0) return false;
  buffer_.append(bytes.data(), static_cast<std::size_t>(count));
  return true;
}

std::string Wire::ReadUntil(std::string_view end) {
  while (buffer_.find(end) == std::string::npos) {
    if (!Fill()) return std::exchange(buffer_, {});
  }
  return Read(buffer_.find(end) + end.size());
}

std::string Wire::Read(std::size_t count) {
  while (buffer_.size() < count) {
    if (!Fill()) return std::exchange(buffer_, {});
  }
  auto const read = buffer_.substr(0, count);
  buffer_.erase(0, count);
  return read;
}

std::string Wire::ReadAll() {
  while (Fill()) {
  }
  return std::exchange(buffer_, {});
}

// ---- HTTP/2 ----

std::string Number(std::uint32_t number) {
  return {static_cast<char>(number >> 24), static_cast<char>(number >> 16), static_cast<char>(number >> 8),
          static_cast<char>(number)};
}

std::string Frame(int type, int flags, std::int32_t stream, std::string_view payload) {
  return absl::StrCat(Number(static_cast<std::uint32_t>(payload.size())).substr(1), std::string(1, static_cast<char>(type)),
                      std::string(1, static_cast<char>(flags)), Number(static_cast<std::uint32_t>(stream)), Av(payload));
}

std::string Block(Pairs const& fields) {
  std::string block;
  auto const text = [&block](std::string const& value) {
    if (value.size() < 127) {
      block.push_back(static_cast<char>(value.size()));
    } else {
      block.push_back(127);
      auto rest = value.size() - 127;
      for (; rest >= 128; rest /= 128) block.push_back(static_cast<char>(rest % 128 + 128));
      block.push_back(static_cast<char>(rest));
    }
    block.append(value);
  };
  for (auto const& [name, value] : fields) {
    block.push_back(0);
    text(name);
    text(value);
  }
  return block;
}

std::string Head(std::int32_t stream, std::string const& path, int flags, Pairs const& more, std::string const& method,
                 std::string const& authority) {
  Pairs fields = {{":method", method}, {":scheme", "http"}, {":path", path}, {":authority", authority}};
  fields.insert(fields.end(), more.begin(), more.end());
  return Frame(kHeadersFrame, flags, stream, Block(fields));
}

std::string Setting(int id, std::uint32_t value) { return Number(static_cast<std::uint32_t>(id)).substr(2) + Number(value); }

namespace {

std::uint32_t NumberAt(std::string const& bytes, std::size_t at) {
  std::uint32_t number = 0;
  for (std::size_t i = at; i < at + 4 && i < bytes.size(); ++i) number = number << 8 | static_cast<unsigned char>(bytes[i]);
  return number;
}

}  // namespace

std::uint32_t SeenFrame::code() const { return NumberAt(payload, type == kGoAwayFrame ? 4 : 0); }

Http2Wire::Http2Wire(int port, std::string_view settings, int receive_buffer, bool acknowledges) : Wire(port, receive_buffer) {
  nghttp2_hd_inflate_new(&inflater_);
  Send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + Frame(kSettingsFrame, 0, 0, settings));
  if (acknowledges) Send(Frame(kSettingsFrame, kAck, 0, ""));
}

Http2Wire::~Http2Wire() { nghttp2_hd_inflate_del(inflater_); }

SeenFrame Http2Wire::Next() {
  SeenFrame frame;
  auto const header = Read(9);
  if (header.size() < 9) return frame;
  frame.type = static_cast<unsigned char>(header[3]);
  frame.flags = static_cast<unsigned char>(header[4]);
  frame.stream = static_cast<std::int32_t>(NumberAt(header, 5));
  frame.payload = Read(NumberAt(header, 0) >> 8);
  if (frame.type != kHeadersFrame) return frame;
  auto const* in = reinterpret_cast<std::uint8_t const*>(frame.payload.data());
  auto left = frame.payload.size();
  for (;;) {
    nghttp2_nv field;
    int flags = 0;
    auto const used = nghttp2_hd_inflate_hd2(inflater_, &field, &flags, in, left, 1);
    if (used < 0) break;
    in += used;
    left -= static_cast<std::size_t>(used);
    if ((flags & NGHTTP2_HD_INFLATE_EMIT) != 0) {
      frame.fields.emplace(std::string(reinterpret_cast<char const*>(field.name), field.namelen),
                           std::string(reinterpret_cast<char const*>(field.value), field.valuelen));
    } else if ((flags & NGHTTP2_HD_INFLATE_FINAL) != 0 || left == 0) {
      break;
    }
  }
  nghttp2_hd_inflate_end_headers(inflater_);
  return frame;
}

SeenFrame Http2Wire::Await(int type, std::int32_t stream) {
  for (;;) {
    auto frame = Next();
    if (frame.type == -1 || (frame.type == type && (stream == 0 || frame.stream == stream))) return frame;
  }
}

std::optional<std::uint32_t> Http2Wire::AwaitEnd() {
  std::optional<std::uint32_t> code;
  for (auto frame = Next(); frame.type != -1; frame = Next()) {
    if (frame.type == kGoAwayFrame) code = frame.code();
  }
  return code;
}

std::pair<std::string, std::string> Http2Wire::Answer(std::int32_t stream) {
  std::pair<std::string, std::string> answer;
  for (auto frame = Next(); frame.type != -1; frame = Next()) {
    if (frame.stream != stream) continue;
    if (frame.type == kHeadersFrame && frame.fields.contains(":status")) answer.first = frame.fields[":status"];
    if (frame.type == kDataFrame) answer.second += frame.payload;
    if (frame.type == kResetFrame) answer.first = absl::StrCat("reset ", frame.code());
    bool const ends = (frame.type == kHeadersFrame || frame.type == kDataFrame) && (frame.flags & kEndStream) != 0;
    if (ends || frame.type == kResetFrame) break;
  }
  return answer;
}

// ---- The server ----

void ServerTest::Start(TlsOptions tls, int loops, std::string const& listen) {
  // As in the gateway: a peer that has closed is no reason to die.
  std::signal(SIGPIPE, SIG_IGN);
  ServerOptions options;
  options.listen = listen;
  options.loops = loops;
  options.tls = std::move(tls);
  options.limits = limits_;
  options.metrics = &metrics_;
  auto started = Server::Start(std::move(options), [this](boost::asio::io_context&) { return MakeScripted(script_); });
  ASSERT_TRUE(started.ok()) << started.status();
  server_ = *std::move(started);
}

void ServerTest::TearDown() {
  if (!server_) return;
  server_.reset();
  EXPECT_EQ(script_.running, 0) << "handlers outlived the server";
  EXPECT_NE(metrics_.Expose().find("helhed_gateway_http_connections 0"), std::string::npos);
  EXPECT_NE(metrics_.Expose().find("helhed_gateway_http_requests_running 0"), std::string::npos);
}

int ServerTest::Refused(std::string const& reason) const {
  auto const text = metrics_.Expose();
  auto const line = absl::StrCat("helhed_gateway_http_refused_total{reason=\"", reason, "\"} ");
  auto const at = text.find(line);
  if (at == std::string::npos) return -1;
  auto const value = text.substr(at + line.size(), text.find('\n', at) - at - line.size());
  double number = -1;
  return absl::SimpleAtod(value, &number) ? static_cast<int>(number) : -1;
}

}  // namespace helhed::gateway::http
