#include <grpcpp/grpcpp.h>

#include <memory>
#include <stop_token>
#include <string>
#include <utility>

#include "services/platform/server/grpc_door.h"
#include "services/platform/server/grpc_status.h"

namespace helhed::server {
namespace {

class UnaryCall final : public std::enable_shared_from_this<UnaryCall> {
 public:
  UnaryCall(Door& door, Endpoint const& endpoint, grpc::ServerCompletionQueue& queue)
      : presence_(door), door_(door), endpoint_(endpoint), queue_(queue) {}
  UnaryCall(UnaryCall const&) = delete;
  UnaryCall& operator=(UnaryCall const&) = delete;

  void Request() {
    // Before the request, because gRPC takes it only then.
    context_.AsyncNotifyWhenDone(done_.Of(shared_from_this()));
    endpoint_.service->RequestUnary(endpoint_.index, &context_, &bytes_, &writer_, &queue_, arrived_.Of(shared_from_this()));
  }

 private:
  void Arrived(bool ok) {
    if (!ok) {
      // The server is shutting down. The notification of a call that never began is never given back (grpc/grpc#10136).
      done_.Forget();
      return;
    }
    RequestUnary(door_, endpoint_, queue_);
    request_ = Flatten(bytes_);
    door_.pipeline().Start(ToIncoming(endpoint_, context_, request_, stop_.get_token()),
                           [call = shared_from_this()](absl::Status const& status, std::string response) {
                             call->Finish(status, std::move(response));
                           });
  }

  void Finish(absl::Status const& status, std::string response) {
    if (status.ok()) {
      writer_.Finish(ToBuffer(std::move(response)), grpc::Status::OK, finished_.Of(shared_from_this()));
    } else {
      writer_.FinishWithError(ToGrpc(status), finished_.Of(shared_from_this()));
    }
  }

  void Done(bool) {
    if (!context_.IsCancelled()) return;
    auto const stop = [call = shared_from_this()] { call->stop_.request_stop(); };
    if (!door_.stopper().Submit(stop)) stop();
  }

  void Finished(bool) {}

  Presence const presence_;  // first, so that it ends last
  Door& door_;
  Endpoint const& endpoint_;
  grpc::ServerCompletionQueue& queue_;
  grpc::ServerContext context_;
  grpc::ByteBuffer bytes_;
  grpc::Slice request_;
  grpc::ServerAsyncResponseWriter<grpc::ByteBuffer> writer_{&context_};
  std::stop_source stop_;
  Step<UnaryCall> arrived_{&UnaryCall::Arrived};
  Step<UnaryCall> done_{&UnaryCall::Done};
  Step<UnaryCall> finished_{&UnaryCall::Finished};
};

}  // namespace

void RequestUnary(Door& door, Endpoint const& endpoint, grpc::ServerCompletionQueue& queue) {
  std::make_shared<UnaryCall>(door, endpoint, queue)->Request();
}

}  // namespace helhed::server
