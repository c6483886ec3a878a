#pragma once

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <condition_variable>
#include <cstddef>
#include <list>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "services/platform/storage/errors.h"

namespace helhed::storage {

// Waits until `ready`, or until the limits end. Returns what CheckLimits says then, OK when it is ready.
template <typename Ready>
absl::Status WaitFor(std::condition_variable_any& changed, std::unique_lock<std::mutex>& lock, Limits const& limits,
                     Ready ready) {
  bool is_ready = false;
  if (limits.deadline == absl::InfiniteFuture()) {
    is_ready = changed.wait(lock, limits.stop, ready);
  } else {
    is_ready = changed.wait_until(lock, limits.stop, absl::ToChronoTime(limits.deadline), ready);
  }
  if (is_ready) return absl::OkStatus();
  return limits.stop.stop_requested() ? Cancelled() : DeadlineExceeded();
}

// Connections for whoever comes first: one that is given back goes to who has waited longest, and to nobody who has just come.
// When nobody waits, the last one given back is the first taken, as its caches are warm.
template <typename Connection>
class Pool {
 public:
  void Add(std::unique_ptr<Connection> connection) {
    free_.push_back(connection.get());
    all_.push_back(std::move(connection));
  }

  // Holds a connection until it goes out of scope.
  class Lease {
   public:
    Lease(Pool& pool, Connection& connection) : pool_(&pool), connection_(&connection) {}
    Lease(Lease&& other) noexcept : pool_(std::exchange(other.pool_, nullptr)), connection_(other.connection_) {}
    Lease& operator=(Lease&&) = delete;
    ~Lease() {
      if (pool_ != nullptr) pool_->Release(*connection_);
    }
    Connection& operator*() const { return *connection_; }
    Connection* operator->() const { return connection_; }

   private:
    Pool* pool_;
    Connection* connection_;
  };

  // RESOURCE_EXHAUSTED when too many wait already.
  absl::StatusOr<Lease> Take(Limits const& limits) {
    std::unique_lock lock(mutex_);
    if (free_.empty()) return Await(lock, limits);
    Connection* const connection = free_.back();
    free_.pop_back();
    return Lease(*this, *connection);
  }

  // How many wait for a connection.
  std::size_t waiting() const {
    std::lock_guard const lock(mutex_);
    return waiting_.size();
  }

 private:
  static constexpr std::size_t kWaitingMax = 4096;

  struct Waiter {
    std::condition_variable_any changed;
    Connection* given = nullptr;
  };

  absl::StatusOr<Lease> Await(std::unique_lock<std::mutex>& lock, Limits const& limits) {
    if (waiting_.size() >= kWaitingMax) return Overloaded("too many calls wait for a connection to the store");
    Waiter me;
    auto const place = waiting_.insert(waiting_.end(), &me);
    absl::Status const waited = WaitFor(me.changed, lock, limits, [&] { return me.given != nullptr; });
    if (me.given != nullptr) return Lease(*this, *me.given);
    waiting_.erase(place);
    return waited;
  }

  void Release(Connection& connection) {
    std::lock_guard const lock(mutex_);
    if (waiting_.empty()) {
      free_.push_back(&connection);
      return;
    }
    Waiter& first = *waiting_.front();
    waiting_.pop_front();
    first.given = &connection;
    // Within the lock: the waiter is gone as soon as it has what it waits for.
    first.changed.notify_one();
  }

  mutable std::mutex mutex_;
  std::list<Waiter*> waiting_;
  std::vector<Connection*> free_;
  std::vector<std::unique_ptr<Connection>> all_;
};

}  // namespace helhed::storage
