#include <absl/strings/str_cat.h>
#include <google/rpc/status.pb.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_credentials_options.h>

#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

#include "helhed/common/v1/errors.pb.h"
#include "services/platform/base/status.h"
#include "services/platform/client/channel.h"
#include "services/platform/identity/identity.h"

namespace helhed::client {
namespace {

constexpr unsigned kCertificateRefreshSeconds = 30;
// What a response may take. Requests are limited by the contract, responses by page sizes.
constexpr int kResponseBytesMax = 64 << 20;

// One call has a queue of its own and its caller waits on it: grpc++'s shared callback queue sleeps when the process is idle.
class OwnQueue {
 public:
  OwnQueue() = default;
  OwnQueue(OwnQueue const&) = delete;
  OwnQueue& operator=(OwnQueue const&) = delete;
  ~OwnQueue() {
    queue_.Shutdown();
    void* tag = nullptr;
    for (bool ok = false; queue_.Next(&tag, &ok);) {
    }
  }

  grpc::CompletionQueue* get() { return &queue_; }
  // Waits for the one operation that is under way; whether it went well.
  bool Wait() {
    void* tag = nullptr;
    bool ok = false;
    return queue_.Next(&tag, &ok) && ok;
  }

 private:
  grpc::CompletionQueue queue_;
};

grpc::ByteBuffer ToBuffer(std::string_view bytes) {
  grpc::Slice const slice(bytes.data(), bytes.size());
  return {&slice, 1};
}

std::string ToString(grpc::ByteBuffer const& bytes) {
  grpc::Slice slice;
  if (!bytes.TrySingleSlice(&slice).ok() && !bytes.DumpToSingleSlice(&slice).ok()) return {};
  return {reinterpret_cast<char const*>(slice.begin()), slice.size()};
}

void Prepare(grpc::ClientContext& context, CallOptions const& options) {
  if (options.deadline != absl::InfiniteFuture()) context.set_deadline(absl::ToChronoTime(options.deadline));
  if (!options.identity.empty()) context.AddMetadata(std::string(identity::kIdentityKey), options.identity);
  if (!options.bearer_token.empty()) context.AddMetadata("authorization", "Bearer " + options.bearer_token);
  if (!options.traceparent.empty()) context.AddMetadata("traceparent", options.traceparent);
}

// What a service says comes with details. What has none is gRPC's own word, about the way to the service.
absl::Status ToStatus(grpc::Status const& status, CallOptions const& options) {
  if (status.ok()) return absl::OkStatus();
  google::rpc::Status proto;
  if (!status.error_details().empty() && proto.ParseFromString(status.error_details()) &&
      proto.code() == static_cast<int>(status.error_code())) {
    return FromProto(proto);
  }
  switch (status.error_code()) {
    case grpc::StatusCode::DEADLINE_EXCEEDED:
      return Error(absl::StatusCode::kDeadlineExceeded, common::v1::ERROR_REASON_DEADLINE_EXCEEDED,
                   "The service did not answer in time.");
    case grpc::StatusCode::CANCELLED:
      if (options.stop.stop_requested()) {
        return Error(absl::StatusCode::kCancelled, common::v1::ERROR_REASON_CANCELLED, "The caller went away.");
      }
      // We did not cancel, and a handler that did would have said so: the server let the call go while it was shutting down.
      return absl::UnavailableError("The service let the call go.");
    default:
      return absl::Status(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
  }
}

// Keeps a channel connected. gRPC's core works on a connection only while somebody waits on a queue that takes part in it, and a
// call to a service that is away fails too soon to do that: without this a service that came back was found only when the attempt
// to connect timed out.
class Attendant {
 public:
  explicit Attendant(std::shared_ptr<grpc::Channel> channel) : channel_(std::move(channel)), thread_([this] { Attend(); }) {}
  Attendant(Attendant const&) = delete;
  Attendant& operator=(Attendant const&) = delete;
  // By now the channel is nobody else's, so that letting it go closes it, which ends the wait.
  ~Attendant() {
    {
      std::scoped_lock const lock(mutex_);
      channel_.reset();
    }
    thread_.join();
    queue_.Shutdown();
    void* tag = nullptr;
    for (bool ok = false; queue_.Next(&tag, &ok);) {
    }
  }

 private:
  // Asks to be told when the state is another one; false when the channel is closed.
  bool Ask() {
    std::scoped_lock const lock(mutex_);
    if (channel_ == nullptr) return false;
    channel_->NotifyOnStateChange(channel_->GetState(true), std::chrono::system_clock::time_point::max(), &queue_, this);
    return true;
  }
  void Attend() {
    void* tag = nullptr;
    bool ok = false;
    while (Ask() && queue_.Next(&tag, &ok)) {
    }
  }

  std::mutex mutex_;
  std::shared_ptr<grpc::Channel> channel_;
  grpc::CompletionQueue queue_;
  std::thread thread_;
};

class GrpcChannel final : public Channel {
 public:
  explicit GrpcChannel(std::shared_ptr<grpc::Channel> const& channel) : attendant_(channel), stub_(channel) {}

  absl::StatusOr<std::string> Call(contract::Method const& method, std::string_view request,
                                   CallOptions const& options) override {
    grpc::ClientContext context;
    Prepare(context, options);
    OwnQueue queue;
    auto const call = stub_.PrepareUnaryCall(&context, method.path(), ToBuffer(request), queue.get());
    std::stop_callback const cancel(options.stop, [&] { context.TryCancel(); });
    grpc::ByteBuffer response;
    grpc::Status status;
    call->StartCall();
    call->Finish(&response, &status, &queue);
    queue.Wait();
    if (!status.ok()) return ToStatus(status, options);
    return ToString(response);
  }

  absl::Status Stream(contract::Method const& method, std::string_view request, CallOptions const& options,
                      std::function<bool(std::string_view)> const& on_message) override {
    grpc::ClientContext context;
    Prepare(context, options);
    OwnQueue queue;
    auto const call = stub_.PrepareCall(&context, method.path(), queue.get());
    std::stop_callback const cancel(options.stop, [&] { context.TryCancel(); });
    call->StartCall(&queue);
    bool ok = queue.Wait();
    if (ok) {
      call->WriteLast(ToBuffer(request), grpc::WriteOptions(), &queue);
      ok = queue.Wait();
    }
    bool ended_here = false;
    while (ok && !ended_here) {
      grpc::ByteBuffer message;
      call->Read(&message, &queue);
      ok = queue.Wait();
      ended_here = ok && !on_message(ToString(message));
    }
    if (ended_here) context.TryCancel();
    grpc::Status status;
    call->Finish(&status, &queue);
    queue.Wait();
    return ended_here ? absl::OkStatus() : ToStatus(status, options);
  }

 private:
  // Goes last.
  Attendant attendant_;
  grpc::GenericStub stub_;
};

std::shared_ptr<grpc::ChannelCredentials> Credentials(GrpcOptions const& options) {
  if (options.ca_file.empty() && options.certificate_file.empty() && options.key_file.empty()) {
    return grpc::InsecureChannelCredentials();
  }
  // Looks at the files again and again, so that certificates are renewed without a restart.
  grpc::experimental::TlsChannelCredentialsOptions tls;
  tls.set_certificate_provider(std::make_shared<grpc::experimental::FileWatcherCertificateProvider>(
      options.key_file, options.certificate_file, options.ca_file, kCertificateRefreshSeconds));
  if (!options.ca_file.empty()) tls.watch_root_certs();
  if (!options.certificate_file.empty()) tls.watch_identity_key_cert_pairs();
  return grpc::experimental::TlsCredentials(tls);
}

}  // namespace

std::unique_ptr<Channel> ConnectGrpc(GrpcOptions const& options) {
  grpc::ChannelArguments arguments;
  arguments.SetLoadBalancingPolicyName("round_robin");
  arguments.SetInt(GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 30'000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 10'000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  // A service that was restarted is found again soon.
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 5'000);
  // What is started again has another address in most clusters; without this its name is not looked up again for half a minute.
  arguments.SetInt(GRPC_ARG_DNS_MIN_TIME_BETWEEN_RESOLUTIONS_MS, 1'000);
  arguments.SetMaxReceiveMessageSize(kResponseBytesMax);
  return std::make_unique<GrpcChannel>(grpc::CreateCustomChannel(options.target, Credentials(options), arguments));
}

}  // namespace helhed::client
