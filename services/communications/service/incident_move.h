#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstdint>
#include <span>

#include "services/communications/service/plan_carry.h"
#include "services/platform/crypto/key_ring.h"
#include "services/platform/service/store.h"

// An incident in another plan. It is in one place, with its parties, tasks, alerts, timeline and annexes, and with the reports
// that were joined to it; clocks run on, and what is kept for a while is kept no longer for it. Its old name leads to it.
namespace helhed::communications {

// Moves what is open in the predecessors to the successor. Returns how many incidents were, without those joined to them.
absl::StatusOr<std::int64_t> MoveIncidents(WriteTransaction& tx, Merging const& merging, crypto::KeyRing const* keys);

// Moves them back as they are now, with what was joined to them since. One that was joined to an incident of the successor's own
// stays there.
absl::StatusOr<std::int64_t> MoveIncidentsBack(WriteTransaction& tx, Merging const& merging, std::span<Carry const> carries,
                                               crypto::KeyRing const* keys);

}  // namespace helhed::communications
