#include "gateway/serve.h"

#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>
#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

#include <chrono>
#include <map>
#include <string>
#include <utility>

#include "services/platform/base/status.h"
#include "services/platform/server/admin.h"

namespace helhed::gateway {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;

constexpr auto kHealthTimeout = std::chrono::seconds(3);

absl::StatusOr<std::unique_ptr<server::AdminServer>> StartAdmin(std::string const& listen, std::function<absl::Status()> ready,
                                                                telemetry::Metrics& metrics) {
  if (listen.empty()) return nullptr;
  server::AdminServer::Handlers handlers;
  handlers.metrics = [&metrics] { return metrics.Expose(); };
  handlers.ready = std::move(ready);
  return server::AdminServer::Start(listen, std::move(handlers));
}

}  // namespace

absl::Status ServeUntilEnd(Gateway& gateway, Options const& options, std::function<absl::Status()> ready,
                           telemetry::Metrics& metrics, telemetry::Log& log, std::unique_ptr<server::Watchdog>& watchdog) {
  ASSIGN_OR_RETURN(auto const admin, StartAdmin(options.admin_listen, std::move(ready), metrics));
  log.Info("serving", {{"port", std::int64_t{gateway.port()}}, {"admin_port", std::int64_t{admin ? admin->port() : 0}}});
  server::WaitForEnd();
  log.Info("draining");
  watchdog = std::make_unique<server::Watchdog>(options.drain_delay + options.drain_timeout + server::kCloseTime, log);
  gateway.BeginDrain();
  if (options.drain_delay > absl::ZeroDuration()) server::WaitForEnd(options.drain_delay);
  gateway.Drain(absl::Now() + options.drain_timeout);
  return absl::OkStatus();
}

absl::Status Serve(Options const& options) {
  server::HoldEndSignals();
  telemetry::Log log({.service = "gateway", .minimum = options.log_level, .destination = "-"});
  telemetry::Metrics metrics;
  SystemClock const clock;
  SystemRandom random;
  std::unique_ptr<server::Watchdog> watchdog;
  {
    std::map<std::string, MakeUpstream> services;
    for (auto const& upstream : options.upstreams) services.emplace(upstream.service, ByHttp(upstream, clock, random, metrics));
    ASSIGN_OR_RETURN(auto const gateway, Gateway::Start(options.gateway, std::move(services), clock, random, metrics, log));
    auto const ready = [&gateway = *gateway] { return gateway.Readiness(); };
    RETURN_IF_ERROR(ServeUntilEnd(*gateway, options, ready, metrics, log, watchdog));
  }
  log.Info("stopped");
  log.Flush();
  return absl::OkStatus();
}

absl::Status CheckHealth(Options const& options) {
  auto const& listen = options.admin_listen.empty() ? options.gateway.server.listen : options.admin_listen;
  auto address = server::ParseAddress(listen);
  if (!address) return absl::InvalidArgumentError(absl::StrCat(listen, " is not IP:PORT"));
  // Who listens on all addresses is asked by the one that never leaves the machine.
  if (address->host == "0.0.0.0") address->host = "127.0.0.1";
  if (address->host == "::") address->host = "::1";
  asio::io_context context;
  beast::tcp_stream stream(context);
  beast::error_code error;
  auto const ip = asio::ip::make_address(address->host, error);
  if (error) return absl::InvalidArgumentError(absl::StrCat(listen, " is not IP:PORT"));
  beast::http::request<beast::http::empty_body> request(beast::http::verb::get, "/readyz", 11);
  request.set(beast::http::field::host, address->host);
  beast::flat_buffer buffer;
  beast::http::response<beast::http::string_body> response;
  stream.expires_after(kHealthTimeout);
  bool connected = false;
  stream.async_connect(asio::ip::tcp::endpoint(ip, static_cast<std::uint16_t>(address->port)), [&](beast::error_code failed) {
    error = failed;
    connected = !failed;
    if (failed || options.admin_listen.empty()) return;
    beast::http::async_write(stream, request, [&](beast::error_code not_written, std::size_t) {
      error = not_written;
      if (error) return;
      beast::http::async_read(stream, buffer, response, [&](beast::error_code not_read, std::size_t) { error = not_read; });
    });
  });
  context.run();
  if (error) return absl::UnavailableError(absl::StrCat(listen, ": ", error.message()));
  if (options.admin_listen.empty()) return connected ? absl::OkStatus() : absl::UnavailableError(listen);
  if (response.result() == beast::http::status::ok) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat("not ready: ", response.body()));
}

}  // namespace helhed::gateway
