#pragma once

#include <set>
#include <span>
#include <string>
#include <vector>

#include "helhed/common/v1/merge.pb.h"
#include "helhed/communications/v1/template.pb.h"

// What becomes of the communications of plans that become one.
namespace helhed::communications {

// What there is in plans that are to become one.
struct MergeFacts {
  std::vector<v1::Template> templates;  // of all of them, the successor among them
  std::vector<std::string> incidents;   // names of those of the predecessors that are open
  std::vector<std::string> campaigns;   // names of those of the predecessors that are on their way
};

// What has to be decided: templates of different plans with the same title, incidents that are open, campaigns that are on their
// way. In the order of kinds and names.
std::vector<common::v1::MergeFinding> FindMergeConflicts(MergeFacts const& facts);

// The templates that end with their plans: those that it was decided the first of goes on for, but the first. Names.
std::set<std::string> NotCarried(std::span<common::v1::MergeDecision const> decisions);

// The campaigns that stand still and end with the merge. Names.
std::set<std::string> Ending(std::span<common::v1::MergeDecision const> decisions);

}  // namespace helhed::communications
