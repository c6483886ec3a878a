#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "gateway/upstream/upstream.h"

namespace helhed::gateway::door {

// A unary call of the gateway's own to a service. Destroying it cancels the call; `done` is not called from within Begin.
class Collect final : private upstream::Receiver {
 public:
  using Done = std::function<void(absl::Status status, std::string message)>;

  void Begin(upstream::Upstream& upstream, upstream::Call call, Done done) {
    done_ = std::move(done);
    running_ = upstream.Start(std::move(call), *this);
  }

 private:
  void OnMessage(std::string message) override { message_ = std::move(message); }
  void OnEnd(upstream::End end) override {
    running_.reset();
    // May destroy this.
    std::exchange(done_, nullptr)(std::move(end.status), std::move(message_));
  }

  std::unique_ptr<upstream::Running> running_;
  std::string message_;
  Done done_;
};

}  // namespace helhed::gateway::door
