#include "services/communications/domain/plan_merge.h"

#include <absl/strings/ascii.h>

#include <algorithm>
#include <initializer_list>
#include <map>
#include <string_view>

#include "services/platform/base/parent_name.h"

namespace helhed::communications {
namespace {

namespace cv1 = common::v1;

template <typename Names>
cv1::MergeFinding FindingOf(cv1::MergeConflictKind kind, Names const& names, std::string_view description,
                            std::initializer_list<cv1::MergeResolution> resolutions) {
  cv1::MergeFinding finding;
  finding.set_kind(kind);
  for (auto const& name : names) finding.add_subjects(name);
  finding.set_description(std::string(description));
  for (auto const resolution : resolutions) finding.add_resolutions(resolution);
  return finding;
}

// Whether the names, sorted, lie in more than one plan.
bool OfSeveralPlans(std::set<std::string> const& names) {
  auto const plan = [](std::string_view name) { return ParentName(name); };
  return plan(*names.begin()) != plan(*names.rbegin());
}

}  // namespace

std::vector<cv1::MergeFinding> FindMergeConflicts(MergeFacts const& facts) {
  std::map<std::string, std::set<std::string>> alike;
  for (auto const& one : facts.templates) alike[absl::AsciiStrToLower(one.display_name())].insert(one.name());
  std::vector<cv1::MergeFinding> findings;
  for (auto const& [_, names] : alike) {
    if (!OfSeveralPlans(names)) continue;
    findings.push_back(FindingOf(cv1::MERGE_CONFLICT_KIND_TEMPLATES_ALIKE, names, "templates of the same title",
                                 {cv1::MERGE_RESOLUTION_CARRY_BOTH, cv1::MERGE_RESOLUTION_CARRY_FIRST}));
  }
  std::sort(findings.begin(), findings.end(),
            [](cv1::MergeFinding const& a, cv1::MergeFinding const& b) { return a.subjects(0) < b.subjects(0); });
  for (auto const& incident : std::set<std::string>(facts.incidents.begin(), facts.incidents.end())) {
    findings.push_back(FindingOf(cv1::MERGE_CONFLICT_KIND_INCIDENT_OPEN, std::initializer_list<std::string>{incident},
                                 "an incident that is not closed", {cv1::MERGE_RESOLUTION_CARRY}));
  }
  for (auto const& campaign : std::set<std::string>(facts.campaigns.begin(), facts.campaigns.end())) {
    findings.push_back(FindingOf(cv1::MERGE_CONFLICT_KIND_CAMPAIGN_RUNNING, std::initializer_list<std::string>{campaign},
                                 "a campaign that is on its way", {cv1::MERGE_RESOLUTION_BY_HAND, cv1::MERGE_RESOLUTION_END}));
  }
  return findings;
}

std::set<std::string> NotCarried(std::span<cv1::MergeDecision const> decisions) {
  std::set<std::string> names;
  for (auto const& decision : decisions) {
    if (decision.kind() != cv1::MERGE_CONFLICT_KIND_TEMPLATES_ALIKE) continue;
    if (decision.resolution() != cv1::MERGE_RESOLUTION_CARRY_FIRST) continue;
    for (int i = 1; i < decision.subjects_size(); ++i) names.insert(decision.subjects(i));
  }
  return names;
}

std::set<std::string> Ending(std::span<cv1::MergeDecision const> decisions) {
  std::set<std::string> names;
  for (auto const& decision : decisions) {
    if (decision.kind() != cv1::MERGE_CONFLICT_KIND_CAMPAIGN_RUNNING) continue;
    if (decision.resolution() != cv1::MERGE_RESOLUTION_END) continue;
    names.insert(decision.subjects().begin(), decision.subjects().end());
  }
  return names;
}

}  // namespace helhed::communications
