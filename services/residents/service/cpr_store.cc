#include "services/residents/service/cpr_store.h"

#include <absl/strings/escaping.h>
#include <absl/strings/str_cat.h>

#include <algorithm>

#include "helhed/residents/v1/errors.pb.h"
#include "services/platform/contract/resource_name.h"
#include "services/residents/service/people_access.h"

namespace helhed::residents {
namespace {

using Binds = std::initializer_list<storage::Bind>;
using storage::Statement;

Statement const kFind("residents.find_cpr_number", "SELECT resident FROM cpr_lookups WHERE fingerprint = $1");
Statement const kSealed("residents.sealed_cpr_number", "SELECT key_id, sealed FROM resident_cpr_numbers WHERE resident = $1");
Statement const kInsertSealed("residents.store_cpr_number",
                              "INSERT INTO resident_cpr_numbers (resident, key_id, sealed) VALUES ($1, $2, $3)");
Statement const kInsertLookup("residents.store_cpr_lookup",
                              "INSERT INTO cpr_lookups (fingerprint, key_id, resident) VALUES ($1, $2, $3)");
Statement const kRemoveSealed("residents.remove_cpr_number", "DELETE FROM resident_cpr_numbers WHERE resident = $1");
Statement const kRemoveLookup("residents.remove_cpr_lookup", "DELETE FROM cpr_lookups WHERE resident = $1");
// Two ranges, so that the index serves both.
Statement const kNotActive("residents.cpr_numbers_to_rotate",
                           "SELECT resident FROM resident_cpr_numbers WHERE key_id < $1 "
                           "UNION ALL SELECT resident FROM resident_cpr_numbers WHERE key_id > $1 LIMIT $2");

constexpr std::string_view kContext = "residents.cpr_number";
std::string ContextOf(std::string_view resident_id) { return absl::StrCat(Av(kContext), "|", Av(resident_id)); }
storage::Bytes BytesOf(std::string const& text) { return std::as_bytes(std::span(text)); }
std::string TextOf(std::span<std::byte const> bytes) { return {reinterpret_cast<char const*>(bytes.data()), bytes.size()}; }

absl::Status NotKept() {
  return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_CPR_NUMBERS_NOT_KEPT,
               "This installation keeps no CPR numbers: it was given no data keys.");
}

absl::Status Taken() {
  return Error(absl::StatusCode::kAlreadyExists, v1::ERROR_REASON_CPR_NUMBER_TAKEN, "Another person has this CPR number.");
}

absl::Status Insert(WriteTransaction& tx, crypto::KeyRing const& keys, std::string_view resident_id, std::string const& digits) {
  auto const sealed = keys.Seal(ContextOf(resident_id), digits);
  RETURN_IF_ERROR(tx.Enqueue(kInsertSealed, Binds{resident_id, std::string_view(sealed.key_id), BytesOf(sealed.bytes)}));
  auto const fingerprint = keys.Fingerprints(kContext, digits).front();
  // Without an unique key's own text, which would hold the hash.
  return tx.Enqueue(
      kInsertLookup, Binds{BytesOf(fingerprint.bytes), std::string_view(fingerprint.key_id), resident_id},
      [](absl::Status const& status) { return status.code() == absl::StatusCode::kAlreadyExists ? Taken() : status; });
}

}  // namespace

absl::Status StoreCprNumber(WriteTransaction& tx, crypto::KeyRing const* keys, std::string_view resident,
                            CprNumber const& number) {
  if (keys == nullptr) return NotKept();
  // While keys rotate, replicas may hash with different keys; they have one in common, whose hash they all lock. In one order.
  std::vector<std::string> locks;
  for (auto const& fingerprint : keys->Fingerprints(kContext, number.digits))
    locks.push_back(absl::BytesToHexString(fingerprint.bytes));
  std::sort(locks.begin(), locks.end());
  for (auto const& lock : locks) {
    RETURN_IF_ERROR(tx.Lock(Sv(absl::StrCat("cpr/", lock))));
  }
  ASSIGN_OR_RETURN(auto const owner, FindByCprNumber(tx, keys, number));
  if (owner && *owner != resident) return Taken();
  RETURN_IF_ERROR(RemoveCprNumber(tx, resident));
  return Insert(tx, *keys, contract::LastPart(resident), number.digits);
}

absl::Status RemoveCprNumber(WriteTransaction& tx, std::string_view resident) {
  auto const id = contract::LastPart(resident);
  RETURN_IF_ERROR(tx.Enqueue(kRemoveSealed, Binds{id}));
  return tx.Enqueue(kRemoveLookup, Binds{id});
}

absl::StatusOr<std::optional<std::string>> OpenCprNumber(ReadTransaction& tx, crypto::KeyRing const* keys,
                                                         std::string_view resident) {
  if (keys == nullptr) return NotKept();
  auto const id = contract::LastPart(resident);
  ASSIGN_OR_RETURN(auto const rows, tx.Query(kSealed, {id}));
  if (rows.empty()) return std::nullopt;
  ASSIGN_OR_RETURN(auto digits, keys->Open(ContextOf(id), {rows.Text(0, 0), TextOf(rows.Blob(0, 1))}));
  return digits;
}

absl::StatusOr<std::optional<std::string>> FindByCprNumber(ReadTransaction& tx, crypto::KeyRing const* keys,
                                                           CprNumber const& number) {
  if (keys == nullptr) return NotKept();
  for (auto const& fingerprint : keys->Fingerprints(kContext, number.digits)) {
    ASSIGN_OR_RETURN(auto const rows, tx.Query(kFind, {BytesOf(fingerprint.bytes)}));
    if (!rows.empty()) return ResidentName(rows.Text(0, 0));
  }
  return std::nullopt;
}

absl::StatusOr<int> RotateCprNumbers(WriteTransaction& tx, crypto::KeyRing const& keys, int limit) {
  RETURN_IF_ERROR(tx.Lock("residents/rotate-cpr-numbers"));
  ASSIGN_OR_RETURN(auto const rows, tx.Query(kNotActive, {std::string_view(keys.active()), static_cast<std::int64_t>(limit)}));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    auto const name = ResidentName(rows.Text(i, 0));
    RETURN_IF_ERROR(LockPeople(tx, {name}));
    ASSIGN_OR_RETURN(auto const digits, OpenCprNumber(tx, &keys, name));
    if (!digits) continue;  // removed since
    RETURN_IF_ERROR(RemoveCprNumber(tx, name));
    RETURN_IF_ERROR(Insert(tx, keys, rows.Text(i, 0), *digits));
  }
  return static_cast<int>(rows.size());
}

}  // namespace helhed::residents
