#include "gateway/http/server.h"

#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "gateway/http/loop.h"
#include "services/platform/base/strings.h"

namespace helhed::gateway::http {

using boost::asio::ip::tcp;
using boost::system::error_code;

struct Server::State {
  explicit State(ServerOptions given)
      : options(std::move(given)),
        own_metrics(options.metrics == nullptr ? std::make_unique<telemetry::Metrics>() : nullptr),
        stats(own_metrics ? *own_metrics : *options.metrics),
        admission(options.limits, stats) {}

  void Post(void (Loop::*what)()) {
    for (auto const& loop : loops) boost::asio::post(loop->io(), [&loop = *loop, what] { (loop.*what)(); });
  }
  void RefreshCertificates();

  ServerOptions options;
  std::unique_ptr<telemetry::Metrics> own_metrics;
  Stats stats;
  Admission admission;
  std::unique_ptr<TlsContexts> contexts;
  std::vector<std::unique_ptr<Loop>> loops;
  // On the first loop: three small files now and then are read sooner than a thread is woken.
  std::unique_ptr<boost::asio::steady_timer> refresh;
  std::vector<std::thread> threads;
  std::once_flag drained;
  int port = 0;
};

namespace {

absl::StatusOr<tcp::endpoint> ParseEndpoint(std::string const& listen) {
  auto const colon = listen.rfind(':');
  auto host = listen.substr(0, colon == std::string::npos ? 0 : colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  error_code error;
  auto const address = boost::asio::ip::make_address(host, error);
  int port = 0;
  if (error || !absl::SimpleAtoi(listen.substr(colon + 1), &port) || port < 0 || port > 65'535) {
    return absl::InvalidArgumentError(absl::StrCat("cannot listen on ", listen, ": not an IP address with a port"));
  }
  return tcp::endpoint(address, static_cast<unsigned short>(port));
}

absl::Status Taken(std::string const& listen, error_code const& error) {
  return absl::UnavailableError(absl::StrCat("cannot listen on ", listen, ": ", error.message()));
}

// Loops may share a port, and so could two servers of the same user by mistake, each getting half of the callers: asked for
// without sharing, the port is refused when somebody has it.
error_code CheckFree(tcp::endpoint const& endpoint) {
  boost::asio::io_context io;
  tcp::acceptor acceptor(io);
  error_code error;
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor.bind(endpoint, error);
  return error;
}

}  // namespace

void Server::State::RefreshCertificates() {
  refresh->expires_after(options.tls.refresh);
  refresh->async_wait([this](error_code const& cancelled) {
    if (cancelled) return;
    auto const refreshed = contexts->Refresh();
    if (options.log != nullptr) {
      if (!refreshed.ok()) {
        options.log->Error("The new TLS certificates cannot be used; the old ones stay",
                           {{"error", Sv(refreshed.status().message())}});
      } else if (*refreshed) {
        options.log->Info("New TLS certificates are in use");
      }
    }
    RefreshCertificates();
  });
}

absl::StatusOr<std::unique_ptr<Server>> Server::Start(ServerOptions options, MakeForLoop const& make) {
  auto state = std::make_unique<State>(std::move(options));
  auto const& listen = state->options.listen;
  auto endpoint = ParseEndpoint(listen);
  if (!endpoint.ok()) return endpoint.status();
  if (state->options.tls.enabled()) {
    auto contexts = TlsContexts::Load(state->options.tls);
    if (!contexts.ok()) return contexts.status();
    state->contexts = *std::move(contexts);
  }
  if (auto const error = CheckFree(*endpoint)) return Taken(listen, error);
  int const wanted = state->options.loops;
  int const count = wanted > 0 ? wanted : static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  for (int i = 0; i < count; ++i) {
    auto loop = std::make_unique<Loop>(state->options.limits, state->stats, state->admission, state->contexts.get());
    if (auto const error = loop->Listen(*endpoint)) return Taken(listen, error);
    endpoint->port(loop->endpoint().port());
    loop->set_make(make(loop->io()));
    state->loops.push_back(std::move(loop));
  }
  state->port = endpoint->port();
  if (state->contexts) {
    state->refresh = std::make_unique<boost::asio::steady_timer>(state->loops.front()->io());
    state->RefreshCertificates();
  }
  for (auto const& loop : state->loops) state->threads.emplace_back([&loop = *loop] { loop.Run(); });
  return std::unique_ptr<Server>(new Server(std::move(state)));
}

Server::Server(std::unique_ptr<State> state) : state_(std::move(state)) {}

Server::~Server() { Drain(absl::InfinitePast()); }

int Server::port() const { return state_->port; }

void Server::Drain(absl::Time deadline) {
  std::call_once(state_->drained, [&] {
    state_->Post(&Loop::Drain);
    // A condition variable overflows on the end of time.
    deadline = std::clamp(deadline, absl::Now(), absl::Now() + absl::Hours(24));
    state_->admission.WaitUntilEmpty(absl::ToChronoTime(deadline));
    state_->Post(&Loop::Stop);
    for (auto& thread : state_->threads) thread.join();
  });
}

}  // namespace helhed::gateway::http
