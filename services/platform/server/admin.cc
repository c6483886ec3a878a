#include "services/platform/server/admin.h"

#include <absl/strings/str_cat.h>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

#include <chrono>
#include <optional>
#include <thread>
#include <utility>

#include "services/platform/base/status.h"
#include "services/platform/base/strings.h"
#include "services/platform/server/options.h"

namespace helhed::server {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;

constexpr std::uint32_t kHeaderBytesMax = 8 * 1024;
constexpr auto kExchangeTimeout = std::chrono::seconds(5);
constexpr int kConnectionsMax = 64;

using Response = http::response<http::string_body>;

// One connection: one request, one answer.
class Session final : public std::enable_shared_from_this<Session> {
 public:
  Session(tcp::socket socket, AdminServer::Handlers const& handlers, int& connections)
      : stream_(std::move(socket)), handlers_(handlers), connections_(connections) {
    ++connections_;
    parser_.header_limit(kHeaderBytesMax);
    parser_.body_limit(std::uint64_t{0});
  }
  ~Session() { --connections_; }
  Session(Session const&) = delete;
  Session& operator=(Session const&) = delete;

  void Run() {
    stream_.expires_after(kExchangeTimeout);
    http::async_read_header(stream_, buffer_, parser_, [self = shared_from_this()](beast::error_code error, std::size_t) {
      if (!error) self->Answer();
    });
  }

 private:
  void Answer() {
    response_ = Respond();
    response_.version(11);
    response_.keep_alive(false);
    response_.set(http::field::cache_control, "no-store");
    response_.prepare_payload();
    if (parser_.get().method() == http::verb::head) response_.body().clear();
    stream_.expires_after(kExchangeTimeout);
    http::async_write(stream_, response_, [self = shared_from_this()](beast::error_code, std::size_t) {
      beast::error_code ignored;
      self->stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
    });
  }

  Response Respond() const {
    auto const& request = parser_.get();
    if (request.method() != http::verb::get && request.method() != http::verb::head) {
      auto response = Text(http::status::method_not_allowed, "GET only\n");
      response.set(http::field::allow, "GET, HEAD");
      return response;
    }
    if (request.target() == "/healthz") return Text(http::status::ok, "alive\n");
    if (request.target() == "/readyz") {
      auto const ready = handlers_.ready();
      if (ready.ok()) return Text(http::status::ok, "ready\n");
      return Text(http::status::service_unavailable, absl::StrCat(ready.message(), "\n"));
    }
    if (request.target() == "/metrics") {
      auto response = Text(http::status::ok, handlers_.metrics());
      response.set(http::field::content_type, "text/plain; version=0.0.4; charset=utf-8");
      return response;
    }
    return Text(http::status::not_found, "/metrics, /healthz or /readyz\n");
  }

  static Response Text(http::status status, std::string text) {
    Response response(status, 11);
    response.set(http::field::content_type, "text/plain; charset=utf-8");
    response.body() = std::move(text);
    return response;
  }

  beast::tcp_stream stream_;
  AdminServer::Handlers const& handlers_;
  int& connections_;
  beast::flat_buffer buffer_{kHeaderBytesMax};
  http::request_parser<http::empty_body> parser_;
  Response response_;
};

}  // namespace

struct AdminServer::State {
  explicit State(Handlers admin_handlers) : handlers(std::move(admin_handlers)) {}

  absl::Status Listen(tcp::endpoint const& endpoint) {
    beast::error_code error;
    acceptor.open(endpoint.protocol(), error);
    if (!error) acceptor.set_option(asio::socket_base::reuse_address(true), error);
    if (!error) acceptor.bind(endpoint, error);
    if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
    if (error) return absl::UnavailableError(error.message());
    port = acceptor.local_endpoint().port();
    return absl::OkStatus();
  }

  void Accept() {
    acceptor.async_accept([this](beast::error_code error, tcp::socket socket) {
      if (error == asio::error::operation_aborted) return;
      if (error) return AcceptLater();
      // One too many is closed at once: the next probe comes soon.
      if (connections < kConnectionsMax) std::make_shared<Session>(std::move(socket), handlers, connections)->Run();
      Accept();
    });
  }

  // Out of file descriptors, say: trying again at once would only burn the processor.
  void AcceptLater() {
    pause.expires_after(std::chrono::milliseconds(100));
    pause.async_wait([this](beast::error_code error) {
      if (!error) Accept();
    });
  }

  Handlers handlers;
  int connections = 0;  // used by the one thread only
  asio::io_context context{1};
  tcp::acceptor acceptor{context};
  asio::steady_timer pause{context};
  int port = 0;
  std::thread thread;
};

absl::StatusOr<std::unique_ptr<AdminServer>> AdminServer::Start(std::string const& listen, Handlers handlers) {
  auto const address = ParseAddress(listen);
  beast::error_code error;
  auto const ip = address ? asio::ip::make_address(address->host, error) : asio::ip::address();
  if (!address || error) return absl::InvalidArgumentError(absl::StrCat(listen, " is not IP:PORT"));
  auto state = std::make_unique<State>(std::move(handlers));
  if (auto const status = state->Listen({ip, static_cast<std::uint16_t>(address->port)}); !status.ok()) {
    return absl::UnavailableError(absl::StrCat("cannot listen on ", listen, ": ", status.message()));
  }
  state->Accept();
  state->thread = std::thread([&state = *state] { state.context.run(); });
  return std::unique_ptr<AdminServer>(new AdminServer(std::move(state)));
}

AdminServer::AdminServer(std::unique_ptr<State> state) : state_(std::move(state)) {}

AdminServer::~AdminServer() {
  state_->context.stop();
  state_->thread.join();
}

int AdminServer::port() const { return state_->port; }

}  // namespace helhed::server
