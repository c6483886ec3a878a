#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <boost/asio/steady_timer.hpp>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>

#include <chrono>
#include <optional>
#include <set>
#include <utility>

#include "gateway/door/grpc_answer.h"
#include "gateway/door/handlers.h"
#include "gateway/door/wire.h"
#include "gateway/upstream/grpc_wire.h"
#include "services/platform/base/status.h"

namespace helhed::gateway::door {
namespace {

constexpr std::string_view kHealth = "/grpc.health.v1.Health/";
constexpr std::string_view kReflection = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";
constexpr std::string_view kReflectionAlpha = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo";
constexpr std::size_t kRequestBytesMax = 4096;
constexpr auto kHealthInterval = std::chrono::seconds(1);

// What gRPC's own services have in common.
class ExtraHandler : public http::Handler {
 public:
  ExtraHandler(Desk& desk, http::RequestHead head, http::Exchange& exchange)
      : desk_(desk), visit_(desk, std::move(head), exchange, Transport::kGrpc) {}

  void OnBody(std::string_view bytes) override {
    visit_.exchange().Consume(bytes.size());
    if (visit_.closed()) return;
    auto const fed = deframer_.Feed(bytes, [this](std::string const& message) {
      std::vector<WireField> fields;
      if (ReadWire(message, fields)) {
        Take(message, fields);
      } else {
        End(absl::InvalidArgumentError("not a message of this method"));
      }
      return !visit_.closed();
    });
    if (!fed.ok() && !visit_.closed()) End(fed);
  }
  void OnGone() override {
    if (!visit_.closed()) visit_.Close(absl::CancelledError("The caller went away."));
  }

 protected:
  virtual void Take(std::string const& message, std::vector<WireField> const& fields) = 0;

  void Send(std::string const& message) {
    if (!visit_.responded()) visit_.Respond(200, GrpcHead());
    visit_.exchange().Write(upstream::Framed(message));
  }
  void End(absl::Status const& status) {
    if (!visit_.responded()) visit_.Respond(200, GrpcHead());
    visit_.Close(status);
    visit_.exchange().Finish(GrpcTrailers(status, ""));
  }
  Desk& desk() { return desk_; }
  Visit& visit() { return visit_; }

 private:
  Desk& desk_;
  Visit visit_;
  upstream::Deframer deframer_{kRequestBytesMax};
};

// grpc.health.v1: SERVING when calls can be served; of a service, when it can be reached. Says nothing that needs an identity.
class HealthHandler final : public ExtraHandler, private Lasting {
 public:
  enum Serving : std::uint64_t { kServing = 1, kNotServing = 2, kServiceUnknown = 3 };

  HealthHandler(Desk& desk, http::RequestHead head, http::Exchange& exchange, bool watches)
      : ExtraHandler(desk, std::move(head), exchange), watches_(watches), timer_(desk.loop) {}
  ~HealthHandler() override { desk().lasting.erase(this); }
  HealthHandler(HealthHandler const&) = delete;
  HealthHandler& operator=(HealthHandler const&) = delete;

  void OnBodyEnd() override {
    if (!asked_ && !visit().closed()) End(absl::InvalidArgumentError("The call must have exactly one message."));
  }

 private:
  void Take(std::string const&, std::vector<WireField> const& fields) override {
    if (std::exchange(asked_, true)) return;
    for (auto const& field : fields) {
      if (field.number == 1) service_ = field.bytes;
    }
    if (watches_) {
      if (desk().drained) return End(Draining());
      desk().lasting.insert(this);
      return Watch();
    }
    auto const serving = Ask();
    if (serving == kServiceUnknown) return End(absl::NotFoundError("unknown service"));
    Tell(serving);
    End(absl::OkStatus());
  }

  Serving Ask() {
    auto const& parts = desk().parts;
    if (service_.empty()) return Readiness(parts, desk().upstreams).ok() ? kServing : kNotServing;
    auto const upstream = desk().upstreams.find(parts.catalogue->AnswersService(service_));
    if (upstream == desk().upstreams.end()) return kServiceUnknown;
    return upstream->second->available() && !parts.draining->load() ? kServing : kNotServing;
  }

  void EndForDrain() override {
    if (visit().closed()) return;
    if (told_ != kNotServing) Tell(kNotServing);
    End(Draining());
  }

  void Tell(Serving serving) {
    std::string message;
    AppendWire(1, serving, message);
    Send(message);
    told_ = serving;
  }

  void Watch() {
    if (auto const serving = Ask(); told_ != serving) Tell(serving);
    timer_.expires_after(kHealthInterval);
    timer_.async_wait([this, alive = std::weak_ptr(alive_)](boost::system::error_code error) {
      if (!error && alive.lock() != nullptr && !visit().closed()) Watch();
    });
  }

  bool const watches_;
  bool asked_ = false;
  std::string service_;
  std::optional<Serving> told_;
  boost::asio::steady_timer timer_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

// grpc.reflection: what is offered, with the files that it needs. Field numbers are those of reflection.proto.
class ReflectionHandler final : public ExtraHandler {
 public:
  using ExtraHandler::ExtraHandler;

  void OnBodyEnd() override {
    if (!visit().closed()) End(absl::OkStatus());
  }

 private:
  void Take(std::string const& message, std::vector<WireField> const& fields) override {
    std::string response;
    AppendWire(2, message, response);  // original_request
    for (auto const& field : fields) {
      switch (field.number) {
        case 3:  // file_by_filename
          AppendFile(Pool().FindFileByName(std::string(field.bytes)), response);
          break;
        case 4:  // file_containing_symbol
          AppendFile(Pool().FindFileContainingSymbol(std::string(field.bytes)), response);
          break;
        case 5:  // file_containing_extension
          AppendExtension(field.bytes, response);
          break;
        case 6:  // all_extension_numbers_of_type
          AppendNumbers(std::string(field.bytes), response);
          break;
        case 7:  // list_services
          AppendServices(response);
          break;
        default:
          break;
      }
    }
    Send(response);
  }

  static google::protobuf::DescriptorPool const& Pool() { return *google::protobuf::DescriptorPool::generated_pool(); }

  static void AppendError(std::string& response) {
    std::string error;
    AppendWire(1, static_cast<std::uint64_t>(absl::StatusCode::kNotFound), error);
    AppendWire(2, "not found", error);
    AppendWire(7, error, response);
  }

  // The file and all that it imports, each once.
  static void Gather(google::protobuf::FileDescriptor const& file, std::set<std::string>& seen, std::string& files) {
    if (!seen.insert(file.name()).second) return;
    google::protobuf::FileDescriptorProto proto;
    file.CopyTo(&proto);
    AppendWire(1, proto.SerializeAsString(), files);
    for (int i = 0; i < file.dependency_count(); ++i) Gather(*file.dependency(i), seen, files);
  }

  static void AppendFile(google::protobuf::FileDescriptor const* file, std::string& response) {
    // The house's own files and those of the contract's imports; what else is linked in is nobody's business.
    if (file == nullptr || !(absl::StartsWith(file->name(), "helhed/") || absl::StartsWith(file->name(), "google/"))) {
      return AppendError(response);
    }
    std::set<std::string> seen;
    std::string files;
    Gather(*file, seen, files);
    AppendWire(4, files, response);
  }

  static void AppendExtension(std::string_view request, std::string& response) {
    std::vector<WireField> fields;
    std::string type;
    int number = 0;
    if (!ReadWire(request, fields)) return AppendError(response);
    for (auto const& field : fields) {
      if (field.number == 1) type = field.bytes;
      if (field.number == 2) number = static_cast<int>(field.value);
    }
    auto const* const extendee = Pool().FindMessageTypeByName(type);
    auto const* const extension = extendee == nullptr ? nullptr : Pool().FindExtensionByNumber(extendee, number);
    AppendFile(extension == nullptr ? nullptr : extension->file(), response);
  }

  static void AppendNumbers(std::string const& type, std::string& response) {
    auto const* const extendee = Pool().FindMessageTypeByName(type);
    if (extendee == nullptr) return AppendError(response);
    std::vector<google::protobuf::FieldDescriptor const*> extensions;
    Pool().FindAllExtensions(extendee, &extensions);
    std::string numbers;
    AppendWire(1, type, numbers);
    for (auto const* const extension : extensions) AppendWire(2, static_cast<std::uint64_t>(extension->number()), numbers);
    AppendWire(5, numbers, response);
  }

  void AppendServices(std::string& response) {
    std::string services;
    for (auto const& name : desk().parts.catalogue->service_names()) {
      std::string service;
      AppendWire(1, name, service);
      AppendWire(1, service, services);
    }
    AppendWire(6, services, response);
  }
};

}  // namespace

std::unique_ptr<http::Handler> HandleGrpcExtras(Desk& desk, http::RequestHead& head, http::Exchange& exchange) {
  auto const path = PathOf(head.target);
  if (path.starts_with(kHealth)) {
    auto const method = path.substr(kHealth.size());
    if (method != "Check" && method != "Watch") return nullptr;
    bool const watches = method == "Watch";
    return std::make_unique<HealthHandler>(desk, std::move(head), exchange, watches);
  }
  if (desk.parts.options.reflection && (path == kReflection || path == kReflectionAlpha)) {
    return std::make_unique<ReflectionHandler>(desk, std::move(head), exchange);
  }
  return nullptr;
}

}  // namespace helhed::gateway::door
