#include <absl/time/clock.h>
#include <absl/time/time.h>

#include <algorithm>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "helhed/common/v1/errors.pb.h"
#include "services/platform/base/status.h"
#include "services/platform/client/channel.h"

namespace helhed::client {
namespace {

void SleepUnlessStopped(absl::Duration time, std::stop_token stop) {
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  never.wait_for(lock, std::move(stop), absl::ToChronoMilliseconds(time), [] { return false; });
}

// What the service asks to wait, when trying again may help at all.
std::optional<absl::Duration> WorthAWait(absl::Status const& status) {
  auto const asked = RetryDelayOf(status);
  if (status.code() == absl::StatusCode::kUnavailable) return absl::Milliseconds(asked ? asked->count() : 0);
  if (status.code() == absl::StatusCode::kResourceExhausted && asked) return absl::Milliseconds(asked->count());
  return std::nullopt;
}

// Whether doing it twice is doing it once.
bool MayRepeat(contract::Method const& method, std::string_view request) {
  if (method.is_read()) return true;
  auto const* const prototype =
      google::protobuf::MessageFactory::generated_factory()->GetPrototype(method.descriptor().input_type());
  std::unique_ptr<google::protobuf::Message> const message(prototype->New());
  return message->ParseFromArray(request.data(), static_cast<int>(request.size())) && !method.RequestId(*message).empty();
}

class RetryingChannel final : public Channel {
 public:
  RetryingChannel(std::unique_ptr<Channel> channel, RetryOptions options, Random& random)
      : channel_(std::move(channel)), options_(std::move(options)), random_(random) {
    if (!options_.sleep) options_.sleep = SleepUnlessStopped;
  }

  absl::StatusOr<std::string> Call(contract::Method const& method, std::string_view request,
                                   CallOptions const& options) override {
    for (int attempt = 1;; ++attempt) {
      auto answer = channel_->Call(method, request, options);
      if (answer.ok() || !WaitToRepeat(method, request, options, attempt, answer.status())) return answer;
      if (options.stop.stop_requested()) return Gone();
    }
  }

  absl::Status Stream(contract::Method const& method, std::string_view request, CallOptions const& options,
                      std::function<bool(std::string_view)> const& on_message) override {
    for (int attempt = 1;; ++attempt) {
      bool begun = false;
      auto status = channel_->Stream(method, request, options, [&](std::string_view message) {
        begun = true;
        return on_message(message);
      });
      // After the first message only the caller knows where to go on.
      if (status.ok() || begun || !WaitToRepeat(method, request, options, attempt, status)) return status;
      if (options.stop.stop_requested()) return Gone();
    }
  }

 private:
  static absl::Status Gone() {
    return Error(absl::StatusCode::kCancelled, common::v1::ERROR_REASON_CANCELLED, "The caller went away.");
  }

  // False when `status` is the last word.
  bool WaitToRepeat(contract::Method const& method, std::string_view request, CallOptions const& options, int attempt,
                    absl::Status const& status) {
    if (attempt >= options_.attempts_max || options.stop.stop_requested()) return false;
    auto const asked = WorthAWait(status);
    if (!asked || !MayRepeat(method, request)) return false;
    auto const wait = std::max(*asked, Backoff(attempt));
    if (absl::Now() + wait >= options.deadline) return false;
    options_.sleep(wait, options.stop);
    return true;
  }

  // Doubles from try to try, and then takes a random part between half and all of it: callers that failed together do not come
  // back together.
  absl::Duration Backoff(int attempt) {
    auto const doubled = options_.backoff_first * static_cast<double>(std::uint64_t{1} << std::min(attempt - 1, 30));
    auto const full = std::min(doubled, options_.backoff_max);
    return full / 2 + (full / 2) * (static_cast<double>(random_.Next() >> 11) * 0x1.0p-53);
  }

  std::unique_ptr<Channel> channel_;
  RetryOptions options_;
  Random& random_;
};

}  // namespace

std::unique_ptr<Channel> WithRetries(std::unique_ptr<Channel> channel, RetryOptions options, Random& random) {
  return std::make_unique<RetryingChannel>(std::move(channel), std::move(options), random);
}

}  // namespace helhed::client
