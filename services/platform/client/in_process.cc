#include <absl/time/time.h>

#include <algorithm>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "services/platform/base/status.h"
#include "services/platform/client/channel.h"

namespace helhed::client {
namespace {

IncomingCall ToIncoming(contract::Method const& method, std::string_view request, CallOptions const& options) {
  IncomingCall call;
  call.path = method.path();
  call.request = request;
  call.identity = options.identity;
  call.traceparent = options.traceparent;
  call.deadline = options.deadline;
  call.stop = options.stop;
  return call;
}

// Waits until the stream has news, the caller goes, or a time is up.
class Alarm {
 public:
  explicit Alarm(std::stop_token stop) : stop_(std::move(stop)) {}

  void Ring() {
    {
      std::lock_guard const lock(mutex_);
      ringing_ = true;
    }
    ring_.notify_all();
  }
  void Wait(absl::Duration at_most) {
    std::unique_lock lock(mutex_);
    // A wait for ever would overflow the clock.
    auto const time = absl::ToChronoMilliseconds(std::min(at_most, absl::Hours(1)));
    ring_.wait_for(lock, stop_, time, [this] { return ringing_; });
    ringing_ = false;
  }

 private:
  std::stop_token stop_;
  std::mutex mutex_;
  std::condition_variable_any ring_;
  bool ringing_ = false;
};

class InProcessChannel final : public Channel {
 public:
  explicit InProcessChannel(Pipeline& pipeline) : pipeline_(pipeline) {}

  absl::StatusOr<std::string> Call(contract::Method const& method, std::string_view request,
                                   CallOptions const& options) override {
    return pipeline_.Run(ToIncoming(method, request, options));
  }

  absl::Status Stream(contract::Method const& method, std::string_view request, CallOptions const& options,
                      std::function<bool(std::string_view)> const& on_message) override {
    ASSIGN_OR_RETURN(auto open, pipeline_.Open(ToIncoming(method, request, options)));
    Alarm alarm(options.stop);
    open.stream->Subscribe([&alarm] { alarm.Ring(); });
    auto status = Pump(open, alarm, on_message);
    open.stream->Unsubscribe();
    return status;
  }

 private:
  static absl::Status Pump(Pipeline::OpenStream& open, Alarm& alarm, std::function<bool(std::string_view)> const& on_message) {
    std::vector<std::string> messages;
    while (true) {
      messages.clear();
      auto const next = open.stream->Next(*open.context, messages);
      for (auto const& message : messages) {
        if (!on_message(message)) return absl::OkStatus();
      }
      if (!next.ok()) return next.status();
      if (*next == ServerStream::State::kDone) return absl::OkStatus();
      if (*next == ServerStream::State::kWait) {
        alarm.Wait(std::min(open.stream->poll_after(), open.context->deadline() - open.context->Now()));
      }
    }
  }

  Pipeline& pipeline_;
};

}  // namespace

std::unique_ptr<Channel> ConnectInProcess(Pipeline& pipeline) { return std::make_unique<InProcessChannel>(pipeline); }

}  // namespace helhed::client
