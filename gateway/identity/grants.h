#pragma once

#include <absl/status/statusor.h>
#include <rapidjson/document.h>

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "helhed/common/v1/identity.pb.h"
#include "helhed/gateway/v1/config.pb.h"

// From what a token says to what its bearer may do.
namespace helhed::gateway::identity {

// Why a grant of a token was passed over. A grant that is passed over only ever takes something away, so the caller is let in
// with the others: an issuer may serve newer and older installations at once, and one role too many must not lock everybody out.
// It is counted, so that an operator sees it.
enum class Ignored { kForm, kUnknownRole, kUnknownScope, kBeyond };
std::string_view NameOf(Ignored ignored);

struct Granted {
  std::vector<common::v1::Grant> grants;
  std::map<Ignored, int> ignored;
};

class GrantMapper {
 public:
  // `roles` are those of the policy file.
  GrantMapper(v1::Issuer const& issuer, std::set<std::string, std::less<>> const& roles);

  // The grants that the claims make, each within what the issuer may grant, none that another one covers. Error:
  // TOKEN_CLAIM_INVALID when there are more than 64; which of them to leave out nobody can say.
  absl::StatusOr<Granted> Map(rapidjson::Value const& claims) const;

 private:
  void FromList(rapidjson::Value const& claims, Granted& granted) const;
  void FromGroups(rapidjson::Value const& claims, Granted& granted) const;
  void Take(std::string_view role, std::string_view scope, Granted& granted) const;
  bool MayGrant(common::v1::Grant const& grant) const;

  std::string grants_claim_;
  std::string groups_claim_;
  std::map<std::string, std::vector<v1::ScopedRole>, std::less<>> groups_;
  std::vector<v1::ScopedRole> may_grant_;
  std::set<std::string, std::less<>> roles_;
};

// The configuration's form of a scope as a grant has it: empty for `*`. nullopt when it is neither that nor the name of a
// resource.
std::optional<std::string> ToScope(std::string_view text);

// Adds a grant unless another covers it, and drops those that it covers.
void AddGrant(common::v1::Grant grant, std::vector<common::v1::Grant>& grants);

}  // namespace helhed::gateway::identity
