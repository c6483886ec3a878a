#include "services/activities/domain/plan_merge.h"

#include <absl/strings/ascii.h>
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <map>
#include <optional>
#include <tuple>
#include <utility>

#include "services/platform/base/civil.h"
#include "services/platform/base/strings.h"

namespace helhed::activities {
namespace {

namespace cv1 = common::v1;

std::string_view PlanIn(std::string_view name) { return name.substr(0, name.find('/', name.find('/') + 1)); }

// Whether the names, sorted, are of more than one plan.
bool OfSeveralPlans(std::set<std::string> const& names) { return PlanIn(*names.begin()) != PlanIn(*names.rbegin()); }

cv1::MergeFinding Finding(cv1::MergeConflictKind kind, std::set<std::string> const& names, std::string_view description,
                          std::initializer_list<cv1::MergeResolution> resolutions) {
  cv1::MergeFinding finding;
  finding.set_kind(kind);
  for (auto const& name : names) finding.add_subjects(name);
  finding.set_description(std::string(description));
  for (auto const resolution : resolutions) finding.add_resolutions(resolution);
  return finding;
}

bool IsSameDay(google::type::Date const& one, google::type::Date const& other) { return ToCivil(one) == ToCivil(other); }

// How far somebody has come with a clearance. Only of those that are not answered.
std::pair<absl::CivilDay, int> Rank(v1::Clearance const& clearance) {
  auto const until = ToCivil(clearance.expire_date()).value_or(absl::CivilDay::min());
  return {until, static_cast<int>(clearance.state())};
}

}  // namespace

std::vector<cv1::MergeFinding> FindMergeConflicts(std::span<v1::Activity const> activities,
                                                  std::span<v1::Volunteer const> volunteers) {
  std::map<std::pair<std::string, std::string>, std::set<std::string>> alike;
  for (auto const& activity : activities) {
    alike[{activity.activity_type(), absl::AsciiStrToLower(activity.display_name())}].insert(activity.name());
  }
  std::map<std::string, std::set<std::string>> of_resident;
  for (auto const& volunteer : volunteers) of_resident[volunteer.resident()].insert(volunteer.name());
  std::vector<cv1::MergeFinding> findings;
  for (auto const& [_, names] : alike) {
    if (!OfSeveralPlans(names)) continue;
    findings.push_back(Finding(cv1::MERGE_CONFLICT_KIND_ACTIVITIES_ALIKE, names, "activities of the same kind and title",
                               {cv1::MERGE_RESOLUTION_CARRY_BOTH, cv1::MERGE_RESOLUTION_CARRY_FIRST}));
  }
  for (auto const& [_, names] : of_resident) {
    if (!OfSeveralPlans(names)) continue;
    findings.push_back(Finding(cv1::MERGE_CONFLICT_KIND_VOLUNTEER_TWICE, names,
                               "one resident volunteers for several of the plans", {cv1::MERGE_RESOLUTION_JOIN}));
  }
  // By what stands in the answer: keys that hold a resident's name must not decide what is seen of the order.
  std::sort(findings.begin(), findings.end(), [](cv1::MergeFinding const& a, cv1::MergeFinding const& b) {
    return std::tuple(a.kind(), a.subjects(0)) < std::tuple(b.kind(), b.subjects(0));
  });
  return findings;
}

std::set<std::string> NotCarried(std::span<cv1::MergeDecision const> decisions) {
  std::set<std::string> names;
  for (auto const& decision : decisions) {
    if (decision.kind() != cv1::MERGE_CONFLICT_KIND_ACTIVITIES_ALIKE) continue;
    if (decision.resolution() != cv1::MERGE_RESOLUTION_CARRY_FIRST) continue;
    for (int i = 1; i < decision.subjects_size(); ++i) names.insert(decision.subjects(i));
  }
  return names;
}

v1::Clearance JoinClearances(v1::Clearance const& one, v1::Clearance const& other) {
  if (one.state() == v1::CLEARANCE_STATE_NOT_CLEARED) return one;
  if (other.state() == v1::CLEARANCE_STATE_NOT_CLEARED) return other;
  return Rank(one) >= Rank(other) ? one : other;
}

std::optional<v1::Clearance> ClearanceBack(v1::Clearance const& before, v1::Clearance const& given, v1::Clearance const& since) {
  bool const refused = since.state() == v1::CLEARANCE_STATE_NOT_CLEARED;
  bool const answered = !IsSameDay(since.decide_date(), given.decide_date()) || since.decider() != given.decider();
  bool const asked = since.state() != given.state() || !IsSameDay(since.consent_date(), given.consent_date());
  if (!refused && !answered && !asked) return std::nullopt;
  auto back = before;
  back.set_state(since.state());
  *back.mutable_consent_date() = since.consent_date();
  if (!since.has_consent_date()) back.clear_consent_date();
  if (refused || answered) {
    *back.mutable_decide_date() = since.decide_date();
    back.set_decider(since.decider());
    *back.mutable_expire_date() = since.expire_date();
  }
  if (!since.has_expire_date()) back.clear_expire_date();
  return back;
}

}  // namespace helhed::activities
