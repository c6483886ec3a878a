#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

// Seats and the queue for them, as numbers. Whoever changes them has them alone.
//
// Two things always hold: no more are taken than there are, and nobody waits while one is free. The queue is served by its
// numbers, which only grow.
namespace helhed::activities {

struct Seats {
  // Absent: as many as come.
  std::optional<std::int64_t> capacity;
  // Confirmed, or kept for an offer.
  std::int64_t taken = 0;
  std::int64_t waiting = 0;
  // The last place in the queue that was given away.
  std::int64_t last_number = 0;

  bool has_free() const { return !capacity || taken < *capacity; }
  friend bool operator==(Seats const&, Seats const&) = default;
};

// Takes a seat and returns 0, or a place at the end of the queue and returns its number: whoever waits is served before whoever
// comes now.
inline std::int64_t Enter(Seats& seats) {
  if (seats.waiting == 0 && seats.has_free()) {
    ++seats.taken;
    return 0;
  }
  ++seats.waiting;
  return ++seats.last_number;
}

// How many of those who wait are to be offered a seat now.
inline std::int64_t ToPromote(Seats const& seats) {
  if (!seats.capacity) return seats.waiting;
  return std::clamp<std::int64_t>(*seats.capacity - seats.taken, 0, seats.waiting);
}

// The first in the queue is offered a seat.
inline void Promote(Seats& seats) {
  --seats.waiting;
  ++seats.taken;
}

}  // namespace helhed::activities
