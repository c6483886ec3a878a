#pragma once

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <memory>
#include <optional>
#include <string>

#include "cli/options.h"
#include "cli/world.h"
#include "helhed/common/v1/identity.pb.h"
#include "services/platform/client/channel.h"
#include "services/platform/identity/identity.h"

// Where the service is and who calls: what every command that calls shares.
namespace helhed::cli {

// --identity-key, --subject, --audience, --grant.
po::options_description IdentityOptions();
// --address, --token, --bearer, --deadline, --tls-ca, --tls-certificate, --tls-key, and the identity's.
po::options_description ConnectionOptions();
// The names of all of them, each of which may come from the environment.
std::vector<std::string> ConnectionOptionNames();

// The principal that the options describe. `ROLE` or `ROLE@SCOPE` for each grant.
absl::StatusOr<common::v1::Identity> IdentityOf(po::variables_map const& values);

// `identity`, valid from `now` for `lifetime`, signed and serialized.
std::string SignFor(identity::Signer const& signer, common::v1::Identity identity, absl::Time now, absl::Duration lifetime);

// A way to the service, with retries, and an identity that is renewed before it expires: an import may take longer than an
// identity lives.
class Connection {
 public:
  // INVALID_ARGUMENT: the options do not say where, or contradict each other. Other errors: a file cannot be read.
  static absl::StatusOr<Connection> Open(po::variables_map const& values, World const& world);

  client::Channel& channel() { return *channel_; }
  // For one call of `method`: the deadline is --deadline, or the method's time limit; none for a stream without --deadline.
  client::CallOptions OptionsFor(contract::Method const& method);

 private:
  explicit Connection(World const& world) : world_(&world) {}
  absl::Status TakeIdentity(po::variables_map const& values);

  World const* world_;
  std::unique_ptr<client::Channel> channel_;
  std::optional<absl::Duration> deadline_;
  std::optional<identity::Signer> signer_;
  common::v1::Identity identity_;
  std::string signed_identity_;
  // Read again for every call: whoever renews the token writes it there.
  std::string bearer_file_;
  std::string bearer_token_;
  absl::Time renew_time_ = absl::InfiniteFuture();
};

}  // namespace helhed::cli
