#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <chrono>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

struct ssl_ctx_st;
struct ssl_st;

namespace helhed::gateway::http {

// PEM files. All empty means cleartext: inside a mesh, on a laptop, in a test.
struct TlsOptions {
  // The server's certificate, followed by those that lead to its authority.
  std::string certificate_file;
  std::string key_file;
  // Whose certificates callers may show; empty asks for none. One that is shown and not signed by these ends the connection.
  std::string client_ca_file;
  // Whether a caller without a certificate is turned away.
  bool client_certificate_required = false;
  // How often the files are looked at. New files are used by the connections that follow; files that do not fit together are not.
  std::chrono::milliseconds refresh{30'000};

  bool enabled() const { return !certificate_file.empty() || !key_file.empty() || !client_ca_file.empty(); }
};

// The certificates as they are now. Safe from any thread.
class TlsContexts {
 public:
  // Errors: INVALID_ARGUMENT when a file cannot be read or does not fit the others.
  static absl::StatusOr<std::unique_ptr<TlsContexts>> Load(TlsOptions options);

  std::shared_ptr<ssl_ctx_st> current() const;
  // Looks at the files. True when there are new ones in use; an error leaves the old ones.
  absl::StatusOr<bool> Refresh();

 private:
  explicit TlsContexts(TlsOptions options) : options_(std::move(options)) {}

  TlsOptions options_;
  // What the files held when they were last tried.
  std::string tried_;
  mutable std::mutex mutex_;
  std::shared_ptr<ssl_ctx_st> current_;
};

enum class Io { kDone, kWantsRead, kWantsWrite, kClosed };

// A socket that does not block, with or without TLS on it. OpenSSL works on the socket itself: a stream between two buffers of
// asio's would cost 68 KiB a connection, also one that only waits.
class Transport {
 public:
  // The socket belongs to the caller. `context` may be null: cleartext.
  Transport(int socket, std::shared_ptr<ssl_ctx_st> context);
  ~Transport();
  Transport(Transport const&) = delete;
  Transport& operator=(Transport const&) = delete;

  bool tls() const { return ssl_ != nullptr; }
  // To be repeated when the socket has become readable or writable, until kDone.
  Io Handshake();
  Io Read(char* to, std::size_t room, std::size_t& count);
  Io Write(char const* from, std::size_t size, std::size_t& count);
  // No more will be written; what was is delivered.
  void Shutdown();

  // After the handshake.
  bool http2() const;
  std::vector<std::string> PeerNames() const;

 private:
  Io Result(int result);

  int socket_;
  std::shared_ptr<ssl_ctx_st> context_;
  ssl_st* ssl_ = nullptr;
  bool handshaken_ = false;
  bool broken_ = false;
};

}  // namespace helhed::gateway::http
