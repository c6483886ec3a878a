#include "tests/fault/wire.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>

namespace helhed::testing {
namespace {

// How soon another state is seen.
constexpr int kPollMillis = 5;

sockaddr_in Loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  return address;
}

void Must(bool condition, char const* what) {
  if (condition) return;
  std::perror(what);
  std::abort();
}

// What a process that is started later must not inherit, or the connection would stay open in it.
constexpr int kKind = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;

bool IsLater() { return errno == EAGAIN || errno == EINTR || errno == ENOTCONN; }

}  // namespace

Wire::Wire(int port) : target_(port) {
  listener_ = ::socket(AF_INET, kKind, 0);
  Must(listener_ >= 0, "socket");
  auto address = Loopback(0);
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  Must(::bind(listener_, generic, sizeof address) == 0, "bind");
  Must(::listen(listener_, 128) == 0, "listen");
  socklen_t size = sizeof address;
  Must(::getsockname(listener_, generic, &size) == 0, "getsockname");
  port_ = ntohs(address.sin_port);
  thread_ = std::jthread([this] { Run(); });
}

Wire::~Wire() {
  ending_ = true;
  thread_.join();
  CloseAll();
  ::close(listener_);
}

void Wire::CloseAll() {
  for (auto const& connection : connections_) {
    ::close(connection.there.from);
    ::close(connection.there.to);
  }
  connections_.clear();
}

void Wire::Accept() {
  for (;;) {
    int const caller = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (caller < 0) return;
    int const called = ::socket(AF_INET, kKind, 0);
    Must(called >= 0, "socket");
    auto const address = Loopback(target_);
    bool const connects =
        ::connect(called, reinterpret_cast<sockaddr const*>(&address), sizeof address) == 0 || errno == EINPROGRESS;
    int const at_once = 1;
    for (int const end : {caller, called}) ::setsockopt(end, IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof at_once);
    connections_.push_back({.there = {caller, called, {}}, .back = {called, caller, {}}, .broken = !connects});
  }
}

bool Wire::MoveBytes(Pump& pump) {
  for (int i = 0; i < 16; ++i) {
    if (pump.waiting.empty()) {
      std::array<char, 65536> buffer{};
      auto const got = ::recv(pump.from, buffer.data(), buffer.size(), 0);
      if (got == 0) return false;
      if (got < 0) return IsLater();
      pump.waiting.assign(buffer.data(), static_cast<std::size_t>(got));
    }
    auto const sent = ::send(pump.to, pump.waiting.data(), pump.waiting.size(), MSG_NOSIGNAL);
    if (sent < 0) return IsLater();
    pump.waiting.erase(0, static_cast<std::size_t>(sent));
  }
  return true;
}

// An end that closes closes the other: those who speak here never close one direction alone.
void Wire::Move(Connection& connection) {
  connection.broken = connection.broken || !MoveBytes(connection.there) || !MoveBytes(connection.back);
}

void Wire::Run() {
  while (!ending_) {
    auto const state = state_.load();
    std::vector<pollfd> waits = {{listener_, POLLIN, 0}};
    if (state == State::kPassing) {
      for (auto const& connection : connections_) {
        for (auto const* const pump : {&connection.there, &connection.back}) {
          waits.push_back(pump->waiting.empty() ? pollfd{pump->from, POLLIN, 0} : pollfd{pump->to, POLLOUT, 0});
        }
      }
    }
    ::poll(waits.data(), waits.size(), kPollMillis);
    Accept();
    if (state == State::kCut) CloseAll();
    if (state != State::kPassing) continue;
    for (auto& connection : connections_) Move(connection);
    std::erase_if(connections_, [](Connection const& connection) {
      if (!connection.broken) return false;
      ::close(connection.there.from);
      ::close(connection.there.to);
      return true;
    });
  }
}

}  // namespace helhed::testing
