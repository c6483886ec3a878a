#include "services/platform/server/grpc_door.h"

#include <absl/time/time.h>

#include <chrono>
#include <stop_token>
#include <string_view>
#include <utility>

#include "helhed/common/v1/errors.pb.h"
#include "services/platform/base/status.h"
#include "services/platform/identity/identity.h"
#include "services/platform/server/grpc_stream.h"

namespace helhed::server {
namespace {

// Below this, a copy costs less than the bookkeeping of a foreign buffer.
constexpr std::size_t kCopyBytesMax = 1024;

// The value under a key, or empty when there is none or more than one: which one counts is nothing to guess about.
std::string Metadata(grpc::ServerContext const& context, std::string_view key) {
  auto const [first, last] = context.client_metadata().equal_range(grpc::string_ref(key.data(), key.size()));
  if (first == last || std::next(first) != last) return {};
  return {first->second.data(), first->second.size()};
}

absl::Time Deadline(grpc::ServerContext const& context) {
  auto const deadline = context.deadline();
  if (deadline == std::chrono::system_clock::time_point::max()) return absl::InfiniteFuture();
  return absl::FromChrono(deadline);
}

}  // namespace

RawService::RawService(std::vector<Router::Entry const*> const& entries) {
  using grpc::internal::RpcMethod;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    auto const type = entries[i]->stream ? RpcMethod::SERVER_STREAMING : RpcMethod::NORMAL_RPC;
    // The service owns the method; the path lives as long as the contract.
    AddMethod(new grpc::internal::RpcServiceMethod(entries[i]->method->path().c_str(), type, nullptr));
    MarkMethodRaw(static_cast<int>(i));
  }
}

void Door::CallBegins() {
  std::lock_guard const lock(mutex_);
  ++calls_;
}

void Door::CallEnds() {
  std::lock_guard const lock(mutex_);
  if (--calls_ == 0) idle_.notify_all();
}

void Door::WaitForCalls() {
  std::unique_lock lock(mutex_);
  idle_.wait(lock, [this] { return calls_ == 0; });
}

absl::Status Door::Admit(std::shared_ptr<StreamCall> const& stream) {
  std::lock_guard const lock(mutex_);
  if (draining_) {
    return Error(absl::StatusCode::kUnavailable, common::v1::ERROR_REASON_DRAINING,
                 "The service is shutting down. Call again: another instance will answer.");
  }
  if (streams_.size() >= streams_max_) {
    return WithRetryDelay(Error(absl::StatusCode::kResourceExhausted, common::v1::ERROR_REASON_OVERLOADED,
                                "The service has as many open streams as it takes. Try again later."),
                          std::chrono::seconds(5));
  }
  streams_.emplace(stream.get(), stream);
  return absl::OkStatus();
}

void Door::Remove(StreamCall const* stream) {
  std::lock_guard const lock(mutex_);
  streams_.erase(stream);
}

void Door::DrainStreams() {
  std::vector<std::shared_ptr<StreamCall>> streams;
  {
    std::lock_guard const lock(mutex_);
    draining_ = true;
    for (auto const& [key, weak] : streams_) {
      if (auto stream = weak.lock()) streams.push_back(std::move(stream));
    }
  }
  for (auto const& stream : streams) {
    stream->Stop(Error(absl::StatusCode::kUnavailable, common::v1::ERROR_REASON_DRAINING,
                       "The service is shutting down. Go on from the last cursor: another instance will answer."));
  }
}

grpc::Slice Flatten(grpc::ByteBuffer const& bytes) {
  grpc::Slice slice;
  // Both fail only for a buffer without bytes, which reads as an empty message.
  if (!bytes.TrySingleSlice(&slice).ok() && !bytes.DumpToSingleSlice(&slice).ok()) return {};
  return slice;
}

grpc::ByteBuffer ToBuffer(std::string bytes) {
  if (bytes.size() <= kCopyBytesMax) {
    grpc::Slice const copy(bytes.data(), bytes.size());
    return {&copy, 1};
  }
  auto* const kept = new std::string(std::move(bytes));
  grpc::Slice const slice(
      kept->data(), kept->size(), [](void* string) { delete static_cast<std::string*>(string); }, kept);
  return {&slice, 1};
}

IncomingCall ToIncoming(Endpoint const& endpoint, grpc::ServerContext const& context, grpc::Slice const& request,
                        std::stop_token stop) {
  IncomingCall call;
  call.path = endpoint.entry->method->path();
  call.request = {reinterpret_cast<char const*>(request.begin()), request.size()};
  call.identity = Metadata(context, identity::kIdentityKey);
  call.traceparent = Metadata(context, "traceparent");
  call.deadline = Deadline(context);
  call.stop = std::move(stop);
  return call;
}

}  // namespace helhed::server
