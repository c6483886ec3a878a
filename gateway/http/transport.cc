#include "gateway/http/transport.h"

#include <absl/strings/str_cat.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <limits>
#include <optional>
#include <sstream>
#include <string_view>
#include <utility>

#include "services/platform/base/strings.h"

namespace helhed::gateway::http {
namespace {

constexpr char kSessionContext[] = "helhed";
constexpr std::string_view kHttp2 = "h2";

std::optional<std::string> ReadFile(std::string const& name) {
  std::ifstream const file(name, std::ios::binary);
  if (!file) return std::nullopt;
  std::ostringstream text;
  text << file.rdbuf();
  return std::move(text).str();
}

absl::Status Unusable(std::string const& file, std::string_view what) {
  auto const code = ERR_get_error();
  ERR_clear_error();
  char const* const reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  return absl::InvalidArgumentError(
      absl::StrCat(file, ": ", Av(what), reason == nullptr ? "" : ": ", reason == nullptr ? "" : reason));
}

int SelectProtocol(SSL* /*ssl*/, unsigned char const** out, unsigned char* out_size, unsigned char const* in, unsigned in_size,
                   void* /*argument*/) {
  static constexpr unsigned char kOurs[] = {2, 'h', '2', 8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, out_size, kOurs, sizeof kOurs, in, in_size) != OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  }
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

// What every connection has: versions and ciphers as RFC 9113, 9.2 and RFC 9325 ask, nothing renegotiated, no buffers for what
// waits.
void Harden(SSL_CTX* context) {
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20");
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                                   SSL_OP_PRIORITIZE_CHACHA | SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  // Sessions are resumed by tickets, whose keys are this context's: new certificates end them.
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_session_id_context(context, reinterpret_cast<unsigned char const*>(kSessionContext), sizeof kSessionContext - 1);
  SSL_CTX_set_timeout(context, 300);
  SSL_CTX_set_num_tickets(context, 1);
  SSL_CTX_set_alpn_select_cb(context, SelectProtocol, nullptr);
}

absl::StatusOr<std::shared_ptr<SSL_CTX>> MakeContext(TlsOptions const& options) {
  ERR_clear_error();
  std::shared_ptr<SSL_CTX> context(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  if (!context) return absl::InternalError("no TLS context can be made");
  Harden(context.get());
  if (SSL_CTX_use_certificate_chain_file(context.get(), options.certificate_file.c_str()) != 1) {
    return Unusable(options.certificate_file, "holds no certificate that can be used");
  }
  if (SSL_CTX_use_PrivateKey_file(context.get(), options.key_file.c_str(), SSL_FILETYPE_PEM) != 1 ||
      SSL_CTX_check_private_key(context.get()) != 1) {
    return Unusable(options.key_file, "holds no key that fits the certificate");
  }
  if (options.client_ca_file.empty()) return context;
  auto* const names = SSL_load_client_CA_file(options.client_ca_file.c_str());
  if (names == nullptr || SSL_CTX_load_verify_locations(context.get(), options.client_ca_file.c_str(), nullptr) != 1) {
    sk_X509_NAME_pop_free(names, X509_NAME_free);
    return Unusable(options.client_ca_file, "holds no certificate of an authority that can be used");
  }
  SSL_CTX_set_client_CA_list(context.get(), names);
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER | (options.client_certificate_required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
                     nullptr);
  SSL_CTX_set_verify_depth(context.get(), 4);
  return context;
}

int Bounded(std::size_t size) { return static_cast<int>(std::min<std::size_t>(size, std::numeric_limits<int>::max())); }

// A name with something else than visible ASCII in it (a NUL, CVE-2009-2408) would be read differently by others: it is no name.
void AddName(std::string_view kind, ASN1_IA5STRING const* text, std::vector<std::string>& names) {
  std::string_view const name(reinterpret_cast<char const*>(ASN1_STRING_get0_data(text)),
                              static_cast<std::size_t>(ASN1_STRING_length(text)));
  if (name.empty() || !std::all_of(name.begin(), name.end(), [](char c) { return c > 0x20 && c < 0x7f; })) return;
  names.push_back(absl::StrCat(Av(kind), Av(name)));
}

}  // namespace

absl::StatusOr<std::unique_ptr<TlsContexts>> TlsContexts::Load(TlsOptions options) {
  auto contexts = std::unique_ptr<TlsContexts>(new TlsContexts(std::move(options)));
  auto const loaded = contexts->Refresh();
  if (!loaded.ok()) return loaded.status();
  return contexts;
}

std::shared_ptr<SSL_CTX> TlsContexts::current() const {
  std::lock_guard const lock(mutex_);
  return current_;
}

absl::StatusOr<bool> TlsContexts::Refresh() {
  std::string contents;
  std::vector<std::string> files = {options_.certificate_file, options_.key_file};
  if (!options_.client_ca_file.empty()) files.push_back(options_.client_ca_file);
  for (auto const& file : files) {
    auto const text = ReadFile(file);
    if (!text)
      return absl::InvalidArgumentError(absl::StrCat(file.empty() ? "a certificate and its key" : file, ": cannot be read"));
    absl::StrAppend(&contents, text->size(), ":", *text);
  }
  if (contents == tried_) return false;
  tried_ = std::move(contents);
  auto context = MakeContext(options_);
  if (!context.ok()) return context.status();
  std::lock_guard const lock(mutex_);
  current_ = *std::move(context);
  return true;
}

Transport::Transport(int socket, std::shared_ptr<SSL_CTX> context) : socket_(socket), context_(std::move(context)) {
  if (!context_) return;
  ssl_ = SSL_new(context_.get());
  SSL_set_fd(ssl_, socket_);
  SSL_set_accept_state(ssl_);
}

Transport::~Transport() { SSL_free(ssl_); }

Io Transport::Handshake() {
  ERR_clear_error();
  auto const result = Result(SSL_do_handshake(ssl_));
  handshaken_ = result == Io::kDone;
  return result;
}

Io Transport::Read(char* to, std::size_t room, std::size_t& count) {
  count = 0;
  if (ssl_ != nullptr) {
    ERR_clear_error();
    int const result = SSL_read(ssl_, to, Bounded(room));
    if (result > 0) count = static_cast<std::size_t>(result);
    return Result(result);
  }
  auto const result = ::recv(socket_, to, room, MSG_DONTWAIT);
  if (result > 0) {
    count = static_cast<std::size_t>(result);
    return Io::kDone;
  }
  return result < 0 && (errno == EAGAIN || errno == EINTR) ? Io::kWantsRead : Io::kClosed;
}

Io Transport::Write(char const* from, std::size_t size, std::size_t& count) {
  count = 0;
  if (ssl_ != nullptr) {
    ERR_clear_error();
    int const result = SSL_write(ssl_, from, Bounded(size));
    if (result > 0) count = static_cast<std::size_t>(result);
    return Result(result);
  }
  auto const result = ::send(socket_, from, size, MSG_DONTWAIT | MSG_NOSIGNAL);
  if (result >= 0) {
    count = static_cast<std::size_t>(result);
    return Io::kDone;
  }
  return errno == EAGAIN || errno == EINTR ? Io::kWantsWrite : Io::kClosed;
}

void Transport::Shutdown() {
  if (ssl_ != nullptr && handshaken_ && !broken_) {
    ERR_clear_error();
    SSL_shutdown(ssl_);
    ERR_clear_error();
  }
  ::shutdown(socket_, SHUT_WR);
}

Io Transport::Result(int result) {
  if (result > 0) return Io::kDone;
  switch (SSL_get_error(ssl_, result)) {
    case SSL_ERROR_WANT_READ:
      return Io::kWantsRead;
    case SSL_ERROR_WANT_WRITE:
      return Io::kWantsWrite;
    default:
      // After such an error OpenSSL is not to be asked to say goodbye.
      broken_ = true;
      ERR_clear_error();
      return Io::kClosed;
  }
}

bool Transport::http2() const {
  if (ssl_ == nullptr) return false;
  unsigned char const* name = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl_, &name, &size);
  return std::string_view(reinterpret_cast<char const*>(name), size) == kHttp2;
}

std::vector<std::string> Transport::PeerNames() const {
  std::vector<std::string> names;
  if (ssl_ == nullptr || SSL_get_verify_result(ssl_) != X509_V_OK) return names;
  std::unique_ptr<X509, decltype(&X509_free)> const certificate(SSL_get1_peer_certificate(ssl_), X509_free);
  if (!certificate) return names;
  std::unique_ptr<GENERAL_NAMES, decltype(&GENERAL_NAMES_free)> const found(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate.get(), NID_subject_alt_name, nullptr, nullptr)),
      GENERAL_NAMES_free);
  for (int i = 0; found && i < sk_GENERAL_NAME_num(found.get()); ++i) {
    auto const* const name = sk_GENERAL_NAME_value(found.get(), i);
    if (name->type == GEN_URI) AddName("URI:", name->d.uniformResourceIdentifier, names);
    if (name->type == GEN_DNS) AddName("DNS:", name->d.dNSName, names);
    if (name->type == GEN_EMAIL) AddName("email:", name->d.rfc822Name, names);
  }
  return names;
}

}  // namespace helhed::gateway::http
