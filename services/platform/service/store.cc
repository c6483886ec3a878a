#include "services/platform/service/store.h"

#include <absl/strings/str_cat.h>

#include <span>
#include <utility>

#include "helhed/common/v1/errors.pb.h"
#include "helhed/events/v1/event.pb.h"
#include "services/platform/base/status.h"

namespace helhed {
namespace {

using Binds = std::initializer_list<storage::Bind>;
using storage::Statement;

Statement const kFindAnswer("store.find_answer",
                            "SELECT request_hash, response, expire_time FROM idempotency "
                            "WHERE principal = $1 AND method = $2 AND request_id = $3");
Statement const kForgetAnswer("store.forget_answer",
                              "DELETE FROM idempotency WHERE principal = $1 AND method = $2 AND request_id = $3");
Statement const kKeepAnswer(
    "store.keep_answer",
    "INSERT INTO idempotency (principal, method, request_id, request_hash, response, expire_time, resource) "
    "VALUES ($1, $2, $3, $4, $5, $6, $7)");
Statement const kEmptyAnswers("store.empty_answers", "UPDATE idempotency SET response = $2 WHERE resource = $1");
Statement const kAudit("store.audit",
                       "INSERT INTO audit (subject, id, time, method, resource, outcome, request_id, trace_id, request) "
                       "VALUES ($1, $2, $3, $4, $5, 'OK', $6, $7, $8)");
Statement const kAuditLinks("store.audit_links",
                            "SELECT l.position, l.scope, l.entry, l.digest, l.hash, a.id AS found, "
                            "a.subject, a.id, a.time, a.method, a.resource, a.outcome, a.request_id, a.trace_id, a.request "
                            "FROM chain_links l LEFT JOIN audit a ON a.subject = l.scope AND a.id = l.entry "
                            "WHERE l.chain = $1 AND l.position > $2 ORDER BY l.position LIMIT $3");
Statement const kAuditRows("store.audit_rows",
                           "SELECT a.subject, a.id, l.position, p.entry FROM audit a "
                           "LEFT JOIN chain_links l ON l.chain = $1 AND l.scope = a.subject AND l.entry = a.id "
                           "LEFT JOIN chain_pending p ON p.chain = $1 AND p.entry = a.id AND p.scope = a.subject "
                           "WHERE (a.subject, a.id) > ($2, $3) ORDER BY a.subject, a.id LIMIT $4");
Statement const kCleanUp("store.clean_up",
                         "DELETE FROM idempotency WHERE (principal, method, request_id) IN "
                         "(SELECT principal, method, request_id FROM idempotency WHERE expire_time <= $1 "
                         "ORDER BY expire_time LIMIT $2)");
Statement const kNothing("store.nothing", "SELECT 1");

storage::Bytes BytesOf(std::string const& text) { return std::as_bytes(std::span(text)); }

std::string_view TextOf(std::span<std::byte const> bytes) { return {reinterpret_cast<char const*>(bytes.data()), bytes.size()}; }

bool Audited(contract::Method const& method) {
  auto const level = method.policy().audit();
  return level == policy::v1::AUDIT_LEVEL_METADATA || level == policy::v1::AUDIT_LEVEL_REQUEST;
}

}  // namespace

struct Store::Attempt {
  bool validated = false;  // everything was right and nothing is to be kept
  bool appended = false;   // readers of the log are woken after the commit
};

absl::Status WriteTransaction::Append(google::protobuf::Message const& data, std::string_view subject, std::string_view plan) {
  auto const& type = *data.GetDescriptor();
  auto const data_class = contract::MostPrivate(type);
  if (data_class >= policy::v1::DATA_CLASS_PERSONAL) {
    return Error(absl::StatusCode::kInternal, common::v1::ERROR_REASON_INTERNAL,
                 Sv(absl::StrCat("The event ", type.full_name(), " may hold personal data, and events never do.")));
  }
  events::v1::Event event;
  absl::Time const now = call_.Now();
  event.set_id(call_.NewId());
  event.set_source(absl::StrCat("//", store_.parts().service, ".helhed.dk"));
  event.set_type(type.full_name());
  event.set_subject(std::string(subject));
  event.mutable_time()->set_seconds(absl::ToUnixSeconds(now));
  event.mutable_time()->set_nanos(
      static_cast<std::int32_t>(absl::ToInt64Nanoseconds(now - absl::FromUnixSeconds(absl::ToUnixSeconds(now)))));
  event.set_plan(std::string(plan));
  event.set_data_class(data_class);
  event.set_sender(call_.identity().subject());
  event.set_traceparent(call_.trace().ToHeader());
  if (!event.mutable_data()->PackFrom(data)) return absl::InternalError("an event's data cannot be serialized");
  appended_.push_back(std::move(event));
  return absl::OkStatus();
}

absl::Status WriteTransaction::ForgetAnswers(std::string_view resource) {
  return write_.Enqueue(kEmptyAnswers, Binds{resource, storage::Bytes()});
}

chain::Log const& AuditLog() {
  static chain::Log const log{"audit", &kAuditLinks, &kAuditRows};
  return log;
}

// What a caller tries again finds the first answer; the lock makes a second attempt wait that comes while the first still runs.
// Both statements travel together. True when `response` is that answer.
absl::StatusOr<bool> Store::Replay(CallContext const& call, google::protobuf::Message& response,
                                   storage::WriteTransaction& tx) const {
  std::string_view const principal = call.identity().subject();
  std::string_view const method = call.method().path();
  std::string_view const id = call.request_id();
  RETURN_IF_ERROR(tx.Lock(Sv(absl::StrCat(Av(principal), "|", Av(method), "|", Av(id)))));
  ASSIGN_OR_RETURN(auto const rows, tx.Query(kFindAnswer, {principal, method, id}));
  if (rows.empty()) return false;
  if (rows.Int64(0, 2) <= absl::ToUnixMicros(call.Now())) {
    RETURN_IF_ERROR(tx.Enqueue(kForgetAnswer, Binds{principal, method, id}));
    return false;
  }
  if (TextOf(rows.Blob(0, 0)) != call.request_hash()) {
    return Error(absl::StatusCode::kInvalidArgument, common::v1::ERROR_REASON_REQUEST_ID_REUSED,
                 "This request_id was used with another request. Use a new one for a new request.",
                 {{"request_id", std::string(id)}});
  }
  auto const bytes = rows.Blob(0, 1);
  if (!response.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return absl::DataLossError("a stored answer cannot be read");
  }
  return true;
}

absl::Status Store::Run(CallContext const& call, google::protobuf::Message& response, storage::WriteTransaction& tx,
                        absl::FunctionRef<absl::Status(WriteTransaction&)> unit, Attempt& attempt) const {
  attempt = {};
  if (!call.request_id().empty() && !call.validate_only()) {
    ASSIGN_OR_RETURN(bool const replayed, Replay(call, response, tx));
    if (replayed) {
      call.AnsweredFromRecord();
      return absl::OkStatus();
    }
  }
  WriteTransaction wrapped(*this, call, tx);
  RETURN_IF_ERROR(unit(wrapped));
  if (!call.validate_only()) {
    RETURN_IF_ERROR(Record(call, response, tx, wrapped.answer_is_about()));
    return AppendAll(tx, wrapped.appended(), attempt.appended);
  }
  // Statements may still be under way: what they find out belongs to the answer.
  RETURN_IF_ERROR(tx.Query(kNothing, {}).status());
  attempt.validated = true;
  return absl::CancelledError("validate_only: nothing is kept");
}

absl::Status Store::Record(CallContext const& call, google::protobuf::Message const& response, storage::WriteTransaction& tx,
                           std::string const& answer_is_about) const {
  if (!call.request_id().empty()) {
    std::string const& subject = call.identity().subject();
    std::string const bytes = response.SerializeAsString();
    RETURN_IF_ERROR(tx.Enqueue(
        kKeepAnswer, Binds{std::string_view(subject), std::string_view(call.method().path()), std::string_view(call.request_id()),
                           BytesOf(call.request_hash()), BytesOf(bytes), absl::ToUnixMicros(call.Now() + parts_.request_ids_kept),
                           std::string_view(answer_is_about)}));
  }
  return Audited(call.method()) ? Audit(call, tx) : absl::OkStatus();
}

absl::Status Store::Audit(CallContext const& call, storage::WriteTransaction& tx) const {
  std::string const id = call.NewId();
  std::string const& subject = call.identity().subject();
  std::int64_t const micros = absl::ToUnixMicros(call.Now());
  std::string const& trace = call.trace().trace_id;
  RETURN_IF_ERROR(
      tx.Enqueue(kAudit, Binds{std::string_view(subject), std::string_view(id), micros, std::string_view(call.method().path()),
                               std::string_view(call.resource()), std::string_view(call.request_id()), std::string_view(trace),
                               BytesOf(call.audit_request())}));
  auto const request = BytesOf(call.audit_request());
  // As kAuditLinks reads them.
  storage::Rows::Value const values[] = {subject,
                                         id,
                                         micros,
                                         call.method().path(),
                                         call.resource(),
                                         std::string("OK"),
                                         call.request_id(),
                                         std::string(trace),
                                         std::vector<std::byte>(request.begin(), request.end())};
  return chain::Add(tx, AuditLog(), subject, id, values);
}

absl::Status Store::AppendAll(storage::WriteTransaction& tx, std::span<events::v1::Event const> events, bool& appended) const {
  for (auto const& event : events) RETURN_IF_ERROR(parts_.events->Append(tx, event));
  appended = !events.empty();
  return absl::OkStatus();
}

absl::Status Store::WriteErased(CallContext const& call, google::protobuf::Message& response,
                                absl::FunctionRef<absl::Status(WriteTransaction&)> unit) {
  Attempt attempt;
  absl::Status status = parts_.database->Write(
      call.limits(), [&](storage::WriteTransaction& tx) { return Run(call, response, tx, unit, attempt); });
  if (attempt.validated) return absl::OkStatus();
  // Also when the outcome is unknown: a reader that is woken for nothing loses nothing.
  if (attempt.appended) parts_.events->Appended();
  return status;
}

absl::Status Store::Apply(CallContext const& call, absl::FunctionRef<absl::Status(WriteTransaction&)> unit) {
  bool appended = false;
  absl::Status status = parts_.database->Write(call.limits(), [&](storage::WriteTransaction& tx) -> absl::Status {
    appended = false;
    WriteTransaction wrapped(*this, call, tx);
    RETURN_IF_ERROR(unit(wrapped));
    return AppendAll(tx, wrapped.appended(), appended);
  });
  if (appended) parts_.events->Appended();
  return status;
}

absl::StatusOr<std::int64_t> Store::CleanUp(storage::Limits const& limits, absl::Time now, int limit) {
  std::int64_t removed = 0;
  RETURN_IF_ERROR(parts_.database->Write(limits, [&](storage::WriteTransaction& tx) -> absl::Status {
    ASSIGN_OR_RETURN(removed, tx.Execute(kCleanUp, {absl::ToUnixMicros(now), static_cast<std::int64_t>(limit)}));
    return absl::OkStatus();
  }));
  return removed;
}

}  // namespace helhed
