#include "gateway/identity/believed_cache.h"

namespace helhed::gateway::identity {

std::optional<BelievedCache::Entry> BelievedCache::Find(std::string_view token) {
  auto& shard = ShardOf(token);
  std::lock_guard const lock(shard.mutex);
  auto const found = shard.entries.find(token);
  return found == shard.entries.end() ? std::nullopt : std::optional(found->second);
}

void BelievedCache::Keep(std::string_view token, Entry entry, absl::Time now) {
  auto& shard = ShardOf(token);
  std::lock_guard const lock(shard.mutex);
  bool const is_new = shard.entries.find(token) == shard.entries.end();
  if (is_new && shard.entries.size() >= kEntriesMax) {
    std::erase_if(shard.entries, [&](auto const& other) { return now >= other.second.believed->refused_from; });
  }
  // Any of them will do: what is dropped and still used comes back with the next call.
  if (is_new && shard.entries.size() >= kEntriesMax) shard.entries.erase(shard.entries.begin());
  shard.entries.insert_or_assign(std::string(token), std::move(entry));
}

void BelievedCache::Forget(std::string_view token) {
  auto& shard = ShardOf(token);
  std::lock_guard const lock(shard.mutex);
  if (auto const found = shard.entries.find(token); found != shard.entries.end()) shard.entries.erase(found);
}

std::size_t BelievedCache::size() const {
  std::size_t sum = 0;
  for (auto const& shard : shards_) {
    std::lock_guard const lock(shard.mutex);
    sum += shard.entries.size();
  }
  return sum;
}

}  // namespace helhed::gateway::identity
