#include "services/platform/crypto/key_ring.h"

#include <absl/strings/ascii.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>
#include <sodium.h>

#include <algorithm>
#include <cstdlib>

#include "services/platform/base/file.h"
#include "services/platform/base/status.h"

namespace helhed::crypto {
namespace {

constexpr std::string_view kMark = "helhed-data-key";
constexpr std::size_t kIdLengthMax = 63;
// crypto_kdf: which of the keys that are derived from one secret.
constexpr std::uint64_t kSealing = 1;
constexpr std::uint64_t kHashing = 2;
constexpr char kKdfContext[crypto_kdf_CONTEXTBYTES + 1] = "helhedkr";

unsigned char const* Unsigned(std::string_view text) { return reinterpret_cast<unsigned char const*>(text.data()); }
unsigned char* Unsigned(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

void InitSodium() {
  if (sodium_init() < 0) std::abort();
}

bool IsId(std::string_view id) {
  return !id.empty() && id.size() <= kIdLengthMax && std::all_of(id.begin(), id.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
  });
}

std::string Derive(std::string const& secret, std::uint64_t which) {
  std::string key(crypto_aead_xchacha20poly1305_ietf_KEYBYTES, '\0');
  crypto_kdf_derive_from_key(Unsigned(key), key.size(), which, kKdfContext, Unsigned(std::string_view(secret)));
  return key;
}

}  // namespace

absl::StatusOr<KeyRing> KeyRing::FromFile(std::string const& path) {
  ASSIGN_OR_RETURN(auto const content, ReadSmallFile(path, true));
  auto ring = FromText(content);
  if (!ring.ok()) return absl::Status(ring.status().code(), absl::StrCat(path, ": ", ring.status().message()));
  return ring;
}

absl::StatusOr<KeyRing> KeyRing::FromText(std::string_view text) {
  InitSodium();
  KeyRing ring;
  int number = 0;
  for (auto const part : absl::StrSplit(Av(text), '\n')) {
    ++number;
    std::string_view const line = Sv(absl::StripAsciiWhitespace(part));
    if (line.empty() || line.front() == '#') continue;
    auto key = ParseLine(line);
    if (!key.ok()) return absl::InvalidArgumentError(absl::StrCat("line ", number, ": ", key.status().message()));
    bool const twice = std::any_of(ring.keys_.begin(), ring.keys_.end(), [&](Key const& other) { return other.id == key->id; });
    if (twice) return absl::InvalidArgumentError(absl::StrCat("line ", number, ": the key id stands there twice"));
    ring.keys_.push_back(*std::move(key));
  }
  if (ring.keys_.empty()) return absl::InvalidArgumentError("there is no key in it");
  return ring;
}

absl::StatusOr<KeyRing::Key> KeyRing::ParseLine(std::string_view line) {
  std::vector<std::string> const words = absl::StrSplit(Av(line), ' ', absl::SkipEmpty());
  if (words.size() != 3 || words[0] != kMark || !IsId(words[1])) {
    return absl::InvalidArgumentError("must be `helhed-data-key ID BASE64`");
  }
  std::string secret(crypto_kdf_KEYBYTES, '\0');
  std::size_t length = 0;
  int const decoded = sodium_base642bin(Unsigned(secret), secret.size(), words[2].data(), words[2].size(), nullptr, &length,
                                        nullptr, sodium_base64_VARIANT_ORIGINAL);
  if (decoded != 0 || length != secret.size()) return absl::InvalidArgumentError("the key must be 32 bytes as base64");
  Key key{words[1], Derive(secret, kSealing), Derive(secret, kHashing)};
  sodium_memzero(secret.data(), secret.size());
  return key;
}

KeyRing::Sealed KeyRing::Seal(std::string_view context, std::string_view value) const {
  std::string bytes(crypto_aead_xchacha20poly1305_ietf_NPUBBYTES + value.size() + crypto_aead_xchacha20poly1305_ietf_ABYTES,
                    '\0');
  randombytes_buf(bytes.data(), crypto_aead_xchacha20poly1305_ietf_NPUBBYTES);
  crypto_aead_xchacha20poly1305_ietf_encrypt(Unsigned(bytes) + crypto_aead_xchacha20poly1305_ietf_NPUBBYTES, nullptr,
                                             Unsigned(value), value.size(), Unsigned(context), context.size(), nullptr,
                                             Unsigned(bytes), Unsigned(std::string_view(keys_.front().sealing)));
  return {keys_.front().id, std::move(bytes)};
}

absl::StatusOr<std::string> KeyRing::Open(std::string_view context, Sealed const& sealed) const {
  constexpr auto kNonce = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
  constexpr auto kTag = crypto_aead_xchacha20poly1305_ietf_ABYTES;
  auto const key = std::find_if(keys_.begin(), keys_.end(), [&](Key const& each) { return each.id == sealed.key_id; });
  if (key == keys_.end()) return absl::FailedPreconditionError("a value is sealed with a key that is not in the key ring");
  if (sealed.bytes.size() < kNonce + kTag) return absl::DataLossError("a sealed value is too short");
  std::string value(sealed.bytes.size() - kNonce - kTag, '\0');
  auto const* const bytes = Unsigned(std::string_view(sealed.bytes));
  int const opened = crypto_aead_xchacha20poly1305_ietf_decrypt(Unsigned(value), nullptr, nullptr, bytes + kNonce,
                                                                sealed.bytes.size() - kNonce, Unsigned(context), context.size(),
                                                                bytes, Unsigned(std::string_view(key->sealing)));
  if (opened != 0) return absl::DataLossError("a sealed value was altered, or belongs elsewhere");
  return value;
}

std::vector<KeyRing::Fingerprint> KeyRing::Fingerprints(std::string_view context, std::string_view value) const {
  // The length keeps context and value apart.
  std::string const input = absl::StrCat(context.size(), ":", Av(context), Av(value));
  std::vector<Fingerprint> fingerprints;
  for (auto const& key : keys_) {
    std::string hash(crypto_generichash_BYTES, '\0');
    crypto_generichash(Unsigned(hash), hash.size(), Unsigned(std::string_view(input)), input.size(),
                       Unsigned(std::string_view(key.hashing)), key.hashing.size());
    fingerprints.push_back({key.id, std::move(hash)});
  }
  return fingerprints;
}

}  // namespace helhed::crypto
