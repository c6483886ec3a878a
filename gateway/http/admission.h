#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "gateway/http/limits.h"
#include "gateway/http/stats.h"

namespace helhed::gateway::http {

// Counts the connections of all loops, the only thing that they share besides certificates. Safe from any thread.
class Admission {
 public:
  Admission(Limits const& limits, Stats& stats) : limits_(limits), stats_(stats) {}

  // Lets a connection in from that address, or says why not. Each that got in is let out once.
  std::optional<Refusal> Enter(std::string const& key);
  void Leave(std::string const& key);
  // False when there is still somebody in at `deadline`.
  bool WaitUntilEmpty(std::chrono::system_clock::time_point deadline);

 private:
  Limits const& limits_;
  Stats& stats_;
  std::mutex mutex_;
  std::condition_variable emptied_;
  std::size_t all_ = 0;
  std::unordered_map<std::string, std::size_t> of_address_;
};

}  // namespace helhed::gateway::http
