#pragma once

#include <absl/status/status.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "helhed/events/v1/event.pb.h"

// Whether a history of registrations could have come about if every act on an activity had been done alone, one after the other.
namespace helhed::activities::testing {

// Replays what the event log says about the registrations of one activity, against rules of its own:
//
//   - no more seats are confirmed or on offer than there are
//   - whoever comes has a seat only when one is free and nobody waits; otherwise a place at the end of the queue
//   - a seat is offered to the first in the queue, and to nobody else
//   - when an act is over, nobody waits beside a free seat
//   - a registration goes from where it was, and only along the arrows of domain.md 8.4
//
// `capacity` absent means no limit. Errors say at which event, counted from 0, and which rule.
absl::Status CheckHistory(std::span<events::v1::Event const> events, std::string const& activity,
                          std::optional<std::int64_t> capacity);

}  // namespace helhed::activities::testing
