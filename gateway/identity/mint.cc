#include "gateway/identity/mint.h"

#include <algorithm>

#include "services/platform/base/times.h"

namespace helhed::gateway::identity {
namespace {

constexpr absl::Duration kLife = absl::Minutes(5);
constexpr absl::Duration kRenewBefore = absl::Seconds(90);

}  // namespace

Minted Mint(Believed const& believed, ::helhed::identity::Signer const& signer, absl::Time now) {
  auto const expires = std::min(now + kLife, believed.refused_from);
  auto identity = std::make_shared<common::v1::Identity>();
  identity->set_issuer("gateway");
  identity->set_subject(believed.subject);
  identity->set_audience("helhed");
  *identity->mutable_issue_time() = Stamp(now);
  *identity->mutable_expire_time() = Stamp(expires);
  identity->mutable_grants()->Assign(believed.grants.begin(), believed.grants.end());

  auto caller = std::make_shared<Caller>();
  caller->key = believed.subject;
  caller->signed_identity = signer.Sign(*identity);
  caller->identity = std::move(identity);
  caller->demonstration = believed.demonstration;
  // What ends with the token cannot be renewed.
  return {std::move(caller), now, expires == believed.refused_from ? expires : expires - kRenewBefore};
}

}  // namespace helhed::gateway::identity
