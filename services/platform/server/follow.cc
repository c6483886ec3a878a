#include "services/platform/server/follow.h"

#include <absl/strings/str_cat.h>

#include <utility>

#include "services/platform/base/strings.h"

namespace helhed::server {
namespace {

// All jobs of a service share a thread: one that does not get through to another service must not hold the others up for long,
// nor often.
constexpr absl::Duration kReadTimeout = absl::Seconds(2);
constexpr absl::Duration kBackoffMax = absl::Seconds(15);

}  // namespace

void Follow(Environment const& environment, client::Peer const& peer, std::string_view other, std::vector<std::string> types,
            consumer::Consumer::Handler handler) {
  if (!peer) return;
  auto const& service = environment.store.parts().service;
  consumer::Consumer::Options options;
  options.name = absl::StrCat(service, "/", Av(other));
  options.types = std::move(types);
  options.subject = absl::StrCat("services/", service);
  options.read_timeout = kReadTimeout;
  options.identity = [identity = peer.identity(), &clock = environment.clock] { return identity(clock.Now()); };
  auto followed = std::make_shared<consumer::Consumer>(
      consumer::Consumer::Parts{
          .channel = peer.channel(), .store = &environment.store, .log = &environment.log, .metrics = &environment.metrics},
      std::move(options), std::move(handler));
  // The channel is the peer's, which goes into the job.
  environment.jobs.push_back({.name = absl::StrCat("follow-", Av(other)),
                              .every = absl::Seconds(1),
                              .run = [followed, peer](storage::Limits const& limits) { return followed->CatchUpPage(limits); },
                              .backoff_max = kBackoffMax});
}

}  // namespace helhed::server
