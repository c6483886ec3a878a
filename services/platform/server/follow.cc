#include "services/platform/server/follow.h"

#include <absl/strings/str_cat.h>

#include <utility>

#include "services/platform/base/strings.h"

namespace helhed::server {

void Follow(Environment const& environment, client::Peer const& peer, std::string_view other, std::vector<std::string> types,
            consumer::Consumer::Handler handler) {
  if (!peer) return;
  auto const& service = environment.store.parts().service;
  consumer::Consumer::Options options;
  options.name = absl::StrCat(service, "/", Av(other));
  options.types = std::move(types);
  options.subject = absl::StrCat("services/", service);
  options.identity = [identity = peer.identity(), &clock = environment.clock] { return identity(clock.Now()); };
  auto followed = std::make_shared<consumer::Consumer>(
      consumer::Consumer::Parts{
          .channel = peer.channel(), .store = &environment.store, .log = &environment.log, .metrics = &environment.metrics},
      std::move(options), std::move(handler));
  // The channel is the peer's, which goes into the job.
  environment.jobs.push_back({absl::StrCat("follow-", Av(other)), absl::Seconds(1),
                              [followed, peer](storage::Limits const& limits) -> absl::StatusOr<bool> {
                                RETURN_IF_ERROR(followed->CatchUp(limits.stop).status());
                                return false;
                              }});
}

}  // namespace helhed::server
