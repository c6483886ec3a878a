#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <utility>

#include "helhed/events/v1/event.pb.h"
#include "services/activities/service/resident_consents.h"
#include "services/platform/client/peer.h"
#include "services/platform/service/store.h"

namespace helhed::activities {

// What the register of residents says that ends something here: a person is erased (P7), or a consent holds no more (P4).
//
// Who is erased is taken out of registrations, proposals and agreements with volunteers in the transaction that takes the event
// in; counts stay. The register is told how many records that were. Whether a consent that ended leaves another that holds only
// the register knows, which is asked first. What a call enters that was asked for before the register spoke may come after it:
// both are looked at once more when no such call can be under way.
class ResidentEnds {
 public:
  ResidentEnds(Store& store, client::Peer const& residents) : store_(store), residents_(residents), consents_(residents) {}

  // Takes in an event of residents; others than these mean nothing here.
  static absl::Status TakeEvent(WriteTransaction& tx, events::v1::Event const& event);

  // Answers one erasure, or looks at it again. Returns whether there was one: there may be more. UNAVAILABLE REGISTER_UNAVAILABLE
  // when residents cannot be asked: it is tried again.
  absl::StatusOr<bool> AnswerJob(storage::Limits const& limits);
  // Looks at what rests on one consent that ended. The same.
  absl::StatusOr<bool> ConsentJob(storage::Limits const& limits);

 private:
  Store& store_;
  client::Peer residents_;
  ResidentConsents consents_;
};

}  // namespace helhed::activities
