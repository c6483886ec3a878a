#include "gateway/http/loop.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <utility>

namespace helhed::gateway::http {
namespace {

using boost::asio::ip::tcp;
using boost::system::error_code;

// Before accepting is tried again when it failed: mostly for want of file descriptors, of which there will not be more at once.
constexpr std::chrono::milliseconds kAcceptPause{100};

void Set(int socket, int level, int name, int value) { ::setsockopt(socket, level, name, &value, sizeof value); }

// A peer that has vanished without a word is noticed within a minute and a half, also when nothing is to be sent to it.
void Prepare(tcp::socket& socket) {
  error_code ignored;
  socket.native_non_blocking(true, ignored);
  int const handle = socket.native_handle();
  Set(handle, IPPROTO_TCP, TCP_NODELAY, 1);
  Set(handle, SOL_SOCKET, SO_KEEPALIVE, 1);
  Set(handle, IPPROTO_TCP, TCP_KEEPIDLE, 60);
  Set(handle, IPPROTO_TCP, TCP_KEEPINTVL, 10);
  Set(handle, IPPROTO_TCP, TCP_KEEPCNT, 3);
}

boost::asio::ip::address Plain(boost::asio::ip::address const& address) {
  if (!address.is_v6() || !address.to_v6().is_v4_mapped()) return address;
  return boost::asio::ip::make_address_v4(boost::asio::ip::v4_mapped, address.to_v6());
}

// One subscriber has a /64 of IPv6, and with it more addresses than could be counted.
std::string AdmissionKey(boost::asio::ip::address const& address) {
  if (address.is_v4()) return address.to_string();
  auto const bytes = address.to_v6().to_bytes();
  return {bytes.begin(), bytes.begin() + 8};
}

}  // namespace

Loop::Loop(Limits const& limits, Stats& stats, Admission& admission, TlsContexts const* contexts)
    : limits_(limits),
      stats_(stats),
      admission_(admission),
      contexts_(contexts),
      parts_{.io = io_, .limits = limits, .stats = stats, .make = make_, .on_closed = [this](Connection& connection) {
               admission_.Leave(connection.admission_key());
               connections_.erase(connection.place);
             }} {}

Loop::~Loop() = default;

error_code Loop::Listen(tcp::endpoint const& endpoint) {
  error_code error;
  acceptor_.open(endpoint.protocol(), error);
  if (error) return error;
  int const handle = acceptor_.native_handle();
  Set(handle, SOL_SOCKET, SO_REUSEADDR, 1);
  Set(handle, SOL_SOCKET, SO_REUSEPORT, 1);
  if (endpoint.address().is_v6()) Set(handle, IPPROTO_IPV6, IPV6_V6ONLY, 0);
  acceptor_.bind(endpoint, error);
  if (error) return error;
  acceptor_.listen(boost::asio::socket_base::max_listen_connections, error);
  return error;
}

tcp::endpoint Loop::endpoint() const {
  error_code ignored;
  return acceptor_.local_endpoint(ignored);
}

void Loop::Run() {
  Accept();
  Tick();
  io_.run();
  // What was under way when it was stopped ends here, while all that it may touch is still there.
  io_.restart();
  io_.poll();
}

void Loop::Accept() {
  acceptor_.async_accept([this](error_code const& error, tcp::socket socket) {
    if (!acceptor_.is_open()) return;
    if (!error) {
      Welcome(std::move(socket));
      return Accept();
    }
    pause_.expires_after(kAcceptPause);
    pause_.async_wait([this](error_code const& cancelled) {
      if (!cancelled) Accept();
    });
  });
}

void Loop::Welcome(tcp::socket socket) {
  error_code error;
  auto const remote = socket.remote_endpoint(error);
  if (error) return;
  auto const address = Plain(remote.address());
  auto key = AdmissionKey(address);
  if (auto const refused = admission_.Enter(key)) {
    stats_.Refused(*refused);
    return;
  }
  Prepare(socket);
  auto const connection = std::make_shared<Connection>(
      parts_, std::move(socket), contexts_ == nullptr ? nullptr : contexts_->current(), address.to_string(), std::move(key));
  connection->place = connections_.insert(connections_.end(), connection);
  connection->Start();
}

// `what` may end the connection that it is given, and no other.
template <typename Do>
void Loop::ForEach(Do const& what) {
  for (auto it = connections_.begin(); it != connections_.end();) {
    auto const connection = *it++;
    what(*connection);
  }
}

void Loop::Tick() {
  tick_.expires_after(limits_.tick);
  tick_.async_wait([this](error_code const& cancelled) {
    if (cancelled) return;
    ForEach([](Connection& connection) { connection.Tick(); });
    Tick();
  });
}

void Loop::Drain() {
  if (std::exchange(draining_, true)) return;
  error_code ignored;
  acceptor_.close(ignored);
  pause_.cancel();
  ForEach([](Connection& connection) { connection.Drain(); });
}

void Loop::Stop() {
  Drain();
  ForEach([](Connection& connection) { connection.Close(); });
  tick_.cancel();
  work_.reset();
  io_.stop();
}

}  // namespace helhed::gateway::http
