#include <absl/strings/str_cat.h>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "helhed/communications/v1/errors.pb.h"
#include "services/communications/domain/incident_life.h"
#include "services/communications/service/incident_service.h"
#include "services/communications/service/incident_store.h"
#include "services/communications/service/names.h"
#include "services/platform/base/times.h"
#include "services/platform/service/requests.h"

// The only place where persons of an incident stand: sealed, for few, for one purpose, for a while.
namespace helhed::communications {
namespace {

using storage::Statement;

Statement const kSeal(
    "communications.seal_annex",
    "UPDATE incident_annexes SET key_id = $4, sealed = $5 WHERE plan = $1 AND incident = $2 AND incident_annex = $3");
Statement const kSealed("communications.sealed_annex",
                        "SELECT key_id, sealed FROM incident_annexes WHERE plan = $1 AND incident = $2 AND incident_annex = $3");
Statement const kErase("communications.erase_annex",
                       "UPDATE incident_annexes SET key_id = NULL, sealed = NULL "
                       "WHERE plan = $1 AND incident = $2 AND incident_annex = $3");
Statement const kStoreReader(
    "communications.store_annex_reader",
    "INSERT INTO annex_readers (plan, incident, incident_annex, position, subject) VALUES ($1, $2, $3, $4, $5)");
Statement const kReaders(
    "communications.annex_readers",
    "SELECT subject FROM annex_readers WHERE plan = $1 AND incident = $2 AND incident_annex = $3 ORDER BY position");
Statement const kAnnexDue(
    "communications.next_annex_to_erase",
    "SELECT plan, incident, incident_annex FROM incident_annexes WHERE erase_time IS NULL AND expire_time <= $1 "
    "ORDER BY expire_time, plan, incident, incident_annex LIMIT 1");

// Each side of the active key's is a range of an index.
Statement const kOfOtherKey(
    "communications.annex_of_another_key",
    "SELECT plan, incident, incident_annex FROM incident_annexes WHERE key_id IS NOT NULL AND key_id < $1 "
    "UNION ALL SELECT plan, incident, incident_annex FROM incident_annexes "
    "WHERE key_id IS NOT NULL AND key_id > $1 LIMIT 1");

absl::Status NotKept() {
  return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_ANNEXES_NOT_KEPT,
               "this installation keeps no annexes: it was given no data keys");
}

absl::Status NotAuthority(std::string_view field) {
  return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_NOT_AN_AUTHORITY,
               "under retsplejeloven § 115 authorities exchange, and nobody else", {{"field", std::string(field)}});
}

// Each reader is a party of the incident, and under § 115 one of an authority, as is the author (P10).
absl::Status CheckReaders(ReadTransaction& tx, v1::IncidentAnnex const& annex, v1::IncidentParty const& author) {
  auto const incident = IncidentOf(annex.name());
  bool const among_authorities = annex.basis() == v1::ANNEX_BASIS_ADMINISTRATION_OF_JUSTICE_115;
  if (among_authorities && !IsAuthority(author.kind())) return NotAuthority("incident_annex.basis");
  for (int i = 0; i < annex.readers_size(); ++i) {
    auto const field = absl::StrCat("incident_annex.readers[", i, "]");
    ASSIGN_OR_RETURN(auto const party, FindParty(tx, incident, annex.readers(i)));
    if (!party) {
      return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_NOT_A_PARTY, "a reader is a party of the incident",
                   {{"field", field}});
    }
    if (among_authorities && !IsAuthority(party->kind())) return NotAuthority(field);
  }
  return absl::OkStatus();
}

absl::Status CheckExpiry(ReadTransaction& tx, v1::IncidentAnnex const& annex) {
  auto const now = tx.call().Now();
  auto const expire = TimeOf(annex.expire_time());
  if (expire <= now) return BadRequest({{"incident_annex.expire_time", "must be in the future"}});
  ASSIGN_OR_RETURN(auto const rule, RuleOfToday(tx));
  auto const latest = now + absl::Hours(24) * rule.annex_days_max();
  if (expire <= latest) return absl::OkStatus();
  return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_ANNEX_TOO_LONG, "an annex may not be kept that long",
               {{"latest", Rfc3339(latest)}});
}

absl::Status StoreReaders(WriteTransaction& tx, v1::IncidentAnnex const& annex) {
  auto const key = KeyOf<v1::IncidentAnnex>(annex.name());
  for (int i = 0; i < annex.readers_size(); ++i) {
    RETURN_IF_ERROR(tx.Enqueue(kStoreReader, {std::string_view(key[0]), std::string_view(key[1]), std::string_view(key[2]),
                                              std::int64_t{i}, std::string_view(annex.readers(i))}));
  }
  return absl::OkStatus();
}

// The annex with its readers, for a party that is one of them or its author; NOT_FOUND for whoever is not.
absl::StatusOr<v1::IncidentAnnex> LoadForReader(ReadTransaction& tx, std::string const& name, std::string_view asked_for,
                                                bool or_author) {
  RETURN_IF_ERROR(RequireParty(tx, IncidentOf(name), asked_for).status());
  ASSIGN_OR_RETURN(auto annex, tx.Get<v1::IncidentAnnex>(name));
  auto const key = KeyOf<v1::IncidentAnnex>(name);
  ASSIGN_OR_RETURN(auto const rows,
                   tx.Query(kReaders, {std::string_view(key[0]), std::string_view(key[1]), std::string_view(key[2])}));
  for (std::size_t row = 0; row < rows.size(); ++row) annex.add_readers(rows.Text(row, 0));
  auto const& subject = tx.call().identity().subject();
  bool const reads = std::find(annex.readers().begin(), annex.readers().end(), subject) != annex.readers().end();
  if (reads || (or_author && annex.author() == subject)) return annex;
  return NotFound(asked_for);
}

// What is sealed, or nullopt once it was erased.
absl::StatusOr<std::optional<crypto::KeyRing::Sealed>> LoadSealed(ReadTransaction& tx, std::string_view annex) {
  auto const key = KeyOf<v1::IncidentAnnex>(annex);
  ASSIGN_OR_RETURN(auto const rows,
                   tx.Query(kSealed, {std::string_view(key[0]), std::string_view(key[1]), std::string_view(key[2])}));
  if (rows.empty() || rows.IsNull(0, 1)) return std::nullopt;
  auto const bytes = rows.Blob(0, 1);
  return crypto::KeyRing::Sealed{rows.Text(0, 0), {reinterpret_cast<char const*>(bytes.data()), bytes.size()}};
}

absl::Status StoreSealed(WriteTransaction& tx, std::string_view annex, crypto::KeyRing::Sealed const& sealed) {
  auto const key = KeyOf<v1::IncidentAnnex>(annex);
  return tx.Enqueue(kSeal, {std::string_view(key[0]), std::string_view(key[1]), std::string_view(key[2]),
                            std::string_view(sealed.key_id), std::as_bytes(std::span(sealed.bytes))});
}

absl::Status LogReading(WriteTransaction& tx, v1::GetIncidentAnnexRequest const& request) {
  v1::AnnexAccess access;
  access.set_name(absl::StrCat(request.name(), "/accesses/", tx.call().NewId()));
  access.set_subject(tx.call().identity().subject());
  access.set_purpose(request.purpose());
  access.set_case_reference(request.case_reference());
  access.set_trace_id(tx.call().trace().trace_id);
  return tx.Insert(access);
}

}  // namespace

absl::Status EraseAnnex(WriteTransaction& tx, v1::IncidentAnnex& annex) {
  auto const key = KeyOf<v1::IncidentAnnex>(annex.name());
  RETURN_IF_ERROR(tx.Enqueue(kErase, {std::string_view(key[0]), std::string_view(key[1]), std::string_view(key[2])}));
  *annex.mutable_erase_time() = Stamp(tx.call().Now());
  RETURN_IF_ERROR(tx.Update(annex));
  return AddToTimeline(tx, IncidentOf(annex.name()), v1::TIMELINE_KIND_ANNEX);
}

absl::StatusOr<v1::IncidentAnnex> IncidentService::CreateIncidentAnnex(CallContext const& call,
                                                                       v1::CreateIncidentAnnexRequest const& request) {
  if (keys_ == nullptr) return NotKept();
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::IncidentAnnex> {
    ASSIGN_OR_RETURN(auto const author, RequireParty(tx, request.parent(), request.parent()));
    ASSIGN_OR_RETURN(auto const incident, LockIncident(tx, request.parent(), request.parent()));
    RETURN_IF_ERROR(RequireState(incident, IsUnderWay));
    v1::IncidentAnnex annex = request.incident_annex();
    annex.set_name(absl::StrCat(request.parent(), "/annexes/", IdOr(call, request.incident_annex_id())));
    annex.set_author(author.subject());
    RETURN_IF_ERROR(CheckReaders(tx, annex, author));
    RETURN_IF_ERROR(CheckExpiry(tx, annex));
    auto const sealed = keys_->Seal(annex.name(), annex.content());
    // The answer is kept for whoever tries again, and must not hold what is sealed.
    annex.clear_content();
    RETURN_IF_ERROR(tx.Insert(annex));
    RETURN_IF_ERROR(StoreReaders(tx, annex));
    RETURN_IF_ERROR(StoreSealed(tx, annex.name(), sealed));
    RETURN_IF_ERROR(AddToTimeline(tx, incident.name(), v1::TIMELINE_KIND_ANNEX));
    tx.AnswerIsAbout(incident.name());
    return annex;
  });
}

absl::StatusOr<v1::IncidentAnnex> IncidentService::GetIncidentAnnex(CallContext const& call,
                                                                    v1::GetIncidentAnnexRequest const& request) {
  if (keys_ == nullptr) return NotKept();
  RETURN_IF_ERROR(CheckTexts({{"case_reference", request.case_reference()}}, false));
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::IncidentAnnex> {
    ASSIGN_OR_RETURN(auto annex, LoadForReader(tx, request.name(), request.name(), false));
    if (annex.has_erase_time() || TimeOf(annex.expire_time()) <= call.Now()) return NotFound(request.name());
    if (annex.purpose() != request.purpose()) {
      return Error(absl::StatusCode::kPermissionDenied, v1::ERROR_REASON_PURPOSE_FOREIGN, "the annex is kept for another purpose",
                   {{"annex", annex.name()}});
    }
    ASSIGN_OR_RETURN(auto const sealed, LoadSealed(tx, annex.name()));
    if (!sealed) return NotFound(request.name());
    ASSIGN_OR_RETURN(auto content, keys_->Open(annex.name(), *sealed));
    RETURN_IF_ERROR(LogReading(tx, request));
    annex.set_content(std::move(content));
    return annex;
  });
}

absl::StatusOr<google::protobuf::Empty> IncidentService::DeleteIncidentAnnex(CallContext const& call,
                                                                             v1::DeleteIncidentAnnexRequest const& request) {
  auto const name = IncidentOf(request.name());
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<google::protobuf::Empty> {
    RETURN_IF_ERROR(RequireParty(tx, name, request.name()).status());
    RETURN_IF_ERROR(LockIncident(tx, name, request.name()).status());
    ASSIGN_OR_RETURN(auto annex, tx.Get<v1::IncidentAnnex>(request.name()));
    if (annex.author() != call.identity().subject()) {
      RETURN_IF_ERROR(RequireCoordinator(tx, name, request.name()).status());
    }
    if (!annex.has_erase_time()) {
      RETURN_IF_ERROR(EraseAnnex(tx, annex));
    }
    return google::protobuf::Empty();
  });
}

absl::StatusOr<v1::ListAnnexAccessesResponse> IncidentService::ListAnnexAccesses(CallContext const& call,
                                                                                 v1::ListAnnexAccessesRequest const& request) {
  v1::ListAnnexAccessesRequest ordered = request;
  if (ordered.order_by().empty()) ordered.set_order_by("name desc");
  return store_.Read(call, [&](ReadTransaction& tx) -> absl::StatusOr<v1::ListAnnexAccessesResponse> {
    RETURN_IF_ERROR(LoadForReader(tx, request.parent(), request.parent(), true).status());
    auto key = KeyOf<v1::IncidentAnnex>(request.parent());
    return PageBelow<v1::ListAnnexAccessesResponse>(tx, ordered, "annex_accesses t",
                                                    {{"t.plan = ?", {std::move(key[0])}},
                                                     {"t.incident = ?", {std::move(key[1])}},
                                                     {"t.incident_annex = ?", {std::move(key[2])}}});
  });
}

absl::StatusOr<bool> IncidentService::EraseAnnexesJob(storage::Limits const& limits) {
  bool found = false;
  auto const status =
      store_.Apply(OwnContext("communications", store_.parts(), limits), [&](WriteTransaction& tx) -> absl::Status {
        ASSIGN_OR_RETURN(auto const rows, tx.Query(kAnnexDue, {absl::ToUnixMicros(tx.call().Now())}));
        found = !rows.empty();
        if (!found) return absl::OkStatus();
        auto const incident = absl::StrCat("plans/", rows.Text(0, 0), "/incidents/", rows.Text(0, 1));
        RETURN_IF_ERROR(LockIncident(tx, incident, incident).status());
        ASSIGN_OR_RETURN(auto annex, tx.Get<v1::IncidentAnnex>(absl::StrCat(incident, "/annexes/", rows.Text(0, 2))));
        return annex.has_erase_time() ? absl::OkStatus() : EraseAnnex(tx, annex);
      });
  if (!status.ok()) return status;
  return found;
}

absl::StatusOr<bool> IncidentService::RotateAnnexesJob(storage::Limits const& limits) {
  bool found = false;
  auto const status =
      store_.Apply(OwnContext("communications", store_.parts(), limits), [&](WriteTransaction& tx) -> absl::Status {
        ASSIGN_OR_RETURN(auto const rows, tx.Query(kOfOtherKey, {std::string_view(keys_->active())}));
        found = !rows.empty();
        if (!found) return absl::OkStatus();
        auto const incident = absl::StrCat("plans/", rows.Text(0, 0), "/incidents/", rows.Text(0, 1));
        RETURN_IF_ERROR(LockIncident(tx, incident, incident).status());
        auto const name = absl::StrCat(incident, "/annexes/", rows.Text(0, 2));
        ASSIGN_OR_RETURN(auto const sealed, LoadSealed(tx, name));
        // Erased, or rotated by another replica, while this waited for the incident.
        if (!sealed || sealed->key_id == keys_->active()) return absl::OkStatus();
        ASSIGN_OR_RETURN(auto const content, keys_->Open(name, *sealed));
        return StoreSealed(tx, name, keys_->Seal(name, content));
      });
  if (!status.ok()) return status;
  return found;
}

}  // namespace helhed::communications
