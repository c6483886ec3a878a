#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

// Watchers of the gateway's feed that do nothing but wait, each on a connection of its own; prints how many KiB of the gateway's
// memory each of them costs. `helhed_bench_watchers PORT PID COUNT TOKEN [tls]`
namespace {

[[noreturn]] void Fail(std::string const& what) {
  std::cerr << "watchers: " << what << std::endl;
  std::exit(1);
}

// What the process has of its own, in KiB.
double MemoryOf(std::string const& pid) {
  std::ifstream status("/proc/" + pid + "/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("RssAnon:")) return std::atof(line.c_str() + std::string("RssAnon:").size());
  }
  Fail("no process " + pid);
}

class Watcher {
 public:
  // With TLS when there is a context. `number` spreads them over addresses of this machine, of which each has its limit.
  Watcher(int port, int number, SSL_CTX* context) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    constexpr int per_address = 1000;
    sockaddr_in from{};
    from.sin_family = AF_INET;
    from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + static_cast<unsigned>(number / per_address));
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    to.sin_port = htons(static_cast<std::uint16_t>(port));
    if (::bind(socket_, reinterpret_cast<sockaddr*>(&from), sizeof(from)) != 0) Fail("bind");
    if (::connect(socket_, reinterpret_cast<sockaddr*>(&to), sizeof(to)) != 0) Fail("connect");
    if (context == nullptr) return;
    tls_.reset(SSL_new(context));
    SSL_set_fd(tls_.get(), socket_);
    if (SSL_connect(tls_.get()) != 1) Fail("handshake");
  }
  ~Watcher() { ::close(socket_); }
  Watcher(Watcher const&) = delete;
  Watcher& operator=(Watcher const&) = delete;

  void Send(std::string const& text) {
    auto const size = static_cast<int>(text.size());
    auto const sent =
        tls_ ? SSL_write(tls_.get(), text.data(), size) : static_cast<int>(::write(socket_, text.data(), text.size()));
    if (sent != size) Fail("write");
  }
  // Until the first message of the stream has come.
  void Await(std::string const& end) {
    std::string seen;
    char buffer[4096];
    while (seen.find(end) == std::string::npos) {
      auto const count =
          tls_ ? SSL_read(tls_.get(), buffer, sizeof(buffer)) : static_cast<int>(::read(socket_, buffer, sizeof(buffer)));
      if (count <= 0) Fail("the stream ended: " + seen);
      seen.append(buffer, static_cast<std::size_t>(count));
    }
    if (!seen.starts_with("HTTP/1.1 200")) Fail("refused: " + seen);
  }

 private:
  struct FreeTls {
    void operator()(SSL* tls) const { SSL_free(tls); }
  };
  int socket_;
  std::unique_ptr<SSL, FreeTls> tls_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 5) return 2;
  std::vector<std::string> const arguments(argv, argv + argc);
  auto const& pid = arguments[2];
  auto const count = std::stoi(arguments[3]);
  SSL_CTX* context = argc > 5 ? SSL_CTX_new(TLS_client_method()) : nullptr;
  if (context != nullptr) SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
  auto const request =
      "GET /v1/feed:watch?cursor=%24end HTTP/1.1\r\nhost: localhost\r\naccept: text/event-stream\r\nauthorization: Bearer " +
      arguments[4] + "\r\n\r\n";
  std::vector<std::unique_ptr<Watcher>> watchers;
  auto const open = [&](int until) {
    auto const first = watchers.size();
    while (static_cast<int>(watchers.size()) < until) {
      watchers.push_back(std::make_unique<Watcher>(std::stoi(arguments[1]), static_cast<int>(watchers.size()), context));
      watchers.back()->Send(request);
    }
    for (auto i = first; i < watchers.size(); ++i) watchers[i]->Await("data:");
  };
  // What the first ones make the gateway set up is not theirs.
  constexpr int first = 50;
  open(first);
  auto const before = MemoryOf(pid);
  open(first + count);
  std::cout << (MemoryOf(pid) - before) / count << "\n";
  return 0;
}
