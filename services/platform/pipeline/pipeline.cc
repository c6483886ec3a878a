#include "services/platform/pipeline/pipeline.h"

#include <absl/strings/str_cat.h>
#include <google/protobuf/arena.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <utility>

#include "helhed/common/v1/errors.pb.h"
#include "services/platform/base/status.h"
#include "services/platform/pipeline/admission.h"
#include "services/platform/pipeline/error_mapping.h"
#include "services/platform/pipeline/served.h"
#include "services/platform/telemetry/trace.h"

namespace helhed {
namespace {

// How soon a caller may try again: elsewhere, or here when the queue has moved on.
constexpr std::chrono::milliseconds kDrainingDelay{100};
constexpr std::chrono::milliseconds kOverloadedDelay{250};

// Most requests fit into this and cost no allocation.
constexpr std::size_t kArenaBytes = 4096;

absl::Status Draining() {
  return WithRetryDelay(
      Error(absl::StatusCode::kUnavailable, common::v1::ERROR_REASON_DRAINING, "The service is shutting down. Call again."),
      kDrainingDelay);
}

absl::Status Overloaded() {
  return WithRetryDelay(Error(absl::StatusCode::kResourceExhausted, common::v1::ERROR_REASON_OVERLOADED,
                              "More calls are waiting than the service takes. Try again later."),
                        kOverloadedDelay);
}

absl::Status UnknownMethod() {
  return Error(absl::StatusCode::kUnimplemented, common::v1::ERROR_REASON_METHOD_UNKNOWN, "There is no such method here.");
}

// The one place where what a handler throws is caught.
template <typename Work>
auto Caught(Work&& work) -> decltype(work()) {
  try {
    return work();
  } catch (std::exception const& exception) {
    return absl::InternalError(absl::StrCat("exception: ", exception.what()));
  } catch (...) {
    return absl::InternalError("an exception that is no std::exception");
  }
}

// Holds the promise of SCOPE_RESOLVED: the handler asked for what decides, and it was granted.
absl::Status CheckResolved(CallContext const& context) {
  auto const& policy = context.method().policy();
  if (policy.scope() != policy::v1::SCOPE_RESOLVED || policy.public_() || context.scope_was_granted()) return absl::OkStatus();
  return absl::InternalError("the handler of a SCOPE_RESOLVED method let the call through without a granted RequireAny");
}

}  // namespace

// Counts the calls under way. Shared with them, so that the last one may leave while the pipeline that waited for it goes away.
class Pipeline::Gate {
 public:
  // False when draining; otherwise Leave must follow.
  bool Enter() {
    running_.fetch_add(1);
    if (!draining_.load()) return true;
    Leave();
    return false;
  }
  void Leave() {
    if (running_.fetch_sub(1) != 1 || !draining_.load()) return;
    std::lock_guard const lock(mutex_);
    idle_.notify_all();
  }
  void Drain() {
    draining_ = true;
    std::unique_lock lock(mutex_);
    idle_.wait(lock, [this] { return running_.load() == 0; });
  }
  bool draining() const { return draining_.load(); }

 private:
  std::atomic<std::int64_t> running_{0};
  std::atomic<bool> draining_{false};
  std::mutex mutex_;
  std::condition_variable idle_;
};

// A call's stay within the gate.
class Pipeline::Stay {
 public:
  explicit Stay(std::shared_ptr<Gate> gate) : gate_(gate->Enter() ? std::move(gate) : nullptr) {}
  Stay(Stay&& other) noexcept = default;
  Stay& operator=(Stay&&) = delete;
  ~Stay() {
    if (gate_ != nullptr) gate_->Leave();
  }
  bool admitted() const { return gate_ != nullptr; }

 private:
  std::shared_ptr<Gate> gate_;
};

struct Pipeline::State {
  // What a metrics hook may still look at; it outlives the pipeline.
  struct Watched {
    std::mutex mutex;
    Executor* executor = nullptr;
  };

  explicit State(Parts given) : parts(std::move(given)), served(parts.service, *parts.router, *parts.metrics, *parts.log) {
    watched->executor = parts.executor;
    auto queue = parts.metrics->GaugeOf("helhed_executor_queue", "Calls that wait for a thread.", {{"service", parts.service}});
    parts.metrics->OnCollect([watched = watched, queue]() mutable {
      std::lock_guard const lock(watched->mutex);
      if (watched->executor != nullptr) queue.Set(static_cast<double>(watched->executor->queued()));
    });
  }
  ~State() {
    std::lock_guard const lock(watched->mutex);
    watched->executor = nullptr;
  }

  CallRecord Arrive(IncomingCall const& call) const {
    CallRecord record;
    record.method = served.Find(call.path);
    record.arrived = std::chrono::steady_clock::now();
    record.deadline = call.deadline;
    record.trace = telemetry::ContinueTrace(call.traceparent, *parts.random);
    if (auto const* const entry = record.method->entry; entry != nullptr) {
      bool const unlimited = entry->method->is_server_stream() && !entry->method->policy().has_timeout();
      if (!unlimited) record.deadline = std::min(record.deadline, parts.clock->Now() + entry->method->timeout());
    }
    return record;
  }

  // The end of a call: maps its error, counts it, logs it.
  absl::Status Finish(CallRecord const& record, absl::Status status) const {
    MappedError mapped;
    if (!status.ok()) mapped = MapError(std::move(status), *parts.clock, *parts.random);
    served.Finish(record, mapped);
    return std::move(mapped.status);
  }

  absl::Status Handle(IncomingCall const& call, CallRecord& record, std::string& response) const {
    auto const* const entry = record.method->entry;
    if (entry == nullptr || entry->unary == nullptr) return UnknownMethod();
    alignas(std::max_align_t) char block[kArenaBytes];
    google::protobuf::ArenaOptions options;
    options.initial_block = block;
    options.initial_block_size = sizeof(block);
    google::protobuf::Arena arena(options);
    Admitted admitted;
    RETURN_IF_ERROR(Admit(parts, call, arena, record, admitted));
    CallContext const context(std::move(admitted.parts));
    ASSIGN_OR_RETURN(auto const* const message, entry->unary(context, *admitted.request, arena));
    RETURN_IF_ERROR(CheckResolved(context));
    if (!message->SerializeToString(&response)) return absl::InternalError("the response cannot be serialized");
    return absl::OkStatus();
  }

  absl::StatusOr<std::string> Serve(IncomingCall const& call, CallRecord record) const {
    std::string response;
    auto status = Finish(record, Caught([&] { return Handle(call, record, response); }));
    if (!status.ok()) return status;
    return response;
  }

  Parts parts;
  Served served;
  std::shared_ptr<Watched> watched = std::make_shared<Watched>();
};

// A handler's stream with the pipeline round it until its end.
class Pipeline::WatchedStream final : public ServerStream {
 public:
  WatchedStream(Pipeline::State const& state, std::shared_ptr<Gate> gate, CallRecord record, std::unique_ptr<ServerStream> inner)
      : state_(state), gate_(std::move(gate)), record_(std::move(record)), inner_(std::move(inner)) {}
  ~WatchedStream() override {
    inner_.reset();
    if (!ended_) state_.Finish(record_, absl::CancelledError("the door closed the stream")).IgnoreError();
  }

  absl::StatusOr<State> Next(CallContext const& call, std::vector<std::string>& out) override {
    if (ended_) return State::kDone;
    auto next = Caught([&]() -> absl::StatusOr<State> {
      if (gate_->draining()) return Draining();
      RETURN_IF_ERROR(call.Check());
      return inner_->Next(call, out);
    });
    if (next.ok() && *next != State::kDone) return next;
    ended_ = true;
    auto status = state_.Finish(record_, next.status());
    if (!status.ok()) return status;
    return next;
  }

  absl::Duration poll_after() const override { return inner_->poll_after(); }
  void Subscribe(std::function<void()> wake) override { inner_->Subscribe(std::move(wake)); }
  void Unsubscribe() override { inner_->Unsubscribe(); }

 private:
  Pipeline::State const& state_;
  std::shared_ptr<Gate> const gate_;
  CallRecord const record_;
  std::unique_ptr<ServerStream> inner_;
  bool ended_ = false;
};

Pipeline::Pipeline(Parts parts) : state_(std::make_unique<State>(std::move(parts))), gate_(std::make_shared<Gate>()) {}

Pipeline::~Pipeline() { Drain(); }

Router const& Pipeline::router() const { return *state_->parts.router; }
Executor& Pipeline::executor() { return *state_->parts.executor; }

void Pipeline::Drain() { gate_->Drain(); }

void Pipeline::Start(IncomingCall call, Done done) {
  struct Pending {
    Stay stay;  // first, so that it ends after everything that the call holds
    IncomingCall call;
    CallRecord record;
    Done done;
  };
  auto pending = std::make_shared<Pending>(Pending{Stay(gate_), std::move(call), {}, std::move(done)});
  pending->record = state_->Arrive(pending->call);
  auto const refuse = [&](absl::Status why) { pending->done(state_->Finish(pending->record, std::move(why)), ""); };
  if (!pending->stay.admitted()) return refuse(Draining());
  if (pending->record.method->entry == nullptr) return refuse(UnknownMethod());
  bool const taken = state_->parts.executor->Submit([this, pending] {
    auto const here = std::make_unique<Pending>(std::move(*pending));
    auto result = state_->Serve(here->call, std::move(here->record));
    if (result.ok()) {
      here->done(absl::OkStatus(), *std::move(result));
    } else {
      here->done(std::move(result).status(), "");
    }
  });
  if (!taken) refuse(Overloaded());
}

absl::StatusOr<std::string> Pipeline::Run(IncomingCall const& call) {
  Stay const stay(gate_);
  auto record = state_->Arrive(call);
  if (!stay.admitted()) return state_->Finish(record, Draining());
  return state_->Serve(call, std::move(record));
}

absl::StatusOr<Pipeline::OpenStream> Pipeline::Open(IncomingCall const& call) {
  Stay const stay(gate_);
  auto record = state_->Arrive(call);
  if (!stay.admitted()) return state_->Finish(record, Draining());
  auto const* const entry = record.method->entry;
  if (entry == nullptr || entry->stream == nullptr) return state_->Finish(record, UnknownMethod());
  OpenStream open;
  auto status = Caught([&]() -> absl::Status {
    google::protobuf::Arena arena;
    Admitted admitted;
    RETURN_IF_ERROR(Admit(state_->parts, call, arena, record, admitted));
    open.context = std::make_unique<CallContext>(std::move(admitted.parts));
    ASSIGN_OR_RETURN(open.stream, entry->stream(*open.context, *admitted.request));
    return CheckResolved(*open.context);
  });
  if (!status.ok()) return state_->Finish(record, std::move(status));
  open.stream = std::make_unique<WatchedStream>(*state_, gate_, std::move(record), std::move(open.stream));
  return open;
}

}  // namespace helhed
