#pragma once

#include <absl/status/status.h>
#include <absl/time/time.h>

#include <memory>
#include <string>
#include <string_view>

#include "gateway/door/visit.h"
#include "gateway/limits/limiter.h"
#include "gateway/upstream/upstream.h"

// What a call goes through, whichever way it came. Not for others.
namespace helhed::gateway::door {

// From the request's head to its answer: who asks, whether a grant of his carries the method's permission, whether his limits
// allow it; then, when the body is complete, the service. What differs between gRPC and REST is left to those who derive from it.
class CallHandler : public http::Handler, protected upstream::Receiver, private Lasting {
 public:
  CallHandler(Desk& desk, http::RequestHead head, http::Exchange& exchange, Transport transport);
  ~CallHandler() override;

  void OnGone() final;
  void OnWritable() final;

 protected:
  // Starts finding out who asks. Bodies may come meanwhile.
  void Begin(contract::Method const& method, absl::Time deadline);
  // The request's message can be made now.
  void Complete();

  // The request's message, serialized. Asked once.
  virtual absl::StatusOr<std::string> Message() = 0;
  // A message of the answer has come. Streams write it; of others there is one.
  virtual void Send(std::string message) = 0;
  // Ends the answer. The handler does nothing afterwards.
  virtual void End(upstream::End end) = 0;

  // Ends with an error of the gateway's own.
  void Fail(absl::Status status) { EndOnce({std::move(status), ""}); }
  bool ended() const { return ended_; }
  Desk& desk() { return desk_; }
  Visit& visit() { return visit_; }
  limits::Quota const* quota() const { return admitted_ ? &quota_ : nullptr; }

  // When a caller that asked for `wait` (or for nothing) will have waited long enough: the method's limit applies as well, but
  // not to streams, which last until the deadline that the caller or the policy names.
  absl::Time Deadline(contract::Method const& method, absl::Duration wait) const;

 private:
  void EndForDrain() final;
  void OnMessage(std::string message) final;
  void OnEnd(upstream::End end) final;

  void Identified(absl::StatusOr<std::shared_ptr<identity::Caller const>> caller);
  absl::Status Authorise() const;
  absl::Status Admit();
  void Start();
  void EndOnce(upstream::End end);

  Desk& desk_;
  Visit visit_;
  contract::Method const* method_ = nullptr;
  absl::Time deadline_ = absl::InfiniteFuture();
  std::shared_ptr<identity::Caller const> caller_;
  limits::Place place_;
  limits::Quota quota_;
  std::unique_ptr<upstream::Running> running_;
  // Bytes of messages that were sent on and wait for the caller to take them.
  std::size_t owed_ = 0;
  bool admitted_ = false;
  bool complete_ = false;
  bool ended_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace helhed::gateway::door
