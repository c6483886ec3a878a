#include "gateway/identity/public_key.h"

#include <absl/cleanup/cleanup.h>
#include <absl/strings/str_cat.h>
#include <cjose/cjose.h>

#include <algorithm>

#include "gateway/identity/json.h"
#include "services/platform/base/status.h"
#include "services/platform/base/strings.h"

namespace helhed::gateway::identity {
namespace {

constexpr std::size_t kModulusBitsMin = 2048;
constexpr std::size_t kModulusBitsMax = 8192;
constexpr std::size_t kCoordinateBytes = 32;
constexpr std::uint64_t kExponentMin = 65537;

absl::Status Useless(std::string_view why) { return absl::InvalidArgumentError(Av(why)); }

absl::Status CheckPurpose(rapidjson::Value const& jwk) {
  if (auto const* const use = Member(jwk, "use"); use != nullptr && TextMember(jwk, "use") != "sig") {
    return Useless("not for signatures");
  }
  auto const* const operations = Member(jwk, "key_ops");
  if (operations == nullptr) return absl::OkStatus();
  if (operations->IsArray()) {
    for (auto const& operation : operations->GetArray()) {
      if (operation.IsString() && TextOf(operation) == "verify") return absl::OkStatus();
    }
  }
  return Useless("not for signatures");
}

// An RSA public exponent of at most 8 bytes, odd and at least 65537 (NIST SP 800-56B, 6.2). 1 would let anybody sign.
bool IsExponent(std::string_view bytes) {
  if (bytes.empty() || bytes.size() > 8) return false;
  std::uint64_t exponent = 0;
  for (char const byte : bytes) exponent = exponent << 8 | static_cast<unsigned char>(byte);
  return exponent >= kExponentMin && exponent % 2 == 1;
}

// What cjose is to see of the key: its public numbers and nothing else. Empty when they are not there.
std::string PublicPart(rapidjson::Value const& jwk, bool is_rsa) {
  auto const part = [&](std::string_view name) -> std::optional<std::string> {
    auto const text = TextMember(jwk, name);
    return text ? FromBase64Url(*text) : std::nullopt;
  };
  if (is_rsa) {
    auto const modulus = part("n");
    auto const exponent = part("e");
    if (!modulus || !exponent || !IsExponent(*exponent)) return "";
    return absl::StrCat(R"({"kty":"RSA","n":")", ToBase64Url(*modulus), R"(","e":")", ToBase64Url(*exponent), "\"}");
  }
  auto const x = part("x");
  auto const y = part("y");
  if (!x || !y || x->size() != kCoordinateBytes || y->size() != kCoordinateBytes) return "";
  return absl::StrCat(R"({"kty":"EC","crv":"P-256","x":")", ToBase64Url(*x), R"(","y":")", ToBase64Url(*y), "\"}");
}

}  // namespace

struct PublicKey::Handle {
  explicit Handle(cjose_jwk_t* made) : jwk(made) {}
  ~Handle() { cjose_jwk_release(jwk); }
  Handle(Handle const&) = delete;
  Handle& operator=(Handle const&) = delete;
  cjose_jwk_t* jwk;
};

PublicKey::~PublicKey() = default;

absl::StatusOr<std::shared_ptr<PublicKey const>> PublicKey::FromJwk(rapidjson::Value const& jwk) {
  auto const type = TextMember(jwk, "kty");
  bool const is_rsa = type == "RSA";
  if (!is_rsa && (type != "EC" || TextMember(jwk, "crv") != "P-256")) return Useless("neither RSA nor EC on P-256");
  RETURN_IF_ERROR(CheckPurpose(jwk));
  auto const id = TextMember(jwk, "kid");
  if (!id || id->empty()) return Useless("without a `kid`");

  std::shared_ptr<PublicKey> const key(new PublicKey());
  key->id_ = *id;
  key->is_rsa_ = is_rsa;
  if (Member(jwk, "alg") != nullptr) {
    auto const name = TextMember(jwk, "alg");
    auto const algorithm = name ? AlgorithmOf(*name) : std::nullopt;
    if (!algorithm || !key->Allows(*algorithm)) return Useless("for an algorithm that is not accepted");
    key->only_ = algorithm;
  }

  auto const text = PublicPart(jwk, is_rsa);
  if (text.empty()) return Useless("its numbers are missing or out of range");
  key->handle_ = std::make_unique<Handle>(cjose_jwk_import(text.data(), text.size(), nullptr));
  if (key->handle_->jwk == nullptr) return Useless("its numbers make no key");
  auto const bits = cjose_jwk_get_keysize(key->handle_->jwk, nullptr);
  if (is_rsa && (bits < kModulusBitsMin || bits > kModulusBitsMax)) return Useless("its modulus is not of 2048 to 8192 bits");
  key->signature_bytes_ = is_rsa ? (bits + 7) / 8 : 2 * kCoordinateBytes;
  return key;
}

bool PublicKey::Allows(Algorithm algorithm) const {
  return (algorithm != Algorithm::kEs256) == is_rsa_ && (!only_ || *only_ == algorithm);
}

bool PublicKey::Verifies(Token const& token) const {
  // cjose reads as many bytes of a PS256 signature as the modulus has, however few there are.
  if (!Allows(token.algorithm) || token.signature_bytes != signature_bytes_) return false;
  auto* const jws = cjose_jws_import(token.compact.data(), token.compact.size(), nullptr);
  if (jws == nullptr) return false;
  absl::Cleanup const releaser = [jws] { cjose_jws_release(jws); };
  // Two parsers have read the header; they must have read the same algorithm.
  auto const* const name = cjose_header_get(cjose_jws_get_protected(jws), CJOSE_HDR_ALG, nullptr);
  if (name == nullptr || name != NameOf(token.algorithm)) return false;
  return cjose_jws_verify(jws, handle_->jwk, nullptr);
}

}  // namespace helhed::gateway::identity
