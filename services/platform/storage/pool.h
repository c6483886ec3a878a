#pragma once

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <condition_variable>
#include <cstddef>
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

// Connections that callers take in turn. The last one given back is the first taken, as its caches are warm.
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
    if (free_.empty()) {
      if (waiting_ >= kWaitingMax) return Overloaded("too many calls wait for a connection to the store");
      ++waiting_;
      absl::Status const waited = WaitFor(returned_, lock, limits, [&] { return !free_.empty(); });
      --waiting_;
      if (!waited.ok()) return waited;
    }
    Connection* const connection = free_.back();
    free_.pop_back();
    return Lease(*this, *connection);
  }

 private:
  static constexpr std::size_t kWaitingMax = 4096;

  void Release(Connection& connection) {
    {
      std::lock_guard const lock(mutex_);
      free_.push_back(&connection);
    }
    returned_.notify_one();
  }

  std::mutex mutex_;
  std::condition_variable_any returned_;
  std::size_t waiting_ = 0;
  std::vector<Connection*> free_;
  std::vector<std::unique_ptr<Connection>> all_;
};

}  // namespace helhed::storage
