#pragma once

#include <absl/status/statusor.h>

#include <string>
#include <string_view>
#include <vector>

// Values that must not stand in the store as they are: sealed, and found by a keyed hash. Both keys of a ring's entry are derived
// from its one secret, so that an installation has one file to keep.
//
// The file: a line `helhed-data-key ID BASE64` for each key, 32 bytes as base64; lines that begin with # and empty ones do not
// count. The first key seals and hashes what is new, all of them open what is there. To rotate, put a new key first, let the
// service seal anew what the old ones sealed, then remove those. `openssl rand -base64 32` makes a key.
namespace helhed::crypto {

class KeyRing {
 public:
  // Errors: NOT_FOUND; FAILED_PRECONDITION when others than the owner can read the file; INVALID_ARGUMENT that names the line and
  // repeats nothing of it.
  static absl::StatusOr<KeyRing> FromFile(std::string const& path);
  static absl::StatusOr<KeyRing> FromText(std::string_view text);

  // The id of the key that is used for what is new: 1 to 63 characters of [A-Za-z0-9._-].
  std::string const& active() const { return keys_.front().id; }

  struct Sealed {
    std::string key_id;
    std::string bytes;
  };
  // XChaCha20-Poly1305 (libsodium) with a random nonce; `context` says what the value is and whose, and is needed to open it: a
  // sealed value that is moved to another row does not open.
  Sealed Seal(std::string_view context, std::string_view value) const;
  // FAILED_PRECONDITION when the key is not in the ring, DATA_LOSS when the bytes were altered or sealed in another context.
  absl::StatusOr<std::string> Open(std::string_view context, Sealed const& sealed) const;

  struct Fingerprint {
    std::string key_id;
    std::string bytes;  // 32
  };
  // The keyed hash (BLAKE2b) of `value` under each key, the active one first. Without the key it can neither be made nor tried
  // out.
  std::vector<Fingerprint> Fingerprints(std::string_view context, std::string_view value) const;

 private:
  struct Key {
    std::string id;
    std::string sealing;
    std::string hashing;
  };
  KeyRing() = default;
  static absl::StatusOr<Key> ParseLine(std::string_view line);
  std::vector<Key> keys_;
};

}  // namespace helhed::crypto
