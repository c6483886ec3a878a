#include "services/communications/service/household_ends.h"

#include <absl/strings/str_cat.h>

#include <string>
#include <vector>

#include "helhed/communications/v1/errors.pb.h"
#include "helhed/communications/v1/household_contact.pb.h"
#include "helhed/residents/v1/erasure_service.pb.h"
#include "helhed/residents/v1/events.pb.h"
#include "services/platform/base/civil.h"
#include "services/platform/base/random.h"
#include "services/platform/contract/resource_name.h"
#include "services/platform/service/requests.h"

namespace helhed::communications {
namespace {

using storage::Statement;
namespace rv1 = residents::v1;

constexpr std::string_view kAcknowledge = "/helhed.residents.v1.ErasureService/AcknowledgeErasure";

Statement const kNoteEnd("communications.note_household_end",
                         "INSERT INTO household_ends (organisation, household, end_date) VALUES ($1, $2, $3) "
                         "ON CONFLICT (organisation, household) DO UPDATE SET end_date = excluded.end_date");
Statement const kForgetEnd("communications.forget_household_end",
                           "DELETE FROM household_ends WHERE organisation = $1 AND household = $2");
Statement const kNextEnd("communications.next_household_end",
                         "SELECT organisation, household FROM household_ends WHERE end_date <= $1 "
                         "ORDER BY end_date, organisation, household LIMIT 1");
Statement const kNoteErasure("communications.note_erasure",
                             "INSERT INTO erasures_to_answer (resident, erasure) VALUES ($1, $2) "
                             "ON CONFLICT (resident, erasure) DO NOTHING");
Statement const kNextErasure("communications.next_erasure",
                             "SELECT resident, erasure FROM erasures_to_answer ORDER BY resident, erasure LIMIT 1");
Statement const kForgetErasure("communications.forget_erasure",
                               "DELETE FROM erasures_to_answer WHERE resident = $1 AND erasure = $2");

absl::Status TakeHousehold(WriteTransaction& tx, rv1::Household const& household) {
  auto const key = contract::PatternOfType("helhed.dk/Household")->Match(household.name());
  // Of a register that names households otherwise nothing can be known here.
  if (!key) return absl::OkStatus();
  std::string_view const organisation((*key)[0]);
  std::string_view const id((*key)[1]);
  auto const end = ToCivil(household.occupation().end_date());
  if (!household.occupation().has_end_date() || !end) return tx.Enqueue(kForgetEnd, {organisation, id});
  auto const date = ToIsoDate(*end);
  return tx.Enqueue(kNoteEnd, {organisation, id, std::string_view(date)});
}

absl::Status TakeErasure(WriteTransaction& tx, std::string const& erasure) {
  auto const key = contract::PatternOfType("helhed.dk/Erasure")->Match(erasure);
  if (!key) return absl::OkStatus();
  return tx.Enqueue(kNoteErasure, {std::string_view((*key)[0]), std::string_view((*key)[1])});
}

absl::Status CannotAnswer(std::string_view why) {
  return Error(absl::StatusCode::kUnavailable, v1::ERROR_REASON_REGISTER_UNAVAILABLE,
               absl::StrCat("the register of residents waits for an answer to an erasure: ", Av(why)));
}

}  // namespace

absl::Status HouseholdEnds::TakeEvent(WriteTransaction& tx, events::v1::Event const& event) {
  rv1::HouseholdChanged changed;
  if (event.data().UnpackTo(&changed)) return TakeHousehold(tx, changed.household());
  rv1::ResidentErased erased;
  if (event.data().UnpackTo(&erased)) return TakeErasure(tx, erased.erasure());
  return absl::OkStatus();
}

absl::StatusOr<bool> HouseholdEnds::ForgetJob(storage::Limits const& limits) {
  auto const call = OwnContext("communications", store_.parts(), limits);
  auto const today = ToIsoDate(call.Today());
  ASSIGN_OR_RETURN(auto const next,
                   store_.Read(call, [&](ReadTransaction& tx) { return tx.Query(kNextEnd, {std::string_view(today)}); }));
  if (next.empty()) return false;
  auto const status = store_.Apply(call, [&](WriteTransaction& tx) -> absl::Status {
    // By now the register may have said that it stays.
    ASSIGN_OR_RETURN(auto const rows, tx.Query(kNextEnd, {std::string_view(today)}));
    if (rows.empty()) return absl::OkStatus();
    auto const contact = absl::StrCat("organisations/", rows.Text(0, 0), "/householdContacts/", rows.Text(0, 1));
    auto const deleted = tx.Delete<v1::HouseholdContact>(contact);
    if (!deleted.ok() && !absl::IsNotFound(deleted)) return deleted;
    RETURN_IF_ERROR(tx.ForgetAnswers(contact));
    return tx.Enqueue(kForgetEnd, {rows.Text(0, 0), rows.Text(0, 1)});
  });
  if (!status.ok()) return status;
  return true;
}

absl::StatusOr<bool> HouseholdEnds::AnswerJob(storage::Limits const& limits) {
  auto const call = OwnContext("communications", store_.parts(), limits);
  ASSIGN_OR_RETURN(auto const next, store_.Read(call, [&](ReadTransaction& tx) { return tx.Query(kNextErasure, {}); }));
  if (next.empty()) return false;
  rv1::AcknowledgeErasureRequest request;
  request.set_name(contract::PatternOfType("helhed.dk/Erasure")->Make({next.Text(0, 0), next.Text(0, 1)}));
  request.set_service("communications");
  request.set_outcome(rv1::ERASURE_OUTCOME_NOTHING_STORED);
  request.set_request_id(UuidOf(absl::StrCat("communications ", request.name())));
  auto const answer = residents_.Ask<rv1::Erasure>(kAcknowledge, request, call, CannotAnswer);
  // A register that was set back knows nothing of it, and waits for nothing.
  if (!answer.ok() && !absl::IsNotFound(answer.status())) return answer.status();
  auto const status = store_.Apply(call, [&](WriteTransaction& tx) {
    return tx.Enqueue(kForgetErasure, {next.Text(0, 0), next.Text(0, 1)});
  });
  if (!status.ok()) return status;
  return true;
}

}  // namespace helhed::communications
