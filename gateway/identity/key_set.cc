#include "gateway/identity/key_set.h"

#include <algorithm>

#include "gateway/identity/json.h"
#include "services/platform/base/status.h"

namespace helhed::gateway::identity {
namespace {

constexpr std::size_t kKeysMax = 100;

}  // namespace

absl::StatusOr<std::shared_ptr<KeySet const>> KeySet::FromJson(std::string_view text) {
  ASSIGN_OR_RETURN(auto const document, ParseObject(text));
  auto const* const list = Member(document, "keys");
  if (list == nullptr || !list->IsArray()) return absl::InvalidArgumentError("not a set of keys");
  if (list->Size() > kKeysMax) return absl::InvalidArgumentError("more than 100 keys");

  auto set = std::make_shared<KeySet>();
  set->text_ = text;
  std::map<std::pair<std::string, bool>, int> occurrences;
  for (auto const& jwk : list->GetArray()) {
    auto key = PublicKey::FromJwk(jwk);
    if (key.ok()) {
      ++occurrences[{(*key)->id(), (*key)->is_rsa()}];
      set->keys_.push_back(*std::move(key));
    } else {
      ++set->passed_over_;
    }
  }
  set->passed_over_ += std::erase_if(set->keys_, [&](auto const& key) { return occurrences[{key->id(), key->is_rsa()}] > 1; });
  return set;
}

PublicKey const* KeySet::Find(std::string_view key_id, Algorithm algorithm) const {
  auto const fits = [&](auto const& key) { return key->id() == key_id && key->Allows(algorithm); };
  auto const found = std::find_if(keys_.begin(), keys_.end(), fits);
  return found == keys_.end() ? nullptr : found->get();
}

}  // namespace helhed::gateway::identity
