#include "services/residents/domain/people.h"

#include <absl/strings/str_cat.h>

#include <algorithm>

#include "helhed/residents/v1/errors.pb.h"
#include "services/residents/domain/cpr_number.h"

namespace helhed::residents {
namespace {

constexpr std::size_t kTelephoneDigitsMin = 8;
constexpr std::size_t kTelephoneDigitsMax = 15;  // E.164

bool IsTelephone(std::string_view value) {
  return value.size() > kTelephoneDigitsMin && value.size() <= kTelephoneDigitsMax + 1 && value[0] == '+' && value[1] != '0' &&
         std::all_of(value.begin() + 1, value.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// What can be known of an address without sending to it: something, an @, a domain with a dot, no space or control character.
bool IsEmail(std::string_view value) {
  auto const at = value.find('@');
  if (at == 0 || at == std::string_view::npos || value.find('@', at + 1) != std::string_view::npos) return false;
  auto const dot = value.find('.', at + 2);
  bool const is_plain = std::none_of(value.begin(), value.end(),
                                     [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == '<' || c == '>'; });
  return is_plain && dot != std::string_view::npos && dot + 1 < value.size() && value.back() != '.';
}

std::string Field(std::string_view field, std::string_view name) { return absl::StrCat(Av(field), ".", Av(name)); }

void CheckContactPoints(v1::Resident const& person, std::string_view field, std::vector<FieldViolation>& violations) {
  for (int i = 0; i < person.contact_points_size(); ++i) {
    auto const& point = person.contact_points(i);
    std::string const path = absl::StrCat(Av(field), ".contact_points[", i, "].value");
    if (point.kind() == v1::CONTACT_POINT_KIND_EMAIL) {
      if (!IsEmail(point.value())) violations.push_back({path, "must be an address of e-mail"});
    } else if (!IsTelephone(point.value())) {
      violations.push_back({path, "must be a telephone number with its country code: +4520304050"});
    }
  }
}

}  // namespace

int AgeOn(absl::CivilDay birth_date, absl::CivilDay day) {
  auto const years = static_cast<int>(day.year() - birth_date.year());
  bool const had_birthday =
      day.month() > birth_date.month() || (day.month() == birth_date.month() && day.day() >= birth_date.day());
  return had_birthday ? years : years - 1;
}

bool IsProtected(v1::Resident const& resident, absl::CivilDay day) {
  if (!resident.has_address_protection()) return false;
  auto const start = ToCivil(resident.address_protection().start_date());
  auto const end = ToCivil(resident.address_protection().end_date());
  return start && *start <= day && (!end || day < *end);
}

std::string FoldName(std::string_view name) {
  std::string folded;
  folded.reserve(name.size());
  for (std::size_t i = 0; i < name.size(); ++i) {
    auto const byte = static_cast<unsigned char>(name[i]);
    auto const next = i + 1 < name.size() ? static_cast<unsigned char>(name[i + 1]) : 0U;
    if (byte >= 'A' && byte <= 'Z') {
      folded.push_back(static_cast<char>(byte + 32));
    } else if (byte == 0xc3 && next >= 0x80 && next <= 0x9e && next != 0x97) {
      // À to Þ but ×: the small letter is 32 further on.
      folded.push_back(name[i++]);
      folded.push_back(static_cast<char>(next + 32));
    } else if ((byte == 0xc4 || byte == 0xc5) && next >= 0x80 && next <= 0xbf) {
      // Latin Extended-A: pairs, the capital on the even code point up to ķ and from Ŋ to ŷ, on the odd one between and from Ź
      // on.
      unsigned const code = ((byte & 0x1fU) << 6U) | (next & 0x3fU);
      bool const is_pair_from_even = (code <= 0x137 && code != 0x130 && code != 0x131) || (code >= 0x14a && code <= 0x177);
      bool const is_pair_from_odd = (code >= 0x139 && code <= 0x148) || (code >= 0x179 && code <= 0x17e);
      bool const is_capital = (is_pair_from_even && code % 2 == 0) || (is_pair_from_odd && code % 2 == 1);
      unsigned const small = is_capital ? code + 1 : code;
      folded.push_back(static_cast<char>(0xc0U | (small >> 6U)));
      folded.push_back(static_cast<char>(0x80U | (small & 0x3fU)));
      ++i;
    } else {
      folded.push_back(name[i]);
    }
  }
  return folded;
}

std::string EndOfPrefix(std::string_view folded) {
  // U+10FFFF, the last code point, so that the bound is text as well.
  return absl::StrCat(Av(folded), "\xf4\x8f\xbf\xbf");
}

void CheckPerson(v1::Resident& person, absl::CivilDay today, std::string_view field, std::vector<FieldViolation>& violations) {
  CheckContactPoints(person, field, violations);
  auto const number = ParseCprNumber(person.cpr_number());
  if (!person.cpr_number().empty() && !number) {
    violations.push_back({Field(field, "cpr_number"), "must be a CPR number that was given out: the day must exist"});
    return;
  }
  if (number && !person.has_birth_date()) *person.mutable_birth_date() = ToProtoDate(number->birth_date);
  auto const birth_date = ToCivil(person.birth_date());
  if (!birth_date) {
    violations.push_back({Field(field, "birth_date"), "must be an existing date, unless cpr_number says it"});
  } else if (*birth_date > today) {
    violations.push_back({Field(field, number ? "cpr_number" : "birth_date"), "must not be in the future"});
  } else if (number && number->birth_date != *birth_date) {
    violations.push_back({Field(field, "birth_date"), "must be the day of birth that cpr_number says"});
  }
}

absl::Status CheckMembership(Member const& member, Period const& occupation, std::span<Member const> others) {
  if (!occupation.Contains(member.period)) {
    return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_HOUSEHOLD_NOT_THERE,
                 "The membership must lie within the occupation of its household.",
                 {{"household", member.household}, {"occupation", ToIsoPeriod(occupation)}});
  }
  for (auto const& other : others) {
    if (other.name == member.name || !other.period.Overlaps(member.period)) continue;
    bool const both_registered = other.kind == v1::MEMBERSHIP_KIND_REGISTERED && member.kind == v1::MEMBERSHIP_KIND_REGISTERED;
    if (!both_registered && other.household != member.household) continue;
    return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_PERIODS_OVERLAP,
                 "A person has one registered address at a time, and is a member of a household once at a time.",
                 {{"resource", member.name}, {"other", other.name}});
  }
  return absl::OkStatus();
}

absl::Status CheckGuardianship(Guarding const& guarding, std::string const& ward, absl::CivilDay guardian_birth_date,
                               std::span<Guarding const> others, std::span<Period const> wards_own) {
  bool const circular =
      std::any_of(wards_own.begin(), wards_own.end(), [&](Period const& period) { return period.Overlaps(guarding.period); });
  if (guarding.guardian == ward || circular || AgeOn(guardian_birth_date, guarding.period.start) < kMajorityYears) {
    return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_GUARDIAN_UNFIT,
                 "A guardian must be another person, an adult on the first day, and not the ward of the same person.",
                 {{"resource", guarding.name}, {"guardian", guarding.guardian}});
  }
  for (auto const& other : others) {
    if (other.name == guarding.name || other.guardian != guarding.guardian || !other.period.Overlaps(guarding.period)) continue;
    return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_PERIODS_OVERLAP,
                 "The same person is the guardian already during a part of the period.",
                 {{"resource", guarding.name}, {"other", other.name}});
  }
  return absl::OkStatus();
}

bool IsGuardian(std::span<Guarding const> guardings, std::string_view guardian, absl::CivilDay day) {
  return std::any_of(guardings.begin(), guardings.end(),
                     [&](Guarding const& each) { return each.guardian == guardian && each.period.Contains(day); });
}

}  // namespace helhed::residents
