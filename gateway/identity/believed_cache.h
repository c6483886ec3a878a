#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "gateway/identity/mint.h"
#include "services/platform/base/strings.h"

namespace helhed::gateway::identity {

class IssuerKeys;

// The tokens that were verified, so that a signature costs once. Bounded: 16 shards, so that loops seldom wait for each other, of
// 256 tokens. Safe from any thread.
class BelievedCache {
 public:
  struct Entry {
    std::shared_ptr<Believed const> believed;
    // Whose keys verified it, and of which generation; nullptr for what no issuer signed.
    std::shared_ptr<IssuerKeys> keys;
    std::uint64_t generation = 0;
    Minted minted;
  };

  std::optional<Entry> Find(std::string_view token);
  void Keep(std::string_view token, Entry entry, absl::Time now);
  void Forget(std::string_view token);
  std::size_t size() const;

  static constexpr std::size_t kShards = 16;
  static constexpr std::size_t kEntriesMax = 256;

 private:
  struct Shard {
    mutable std::mutex mutex;
    std::unordered_map<std::string, Entry, StringHash, std::equal_to<>> entries;
  };
  Shard& ShardOf(std::string_view token) { return shards_[StringHash()(token) % kShards]; }
  std::array<Shard, kShards> shards_;
};

}  // namespace helhed::gateway::identity
