#include "services/platform/server/grpc_stream.h"

#include <algorithm>
#include <chrono>
#include <utility>
#include <vector>

#include "helhed/common/v1/errors.pb.h"
#include "services/platform/base/status.h"
#include "services/platform/server/grpc_status.h"

namespace helhed::server {
namespace {

// How long a stream waits for a place on the executor when that is full.
constexpr absl::Duration kFullDelay = absl::Milliseconds(50);
// A stream that would wait for ever is asked now and then all the same.
constexpr absl::Duration kPauseMax = absl::Hours(1);

}  // namespace

// One wait. An object of its own, because a grpc::Alarm may not be set again before it was given back, and a cancelled one is
// given back later than the stream goes on.
class StreamCall::Pause final : public Tag, public std::enable_shared_from_this<Pause> {
 public:
  explicit Pause(std::shared_ptr<StreamCall> call) : call_(std::move(call)) {}

  void Set(absl::Duration at_most) {
    self_ = shared_from_this();
    auto const until = std::chrono::system_clock::now() + absl::ToChronoMicroseconds(std::min(at_most, kPauseMax));
    alarm_.Set(&call_->queue_, until, static_cast<Tag*>(this));
  }
  void Cancel() { alarm_.Cancel(); }

  void Run(bool ok) override {
    auto const self = std::move(self_);
    auto const call = std::move(call_);
    if (ok) call->Expired(this);
  }

 private:
  std::shared_ptr<StreamCall> call_;
  std::shared_ptr<Pause> self_;
  grpc::Alarm alarm_;
};

void StreamCall::Request() {
  context_.AsyncNotifyWhenDone(done_.Of(shared_from_this()));
  endpoint_.service->RequestStream(endpoint_.index, &context_, &bytes_, &writer_, &queue_, arrived_.Of(shared_from_this()));
}

void StreamCall::Arrived(bool ok) {
  if (!ok) {
    done_.Forget();  // never given back: grpc/grpc#10136
    return;
  }
  RequestStream(door_, endpoint_, queue_);
  if (auto const admitted = door_.Admit(shared_from_this()); !admitted.ok()) return End(admitted);
  request_ = Flatten(bytes_);
  if (door_.pipeline().executor().Submit([call = shared_from_this()] { call->Open(); })) return;
  End(WithRetryDelay(Error(absl::StatusCode::kResourceExhausted, common::v1::ERROR_REASON_OVERLOADED,
                           "More calls are waiting than the service takes. Try again later."),
                     std::chrono::seconds(1)));
}

void StreamCall::Open() {
  auto opened = door_.pipeline().Open(ToIncoming(endpoint_, context_, request_, stop_.get_token()));
  if (!opened.ok()) return End(opened.status());
  open_ = *std::move(opened);
  // End unsubscribes before the call goes, and afterwards `wake` is not running.
  open_.stream->Subscribe([this] { Wake(); });
  Pump();
}

// Asks for more on the executor, or a little later when that is full.
void StreamCall::Work() {
  if (!door_.pipeline().executor().Submit([call = shared_from_this()] { call->Pump(); })) Wait(kFullDelay, false);
}

void StreamCall::Pump() {
  {
    std::lock_guard const lock(mutex_);
    woken_ = false;
  }
  if (auto const why = Why()) return End(*why);
  std::vector<std::string> messages;
  auto const next = open_.stream->Next(*open_.context, messages);
  if (!next.ok()) return End(next.status());
  next_ = *next;
  for (auto& message : messages) messages_.push_back(std::move(message));
  Continue();
}

void StreamCall::Continue() {
  if (auto const why = Why()) return End(*why);
  if (!messages_.empty()) {
    auto const bytes = ToBuffer(std::move(messages_.front()));
    messages_.pop_front();
    writer_.Write(bytes, written_.Of(shared_from_this()));
    return;
  }
  switch (next_) {
    case ServerStream::State::kMore:
      return Work();
    case ServerStream::State::kDone:
      return End(absl::OkStatus());
    case ServerStream::State::kWait:
      return Wait(open_.stream->poll_after(), true);
  }
}

void StreamCall::Written(bool ok) {
  if (ok) return Continue();
  End(Error(absl::StatusCode::kCancelled, common::v1::ERROR_REASON_CANCELLED, "The caller went away."));
}

void StreamCall::Wait(absl::Duration at_most, bool heed_wakes) {
  {
    std::lock_guard const lock(mutex_);
    // Nothing ends here when the executor is full: this may be the thread of a wake-up, for whose end Unsubscribe would wait.
    if (!heed_wakes || (!why_ && !woken_)) {
      phase_ = Phase::kWaiting;
      pause_ = std::make_shared<Pause>(shared_from_this());
      pause_->Set(at_most);
      return;
    }
  }
  if (auto const why = Why()) return End(*why);
  Work();
}

void StreamCall::Wake() {
  std::shared_ptr<Pause> pause;
  {
    std::lock_guard const lock(mutex_);
    woken_ = true;
    if (phase_ != Phase::kWaiting) return;
    phase_ = Phase::kWorking;
    pause = std::move(pause_);
  }
  pause->Cancel();
  Work();
}

void StreamCall::Expired(Pause const* pause) {
  {
    std::lock_guard const lock(mutex_);
    if (phase_ != Phase::kWaiting || pause_.get() != pause) return;
    phase_ = Phase::kWorking;
    pause_.reset();
  }
  if (auto const why = Why()) return End(*why);
  Work();
}

void StreamCall::Stop(absl::Status why) {
  std::shared_ptr<Pause> pause;
  {
    std::lock_guard const lock(mutex_);
    if (!why_) why_ = std::move(why);
    if (phase_ != Phase::kWaiting) return;
    phase_ = Phase::kWorking;
    pause = std::move(pause_);
  }
  pause->Cancel();
  End(*Why());
}

std::optional<absl::Status> StreamCall::Why() {
  std::lock_guard const lock(mutex_);
  return why_;
}

void StreamCall::End(absl::Status const& status) {
  if (open_.stream) open_.stream->Unsubscribe();
  door_.Remove(this);
  writer_.Finish(ToGrpc(status), finished_.Of(shared_from_this()));
}

void StreamCall::Finished(bool) {}

void StreamCall::Done(bool) {
  if (!context_.IsCancelled()) return;
  auto const stop = [call = shared_from_this()] {
    call->stop_.request_stop();
    call->Stop(Error(absl::StatusCode::kCancelled, common::v1::ERROR_REASON_CANCELLED, "The caller went away."));
  };
  if (!door_.stopper().Submit(stop)) stop();
}

void RequestStream(Door& door, Endpoint const& endpoint, grpc::ServerCompletionQueue& queue) {
  std::make_shared<StreamCall>(door, endpoint, queue)->Request();
}

}  // namespace helhed::server
