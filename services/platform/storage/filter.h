#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "services/platform/storage/database.h"
#include "services/platform/storage/query_fields.h"

// The filter language of AIP-160, and what becomes of it in SQL.
//
//   period.start_date >= 2022-01-01 AND (floor = st OR floor = kl) NOT address : "Remisevej"
//
// Grammar: as AIP-160 says, OR binds tighter than AND, and terms in a row are joined by AND. NOT or `-` goes before one term. The
// keywords AND, OR and NOT are upper case. A value is a bare word, or text in double or single quotes where a backslash takes the
// next character as it is. There are no functions, and a word without an operator (AIP-160's search in all fields) is refused.
//
// What a comparison means, on both engines alike:
//   text          `=` and `!=` compare exactly, by code point and case. A `*` at an end of the value of `=` or `!=` stands for
//                 anything, and is written `\*` in quotes where it is meant; elsewhere in such a value it is refused. `:` is true
//                 when the field contains the value. `<` and the like compare by code point, or as Danes sort where the contract
//                 says so.
//   references    and `name`: `=` and `!=` with a full resource name.
//   numbers       `= != < <= > >=` with an integer.
//   enums         `=` and `!=` with the value's name, with or without the prefix that all of its values have.
//   booleans      `=` and `!=` with `true` or `false`.
//   dates         `= != < <= > >=` with YYYY-MM-DD.
//   timestamps    the same with RFC 3339, `2022-01-01T12:00:00+01:00`.
//   `field:*`     is true when the field has a value (text that is not empty, a number that is not 0, a date that is there).
//
// Logic has two values. A text that is not there is empty, a number 0. A date, a timestamp, or an `optional` field that is not
// there fulfils no comparison but `!=`.
//
// Every error is INVALID_ARGUMENT FILTER_INVALID with `position` in the metadata: the byte where it starts, from 1. No error
// repeats a value, which may be personal.
namespace helhed::storage {

inline constexpr std::size_t kFilterBytesMax = 8000;
inline constexpr int kFilterDepthMax = 32;
inline constexpr int kFilterComparisonsMax = 100;

enum class FilterOperator { kEqual, kNotEqual, kLess, kLessOrEqual, kGreater, kGreaterOrEqual, kHas };

struct FilterValue {
  std::string text;  // without quotes, backslashes and the stars at its ends
  bool star_before = false;
  bool star_after = false;
  // A star that is neither at an end nor escaped.
  bool star_within = false;
  std::size_t position = 0;
};

// A node of the syntax tree.
struct FilterNode {
  enum class Kind { kAnd, kOr, kNot, kComparison };
  Kind kind = Kind::kComparison;
  // Of kAnd and kOr at least two, of kNot one.
  std::vector<FilterNode> children;
  // Of kComparison.
  std::string field;  // `period.start_date`
  FilterOperator op = FilterOperator::kEqual;
  FilterValue value;
  std::size_t position = 0;
};

// nullopt for a filter of nothing but white space, which everything fulfils.
absl::StatusOr<std::optional<FilterNode>> ParseFilter(std::string_view filter);

// Appends the condition to `sql`.
absl::Status CompileFilter(FilterNode const& filter, QueryFields const& fields, Engine engine, SqlText& sql);

}  // namespace helhed::storage
