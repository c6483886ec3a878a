#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace helhed {

// A fixed number of threads and a bounded queue before them, each at least 1. What does not fit is refused by the caller, not
// delayed. Tasks do not throw.
class Executor {
 public:
  Executor(std::size_t threads, std::size_t queue_max);
  // Runs what is queued, then ends the threads.
  ~Executor();
  Executor(Executor const&) = delete;
  Executor& operator=(Executor const&) = delete;

  // False when the queue is full or the executor is ending; `task` was not taken then.
  [[nodiscard]] bool Submit(std::function<void()> task);

  std::size_t queued() const;

 private:
  void Work();

  std::size_t const queue_max_;
  mutable std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<std::function<void()>> queue_;
  bool ending_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace helhed
