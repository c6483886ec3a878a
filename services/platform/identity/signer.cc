#include <absl/strings/str_cat.h>
#include <sodium.h>

#include <array>
#include <cstdlib>
#include <iostream>

#include "services/platform/base/file.h"
#include "services/platform/base/status.h"
#include "services/platform/base/strings.h"
#include "services/platform/identity/identity.h"
#include "services/platform/identity/key.h"

namespace helhed::identity {
namespace {

unsigned char const* Bytes(std::string_view text) { return reinterpret_cast<unsigned char const*>(text.data()); }

// libsodium's secret key is the seed followed by the public key.
std::string SecretOf(std::string_view seed) {
  InitSodium();
  if (seed.size() != crypto_sign_SEEDBYTES) {
    std::cerr << "a signing key's seed has 32 bytes" << std::endl;
    std::abort();
  }
  std::string secret(crypto_sign_SECRETKEYBYTES, '\0');
  std::array<unsigned char, crypto_sign_PUBLICKEYBYTES> public_key{};
  crypto_sign_seed_keypair(public_key.data(), reinterpret_cast<unsigned char*>(secret.data()), Bytes(seed));
  return secret;
}

}  // namespace

Signer::Signer(std::string key_id, std::string secret) : key_id_(std::move(key_id)), secret_(std::move(secret)) {}

absl::StatusOr<Signer> Signer::FromFile(std::string const& path) {
  ASSIGN_OR_RETURN(auto const content, ReadSmallFile(path, true));
  auto const lines = LinesOf(content);
  auto const mark = absl::StrCat(Av(kPrivateKeyMark), " ");
  if (lines.size() != 1 || !lines[0].text.starts_with(mark)) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": must hold one line `", mark, "key_id base64`"));
  }
  auto const key = ParseKey(lines[0].text.substr(mark.size()));
  if (!key.ok()) return absl::InvalidArgumentError(absl::StrCat(path, ":", lines[0].number, ": ", key.status().message()));
  return Signer(key->id, SecretOf(key->bytes));
}

Signer Signer::FromSeed(std::string_view key_id, std::string_view seed) { return {std::string(key_id), SecretOf(seed)}; }

Signer Signer::Generate(std::string_view key_id) {
  InitSodium();
  std::array<char, crypto_sign_SEEDBYTES> seed{};
  randombytes_buf(seed.data(), seed.size());
  return FromSeed(key_id, {seed.data(), seed.size()});
}

std::string Signer::PrivateKeyText() const {
  return absl::StrCat(Av(kPrivateKeyMark), " ", key_id_, " ", ToBase64(secret_.substr(0, crypto_sign_SEEDBYTES)), "\n");
}

std::string Signer::PublicKeyText() const {
  return absl::StrCat(key_id_, " ", ToBase64(secret_.substr(crypto_sign_SEEDBYTES)), "\n");
}

std::string Signer::Sign(common::v1::Identity const& identity) const {
  common::v1::SignedIdentity result;
  result.set_key_id(key_id_);
  result.set_identity(identity.SerializeAsString());
  auto const content = absl::StrCat(Av(kContext), result.identity());
  std::string signature(crypto_sign_BYTES, '\0');
  crypto_sign_detached(reinterpret_cast<unsigned char*>(signature.data()), nullptr, Bytes(content), content.size(),
                       Bytes(secret_));
  result.set_signature(std::move(signature));
  return result.SerializeAsString();
}

}  // namespace helhed::identity
