#include "services/platform/server/grpc_server.h"

#include <absl/strings/str_cat.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/resource_quota.h>
#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_credentials_options.h>

#include <algorithm>
#include <fstream>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "services/platform/base/status.h"
#include "services/platform/base/strings.h"
#include "services/platform/server/grpc_door.h"

namespace helhed::server {
namespace {

// Linking grpc++'s reflection puts it into every server of the process; this leaves it out unless it was asked for.
class Reflection final : public grpc::ServerBuilderOption {
 public:
  explicit Reflection(bool on) : on_(on) {}
  void UpdateArguments(grpc::ChannelArguments*) override {}
  void UpdatePlugins(std::vector<std::unique_ptr<grpc::ServerBuilderPlugin>>* plugins) override {
    auto plugin = std::make_unique<grpc::reflection::ProtoServerReflectionPlugin>();
    std::erase_if(*plugins, [&](auto const& other) { return other->name() == plugin->name(); });
    if (on_) plugins->push_back(std::move(plugin));
  }

 private:
  bool on_;
};

absl::Status CheckReadable(std::string const& path) {
  if (path.empty() || std::ifstream(path).good()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("cannot read ", path));
}

absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> Credentials(TlsOptions const& tls) {
  if (!tls.enabled()) return grpc::InsecureServerCredentials();
  if (tls.certificate_file.empty() || tls.key_file.empty()) {
    return absl::InvalidArgumentError("TLS needs a certificate file and a key file");
  }
  // gRPC would only log this, and refuse every handshake.
  for (auto const* const path : {&tls.certificate_file, &tls.key_file, &tls.client_ca_file})
    RETURN_IF_ERROR(CheckReadable(*path));
  auto const seconds = static_cast<unsigned>(std::max<std::int64_t>(1, absl::ToInt64Seconds(tls.refresh)));
  grpc::experimental::TlsServerCredentialsOptions options(std::make_shared<grpc::experimental::FileWatcherCertificateProvider>(
      tls.key_file, tls.certificate_file, tls.client_ca_file, seconds));
  options.watch_identity_key_cert_pairs();
  if (!tls.client_ca_file.empty()) {
    options.watch_root_certs();
    options.set_cert_request_type(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  }
  return grpc::experimental::TlsServerCredentials(options);
}

int RequestBytesMax(Router const& router) {
  std::size_t most = 0;
  for (auto const* const entry : router.entries()) most = std::max(most, entry->method->request_bytes_max());
  // A little more than the contract allows, so that a request just over the limit gets the contract's own error, which names it.
  return static_cast<int>(most + most / 4 + 4096);
}

// Limits and times of connections. Peers are our own gateway and services, on a network that is not open to others.
void Limit(grpc::ServerBuilder& builder, Router const& router, GrpcServerOptions const& options) {
  // Otherwise two servers may share a port, and each gets some of the calls.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.SetMaxReceiveMessageSize(RequestBytesMax(router));
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, 16 * 1024);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, 128);
  builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, 10'000);
  // What our clients send (client/grpc_channel.cc) must be allowed here, or gRPC answers ENHANCE_YOUR_CALM.
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 15'000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, 60'000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 20'000);
  // Connections age, so that callers spread over instances that were added.
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_MS, 5 * 60'000);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_GRACE_MS, 30'000);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_IDLE_MS, 10 * 60'000);
  // No compression inside the house: it costs more than it saves, and hides how large a message becomes.
  builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_DEFLATE, false);
  builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_GZIP, false);
  builder.SetResourceQuota(
      grpc::ResourceQuota("helhed").Resize(static_cast<std::size_t>(std::max<std::int64_t>(options.buffer_bytes_max, 1 << 20))));
}

}  // namespace

struct GrpcServer::State {
  State(Pipeline& pipeline, GrpcServerOptions const& server_options)
      : options(server_options), door(pipeline, static_cast<std::size_t>(server_options.streams_max)) {}

  void AddServices(grpc::ServerBuilder& builder);
  void Serve();
  void Drain(absl::Time deadline);

  GrpcServerOptions options;
  Door door;
  std::vector<std::unique_ptr<RawService>> services;
  std::vector<std::unique_ptr<Endpoint>> endpoints;
  std::vector<std::unique_ptr<grpc::ServerCompletionQueue>> queues;
  std::unique_ptr<grpc::Server> server;
  std::vector<std::thread> threads;
  int port = 0;
  std::once_flag drained;
};

void GrpcServer::State::AddServices(grpc::ServerBuilder& builder) {
  auto const& router = door.pipeline().router();
  for (auto const& name : router.services()) {
    std::vector<Router::Entry const*> entries;
    for (auto const* const entry : router.entries()) {
      if (entry->method->descriptor().service()->full_name() == name) entries.push_back(entry);
    }
    services.push_back(std::make_unique<RawService>(entries));
    for (std::size_t i = 0; i < entries.size(); ++i) {
      endpoints.push_back(std::make_unique<Endpoint>(Endpoint{services.back().get(), static_cast<int>(i), entries[i]}));
    }
    builder.RegisterService(services.back().get());
  }
}

void GrpcServer::State::Serve() {
  for (auto const& queue : queues) {
    for (auto const& endpoint : endpoints) {
      if (endpoint->entry->stream) {
        RequestStream(door, *endpoint, *queue);
      } else {
        RequestUnary(door, *endpoint, *queue);
      }
    }
    threads.emplace_back([&queue = *queue] {
      void* tag = nullptr;
      for (bool ok = false; queue.Next(&tag, &ok);) static_cast<Tag*>(tag)->Run(ok);
    });
  }
}

void GrpcServer::State::Drain(absl::Time deadline) {
  if (auto* const health = server->GetHealthCheckService()) health->Shutdown();
  door.DrainStreams();
  server->Shutdown(absl::ToChronoTime(deadline));
  // Nothing may be started on a queue that was shut down; when the last call is gone nobody does.
  door.WaitForCalls();
  for (auto const& queue : queues) queue->Shutdown();
  for (auto& thread : threads) thread.join();
}

absl::StatusOr<std::unique_ptr<GrpcServer>> GrpcServer::Start(Pipeline& pipeline, GrpcServerOptions const& options) {
  // The process's default, for which there is no other way; it is the same for every server here, so once is enough.
  static std::once_flag health;
  std::call_once(health, [] { grpc::EnableDefaultHealthCheckService(true); });
  ASSIGN_OR_RETURN(auto const credentials, Credentials(options.tls));
  auto state = std::make_unique<State>(pipeline, options);
  grpc::ServerBuilder builder;
  builder.SetOption(std::make_unique<Reflection>(options.reflection));
  Limit(builder, pipeline.router(), options);
  state->AddServices(builder);
  builder.AddListeningPort(options.listen, credentials, &state->port);
  for (int i = 0; i < options.completion_queues; ++i) state->queues.push_back(builder.AddCompletionQueue());
  state->server = builder.BuildAndStart();
  if (!state->server || state->port == 0) {
    return absl::UnavailableError(absl::StrCat("cannot listen on ", options.listen, ": is the address right, and free?"));
  }
  state->Serve();
  std::unique_ptr<GrpcServer> server(new GrpcServer(std::move(state)));
  server->SetServing(true);
  return server;
}

GrpcServer::GrpcServer(std::unique_ptr<State> state) : state_(std::move(state)) {}

GrpcServer::~GrpcServer() { Drain(absl::Now()); }

int GrpcServer::port() const { return state_->port; }

void GrpcServer::SetServing(bool serving) {
  auto* const health = state_->server->GetHealthCheckService();
  if (health == nullptr) return;
  health->SetServingStatus("", serving);
  for (auto const& name : state_->door.pipeline().router().services()) health->SetServingStatus(name, serving);
}

void GrpcServer::Drain(absl::Time deadline) {
  std::call_once(state_->drained, [&] { state_->Drain(deadline); });
}

}  // namespace helhed::server
