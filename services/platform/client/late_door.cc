#include "services/platform/client/late_door.h"

#include <condition_variable>
#include <mutex>
#include <utility>

#include "helhed/common/v1/errors.pb.h"
#include "services/platform/base/status.h"

namespace helhed::client {

// A count and no lock held by the calls: a service may ask another that asks the first, so one thread may go through twice, and a
// door that is being closed lets nobody in while it waits.
struct LateDoor::State {
  std::mutex mutex;
  std::condition_variable idle;
  std::shared_ptr<Channel> channel;
  int running = 0;
};

class LateDoor::Way final : public Channel {
 public:
  explicit Way(std::shared_ptr<State> state) : state_(std::move(state)) {}

  absl::StatusOr<std::string> Call(contract::Method const& method, std::string_view request,
                                   CallOptions const& options) override {
    Passage const passage(*state_);
    if (passage.channel() == nullptr) return Closed();
    return passage.channel()->Call(method, request, options);
  }

  absl::Status Stream(contract::Method const& method, std::string_view request, CallOptions const& options,
                      std::function<bool(std::string_view)> const& on_message) override {
    Passage const passage(*state_);
    if (passage.channel() == nullptr) return Closed();
    return passage.channel()->Stream(method, request, options, on_message);
  }

 private:
  // A call that is under way.
  class Passage {
   public:
    explicit Passage(State& state) : state_(state) {
      std::lock_guard const lock(state_.mutex);
      channel_ = state_.channel;
      ++state_.running;
    }
    ~Passage() {
      std::lock_guard const lock(state_.mutex);
      // Before whoever closes may go on: he ends what the channel calls.
      channel_.reset();
      if (--state_.running == 0) state_.idle.notify_all();
    }
    Passage(Passage const&) = delete;
    Passage& operator=(Passage const&) = delete;

    // nullptr while the door is closed.
    Channel* channel() const { return channel_.get(); }

   private:
    State& state_;
    std::shared_ptr<Channel> channel_;
  };

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
  std::lock_guard const lock(state_->mutex);
  state_->channel = ConnectInProcess(pipeline);
}

void LateDoor::Close() {
  std::unique_lock lock(state_->mutex);
  state_->channel = nullptr;
  state_->idle.wait(lock, [this] { return state_->running == 0; });
}

}  // namespace helhed::client
