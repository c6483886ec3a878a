#pragma once

#include <absl/status/status.h>
#include <absl/time/time.h>
#include <grpcpp/alarm.h>
#include <grpcpp/grpcpp.h>

#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>

#include "services/platform/server/completion.h"
#include "services/platform/server/grpc_door.h"

namespace helhed::server {

// A server stream under way. Exactly one thread at a time works for it: a thread of the executor that asks the stream for
// messages, or the queue's thread that writes them, one write at a time, so that gRPC's flow control holds the stream back when
// the caller is slow. While the stream waits nobody works for it; whoever takes it out of that phase goes on working.
class StreamCall final : public std::enable_shared_from_this<StreamCall> {
 public:
  StreamCall(Door& door, Endpoint const& endpoint, grpc::ServerCompletionQueue& queue)
      : presence_(door), door_(door), endpoint_(endpoint), queue_(queue) {}
  StreamCall(StreamCall const&) = delete;
  StreamCall& operator=(StreamCall const&) = delete;

  void Request();
  // Ends the stream with `why` as soon as nobody works for it. From any thread.
  void Stop(absl::Status why);

 private:
  enum class Phase { kWorking, kWaiting };
  class Pause;

  void Arrived(bool ok);
  void Open();
  void Work();
  void Pump();
  void Continue();
  void Written(bool ok);
  // `heed_wakes`: a wake-up or a stop since the stream was last asked ends the wait before it begins.
  void Wait(absl::Duration at_most, bool heed_wakes);
  void Wake();
  void Expired(Pause const* pause);
  void End(absl::Status const& status);
  void Finished(bool);
  void Done(bool);
  std::optional<absl::Status> Why();

  Presence const presence_;  // first, so that it ends last
  Door& door_;
  Endpoint const& endpoint_;
  grpc::ServerCompletionQueue& queue_;
  grpc::ServerContext context_;
  grpc::ByteBuffer bytes_;
  grpc::Slice request_;
  grpc::ServerAsyncWriter<grpc::ByteBuffer> writer_{&context_};
  std::stop_source stop_;
  Pipeline::OpenStream open_;
  std::deque<std::string> messages_;
  ServerStream::State next_ = ServerStream::State::kMore;

  std::mutex mutex_;  // guards what follows
  Phase phase_ = Phase::kWorking;
  bool woken_ = false;
  std::optional<absl::Status> why_;
  std::shared_ptr<Pause> pause_;

  Step<StreamCall> arrived_{&StreamCall::Arrived};
  Step<StreamCall> written_{&StreamCall::Written};
  Step<StreamCall> done_{&StreamCall::Done};
  Step<StreamCall> finished_{&StreamCall::Finished};
};

}  // namespace helhed::server
