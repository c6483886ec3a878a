#include "gateway/door/call_handler.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <utility>

#include "helhed/common/v1/errors.pb.h"
#include "services/platform/base/status.h"

namespace helhed::gateway::door {
namespace {

// A signature that was verified and does not fit: of an issuer's key, or of the key for demonstrations.
bool IsForgery(absl::Status const& status) {
  auto const reason = ReasonOf(status);
  return reason == "TOKEN_SIGNATURE_INVALID" || reason == "IDENTITY_INVALID";
}

}  // namespace

CallHandler::CallHandler(Desk& desk, http::RequestHead head, http::Exchange& exchange, Transport transport)
    : desk_(desk), visit_(desk, std::move(head), exchange, transport) {}

CallHandler::~CallHandler() {
  desk_.lasting.erase(this);
  if (!visit_.closed()) visit_.Close(absl::CancelledError("the connection ended"));
}

absl::Time CallHandler::Deadline(contract::Method const& method, absl::Duration wait) const {
  auto const now = desk_.parts.clock->Now();
  auto const asked = wait == absl::InfiniteDuration() ? absl::InfiniteFuture() : now + wait;
  bool const unlimited = method.is_server_stream() && !method.policy().has_timeout();
  return unlimited ? asked : std::min(asked, now + method.timeout());
}

void CallHandler::Begin(contract::Method const& method, absl::Time deadline) {
  method_ = &method;
  deadline_ = deadline;
  visit_.MeansMethod(&method);
  if (method.is_server_stream()) {
    if (desk_.drained) return Fail(Draining());
    desk_.lasting.insert(this);
  }
  auto const& head = visit_.head();
  auto const authorization = http::Find(head.fields, "authorization");
  // A browser shows its certificate whichever page asks, also one that only wants something done and need not see the answer
  // (cross-site request forgery). A token no page has that was not given it.
  if (authorization.empty() && IsOfAStranger(desk_.parts.options, head)) {
    return Identified(std::shared_ptr<identity::Caller const>());
  }
  if (auto caller = desk_.parts.authenticator->Known(authorization, desk_.loop)) return Identified(std::move(caller));
  // To verify a signature costs more than to make one up: whose address has sent too many that failed gets none verified.
  if (!authorization.empty()) {
    auto status = desk_.parts.limiter->Check(limits::Client::Forger(head.peer->address));
    if (!status.ok()) return Fail(std::move(status));
  }
  desk_.parts.authenticator->Authenticate(
      authorization, *head.peer, desk_.loop,
      [this, alive = std::weak_ptr(alive_)](absl::StatusOr<std::shared_ptr<identity::Caller const>> caller) {
        if (alive.lock() != nullptr && !ended_) Identified(std::move(caller));
      });
}

void CallHandler::Identified(absl::StatusOr<std::shared_ptr<identity::Caller const>> caller) {
  if (!caller.ok()) {
    // Who guesses tokens is limited by his address.
    auto& limiter = *desk_.parts.limiter;
    auto const& address = visit_.head().peer->address;
    if (IsForgery(caller.status())) limiter.Admit(limits::Client::Forger(address), 1, limits::Kind::kCall);
    auto const admission = limiter.Admit(limits::Client::Nobody(address), 1, limits::Kind::kCall);
    return Fail(admission.status.ok() ? caller.status() : admission.status);
  }
  caller_ = *std::move(caller);
  if (caller_ != nullptr && caller_->demonstration) visit_.IsDemonstration();
  if (auto status = Admit(); !status.ok()) return Fail(std::move(status));
  if (auto status = Authorise(); !status.ok()) return Fail(std::move(status));
  admitted_ = true;
  Start();
}

absl::Status CallHandler::Admit() {
  auto const kind = method_->is_server_stream() ? limits::Kind::kStream : limits::Kind::kCall;
  auto const client =
      caller_ != nullptr ? limits::Client::Caller(caller_->key) : limits::Client::Nobody(visit_.head().peer->address);
  auto admission = desk_.parts.limiter->Admit(client, method_->policy().cost(), kind);
  place_ = std::move(admission.place);
  quota_ = admission.quota;
  return admission.status;
}

absl::Status CallHandler::Authorise() const {
  auto const& policy = method_->policy();
  if (policy.public_()) return absl::OkStatus();
  if (caller_ == nullptr) {
    return Error(absl::StatusCode::kUnauthenticated, common::v1::ERROR_REASON_IDENTITY_MISSING,
                 "The call needs a bearer token or a client certificate.");
  }
  auto const scopes = desk_.parts.roles->Scopes(*caller_->identity, policy.permission());
  bool const everywhere = std::any_of(scopes.begin(), scopes.end(), [](auto const& scope) { return scope.empty(); });
  if (!scopes.empty() && (everywhere || policy.scope() != policy::v1::SCOPE_GLOBAL)) return absl::OkStatus();
  return Error(absl::StatusCode::kPermissionDenied, common::v1::ERROR_REASON_PERMISSION_MISSING,
               Sv(absl::StrCat("No grant of the caller carries ", policy.permission(), ".")),
               {{"permission", policy.permission()}});
}

void CallHandler::Complete() {
  complete_ = true;
  Start();
}

void CallHandler::Start() {
  if (!admitted_ || !complete_ || ended_ || running_ != nullptr) return;
  auto message = Message();
  if (!message.ok()) return Fail(message.status());
  upstream::Call call;
  call.method = method_;
  call.request = *std::move(message);
  if (caller_ != nullptr) call.identity = caller_->signed_identity;
  call.traceparent = visit_.trace().ToHeader();
  call.request_id = visit_.request_id();
  call.deadline = deadline_;
  running_ = desk_.upstreams.find(desk_.parts.catalogue->Answers(*method_))->second->Start(std::move(call), *this);
}

void CallHandler::OnMessage(std::string message) {
  auto const bytes = message.size();
  Send(std::move(message));
  // Back-pressure: what the caller has not taken keeps the service from sending more.
  if (visit_.exchange().queued() <= http::Exchange::kHighWater) {
    running_->Consume(bytes);
  } else {
    owed_ += bytes;
  }
}

void CallHandler::OnWritable() {
  if (running_ != nullptr && owed_ > 0) running_->Consume(std::exchange(owed_, 0));
}

void CallHandler::OnEnd(upstream::End end) {
  running_.reset();
  EndOnce(std::move(end));
}

void CallHandler::EndForDrain() {
  running_.reset();
  Fail(Draining());
}

void CallHandler::EndOnce(upstream::End end) {
  if (std::exchange(ended_, true)) return;
  place_.Free();
  End(std::move(end));
}

void CallHandler::OnGone() {
  ended_ = true;
  running_.reset();
  place_.Free();
  visit_.Close(Error(absl::StatusCode::kCancelled, common::v1::ERROR_REASON_CANCELLED, "The caller went away."));
}

}  // namespace helhed::gateway::door
