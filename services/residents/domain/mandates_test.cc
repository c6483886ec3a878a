#include "services/residents/domain/mandates.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "services/platform/testing/matchers.h"

namespace helhed::residents {
namespace {

using ::testing::ElementsAre;
using testing::IsOk;
using testing::StatusIs;

v1::Mandate Mandate(v1::MandateBody body, v1::MandateRole role, std::string const& department = "",
                    std::string const& household = "") {
  v1::Mandate mandate;
  mandate.set_body(body);
  mandate.set_role(role);
  mandate.set_department(department);
  mandate.set_household(household);
  return mandate;
}

Tenure Held(std::string const& name, v1::Mandate mandate, std::string const& holder, int start, std::optional<int> end = {}) {
  mandate.set_name(name);
  mandate.set_holder(holder);
  return {std::move(mandate), {absl::CivilDay(start, 1, 1), end ? std::optional(absl::CivilDay(*end, 1, 1)) : std::nullopt}};
}

std::vector<std::string> Fields(v1::Mandate const& mandate) {
  std::vector<std::string> fields;
  for (auto const& violation : MandateViolations(mandate)) fields.push_back(violation.field);
  return fields;
}

TEST(Mandate, FitsItsBody) {
  EXPECT_THAT(Fields(Mandate(v1::MANDATE_BODY_HOUSEHOLD, v1::MANDATE_ROLE_REPRESENTATIVE, "", "h")), ElementsAre());
  EXPECT_THAT(Fields(Mandate(v1::MANDATE_BODY_DEPARTMENT_BOARD, v1::MANDATE_ROLE_CHAIR, "d")), ElementsAre());
  EXPECT_THAT(Fields(Mandate(v1::MANDATE_BODY_SUPREME_BODY, v1::MANDATE_ROLE_SUBSTITUTE)), ElementsAre());
  EXPECT_THAT(Fields(Mandate(v1::MANDATE_BODY_HOUSEHOLD, v1::MANDATE_ROLE_CHAIR, "d")),
              ElementsAre("mandate.role", "mandate.department", "mandate.household"));
  EXPECT_THAT(Fields(Mandate(v1::MANDATE_BODY_DEPARTMENT_BOARD, v1::MANDATE_ROLE_REPRESENTATIVE, "", "h")),
              ElementsAre("mandate.role", "mandate.department", "mandate.household"));
  EXPECT_THAT(Fields(Mandate(v1::MANDATE_BODY_SUPREME_BODY, v1::MANDATE_ROLE_MEMBER, "d", "h")),
              ElementsAre("mandate.role", "mandate.household"));
}

TEST(Mandate, AHouseholdHasOneRepresentativeAtATime) {
  auto const of = [](std::string const& household) {
    return Mandate(v1::MANDATE_BODY_HOUSEHOLD, v1::MANDATE_ROLE_REPRESENTATIVE, "", household);
  };
  std::vector<Tenure> const others = {Held("a", of("h"), "anna", 2020, 2024)};
  EXPECT_THAT(CheckMandate(Held("b", of("h"), "bo", 2023), others),
              StatusIs(absl::StatusCode::kFailedPrecondition, "PERIODS_OVERLAP"));
  EXPECT_THAT(CheckMandate(Held("b", of("h"), "bo", 2024), others), IsOk());
  EXPECT_THAT(CheckMandate(Held("b", of("i"), "anna", 2023), others), IsOk());
  // Its own former period is not another one.
  EXPECT_THAT(CheckMandate(Held("a", of("h"), "anna", 2021), others), IsOk());
}

TEST(Mandate, ABoardHasOneChairAndNobodyTwice) {
  auto const of = [](v1::MandateRole role, std::string const& department) {
    return Mandate(v1::MANDATE_BODY_DEPARTMENT_BOARD, role, department);
  };
  std::vector<Tenure> const others = {Held("a", of(v1::MANDATE_ROLE_CHAIR, "d"), "anna", 2020, 2024)};
  EXPECT_THAT(CheckMandate(Held("b", of(v1::MANDATE_ROLE_CHAIR, "d"), "bo", 2023), others),
              StatusIs(absl::StatusCode::kFailedPrecondition, "PERIODS_OVERLAP"));
  EXPECT_THAT(CheckMandate(Held("b", of(v1::MANDATE_ROLE_MEMBER, "d"), "bo", 2023), others), IsOk());
  EXPECT_THAT(CheckMandate(Held("b", of(v1::MANDATE_ROLE_MEMBER, "d"), "anna", 2023), others),
              StatusIs(absl::StatusCode::kFailedPrecondition, "PERIODS_OVERLAP"));
  EXPECT_THAT(CheckMandate(Held("b", of(v1::MANDATE_ROLE_CHAIR, "e"), "anna", 2023), others), IsOk());
}

TEST(Mandate, NobodySitsTwiceInTheSupremeBody) {
  auto const of = [](v1::MandateRole role, std::string const& department) {
    return Mandate(v1::MANDATE_BODY_SUPREME_BODY, role, department);
  };
  std::vector<Tenure> const others = {
      Held("a", of(v1::MANDATE_ROLE_REPRESENTATIVE, "d"), "anna", 2020, 2024),
      Held("c", Mandate(v1::MANDATE_BODY_DEPARTMENT_BOARD, v1::MANDATE_ROLE_MEMBER, "d"), "bo", 2020)};
  EXPECT_THAT(CheckMandate(Held("b", of(v1::MANDATE_ROLE_SUBSTITUTE, "e"), "anna", 2023), others),
              StatusIs(absl::StatusCode::kFailedPrecondition, "PERIODS_OVERLAP"));
  EXPECT_THAT(CheckMandate(Held("b", of(v1::MANDATE_ROLE_REPRESENTATIVE, "d"), "bo", 2023), others), IsOk());
}

}  // namespace
}  // namespace helhed::residents
