#include "services/residents/domain/retention.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <set>

#include "helhed/residents/v1/events.pb.h"
#include "services/residents/domain/consents.h"
#include "services/residents/service/consents.h"
#include "services/residents/service/erasures.h"
#include "services/residents/service/people_access.h"
#include "services/residents/service/requests.h"

// The job that keeps nothing longer than the policies allow.
namespace helhed::residents {
namespace {

using Binds = std::initializer_list<storage::Bind>;
using storage::Statement;

constexpr int kLimitDefault = 100;
constexpr std::int64_t kPage = 100;
// How many that are due but held back are looked at in one run, for each that may be erased.
constexpr int kLookedAt = 10;
// What stands for method and purpose in the access log.
constexpr std::string_view kJob = "retention";
constexpr std::string_view kJobPurpose = "purposes/retention";

Statement const kPolicies("residents.retention_policies",
                          "SELECT retention_policy FROM retention_policies ORDER BY retention_policy LIMIT 1000");
Statement const kDueOf("residents.people_due",
                       "SELECT moved_out_date, resident, responsibility_controller FROM residents "
                       "WHERE responsibility_controller = $1 AND moved_out_date IS NOT NULL AND moved_out_date <= $2 "
                       "AND (moved_out_date, resident) > ($3, $4) ORDER BY moved_out_date, resident LIMIT $5");
Statement const kDueAnywhere("residents.people_due_anywhere",
                             "SELECT moved_out_date, resident, responsibility_controller FROM residents "
                             "WHERE moved_out_date IS NOT NULL AND moved_out_date <= $1 "
                             "AND (moved_out_date, resident) > ($2, $3) ORDER BY moved_out_date, resident LIMIT $4");
Statement const kStillDue("residents.person_still_due",
                          "SELECT resident FROM residents WHERE resident = $1 AND moved_out_date <= $2");
Statement const kToExpire(
    "residents.consents_to_expire",
    "SELECT resident, consent FROM consents WHERE state = 2 AND expire_date IS NOT NULL AND expire_date <= $1 "
    "ORDER BY expire_date, resident, consent LIMIT $2");
Statement const kEndedOf("residents.consents_ended",
                         "SELECT end_date, resident, consent, responsibility_controller FROM consents "
                         "WHERE responsibility_controller = $1 AND end_date IS NOT NULL AND end_date <= $2 "
                         "AND (end_date, resident, consent) > ($3, $4, $5) ORDER BY end_date, resident, consent LIMIT $6");
Statement const kEndedAnywhere("residents.consents_ended_anywhere",
                               "SELECT end_date, resident, consent, responsibility_controller FROM consents "
                               "WHERE end_date IS NOT NULL AND end_date <= $1 "
                               "AND (end_date, resident, consent) > ($2, $3, $4) ORDER BY end_date, resident, consent LIMIT $5");

absl::StatusOr<std::vector<v1::RetentionPolicy>> LoadPolicies(ReadTransaction& tx) {
  ASSIGN_OR_RETURN(auto const rows, tx.Query(kPolicies, {}));
  std::vector<v1::RetentionPolicy> policies;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    ASSIGN_OR_RETURN(auto policy, tx.Get<v1::RetentionPolicy>(Sv(absl::StrCat("retentionPolicies/", rows.Text(i, 0)))));
    policies.push_back(std::move(policy));
  }
  return policies;
}

absl::Status SavePolicy(WriteTransaction& tx, v1::RetentionPolicy& policy, bool is_new) {
  RETURN_IF_ERROR(tx.Lock("residents/retention-policies"));
  ASSIGN_OR_RETURN(auto const others, LoadPolicies(tx));
  RETURN_IF_ERROR(CheckPolicy(policy, others));
  RETURN_IF_ERROR(is_new ? tx.Insert(policy) : tx.Update(policy));
  v1::RetentionPolicyChanged event;
  *event.mutable_retention_policy() = policy;
  return tx.Append(event, policy.name());
}

// One run of the job, within its transaction.
class Run {
 public:
  Run(WriteTransaction& tx, int limit) : tx_(tx), limit_(limit) {}

  absl::Status Execute() {
    *run.mutable_run_date() = ToProtoDate(today_);
    ASSIGN_OR_RETURN(auto const policies, LoadPolicies(tx_));
    RETURN_IF_ERROR(ExpireConsents());
    auto const about_people = PoliciesOn(policies, v1::RETENTION_SUBJECT_FORMER_RESIDENT, today_);
    for (auto const& policy : about_people) RETURN_IF_ERROR(ErasePeople(policy, ControllersOf(about_people)));
    auto const about_consents = PoliciesOn(policies, v1::RETENTION_SUBJECT_ENDED_CONSENT, today_);
    for (auto const& policy : about_consents) RETURN_IF_ERROR(RemoveConsents(policy, ControllersOf(about_consents)));
    return absl::OkStatus();
  }

  v1::RetentionRun run;

 private:
  static std::set<std::string> ControllersOf(std::vector<v1::RetentionPolicy> const& policies) {
    std::set<std::string> controllers;
    for (auto const& policy : policies) controllers.insert(policy.controller());
    return controllers;
  }
  // Whether the policy for everybody leaves a controller to a policy of its own.
  static bool IsOthers(v1::RetentionPolicy const& policy, std::string const& controller, std::set<std::string> const& own) {
    return policy.controller().empty() && own.contains(controller);
  }

  absl::Status ExpireConsents() {
    std::string const today = ToIsoDate(today_);
    ASSIGN_OR_RETURN(auto const rows, tx_.Query(kToExpire, {std::string_view(today), static_cast<std::int64_t>(limit_)}));
    for (std::size_t i = 0; i < rows.size(); ++i) {
      auto const resident = ResidentName(rows.Text(i, 0));
      RETURN_IF_ERROR(LockPeople(tx_, {resident}));
      auto consent = tx_.Get<v1::Consent>(Sv(absl::StrCat(resident, "/consents/", rows.Text(i, 1))));
      if (consent.status().code() == absl::StatusCode::kNotFound) continue;
      if (!consent.ok()) return consent.status();
      bool const is_due = consent->state() == v1::CONSENT_STATE_GIVEN && StateOn(*consent, today_) == v1::CONSENT_STATE_EXPIRED;
      if (!is_due) continue;
      Expire(*consent);
      RETURN_IF_ERROR(tx_.Update(*consent));
      RETURN_IF_ERROR(AppendEnded(tx_, *consent));
      run.set_consents_expired_count(run.consents_expired_count() + 1);
    }
    if (static_cast<int>(rows.size()) == limit_) run.set_unfinished(true);
    return absl::OkStatus();
  }

  absl::Status ErasePeople(v1::RetentionPolicy const& policy, std::set<std::string> const& own) {
    std::string const until = ToIsoDate(DueUntil(today_, policy.months()));
    std::string date;
    std::string id;
    for (int looked_at = 0;;) {
      ASSIGN_OR_RETURN(auto const rows, policy.controller().empty()
                                            ? tx_.Query(kDueAnywhere, {std::string_view(until), std::string_view(date),
                                                                       std::string_view(id), kPage})
                                            : tx_.Query(kDueOf, {std::string_view(policy.controller()), std::string_view(until),
                                                                 std::string_view(date), std::string_view(id), kPage}));
      for (std::size_t i = 0; i < rows.size(); ++i, ++looked_at) {
        if (IsOthers(policy, rows.Text(i, 2), own)) continue;
        if (run.erased_count() >= limit_ || looked_at >= limit_ * kLookedAt) {
          run.set_unfinished(run.erased_count() >= limit_);
          return absl::OkStatus();
        }
        RETURN_IF_ERROR(ErasePerson(policy, ResidentName(rows.Text(i, 1)), until));
      }
      if (static_cast<std::int64_t>(rows.size()) < kPage) return absl::OkStatus();
      date = rows.Text(rows.size() - 1, 0);
      id = rows.Text(rows.size() - 1, 1);
    }
  }

  absl::Status ErasePerson(v1::RetentionPolicy const& policy, std::string const& name, std::string const& until) {
    RETURN_IF_ERROR(LockPeople(tx_, {name}));
    // Who moved in again meanwhile stays.
    ASSIGN_OR_RETURN(auto const still, tx_.Query(kStillDue, {contract::LastPart(name), std::string_view(until)}));
    if (still.empty()) return absl::OkStatus();
    ASSIGN_OR_RETURN(auto const person, LoadPerson(tx_, name));
    ASSIGN_OR_RETURN(auto const erasure, EraseHere(tx_, person, {name, v1::ERASURE_GROUND_RETENTION, policy.name(), ""}));
    run.set_due_count(run.due_count() + 1);
    if (erasure.state() == v1::ERASURE_STATE_HELD) run.set_held_count(run.held_count() + 1);
    if (erasure.state() == v1::ERASURE_STATE_ARCHIVE_PENDING) run.set_archive_pending_count(run.archive_pending_count() + 1);
    if (!erasure.has_erase_time()) return absl::OkStatus();
    run.set_erased_count(run.erased_count() + 1);
    Seen const seen{name, "erasures"};
    return LogAccess(tx_, v1::ACCESS_KIND_ERASED, kJobPurpose, "", std::span(&seen, 1), kJob);
  }

  absl::Status RemoveConsents(v1::RetentionPolicy const& policy, std::set<std::string> const& own) {
    std::string const until = ToIsoDate(DueUntil(today_, policy.months()));
    std::string date;
    std::string resident;
    std::string id;
    for (;;) {
      ASSIGN_OR_RETURN(auto const rows, policy.controller().empty()
                                            ? tx_.Query(kEndedAnywhere, {std::string_view(until), std::string_view(date),
                                                                         std::string_view(resident), std::string_view(id), kPage})
                                            : tx_.Query(kEndedOf, {std::string_view(policy.controller()), std::string_view(until),
                                                                   std::string_view(date), std::string_view(resident),
                                                                   std::string_view(id), kPage}));
      for (std::size_t i = 0; i < rows.size(); ++i) {
        if (IsOthers(policy, rows.Text(i, 3), own)) continue;
        if (run.consents_removed_count() >= limit_) {
          run.set_unfinished(true);
          return absl::OkStatus();
        }
        auto const name = absl::StrCat("residents/", rows.Text(i, 1), "/consents/", rows.Text(i, 2));
        auto const removed = tx_.Delete<v1::Consent>(name);
        if (!removed.ok()) return removed;
        run.set_consents_removed_count(run.consents_removed_count() + 1);
      }
      if (static_cast<std::int64_t>(rows.size()) < kPage) return absl::OkStatus();
      date = rows.Text(rows.size() - 1, 0);
      resident = rows.Text(rows.size() - 1, 1);
      id = rows.Text(rows.size() - 1, 2);
    }
  }

  WriteTransaction& tx_;
  int limit_;
  absl::CivilDay today_ = tx_.call().Today();
};

bool DidSomething(v1::RetentionRun const& run) {
  return run.due_count() + run.consents_removed_count() + run.consents_expired_count() > 0;
}

absl::Status StoreRun(WriteTransaction& tx, v1::RetentionRun& run) {
  run.set_name(absl::StrCat("retentionRuns/", tx.call().NewId()));
  return tx.Insert(run);
}

}  // namespace

absl::StatusOr<v1::ListRetentionPoliciesResponse> Erasures::ListRetentionPolicies(
    CallContext const& call, v1::ListRetentionPoliciesRequest const& request) {
  storage::ListOptions options;
  options.from = "retention_policies t";
  options.alias = "t";
  return store_.Read(call, [&](ReadTransaction& tx) { return tx.List<v1::ListRetentionPoliciesResponse>(request, options); });
}

absl::StatusOr<v1::RetentionPolicy> Erasures::CreateRetentionPolicy(CallContext const& call,
                                                                    v1::CreateRetentionPolicyRequest const& request) {
  std::vector<FieldViolation> violations;
  ReadPeriod(request.retention_policy().period(), "retention_policy.period", violations);
  RETURN_IF_ERROR(Verdict(std::move(violations)));
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::RetentionPolicy> {
    v1::RetentionPolicy policy = request.retention_policy();
    policy.set_name(absl::StrCat("retentionPolicies/", request.retention_policy_id()));
    RETURN_IF_ERROR(SavePolicy(tx, policy, true));
    return policy;
  });
}

absl::StatusOr<v1::RetentionPolicy> Erasures::UpdateRetentionPolicy(CallContext const& call,
                                                                    v1::UpdateRetentionPolicyRequest const& request) {
  auto const& given = request.retention_policy();
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::RetentionPolicy> {
    ASSIGN_OR_RETURN(auto policy, tx.Get<v1::RetentionPolicy>(given.name()));
    RETURN_IF_ERROR(storage::CheckEtag(given.etag(), policy.etag(), given.name()));
    RETURN_IF_ERROR(contract::ApplyUpdate(request.update_mask(), given, policy, "retention_policy"));
    std::vector<FieldViolation> violations;
    ReadPeriod(policy.period(), "retention_policy.period", violations);
    RETURN_IF_ERROR(Verdict(std::move(violations)));
    RETURN_IF_ERROR(SavePolicy(tx, policy, false));
    return policy;
  });
}

absl::StatusOr<v1::RetentionRun> Erasures::RunRetention(CallContext const& call, v1::RunRetentionRequest const& request) {
  return store_.Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<v1::RetentionRun> {
    Run run(tx, request.limit() == 0 ? kLimitDefault : request.limit());
    RETURN_IF_ERROR(run.Execute());
    RETURN_IF_ERROR(StoreRun(tx, run.run));
    return std::move(run.run);
  });
}

absl::StatusOr<bool> Erasures::RunRetentionJob(storage::Limits const& limits) {
  bool unfinished = false;
  auto const status = store_.Apply(OwnContext("residents", store_.parts(), limits), [&](WriteTransaction& tx) -> absl::Status {
    Run run(tx, kLimitDefault);
    RETURN_IF_ERROR(run.Execute());
    unfinished = run.run.unfinished();
    return DidSomething(run.run) ? StoreRun(tx, run.run) : absl::OkStatus();
  });
  if (!status.ok()) return status;
  return unfinished;
}

absl::StatusOr<v1::ListRetentionRunsResponse> Erasures::ListRetentionRuns(CallContext const& call,
                                                                          v1::ListRetentionRunsRequest const& request) {
  storage::ListOptions options;
  options.from = "retention_runs t";
  options.alias = "t";
  return store_.Read(call, [&](ReadTransaction& tx) { return tx.List<v1::ListRetentionRunsResponse>(request, options); });
}

}  // namespace helhed::residents
