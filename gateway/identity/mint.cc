#include "gateway/identity/mint.h"

#include <algorithm>

namespace helhed::gateway::identity {
namespace {

constexpr absl::Duration kLife = absl::Minutes(5);
constexpr absl::Duration kRenewBefore = absl::Seconds(90);

void Set(google::protobuf::Timestamp& timestamp, absl::Time time) {
  auto const micros = absl::ToUnixMicros(time);
  timestamp.set_seconds(micros / 1'000'000);
  timestamp.set_nanos(static_cast<std::int32_t>(micros % 1'000'000) * 1000);
}

}  // namespace

Minted Mint(Believed const& believed, ::helhed::identity::Signer const& signer, absl::Time now) {
  auto const expires = std::min(now + kLife, believed.refused_from);
  auto identity = std::make_shared<common::v1::Identity>();
  identity->set_issuer("gateway");
  identity->set_subject(believed.subject);
  identity->set_audience("helhed");
  Set(*identity->mutable_issue_time(), now);
  Set(*identity->mutable_expire_time(), expires);
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
