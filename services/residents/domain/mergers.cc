#include "services/residents/domain/mergers.h"

#include <absl/strings/str_cat.h>

#include "helhed/residents/v1/errors.pb.h"
#include "services/platform/base/parent_name.h"
#include "services/platform/base/status.h"

namespace helhed::residents {
namespace {

absl::Status Circular(std::string_view department) {
  return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_MERGER_CIRCULAR,
               "A department cannot become part of itself, or of one that becomes part of it.",
               {{"department", std::string(department)}});
}

}  // namespace

Mergers::Mergers(std::span<Merger const> mergers) {
  for (auto const& merger : mergers) by_department_.emplace(merger.department, merger);
}

Merger const* Mergers::Of(std::string_view department) const {
  auto const found = by_department_.find(department);
  return found == by_department_.end() ? nullptr : &found->second;
}

std::string Mergers::Resolve(std::string_view department, absl::CivilDay day) const {
  auto const* merger = Of(department);
  while (merger != nullptr && merger->date <= day) {
    department = merger->successor;
    merger = Of(department);
  }
  return std::string(department);
}

std::vector<Stay> Mergers::Stays(std::string_view department, absl::CivilDay from) const {
  std::vector<Stay> stays;
  for (;;) {
    std::string current = Resolve(department, from);
    auto const* const merger = Of(current);
    if (merger == nullptr) {
      stays.push_back({std::move(current), {from, std::nullopt}});
      return stays;
    }
    stays.push_back({std::move(current), {from, merger->date}});
    department = merger->successor;
    from = merger->date;
  }
}

absl::Status Mergers::Check(std::string_view successor, std::span<std::string const> predecessors, absl::CivilDay date) const {
  for (auto const& predecessor : predecessors) {
    if (ParentName(predecessor) != ParentName(successor)) {
      return Error(absl::StatusCode::kInvalidArgument, v1::ERROR_REASON_MERGER_ACROSS_ORGANISATIONS,
                   "Only departments of one organisation can merge here.", {{"department", predecessor}});
    }
  }
  for (auto const& predecessor : predecessors) {
    // By whatever date: a circle that closes later is a circle all the same.
    if (predecessor == successor) return Circular(predecessor);
    for (auto const* merger = Of(successor); merger != nullptr; merger = Of(merger->successor)) {
      if (merger->successor == predecessor) return Circular(predecessor);
    }
    if (auto const* const merger = Of(predecessor)) return DepartmentMerged(*merger);
  }
  if (auto const* const merger = Of(successor); merger != nullptr && merger->date < date) return DepartmentMerged(*merger);
  return absl::OkStatus();
}

absl::Status DepartmentMerged(Merger const& merger) {
  return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_DEPARTMENT_MERGED,
               absl::StrCat(merger.department, " is part of ", merger.successor, " from ", ToIsoDate(merger.date),
                            "; use the department that it resolves to."),
               {{"department", merger.department}, {"successor", merger.successor}, {"merge_date", ToIsoDate(merger.date)}});
}

Stay const& StayOn(std::span<Stay const> stays, absl::CivilDay day) {
  for (auto const& stay : stays) {
    if (stay.period.Contains(day)) return stay;
  }
  return stays.front();
}

}  // namespace helhed::residents
