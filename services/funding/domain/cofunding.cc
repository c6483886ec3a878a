#include "services/funding/domain/cofunding.h"

#include <absl/numeric/int128.h>
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <iterator>

namespace helhed::funding {

bool CountsAsLocal(v1::Source const& source, v1::LocalCofundingRule const& rule) {
  // Hours never count where the regulation does not let them, whatever the source says of itself (M12).
  if (source.contribution() == v1::CONTRIBUTION_IN_KIND_HOURS && !rule.counts_in_kind_hours()) return false;
  if (source.has_counts_as_local()) return source.counts_as_local();
  switch (source.kind()) {
    case v1::SOURCE_KIND_MUNICIPALITY:
      return rule.counts_municipality();
    case v1::SOURCE_KIND_ORGANISATION:
      return rule.counts_organisation();
    case v1::SOURCE_KIND_DEPARTMENT:
      return rule.counts_department();
    case v1::SOURCE_KIND_EXTERNAL:
      return rule.counts_external();
    default:
      return false;
  }
}

bool MeetsShare(Ore local, Ore total, std::int64_t least_basis_points) {
  if (total <= 0) return least_basis_points == 0;
  return absl::int128(local) * 10000 >= absl::int128(least_basis_points) * total;
}

absl::StatusOr<v1::CofundingPart> ProveCofunding(std::span<v1::Source const> sources, v1::LocalCofundingRule const& rule) {
  v1::CofundingPart part;
  Ore total = 0;
  Ore local = 0;
  for (auto const& source : sources) {
    bool const counts = CountsAsLocal(source, rule);
    auto& line = *part.add_lines();
    line.set_source(source.name());
    line.set_kind(source.kind());
    line.set_contribution(source.contribution());
    *line.mutable_amount() = ToMoney(source.amount().minor_units());
    line.set_counts(counts);
    if (source.contribution() != v1::CONTRIBUTION_IN_KIND_HOURS) {
      line.set_postings_filter(absl::StrCat("kind = ENTRY_KIND_APPROVAL AND source = \"", source.name(), "\""));
    }
    line.set_basis(source.has_counts_as_local() && counts == source.counts_as_local() ? "source" : "regulation");
    ASSIGN_OR_RETURN(total, Add(total, source.amount().minor_units()));
    if (counts) {
      ASSIGN_OR_RETURN(local, Add(local, source.amount().minor_units()));
    }
  }
  *part.mutable_total() = ToMoney(total);
  *part.mutable_local() = ToMoney(local);
  part.set_least_basis_points(rule.least_basis_points());
  part.set_share_basis_points(total == 0 ? 0 : static_cast<std::int64_t>(absl::int128(local) * 10000 / total));
  part.set_met(MeetsShare(local, total, rule.least_basis_points()));
  // What is needed is rounded up: a part of an øre less would not be enough.
  auto const needed = static_cast<Ore>((absl::int128(rule.least_basis_points()) * total + 9999) / 10000);
  *part.mutable_missing() = ToMoney(part.met() ? 0 : needed - local);
  return part;
}

std::vector<v1::Source> SourcesOf(std::span<v1::Source const> sources, std::string_view extension) {
  std::vector<v1::Source> own;
  std::copy_if(sources.begin(), sources.end(), std::back_inserter(own),
               [&](v1::Source const& source) { return source.extension() == extension; });
  return own;
}

}  // namespace helhed::funding
