#include "services/activities/service/resident_ends.h"

#include <absl/strings/str_cat.h>

#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "helhed/activities/v1/errors.pb.h"
#include "helhed/activities/v1/proposal.pb.h"
#include "helhed/activities/v1/volunteer.pb.h"
#include "helhed/residents/v1/erasure_service.pb.h"
#include "helhed/residents/v1/events.pb.h"
#include "services/activities/domain/resident_end.h"
#include "services/activities/service/activity_store.h"
#include "services/activities/service/moved_plans.h"
#include "services/activities/service/queue.h"
#include "services/activities/service/requests.h"
#include "services/activities/service/volunteer_service.h"
#include "services/platform/base/civil.h"
#include "services/platform/base/clock.h"
#include "services/platform/base/random.h"
#include "services/platform/base/times.h"

namespace helhed::activities {
namespace {

using storage::Statement;
namespace rv1 = residents::v1;

constexpr std::string_view kAcknowledge = "/helhed.residents.v1.ErasureService/AcknowledgeErasure";

// No call that asked the register before it spoke is under way any more.
constexpr absl::Duration kCallsEnd = absl::Minutes(5);

Statement const kRegistrationsOf("activities.registrations_of_resident",
                                 "SELECT plan, activity, registration FROM registrations WHERE resident = $1 "
                                 "ORDER BY plan, activity, registration");
Statement const kVolunteersOf("activities.volunteers_of_resident",
                              "SELECT plan, volunteer FROM volunteers WHERE resident = $1 ORDER BY plan, volunteer");
Statement const kProposalsOf("activities.proposals_of_resident",
                             "SELECT plan, proposal FROM proposals WHERE resident = $1 ORDER BY plan, proposal");
// What was said stays; a note that explains it may be about the person.
Statement const kForgetNotes("activities.forget_attendance_notes",
                             "UPDATE attendance_entries SET note = '' WHERE plan = $1 AND activity = $2 AND attendance = $3 "
                             "AND note <> '' AND session IN (SELECT s.session FROM sessions s WHERE s.plan = $1 "
                             "AND s.activity = $2)");

Statement const kNoteErasure("activities.note_erasure",
                             "INSERT INTO erasures (resident, erasure, record_count, answered, next_time) "
                             "VALUES ($1, $2, $3, FALSE, $4) ON CONFLICT (resident, erasure) DO UPDATE SET "
                             "record_count = erasures.record_count + excluded.record_count, "
                             "answered = (erasures.answered AND excluded.record_count = 0), "
                             "next_time = CASE WHEN excluded.record_count = 0 THEN erasures.next_time "
                             "ELSE excluded.next_time END");
Statement const kNextErasure("activities.next_erasure",
                             "SELECT resident, erasure, record_count, answered FROM erasures WHERE next_time <= $1 "
                             "ORDER BY next_time, resident, erasure LIMIT 1");
Statement const kSetErasure("activities.set_erasure",
                            "UPDATE erasures SET answered = TRUE, next_time = $4 WHERE resident = $1 AND erasure = $2 "
                            "AND record_count = $3");

Statement const kIsPurpose("activities.is_purpose_of_rule",
                           "SELECT activity_rule FROM activity_rules WHERE purpose = $1 LIMIT 1");
Statement const kNoteConsent("activities.note_ended_consent",
                             "INSERT INTO ended_consents (resident, consent, purpose, checked, check_time) "
                             "VALUES ($1, $2, $3, FALSE, $4) ON CONFLICT (resident, consent) DO NOTHING");
Statement const kNextConsent("activities.next_ended_consent",
                             "SELECT resident, consent, purpose, checked FROM ended_consents WHERE check_time <= $1 "
                             "ORDER BY check_time, resident, consent LIMIT 1");
Statement const kCheckConsentAgain(
    "activities.check_ended_consent_again",
    "UPDATE ended_consents SET checked = TRUE, check_time = $3 WHERE resident = $1 AND consent = $2");
Statement const kForgetConsent("activities.forget_ended_consent",
                               "DELETE FROM ended_consents WHERE resident = $1 AND consent = $2");

std::string NameOfResident(std::string_view id) { return absl::StrCat("residents/", Av(id)); }

// What of a person is here: names.
struct Held {
  std::vector<std::string> registrations;
  std::vector<std::string> volunteers;
  std::vector<std::string> proposals;
  bool empty() const { return registrations.empty() && volunteers.empty() && proposals.empty(); }
};

absl::StatusOr<Held> HeldOf(ReadTransaction& tx, std::string_view resident) {
  Held held;
  ASSIGN_OR_RETURN(auto const registrations, tx.Query(kRegistrationsOf, {resident}));
  for (std::size_t i = 0; i < registrations.size(); ++i) {
    held.registrations.push_back(absl::StrCat("plans/", registrations.Text(i, 0), "/activities/", registrations.Text(i, 1),
                                              "/registrations/", registrations.Text(i, 2)));
  }
  ASSIGN_OR_RETURN(auto const volunteers, tx.Query(kVolunteersOf, {resident}));
  for (std::size_t i = 0; i < volunteers.size(); ++i) {
    held.volunteers.push_back(absl::StrCat("plans/", volunteers.Text(i, 0), "/volunteers/", volunteers.Text(i, 1)));
  }
  ASSIGN_OR_RETURN(auto const proposals, tx.Query(kProposalsOf, {resident}));
  for (std::size_t i = 0; i < proposals.size(); ++i) {
    held.proposals.push_back(absl::StrCat("plans/", proposals.Text(i, 0), "/proposals/", proposals.Text(i, 1)));
  }
  return held;
}

// One end, of a person or of a consent.
class Ending {
 public:
  // Of the person.
  Ending(WriteTransaction& tx, std::string_view resident) : tx_(tx), resident_(resident) {}
  // Of a consent to a purpose; `can_come` as in AfterConsent.
  Ending(WriteTransaction& tx, std::string_view resident, std::string purpose, bool can_come)
      : tx_(tx), resident_(resident), purpose_(std::move(purpose)), can_come_(can_come) {}

  // Returns how many records were changed.
  absl::StatusOr<std::int64_t> Run() {
    ASSIGN_OR_RETURN(auto held, HeldOf(tx_, resident_));
    // Plans before the activities in them, as whoever locks both does.
    std::set<std::string_view> plans;
    for (auto const& name : held.volunteers) plans.insert(KeyOf(name).plan);
    for (auto const& plan : plans) RETURN_IF_ERROR(LockPlan(tx_, plan));
    for (auto const& name : held.volunteers) RETURN_IF_ERROR(EndVolunteer(name));
    for (auto const& name : held.registrations) RETURN_IF_ERROR(EndRegistration(name));
    for (auto const& name : held.proposals) RETURN_IF_ERROR(EndProposal(name));
    if (count_ == 0) return count_;
    RETURN_IF_ERROR(tx_.ForgetAnswers(NameOfResident(resident_)));
    return count_;
  }

 private:
  bool erased() const { return !purpose_; }

  // Whether what was entered then rests on what has ended.
  template <typename M>
  absl::StatusOr<bool> RestsOnIt(M const& message) {
    if (erased()) return true;
    auto const rule = RuleOn(tx_, DateIn(TimeOf(message.create_time())));
    if (absl::IsFailedPrecondition(rule.status())) return false;
    RETURN_IF_ERROR(rule.status());
    return rule->purpose() == *purpose_;
  }

  absl::Status EndRegistration(std::string const& name) {
    ASSIGN_OR_RETURN(auto seats, LockSeats(tx_, name, Moved::kAllowed));
    ASSIGN_OR_RETURN(auto const activity, tx_.Get<v1::Activity>(ActivityOf(name)));
    ASSIGN_OR_RETURN(auto registration, tx_.Get<v1::Registration>(name));
    ASSIGN_OR_RETURN(bool const rests, RestsOnIt(registration));
    if (!rests || contract::LastPart(registration.resident()) != resident_) return absl::OkStatus();
    auto const fate = erased() ? AfterErasure(registration.state(), activity.state())
                               : AfterConsent(registration.state(), activity.state(), can_come_);
    if (fate == Fate::kStays) return absl::OkStatus();
    ++count_;
    registration.clear_resident();
    if (erased()) {
      RETURN_IF_ERROR(ForgetWords(registration));
    }
    // What an activity that moved left behind stands as it was; where it goes on is a registration of its own.
    if (fate == Fate::kUnnamed || activity.has_move_date()) return tx_.Update(registration);
    registration.set_cancel_reason(erased() ? "erased" : "the consent has ended");
    return Leave(tx_, registration, v1::REGISTRATION_STATE_CANCELLED, seats);
  }

  // What staff wrote should not be about the person, but may.
  absl::Status ForgetWords(v1::Registration& registration) {
    registration.clear_cancel_reason();
    auto const [plan, activity] = KeyOf(registration.name());
    return tx_.Enqueue(kForgetNotes, {plan, activity, contract::LastPart(registration.name())});
  }

  // The hours that somebody gave stay, and that there was a volunteer.
  absl::Status EndVolunteer(std::string const& name) {
    ASSIGN_OR_RETURN(auto volunteer, tx_.Get<v1::Volunteer>(name));
    ASSIGN_OR_RETURN(bool const rests, RestsOnIt(volunteer));
    if (!rests || (!erased() && volunteer.has_leave_date())) return absl::OkStatus();
    ++count_;
    if (!volunteer.has_leave_date()) {
      RETURN_IF_ERROR(EndAgreement(tx_, volunteer, ToProtoDate(tx_.call().Today())));
    }
    if (!erased()) return absl::OkStatus();
    auto const clearance = absl::StrCat(PlanOf(name), "/clearances/", Av(contract::LastPart(name)));
    volunteer.clear_resident();
    volunteer.clear_tasks();
    RETURN_IF_ERROR(tx_.Update(volunteer));
    ASSIGN_OR_RETURN(auto const known, tx_.Get<v1::Clearance>(clearance));
    v1::Clearance forgotten;
    forgotten.set_name(clearance);
    forgotten.set_etag(known.etag());
    forgotten.set_state(v1::CLEARANCE_STATE_LEFT);
    RETURN_IF_ERROR(tx_.Update(forgotten));
    return tx_.ForgetAnswers(clearance);
  }

  absl::Status EndProposal(std::string const& name) {
    ASSIGN_OR_RETURN(auto proposal, tx_.Get<v1::Proposal>(name));
    ASSIGN_OR_RETURN(bool const rests, RestsOnIt(proposal));
    if (!rests || (!erased() && proposal.state() != v1::PROPOSAL_STATE_SUBMITTED)) return absl::OkStatus();
    ++count_;
    proposal.clear_resident();
    return tx_.Update(proposal);
  }

  WriteTransaction& tx_;
  std::string_view resident_;
  std::optional<std::string> purpose_;
  bool can_come_ = false;
  std::int64_t count_ = 0;
};

absl::Status Erase(WriteTransaction& tx, std::string_view resident, std::string_view erasure) {
  ASSIGN_OR_RETURN(auto const count, Ending(tx, resident).Run());
  return tx.Enqueue(kNoteErasure, {resident, erasure, count, absl::ToUnixMicros(tx.call().Now())});
}

absl::Status TakeErasure(WriteTransaction& tx, std::string const& erasure) {
  auto const key = contract::PatternOfType("helhed.dk/Erasure")->Match(erasure);
  // Of a register that names erasures otherwise nothing can be known here.
  if (!key) return absl::OkStatus();
  return Erase(tx, Sv((*key)[0]), Sv((*key)[1]));
}

absl::Status TakeConsent(WriteTransaction& tx, rv1::ConsentEnded const& ended) {
  auto const key = contract::PatternOfType("helhed.dk/Consent")->Match(ended.consent());
  if (!key) return absl::OkStatus();
  ASSIGN_OR_RETURN(auto const rules, tx.Query(kIsPurpose, {contract::LastPart(ended.purpose())}));
  if (rules.empty()) return absl::OkStatus();
  return tx.Enqueue(kNoteConsent,
                    {Sv((*key)[0]), Sv((*key)[1]), std::string_view(ended.purpose()), absl::ToUnixMicros(tx.call().Now())});
}

absl::Status CannotAnswer(std::string_view why) {
  return Error(absl::StatusCode::kUnavailable, v1::ERROR_REASON_REGISTER_UNAVAILABLE,
               Sv(absl::StrCat("the register of residents waits for an answer to an erasure: ", Av(why))));
}

}  // namespace

absl::Status ResidentEnds::TakeEvent(WriteTransaction& tx, events::v1::Event const& event) {
  rv1::ResidentErased erased;
  if (event.data().UnpackTo(&erased)) return TakeErasure(tx, erased.erasure());
  rv1::ConsentEnded ended;
  if (event.data().UnpackTo(&ended)) return TakeConsent(tx, ended);
  return absl::OkStatus();
}

absl::StatusOr<bool> ResidentEnds::AnswerJob(storage::Limits const& limits) {
  auto const call = OwnContext("activities", store_.parts(), limits);
  auto const now = absl::ToUnixMicros(call.Now());
  ASSIGN_OR_RETURN(auto const next, store_.Read(call, [&](ReadTransaction& tx) { return tx.Query(kNextErasure, {now}); }));
  if (next.empty()) return false;
  std::string_view const resident = next.Text(0, 0);
  std::string_view const erasure = next.Text(0, 1);
  auto const count = next.Int64(0, 2);
  if (next.Bool(0, 3)) {
    // What came late is answered for again: the count that is noted then brings the row back.
    auto const status = store_.Apply(call, [&](WriteTransaction& tx) -> absl::Status {
      RETURN_IF_ERROR(tx.Enqueue(kSetErasure, {resident, erasure, count, nullptr}));
      return Erase(tx, resident, erasure);
    });
    if (!status.ok()) return status;
    return true;
  }
  rv1::AcknowledgeErasureRequest request;
  request.set_name(contract::PatternOfType("helhed.dk/Erasure")->Make({std::string(resident), std::string(erasure)}));
  request.set_service("activities");
  request.set_outcome(count > 0 ? rv1::ERASURE_OUTCOME_ERASED : rv1::ERASURE_OUTCOME_NOTHING_STORED);
  request.set_record_count(static_cast<std::int32_t>(count));
  request.set_request_id(UuidOf(absl::StrCat("activities ", request.name(), " ", count)));
  auto const answer = residents_.Ask<rv1::Erasure>(kAcknowledge, request, call, CannotAnswer);
  // A register that was set back knows nothing of it, and waits for nothing.
  if (!answer.ok() && !absl::IsNotFound(answer.status())) return answer.status();
  auto const status = store_.Apply(call, [&](WriteTransaction& tx) {
    return tx.Enqueue(kSetErasure, {resident, erasure, count, absl::ToUnixMicros(call.Now() + kCallsEnd)});
  });
  if (!status.ok()) return status;
  return true;
}

absl::StatusOr<bool> ResidentEnds::ConsentJob(storage::Limits const& limits) {
  auto const call = OwnContext("activities", store_.parts(), limits);
  auto const now = absl::ToUnixMicros(call.Now());
  Held held;
  ASSIGN_OR_RETURN(auto const next, store_.Read(call, [&](ReadTransaction& tx) -> absl::StatusOr<storage::Rows> {
    ASSIGN_OR_RETURN(auto rows, tx.Query(kNextConsent, {now}));
    if (rows.empty()) return rows;
    ASSIGN_OR_RETURN(held, HeldOf(tx, rows.Text(0, 0)));
    return rows;
  }));
  if (next.empty()) return false;
  std::string_view const resident = next.Text(0, 0);
  std::string_view const consent = next.Text(0, 1);
  ConsentAnswer answer{.allowed = true};
  // Whom nothing is known of is not asked about.
  if (!held.empty()) {
    auto asked = consents_.Ask(NameOfResident(resident), next.Text(0, 2), call);
    // Who is not there, or a purpose that is not in force: there is no consent to it.
    bool const none = absl::IsNotFound(asked.status()) || absl::IsFailedPrecondition(asked.status());
    if (!asked.ok() && !none) return asked.status();
    answer = none ? ConsentAnswer{} : *std::move(asked);
  }
  auto const status = store_.Apply(call, [&](WriteTransaction& tx) -> absl::Status {
    if (!answer.allowed) {
      RETURN_IF_ERROR(Ending(tx, resident, next.Text(0, 2), answer.open).Run().status());
    }
    if (next.Bool(0, 3)) return tx.Enqueue(kForgetConsent, {resident, consent});
    return tx.Enqueue(kCheckConsentAgain, {resident, consent, absl::ToUnixMicros(call.Now() + kCallsEnd)});
  });
  if (!status.ok()) return status;
  return true;
}

}  // namespace helhed::activities
