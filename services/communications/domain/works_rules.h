#pragma once

#include <absl/status/statusor.h>
#include <absl/time/civil_time.h>

#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "helhed/communications/v1/works.pb.h"
#include "services/platform/base/civil.h"
#include "services/platform/base/status.h"

// What the law asks before works begin (domain notes, 3.5 and 8.7; rule C1), and whom a change concerns.
namespace helhed::communications {

// `months` calendar months and then `days` after a day. A day that the month does not have is its last one: three months after 30
// November is the last of February.
absl::CivilDay AddPeriod(absl::CivilDay day, v1::NoticePeriod const& period);

// The first day on which works may begin at a household that was told on `delivery`. The law asks for a notice of so and so long,
// so that day is the delivery's own, a period later.
inline absl::CivilDay EarliestStart(absl::CivilDay delivery, v1::NoticePeriod const& period) {
  return AddPeriod(delivery, period);
}

// FAILED_PRECONDITION START_WITHIN_NOTICE_PERIOD, which names the first day that is possible, unless `start` is that day or
// later.
absl::Status CheckStart(absl::CivilDay start, absl::CivilDay earliest, v1::NoticePeriod const& period);

// Adds what is wrong with a notice beyond what the contract says.
void CheckWorksNotice(v1::WorksNotice const& notice, std::vector<FieldViolation>& violations);
// The same of areas alone: periods within that of the notice, dwellings of the department's organisation, and never a stairwell
// and a dwelling. `field` is `works_notice.areas` or the like.
void CheckAreas(google::protobuf::RepeatedPtrField<v1::WorksArea> const& areas, Period const& period, std::string_view field,
                std::vector<FieldViolation>& violations);

// A household as the housing register knows it.
struct Occupied {
  std::string household;
  std::string dwelling;
  std::string department;
  // `Remisevej 14`: road and house number.
  std::string stairwell;
};

// A household that works touch, and when.
struct Touched {
  std::string household;
  std::string dwelling;
  Period period;
  friend bool operator==(Touched const&, Touched const&) = default;
};

// The households of the areas, by name. Where areas overlap, the smallest says when: the dwelling, the stairwell, the department;
// of several of the same size the first.
std::vector<Touched> HouseholdsTouched(google::protobuf::RepeatedPtrField<v1::WorksArea> const& areas, Period const& period,
                                       std::span<Occupied const> households);

// What was told, of the notice before.
struct Told {
  Touched household;
  v1::WorksHouseholdState state = v1::WORKS_HOUSEHOLD_STATE_WAITING;
  std::optional<absl::CivilDay> delivery;
  // Whether it heard of the works at all, from this notice or one before it.
  bool informed = false;
  friend bool operator==(Told const&, Told const&) = default;
};

// What the notice after has to tell whom: those who are new or whose dates are others wait to be told; those who know what still
// holds stay told, with their delivery; those whom the works leave are to be told that, once, if they heard of them at all. By
// name.
std::vector<Told> Reschedule(std::span<Told const> before, std::span<Touched const> after);

std::string NameOf(v1::WorksState state);

// FAILED_PRECONDITION WORKS_STATE, unless the notice is in one of `states`. Says which it is in and which are needed.
absl::Status RequireState(v1::WorksNotice const& notice, std::initializer_list<v1::WorksState> states);

}  // namespace helhed::communications
