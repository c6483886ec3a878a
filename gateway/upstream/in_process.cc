#include "gateway/upstream/in_process.h"

#include <absl/time/clock.h>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <stop_token>
#include <utility>
#include <vector>

#include "helhed/common/v1/errors.pb.h"
#include "services/platform/base/status.h"

namespace helhed::gateway::upstream {
namespace {

namespace asio = boost::asio;

// What a stream may be ahead of its receiver, as over HTTP/2.
constexpr std::size_t kWindowBytes = std::size_t{256} * 1024;
// How long a stream waits for a place on the executor when that is full.
constexpr absl::Duration kFullDelay = absl::Milliseconds(50);
constexpr absl::Duration kPauseMax = absl::Hours(1);

// Counts what is under way on the executor.
class Crew {
 public:
  void Enter() {
    std::lock_guard const lock(mutex_);
    ++count_;
  }
  void Leave() {
    std::lock_guard const lock(mutex_);
    if (--count_ == 0) empty_.notify_all();
  }
  void WaitForAll() {
    std::unique_lock lock(mutex_);
    empty_.wait(lock, [this] { return count_ == 0; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable empty_;
  int count_ = 0;
};

absl::Status Overloaded() {
  return WithRetryDelay(Error(absl::StatusCode::kResourceExhausted, common::v1::ERROR_REASON_OVERLOADED,
                              "More calls are waiting than the service takes. Try again later."),
                        std::chrono::milliseconds(250));
}

// One call. Shared by the loop and the executor; what is the receiver's is touched on the loop only.
class Shared : public std::enable_shared_from_this<Shared> {
 public:
  Shared(asio::io_context& loop, Pipeline& pipeline, std::shared_ptr<Crew> crew, Call call, Receiver& receiver)
      : loop_(loop), pipeline_(pipeline), crew_(std::move(crew)), call_(std::move(call)), receiver_(&receiver), timer_(loop) {}
  virtual ~Shared() = default;
  Shared(Shared const&) = delete;
  Shared& operator=(Shared const&) = delete;

  virtual void Begin() = 0;
  virtual void Consume(std::size_t bytes) = 0;

  asio::io_context& loop() { return loop_; }
  std::shared_ptr<Crew> const& crew() const { return crew_; }

  // The caller has gone. On the loop.
  virtual void Leave() {
    receiver_ = nullptr;
    timer_.cancel();
    stop_.request_stop();
  }

 protected:
  IncomingCall Incoming() {
    IncomingCall incoming;
    incoming.path = call_.method->path();
    incoming.request = call_.request;
    incoming.identity = std::move(call_.identity);
    incoming.traceparent = std::move(call_.traceparent);
    incoming.deadline = call_.deadline;
    incoming.stop = stop_.get_token();
    return incoming;
  }

  // The service observes its deadline itself; one that does not must not keep the caller.
  void WatchDeadline() {
    if (call_.deadline == absl::InfiniteFuture()) return;
    auto const wait = std::clamp(call_.deadline - absl::Now(), absl::ZeroDuration(), kPauseMax);
    timer_.expires_after(absl::ToChronoMicroseconds(wait));
    timer_.async_wait([self = shared_from_this()](boost::system::error_code error) {
      if (error) return;
      self->stop_.request_stop();
      self->End(Error(absl::StatusCode::kDeadlineExceeded, common::v1::ERROR_REASON_DEADLINE_EXCEEDED,
                      "The service did not answer in time."));
    });
  }

  // On the loop.
  void End(absl::Status status) {
    timer_.cancel();
    if (receiver_ == nullptr) return;
    upstream::End end;
    end.status = std::move(status);
    std::exchange(receiver_, nullptr)->OnEnd(std::move(end));
  }

  asio::io_context& loop_;
  Pipeline& pipeline_;
  std::shared_ptr<Crew> crew_;
  Call call_;
  Receiver* receiver_;
  asio::steady_timer timer_;
  std::stop_source stop_;
};

class UnaryCall final : public Shared {
 public:
  using Shared::Shared;

  void Begin() override {
    WatchDeadline();
    crew_->Enter();
    pipeline_.Start(Incoming(), [held = shared_from_this()](absl::Status status, std::string response) mutable {
      auto const crew = held->crew();
      auto& loop = held->loop();
      asio::post(loop, [self = std::static_pointer_cast<UnaryCall>(std::move(held)), status = std::move(status),
                        response = std::move(response)]() mutable {
        if (self->receiver_ != nullptr && status.ok()) self->receiver_->OnMessage(std::move(response));
        self->End(std::move(status));
      });
      crew->Leave();
    });
  }
  void Consume(std::size_t) override {}
};

// A server stream: asked for more on the executor when it has some and the receiver has room, and otherwise nowhere.
class StreamCall final : public Shared {
 public:
  using Shared::Shared;
  ~StreamCall() override {
    if (open_ && open_->stream != nullptr) open_->stream->Unsubscribe();
    open_.reset();
  }

  void Begin() override {
    if (Submit([](StreamCall& call) { call.Open(); })) return WatchDeadline();
    asio::post(loop_, [self = Self()] { self->End(Overloaded()); });
  }

  void Consume(std::size_t bytes) override {
    ahead_ -= std::min(bytes, ahead_);
    if (ahead_ < kWindowBytes && std::exchange(paused_, false)) Work();
  }

 private:
  std::shared_ptr<StreamCall> Self() { return std::static_pointer_cast<StreamCall>(shared_from_this()); }

  // Runs `work` on the executor; what it holds of the call goes before the crew is told.
  bool Submit(void (*work)(StreamCall&)) {
    crew_->Enter();
    bool const taken = pipeline_.executor().Submit([held = Self(), work]() mutable {
      auto const crew = held->crew_;
      work(*held);
      held.reset();
      crew->Leave();
    });
    if (!taken) crew_->Leave();
    return taken;
  }

  // On the executor.
  void Open() {
    auto opened = pipeline_.Open(Incoming());
    if (!opened.ok()) {
      return asio::post(loop_, [self = Self(), status = opened.status()] { self->End(status); });
    }
    open_ = *std::move(opened);
    // Ending the subscription waits for a wake that is running, which therefore must not hold the last of this object.
    open_->stream->Subscribe([&loop = loop_, woken = woken_, weak = std::weak_ptr(Self())] {
      if (woken->exchange(true)) return;
      asio::post(loop, [weak] {
        if (auto const self = weak.lock(); self != nullptr) self->Wake();
      });
    });
    Pump();
  }

  // On the executor, one at a time.
  void Pump() {
    *woken_ = false;
    std::vector<std::string> messages;
    auto next = open_->stream->Next(*open_->context, messages);
    asio::post(loop_, [self = Self(), next = std::move(next), messages = std::move(messages)]() mutable {
      self->Pumped(next, std::move(messages));
    });
  }

  // From here on all is on the loop.
  void Pumped(absl::StatusOr<ServerStream::State> const& next, std::vector<std::string> messages) {
    for (auto& message : messages) {
      if (receiver_ == nullptr) return;
      ahead_ += message.size();
      receiver_->OnMessage(std::move(message));
    }
    if (receiver_ == nullptr) return;
    if (!next.ok()) return End(next.status());
    if (*next == ServerStream::State::kDone) return End(absl::OkStatus());
    if (*next == ServerStream::State::kMore) return Go();
    if (*woken_) return Go();
    waiting_ = true;
    pause_.emplace(loop_);
    Pause(open_->stream->poll_after());
  }

  void Pause(absl::Duration at_most) {
    pause_->expires_after(absl::ToChronoMicroseconds(std::clamp(at_most, absl::Milliseconds(1), kPauseMax)));
    pause_->async_wait([weak = std::weak_ptr(Self())](boost::system::error_code error) {
      auto const self = weak.lock();
      if (!error && self != nullptr && std::exchange(self->waiting_, false)) self->Go();
    });
  }

  void Wake() {
    if (!std::exchange(waiting_, false)) return;
    pause_.reset();
    Go();
  }

  void Go() {
    if (ahead_ >= kWindowBytes) {
      paused_ = true;
      return;
    }
    Work();
  }

  void Work() {
    if (receiver_ == nullptr) return;
    if (Submit([](StreamCall& call) { call.Pump(); })) return;
    waiting_ = true;
    pause_.emplace(loop_);
    Pause(kFullDelay);
  }

  void Leave() override {
    Shared::Leave();
    pause_.reset();
  }

  std::optional<Pipeline::OpenStream> open_;
  std::optional<asio::steady_timer> pause_;
  std::shared_ptr<std::atomic<bool>> woken_ = std::make_shared<std::atomic<bool>>(false);
  std::size_t ahead_ = 0;
  bool paused_ = false;
  bool waiting_ = false;
};

class InProcessCall final : public Running {
 public:
  explicit InProcessCall(std::shared_ptr<Shared> shared) : shared_(std::move(shared)) {}
  ~InProcessCall() override { shared_->Leave(); }
  void Consume(std::size_t bytes) override { shared_->Consume(bytes); }

 private:
  std::shared_ptr<Shared> shared_;
};

class InProcess final : public Upstream {
 public:
  InProcess(asio::io_context& loop, Pipeline& pipeline) : loop_(loop), pipeline_(pipeline) {}
  ~InProcess() override { crew_->WaitForAll(); }
  InProcess(InProcess const&) = delete;
  InProcess& operator=(InProcess const&) = delete;

  std::unique_ptr<Running> Start(Call call, Receiver& receiver) override {
    std::shared_ptr<Shared> shared;
    if (call.method->is_server_stream()) {
      shared = std::make_shared<StreamCall>(loop_, pipeline_, crew_, std::move(call), receiver);
    } else {
      shared = std::make_shared<UnaryCall>(loop_, pipeline_, crew_, std::move(call), receiver);
    }
    shared->Begin();
    return std::make_unique<InProcessCall>(std::move(shared));
  }
  bool available() const override { return true; }

 private:
  asio::io_context& loop_;
  Pipeline& pipeline_;
  std::shared_ptr<Crew> crew_ = std::make_shared<Crew>();
};

}  // namespace

std::unique_ptr<Upstream> ConnectInProcess(asio::io_context& loop, Pipeline& pipeline) {
  return std::make_unique<InProcess>(loop, pipeline);
}

}  // namespace helhed::gateway::upstream
