#pragma once

#include <openssl/evp.h>

#include <memory>
#include <string>
#include <string_view>

// Keys and tokens as an issuer, or an attacker, makes them; by OpenSSL and not by the library that verifies them.
namespace helhed::gateway::identity::testing {

class SigningKey {
 public:
  static SigningKey Rsa(std::string_view kid, int bits = 2048);
  static SigningKey Ec(std::string_view kid, std::string_view curve = "P-256");
  static SigningKey Ed25519(std::string_view kid);

  std::string const& kid() const { return kid_; }
  // The public key as a JSON Web Key. `more` are members to add: `,"alg":"RS256"`.
  std::string Jwk(std::string_view more = R"(,"use":"sig")") const;
  // In PEM, as HMAC attacks use it for a secret.
  std::string PublicPem() const;

  // The raw signature of `text`. Algorithms: RS256, PS256, ES256 (r and s), EdDSA, HS256 (by the public key's PEM).
  std::string Signature(std::string_view algorithm, std::string_view text) const;
  // A whole token: header and payload as given.
  std::string Token(std::string_view algorithm, std::string_view header, std::string_view payload) const;
  // With an ordinary header: algorithm, the key's id, `at+jwt`.
  std::string Token(std::string_view algorithm, std::string_view payload) const;

 private:
  SigningKey(std::string_view kid, EVP_PKEY* key);
  std::string kid_;
  std::shared_ptr<EVP_PKEY> key_;
};

// Keys made once for all tests, because RSA takes its time.
SigningKey const& RsaKey();
SigningKey const& OtherRsaKey();
SigningKey const& EcKey();

// `{"keys":[...]}`
std::string KeySetText(std::initializer_list<std::string> jwks);

}  // namespace helhed::gateway::identity::testing
