#include <absl/strings/str_cat.h>
#include <sodium.h>

#include <array>
#include <mutex>
#include <shared_mutex>
#include <unordered_map>

#include "helhed/common/v1/errors.pb.h"
#include "services/platform/base/file.h"
#include "services/platform/base/status.h"
#include "services/platform/base/strings.h"
#include "services/platform/base/times.h"
#include "services/platform/identity/identity.h"
#include "services/platform/identity/key.h"

namespace helhed::identity {
namespace {

using common::v1::Identity;
using common::v1::SignedIdentity;

constexpr std::string_view kSuite = "helhed";
constexpr absl::Duration kClockDifference = absl::Minutes(1);
constexpr absl::Duration kLifeMax = absl::Hours(1);
// Metadata of a call is limited by the doors too; this bounds what the cache can hold.
constexpr std::size_t kBytesMax = std::size_t{16} * 1024;

// An identity whose signature fits, with its time.
struct Verified {
  std::shared_ptr<Identity const> identity;
  absl::Time issued;
  absl::Time expires;
};

absl::Status Invalid(std::string_view message) {
  return Error(absl::StatusCode::kUnauthenticated, common::v1::ERROR_REASON_IDENTITY_INVALID, message);
}

absl::Status Expired(std::string_view message, absl::Time at) {
  return Error(absl::StatusCode::kUnauthenticated, common::v1::ERROR_REASON_IDENTITY_EXPIRED, message,
               {{"expired_at", absl::FormatTime(absl::RFC3339_full, at, absl::UTCTimeZone())}});
}

// Asked at every call, also of an identity that was seen before: so the cache never outlives one.
absl::Status CheckTime(Verified const& verified, absl::Time now) {
  if (now >= verified.expires + kClockDifference)
    return Expired("the identity is past its time; get a new one", verified.expires);
  if (now < verified.issued - kClockDifference) {
    return Expired("the identity is not valid yet; compare the clocks of signer and service", verified.expires);
  }
  return absl::OkStatus();
}

absl::Status CheckClaims(Identity const& identity, std::string_view audience) {
  if (identity.subject().empty() || !identity.has_issue_time() || !identity.has_expire_time()) {
    return Invalid("the identity lacks its subject, issue_time or expire_time");
  }
  auto const issued = TimeOf(identity.issue_time());
  auto const expires = TimeOf(identity.expire_time());
  if (expires <= issued) return Invalid("the identity expires before it is issued");
  if (expires - issued > kLifeMax) return Expired("the identity is meant to live longer than one hour", expires);
  if (identity.audience() != audience && identity.audience() != kSuite) {
    return Error(absl::StatusCode::kUnauthenticated, common::v1::ERROR_REASON_IDENTITY_FOREIGN,
                 Sv(absl::StrCat("the identity is meant for another audience than ", Av(audience), " or ", Av(kSuite))));
  }
  return absl::OkStatus();
}

}  // namespace

// The keys, and the identities seen: a fixed number of shards so that callers seldom wait for each other, each with a fixed
// number of entries.
struct Verifier::State {
  static constexpr std::size_t kShards = 16;
  static constexpr std::size_t kEntriesMax = 128;

  struct Shard {
    std::mutex mutex;
    std::unordered_map<std::string, Verified, StringHash, std::equal_to<>> seen;
  };

  Shard& ShardOf(std::string_view bytes) { return shards[StringHash()(bytes) % kShards]; }

  std::optional<Verified> Find(std::string_view bytes) {
    auto& shard = ShardOf(bytes);
    std::lock_guard const lock(shard.mutex);
    auto const found = shard.seen.find(bytes);
    return found == shard.seen.end() ? std::nullopt : std::optional(found->second);
  }

  void Keep(std::string_view bytes, Verified const& verified, absl::Time now) {
    auto& shard = ShardOf(bytes);
    std::lock_guard const lock(shard.mutex);
    if (shard.seen.size() >= kEntriesMax) {
      std::erase_if(shard.seen, [&](auto const& entry) { return !CheckTime(entry.second, now).ok(); });
    }
    // Any of them will do: what is dropped and still used comes back with the next call.
    if (shard.seen.size() >= kEntriesMax) shard.seen.erase(shard.seen.begin());
    shard.seen.insert_or_assign(std::string(bytes), verified);
  }

  void Forget(std::string_view bytes) {
    auto& shard = ShardOf(bytes);
    std::lock_guard const lock(shard.mutex);
    if (auto const found = shard.seen.find(bytes); found != shard.seen.end()) shard.seen.erase(found);
  }

  std::optional<std::string> KeyOf(std::string const& id) {
    std::shared_lock const lock(keys_mutex);
    auto const found = keys.find(id);
    return found == keys.end() ? std::nullopt : std::optional(found->second);
  }

  std::shared_mutex keys_mutex;
  std::unordered_map<std::string, std::string> keys;
  std::array<Shard, kShards> shards;
};

Verifier::Verifier(Clock const& clock, std::string audience)
    : clock_(clock), audience_(std::move(audience)), state_(std::make_unique<State>()) {
  InitSodium();
}

Verifier::~Verifier() = default;

absl::Status Verifier::AddKeyFile(std::string const& path) {
  ASSIGN_OR_RETURN(auto const content, ReadSmallFile(path, false));
  auto const lines = LinesOf(content);
  if (lines.empty()) return absl::InvalidArgumentError(path + ": holds no key");
  for (auto const& line : lines) {
    auto const added = AddKey(line.text);
    if (!added.ok()) return absl::InvalidArgumentError(absl::StrCat(path, ":", line.number, ": ", added.message()));
  }
  return absl::OkStatus();
}

absl::Status Verifier::AddKey(std::string_view public_key_text) {
  while (public_key_text.ends_with('\n')) public_key_text.remove_suffix(1);
  ASSIGN_OR_RETURN(auto const key, ParseKey(public_key_text));
  std::unique_lock const lock(state_->keys_mutex);
  auto const [place, added] = state_->keys.emplace(key.id, key.bytes);
  if (!added && place->second != key.bytes) {
    return absl::InvalidArgumentError(absl::StrCat("there is another key of the id ", key.id, "; a new key needs a new id"));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<Identity const>> Verifier::Verify(std::string_view signed_identity) const {
  if (signed_identity.empty()) {
    return Error(absl::StatusCode::kUnauthenticated, common::v1::ERROR_REASON_IDENTITY_MISSING,
                 Sv(absl::StrCat("the call carries no identity; it belongs in the metadata ", Av(kIdentityKey))));
  }
  auto const now = clock_.Now();
  if (auto const seen = state_->Find(signed_identity)) {
    auto const status = CheckTime(*seen, now);
    if (!status.ok()) state_->Forget(signed_identity);
    RETURN_IF_ERROR(status);
    return seen->identity;
  }
  SignedIdentity message;
  if (signed_identity.size() > kBytesMax ||
      !message.ParseFromArray(signed_identity.data(), static_cast<int>(signed_identity.size())) ||
      // One identity has one form: otherwise a caller could make endless others of it, each to be verified and kept.
      !message.GetReflection()->GetUnknownFields(message).empty() || message.SerializeAsString() != signed_identity) {
    return Invalid("the identity is not a well-formed SignedIdentity of at most 16 KiB");
  }
  auto const key = state_->KeyOf(message.key_id());
  if (!key || message.signature().size() != crypto_sign_BYTES)
    return Invalid("the identity is signed with a key that is not known");
  auto const content = absl::StrCat(Av(kContext), message.identity());
  if (crypto_sign_verify_detached(reinterpret_cast<unsigned char const*>(message.signature().data()),
                                  reinterpret_cast<unsigned char const*>(content.data()), content.size(),
                                  reinterpret_cast<unsigned char const*>(key->data())) != 0) {
    return Invalid("the identity's signature does not fit");
  }
  auto identity = std::make_shared<Identity>();
  if (!identity->ParseFromString(message.identity())) return Invalid("what was signed is not an Identity");
  RETURN_IF_ERROR(CheckClaims(*identity, audience_));
  Verified const verified{identity, TimeOf(identity->issue_time()), TimeOf(identity->expire_time())};
  RETURN_IF_ERROR(CheckTime(verified, now));
  state_->Keep(signed_identity, verified, now);
  return verified.identity;
}

}  // namespace helhed::identity
