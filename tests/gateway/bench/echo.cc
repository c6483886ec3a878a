#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/grpcpp.h>

#include <iostream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

// A bare gRPC echo, what nginx stands in front of in the benchmark of the gateway: asynchronous, with a completion queue a
// thread, and nothing in it. `helhed_bench_echo HOST:PORT`
namespace {

class Call {
 public:
  Call(grpc::AsyncGenericService& service, grpc::ServerCompletionQueue& queue)
      : service_(service), queue_(queue), stream_(&context_) {
    service_.RequestCall(&context_, &stream_, &queue_, &queue_, this);
  }

  // Goes one step; false when it is over.
  bool Step(bool ok) {
    switch (next_++) {
      case 0:
        if (!ok) return false;
        new Call(service_, queue_);  // deletes itself, as this one does
        stream_.Read(&bytes_, this);
        return true;
      case 1:
        stream_.WriteAndFinish(bytes_, grpc::WriteOptions(), grpc::Status::OK, this);
        return true;
      default:
        return false;
    }
  }

 private:
  grpc::AsyncGenericService& service_;
  grpc::ServerCompletionQueue& queue_;
  grpc::GenericServerContext context_;
  grpc::GenericServerAsyncReaderWriter stream_;
  grpc::ByteBuffer bytes_;
  int next_ = 0;
};

void Serve(grpc::ServerCompletionQueue& queue) {
  void* tag = nullptr;
  bool ok = false;
  while (queue.Next(&tag, &ok)) {
    auto* const call = static_cast<Call*>(tag);
    if (!call->Step(ok)) delete call;
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  grpc::AsyncGenericService service;
  grpc::ServerBuilder builder;
  builder.AddListeningPort(argv[1], grpc::InsecureServerCredentials());
  builder.RegisterAsyncGenericService(&service);
  std::vector<std::unique_ptr<grpc::ServerCompletionQueue>> queues;
  for (int i = 0; i < 2; ++i) queues.push_back(builder.AddCompletionQueue());
  auto const server = builder.BuildAndStart();
  if (server == nullptr) return 1;
  std::vector<std::thread> threads;
  constexpr int waiting = 64;
  for (auto const& queue : queues) {
    for (int i = 0; i < waiting; ++i) new Call(service, *queue);
    threads.emplace_back([&queue = *queue] { Serve(queue); });
  }
  std::cout << "serving" << std::endl;
  for (auto& thread : threads) thread.join();
  return 0;
}
