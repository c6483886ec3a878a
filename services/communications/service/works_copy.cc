#include "services/communications/service/works_copy.h"

#include <string>
#include <vector>

#include "services/communications/service/names.h"

namespace helhed::communications {
namespace {

using storage::Statement;

// $1, $2 are where it comes from, $3, $4 where it goes.
Statement const kCopyAreas(
    "communications.copy_works_areas",
    "INSERT INTO works_areas (plan, works_notice, position, organisation, department, stairwell, dwelling, "
    "period_start_date, period_end_date) SELECT $3, $4, position, organisation, department, stairwell, "
    "dwelling, period_start_date, period_end_date FROM works_areas WHERE plan = $1 AND works_notice = $2");
Statement const kCopyHouseholds(
    "communications.copy_works_households",
    "INSERT INTO works_households (plan, works_notice, works_household, household, household_organisation, dwelling, "
    "dwelling_organisation, period_start_date, period_end_date, state, delivery_date, earliest_start_date, informed, revision, "
    "create_time, update_time) SELECT $3, $4, works_household, household, household_organisation, dwelling, "
    "dwelling_organisation, period_start_date, period_end_date, state, delivery_date, earliest_start_date, informed, revision, "
    "create_time, update_time FROM works_households WHERE plan = $1 AND works_notice = $2");
Statement const kCopyStart("communications.copy_works_delivery_start",
                           "UPDATE works_notices SET delivery_start_date = (SELECT o.delivery_start_date FROM works_notices o "
                           "WHERE o.plan = $1 AND o.works_notice = $2) WHERE plan = $3 AND works_notice = $4");
Statement const kDropAreas("communications.drop_works_areas", "DELETE FROM works_areas WHERE plan = $1 AND works_notice = $2");
Statement const kDropHouseholds("communications.drop_works_households",
                                "DELETE FROM works_households WHERE plan = $1 AND works_notice = $2");
Statement const kDropNotice("communications.drop_works_notice",
                            "DELETE FROM works_notices WHERE plan = $1 AND works_notice = $2");

absl::Status Drop(WriteTransaction& tx, std::vector<std::string> const& key,
                  std::initializer_list<Statement const*> const& statements) {
  for (auto const* const statement : statements) RETURN_IF_ERROR(tx.Enqueue(*statement, {key[0], key[1]}));
  return absl::OkStatus();
}

absl::Status CopyParts(WriteTransaction& tx, std::string_view from, std::string_view to) {
  auto const source = KeyOf<v1::WorksNotice>(from);
  auto const target = KeyOf<v1::WorksNotice>(to);
  for (auto const* const statement : {&kCopyAreas, &kCopyHouseholds, &kCopyStart}) {
    RETURN_IF_ERROR(tx.Enqueue(*statement, {source[0], source[1], target[0], target[1]}));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CopyWorksNotice(WriteTransaction& tx, std::string_view from, v1::WorksNotice& made) {
  RETURN_IF_ERROR(tx.Insert(made));
  return CopyParts(tx, from, made.name());
}

absl::Status ReplaceWorksParts(WriteTransaction& tx, std::string_view from, std::string_view to) {
  RETURN_IF_ERROR(Drop(tx, KeyOf<v1::WorksNotice>(to), {&kDropAreas, &kDropHouseholds}));
  return CopyParts(tx, from, to);
}

absl::Status DropWorksNotice(WriteTransaction& tx, std::string_view name) {
  return Drop(tx, KeyOf<v1::WorksNotice>(name), {&kDropAreas, &kDropHouseholds, &kDropNotice});
}

}  // namespace helhed::communications
