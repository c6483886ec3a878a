#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <utility>

#include "helhed/events/v1/event.pb.h"
#include "services/platform/client/peer.h"
#include "services/platform/service/store.h"

namespace helhed::communications {

// What the register of residents says that ends something here: a household moves out, or a person is erased.
//
// What a household said of how it wants to be told is forgotten on the day on which it lives there no longer. Of persons nothing
// stands here by which they could be found: letters are to the residents of a dwelling, and what stands in annexes is sealed and
// has a time limit of its own. The register is told so.
class HouseholdEnds {
 public:
  HouseholdEnds(Store& store, client::Peer residents) : store_(store), residents_(std::move(residents)) {}

  // Takes in an event of residents; others than these mean nothing here.
  static absl::Status TakeEvent(WriteTransaction& tx, events::v1::Event const& event);

  // Forgets what one household said that has moved out by now. Returns whether there was one: there may be more.
  absl::StatusOr<bool> ForgetJob(storage::Limits const& limits);
  // Answers one erasure. Returns whether there was one. UNAVAILABLE REGISTER_UNAVAILABLE when residents cannot be asked: it is
  // tried again.
  absl::StatusOr<bool> AnswerJob(storage::Limits const& limits);

 private:
  Store& store_;
  client::Peer residents_;
};

}  // namespace helhed::communications
