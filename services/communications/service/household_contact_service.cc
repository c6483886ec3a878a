#include "services/communications/service/household_contact_service.h"

#include <absl/strings/str_cat.h>

#include <cstdint>

#include "services/communications/service/names.h"
#include "services/platform/contract/contract.h"

namespace helhed::communications {
namespace {

using storage::Statement;

// $2 is a JSON array of households of the organisation.
Statement const kDeclined("communications.declined_kinds",
                          "SELECT household_contact, declined FROM household_contacts WHERE organisation = $1 "
                          "AND household_contact IN (SELECT wanted.value FROM json_each($2) AS wanted)",
                          "SELECT household_contact, declined FROM household_contacts WHERE organisation = $1 "
                          "AND household_contact = ANY (ARRAY(SELECT json_array_elements_text(CAST($2 AS JSON))))");
Statement const kStoreDeclined("communications.store_declined_kinds",
                               "UPDATE household_contacts SET declined = $3 WHERE organisation = $1 AND household_contact = $2");

// The kinds are few, and are bits of a number in the store.
absl::Status Complete(ReadTransaction& tx, std::string_view organisation, ById<v1::HouseholdContact> const& contacts) {
  auto const ids = IdsOf(contacts);
  ASSIGN_OR_RETURN(auto const rows, tx.Query(kDeclined, {organisation, std::string_view(ids)}));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    auto& contact = *contacts.at(rows.Text(i, 0));
    auto const declined = static_cast<std::uint64_t>(rows.Int64(i, 1));
    for (int kind = v1::MessageKind_MIN + 1; kind <= v1::MessageKind_MAX; ++kind) {
      if (((declined >> static_cast<unsigned>(kind)) & 1U) != 0) contact.add_declined_kinds(static_cast<v1::MessageKind>(kind));
    }
  }
  return absl::OkStatus();
}

absl::Status StoreDeclined(WriteTransaction& tx, v1::HouseholdContact const& contact) {
  auto const key = KeyOf<v1::HouseholdContact>(contact.name());
  std::uint64_t declined = 0;
  for (int const kind : contact.declined_kinds()) declined |= std::uint64_t{1} << static_cast<unsigned>(kind);
  return tx.Enqueue(kStoreDeclined, {key[0], key[1], static_cast<std::int64_t>(declined)});
}

absl::StatusOr<v1::HouseholdContact> Load(ReadTransaction& tx, std::string_view name) {
  ASSIGN_OR_RETURN(auto contact, tx.Get<v1::HouseholdContact>(name));
  auto const key = KeyOf<v1::HouseholdContact>(name);
  RETURN_IF_ERROR(Complete(tx, key[0], {{key[1], &contact}}));
  return contact;
}

absl::Status Check(v1::HouseholdContact const& contact) {
  for (int const kind : contact.declined_kinds()) {
    if (kind == v1::MESSAGE_KIND_UNSPECIFIED) return BadRequest({{"household_contact.declined_kinds", "must be kinds"}});
  }
  return absl::OkStatus();
}

}  // namespace

void HouseholdContactService::Register(Router& router) {
  auto const on = [&](std::string_view method, auto handler) {
    router.On("helhed.communications.v1.HouseholdContactService", method, this, handler);
  };
  on("GetHouseholdContact", &HouseholdContactService::GetHouseholdContact);
  on("ListHouseholdContacts", &HouseholdContactService::ListHouseholdContacts);
  on("CreateHouseholdContact", &HouseholdContactService::CreateHouseholdContact);
  on("UpdateHouseholdContact", &HouseholdContactService::UpdateHouseholdContact);
  on("DeleteHouseholdContact", &HouseholdContactService::DeleteHouseholdContact);
}

absl::StatusOr<v1::HouseholdContact> HouseholdContactService::GetHouseholdContact(CallContext const& call,
                                                                                  v1::GetHouseholdContactRequest const& request) {
  return store_.Read(call, [&](ReadTransaction& tx) { return Load(tx, request.name()); });
}

absl::StatusOr<v1::ListHouseholdContactsResponse> HouseholdContactService::ListHouseholdContacts(
    CallContext const& call, v1::ListHouseholdContactsRequest const& request) {
  return store_.Read(call, [&](ReadTransaction& tx) -> absl::StatusOr<v1::ListHouseholdContactsResponse> {
    std::string const organisation(contract::LastPart(request.parent()));
    ASSIGN_OR_RETURN(auto response, PageBelow<v1::ListHouseholdContactsResponse>(tx, request, "household_contacts t",
                                                                                 {{"t.organisation = ?", {organisation}}}));
    RETURN_IF_ERROR(Complete(tx, organisation, ByIdOf(*response.mutable_household_contacts())));
    return response;
  });
}

absl::StatusOr<v1::HouseholdContact> HouseholdContactService::CreateHouseholdContact(
    CallContext const& call, v1::CreateHouseholdContactRequest const& request) {
  RETURN_IF_ERROR(Check(request.household_contact()));
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::HouseholdContact> {
    v1::HouseholdContact contact = request.household_contact();
    contact.set_name(absl::StrCat(request.parent(), "/householdContacts/", request.household_contact_id()));
    tx.AnswerIsAbout(contact.name());
    RETURN_IF_ERROR(tx.Insert(contact));
    RETURN_IF_ERROR(StoreDeclined(tx, contact));
    return contact;
  });
}

absl::StatusOr<v1::HouseholdContact> HouseholdContactService::UpdateHouseholdContact(
    CallContext const& call, v1::UpdateHouseholdContactRequest const& request) {
  auto const& given = request.household_contact();
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::HouseholdContact> {
    ASSIGN_OR_RETURN(auto contact, Load(tx, given.name()));
    RETURN_IF_ERROR(storage::CheckEtag(given.etag(), contact.etag(), given.name()));
    RETURN_IF_ERROR(contract::ApplyUpdate(request.update_mask(), given, contact, "household_contact"));
    RETURN_IF_ERROR(Check(contact));
    tx.AnswerIsAbout(contact.name());
    RETURN_IF_ERROR(tx.Update(contact));
    RETURN_IF_ERROR(StoreDeclined(tx, contact));
    return contact;
  });
}

absl::StatusOr<google::protobuf::Empty> HouseholdContactService::DeleteHouseholdContact(
    CallContext const& call, v1::DeleteHouseholdContactRequest const& request) {
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<google::protobuf::Empty> {
    RETURN_IF_ERROR(tx.Delete<v1::HouseholdContact>(request.name(), request.etag()));
    // What was answered about it before is forgotten with it.
    RETURN_IF_ERROR(tx.ForgetAnswers(request.name()));
    return google::protobuf::Empty();
  });
}

}  // namespace helhed::communications
