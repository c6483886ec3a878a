#include <google/protobuf/util/message_differencer.h>

#include <algorithm>

#include "helhed/residents/v1/events.pb.h"
#include "helhed/residents/v1/organisation.pb.h"
#include "services/residents/domain/consents.h"
#include "services/residents/domain/cpr_number.h"
#include "services/residents/domain/people.h"
#include "services/residents/service/cpr_store.h"
#include "services/residents/service/people.h"
#include "services/residents/service/people_access.h"
#include "services/residents/service/people_store.h"
#include "services/residents/service/queries.h"
#include "services/residents/service/requests.h"

// How people come in, and are put right.
namespace helhed::residents {
namespace {

// P11: the controller is one that there is, and the processor is who administers for it today unless it is said.
absl::Status CompleteResponsibility(ReadTransaction& tx, v1::DataResponsibility& responsibility) {
  for (auto const& name : {responsibility.controller(), responsibility.processor()}) {
    if (name.starts_with("organisations/")) {
      RETURN_IF_ERROR(RequireOrganisation(tx, contract::LastPart(name)));
    }
  }
  if (!responsibility.processor().empty() || !responsibility.controller().starts_with("organisations/")) return absl::OkStatus();
  v1::Organisation controller;
  controller.set_name(responsibility.controller());
  v1::Organisation* const one[] = {&controller};
  RETURN_IF_ERROR(CompleteOrganisations(tx, one, tx.call().Today()));
  responsibility.set_processor(controller.administrator());
  return absl::OkStatus();
}

// Takes the number out of the message, which is never stored or answered with it.
std::optional<CprNumber> TakeCprNumber(v1::Resident& person) {
  auto number = ParseCprNumber(person.cpr_number());
  person.clear_cpr_number();
  if (number) person.set_cpr_number_masked(MaskCprNumber(*number));
  return number;
}

absl::Status InsertMembership(WriteTransaction& tx, v1::Resident const& person, v1::HouseholdMembership membership) {
  membership.set_name(person.name() + "/memberships/" + tx.call().NewId());
  RETURN_IF_ERROR(CheckMembershipHere(tx, membership));
  RETURN_IF_ERROR(tx.Insert(membership));
  return AddToSearch(tx, person, OrganisationIdOf(membership.household()));
}

// The fields in which both differ.
std::vector<std::string> ChangedFields(v1::Resident const& before, v1::Resident const& after) {
  std::vector<std::string> changed;
  auto const* const type = v1::Resident::descriptor();
  for (int i = 0; i < type->field_count(); ++i) {
    google::protobuf::util::MessageDifferencer differencer;
    for (int other = 0; other < type->field_count(); ++other) {
      if (other != i) differencer.IgnoreField(type->field(other));
    }
    if (!differencer.Compare(before, after)) changed.push_back(type->field(i)->name());
  }
  return changed;
}

std::string Joined(std::vector<std::string> const& fields) {
  std::string text;
  for (auto const& field : fields) text += (text.empty() ? "" : ",") + field;
  return text;
}

// Whether the mask takes the number away: it must be named, `*` does not do.
bool RemovesCprNumber(v1::UpdateResidentRequest const& request) {
  auto const& paths = request.update_mask().paths();
  return request.resident().cpr_number().empty() && std::find(paths.begin(), paths.end(), "cpr_number") != paths.end();
}

// What the update makes of the stored person, checked; `after` still holds the new number.
absl::Status CheckUpdate(WriteTransaction& tx, v1::UpdateResidentRequest const& request, v1::Resident const& before,
                         v1::Resident& after) {
  std::vector<FieldViolation> violations;
  CheckPerson(after, tx.call().Today(), "resident", violations);
  bool const is_other_day = !google::protobuf::util::MessageDifferencer::Equals(before.birth_date(), after.birth_date());
  bool const keeps_number = !after.cpr_number_masked().empty() && after.cpr_number().empty() && !RemovesCprNumber(request);
  if (is_other_day && keeps_number) {
    violations.push_back(
        {"resident.birth_date", "must be the day that the stored CPR number says; change both or remove the number"});
  }
  RETURN_IF_ERROR(Verdict(std::move(violations)));
  return CompleteResponsibility(tx, *after.mutable_responsibility());
}

}  // namespace

absl::StatusOr<v1::Resident> People::CreateResident(CallContext const& call, v1::CreateResidentRequest const& request) {
  v1::Resident given = request.resident();
  std::vector<FieldViolation> violations;
  CheckPerson(given, call.Today(), "resident", violations);
  if (request.has_membership()) ReadPeriod(request.membership().period(), "membership.period", violations);
  RETURN_IF_ERROR(Verdict(std::move(violations)));
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::Resident> {
    ASSIGN_OR_RETURN(auto const purpose, RequirePurpose(tx, request.purpose(), request.case_reference()));
    v1::Resident person = given;
    person.set_name(ResidentName(call.NewId()));
    std::string const fields = FieldsOf(person);
    if (request.has_membership()) {
      RETURN_IF_ERROR(RequireHouseholdReach(tx, request.membership().household()));
    } else {
      RETURN_IF_ERROR(call.RequireAny({person.responsibility().controller()}, person.responsibility().controller()));
    }
    RETURN_IF_ERROR(CheckCovered(purpose, fields));
    RETURN_IF_ERROR(CompleteResponsibility(tx, *person.mutable_responsibility()));
    auto const number = TakeCprNumber(person);
    RETURN_IF_ERROR(tx.Insert(person));
    RETURN_IF_ERROR(StoreDetails(tx, person));
    if (number) {
      RETURN_IF_ERROR(StoreCprNumber(tx, keys_, person.name(), *number));
    }
    if (request.has_membership()) {
      RETURN_IF_ERROR(InsertMembership(tx, person, request.membership()));
    }
    RETURN_IF_ERROR(StoreMovedOut(tx, person.name(), call.Today()));
    v1::ResidentCreated event;
    event.set_resident(person.name());
    RETURN_IF_ERROR(tx.Append(event, person.name()));
    RETURN_IF_ERROR(LogAccess(tx, v1::ACCESS_KIND_CHANGED, purpose.name(), request.case_reference(), person.name(), fields));
    KeepCovered(purpose, person);
    return person;
  });
}

absl::StatusOr<v1::Resident> People::UpdateResident(CallContext const& call, v1::UpdateResidentRequest const& request) {
  auto const& given = request.resident();
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::Resident> {
    ASSIGN_OR_RETURN(auto const purpose, RequirePurpose(tx, request.purpose(), request.case_reference()));
    RETURN_IF_ERROR(LockPeople(tx, {given.name()}));
    ASSIGN_OR_RETURN(auto const before, Approach(tx, given.name(), purpose));
    RETURN_IF_ERROR(storage::CheckEtag(given.etag(), before.etag(), given.name()));
    v1::Resident person = before;
    RETURN_IF_ERROR(contract::ApplyUpdate(request.update_mask(), given, person, "resident"));
    RETURN_IF_ERROR(CheckUpdate(tx, request, before, person));
    bool const removes = RemovesCprNumber(request) && !before.cpr_number_masked().empty();
    auto fields = ChangedFields(before, person);
    if (removes) fields.emplace_back("cpr_number");
    RETURN_IF_ERROR(CheckCovered(purpose, Joined(fields)));
    auto const number = TakeCprNumber(person);
    if (removes) {
      person.clear_cpr_number_masked();
      RETURN_IF_ERROR(RemoveCprNumber(tx, person.name()));
    }
    if (number) {
      RETURN_IF_ERROR(StoreCprNumber(tx, keys_, person.name(), *number));
    }
    RETURN_IF_ERROR(tx.Update(person));
    RETURN_IF_ERROR(StoreDetails(tx, person));
    RETURN_IF_ERROR(RenameInSearch(tx, person));
    RETURN_IF_ERROR(AppendUpdated(tx, person, fields));
    RETURN_IF_ERROR(
        LogAccess(tx, v1::ACCESS_KIND_CHANGED, purpose.name(), request.case_reference(), person.name(), Joined(fields)));
    return Show(tx, purpose, request.case_reference(), std::move(person));
  });
}

}  // namespace helhed::residents
