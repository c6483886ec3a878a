#pragma once

#include <absl/status/statusor.h>
#include <absl/time/civil_time.h>

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "helhed/communications/v1/template.pb.h"
#include "services/platform/crypto/key_ring.h"
#include "services/platform/service/store.h"

// What plans that become one have goes on in their successor, and back again while that can be undone.
//
// A template, and a works notice that is not over, gets a successor that is the same; the old one stays as it was then, readable
// under its name, and is not changed any more. An incident that is open is in one place, with all that is known of it: it moves,
// and its old name leads there. A campaign is finished where it is, or stands still and is cancelled when the merge is sealed.
namespace helhed::communications {

// Plans by the last part of their names.
struct Merging {
  std::string successor;
  std::string merge;
  // In the order of their names, so that the outcome does not depend on the caller's.
  std::vector<std::string> predecessors;
  absl::CivilDay effective;
  // Names of templates that end with their plans, and of campaigns that do.
  std::set<std::string> not_carried;
  std::set<std::string> ending;
};

// Returns how many templates, works notices, incidents and campaigns it was about. `keys` seal what stands in annexes; null where
// there are none.
absl::StatusOr<std::int64_t> CarryOver(WriteTransaction& tx, Merging const& merging, crypto::KeyRing const* keys);

// Takes it back, with what has come since. What was entered in the successor itself stays there. Returns how many went back.
absl::StatusOr<std::int64_t> CarryBack(WriteTransaction& tx, Merging const& merging, crypto::KeyRing const* keys);

// Cancels the campaigns that stand still for the merge.
absl::Status EndCampaigns(WriteTransaction& tx, Merging const& merging);

// What of a plan goes on when it moves, in the order of names. `plan` is the last part of its name.
absl::StatusOr<std::vector<v1::Template>> TemplatesGoingOn(ReadTransaction& tx, std::string_view plan);
absl::StatusOr<std::vector<std::string>> OpenIncidents(ReadTransaction& tx, std::string_view plan);
absl::StatusOr<std::vector<std::string>> CampaignsOnTheirWay(ReadTransaction& tx, std::string_view plan);

// What goes on as what. `kind` as in merge_carries; an empty id: it ends with its plan.
enum class CarryKind : std::int64_t { kTemplate = 1, kProject = 2, kWorks = 3, kIncident = 4, kCampaign = 5 };
struct Carry {
  CarryKind kind;
  std::string from_plan;
  std::string from_id;
  std::string id;
  bool was_running = false;
};
absl::Status StoreCarry(WriteTransaction& tx, Merging const& merging, Carry const& carry);
absl::StatusOr<std::vector<Carry>> LoadCarries(ReadTransaction& tx, Merging const& merging);

// `amager`, `templates`, `brev` -> `plans/amager/templates/brev`.
std::string NameIn(std::string_view plan, std::string_view collection, std::string_view id);

// The last parts of the names that the statement finds in a plan.
absl::StatusOr<std::vector<std::string>> IdsIn(ReadTransaction& tx, storage::Statement const& statement, std::string_view plan);

}  // namespace helhed::communications
