#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/text_format.h>

#include <algorithm>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "helhed/policy/v1/roles.pb.h"
#include "services/platform/base/file.h"
#include "services/platform/base/status.h"
#include "services/platform/base/strings.h"
#include "services/platform/contract/contract.h"
#include "services/platform/contract/resource_name.h"
#include "services/platform/identity/identity.h"

namespace helhed::identity {
namespace {

using google::protobuf::TextFormat;
using policy::v1::Role;
using policy::v1::RolePolicy;

// Gathers what is wrong, by line.
class Faults : public google::protobuf::io::ErrorCollector {
 public:
  explicit Faults(std::string_view origin) : origin_(origin) {}

  // `line` counts from 0, as protobuf does.
  void Add(int line, std::string_view fault) { faults_.push_back(absl::StrCat(origin_, ":", line + 1, ": ", Av(fault))); }
  void AddError(int line, int /*column*/, std::string const& message) override { Add(line, message); }

  absl::Status Finish() const {
    return faults_.empty() ? absl::OkStatus() : absl::InvalidArgumentError(absl::StrJoin(faults_, "\n"));
  }

 private:
  std::string origin_;
  std::vector<std::string> faults_;
};

bool IsRoleName(std::string_view name) {
  return !name.empty() && name.front() >= 'a' && name.front() <= 'z' && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

// Whether a permission of the policy file stands for at least one of the contract's.
bool IsKnown(std::set<std::string> const& permissions, std::string const& asked) {
  if (!asked.ends_with('*')) return permissions.contains(asked);
  auto const prefix = asked.substr(0, asked.size() - 1);
  auto const first = permissions.lower_bound(prefix);
  return first != permissions.end() && first->starts_with(prefix);
}

std::set<std::string> PermissionsOfTheContract() {
  std::set<std::string> permissions;
  for (auto const* const method : contract::AllMethods()) permissions.insert(method->policy().permission());
  return permissions;
}

void Check(RolePolicy const& policy, TextFormat::ParseInfoTree const& places, Faults& faults) {
  auto const permissions = PermissionsOfTheContract();
  auto const* const roles = RolePolicy::descriptor()->FindFieldByNumber(RolePolicy::kRolesFieldNumber);
  auto const* const listed = Role::descriptor()->FindFieldByNumber(Role::kPermissionsFieldNumber);
  std::set<std::string> names;
  for (int i = 0; i < policy.roles_size(); ++i) {
    auto const& role = policy.roles(i);
    int const line = places.GetLocation(roles, i).line;
    if (!IsRoleName(role.name())) faults.Add(line, "a role's name is lower-case letters, digits and hyphens, a letter first");
    if (!names.insert(role.name()).second) faults.Add(line, Sv(absl::StrCat("the role ", role.name(), " is defined twice")));
    auto const* const within = places.GetTreeForNested(roles, i);
    for (int j = 0; j < role.permissions_size(); ++j) {
      if (IsKnown(permissions, role.permissions(j))) continue;
      faults.Add(within == nullptr ? line : within->GetLocation(listed, j).line,
                 Sv(absl::StrCat("no method of the contract has the permission ", role.permissions(j))));
    }
  }
}

struct Permissions {
  std::unordered_set<std::string, StringHash, std::equal_to<>> exact;
  std::vector<std::string> prefixes;

  bool Contain(std::string_view permission) const {
    return exact.contains(permission) ||
           std::any_of(prefixes.begin(), prefixes.end(), [&](auto const& prefix) { return permission.starts_with(prefix); });
  }
};

}  // namespace

struct Roles::State {
  std::unordered_map<std::string, Permissions, StringHash, std::equal_to<>> roles;
  std::vector<std::string> names;
};

absl::StatusOr<Roles> Roles::FromFile(std::string const& path) {
  ASSIGN_OR_RETURN(auto const content, ReadSmallFile(path, false));
  return FromText(content, path);
}

absl::StatusOr<Roles> Roles::FromText(std::string_view text, std::string_view origin) {
  RolePolicy policy;
  Faults faults(origin);
  TextFormat::ParseInfoTree places;
  TextFormat::Parser parser;
  parser.RecordErrorsTo(&faults);
  parser.WriteLocationsTo(&places);
  if (parser.ParseFromString(std::string(text), &policy)) Check(policy, places, faults);
  RETURN_IF_ERROR(faults.Finish());

  auto state = std::make_shared<State>();
  for (auto const& role : policy.roles()) {
    auto& permissions = state->roles[role.name()];
    for (auto const& permission : role.permissions()) {
      if (permission.ends_with('*')) {
        permissions.prefixes.push_back(permission.substr(0, permission.size() - 1));
      } else {
        permissions.exact.insert(permission);
      }
    }
    state->names.push_back(role.name());
  }
  Roles roles;
  roles.state_ = std::move(state);
  return roles;
}

bool Roles::Allows(std::string_view role, std::string_view permission) const {
  auto const found = state_->roles.find(role);
  return found != state_->roles.end() && found->second.Contain(permission);
}

std::vector<std::string> Roles::names() const { return state_->names; }

std::vector<std::string> Roles::Scopes(common::v1::Identity const& identity, std::string_view permission) const {
  std::vector<std::string> scopes;
  for (auto const& grant : identity.grants()) {
    if (!Allows(grant.role(), permission)) continue;
    auto const covers = [&](std::string const& scope) { return contract::Covers(scope, grant.scope()); };
    if (std::any_of(scopes.begin(), scopes.end(), covers)) continue;
    std::erase_if(scopes, [&](std::string const& scope) { return contract::Covers(grant.scope(), scope); });
    scopes.push_back(grant.scope());
  }
  return scopes;
}

}  // namespace helhed::identity
