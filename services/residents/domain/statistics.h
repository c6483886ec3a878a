#pragma once

#include <absl/status/statusor.h>
#include <absl/time/civil_time.h>

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "helhed/residents/v1/statistics.pb.h"
#include "services/platform/base/status.h"
#include "services/residents/domain/disclosure.h"

// Counts of residents as they may be published.
namespace helhed::residents {

// What is wrong with a rule besides what the contract says; the fields are paths below `statistics_rule`.
std::vector<FieldViolation> StatisticsRuleViolations(v1::StatisticsRule const& rule);

// Age bands by the ages at which they begin, as in StatisticsRule, which are valid: `0,7,18,65`.
class AgeBands {
 public:
  explicit AgeBands(std::string_view starts);
  std::size_t size() const { return starts_.size(); }
  // `0-6`, `65-`.
  std::string Label(std::size_t band) const;
  // For each band but the first, the latest day of birth of those who are in it or an older one on `day`. Whoever was born by so
  // many of these days is in the band of that number.
  std::vector<absl::CivilDay> LatestBirths(absl::CivilDay day) const;

 private:
  std::vector<int> starts_;
};

// The last day, counted every `interval_months` from 1 January, that is not after `day`.
absl::CivilDay StatisticsDay(absl::CivilDay day, int interval_months);

// So many residents of an organisation are alike: in one department, in one age band (by number), with one best language (a tag
// of BCP 47, or empty).
struct ResidentGroup {
  std::string department;
  std::size_t age_band = 0;
  std::string language;
  Count count = 0;
};

// The counts by all `dimensions` (one or two different ones), by each of them, and the total, with what must be withheld. The
// groups are all of one organisation, whatever is asked for: so the answers to different questions withhold the same.
std::vector<v1::ResidentCount> Aggregate(std::span<ResidentGroup const> groups, std::span<v1::ResidentDimension const> dimensions,
                                         v1::StatisticsRule const& rule);

}  // namespace helhed::residents
