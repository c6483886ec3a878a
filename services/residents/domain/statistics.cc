#include "services/residents/domain/statistics.h"

#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>

#include <algorithm>
#include <map>

#include "services/platform/base/strings.h"
#include "services/residents/domain/eligibility.h"

namespace helhed::residents {
namespace {

constexpr int kMonthsOfAYear = 12;

std::vector<int> StartsIn(std::string_view text) {
  std::vector<int> starts;
  for (auto const part : absl::StrSplit(Av(text), ',')) {
    int start = 0;
    if (absl::SimpleAtoi(part, &start)) starts.push_back(start);
  }
  return starts;
}

// The values of a dimension, in the order in which they are shown, and of how many people.
struct Axis {
  v1::ResidentDimension dimension;
  std::vector<std::string> values;
  std::vector<Count> counts;
  std::vector<bool> withheld;

  std::size_t IndexOf(std::string const& value) const {
    return static_cast<std::size_t>(std::find(values.begin(), values.end(), value) - values.begin());
  }
};

// The language as it is counted: its first subtag; rare ones together.
class Languages {
 public:
  Languages(std::span<ResidentGroup const> groups, Count minimum) : minimum_(minimum) {
    for (auto const& group : groups) counts_[Primary(group.language)] += group.count;
  }
  std::string Shown(std::string const& language) const {
    auto const primary = Primary(language);
    return primary == kUnknown || counts_.at(primary) >= minimum_ ? primary : "mul";
  }

 private:
  static constexpr char const* kUnknown = "und";
  static std::string Primary(std::string const& tag) { return tag.empty() ? kUnknown : tag.substr(0, tag.find('-')); }
  std::map<std::string, Count> counts_;
  Count minimum_;
};

class Counting {
 public:
  Counting(std::span<ResidentGroup const> groups, v1::StatisticsRule const& rule)
      : groups_(groups), rule_(rule), bands_(rule.age_band_starts()), languages_(groups, rule.cell_minimum()) {
    auto const departments = AxisOf(v1::RESIDENT_DIMENSION_DEPARTMENT);
    for (auto const count : departments.counts) total_ += count;
    // Decided by the departments whatever is asked for.
    is_small_ = WithholdInLine(departments.counts, DepartmentMinimum()).total;
  }

  Axis AxisOf(v1::ResidentDimension dimension) const {
    Axis axis{dimension, {}, {}, {}};
    std::map<std::string, Count> counts;
    for (auto const& group : groups_) counts[ValueOf(group, dimension)] += group.count;
    if (dimension == v1::RESIDENT_DIMENSION_AGE_BAND) {
      // All bands, in their order, also those of nobody.
      for (std::size_t band = 0; band < bands_.size(); ++band) axis.values.push_back(bands_.Label(band));
    } else {
      for (auto const& [value, _] : counts) axis.values.push_back(value);
    }
    for (auto const& value : axis.values) axis.counts.push_back(counts[value]);
    bool const by_department = dimension == v1::RESIDENT_DIMENSION_DEPARTMENT;
    axis.withheld = WithholdInLine(axis.counts, by_department ? DepartmentMinimum() : rule_.cell_minimum()).parts;
    return axis;
  }

  std::vector<v1::ResidentCount> By(std::span<v1::ResidentDimension const> dimensions) const {
    std::vector<Axis> axes;
    for (auto const dimension : dimensions) axes.push_back(AxisOf(dimension));
    std::vector<v1::ResidentCount> counts;
    if (axes.size() > 1) AddCells(axes[0], axes[1], counts);
    for (auto const& axis : axes) AddTotals(axis, counts);
    SetCount(total_, v1::WITHHOLDING_UNSPECIFIED, counts.emplace_back());
    return counts;
  }

 private:
  // No department that is published can be smaller than the least count.
  Count DepartmentMinimum() const { return std::max(rule_.department_minimum(), rule_.cell_minimum()); }

  std::string ValueOf(ResidentGroup const& group, v1::ResidentDimension dimension) const {
    if (dimension == v1::RESIDENT_DIMENSION_DEPARTMENT) return group.department;
    if (dimension == v1::RESIDENT_DIMENSION_AGE_BAND) return bands_.Label(group.age_band);
    return languages_.Shown(group.language);
  }

  static void SetValue(Axis const& axis, std::size_t index, v1::ResidentCount& count) {
    if (axis.dimension == v1::RESIDENT_DIMENSION_DEPARTMENT) count.set_department(axis.values[index]);
    if (axis.dimension == v1::RESIDENT_DIMENSION_AGE_BAND) count.set_age_band(axis.values[index]);
    if (axis.dimension == v1::RESIDENT_DIMENSION_LANGUAGE) count.set_language(axis.values[index]);
  }

  void SetCount(Count value, v1::Withholding withheld, v1::ResidentCount& count) const {
    if (is_small_) withheld = v1::WITHHOLDING_SMALL_ORGANISATION;
    count.set_withheld(withheld);
    if (withheld == v1::WITHHOLDING_UNSPECIFIED) count.set_count(value);
  }

  static bool IsSmallDepartment(Axis const& axis, std::size_t index) {
    return axis.dimension == v1::RESIDENT_DIMENSION_DEPARTMENT && axis.withheld[index];
  }

  void AddTotals(Axis const& axis, std::vector<v1::ResidentCount>& counts) const {
    for (std::size_t i = 0; i < axis.values.size(); ++i) {
      auto& count = counts.emplace_back();
      SetValue(axis, i, count);
      SetCount(axis.counts[i],
               IsSmallDepartment(axis, i) ? v1::WITHHOLDING_SMALL_DEPARTMENT
               : axis.withheld[i]         ? v1::WITHHOLDING_SMALL_COUNT
                                          : v1::WITHHOLDING_UNSPECIFIED,
               count);
    }
  }

  void AddCells(Axis const& rows, Axis const& columns, std::vector<v1::ResidentCount>& counts) const {
    Cells cells(rows.values.size(), std::vector<Count>(columns.values.size()));
    for (auto const& group : groups_) {
      cells[rows.IndexOf(ValueOf(group, rows.dimension))][columns.IndexOf(ValueOf(group, columns.dimension))] += group.count;
    }
    // Where all is withheld there is nothing to protect.
    auto const withheld = is_small_ ? WithheldCells(rows.values.size(), std::vector<bool>(columns.values.size(), true))
                                    : WithholdInTable(cells, rows.withheld, columns.withheld, rule_.cell_minimum());
    for (std::size_t i = 0; i < rows.values.size(); ++i) {
      for (std::size_t j = 0; j < columns.values.size(); ++j) {
        auto& count = counts.emplace_back();
        SetValue(rows, i, count);
        SetValue(columns, j, count);
        SetCount(cells[i][j],
                 IsSmallDepartment(rows, i) || IsSmallDepartment(columns, j) ? v1::WITHHOLDING_SMALL_DEPARTMENT
                 : withheld[i][j]                                            ? v1::WITHHOLDING_SMALL_COUNT
                                                                             : v1::WITHHOLDING_UNSPECIFIED,
                 count);
      }
    }
  }

  std::span<ResidentGroup const> groups_;
  v1::StatisticsRule const& rule_;
  AgeBands bands_;
  Languages languages_;
  Count total_ = 0;
  bool is_small_ = false;
};

}  // namespace

std::vector<FieldViolation> StatisticsRuleViolations(v1::StatisticsRule const& rule) {
  std::vector<FieldViolation> violations;
  auto const starts = StartsIn(rule.age_band_starts());
  if (std::adjacent_find(starts.begin(), starts.end(), std::greater_equal<>()) != starts.end()) {
    violations.push_back({"statistics_rule.age_band_starts", "must be ascending"});
  }
  if (rule.start_date().month() != 1 || rule.start_date().day() != 1) {
    // So that every day of statistics lies in one rule.
    violations.push_back({"statistics_rule.start_date", "must be a 1 January"});
  }
  if (rule.interval_months() > 0 && kMonthsOfAYear % rule.interval_months() != 0) {
    violations.push_back({"statistics_rule.interval_months", "must be 1, 2, 3, 4, 6 or 12"});
  }
  return violations;
}

AgeBands::AgeBands(std::string_view starts) : starts_(StartsIn(starts)) {}

std::string AgeBands::Label(std::size_t band) const {
  if (band + 1 == starts_.size()) return absl::StrCat(starts_[band], "-");
  return absl::StrCat(starts_[band], "-", starts_[band + 1] - 1);
}

std::vector<absl::CivilDay> AgeBands::LatestBirths(absl::CivilDay day) const {
  std::vector<absl::CivilDay> births;
  for (std::size_t band = 1; band < starts_.size(); ++band) births.push_back(LatestBirth(day, starts_[band]));
  return births;
}

absl::CivilDay StatisticsDay(absl::CivilDay day, int interval_months) {
  return absl::CivilDay(day.year(), (day.month() - 1) / interval_months * interval_months + 1, 1);
}

std::vector<v1::ResidentCount> Aggregate(std::span<ResidentGroup const> groups, std::span<v1::ResidentDimension const> dimensions,
                                         v1::StatisticsRule const& rule) {
  return Counting(groups, rule).By(dimensions);
}

}  // namespace helhed::residents
