#pragma once

#include <absl/status/status.h>
#include <absl/time/time.h>

#include <atomic>
#include <initializer_list>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "helhed/common/v1/identity.pb.h"
#include "services/platform/base/clock.h"
#include "services/platform/base/random.h"
#include "services/platform/contract/contract.h"
#include "services/platform/storage/database.h"
#include "services/platform/telemetry/trace.h"

namespace helhed {

// What a handler knows about the call it serves. Made by the pipeline, one for each call; a handler keeps no reference to it.
class CallContext {
 public:
  struct Parts {
    contract::Method const* method = nullptr;
    Clock const* clock = nullptr;
    Random* random = nullptr;
    std::shared_ptr<common::v1::Identity const> identity;
    // Where the caller may use the method's permission; see identity::Roles::Scopes.
    std::vector<std::string> scopes;
    absl::Time deadline = absl::InfiniteFuture();
    std::stop_token stop;
    telemetry::TraceContext trace;
    // The request's own id for idempotency (empty when it gave none), and whether nothing may be stored. The hash, in
    // hexadecimal, is the SHA-256 of the method's path and the request as the handler sees it; reads have none.
    std::string request_id;
    std::string request_hash;
    bool validate_only = false;
    // The redacted request for the audit row, serialized; empty when the audit level keeps none. The resource acted on.
    std::string audit_request;
    std::string resource;
  };
  explicit CallContext(Parts parts) : parts_(std::move(parts)) {}

  contract::Method const& method() const { return *parts_.method; }
  absl::Time Now() const { return parts_.clock->Now(); }
  // Today in Copenhagen.
  absl::CivilDay Today() const { return DateIn(Now()); }
  std::string NewId() const { return NewUuid(Now(), *parts_.random); }
  common::v1::Identity const& identity() const { return *parts_.identity; }
  absl::Time deadline() const { return parts_.deadline; }
  storage::Limits limits() const { return {parts_.deadline, parts_.stop}; }
  telemetry::TraceContext const& trace() const { return parts_.trace; }
  std::string const& request_id() const { return parts_.request_id; }
  std::string const& request_hash() const { return parts_.request_hash; }
  bool validate_only() const { return parts_.validate_only; }
  std::string const& audit_request() const { return parts_.audit_request; }
  std::string const& resource() const { return parts_.resource; }

  // DEADLINE_EXCEEDED or CANCELLED when the caller no longer waits; handlers with long loops ask now and then.
  absl::Status Check() const { return CheckWanted(parts_); }
  // The same before there is a context.
  static absl::Status CheckWanted(Parts const& parts);

  // Where the caller may use the method's permission: a lone empty string means everywhere. For SCOPE_FILTERED methods.
  std::vector<std::string> const& scopes() const { return parts_.scopes; }
  bool may_everywhere() const { return parts_.scopes.size() == 1 && parts_.scopes.front().empty(); }

  // For SCOPE_RESOLVED methods: OK when one of the resources lies within a grant that carries the permission, otherwise NOT_FOUND
  // for `asked_for` (an object out of scope is as absent). The pipeline fails a call that succeeds although nothing it asked for
  // was granted.
  absl::Status RequireAny(std::initializer_list<std::string_view> resources, std::string_view asked_for) const;
  bool scope_was_required() const { return scope_required_.load(); }

  // For whoever answers from the idempotency record: the same caller was granted this very request before, and the handler, which
  // would ask again, is not run.
  void AnsweredFromRecord() const { scope_granted_ = true; }
  bool scope_was_granted() const { return scope_granted_.load(); }

 private:
  Parts parts_;
  mutable std::atomic<bool> scope_required_{false};
  mutable std::atomic<bool> scope_granted_{false};
};

}  // namespace helhed
