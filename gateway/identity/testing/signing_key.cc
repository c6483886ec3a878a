#include "gateway/identity/testing/signing_key.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <cstdlib>
#include <vector>

#include "gateway/identity/json.h"
#include "gateway/identity/testing/must.h"
#include "services/platform/base/strings.h"

namespace helhed::gateway::identity::testing {
namespace {

constexpr std::size_t kCoordinateBytes = 32;

unsigned char const* Bytes(std::string_view text) { return reinterpret_cast<unsigned char const*>(text.data()); }
unsigned char* Bytes(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

std::string Number(EVP_PKEY* key, char const* name, std::size_t width = 0) {
  BIGNUM* number = nullptr;
  Must(EVP_PKEY_get_bn_param(key, name, &number) == 1);
  std::string bytes(width == 0 ? static_cast<std::size_t>(BN_num_bytes(number)) : width, '\0');
  BN_bn2binpad(number, Bytes(bytes), static_cast<int>(bytes.size()));
  BN_free(number);
  return ToBase64Url(bytes);
}

// r and s side by side (RFC 7518, 3.4) of what OpenSSL writes in DER.
std::string ToJose(std::string const& der) {
  auto const* in = Bytes(std::string_view(der));
  auto* const signature = d2i_ECDSA_SIG(nullptr, &in, static_cast<long>(der.size()));
  Must(signature != nullptr);
  std::string bytes(2 * kCoordinateBytes, '\0');
  BN_bn2binpad(ECDSA_SIG_get0_r(signature), Bytes(bytes), kCoordinateBytes);
  BN_bn2binpad(ECDSA_SIG_get0_s(signature), Bytes(bytes) + kCoordinateBytes, kCoordinateBytes);
  ECDSA_SIG_free(signature);
  return bytes;
}

std::string Hmac(std::string const& key, std::string_view text) {
  std::string mac(EVP_MAX_MD_SIZE, '\0');
  unsigned int size = 0;
  Must(HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), Bytes(text), text.size(), Bytes(mac), &size) != nullptr);
  mac.resize(size);
  return mac;
}

}  // namespace

SigningKey::SigningKey(std::string_view kid, EVP_PKEY* key) : kid_(kid), key_(key, EVP_PKEY_free) { Must(key != nullptr); }

SigningKey SigningKey::Rsa(std::string_view kid, int bits) {
  return {kid, EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", static_cast<std::size_t>(bits))};
}
SigningKey SigningKey::Ec(std::string_view kid, std::string_view curve) {
  return {kid, EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", std::string(curve).c_str())};
}
SigningKey SigningKey::Ed25519(std::string_view kid) { return {kid, EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519")}; }

std::string SigningKey::Jwk(std::string_view more) const {
  auto const rest = absl::StrCat(R"(,"kid":")", kid_, "\"", Av(more), "}");
  auto* const key = key_.get();
  if (EVP_PKEY_is_a(key, "RSA")) {
    return absl::StrCat(R"({"kty":"RSA","n":")", Number(key, OSSL_PKEY_PARAM_RSA_N), R"(","e":")",
                        Number(key, OSSL_PKEY_PARAM_RSA_E), "\"", rest);
  }
  if (EVP_PKEY_is_a(key, "EC")) {
    auto const width = static_cast<std::size_t>((EVP_PKEY_get_bits(key) + 7) / 8);
    return absl::StrCat(R"({"kty":"EC","crv":"P-)", EVP_PKEY_get_bits(key), R"(","x":")",
                        Number(key, OSSL_PKEY_PARAM_EC_PUB_X, width), R"(","y":")", Number(key, OSSL_PKEY_PARAM_EC_PUB_Y, width),
                        "\"", rest);
  }
  std::string bytes(32, '\0');
  std::size_t size = bytes.size();
  Must(EVP_PKEY_get_raw_public_key(key, Bytes(bytes), &size) == 1);
  return absl::StrCat(R"({"kty":"OKP","crv":"Ed25519","x":")", ToBase64Url(bytes), "\"", rest);
}

std::string SigningKey::PublicPem() const {
  auto* const memory = BIO_new(BIO_s_mem());
  Must(PEM_write_bio_PUBKEY(memory, key_.get()) == 1);
  std::string text(std::size_t{16} * 1024, '\0');
  text.resize(static_cast<std::size_t>(BIO_read(memory, text.data(), static_cast<int>(text.size()))));
  BIO_free(memory);
  return text;
}

std::string SigningKey::Signature(std::string_view algorithm, std::string_view text) const {
  if (algorithm == "HS256") return Hmac(PublicPem(), text);
  std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> const context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  EVP_PKEY_CTX* parameters = nullptr;
  bool const is_eddsa = algorithm == "EdDSA";
  Must(EVP_DigestSignInit(context.get(), &parameters, is_eddsa ? nullptr : EVP_sha256(), nullptr, key_.get()) == 1);
  if (algorithm == "PS256") {
    Must(EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) == 1);
    Must(EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, RSA_PSS_SALTLEN_DIGEST) == 1);
  }
  std::size_t size = 0;
  Must(EVP_DigestSign(context.get(), nullptr, &size, Bytes(text), text.size()) == 1);
  std::string signature(size, '\0');
  Must(EVP_DigestSign(context.get(), Bytes(signature), &size, Bytes(text), text.size()) == 1);
  signature.resize(size);
  return algorithm == "ES256" ? ToJose(signature) : signature;
}

std::string SigningKey::Token(std::string_view algorithm, std::string_view header, std::string_view payload) const {
  auto const content = absl::StrCat(ToBase64Url(header), ".", ToBase64Url(payload));
  return absl::StrCat(content, ".", ToBase64Url(Signature(algorithm, content)));
}

std::string SigningKey::Token(std::string_view algorithm, std::string_view payload) const {
  return Token(algorithm, absl::StrCat(R"({"alg":")", Av(algorithm), R"(","kid":")", kid_, R"(","typ":"at+jwt"})"), payload);
}

SigningKey const& RsaKey() {
  static auto const& key = *new SigningKey(SigningKey::Rsa("rsa-1"));
  return key;
}
SigningKey const& OtherRsaKey() {
  static auto const& key = *new SigningKey(SigningKey::Rsa("rsa-2"));
  return key;
}
SigningKey const& EcKey() {
  static auto const& key = *new SigningKey(SigningKey::Ec("ec-1"));
  return key;
}

std::string KeySetText(std::initializer_list<std::string> jwks) {
  return absl::StrCat(R"({"keys":[)", absl::StrJoin(std::vector<std::string>(jwks), ","), "]}");
}

}  // namespace helhed::gateway::identity::testing
