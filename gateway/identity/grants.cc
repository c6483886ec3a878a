#include "gateway/identity/grants.h"

#include <algorithm>

#include "gateway/identity/error.h"
#include "gateway/identity/json.h"
#include "services/platform/contract/resource_name.h"

namespace helhed::gateway::identity {
namespace {

using common::v1::Grant;

constexpr std::size_t kGrantsMax = 64;

bool Covers(Grant const& wide, Grant const& narrow) {
  return wide.role() == narrow.role() && contract::Covers(wide.scope(), narrow.scope());
}

}  // namespace

std::string_view NameOf(Ignored ignored) {
  switch (ignored) {
    case Ignored::kForm:
      return "form";
    case Ignored::kUnknownRole:
      return "unknown_role";
    case Ignored::kUnknownScope:
      return "unknown_scope";
    case Ignored::kBeyond:
      return "beyond_what_the_issuer_may_grant";
  }
  return "";
}

std::optional<std::string> ToScope(std::string_view text) {
  if (text == "*") return "";
  return contract::IsResourceName(text) ? std::optional<std::string>(text) : std::nullopt;
}

void AddGrant(Grant grant, std::vector<Grant>& grants) {
  if (std::any_of(grants.begin(), grants.end(), [&](Grant const& other) { return Covers(other, grant); })) return;
  std::erase_if(grants, [&](Grant const& other) { return Covers(grant, other); });
  grants.push_back(std::move(grant));
}

GrantMapper::GrantMapper(v1::Issuer const& issuer, std::set<std::string, std::less<>> const& roles)
    : grants_claim_(issuer.grants_claim().empty() ? "helhed_grants" : issuer.grants_claim()),
      groups_claim_(issuer.groups_claim()),
      may_grant_(issuer.may_grant().begin(), issuer.may_grant().end()),
      roles_(roles) {
  for (auto const& group : issuer.group_grants()) {
    auto& grants = groups_[group.group()];
    grants.insert(grants.end(), group.grants().begin(), group.grants().end());
  }
}

absl::StatusOr<Granted> GrantMapper::Map(rapidjson::Value const& claims) const {
  Granted granted;
  FromList(claims, granted);
  if (!groups_claim_.empty()) FromGroups(claims, granted);
  if (granted.grants.size() > kGrantsMax) {
    return Refused(v1::ERROR_REASON_TOKEN_CLAIM_INVALID, "the token carries more than 64 grants; grant wider scopes instead",
                   {{"claim", grants_claim_}});
  }
  return granted;
}

void GrantMapper::FromList(rapidjson::Value const& claims, Granted& granted) const {
  auto const* const list = Find(claims, grants_claim_);
  if (list == nullptr) return;
  if (!list->IsArray()) {
    ++granted.ignored[Ignored::kForm];
    return;
  }
  for (auto const& element : list->GetArray()) {
    if (element.IsString()) {
      auto const text = TextOf(element);
      auto const at = text.find('@');
      // A role without a scope is not taken for one that holds everywhere.
      if (at == std::string_view::npos) {
        ++granted.ignored[Ignored::kForm];
      } else {
        Take(text.substr(0, at), text.substr(at + 1), granted);
      }
      continue;
    }
    auto const role = TextMember(element, "role");
    auto const scope = TextMember(element, "scope");
    if (role && scope) {
      Take(*role, *scope, granted);
    } else {
      ++granted.ignored[Ignored::kForm];
    }
  }
}

// Groups that are not in the table are nobody's fault: directories have many.
void GrantMapper::FromGroups(rapidjson::Value const& claims, Granted& granted) const {
  auto const* const value = Find(claims, groups_claim_);
  if (value == nullptr) return;
  auto const take = [&](rapidjson::Value const& group) {
    if (!group.IsString()) {
      ++granted.ignored[Ignored::kForm];
      return;
    }
    auto const found = groups_.find(TextOf(group));
    if (found == groups_.end()) return;
    for (auto const& grant : found->second) Take(grant.role(), grant.scope(), granted);
  };
  if (!value->IsArray()) return take(*value);
  for (auto const& group : value->GetArray()) take(group);
}

void GrantMapper::Take(std::string_view role, std::string_view scope, Granted& granted) const {
  auto place = ToScope(scope);
  if (!roles_.contains(role)) {
    ++granted.ignored[Ignored::kUnknownRole];
  } else if (!place) {
    ++granted.ignored[Ignored::kUnknownScope];
  } else {
    Grant grant;
    grant.set_role(std::string(role));
    grant.set_scope(*std::move(place));
    if (MayGrant(grant)) return AddGrant(std::move(grant), granted.grants);
    ++granted.ignored[Ignored::kBeyond];
  }
}

bool GrantMapper::MayGrant(Grant const& grant) const {
  return std::any_of(may_grant_.begin(), may_grant_.end(), [&](v1::ScopedRole const& limit) {
    auto const scope = ToScope(limit.scope());
    return (limit.role() == "*" || limit.role() == grant.role()) && scope && contract::Covers(*scope, grant.scope());
  });
}

}  // namespace helhed::gateway::identity
