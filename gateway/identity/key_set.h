#pragma once

#include <absl/status/statusor.h>

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/identity/public_key.h"

namespace helhed::gateway::identity {

// The keys that an issuer publishes (RFC 7517, 5). Immutable.
class KeySet {
 public:
  // Keys that are of no use here are passed over: an issuer may publish others besides. Two different keys of one type with the
  // same `kid` are both passed over, because nobody can say which is meant. Errors: INVALID_ARGUMENT when it is no key set, or
  // has more than 100 keys.
  static absl::StatusOr<std::shared_ptr<KeySet const>> FromJson(std::string_view text);

  // The key to verify a token of this header with, or nullptr.
  PublicKey const* Find(std::string_view key_id, Algorithm algorithm) const;

  std::size_t size() const { return keys_.size(); }
  std::size_t passed_over() const { return passed_over_; }
  // As it was published: what tells one key set from another.
  std::string const& text() const { return text_; }

 private:
  std::vector<std::shared_ptr<PublicKey const>> keys_;
  std::size_t passed_over_ = 0;
  std::string text_;
};

}  // namespace helhed::gateway::identity
