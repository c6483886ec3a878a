#include "gateway/identity/testing/http_server.h"

#include <absl/strings/str_cat.h>
#include <boost/asio/read_until.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/streambuf.hpp>
#include <boost/asio/write.hpp>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <array>
#include <cstdlib>
#include <list>
#include <mutex>
#include <variant>

#include "gateway/identity/testing/must.h"
#include "services/platform/base/strings.h"

namespace helhed::gateway::identity::testing {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using ErrorCode = boost::system::error_code;

template <typename Write>
std::string Pem(Write write) {
  auto* const memory = BIO_new(BIO_s_mem());
  Must(write(memory) == 1);
  std::string text(std::size_t{16} * 1024, '\0');
  text.resize(static_cast<std::size_t>(BIO_read(memory, text.data(), static_cast<int>(text.size()))));
  BIO_free(memory);
  return text;
}

}  // namespace

Certificate MakeCertificate(std::string const& subject_alternative_name) {
  constexpr long day_seconds = 86'400;
  auto* const key = EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256");
  auto* const certificate = X509_new();
  X509_set_version(certificate, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -day_seconds);
  X509_gmtime_adj(X509_getm_notAfter(certificate), day_seconds);
  X509_set_pubkey(certificate, key);
  auto* const name = X509_get_subject_name(certificate);
  constexpr std::array<unsigned char, 5> common_name{"test"};
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, common_name.data(), -1, -1, 0);
  X509_set_issuer_name(certificate, name);
  auto* const extension = X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, subject_alternative_name.c_str());
  Must(extension != nullptr);
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
  Must(X509_sign(certificate, key, EVP_sha256()) != 0);
  Certificate made{Pem([&](BIO* out) { return PEM_write_bio_X509(out, certificate); }),
                   Pem([&](BIO* out) { return PEM_write_bio_PrivateKey(out, key, nullptr, nullptr, 0, nullptr, nullptr); })};
  X509_free(certificate);
  EVP_PKEY_free(key);
  return made;
}

// One connection after the other, each read to the end of its head, on a thread of its own.
struct HttpServer::State {
  asio::io_context loop;
  tcp::acceptor acceptor{loop, tcp::endpoint(asio::ip::address_v4::loopback(), 0)};
  asio::ssl::context tls{asio::ssl::context::tls_server};
  bool is_tls = false;
  std::string answer;
  std::mutex mutex;
  std::string last_request;
  // Those that got no answer are held open.
  std::list<tcp::socket> held;

  template <typename Stream>
  bool Serve(Stream& stream) {
    asio::streambuf buffer;
    ErrorCode error;
    asio::read_until(stream, buffer, "\r\n\r\n", error);
    if (error) return false;
    {
      std::lock_guard const lock(mutex);
      last_request.assign(asio::buffers_begin(buffer.data()), asio::buffers_end(buffer.data()));
    }
    asio::write(stream, asio::buffer(answer), error);
    return true;
  }
};

HttpServer::HttpServer(std::string answer, Certificate const* certificate) : state_(std::make_shared<State>()) {
  state_->answer = std::move(answer);
  state_->is_tls = certificate != nullptr;
  if (certificate != nullptr) {
    state_->tls.use_certificate(asio::buffer(certificate->certificate), asio::ssl::context::pem);
    state_->tls.use_private_key(asio::buffer(certificate->key), asio::ssl::context::pem);
  }
  port_ = state_->acceptor.local_endpoint().port();
  thread_ = std::thread([this] {
    auto& state = *state_;
    for (;;) {
      ErrorCode error;
      tcp::socket socket(state.loop);
      state.acceptor.accept(socket, error);
      if (error) return;
      if (state.is_tls) {
        asio::ssl::stream<tcp::socket> stream(std::move(socket), state.tls);
        stream.handshake(asio::ssl::stream_base::server, error);
        if (error) continue;
        requests_ += state.Serve(stream) ? 1 : 0;
        stream.shutdown(error);
      } else if (state.answer.empty()) {
        state.held.push_back(std::move(socket));
      } else {
        requests_ += state.Serve(socket) ? 1 : 0;
      }
    }
  });
}

HttpServer::~HttpServer() {
  ErrorCode error;
  // Wakes the thread in accept; closing alone would not.
  ::shutdown(state_->acceptor.native_handle(), SHUT_RDWR);
  thread_.join();
  state_->acceptor.close(error);
}

std::string HttpServer::last_request() const {
  std::lock_guard const lock(state_->mutex);
  return state_->last_request;
}

std::string Ok(std::string_view body) {
  return absl::StrCat("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ", body.size(), "\r\n\r\n", Av(body));
}

}  // namespace helhed::gateway::identity::testing
