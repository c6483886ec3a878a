#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "services/platform/client/channel.h"
#include "services/platform/pipeline/call_context.h"

namespace helhed::client {

// Another service, as a handler asks it: in the name of this service, and within what is left of the call that made it ask. Safe
// from any thread where its channel is.
class Peer {
 public:
  // A serialized SignedIdentity of this service, valid at the time given.
  using Identity = std::function<std::string(absl::Time)>;
  // UNAVAILABLE with the reason of the service that asks. `why` goes on a sentence about what cannot be asked.
  using Unavailable = std::function<absl::Status(std::string_view why)>;

  // Nobody: every question is answered as unavailable.
  Peer() = default;
  Peer(std::shared_ptr<Channel> channel, Identity identity) : channel_(std::move(channel)), identity_(std::move(identity)) {}

  explicit operator bool() const { return channel_ != nullptr; }

  // The way to it and the identity to show there, for who follows its events and is not within a call. nullptr for nobody.
  Channel* channel() const { return channel_.get(); }
  Identity const& identity() const { return identity_; }

  // Not within a write: it waits for another service. What the caller can do nothing about (the other service is away, or does
  // not trust this one) is answered by `unavailable`; any other refusal as the other service says it.
  template <typename Response>
  absl::StatusOr<Response> Ask(std::string_view path, google::protobuf::Message const& request, CallContext const& call,
                               Unavailable const& unavailable) const {
    if (!*this) return unavailable("no such service is configured");
    auto answer = Invoke<Response>(*channel_, path, request, OptionsOf(call));
    if (!answer.ok() && IsOurs(answer.status())) return unavailable("it does not answer");
    return answer;
  }

 private:
  CallOptions OptionsOf(CallContext const& call) const;
  static bool IsOurs(absl::Status const& status);

  std::shared_ptr<Channel> channel_;
  Identity identity_;
};

}  // namespace helhed::client
