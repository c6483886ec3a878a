#include "services/platform/server/peers.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <utility>

#include "services/platform/base/status.h"

namespace helhed::server {
namespace {

// Sleeps, or less when the call that waits is not wanted any more.
void Sleep(absl::Duration duration, std::stop_token stop) {
  std::mutex mutex;
  std::condition_variable_any wanted_no_more;
  std::unique_lock lock(mutex);
  wanted_no_more.wait_for(lock, std::move(stop), absl::ToChronoMilliseconds(duration), [] { return false; });
}

}  // namespace

absl::StatusOr<std::unique_ptr<Peers>> Peers::Open(std::string service, std::span<std::string const> asked,
                                                   PeerOptions const& options, Random& random) {
  std::unique_ptr<Peers> peers(new Peers(std::move(service)));
  peers->signer_ = options.signer;
  if (!options.signing_key_file.empty()) {
    ASSIGN_OR_RETURN(peers->signer_, identity::Signer::FromFile(options.signing_key_file));
  } else if (!options.targets.empty()) {
    return absl::InvalidArgumentError("signing-key-file: needed to ask other services: they answer to a signed identity only");
  }
  client::RetryOptions retries;
  retries.sleep = Sleep;
  for (auto const& [name, connect] : options.doors) peers->channels_[name] = client::WithRetries(connect(), retries, random);
  for (auto const& [name, target] : options.targets) {
    if (std::find(asked.begin(), asked.end(), name) == asked.end()) {
      return absl::InvalidArgumentError(asked.empty()
                                            ? std::string("peer: this service asks no other")
                                            : absl::StrCat("peer: this service asks ", absl::StrJoin(asked, ", "), " only"));
    }
    client::GrpcOptions grpc;
    grpc.target = target;
    grpc.ca_file = options.ca_file;
    grpc.certificate_file = options.certificate_file;
    grpc.key_file = options.key_file;
    peers->channels_[name] = client::WithRetries(client::ConnectGrpc(grpc), retries, random);
  }
  return peers;
}

client::Peer Peers::Find(std::string_view name) const {
  auto const found = channels_.find(name);
  if (found == channels_.end()) return {};
  return {found->second, [this](absl::Time now) { return Identity(now); }};
}

std::string Peers::Identity(absl::Time now) const {
  if (!signer_) return "";
  common::v1::Identity identity;
  identity.set_issuer(service_);
  identity.set_subject("service:" + service_);
  identity.set_audience("helhed");
  identity.mutable_issue_time()->set_seconds(absl::ToUnixSeconds(now));
  identity.mutable_expire_time()->set_seconds(absl::ToUnixSeconds(now + absl::Minutes(5)));
  identity.add_grants()->set_role("service");
  return signer_->Sign(identity);
}

}  // namespace helhed::server
