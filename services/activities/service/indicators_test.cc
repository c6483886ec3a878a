#include <gmock/gmock.h>

#include "services/activities/testing/fixture.h"

namespace helhed::activities::testing {
namespace {

class IndicatorsTest : public ActivitiesTest {
 protected:
  v1::Indicator Enter(std::string const& id, v1::IndicatorKind kind) {
    v1::CreateIndicatorRequest request;
    request.set_parent("plans/amager");
    request.set_indicator_id(id);
    auto& given = *request.mutable_indicator();
    given.set_display_name("Hvor mange");
    given.set_sub_goal("plans/amager/subGoals/sprog");
    given.set_kind(kind);
    given.set_unit("personer");
    given.set_baseline(10);
    given.set_target(100);
    return Must<v1::Indicator>("IndicatorService/CreateIndicator", request);
  }
  std::int64_t Value(std::string const& name) {
    v1::GetIndicatorRequest request;
    request.set_name(name);
    return Must<v1::Indicator>("IndicatorService/GetIndicator", request).current_value();
  }
  void Measure(std::string const& indicator, std::string_view date, std::int64_t value) {
    Must<v1::Measurement>("IndicatorService/CreateMeasurement", Measurement(indicator, date, value));
  }
  static v1::CreateMeasurementRequest Measurement(std::string const& indicator, std::string_view date, std::int64_t value) {
    v1::CreateMeasurementRequest request;
    request.set_parent(indicator);
    *request.mutable_measurement()->mutable_date() = Date(date);
    request.mutable_measurement()->set_value(value);
    request.mutable_measurement()->set_source("Beboerundersøgelsen");
    return request;
  }
};

TEST_P(IndicatorsTest, TheLatestRoundIsTheValue) {
  Draft("a");
  auto const indicator = Enter("tryghed", v1::INDICATOR_KIND_MEASURED);
  EXPECT_EQ(indicator.current_value(), 10) << "the baseline, before the first round";
  EXPECT_EQ(indicator.focus_area(), "uddannelse-livschancer");
  Measure(indicator.name(), "2126-02-01", 50);
  Measure(indicator.name(), "2125-02-01", 30);
  EXPECT_EQ(Value(indicator.name()), 50);
  Measure(indicator.name(), "2126-02-01", 55);
  EXPECT_EQ(Value(indicator.name()), 55) << "a later round of the same day corrects";
  v1::ListMeasurementsRequest list;
  list.set_parent(indicator.name());
  list.set_order_by("date");
  EXPECT_EQ(Must<v1::ListMeasurementsResponse>("IndicatorService/ListMeasurements", list).measurements_size(), 3);
  Refused<v1::Measurement>("IndicatorService/CreateMeasurement", Measurement(indicator.name(), "2126-03-02", 1), kInvalid,
                           "BAD_REQUEST");
}

TEST_P(IndicatorsTest, WhatIsCountedIsCurrentWithEveryRegistration) {
  auto const activity = Open("a", 2).name();
  auto const other = Open("b", 2).name();
  auto const indicator = Enter("pladser", v1::INDICATOR_KIND_CONFIRMED_REGISTRATIONS).name();
  auto const one = Must<v1::Registration>("RegistrationService/CreateRegistration", RegistrationRequest(activity));
  Must<v1::Registration>("RegistrationService/CreateRegistration", RegistrationRequest(activity));
  auto const waits = Must<v1::Registration>("RegistrationService/CreateRegistration", RegistrationRequest(activity));
  Must<v1::Registration>("RegistrationService/CreateRegistration", RegistrationRequest(other));
  EXPECT_EQ(Value(indicator), 3);
  v1::CancelRegistrationRequest cancel;
  cancel.set_name(one.name());
  Must<v1::Registration>("RegistrationService/CancelRegistration", cancel);
  EXPECT_EQ(Value(indicator), 2) << "an offer is no seat yet";
  v1::AcceptOfferRequest accept;
  accept.set_name(waits.name());
  Must<v1::Registration>("RegistrationService/AcceptOffer", accept);
  EXPECT_EQ(Value(indicator), 3);
  Advance(activity, v1::ACTIVITY_STEP_START);
  v1::RecordOutcomeRequest outcome;
  outcome.set_name(waits.name());
  outcome.set_outcome(v1::REGISTRATION_STATE_NO_SHOW);
  Must<v1::Registration>("RegistrationService/RecordOutcome", outcome);
  EXPECT_EQ(Value(indicator), 3);
  Refused<v1::Measurement>("IndicatorService/CreateMeasurement", Measurement(indicator, "2126-02-01", 1), kPrecondition,
                           "INDICATOR_COUNTED");
}

TEST_P(IndicatorsTest, MeasuresASubGoalOfThePlan) {
  Draft("a");
  v1::CreateIndicatorRequest request;
  request.set_parent("plans/amager");
  request.mutable_indicator()->set_display_name("Hvor mange");
  request.mutable_indicator()->set_sub_goal("plans/other/subGoals/sprog");
  request.mutable_indicator()->set_kind(v1::INDICATOR_KIND_MEASURED);
  request.mutable_indicator()->set_unit("personer");
  EXPECT_THAT(Refused<v1::Indicator>("IndicatorService/CreateIndicator", request, kInvalid, "BAD_REQUEST").fields,
              ::testing::ElementsAre("indicator.sub_goal"));
}

TEST_P(IndicatorsTest, AFocusAreaIsReportedOnceAYear) {
  v1::CreateFocusAreaStatusRequest request;
  request.set_parent("plans/amager");
  request.set_focus_area_status_id("2125-beskaeftigelse");
  request.mutable_focus_area_status()->set_assessment(v1::ASSESSMENT_AT_RISK);
  request.mutable_focus_area_status()->set_summary("For få fritidsjob");
  auto const status = Must<v1::FocusAreaStatus>("IndicatorService/CreateFocusAreaStatus", request);
  EXPECT_EQ(status.year(), 2125);
  EXPECT_EQ(status.focus_area(), "beskaeftigelse");
  Refused<v1::FocusAreaStatus>("IndicatorService/CreateFocusAreaStatus", request, kExists, "RESOURCE_EXISTS");
  v1::UpdateFocusAreaStatusRequest update;
  *update.mutable_focus_area_status() = status;
  update.mutable_focus_area_status()->set_assessment(v1::ASSESSMENT_REACHED);
  EXPECT_EQ(Must<v1::FocusAreaStatus>("IndicatorService/UpdateFocusAreaStatus", update).assessment(), v1::ASSESSMENT_REACHED);
}

HELHED_BOTH_ENGINES(IndicatorsTest);

}  // namespace
}  // namespace helhed::activities::testing
