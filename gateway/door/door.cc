#include "gateway/door/door.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <utility>

#include "gateway/door/grpc_answer.h"
#include "gateway/door/handlers.h"
#include "gateway/door/visit.h"
#include "helhed/common/v1/errors.pb.h"
#include "services/platform/base/status.h"

namespace helhed::gateway::door {
namespace {

constexpr int kNoContent = 204;
constexpr int kMethodNotAllowed = 405;
constexpr int kUnsupported = 415;

rest::Answer Text(int status, std::string text) {
  return {.status = status, .fields = {{"content-type", "text/plain; charset=utf-8"}}, .body = std::move(text)};
}

// What a browser asks before a script may ask something (Fetch, "CORS-preflight request").
bool IsPreflight(http::RequestHead const& head) {
  return head.method == "OPTIONS" && !http::Find(head.fields, "origin").empty() &&
         !http::Find(head.fields, "access-control-request-method").empty();
}

rest::Answer Preflight() {
  return {.status = kNoContent,
          .fields = {{"access-control-allow-methods", "GET, HEAD, POST, PATCH, PUT, DELETE"},
                     {"access-control-allow-headers",
                      "accept, authorization, content-type, idempotency-key, if-none-match, last-event-id, traceparent, "
                      "x-request-id, x-request-timeout"},
                     {"access-control-max-age", "3600"}},
          .body = ""};
}

// gRPC by other means (HTTP/1.1, gRPC-Web, compressed forms) is not spoken here; who tries is told so in words.
rest::Answer NoGrpc() {
  auto answer = rest::ErrorAnswer(
      Error(absl::StatusCode::kInvalidArgument, common::v1::ERROR_REASON_BAD_REQUEST,
            "gRPC is served over HTTP/2 as application/grpc or application/grpc+proto; everything else by REST."),
      "");
  answer.status = kUnsupported;
  return answer;
}

}  // namespace

struct Door::State {
  Desk desk;

  std::unique_ptr<http::Handler> Fixed(http::RequestHead head, http::Exchange& exchange, rest::Answer answer) {
    return HandleFixed(desk, std::move(head), exchange, std::move(answer), absl::OkStatus());
  }

  // The gateway's own pages; nullptr when the path is none of theirs.
  std::unique_ptr<http::Handler> OwnPage(http::RequestHead& head, http::Exchange& exchange) {
    auto const path = PathOf(head.target);
    auto const page = desk.parts.pages.find(path);
    bool const is_page = page != desk.parts.pages.end();
    if (!is_page && path != "/healthz" && path != "/readyz") return nullptr;
    if (head.method != "GET" && head.method != "HEAD") {
      auto answer = Text(kMethodNotAllowed, "GET only\n");
      answer.fields.push_back({"allow", "GET, HEAD"});
      return Fixed(std::move(head), exchange, std::move(answer));
    }
    if (is_page) return HandlePage(desk, std::move(head), exchange, page->second);
    if (path == "/healthz") return Fixed(std::move(head), exchange, Text(200, "alive\n"));
    auto const ready = Readiness(desk.parts, desk.upstreams);
    // What runs where is for the admin port to say.
    constexpr int unavailable = 503;
    return Fixed(std::move(head), exchange, ready.ok() ? Text(200, "ready\n") : Text(unavailable, "not ready\n"));
  }
};

Door::Door(Parts const& parts, Upstreams const& upstreams, boost::asio::io_context& loop)
    : state_(new State{Desk{parts, upstreams, loop, Meters(*parts.metrics)}}) {}

Door::~Door() = default;

std::unique_ptr<http::Handler> Door::Handle(http::RequestHead head, http::Exchange& exchange) {
  auto& desk = state_->desk;
  auto const type = http::Find(head.fields, "content-type");
  if (type.starts_with("application/grpc")) {
    if (head.version != http::Version::kHttp2 || !IsGrpc(type)) return state_->Fixed(std::move(head), exchange, NoGrpc());
    if (auto extra = HandleGrpcExtras(desk, head, exchange); extra != nullptr) return extra;
    return HandleGrpc(desk, std::move(head), exchange);
  }
  if (IsPreflight(head) && MaySee(OriginOf(desk.parts.options, head))) {
    return state_->Fixed(std::move(head), exchange, Preflight());
  }
  if (auto page = state_->OwnPage(head, exchange); page != nullptr) return page;
  return HandleRest(desk, std::move(head), exchange);
}

void Door::DrainStreams() {
  auto& desk = state_->desk;
  desk.drained = true;
  for (auto* const lasting : std::exchange(desk.lasting, {})) lasting->EndForDrain();
}

absl::Status Readiness(Parts const& parts, Upstreams const& upstreams) {
  if (parts.draining != nullptr && parts.draining->load()) return absl::UnavailableError("draining");
  std::string away;
  bool any = false;
  for (auto const& [name, upstream] : upstreams) {
    if (name == kGateway) continue;
    if (upstream->available()) {
      any = true;
    } else {
      absl::StrAppend(&away, away.empty() ? "" : ", ", name);
    }
  }
  // One service that is away is no reason to send callers of the others elsewhere: elsewhere it is away as well.
  if (any || away.empty()) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat("no service can be reached: ", away));
}

}  // namespace helhed::gateway::door
