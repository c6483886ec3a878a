#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <utility>

#include "helhed/communications/v1/events.pb.h"
#include "helhed/communications/v1/print_run_service.pb.h"
#include "helhed/communications/v1/works_service.pb.h"
#include "services/communications/service/household_register.h"
#include "services/communications/service/works_service.h"
#include "services/communications/testing/told.h"
#include "services/platform/base/civil.h"
#include "services/platform/contract/fields.h"

namespace helhed::communications::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr auto kMinor = v1::WORKS_KIND_MINOR;
constexpr auto kMajor = v1::WORKS_KIND_MAJOR;
constexpr auto kUrgent = v1::WORKS_KIND_URGENT;

// A database on which something happens before the next write begins.
class InterruptedDatabase final : public storage::Database {
 public:
  explicit InterruptedDatabase(storage::Database& real) : real_(real) {}

  std::function<void()> before_write;

  storage::Engine engine() const override { return real_.engine(); }
  absl::Status Read(storage::Limits const& limits, absl::FunctionRef<absl::Status(storage::ReadTransaction&)> unit) override {
    return real_.Read(limits, unit);
  }
  absl::Status Write(storage::Limits const& limits, absl::FunctionRef<absl::Status(storage::WriteTransaction&)> unit) override {
    if (auto const interrupt = std::exchange(before_write, nullptr)) interrupt();
    return real_.Write(limits, unit);
  }
  absl::Status RunScript(std::string_view script, storage::Statement const& then, std::span<storage::Bind const> binds) override {
    return real_.RunScript(script, then, binds);
  }
  absl::StatusOr<std::string> Explain(storage::Statement const& statement) override { return real_.Explain(statement); }
  absl::Status Ping(storage::Limits const& limits) override { return real_.Ping(limits); }

 private:
  storage::Database& real_;
};

// It is 1 March 2126: six weeks later is 12 April, three months later 1 June.
class WorksTest : public ToldTest {
 protected:
  WorksTest() {
    House("h1", "001", 12, "1", "tv");
    House("h2", "001", 14, "1", "tv");
    House("h3", "001", 14, "2", "th");
    House("h4", "002", 20, "1", "tv");
    v1::CreateConstructionProjectRequest request;
    request.set_parent("plans/amager");
    request.set_construction_project_id("helhed");
    request.mutable_construction_project()->set_display_name("Nye vinduer");
    *request.mutable_construction_project()->mutable_period() = Range("2126-01-01", "2128-01-01");
    Must<v1::ConstructionProject>("WorksService/CreateConstructionProject", request);
  }

  static common::v1::DateRange Range(std::string_view start, std::string_view end) {
    common::v1::DateRange range;
    *range.mutable_start_date() = Date(start);
    *range.mutable_end_date() = Date(end);
    return range;
  }
  static v1::CreateWorksNoticeRequest Notice(std::string const& id, v1::WorksKind kind, std::string_view start) {
    v1::CreateWorksNoticeRequest request;
    request.set_parent("plans/amager");
    request.set_works_notice_id(id);
    auto& notice = *request.mutable_works_notice();
    notice.set_construction_project("plans/amager/constructionProjects/helhed");
    notice.set_kind(kind);
    if (kind == kUrgent) notice.set_urgent_reason("Et rør er sprunget");
    notice.set_display_name("Vinduerne skiftes");
    notice.set_nuisance("Støj fra 8 til 16");
    notice.set_contact("Ejendomskontoret, Remisevej 2");
    *notice.mutable_period() = Range(start, "2127-01-01");
    notice.add_areas()->set_department("organisations/9001/departments/001");
    return request;
  }
  v1::WorksNotice Advance(std::string const& name, v1::WorksStep step) {
    return Must<v1::WorksNotice>("WorksService/AdvanceWorksNotice", Stepping(name, step));
  }
  static v1::AdvanceWorksNoticeRequest Stepping(std::string const& name, v1::WorksStep step) {
    v1::AdvanceWorksNoticeRequest request;
    request.set_name(name);
    request.set_step(step);
    request.set_note("som aftalt");
    return request;
  }
  static v1::DeliverWorksNoticeRequest Delivering(std::string const& name) {
    v1::DeliverWorksNoticeRequest request;
    request.set_name(name);
    return request;
  }
  std::string Begun(std::string const& id, v1::WorksKind kind, std::string_view start) {
    auto const name = Must<v1::WorksNotice>("WorksService/CreateWorksNotice", Notice(id, kind, start)).name();
    if (kind != kUrgent) Advance(name, v1::WORKS_STEP_APPROVE);
    Must<v1::WorksNotice>("WorksService/DeliverWorksNotice", Delivering(name));
    return name;
  }
  // Nobody named is everybody that waits.
  static v1::RecordWorksDeliveriesRequest Told(std::string const& name, std::string_view day,
                                               std::vector<std::string> const& who = {}) {
    v1::RecordWorksDeliveriesRequest request;
    request.set_name(name);
    *request.mutable_delivery_date() = Date(day);
    for (auto const& household : who) request.add_households("organisations/9001/households/" + household);
    request.set_all_waiting(who.empty());
    return request;
  }
  v1::WorksNotice Record(v1::RecordWorksDeliveriesRequest const& request) {
    return Must<v1::WorksNotice>("WorksService/RecordWorksDeliveries", request);
  }
  // `h1 TOLD 2126-03-01`, in the order of names.
  std::vector<std::string> Households(std::string const& notice, std::string const& filter = "") {
    v1::ListWorksHouseholdsRequest request;
    request.set_parent(notice);
    request.set_filter(filter);
    std::vector<std::string> households;
    auto const page = Must<v1::ListWorksHouseholdsResponse>("WorksService/ListWorksHouseholds", request);
    for (auto const& household : page.works_households()) {
      auto const day = ToCivil(household.delivery_date());
      households.push_back(absl::StrCat(household.household().substr(household.household().rfind('/') + 1), " ",
                                        contract::EnumText(household.state()), day ? " " + ToIsoDate(*day) : ""));
    }
    std::sort(households.begin(), households.end());
    return households;
  }
  static std::string Iso(google::type::Date const& date) { return ToIsoDate(*ToCivil(date)); }
  void SetToday(int month, int day) { clock().Set(absl::FromCivil(absl::CivilHour(2126, month, day, 8), absl::UTCTimeZone())); }
};

TEST_P(WorksTest, AStartThatIsTooEarlyIsRefusedWithTheFirstDayThatIsPossible) {
  auto refusal = Refused<v1::WorksNotice>("WorksService/CreateWorksNotice", Notice("a", kMinor, "2126-04-11"), kPrecondition,
                                          "START_WITHIN_NOTICE_PERIOD");
  EXPECT_EQ(refusal.metadata.at("earliest_start_date"), "2126-04-12");
  EXPECT_EQ(refusal.metadata.at("notice_period"), "noticePeriods/minor");
  refusal = Refused<v1::WorksNotice>("WorksService/CreateWorksNotice", Notice("a", kMajor, "2126-05-31"), kPrecondition,
                                     "START_WITHIN_NOTICE_PERIOD");
  EXPECT_EQ(refusal.metadata.at("earliest_start_date"), "2126-06-01");
  Must<v1::WorksNotice>("WorksService/CreateWorksNotice", Notice("a", kMinor, "2126-04-12"));
  Must<v1::WorksNotice>("WorksService/CreateWorksNotice", Notice("b", kMajor, "2126-06-01"));
  Must<v1::WorksNotice>("WorksService/CreateWorksNotice", Notice("c", kUrgent, "2126-03-01"));
}

TEST_P(WorksTest, ThePeriodOfTheLawIsDataWithAValidity) {
  v1::CreateNoticePeriodRequest request;
  request.set_notice_period_id("minor-2126");
  auto& period = *request.mutable_notice_period();
  period.set_kind(kMinor);
  *period.mutable_start_date() = Date("2126-02-01");
  period.set_days(56);
  period.set_source("Lov nr. 1 af 2126");
  EXPECT_THAT(Call<v1::NoticePeriod>("WorksService/CreateNoticePeriod", request, As("plan-leader", "plans/amager")),
              StatusCodeIs(kDenied));
  Must<v1::NoticePeriod>("WorksService/CreateNoticePeriod", request);
  auto const refusal = Refused<v1::WorksNotice>("WorksService/CreateWorksNotice", Notice("a", kMinor, "2126-04-12"),
                                                kPrecondition, "START_WITHIN_NOTICE_PERIOD");
  EXPECT_EQ(refusal.metadata.at("earliest_start_date"), "2126-04-26");
  EXPECT_EQ(refusal.metadata.at("notice_period"), "noticePeriods/minor-2126");
  request.set_notice_period_id("earlier");
  *period.mutable_start_date() = Date("2126-01-31");
  Refused<v1::NoticePeriod>("WorksService/CreateNoticePeriod", request, kPrecondition, "RULE_NOT_LATER");
}

// C1: by delivery to the last household, per household.
TEST_P(WorksTest, ThePeriodRunsFromTheDeliveryToTheLastHousehold) {
  auto const name = Begun("a", kMinor, "2126-04-12");
  EXPECT_THAT(Households(name), ElementsAre("h1 WAITING", "h2 WAITING", "h3 WAITING"));
  auto notice = Record(Told(name, "2126-03-01", {"h1", "h2"}));
  EXPECT_EQ(notice.state(), v1::WORKS_STATE_DELIVERING);
  EXPECT_EQ(notice.waiting_count(), 1);
  EXPECT_FALSE(notice.has_earliest_start_date());
  SetToday(4, 12);
  auto refusal = Refused<v1::WorksNotice>("WorksService/AdvanceWorksNotice", Stepping(name, v1::WORKS_STEP_BEGIN), kPrecondition,
                                          "HOUSEHOLDS_WAITING");
  EXPECT_EQ(refusal.metadata.at("waiting_count"), "1");
  // One household was told ten days later than the others.
  notice = Record(Told(name, "2126-03-11", {"h3"}));
  EXPECT_EQ(notice.state(), v1::WORKS_STATE_DELIVERED);
  EXPECT_EQ(Iso(notice.last_delivery_date()), "2126-03-11");
  EXPECT_EQ(Iso(notice.earliest_start_date()), "2126-04-22");
  refusal = Refused<v1::WorksNotice>("WorksService/AdvanceWorksNotice", Stepping(name, v1::WORKS_STEP_BEGIN), kPrecondition,
                                     "START_WITHIN_NOTICE_PERIOD");
  EXPECT_EQ(refusal.metadata.at("earliest_start_date"), "2126-04-22");
  // Waiting does not make it right: they were told of the 12th.
  SetToday(4, 22);
  Refused<v1::WorksNotice>("WorksService/AdvanceWorksNotice", Stepping(name, v1::WORKS_STEP_BEGIN), kPrecondition,
                           "START_WITHIN_NOTICE_PERIOD");
}

TEST_P(WorksTest, WorksThatWereAnnouncedInTimeBeginOnTheirDayAndNotBefore) {
  auto const name = Begun("a", kMajor, "2126-06-10");
  Record(Told(name, "2126-03-01"));
  SetToday(6, 9);
  auto const refusal = Refused<v1::WorksNotice>("WorksService/AdvanceWorksNotice", Stepping(name, v1::WORKS_STEP_BEGIN),
                                                kPrecondition, "START_WITHIN_NOTICE_PERIOD");
  EXPECT_EQ(refusal.metadata.at("earliest_start_date"), "2126-06-10");
  SetToday(6, 10);
  EXPECT_EQ(Advance(name, v1::WORKS_STEP_BEGIN).state(), v1::WORKS_STATE_IN_EFFECT);
  EXPECT_EQ(Advance(name, v1::WORKS_STEP_COMPLETE).state(), v1::WORKS_STATE_COMPLETED);
  EXPECT_EQ(LastEvent<v1::WorksNoticeChanged>(name).state(), v1::WORKS_STATE_COMPLETED);
  Refused<v1::WorksNotice>("WorksService/AdvanceWorksNotice", Stepping(name, v1::WORKS_STEP_CANCEL), kPrecondition,
                           "WORKS_STATE");
}

TEST_P(WorksTest, UrgentWorksNeedAReasonAndNothingElse) {
  auto request = Notice("a", kUrgent, "2126-03-01");
  request.mutable_works_notice()->clear_urgent_reason();
  EXPECT_THAT(Refused<v1::WorksNotice>("WorksService/CreateWorksNotice", request, kInvalid, "BAD_REQUEST").fields,
              ElementsAre("works_notice.urgent_reason"));
  request = Notice("a", kMinor, "2126-06-01");
  request.mutable_works_notice()->set_urgent_reason("Et rør er sprunget");
  EXPECT_THAT(Refused<v1::WorksNotice>("WorksService/CreateWorksNotice", request, kInvalid, "BAD_REQUEST").fields,
              ElementsAre("works_notice.urgent_reason"));
  auto const name = Begun("a", kUrgent, "2126-03-01");
  EXPECT_EQ(Advance(name, v1::WORKS_STEP_BEGIN).state(), v1::WORKS_STATE_IN_EFFECT);
  EXPECT_EQ(Record(Told(name, "2126-03-01")).waiting_count(), 0) << "they are still told";
}

TEST_P(WorksTest, NobodyIsToldBeforeItIsCertainThatSomebodyIsThereAndInTime) {
  auto request = Notice("a", kMinor, "2126-04-12");
  request.mutable_works_notice()->mutable_areas(0)->set_department("organisations/9001/departments/003");
  auto const nobody = Must<v1::WorksNotice>("WorksService/CreateWorksNotice", request).name();
  Advance(nobody, v1::WORKS_STEP_APPROVE);
  Refused<v1::WorksNotice>("WorksService/DeliverWorksNotice", Delivering(nobody), kPrecondition, "AUDIENCE_EMPTY");
  auto const name = Must<v1::WorksNotice>("WorksService/CreateWorksNotice", Notice("b", kMinor, "2126-04-12")).name();
  Refused<v1::WorksNotice>("WorksService/DeliverWorksNotice", Delivering(name), kPrecondition, "WORKS_STATE");
  Advance(name, v1::WORKS_STEP_APPROVE);
  SetToday(3, 2);
  auto const refusal =
      Refused<v1::WorksNotice>("WorksService/DeliverWorksNotice", Delivering(name), kPrecondition, "START_WITHIN_NOTICE_PERIOD");
  EXPECT_EQ(refusal.metadata.at("earliest_start_date"), "2126-04-13");
}

TEST_P(WorksTest, DeliveriesAreRecordedOnceOnDaysThatCanBe) {
  auto const name = Begun("a", kMinor, "2126-05-01");
  EXPECT_THAT(
      Refused<v1::WorksNotice>("WorksService/RecordWorksDeliveries", Told(name, "2126-03-02"), kInvalid, "BAD_REQUEST").fields,
      ElementsAre("delivery_date"));
  EXPECT_THAT(
      Refused<v1::WorksNotice>("WorksService/RecordWorksDeliveries", Told(name, "2126-02-28"), kInvalid, "BAD_REQUEST").fields,
      ElementsAre("delivery_date"));
  Refused<v1::WorksNotice>("WorksService/RecordWorksDeliveries", Told(name, "2126-03-01", {"h1", "h4"}), kPrecondition,
                           "HOUSEHOLD_NOT_AFFECTED");
  SetToday(3, 5);
  Record(Told(name, "2126-03-02", {"h1"}));
  EXPECT_EQ(Record(Told(name, "2126-03-05", {"h1"})).waiting_count(), 2) << "who was told stays told on the first day";
  Record(Told(name, "2126-03-04"));
  EXPECT_THAT(Households(name), ElementsAre("h1 TOLD 2126-03-02", "h2 TOLD 2126-03-04", "h3 TOLD 2126-03-04"));
}

TEST_P(WorksTest, WhatACampaignDeliveredCountsOnItsDayAndWhatIsOnTheWayDoesNot) {
  auto const name = Begun("a", kMinor, "2126-05-01");
  auto campaign = CampaignRequest("varsling");
  auto& audience = *campaign.mutable_campaign()->mutable_audience();
  audience.Clear();
  audience.Add()->set_department("organisations/9001/departments/001");
  audience.Add()->set_department("organisations/9001/departments/002");
  campaign.mutable_campaign()->set_statutory(true);
  campaign.mutable_campaign()->set_channel_choice(v1::CHANNEL_CHOICE_PAPER);
  auto const started = Started(campaign).name();
  v1::RecordWorksDeliveriesRequest request;
  request.set_name(name);
  request.set_campaign(started);
  EXPECT_EQ(Record(request).waiting_count(), 3) << "nothing has arrived";
  // The distributor brought the letters on the third day, but found no way into number 14. The household next door has its letter
  // too, and the notice is not about it.
  auto const run = Printed(started);
  SetToday(3, 3);
  v1::ConfirmPrintRunRequest confirm;
  confirm.set_name(run.name());
  confirm.set_distributor("Omdeleren");
  *confirm.mutable_deliver_time() = Instant("2126-03-03T08:00:00Z");
  for (auto const* recipient : {"000002", "000003"}) {
    auto& exception = *confirm.add_exceptions();
    exception.set_recipient(absl::StrCat(started, "/recipients/", recipient));
    exception.set_failure(v1::DELIVERY_FAILURE_NO_ACCESS);
  }
  Must<v1::PrintRun>("PrintRunService/ConfirmPrintRun", confirm);
  SetToday(3, 5);
  EXPECT_EQ(Record(request).waiting_count(), 2);
  EXPECT_THAT(Households(name), ElementsAre("h1 TOLD 2126-03-03", "h2 WAITING", "h3 WAITING"));
  *request.mutable_delivery_date() = Date("2126-03-05");
  request.set_campaign("plans/valby/campaigns/a");
  EXPECT_THAT(Refused<v1::WorksNotice>("WorksService/RecordWorksDeliveries", request, kInvalid, "BAD_REQUEST").fields,
              ElementsAre("delivery_date", "campaign"));
}

TEST_P(WorksTest, TheEarliestStartIsComputedForAnyDayOfDelivery) {
  auto const name = Begun("a", kMajor, "2126-08-01");
  v1::ComputeEarliestStartRequest request;
  request.set_name(name);
  auto answer = Must<v1::ComputeEarliestStartResponse>("WorksService/ComputeEarliestStart", request);
  EXPECT_EQ(Iso(answer.earliest_start_date()), "2126-06-01");
  EXPECT_EQ(answer.waiting_count(), 3);
  EXPECT_EQ(answer.notice_period(), "noticePeriods/major");
  *request.mutable_delivery_date() = Date("2126-03-31");
  answer = Must<v1::ComputeEarliestStartResponse>("WorksService/ComputeEarliestStart", request);
  EXPECT_EQ(Iso(answer.earliest_start_date()), "2126-06-30") << "June has 30 days";
  Record(Told(name, "2126-03-01"));
  answer = Must<v1::ComputeEarliestStartResponse>("WorksService/ComputeEarliestStart", request);
  EXPECT_EQ(Iso(answer.earliest_start_date()), "2126-06-01") << "nobody waits: no other delivery counts";
}

TEST_P(WorksTest, ReschedulingTellsThoseForWhomSomethingChangesAndNobodyElse) {
  auto const name = Begun("a", kMinor, "2126-05-01");
  Record(Told(name, "2126-03-01"));
  SetToday(3, 10);
  v1::RescheduleWorksNoticeRequest request;
  request.set_name(name);
  request.set_works_notice_id("b");
  request.set_note("Stilladset er forsinket");
  *request.mutable_period() = Range("2126-05-01", "2127-01-01");
  Refused<v1::WorksNotice>("WorksService/RescheduleWorksNotice", request, kPrecondition, "NOTHING_CHANGES");
  // Number 14 a month later; number 12 as it was; and the dwelling next door comes in.
  request.add_areas()->set_department("organisations/9001/departments/001");
  auto& later = *request.add_areas();
  later.set_department("organisations/9001/departments/001");
  later.set_stairwell("Remisevej 14");
  *later.mutable_period() = Range("2126-04-20", "2127-01-01");
  EXPECT_THAT(Refused<v1::WorksNotice>("WorksService/RescheduleWorksNotice", request, kInvalid, "BAD_REQUEST").fields,
              ElementsAre("areas[1].period"));
  *later.mutable_period() = Range("2126-06-01", "2127-01-01");
  request.add_areas()->set_department("organisations/9001/departments/002");
  auto const notice = Must<v1::WorksNotice>("WorksService/RescheduleWorksNotice", request);
  EXPECT_EQ(notice.replaces(), name);
  EXPECT_EQ(notice.state(), v1::WORKS_STATE_DELIVERING);
  EXPECT_EQ(notice.waiting_count(), 3);
  EXPECT_THAT(Households(notice.name()), ElementsAre("h1 TOLD 2126-03-01", "h2 WAITING", "h3 WAITING", "h4 WAITING"));
  v1::GetWorksNoticeRequest get;
  get.set_name(name);
  auto const former = Must<v1::WorksNotice>("WorksService/GetWorksNotice", get);
  EXPECT_EQ(former.state(), v1::WORKS_STATE_RESCHEDULED);
  EXPECT_EQ(former.replaced_by(), notice.name());
  // Number 14 is left out again: both heard of it, and are told.
  request.set_name(notice.name());
  request.set_works_notice_id("c");
  request.clear_areas();
  auto& only = *request.add_areas();
  only.set_department("organisations/9001/departments/001");
  only.set_dwelling("organisations/9001/dwellings/h1");
  auto const last = Must<v1::WorksNotice>("WorksService/RescheduleWorksNotice", request);
  EXPECT_THAT(Households(last.name()), ElementsAre("h1 TOLD 2126-03-01", "h2 WITHDRAWN_WAITING", "h3 WITHDRAWN_WAITING"));
  EXPECT_EQ(Record(Told(last.name(), "2126-03-10")).state(), v1::WORKS_STATE_DELIVERED);
  // The one that is left has other dates again. The others know that it is off for them.
  request.set_name(last.name());
  request.set_works_notice_id("d");
  *request.mutable_period() = Range("2126-05-02", "2127-01-01");
  auto const fourth = Must<v1::WorksNotice>("WorksService/RescheduleWorksNotice", request);
  EXPECT_EQ(fourth.waiting_count(), 1);
  EXPECT_THAT(Households(fourth.name()),
              ElementsAre("h1 WAITING", "h2 WITHDRAWN_TOLD 2126-03-10", "h3 WITHDRAWN_TOLD 2126-03-10"));
}

// Between the look at the notice and its change another call may approve it.
TEST_P(WorksTest, ANoticeThatIsApprovedMeanwhileIsNotDeliveredToNobody) {
  auto const name = Must<v1::WorksNotice>("WorksService/CreateWorksNotice", Notice("a", kMinor, "2126-04-12")).name();
  InterruptedDatabase interrupted(database());
  auto parts = instance().store().parts();
  parts.database = &interrupted;
  Store store(parts);
  WorksService works(store, HouseholdRegister(client::Peer()));
  interrupted.before_write = [&] { Advance(name, v1::WORKS_STEP_APPROVE); };
  helhed::testing::TestRandom random;
  CallContext const call(
      helhed::testing::CallParts("/helhed.communications.v1.WorksService/DeliverWorksNotice", clock(), random));
  EXPECT_THAT(works.DeliverWorksNotice(call, Delivering(name)), StatusIs(absl::StatusCode::kAborted, "CONFLICT"));
  EXPECT_EQ(Must<v1::WorksNotice>("WorksService/DeliverWorksNotice", Delivering(name)).waiting_count(), 3);
}

TEST_P(WorksTest, AChangeGivesThoseItConcernsTheirPeriodAnew) {
  auto const name = Begun("a", kMinor, "2126-05-01");
  Record(Told(name, "2126-03-01"));
  SetToday(4, 10);
  v1::RescheduleWorksNoticeRequest request;
  request.set_name(name);
  request.set_note("Stilladset er forsinket");
  *request.mutable_period() = Range("2126-05-08", "2127-01-01");
  auto const refusal =
      Refused<v1::WorksNotice>("WorksService/RescheduleWorksNotice", request, kPrecondition, "START_WITHIN_NOTICE_PERIOD");
  EXPECT_EQ(refusal.metadata.at("earliest_start_date"), "2126-05-22");
  *request.mutable_period() = Range("2126-05-22", "2127-01-01");
  EXPECT_EQ(Must<v1::WorksNotice>("WorksService/RescheduleWorksNotice", request).waiting_count(), 3);
}

TEST_P(WorksTest, ANoticeNeedsAProjectAndTheRightToTell) {
  auto request = Notice("a", kMinor, "2126-04-12");
  request.mutable_works_notice()->set_construction_project("plans/amager/constructionProjects/ukendt");
  Refused<v1::WorksNotice>("WorksService/CreateWorksNotice", request, kAbsent, "RESOURCE_NOT_FOUND");
  request.mutable_works_notice()->set_construction_project("plans/valby/constructionProjects/helhed");
  Refused<v1::WorksNotice>("WorksService/CreateWorksNotice", request, kInvalid, "BAD_REQUEST");
  EXPECT_THAT(Call<v1::WorksNotice>("WorksService/CreateWorksNotice", Notice("a", kMinor, "2126-04-12"),
                                    As("municipality", "plans/amager")),
              StatusCodeIs(kDenied));
  v1::CreateConstructionPhaseRequest phase;
  phase.set_parent("plans/amager/constructionProjects/helhed");
  phase.set_construction_phase_id("blok-1");
  phase.mutable_construction_phase()->set_display_name("Blok 1");
  *phase.mutable_construction_phase()->mutable_period() = Range("2126-01-01", "2129-01-01");
  EXPECT_THAT(Refused<v1::ConstructionPhase>("WorksService/CreateConstructionPhase", phase, kInvalid, "BAD_REQUEST").fields,
              ElementsAre("construction_phase.period"));
  *phase.mutable_construction_phase()->mutable_period() = Range("2126-01-01", "2127-01-01");
  request = Notice("a", kMinor, "2126-04-12");
  request.mutable_works_notice()->set_phase(Must<v1::ConstructionPhase>("WorksService/CreateConstructionPhase", phase).name());
  EXPECT_EQ(Must<v1::WorksNotice>("WorksService/CreateWorksNotice", request).phase(), phase.parent() + "/phases/blok-1");
}

// C1: what was enough when it was entered may be too late by the day on which somebody approves it.
TEST_P(WorksTest, AnApprovalCountsFromItsOwnDay) {
  auto const name = Must<v1::WorksNotice>("WorksService/CreateWorksNotice", Notice("a", kMinor, "2126-04-12")).name();
  SetToday(3, 2);
  auto const refusal = Refused<v1::WorksNotice>("WorksService/AdvanceWorksNotice", Stepping(name, v1::WORKS_STEP_APPROVE),
                                                kPrecondition, "START_WITHIN_NOTICE_PERIOD");
  EXPECT_EQ(refusal.metadata.at("earliest_start_date"), "2126-04-13");
  auto cancel = Stepping(name, v1::WORKS_STEP_CANCEL);
  cancel.clear_note();
  EXPECT_THAT(Refused<v1::WorksNotice>("WorksService/AdvanceWorksNotice", cancel, kInvalid, "BAD_REQUEST").fields,
              ElementsAre("note"));
}

// C1: what residents may decline is no notice of the law, and what came before the delivery began was about something else.
TEST_P(WorksTest, OnlyAStatutoryCampaignOfTheTimeTellsOfWorks) {
  auto const paper = [&](std::string const& id, bool statutory) {
    auto campaign = CampaignRequest(id);
    campaign.mutable_campaign()->set_statutory(statutory);
    campaign.mutable_campaign()->set_channel_choice(v1::CHANNEL_CHOICE_PAPER);
    auto const started = Started(campaign).name();
    v1::ConfirmPrintRunRequest confirm;
    confirm.set_name(Printed(started).name());
    confirm.set_distributor("Omdeleren");
    *confirm.mutable_deliver_time() = Instant("2126-03-01T08:00:00Z");
    Must<v1::PrintRun>("PrintRunService/ConfirmPrintRun", confirm);
    return started;
  };
  auto const early = paper("tidlig", true);
  auto const offer = paper("tilbud", false);
  SetToday(3, 2);
  auto const name = Begun("a", kMinor, "2126-05-01");
  v1::RecordWorksDeliveriesRequest request;
  request.set_name(name);
  request.set_campaign(offer);
  EXPECT_THAT(Refused<v1::WorksNotice>("WorksService/RecordWorksDeliveries", request, kInvalid, "BAD_REQUEST").fields,
              ElementsAre("campaign"));
  request.set_campaign(early);
  EXPECT_EQ(Record(request).waiting_count(), 3) << "it came the day before";
}

TEST_P(WorksTest, DeliveriesAreSaidInOneWayWhileTheNoticeIsDelivered) {
  auto const draft = Must<v1::WorksNotice>("WorksService/CreateWorksNotice", Notice("a", kMinor, "2126-05-01")).name();
  Refused<v1::WorksNotice>("WorksService/RecordWorksDeliveries", Told(draft, "2126-03-01"), kPrecondition, "WORKS_STATE");
  auto const name = Begun("b", kMinor, "2126-05-01");
  auto twice = Told(name, "2126-03-01", {"h1"});
  twice.set_all_waiting(true);
  EXPECT_THAT(Refused<v1::WorksNotice>("WorksService/RecordWorksDeliveries", twice, kInvalid, "BAD_REQUEST").fields,
              ElementsAre("households"));
  v1::RescheduleWorksNoticeRequest request;
  request.set_name(draft);
  request.set_note("Stilladset er forsinket");
  *request.mutable_period() = Range("2126-06-01", "2127-01-01");
  Refused<v1::WorksNotice>("WorksService/RescheduleWorksNotice", request, kPrecondition, "WORKS_STATE");
}

// The whole project is moved: what was said of a part of it holds no more.
TEST_P(WorksTest, WithoutAreasOfItsOwnAChangeMovesEverybody) {
  auto entered = Notice("a", kMinor, "2126-05-01");
  auto& part = *entered.mutable_works_notice()->add_areas();
  part.set_department("organisations/9001/departments/001");
  part.set_stairwell("Remisevej 14");
  *part.mutable_period() = Range("2126-06-01", "2126-07-01");
  auto const name = Must<v1::WorksNotice>("WorksService/CreateWorksNotice", entered).name();
  Advance(name, v1::WORKS_STEP_APPROVE);
  Must<v1::WorksNotice>("WorksService/DeliverWorksNotice", Delivering(name));
  Record(Told(name, "2126-03-01"));
  v1::RescheduleWorksNoticeRequest request;
  request.set_name(name);
  request.set_note("Stilladset er forsinket");
  *request.mutable_period() = Range("2126-08-01", "2127-01-01");
  auto const later = Must<v1::WorksNotice>("WorksService/RescheduleWorksNotice", request);
  EXPECT_EQ(later.waiting_count(), 3);
  EXPECT_FALSE(later.areas(1).has_period());
}

HELHED_BOTH_ENGINES(WorksTest);

}  // namespace
}  // namespace helhed::communications::testing
