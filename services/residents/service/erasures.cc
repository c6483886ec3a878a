#include "services/residents/service/erasures.h"

#include <absl/strings/str_cat.h>

#include "helhed/residents/v1/errors.pb.h"
#include "helhed/residents/v1/events.pb.h"
#include "services/residents/domain/cpr_number.h"
#include "services/residents/domain/retention.h"
#include "services/residents/service/people_access.h"
#include "services/residents/service/requests.h"
#include "services/residents/service/resident_democracy.h"

namespace helhed::residents {
namespace {

using Binds = std::initializer_list<storage::Bind>;
using storage::Statement;

Statement const kFindErasure("residents.find_erasure", "SELECT erasure FROM erasures WHERE resident = $1");
Statement const kLockErasure("residents.lock_erasure", "SELECT erasure FROM erasures WHERE resident = $1 AND erasure = $2",
                             "SELECT erasure FROM erasures WHERE resident = $1 AND erasure = $2 FOR NO KEY UPDATE");
Statement const kOnHold("residents.on_hold",
                        "SELECT erasure_hold FROM erasure_holds WHERE resident = $1 AND period_start_date <= $2 "
                        "AND (period_end_date IS NULL OR period_end_date > $2) LIMIT 1");
// What stands in tables of the person itself goes with the row by the foreign keys.
Statement const kErase("residents.erase", "DELETE FROM residents WHERE resident = $1");
Statement const kEraseLookup("residents.erase_cpr_lookup", "DELETE FROM cpr_lookups WHERE resident = $1");
Statement const kEraseSearch("residents.erase_search", "DELETE FROM resident_search WHERE resident = $1");
Statement const kEraseGuarding("residents.erase_guarding", "DELETE FROM guardianships WHERE guardian = $1");
Statement const kReceipts("residents.erasure_receipts",
                          "SELECT service, outcome, record_count, receipt_time FROM erasure_receipts "
                          "WHERE resident = $1 AND erasure = $2 ORDER BY service");
Statement const kAwaited("residents.awaited_services",
                         "SELECT a.erasure_recipient FROM erasure_recipients a WHERE NOT EXISTS ("
                         "SELECT 1 FROM erasure_receipts r WHERE r.resident = $1 AND r.erasure = $2 "
                         "AND r.service = a.erasure_recipient AND r.outcome <> 3) ORDER BY a.erasure_recipient LIMIT 1000");
Statement const kStoreReceipt("residents.store_erasure_receipt",
                              "INSERT INTO erasure_receipts (resident, erasure, service, outcome, record_count, receipt_time) "
                              "VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (resident, erasure, service) DO UPDATE SET "
                              "outcome = excluded.outcome, record_count = excluded.record_count, "
                              "receipt_time = excluded.receipt_time");

// Fills what other services answered. A service that must keep what it has is still awaited.
absl::Status CompleteErasure(ReadTransaction& tx, v1::Erasure& erasure) {
  auto const resident_id = ResidentIdOf(erasure.name());
  auto const id = contract::LastPart(erasure.name());
  ASSIGN_OR_RETURN(auto const receipts, tx.Query(kReceipts, {resident_id, id}));
  for (std::size_t i = 0; i < receipts.size(); ++i) {
    auto& receipt = *erasure.add_receipts();
    receipt.set_service(receipts.Text(i, 0));
    receipt.set_outcome(static_cast<v1::ErasureOutcome>(receipts.Int64(i, 1)));
    receipt.set_record_count(static_cast<std::int32_t>(receipts.Int64(i, 2)));
    receipt.mutable_receipt_time()->set_seconds(receipts.Int64(i, 3) / 1'000'000);
  }
  if (!erasure.has_erase_time()) return absl::OkStatus();
  ASSIGN_OR_RETURN(auto const awaited, tx.Query(kAwaited, {resident_id, id}));
  for (std::size_t i = 0; i < awaited.size(); ++i) erasure.add_awaited_services(awaited.Text(i, 0));
  return absl::OkStatus();
}

// P7: nothing of the person stays but names of resources, and everybody who may have something of the person learns of it.
absl::Status RemoveEverything(WriteTransaction& tx, v1::Erasure const& erasure) {
  std::string const resident(ResidentOf(erasure.name()));
  auto const id = contract::LastPart(resident);
  for (auto const* statement : {&kEraseLookup, &kEraseSearch, &kEraseGuarding, &kErase}) {
    RETURN_IF_ERROR(tx.Enqueue(*statement, Binds{id}));
  }
  RETURN_IF_ERROR(DeleteMandatesOf(tx, resident));
  RETURN_IF_ERROR(tx.ForgetAnswers(resident));
  v1::ResidentErased event;
  event.set_resident(resident);
  event.set_erasure(erasure.name());
  return tx.Append(event, resident);
}

absl::Status LoadInto(ReadTransaction& tx, std::string const& resident, v1::Erasure& erasure, bool& exists) {
  ASSIGN_OR_RETURN(auto const rows, tx.Query(kFindErasure, {contract::LastPart(resident)}));
  exists = !rows.empty();
  if (!exists) {
    erasure.set_name(absl::StrCat(resident, "/erasures/", tx.call().NewId()));
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(erasure, tx.Get<v1::Erasure>(Sv(absl::StrCat(resident, "/erasures/", rows.Text(0, 0)))));
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<v1::Erasure> EraseHere(WriteTransaction& tx, v1::Resident const& person, ErasureOrder const& order) {
  v1::Erasure erasure;
  bool exists = false;
  RETURN_IF_ERROR(LoadInto(tx, order.resident, erasure, exists));
  std::string const today = ToIsoDate(tx.call().Today());
  ASSIGN_OR_RETURN(auto const holds, tx.Query(kOnHold, {contract::LastPart(order.resident), std::string_view(today)}));
  erasure.set_ground(order.ground);
  erasure.set_retention_policy(order.retention_policy);
  erasure.set_subject(tx.call().identity().subject());
  *erasure.mutable_responsibility() = person.responsibility();
  if (!order.archive_receipt.empty()) erasure.set_archive_receipt(order.archive_receipt);
  auto const state = StateOfErasure(!holds.empty(), person.responsibility().controller(), erasure.archive_receipt());
  erasure.set_state(state);
  if (state == v1::ERASURE_STATE_ERASED) {
    erasure.mutable_erase_time()->set_seconds(absl::ToUnixSeconds(tx.call().Now()));
    RETURN_IF_ERROR(RemoveEverything(tx, erasure));
  }
  RETURN_IF_ERROR(exists ? tx.Update(erasure) : tx.Insert(erasure));
  if (state == v1::ERASURE_STATE_ERASED) {
    RETURN_IF_ERROR(CompleteErasure(tx, erasure));
    // An installation without other services has nobody to wait for.
    if (erasure.awaited_services().empty()) {
      erasure.set_state(v1::ERASURE_STATE_COMPLETE);
      RETURN_IF_ERROR(tx.Update(erasure));
    }
  }
  return erasure;
}

void Erasures::Register(Router& router) {
  auto const on = [&](std::string_view method, auto handler) {
    router.On("helhed.residents.v1.ErasureService", method, this, handler);
  };
  on("EraseResident", &Erasures::EraseResident);
  on("GetErasure", &Erasures::GetErasure);
  on("ListErasures", &Erasures::ListErasures);
  on("AcknowledgeErasure", &Erasures::AcknowledgeErasure);
  on("ListErasureHolds", &Erasures::ListErasureHolds);
  on("CreateErasureHold", &Erasures::CreateErasureHold);
  on("UpdateErasureHold", &Erasures::UpdateErasureHold);
  on("ListErasureRecipients", &Erasures::ListErasureRecipients);
  on("CreateErasureRecipient", &Erasures::CreateErasureRecipient);
  on("DeleteErasureRecipient", &Erasures::DeleteErasureRecipient);
  on("ListRetentionPolicies", &Erasures::ListRetentionPolicies);
  on("CreateRetentionPolicy", &Erasures::CreateRetentionPolicy);
  on("UpdateRetentionPolicy", &Erasures::UpdateRetentionPolicy);
  on("RunRetention", &Erasures::RunRetention);
  on("ListRetentionRuns", &Erasures::ListRetentionRuns);
}

absl::StatusOr<v1::Erasure> Erasures::EraseResident(CallContext const& call, v1::EraseResidentRequest const& request) {
  if (request.ground() == v1::ERASURE_GROUND_RETENTION) {
    return BadRequest({{"ground", "must be REQUEST or MISTAKE: the policies are executed by RunRetention"}});
  }
  if (HoldsCprNumber(request.archive_receipt())) {
    return BadRequest({{"archive_receipt", "must not hold a CPR number: it outlasts the person's data"}});
  }
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::Erasure> {
    RETURN_IF_ERROR(RequirePurpose(tx, request.purpose(), request.case_reference()).status());
    RETURN_IF_ERROR(LockPeople(tx, {request.name()}));
    ASSIGN_OR_RETURN(auto const person, LoadPerson(tx, request.name()));
    RETURN_IF_ERROR(RequireReach(tx, person));
    ASSIGN_OR_RETURN(auto erasure, EraseHere(tx, person, {request.name(), request.ground(), "", request.archive_receipt()}));
    auto const kind = erasure.has_erase_time() ? v1::ACCESS_KIND_ERASED : v1::ACCESS_KIND_CHANGED;
    RETURN_IF_ERROR(LogAccess(tx, kind, request.purpose(), request.case_reference(), request.name(), "erasures"));
    return erasure;
  });
}

absl::StatusOr<v1::Erasure> Erasures::GetErasure(CallContext const& call, v1::GetErasureRequest const& request) {
  return store_.Read(call, [&](ReadTransaction& tx) -> absl::StatusOr<v1::Erasure> {
    RETURN_IF_ERROR(RequireReachOfTrail(tx, ResidentOf(request.name())));
    ASSIGN_OR_RETURN(auto erasure, tx.Get<v1::Erasure>(request.name()));
    RETURN_IF_ERROR(CompleteErasure(tx, erasure));
    return erasure;
  });
}

absl::StatusOr<v1::ListErasuresResponse> Erasures::ListErasures(CallContext const& call, v1::ListErasuresRequest const& request) {
  return store_.Read(call, [&](ReadTransaction& tx) -> absl::StatusOr<v1::ListErasuresResponse> {
    RETURN_IF_ERROR(RequireReachOfTrail(tx, request.parent()));
    storage::ListOptions options;
    options.from = "erasures e";
    options.alias = "e";
    options.conditions.push_back({"e.resident = ?", {std::string(contract::LastPart(request.parent()))}});
    ASSIGN_OR_RETURN(auto response, tx.List<v1::ListErasuresResponse>(request, options));
    for (auto& erasure : *response.mutable_erasures()) RETURN_IF_ERROR(CompleteErasure(tx, erasure));
    return response;
  });
}

absl::StatusOr<v1::Erasure> Erasures::AcknowledgeErasure(CallContext const& call, v1::AcknowledgeErasureRequest const& request) {
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::Erasure> {
    auto const resident_id = ResidentIdOf(request.name());
    auto const id = contract::LastPart(request.name());
    RETURN_IF_ERROR(tx.Query(kLockErasure, {resident_id, id}).status());
    ASSIGN_OR_RETURN(auto erasure, tx.Get<v1::Erasure>(request.name()));
    if (!erasure.has_erase_time()) return NotFound(request.name());
    RETURN_IF_ERROR(tx.Enqueue(
        kStoreReceipt, Binds{resident_id, id, std::string_view(request.service()), static_cast<std::int64_t>(request.outcome()),
                             static_cast<std::int64_t>(request.record_count()), absl::ToUnixMicros(call.Now())}));
    v1::Erasure complete = erasure;
    RETURN_IF_ERROR(CompleteErasure(tx, complete));
    complete.set_state(complete.awaited_services().empty() ? v1::ERASURE_STATE_COMPLETE : v1::ERASURE_STATE_ERASED);
    RETURN_IF_ERROR(tx.Update(complete));
    return complete;
  });
}

absl::StatusOr<v1::ListErasureRecipientsResponse> Erasures::ListErasureRecipients(
    CallContext const& call, v1::ListErasureRecipientsRequest const& request) {
  storage::ListOptions options;
  options.from = "erasure_recipients t";
  options.alias = "t";
  return store_.Read(call, [&](ReadTransaction& tx) { return tx.List<v1::ListErasureRecipientsResponse>(request, options); });
}

absl::StatusOr<v1::ErasureRecipient> Erasures::CreateErasureRecipient(CallContext const& call,
                                                                      v1::CreateErasureRecipientRequest const& request) {
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::ErasureRecipient> {
    v1::ErasureRecipient recipient = request.erasure_recipient();
    recipient.set_name(absl::StrCat("erasureRecipients/", request.erasure_recipient_id()));
    RETURN_IF_ERROR(tx.Insert(recipient));
    return recipient;
  });
}

absl::StatusOr<google::protobuf::Empty> Erasures::DeleteErasureRecipient(CallContext const& call,
                                                                         v1::DeleteErasureRecipientRequest const& request) {
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<google::protobuf::Empty> {
    RETURN_IF_ERROR(tx.Delete<v1::ErasureRecipient>(request.name()));
    return google::protobuf::Empty();
  });
}

}  // namespace helhed::residents
