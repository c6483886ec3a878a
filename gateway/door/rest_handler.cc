#include <absl/strings/str_cat.h>
#include <absl/time/time.h>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <optional>
#include <utility>

#include "gateway/door/call_handler.h"
#include "gateway/door/handlers.h"
#include "gateway/limits/fields.h"
#include "helhed/common/v1/errors.pb.h"
#include "services/platform/base/status.h"

namespace helhed::gateway::door {
namespace {

// A body that is complete has a length; 204 and 304 have none (RFC 9110, 8.6).
void AddLength(rest::Answer& answer) {
  constexpr int no_content = 204;
  constexpr int not_modified = 304;
  if (answer.status == no_content || answer.status == not_modified) return;
  if (http::Find(answer.fields, "content-length").empty()) {
    answer.fields.push_back({"content-length", absl::StrCat(answer.body.size())});
  }
}

// REST and JSON: what the transcoder makes of it.
class RestHandler final : public CallHandler {
 public:
  RestHandler(Desk& desk, http::RequestHead head, http::Exchange& exchange, rest::Matched matched)
      : CallHandler(desk, std::move(head), exchange, Transport::kRest), matched_(std::move(matched)), timer_(desk.loop) {}

  void Arrive() {
    auto const& method = *matched_.method;
    auto const timeout = http::Find(visit().head().fields, "x-request-timeout");
    auto wait = absl::InfiniteDuration();
    visit().MeansMethod(&method);
    if (!timeout.empty() && (!absl::ParseDuration(Av(timeout), &wait) || wait <= absl::ZeroDuration())) {
      return Fail(BadRequest({{"x-request-timeout", "must be a duration such as 250ms or 5s"}}));
    }
    if (method.is_server_stream() && !is_raw()) SendHeadLater();
    Begin(method, Deadline(method, wait));
  }

  void OnBody(std::string_view bytes) override {
    visit().exchange().Consume(bytes.size());
    if (ended()) return;
    if (body_.size() + bytes.size() > matched_.body_bytes_max) {
      return Fail(
          Error(absl::StatusCode::kResourceExhausted, common::v1::ERROR_REASON_REQUEST_TOO_LARGE,
                Sv(absl::StrCat("The body is larger than the ", matched_.body_bytes_max, " bytes that the method takes.")),
                {{"bytes_max", absl::StrCat(matched_.body_bytes_max)}}));
    }
    body_.append(bytes);
  }
  void OnBodyEnd() override {
    if (!ended()) Complete();
  }

 private:
  bool is_stream() const { return matched_.method->is_server_stream(); }
  bool is_raw() const { return matched_.form == rest::Form::kRaw; }

  absl::StatusOr<std::string> Message() override { return desk().parts.transcoder->Request(matched_, std::exchange(body_, {})); }

  void Send(std::string message) override {
    if (!is_stream()) {
      message_ = std::move(message);
      return;
    }
    SendHead(message);
    auto piece = desk().parts.transcoder->StreamPiece(matched_, message);
    if (!piece) return Fail(absl::InternalError("what the service sent is no google.api.HttpBody"));
    visit().exchange().Write(*std::move(piece));
    if (matched_.form == rest::Form::kServerSentEvents) Ping();
  }

  void End(upstream::End end) override {
    timer_.cancel();
    if (is_stream() && (visit().responded() || end.status.ok())) return EndStream(end.status);
    auto answer = end.status.ok() ? desk().parts.transcoder->Response(matched_, message_)
                                  : rest::ErrorAnswer(end.status, visit().request_id());
    if (auto const* const left = quota(); left != nullptr) limits::AppendRateFields(*left, answer.fields);
    AddLength(answer);
    visit().Respond(answer.status, std::move(answer.fields));
    visit().Close(end.status);
    if (!answer.body.empty() && !matched_.head_only) visit().exchange().Write(std::move(answer.body));
    visit().exchange().Finish({});
  }

  void EndStream(absl::Status const& status) {
    SendHead();
    if (is_raw() && !status.ok()) {
      // The end of bytes says nothing of how they ended, but that they did not come to it.
      visit().Close(status);
      return visit().exchange().Abort();
    }
    if (!status.ok()) visit().exchange().Write(desk().parts.transcoder->StreamError(matched_, status, visit().request_id()));
    visit().Close(status);
    visit().exchange().Finish({});
  }

  void SendHead(std::string_view first = {}) {
    if (visit().responded()) return;
    auto head = desk().parts.transcoder->StreamHead(matched_, first);
    visit().Respond(head.status, std::move(head.fields));
    if (matched_.form == rest::Form::kServerSentEvents) Ping();
  }

  // A stream that has nothing to send yet says at least that it is open. An error that comes soon still gets its status.
  void SendHeadLater() {
    timer_.expires_after(absl::ToChronoMilliseconds(desk().parts.options.stream_head_after));
    timer_.async_wait([this, alive = std::weak_ptr(alive_)](boost::system::error_code error) {
      if (error || alive.lock() == nullptr || ended()) return;
      if (quota() == nullptr) return SendHeadLater();
      SendHead();
    });
  }

  void Ping() {
    timer_.expires_after(absl::ToChronoMilliseconds(desk().parts.options.event_ping));
    timer_.async_wait([this, alive = std::weak_ptr(alive_)](boost::system::error_code error) {
      if (error || alive.lock() == nullptr || ended()) return;
      // Who does not read what there is needs no sign that there is nothing.
      if (visit().exchange().queued() == 0) visit().exchange().Write(std::string(rest::kPing));
      Ping();
    });
  }

  rest::Matched matched_;
  std::string body_;
  std::string message_;
  boost::asio::steady_timer timer_;
  // A timer that has rung already is not taken back.
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

// An answer that needs no call.
class FixedHandler final : public http::Handler {
 public:
  FixedHandler(Desk& desk, http::RequestHead head, http::Exchange& exchange, Transport transport)
      : visit_(desk, std::move(head), exchange, transport) {}

  void Answer(rest::Answer answer, absl::Status const& status) {
    bool const head_only = visit_.head().method == "HEAD";
    AddLength(answer);
    visit_.Respond(answer.status, std::move(answer.fields));
    visit_.Close(status);
    if (!answer.body.empty() && !head_only) visit_.exchange().Write(std::move(answer.body));
    visit_.exchange().Finish({});
  }
  Visit& visit() { return visit_; }

  void OnBody(std::string_view bytes) override { visit_.exchange().Consume(bytes.size()); }
  void OnBodyEnd() override {}
  void OnGone() override {}

 private:
  Visit visit_;
};

}  // namespace

std::unique_ptr<http::Handler> HandleRest(Desk& desk, http::RequestHead head, http::Exchange& exchange) {
  auto match = desk.parts.transcoder->Resolve(head);
  if (!match.matched) {
    constexpr int ok_below = 400;
    auto const status = match.refused.status < ok_below ? absl::OkStatus() : absl::NotFoundError("no such method");
    return HandleFixed(desk, std::move(head), exchange, std::move(match.refused), status);
  }
  auto handler = std::make_unique<RestHandler>(desk, std::move(head), exchange, *std::move(match.matched));
  handler->Arrive();
  return handler;
}

std::unique_ptr<http::Handler> HandleFixed(Desk& desk, http::RequestHead head, http::Exchange& exchange, rest::Answer answer,
                                           absl::Status const& status) {
  auto handler = std::make_unique<FixedHandler>(desk, std::move(head), exchange, Transport::kRest);
  handler->Answer(std::move(answer), status);
  return handler;
}

std::unique_ptr<http::Handler> HandlePage(Desk& desk, http::RequestHead head, http::Exchange& exchange, Page const& page) {
  auto handler = std::make_unique<FixedHandler>(desk, std::move(head), exchange, Transport::kPage);
  rest::Answer answer;
  answer.fields = {{"content-type", page.content_type}};
  if (!page.policy.empty()) answer.fields.push_back({"content-security-policy", page.policy});
  answer.body = page.body;
  handler->Answer(std::move(answer), absl::OkStatus());
  return handler;
}

}  // namespace helhed::gateway::door
