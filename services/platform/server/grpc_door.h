#pragma once

#include <absl/status/status.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/impl/rpc_service_method.h>
#include <grpcpp/impl/service_type.h>
#include <grpcpp/support/async_stream.h>
#include <grpcpp/support/async_unary_call.h>

#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <unordered_map>
#include <vector>

#include "services/platform/pipeline/executor.h"
#include "services/platform/pipeline/pipeline.h"
#include "services/platform/server/completion.h"

// What the calls of a GrpcServer share. Private to the server.
namespace helhed::server {

// The methods of one service of the contract, all raw: bytes in, bytes out. One object for each service, because the names that
// grpc++ knows services by (reflection, health) are those of its grpc::Service objects.
class RawService final : public grpc::Service {
 public:
  explicit RawService(std::vector<Router::Entry const*> const& entries);

  void RequestUnary(int index, grpc::ServerContext* context, grpc::ByteBuffer* request,
                    grpc::ServerAsyncResponseWriter<grpc::ByteBuffer>* writer, grpc::ServerCompletionQueue* queue, Tag* tag) {
    RequestAsyncUnary(index, context, request, writer, queue, queue, tag);
  }
  void RequestStream(int index, grpc::ServerContext* context, grpc::ByteBuffer* request,
                     grpc::ServerAsyncWriter<grpc::ByteBuffer>* writer, grpc::ServerCompletionQueue* queue, Tag* tag) {
    RequestAsyncServerStreaming(index, context, request, writer, queue, queue, tag);
  }
};

// Where the calls of one method come in.
struct Endpoint {
  RawService* service = nullptr;
  int index = 0;
  Router::Entry const* entry = nullptr;
};

class StreamCall;

class Door {
 public:
  Door(Pipeline& pipeline, std::size_t streams_max) : pipeline_(pipeline), streams_max_(streams_max) {}

  Pipeline& pipeline() { return pipeline_; }
  // Runs what a cancelled call asked for. Not on a completion queue's thread: stopping a statement may take a round trip.
  Executor& stopper() { return stopper_; }

  // Every call, from its request on, counts: queues may be shut down when there are none.
  void CallBegins();
  void CallEnds();
  void WaitForCalls();

  // UNAVAILABLE DRAINING, or RESOURCE_EXHAUSTED OVERLOADED; otherwise the stream is one of those that Drain ends.
  absl::Status Admit(std::shared_ptr<StreamCall> const& stream);
  void Remove(StreamCall const* stream);
  // Ends all streams and admits no more.
  void DrainStreams();

 private:
  Pipeline& pipeline_;
  std::size_t const streams_max_;
  std::mutex mutex_;
  std::condition_variable idle_;
  std::size_t calls_ = 0;
  bool draining_ = false;
  std::unordered_map<StreamCall const*, std::weak_ptr<StreamCall>> streams_;
  Executor stopper_{1, 1U << 16U};
};

// A call counts for as long as it has one of these.
class Presence {
 public:
  explicit Presence(Door& door) : door_(door) { door_.CallBegins(); }
  ~Presence() { door_.CallEnds(); }
  Presence(Presence const&) = delete;
  Presence& operator=(Presence const&) = delete;

 private:
  Door& door_;
};

// Waits for the next call of a method and serves it, for as long as the server does.
void RequestUnary(Door& door, Endpoint const& endpoint, grpc::ServerCompletionQueue& queue);
void RequestStream(Door& door, Endpoint const& endpoint, grpc::ServerCompletionQueue& queue);

// Parts that both kinds of calls use.

// The request's bytes in one piece, without a copy when they came so.
grpc::Slice Flatten(grpc::ByteBuffer const& bytes);
// `bytes` without a copy, unless a copy is cheaper.
grpc::ByteBuffer ToBuffer(std::string bytes);
// What came with a call. The views in it live as long as `request`.
IncomingCall ToIncoming(Endpoint const& endpoint, grpc::ServerContext const& context, grpc::Slice const& request,
                        std::stop_token stop);

}  // namespace helhed::server
