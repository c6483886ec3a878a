#include "services/platform/client/late_door.h"

#include <mutex>
#include <shared_mutex>
#include <utility>

#include "helhed/common/v1/errors.pb.h"
#include "services/platform/base/status.h"

namespace helhed::client {

struct LateDoor::State {
  // Held by every call: a service may ask another that asks the first, and a thread may so hold it twice.
  std::shared_mutex mutex;
  std::unique_ptr<Channel> channel;
};

class LateDoor::Way final : public Channel {
 public:
  explicit Way(std::shared_ptr<State> state) : state_(std::move(state)) {}

  absl::StatusOr<std::string> Call(contract::Method const& method, std::string_view request,
                                   CallOptions const& options) override {
    std::shared_lock const lock(state_->mutex);
    if (state_->channel == nullptr) return Closed();
    return state_->channel->Call(method, request, options);
  }

  absl::Status Stream(contract::Method const& method, std::string_view request, CallOptions const& options,
                      std::function<bool(std::string_view)> const& on_message) override {
    std::shared_lock const lock(state_->mutex);
    if (state_->channel == nullptr) return Closed();
    return state_->channel->Stream(method, request, options, on_message);
  }

 private:
  static absl::Status Closed() {
    return Error(absl::StatusCode::kUnavailable, common::v1::ERROR_REASON_DRAINING,
                 "The service is starting or ending. Try again.");
  }

  std::shared_ptr<State> state_;
};

LateDoor::LateDoor() : state_(std::make_shared<State>()) {}

LateDoor::~LateDoor() { Close(); }

std::unique_ptr<Channel> LateDoor::Connect() const { return std::make_unique<Way>(state_); }

void LateDoor::Open(Pipeline& pipeline) {
  std::unique_lock const lock(state_->mutex);
  state_->channel = ConnectInProcess(pipeline);
}

void LateDoor::Close() {
  std::unique_lock const lock(state_->mutex);
  state_->channel = nullptr;
}

}  // namespace helhed::client
