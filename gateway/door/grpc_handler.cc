#include <absl/strings/str_cat.h>

#include <optional>
#include <utility>

#include "gateway/door/call_handler.h"
#include "gateway/door/grpc_answer.h"
#include "gateway/door/handlers.h"
#include "gateway/upstream/grpc_wire.h"
#include "helhed/common/v1/errors.pb.h"
#include "services/platform/base/status.h"

namespace helhed::gateway::door {
namespace {

// gRPC as it came: the bytes of messages are not looked at.
class GrpcHandler final : public CallHandler {
 public:
  GrpcHandler(Desk& desk, http::RequestHead head, http::Exchange& exchange)
      : CallHandler(desk, std::move(head), exchange, Transport::kGrpc) {}

  void Arrive() {
    auto const& head = visit().head();
    auto const* const method = desk().parts.catalogue->Find(PathOf(head.target));
    if (method == nullptr || head.method != "POST") {
      return Fail(
          Error(absl::StatusCode::kUnimplemented, common::v1::ERROR_REASON_METHOD_UNKNOWN, "There is no such method here."));
    }
    deframer_.emplace(method->request_bytes_max());
    auto const timeout = http::Find(head.fields, "grpc-timeout");
    auto const wait = timeout.empty() ? absl::InfiniteDuration() : upstream::FromTimeout(timeout);
    visit().MeansMethod(method);
    if (!wait) return Fail(BadRequest({{"grpc-timeout", "must be at most eight digits and one of H, M, S, m, u, n"}}));
    Begin(*method, Deadline(*method, *wait));
  }

  void OnBody(std::string_view bytes) override {
    visit().exchange().Consume(bytes.size());
    if (ended()) return;
    auto const fed = deframer_->Feed(bytes, [this](std::string message) {
      extra_ = extra_ || message_.has_value();
      message_ = std::move(message);
      return !extra_;
    });
    if (!fed.ok()) Fail(fed);
  }

  void OnBodyEnd() override {
    if (ended()) return;
    if (!message_ || extra_ || !deframer_->at_rest()) {
      return Fail(Error(absl::StatusCode::kInvalidArgument, common::v1::ERROR_REASON_BAD_REQUEST,
                        "The call must have exactly one message."));
    }
    Complete();
  }

 private:
  absl::StatusOr<std::string> Message() override { return *std::exchange(message_, std::nullopt); }

  void Send(std::string message) override {
    if (!visit().responded()) visit().Respond(200, GrpcHead());
    visit().exchange().Write(upstream::Framed(message));
  }

  void End(upstream::End end) override {
    auto trailers = GrpcTrailers(end.status, end.details);
    if (!visit().responded()) {
      auto head = GrpcHead();
      for (auto& field : trailers) head.push_back(std::move(field));
      trailers.clear();
      visit().Respond(200, std::move(head));
    }
    visit().Close(end.status);
    visit().exchange().Finish(std::move(trailers));
  }

  std::optional<upstream::Deframer> deframer_;
  std::optional<std::string> message_;
  bool extra_ = false;
};

}  // namespace

std::unique_ptr<http::Handler> HandleGrpc(Desk& desk, http::RequestHead head, http::Exchange& exchange) {
  auto handler = std::make_unique<GrpcHandler>(desk, std::move(head), exchange);
  handler->Arrive();
  return handler;
}

}  // namespace helhed::gateway::door
