#include "services/funding/domain/cofunding.h"

#include <gmock/gmock.h>

#include "services/platform/testing/matchers.h"

namespace helhed::funding {
namespace {

using helhed::testing::ForAllSeeds;
using helhed::testing::IsOk;

v1::Source Payer(v1::SourceKind kind, Ore amount, v1::Contribution contribution = v1::CONTRIBUTION_CASH) {
  v1::Source source;
  source.set_name("plans/a/sources/" + std::to_string(kind));
  source.set_kind(kind);
  source.set_contribution(contribution);
  *source.mutable_amount() = ToMoney(amount);
  return source;
}

v1::LocalCofundingRule Rule() {
  v1::LocalCofundingRule rule;
  rule.set_least_basis_points(2500);
  rule.set_counts_municipality(true);
  rule.set_counts_organisation(true);
  rule.set_counts_department(true);
  return rule;
}

bool Met(std::vector<v1::Source> const& sources, v1::LocalCofundingRule const& rule = Rule()) {
  auto const part = ProveCofunding(sources, rule);
  EXPECT_THAT(part, IsOk());
  return part.ok() && part->met();
}

// M3: the floor is exact. 24.99 % and a hair are not 25 %.
TEST(Cofunding, TheFloorIsCheckedExactly) {
  EXPECT_TRUE(Met({Payer(v1::SOURCE_KIND_FUND, 7500), Payer(v1::SOURCE_KIND_MUNICIPALITY, 2500)}));
  EXPECT_FALSE(Met({Payer(v1::SOURCE_KIND_FUND, 7501), Payer(v1::SOURCE_KIND_MUNICIPALITY, 2499)}));
  EXPECT_FALSE(Met({Payer(v1::SOURCE_KIND_FUND, 7501), Payer(v1::SOURCE_KIND_MUNICIPALITY, 2500)}));
  // One øre of a thousand million kroner: rounded shares and floating point would let it pass.
  EXPECT_FALSE(Met({Payer(v1::SOURCE_KIND_FUND, 75'000'000'000), Payer(v1::SOURCE_KIND_MUNICIPALITY, 24'999'999'999)}));
  // Amounts whose products leave 64 bits.
  EXPECT_TRUE(MeetsShare(kAmountMax * 2000, kAmountMax * 8000, 2500));
  EXPECT_FALSE(MeetsShare(kAmountMax * 2000 - 1, kAmountMax * 8000, 2500));
  // An eighth, which is more than a quarter in 64 bits.
  EXPECT_FALSE(MeetsShare(kAmountMax * 1000 + kAmountMax / 2, kAmountMax * 8000, 2500));
}

TEST(Cofunding, TheReferencePlanHas29Percent) {
  std::vector<v1::Source> const sources = {
      Payer(v1::SOURCE_KIND_FUND, 19'000'000'00), Payer(v1::SOURCE_KIND_MUNICIPALITY, 4'500'000'00),
      Payer(v1::SOURCE_KIND_ORGANISATION, 4'500'000'00), Payer(v1::SOURCE_KIND_EXTERNAL, 3'000'000'00)};
  auto const part = ProveCofunding(sources, Rule());
  ASSERT_THAT(part, IsOk());
  EXPECT_TRUE(part->met());
  EXPECT_EQ(part->total().minor_units(), 31'000'000'00);
  EXPECT_EQ(part->local().minor_units(), 9'000'000'00);
  EXPECT_EQ(part->share_basis_points(), 2903);
  EXPECT_EQ(part->missing().minor_units(), 0);
}

TEST(Cofunding, WhatIsMissingIsJustEnough) {
  ForAllSeeds(500, [](SeededRandom& random) {
    Ore const total = random.Between(1, 40'000'000'00);
    Ore const local = random.Between(0, total);
    auto rule = Rule();
    rule.set_least_basis_points(random.Between(0, 10000));
    std::vector<v1::Source> const sources = {Payer(v1::SOURCE_KIND_FUND, total - local),
                                             Payer(v1::SOURCE_KIND_MUNICIPALITY, local)};
    auto const part = ProveCofunding(sources, rule);
    ASSERT_THAT(part, IsOk());
    Ore const missing = part->missing().minor_units();
    EXPECT_TRUE(MeetsShare(local + missing, total, rule.least_basis_points()));
    if (!part->met()) {
      EXPECT_FALSE(MeetsShare(local + missing - 1, total, rule.least_basis_points()));
    }
  });
}

TEST(Cofunding, TheSourceMayDifferFromTheRegulation) {
  auto external = Payer(v1::SOURCE_KIND_EXTERNAL, 2500);
  EXPECT_FALSE(Met({Payer(v1::SOURCE_KIND_FUND, 7500), external}));
  external.set_counts_as_local(true);
  EXPECT_TRUE(Met({Payer(v1::SOURCE_KIND_FUND, 7500), external}));
  auto municipality = Payer(v1::SOURCE_KIND_MUNICIPALITY, 2500);
  municipality.set_counts_as_local(false);
  EXPECT_FALSE(Met({Payer(v1::SOURCE_KIND_FUND, 7500), municipality}));
}

// M12: hours count only where the regulation says so, whatever the source says of itself.
TEST(Cofunding, HoursCountOnlyIfTheRegulationSaysSo) {
  auto hours = Payer(v1::SOURCE_KIND_MUNICIPALITY, 2500, v1::CONTRIBUTION_IN_KIND_HOURS);
  EXPECT_FALSE(Met({Payer(v1::SOURCE_KIND_FUND, 7500), hours}));
  hours.set_counts_as_local(true);
  EXPECT_FALSE(Met({Payer(v1::SOURCE_KIND_FUND, 7500), hours}));
  auto rule = Rule();
  rule.set_counts_in_kind_hours(true);
  EXPECT_TRUE(Met({Payer(v1::SOURCE_KIND_FUND, 7500), hours}, rule));
}

TEST(Cofunding, AnExtensionHasSourcesOfItsOwn) {
  auto extra = Payer(v1::SOURCE_KIND_FUND, 1);
  extra.set_extension("e1");
  std::vector<v1::Source> const all = {Payer(v1::SOURCE_KIND_FUND, 2), extra};
  EXPECT_EQ(SourcesOf(all, "").size(), 1U);
  EXPECT_EQ(SourcesOf(all, "e1").front().amount().minor_units(), 1);
}

}  // namespace
}  // namespace helhed::funding
