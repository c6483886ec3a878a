#include <absl/strings/str_cat.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_certificate_verifier.h>
#include <grpcpp/security/tls_credentials_options.h>

#include <chrono>
#include <memory>
#include <string>

#include "services/platform/server/commands.h"

namespace helhed::server {
namespace {

constexpr std::chrono::seconds kAnswerTimeout{3};

// The service's own certificate serves as ours, and whose it shows is not checked: this is the same machine asking itself, by an
// address that no certificate names.
std::shared_ptr<grpc::ChannelCredentials> ClientCredentials(TlsOptions const& tls) {
  if (!tls.enabled()) return grpc::InsecureChannelCredentials();
  grpc::experimental::TlsChannelCredentialsOptions options;
  options.set_certificate_provider(
      std::make_shared<grpc::experimental::FileWatcherCertificateProvider>(tls.key_file, tls.certificate_file, 60));
  options.watch_identity_key_cert_pairs();
  options.set_verify_server_certs(false);
  options.set_check_call_host(false);
  options.set_certificate_verifier(std::make_shared<grpc::experimental::NoOpCertificateVerifier>());
  return grpc::experimental::TlsCredentials(options);
}

// Where a service that listens on all addresses is reached from here.
std::string Target(std::string const& listen) {
  auto const address = ParseAddress(listen);
  if (!address) return listen;
  if (address->host == "0.0.0.0") return absl::StrCat("127.0.0.1:", address->port);
  if (address->host == "::") return absl::StrCat("[::1]:", address->port);
  return listen;
}

}  // namespace

absl::Status CheckHealth(Options const& options) {
  auto const target = Target(options.grpc.listen);
  grpc::GenericStub stub(grpc::CreateChannel(target, ClientCredentials(options.grpc.tls)));
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kAnswerTimeout);
  grpc::CompletionQueue queue;
  // An empty HealthCheckRequest asks about the whole server. (A ByteBuffer without a slice would be no message at all.)
  grpc::Slice const nothing;
  auto const call = stub.PrepareUnaryCall(&context, "/grpc.health.v1.Health/Check", grpc::ByteBuffer(&nothing, 1), &queue);
  grpc::ByteBuffer response;
  grpc::Status status;
  call->StartCall();
  call->Finish(&response, &status, nullptr);
  void* tag = nullptr;
  bool ok = false;
  queue.Next(&tag, &ok);
  queue.Shutdown();
  while (queue.Next(&tag, &ok)) {
  }
  if (!status.ok()) return absl::UnavailableError(absl::StrCat(target, ": ", status.error_message()));
  grpc::Slice bytes;
  // HealthCheckResponse{status: SERVING}: field 1, varint 1.
  if (!response.DumpToSingleSlice(&bytes).ok() || std::string(bytes.begin(), bytes.end()) != "\x08\x01") {
    return absl::UnavailableError(absl::StrCat(target, " is not serving"));
  }
  return absl::OkStatus();
}

}  // namespace helhed::server
