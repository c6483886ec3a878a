#include "services/communications/domain/personal_numbers.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include <algorithm>
#include <optional>

#include "helhed/communications/v1/errors.pb.h"
#include "services/platform/base/status.h"

namespace helhed::communications {
namespace {

// `text` is UTF-8: the contract's validation has seen to that.
std::u32string CodePoints(std::string_view text) {
  std::u32string points;
  for (std::size_t i = 0; i < text.size();) {
    auto const lead = static_cast<unsigned char>(text[i]);
    std::size_t const length = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    char32_t point = length == 1 ? lead : lead & (0xFFU >> (length + 1));
    for (std::size_t j = 1; j < length && i + j < text.size(); ++j) {
      point = (point << 6U) | (static_cast<unsigned char>(text[i + j]) & 0x3FU);
    }
    points.push_back(point);
    i += length;
  }
  return points;
}

std::optional<char> DigitOf(char32_t point) {
  for (char32_t const zero : {U'0', U'\uFF10', U'\u0660', U'\u06F0'}) {
    if (point >= zero && point < zero + 10) return static_cast<char>('0' + (point - zero));
  }
  return std::nullopt;
}

bool IsSeparator(char32_t point) {
  constexpr std::u32string_view kSeparators = U" .-/\u00A0\u00AD\u2009\u202F\u2010\u2011\u2012\u2013\u2014\u2212";
  return kSeparators.find(point) != std::u32string_view::npos;
}

// Digits without anything between them.
struct Group {
  std::size_t offset = 0;
  std::string digits;
  // Whether one separator, and nothing else, stands between it and the group before.
  bool joined = false;
  bool after_plus = false;

  std::size_t end() const { return offset + digits.size(); }
};

std::vector<Group> GroupsOf(std::u32string const& points) {
  std::vector<Group> groups;
  for (std::size_t i = 0; i < points.size(); ++i) {
    auto const digit = DigitOf(points[i]);
    if (!digit) continue;
    if (i == 0 || !DigitOf(points[i - 1])) {
      bool const joined = !groups.empty() && groups.back().end() + 1 == i && IsSeparator(points[i - 1]);
      groups.push_back(
          {.offset = i, .joined = joined, .after_plus = i > 0 && (points[i - 1] == U'+' || points[i - 1] == U'\uFF0B')});
    }
    groups.back().digits.push_back(*digit);
  }
  return groups;
}

bool HasBirthDay(std::string_view digits) {
  auto const number = [&](std::size_t at) { return (digits[at] - '0') * 10 + (digits[at + 1] - '0'); };
  constexpr int kReplacement = 60;
  int const day = number(0) > kReplacement ? number(0) - kReplacement : number(0);
  return day >= 1 && day <= 31 && number(2) >= 1 && number(2) <= 12;
}

using Shape = std::vector<std::size_t>;

// The digits of the groups from `first` on when they have that shape and are joined.
std::optional<std::string> Take(std::span<Group const> groups, std::size_t first, Shape const& shape) {
  std::string digits;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (first + i >= groups.size() || (i > 0 && !groups[first + i].joined)) return std::nullopt;
    if (groups[first + i].digits.size() != shape[i]) return std::nullopt;
    digits += groups[first + i].digits;
  }
  return digits;
}

// How many groups a CPR number takes from `first` on; 0 when there is none.
std::size_t CprAt(std::span<Group const> groups, std::size_t first) {
  static Shape const shapes[] = {{10}, {6, 4}, {2, 2, 2, 4}};
  for (auto const& shape : shapes) {
    auto const digits = Take(groups, first, shape);
    if (digits && HasBirthDay(*digits)) return shape.size();
  }
  return 0;
}

// After a plus: everything that is joined, while it is not too long.
std::size_t InternationalAt(std::span<Group const> groups, std::size_t first) {
  if (!groups[first].after_plus) return 0;
  constexpr std::size_t kLeast = 7;
  constexpr std::size_t kMost = 15;
  std::size_t digits = groups[first].digits.size();
  std::size_t taken = 1;
  while (first + taken < groups.size() && groups[first + taken].joined && digits + groups[first + taken].digits.size() <= kMost) {
    digits += groups[first + taken++].digits.size();
  }
  return digits >= kLeast && digits <= kMost ? taken : 0;
}

std::size_t DanishAt(std::span<Group const> groups, std::size_t first) {
  static Shape const shapes[] = {{8}, {2, 2, 2, 2}, {4, 4}, {2, 3, 3}};
  // 0045 before it, in a group of its own or not.
  if (groups[first].digits == "0045" && first + 1 < groups.size() && groups[first + 1].joined) {
    auto const taken = DanishAt(groups, first + 1);
    if (taken > 0) return taken + 1;
  }
  if (groups[first].digits.size() == 12 && groups[first].digits.starts_with("0045")) return 1;
  for (auto const& shape : shapes) {
    auto const digits = Take(groups, first, shape);
    if (digits && digits->front() >= '2') return shape.size();
  }
  return 0;
}

std::string_view NameOf(PersonalNumber kind) { return kind == PersonalNumber::kCpr ? "CPR_NUMBER" : "TELEPHONE_NUMBER"; }

}  // namespace

std::vector<Finding> FindPersonalNumbers(std::string_view text) {
  auto const groups = GroupsOf(CodePoints(text));
  std::vector<Finding> findings;
  for (std::size_t i = 0; i < groups.size();) {
    auto kind = PersonalNumber::kCpr;
    std::size_t taken = CprAt(groups, i);
    if (taken == 0) {
      kind = PersonalNumber::kTelephone;
      taken = InternationalAt(groups, i);
    }
    if (taken == 0) taken = DanishAt(groups, i);
    if (taken == 0) {
      ++i;
      continue;
    }
    findings.push_back({kind, groups[i].offset, groups[i + taken - 1].end() - groups[i].offset});
    i += taken;
  }
  return findings;
}

absl::Status RefusePersonalNumbers(std::span<CheckedText const> texts, bool confirmed) {
  std::vector<std::string> found;
  bool confirmable = true;
  for (auto const& [field, text] : texts) {
    for (auto const& finding : FindPersonalNumbers(text)) {
      confirmable = confirmable && finding.kind == PersonalNumber::kTelephone;
      found.push_back(absl::StrCat(Av(field), " ", finding.offset, " ", finding.length, " ", Av(NameOf(finding.kind))));
    }
  }
  if (found.empty() || (confirmed && confirmable)) return absl::OkStatus();
  return Error(absl::StatusCode::kInvalidArgument, v1::ERROR_REASON_PERSONAL_DATA_SUSPECTED,
               confirmable ? "a text looks as if it held telephone numbers; leave them out, or confirm that they are of no person"
                           : "a text looks as if it held CPR numbers; persons stand in an annex and nowhere else",
               {{"findings", absl::StrJoin(found, "; ")}, {"confirmable", confirmable ? "true" : "false"}});
}

}  // namespace helhed::communications
