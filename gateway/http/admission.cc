#include "gateway/http/admission.h"

namespace helhed::gateway::http {

std::optional<Refusal> Admission::Enter(std::string const& key) {
  {
    std::lock_guard const lock(mutex_);
    if (all_ >= limits_.connections) return Refusal::kTooManyConnections;
    auto& count = of_address_[key];
    if (count >= limits_.connections_of_address) return Refusal::kTooManyConnectionsOfAddress;
    ++count;
    ++all_;
  }
  stats_.ConnectionOpened();
  return std::nullopt;
}

void Admission::Leave(std::string const& key) {
  stats_.ConnectionClosed();
  std::lock_guard const lock(mutex_);
  auto const found = of_address_.find(key);
  if (found != of_address_.end() && --found->second == 0) of_address_.erase(found);
  if (--all_ == 0) emptied_.notify_all();
}

bool Admission::WaitUntilEmpty(std::chrono::system_clock::time_point deadline) {
  std::unique_lock lock(mutex_);
  return emptied_.wait_until(lock, deadline, [this] { return all_ == 0; });
}

}  // namespace helhed::gateway::http
