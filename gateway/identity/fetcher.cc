#include "gateway/identity/fetcher.h"

#include <absl/strings/str_cat.h>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>

#include <chrono>
#include <optional>

#include "services/platform/base/strings.h"

namespace helhed::gateway::identity {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace beast_http = boost::beast::http;
using ErrorCode = boost::system::error_code;

constexpr std::uint32_t kHeaderBytesMax = 16 * 1024;

// One fetch: keeps itself alive until it has an answer, by the callbacks that hold it.
class Fetch : public std::enable_shared_from_this<Fetch> {
 public:
  Fetch(Url url, asio::io_context& loop, asio::ssl::context& tls, Fetcher::Options const& options, Fetcher::Done done)
      : url_(std::move(url)),
        loop_(loop),
        resolver_(loop),
        timer_(loop),
        stream_(loop, tls),
        is_tls_(url_.is_tls),
        done_(std::move(done)) {
    parser_.header_limit(kHeaderBytesMax);
    parser_.body_limit(options.bytes_max);
    request_.method(beast_http::verb::get);
    request_.version(11);
    request_.target(url_.target);
    request_.set(beast_http::field::host, url_.authority);
    request_.set(beast_http::field::accept, "application/json");
    request_.set(beast_http::field::user_agent, "helhed-gateway");
    request_.set(beast_http::field::connection, "close");
    timer_.expires_after(absl::ToChronoMilliseconds(options.timeout));
  }

  void Start() {
    timer_.async_wait([self = shared_from_this()](ErrorCode error) {
      if (!error) self->Finish(absl::UnavailableError("no answer in time"));
    });
    resolver_.async_resolve(url_.host, url_.port, [self = shared_from_this()](ErrorCode error, auto results) {
      if (self->Failed(error, "its name cannot be resolved")) return;
      beast::get_lowest_layer(self->stream_).async_connect(results, [self](ErrorCode failure, auto const& /*endpoint*/) {
        if (!self->Failed(failure, "cannot be connected to")) self->OnConnected();
      });
    });
  }

 private:
  void OnConnected() {
    if (!is_tls_) return Send(stream_.next_layer());
    stream_.set_verify_mode(asio::ssl::verify_peer);
    stream_.set_verify_callback(asio::ssl::host_name_verification(url_.host));
    ErrorCode no_address;
    asio::ip::make_address(url_.host, no_address);
    // An address is no server name (RFC 6066, 3). Written out, because the macro for it casts as C does.
    if (no_address &&
        SSL_ctrl(stream_.native_handle(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, url_.host.data()) != 1) {
      return Finish(absl::UnavailableError("its name cannot be used with TLS"));
    }
    stream_.async_handshake(asio::ssl::stream_base::client, [self = shared_from_this()](ErrorCode error) {
      if (!self->Failed(error, "the TLS handshake failed")) self->Send(self->stream_);
    });
  }

  template <typename Stream>
  void Send(Stream& stream) {
    beast_http::async_write(stream, request_, [self = shared_from_this(), &stream](ErrorCode error, std::size_t /*bytes*/) {
      if (self->Failed(error, "the request cannot be sent")) return;
      beast_http::async_read(stream, self->buffer_, self->parser_, [self](ErrorCode failure, std::size_t /*bytes*/) {
        if (!self->Failed(failure, "the answer is cut off, too large or no HTTP")) self->OnAnswer();
      });
    });
  }

  void OnAnswer() {
    auto const status = parser_.get().result_int();
    if (status != 200) return Finish(absl::UnavailableError(absl::StrCat("answers with status ", status)));
    Finish(std::move(parser_.get().body()));
  }

  // Ends the fetch when there was an error.
  bool Failed(ErrorCode error, std::string_view what) {
    if (error) Finish(absl::UnavailableError(absl::StrCat(Av(what), " (", error.message(), ")")));
    return static_cast<bool>(error) || !done_;
  }

  void Finish(absl::StatusOr<std::string> result) {
    if (!done_) return;
    auto const done = std::exchange(done_, nullptr);
    timer_.cancel();
    resolver_.cancel();
    // Without a TLS goodbye: nothing is read any more, so nothing can be cut off.
    beast::get_lowest_layer(stream_).close();
    done(std::move(result));
  }

  Url url_;
  asio::io_context& loop_;
  asio::ip::tcp::resolver resolver_;
  asio::steady_timer timer_;
  beast::ssl_stream<beast::tcp_stream> stream_;
  bool is_tls_;
  beast_http::request<beast_http::empty_body> request_;
  beast::flat_buffer buffer_;
  beast_http::response_parser<beast_http::string_body> parser_;
  Fetcher::Done done_;
};

class BeastFetcher final : public Fetcher {
 public:
  explicit BeastFetcher(Options options) : options_(std::move(options)), tls_(asio::ssl::context::tls_client) {}

  absl::Status Init() {
    ErrorCode error;
    tls_.set_options(asio::ssl::context::default_workarounds | asio::ssl::context::no_tlsv1 | asio::ssl::context::no_tlsv1_1,
                     error);
    if (!error && options_.ca_file.empty()) tls_.set_default_verify_paths(error);
    if (!error && !options_.ca_file.empty()) tls_.load_verify_file(options_.ca_file, error);
    if (!error) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrCat(options_.ca_file, ": holds no certificates that can be read"));
  }

  void Get(Url const& url, asio::io_context& loop, Done done) const override {
    auto const fetch = std::make_shared<Fetch>(url, loop, tls_, options_, std::move(done));
    asio::post(loop, [fetch] { fetch->Start(); });
  }

 private:
  Options options_;
  // Shared by the fetches of all loops: OpenSSL counts its users.
  mutable asio::ssl::context tls_;
};

}  // namespace

absl::StatusOr<std::shared_ptr<Fetcher const>> Fetcher::Make(Options options) {
  auto fetcher = std::make_shared<BeastFetcher>(std::move(options));
  auto status = fetcher->Init();
  if (!status.ok()) return status;
  return fetcher;
}

}  // namespace helhed::gateway::identity
