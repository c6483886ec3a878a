#pragma once

#include <span>
#include <vector>

#include "helhed/funding/v1/regulation.pb.h"
#include "helhed/funding/v1/report_service.pb.h"
#include "helhed/funding/v1/source.pb.h"
#include "services/funding/domain/money.h"

// Local co-funding: whether enough of a plan is paid locally (M3, M12).
namespace helhed::funding {

// Whether a source counts: as it says itself, otherwise as the regulation says of its kind. Hours count where their payer does
// and the regulation lets hours count.
bool CountsAsLocal(v1::Source const& source, v1::LocalCofundingRule const& rule);

// Whether `local` is at least `least_basis_points` of `total`, exactly: cross-multiplied in 128 bits, nothing rounded. No total
// at all meets nothing but a rule of 0.
bool MeetsShare(Ore local, Ore total, std::int64_t least_basis_points);

// The share of the sources of one budget (a plan's own, or an extension's), with every source and why it counts.
absl::StatusOr<v1::CofundingPart> ProveCofunding(std::span<v1::Source const> sources, v1::LocalCofundingRule const& rule);

// Which sources make up the budget of an extension (empty: the plan itself).
std::vector<v1::Source> SourcesOf(std::span<v1::Source const> sources, std::string_view extension);

}  // namespace helhed::funding
