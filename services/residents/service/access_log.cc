#include "services/residents/service/access_log.h"

#include <absl/strings/str_cat.h>

#include "services/residents/service/people_access.h"
#include "services/residents/service/requests.h"

namespace helhed::residents {
namespace {

constexpr int kLinksDefault = 10'000;

v1::ChainFaultKind KindOf(chain::Fault fault) {
  switch (fault) {
    case chain::Fault::kEntryAltered:
      return v1::CHAIN_FAULT_KIND_ENTRY_ALTERED;
    case chain::Fault::kEntryMissing:
      return v1::CHAIN_FAULT_KIND_ENTRY_MISSING;
    case chain::Fault::kLinkBroken:
      return v1::CHAIN_FAULT_KIND_LINK_BROKEN;
    case chain::Fault::kLinkMissing:
      return v1::CHAIN_FAULT_KIND_LINK_MISSING;
    case chain::Fault::kEntryForeign:
      return v1::CHAIN_FAULT_KIND_ENTRY_FOREIGN;
  }
  return v1::CHAIN_FAULT_KIND_UNSPECIFIED;
}

}  // namespace

void AccessLogs::Register(Router& router) {
  auto const on = [&](std::string_view method, auto handler) {
    router.On("helhed.residents.v1.AccessLogService", method, this, handler);
  };
  on("ListAccessLogEntries", &AccessLogs::ListAccessLogEntries);
  on("VerifyAccessLog", &AccessLogs::VerifyAccessLog);
}

// A write, so that who looks into the log is in the audit log.
absl::StatusOr<v1::ListAccessLogEntriesResponse> AccessLogs::ListAccessLogEntries(
    CallContext const& call, v1::ListAccessLogEntriesRequest const& request) {
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::ListAccessLogEntriesResponse> {
    RETURN_IF_ERROR(RequireReachOfTrail(tx, request.parent()));
    storage::ListOptions options;
    options.from =
        "access_log a LEFT JOIN chain_links l ON l.chain = 'access' AND l.scope = a.resident AND l.entry = a.access_log_entry";
    options.alias = "a";
    options.select = "COALESCE(l.position, 0) AS chain_position, l.hash AS chain_hash";
    options.conditions.push_back({"a.resident = ?", {std::string(contract::LastPart(request.parent()))}});
    return tx.List<v1::ListAccessLogEntriesResponse>(request, options);
  });
}

absl::StatusOr<v1::VerifyAccessLogResponse> AccessLogs::VerifyAccessLog(CallContext const& call,
                                                                        v1::VerifyAccessLogRequest const& request) {
  std::vector<FieldViolation> violations;
  if ((request.start_position() == 0) != request.start_hash().empty()) {
    violations.push_back({"start_hash", "must be the hash at start_position, and absent when that is 0"});
  }
  RETURN_IF_ERROR(Verdict(std::move(violations)));
  auto const& log = request.log() == v1::CHAINED_LOG_AUDIT ? AuditLog() : AccessLog();
  chain::Check check;
  check.start_position = request.start_position();
  check.start_hash = request.start_hash();
  check.limit = request.link_count_max() == 0 ? kLinksDefault : request.link_count_max();
  ASSIGN_OR_RETURN(auto const finding, chain::Verify(*store_.parts().database, call.limits(), log, check));
  return store_.Write(call, [&](WriteTransaction&) -> absl::StatusOr<v1::VerifyAccessLogResponse> {
    v1::VerifyAccessLogResponse response;
    response.set_intact(!finding.fault.has_value());
    if (finding.fault) {
      response.mutable_fault()->set_position(finding.fault->position);
      response.mutable_fault()->set_entry(absl::StrCat(finding.fault->scope, "/", finding.fault->entry));
      response.mutable_fault()->set_kind(KindOf(finding.fault->fault));
    }
    response.set_end_position(finding.end_position);
    response.set_end_hash(finding.end_hash);
    response.set_complete(finding.complete);
    response.set_unlinked_count(finding.pending);
    return response;
  });
}

}  // namespace helhed::residents
