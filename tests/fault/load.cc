#include "tests/fault/load.h"

#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <set>
#include <utility>

#include "helhed/activities/v1/activity_service.pb.h"
#include "helhed/activities/v1/events.pb.h"
#include "helhed/activities/v1/registration_service.pb.h"
#include "helhed/communications/v1/campaign_service.pb.h"
#include "helhed/communications/v1/events.pb.h"
#include "helhed/communications/v1/print_run_service.pb.h"
#include "helhed/communications/v1/template_service.pb.h"
#include "helhed/funding/v1/budget_service.pb.h"
#include "helhed/funding/v1/events.pb.h"
#include "helhed/funding/v1/ledger_service.pb.h"
#include "helhed/funding/v1/source_service.pb.h"
#include "helhed/residents/v1/events.pb.h"
#include "helhed/residents/v1/housing_register_service.pb.h"
#include "services/activities/testing/history.h"
#include "services/platform/base/civil.h"
#include "services/platform/base/status.h"
#include "services/platform/testing/matchers.h"

namespace helhed::testing {
namespace {

namespace av1 = activities::v1;
namespace cv1 = communications::v1;
namespace fv1 = funding::v1;
namespace rv1 = residents::v1;

constexpr absl::Duration kAttempt = absl::Seconds(4);
constexpr absl::Duration kPatience = absl::Minutes(4);
constexpr auto kPrecondition = absl::StatusCode::kFailedPrecondition;

// Whether an error is of the way and not of what was asked: what has no reason is gRPC's own word.
bool MayPass(absl::Status const& status) {
  switch (status.code()) {
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kCancelled:
    case absl::StatusCode::kResourceExhausted:
    case absl::StatusCode::kAborted:
      return true;
    default:
      return ReasonOf(status).empty();
  }
}

// The events about one kind of thing, in order.
template <typename Data>
std::vector<Data> Of(Feed const& feed) {
  std::vector<Data> all;
  for (auto const& event : feed) {
    Data data;
    if (event.data().UnpackTo(&data)) all.push_back(std::move(data));
  }
  return all;
}

// What several callers were answered.
class Answered {
 public:
  void Add(std::string name) {
    std::lock_guard const lock(mutex_);
    names_.push_back(std::move(name));
  }
  std::size_t size() const {
    std::lock_guard const lock(mutex_);
    return names_.size();
  }
  // All of them; each once, or the test fails.
  std::set<std::string> Once() const {
    std::lock_guard const lock(mutex_);
    std::set<std::string> once(names_.begin(), names_.end());
    EXPECT_EQ(once.size(), names_.size()) << "two calls were answered with the same thing";
    return once;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> names_;
};

void SetKroner(common::v1::Money& money, std::int64_t kroner) {
  money.set_currency_code("DKK");
  money.set_minor_units(kroner * 100);
}
google::type::Date Day(int year, int month, int day) { return ToProtoDate(absl::CivilDay(year, month, day)); }

// ---- payments

class PaymentsPart final : public Part {
 public:
  int callers() const override { return 2; }
  std::size_t answered() const override { return posted_.size(); }

  void Prepare(Caller& caller) override {
    fv1::CreateSourceRequest source;
    source.set_parent("plans/p");
    source.set_source_id("lbf");
    source.mutable_source()->set_display_name("Landsbyggefonden");
    source.mutable_source()->set_kind(fv1::SOURCE_KIND_FUND);
    SetKroner(*source.mutable_source()->mutable_amount(), 1'000'000);
    Must<fv1::Source>(caller, "SourceService/CreateSource", source);
    fv1::CreateBudgetRequest budget;
    budget.set_parent("plans/p");
    auto& line = *budget.mutable_budget()->add_lines();
    line.set_focus_area("beskaeftigelse");
    line.set_cost_kind("wages");
    line.set_source("plans/p/sources/lbf");
    line.set_year(2022);
    SetKroner(*line.mutable_amount(), 1'000'000);
    Must<fv1::Budget>(caller, "BudgetService/CreateBudget", budget);
    fv1::PledgeSourceRequest pledge;
    pledge.set_name("plans/p/sources/lbf");
    pledge.mutable_voucher()->set_reference("pledge");
    Must<fv1::Source>(caller, "SourceService/PledgeSource", pledge);
    fv1::ApproveSourceRequest approve;
    approve.set_name(pledge.name());
    approve.mutable_voucher()->set_reference("approval");
    Must<fv1::Source>(caller, "SourceService/ApproveSource", approve);
    fv1::CreateReleaseRequest release;
    release.set_parent(pledge.name());
    SetKroner(*release.mutable_release()->mutable_amount(), 1'000'000);
    *release.mutable_release()->mutable_release_date() = Day(2022, 3, 4);
    release.mutable_release()->mutable_voucher()->set_reference("release");
    fv1::ApproveReleaseRequest decide;
    decide.set_name(Must<fv1::Release>(caller, "SourceService/CreateRelease", release).name());
    Must<fv1::Release>(caller, "SourceService/ApproveRelease", decide, caller.bo());
  }

  // One krone after the other.
  void Run(Caller& caller, SeededRandom& /*random*/, std::atomic<bool> const& running) override {
    for (int i = 0; running; ++i) {
      fv1::CreateDisbursementRequest reserve;
      reserve.set_parent("plans/p");
      reserve.set_disbursement_id(absl::StrCat(caller.name(), "-", i));
      reserve.mutable_disbursement()->set_budget_line("plans/p/budgetLines/0001");
      SetKroner(*reserve.mutable_disbursement()->mutable_amount(), 1);
      *reserve.mutable_disbursement()->mutable_expense_date() = Day(2022, 3, 4);
      reserve.mutable_disbursement()->mutable_voucher()->set_reference("invoice");
      auto const reserved = caller.Insist<fv1::Disbursement>(Path("LedgerService/CreateDisbursement"), reserve);
      if (!reserved.ok()) return;
      reserved_.Add(reserved->name());
      fv1::PostDisbursementRequest post;
      post.set_name(reserved->name());
      if (!caller.Insist<fv1::Disbursement>(Path("LedgerService/PostDisbursement"), post, {}, caller.bo()).ok()) return;
      posted_.Add(post.name());
    }
  }

  void Check(Caller& caller, Feed const& feed) override {
    fv1::ListEntriesRequest list;
    list.set_parent("plans/p");
    auto const entries = caller.All<fv1::JournalEntry, fv1::ListEntriesResponse>(Path("LedgerService/ListEntries"), list);
    std::map<fv1::EntryKind, std::set<std::string>> journal;
    for (auto const& entry : entries) {
      if (entry.kind() != fv1::ENTRY_KIND_RESERVATION && entry.kind() != fv1::ENTRY_KIND_DISBURSEMENT) continue;
      EXPECT_TRUE(journal[entry.kind()].insert(entry.cause()).second) << "booked twice: " << entry.ShortDebugString();
    }
    EXPECT_EQ(journal[fv1::ENTRY_KIND_RESERVATION], reserved_.Once());
    EXPECT_EQ(journal[fv1::ENTRY_KIND_DISBURSEMENT], posted_.Once());
    CheckBooks(caller);
    // The feed tells of every entry, in the order of the journal.
    std::int64_t told = 0;
    for (auto const& booked : Of<fv1::EntriesBooked>(feed)) {
      EXPECT_EQ(booked.first_sequence(), told + 1);
      told = booked.last_sequence();
    }
    EXPECT_EQ(told, static_cast<std::int64_t>(entries.size()));
  }

 private:
  static std::string Path(std::string_view method) { return absl::StrCat("/helhed.funding.v1.", Av(method)); }
  template <typename Response, typename Request>
  static Response Must(Caller& caller, std::string_view method, Request const& request, std::string const& token = "") {
    return caller.Insist<Response>(Path(method), request, {}, token).value_or(Response());
  }

  void CheckBooks(Caller& caller) {
    fv1::GetAccountRequest spent;
    spent.set_name("plans/p/accounts/spent.0001");
    EXPECT_EQ(Must<fv1::Account>(caller, "LedgerService/GetAccount", spent).balance().minor_units(),
              static_cast<std::int64_t>(posted_.Once().size()) * 100);
    fv1::ListAccountsRequest list;
    list.set_parent("plans/p");
    std::int64_t sum = 0;
    for (auto const& account : caller.All<fv1::Account, fv1::ListAccountsResponse>(Path("LedgerService/ListAccounts"), list)) {
      sum += account.balance().minor_units();
    }
    EXPECT_EQ(sum, 0) << "the books do not balance";
    fv1::VerifyEntriesRequest verify;
    verify.set_parent("plans/p");
    auto const verified = Must<fv1::VerifyEntriesResponse>(caller, "LedgerService/VerifyEntries", verify);
    EXPECT_TRUE(verified.intact()) << verified.ShortDebugString();
  }

  Answered reserved_;
  Answered posted_;
};

// ---- seats

class SeatsPart final : public Part {
 public:
  int callers() const override { return 3; }
  std::size_t answered() const override { return entered_.size(); }

  void Prepare(Caller& caller) override {
    av1::CreateSubGoalRequest goal;
    goal.set_parent("plans/amager");
    goal.set_sub_goal_id("sprog");
    goal.mutable_sub_goal()->set_display_name("Sprog");
    goal.mutable_sub_goal()->set_focus_area("uddannelse");
    goal.mutable_sub_goal()->set_purpose("Sprog");
    EXPECT_THAT(caller.Insist<av1::SubGoal>(Path("ActivityService/CreateSubGoal"), goal), IsOk());
    av1::CreateActivityRequest create;
    create.set_parent("plans/amager");
    create.set_activity_id("a");
    create.mutable_activity()->set_display_name("Café");
    create.mutable_activity()->set_sub_goal("plans/amager/subGoals/sprog");
    create.mutable_activity()->set_activity_type("activityTypes/lektiehjaelp");
    create.mutable_activity()->set_responsible("anna");
    create.mutable_activity()->set_capacity(kCapacity);
    EXPECT_THAT(caller.Insist<av1::Activity>(Path("ActivityService/CreateActivity"), create), IsOk());
    for (auto const step : {av1::ACTIVITY_STEP_PLAN, av1::ACTIVITY_STEP_OPEN}) {
      av1::AdvanceActivityRequest advance;
      advance.set_name(kActivity);
      advance.set_step(step);
      EXPECT_THAT(caller.Insist<av1::Activity>(Path("ActivityService/AdvanceActivity"), advance), IsOk());
    }
  }

  void Run(Caller& caller, SeededRandom& random, std::atomic<bool> const& running) override {
    std::vector<std::string> mine;
    while (running) {
      if (mine.empty() || random.Between(0, 2) > 0) {
        av1::CreateRegistrationRequest request;
        request.set_parent(kActivity);
        request.mutable_registration();
        auto const entered = caller.Insist<av1::Registration>(Path("RegistrationService/CreateRegistration"), request);
        if (!entered.ok()) return;
        entered_.Add(entered->name());
        mine.push_back(entered->name());
      } else {
        av1::CancelRegistrationRequest request;
        request.set_name(mine.back());
        mine.pop_back();
        // An offer that nobody took in time may be over by itself.
        auto const cancelled =
            caller.Insist<av1::Registration>(Path("RegistrationService/CancelRegistration"), request, {kPrecondition});
        if (cancelled.ok()) cancelled_.Add(request.name());
      }
    }
  }

  void Check(Caller& caller, Feed const& feed) override {
    av1::ListRegistrationsRequest list;
    list.set_parent(kActivity);
    std::map<std::string, av1::RegistrationState> there;
    std::set<std::string> names;
    int seats = 0;
    for (auto const& registration :
         caller.All<av1::Registration, av1::ListRegistrationsResponse>(Path("RegistrationService/ListRegistrations"), list)) {
      there[registration.name()] = registration.state();
      names.insert(registration.name());
      seats += static_cast<int>(registration.state() == av1::REGISTRATION_STATE_CONFIRMED ||
                                registration.state() == av1::REGISTRATION_STATE_OFFERED);
    }
    EXPECT_LE(seats, kCapacity) << "oversold";
    EXPECT_EQ(names, entered_.Once());
    for (auto const& name : cancelled_.Once()) EXPECT_EQ(there[name], av1::REGISTRATION_STATE_CANCELLED) << name;
    // At no moment was there more than there are, and what the feed said last is what is there.
    EXPECT_THAT(activities::testing::CheckHistory(feed, kActivity, kCapacity), IsOk());
    std::map<std::string, av1::RegistrationState> told;
    for (auto const& change : Of<av1::RegistrationChanged>(feed)) told[change.registration()] = change.state();
    EXPECT_EQ(told, there);
  }

 private:
  static constexpr int kCapacity = 5;
  static constexpr char kActivity[] = "plans/amager/activities/a";
  static std::string Path(std::string_view method) { return absl::StrCat("/helhed.activities.v1.", Av(method)); }

  Answered entered_;
  Answered cancelled_;
};

// ---- households

constexpr char kOrganisation[] = "organisations/9001";

absl::Status EnterHousehold(Caller& caller, std::string const& id, std::string const& department) {
  constexpr char path[] = "/helhed.residents.v1.HousingRegisterService/";
  rv1::CreateDwellingRequest dwelling;
  dwelling.set_parent(kOrganisation);
  dwelling.set_dwelling_id(id);
  dwelling.mutable_dwelling()->set_department(absl::StrCat(kOrganisation, "/departments/", department));
  dwelling.mutable_dwelling()->set_address(absl::StrCat("Remisevej ", id, ", 2300 København S"));
  *dwelling.mutable_dwelling()->mutable_period()->mutable_start_date() = Day(2020, 1, 1);
  RETURN_IF_ERROR(caller.Insist<rv1::Dwelling>(absl::StrCat(path, "CreateDwelling"), dwelling).status());
  rv1::CreateHouseholdRequest household;
  household.set_parent(kOrganisation);
  household.set_household_id(id);
  household.mutable_household()->set_dwelling(absl::StrCat(kOrganisation, "/dwellings/", id));
  *household.mutable_household()->mutable_occupation()->mutable_start_date() = Day(2020, 1, 1);
  return caller.Insist<rv1::Household>(absl::StrCat(path, "CreateHousehold"), household).status();
}

void EnterDepartment(Caller& caller, std::string const& id) {
  rv1::CreateDepartmentRequest department;
  department.set_parent(kOrganisation);
  department.set_department_id(id);
  department.mutable_department()->set_display_name("Æblehaven");
  EXPECT_THAT(caller.Insist<rv1::Department>("/helhed.residents.v1.HousingRegisterService/CreateDepartment", department), IsOk());
}

class HouseholdsPart final : public Part {
 public:
  int callers() const override { return 2; }
  std::size_t answered() const override { return entered_.size(); }

  void Prepare(Caller& caller) override {
    rv1::CreateOrganisationRequest organisation;
    organisation.set_organisation_id("9001");
    organisation.mutable_organisation()->set_display_name("Boligforeningen 3B");
    EXPECT_THAT(caller.Insist<rv1::Organisation>("/helhed.residents.v1.HousingRegisterService/CreateOrganisation", organisation),
                IsOk());
    EnterDepartment(caller, "030");
  }

  void Run(Caller& caller, SeededRandom& /*random*/, std::atomic<bool> const& running) override {
    for (int i = 0; running; ++i) {
      auto const id = absl::StrCat(caller.name(), "-", i);
      if (!EnterHousehold(caller, id, "030").ok()) return;
      entered_.Add(id);
    }
  }

  void Check(Caller& caller, Feed const& feed) override {
    auto const entered = entered_.Once();
    rv1::ListHouseholdsRequest list;
    list.set_parent(kOrganisation);
    EXPECT_EQ(Ours(caller.All<rv1::Household, rv1::ListHouseholdsResponse>(
                  "/helhed.residents.v1.HousingRegisterService/ListHouseholds", list)),
              entered);
    rv1::ListDwellingsRequest dwellings;
    dwellings.set_parent(kOrganisation);
    EXPECT_EQ(Ours(caller.All<rv1::Dwelling, rv1::ListDwellingsResponse>(
                  "/helhed.residents.v1.HousingRegisterService/ListDwellings", dwellings)),
              entered);
    std::vector<rv1::Household> told;
    for (auto& change : Of<rv1::HouseholdChanged>(feed)) told.push_back(std::move(*change.mutable_household()));
    EXPECT_EQ(Ours(told), entered);
    std::vector<rv1::Dwelling> told_dwellings;
    for (auto const& change : Of<rv1::DwellingsCreated>(feed)) {
      told_dwellings.insert(told_dwellings.end(), change.dwellings().begin(), change.dwellings().end());
    }
    EXPECT_EQ(Ours(told_dwellings), entered);
  }

 private:
  // The ids of those that the callers of this part made; each once, or the test fails.
  template <typename Item>
  static std::set<std::string> Ours(std::vector<Item> const& items) {
    std::set<std::string> ids;
    for (auto const& item : items) {
      auto id = item.name().substr(item.name().rfind('/') + 1);
      if (!id.starts_with("households")) continue;
      EXPECT_TRUE(ids.insert(id).second) << "twice: " << id;
    }
    return ids;
  }

  Answered entered_;
};

// ---- letters

class LettersPart final : public Part {
 public:
  int callers() const override { return 2; }
  std::size_t answered() const override { return started_.size(); }

  void Prepare(Caller& caller) override {
    EnterDepartment(caller, "022");
    for (int i = 0; i < kHouseholds; ++i) EXPECT_THAT(EnterHousehold(caller, absl::StrCat("told-", i), "022"), IsOk());
    cv1::CreateTemplateRequest letter;
    letter.set_parent("plans/amager");
    letter.set_template_id("brev");
    letter.mutable_template_()->set_display_name("Et brev");
    EXPECT_THAT(caller.Insist<cv1::Template>(Path("TemplateService/CreateTemplate"), letter), IsOk());
    cv1::CreateTemplateVersionRequest version;
    version.set_parent("plans/amager/templates/brev");
    auto& text = *version.mutable_template_version()->add_texts();
    text.set_language("da");
    text.set_subject("Vandet lukkes");
    text.set_body("Det sker på fredag.");
    EXPECT_THAT(caller.Insist<cv1::TemplateVersion>(Path("TemplateService/CreateTemplateVersion"), version), IsOk());
  }

  // Every campaign is begun by both at once, and printed by both.
  void Run(Caller& caller, SeededRandom& /*random*/, std::atomic<bool> const& running) override {
    for (int i = 0; running; ++i) {
      auto const id = absl::StrCat("c", i);
      auto const name = "plans/amager/campaigns/" + id;
      auto const created =
          caller.Insist<cv1::Campaign>(Path("CampaignService/CreateCampaign"), Campaign(id), {absl::StatusCode::kAlreadyExists});
      if (created.ok()) created_.Add(name);
      cv1::StartCampaignRequest start;
      start.set_name(name);
      auto const started = caller.Insist<cv1::Campaign>(Path("CampaignService/StartCampaign"), start, {kPrecondition});
      if (started.ok()) started_.Add(name);
      cv1::CreatePrintRunRequest print;
      print.set_parent(name);
      print.set_print_run_id(caller.name());
      print.mutable_print_run();
      auto const printed = caller.Insist<cv1::PrintRun>(Path("PrintRunService/CreatePrintRun"), print, {kPrecondition});
      if (printed.ok()) printed_.Add(printed->name());
    }
  }

  void Check(Caller& caller, Feed const& feed) override {
    auto const created = created_.Once();
    EXPECT_EQ(started_.Once(), created) << "a campaign is begun by one of two, and by one alone";
    std::map<std::string, cv1::CampaignState> told;
    for (auto const& change : Of<cv1::CampaignChanged>(feed)) told[change.campaign()] = change.state();
    std::set<std::string> printed;
    for (auto const& name : created) {
      cv1::GetCampaignRequest get;
      get.set_name(name);
      auto const campaign = caller.Insist<cv1::Campaign>(Path("CampaignService/GetCampaign"), get);
      ASSERT_THAT(campaign, IsOk());
      EXPECT_EQ(told[name], campaign->state()) << name;
      CheckLedger(caller, name);
      CheckPrinted(caller, name, printed);
    }
    for (auto const& name : printed_.Once()) EXPECT_TRUE(printed.contains(name)) << name << " was answered and is lost";
  }

 private:
  static constexpr int kHouseholds = 12;
  static std::string Path(std::string_view method) { return absl::StrCat("/helhed.communications.v1.", Av(method)); }

  static cv1::CreateCampaignRequest Campaign(std::string const& id) {
    cv1::CreateCampaignRequest request;
    request.set_parent("plans/amager");
    request.set_campaign_id(id);
    auto& campaign = *request.mutable_campaign();
    campaign.set_display_name("Vandet");
    campaign.set_kind(cv1::MESSAGE_KIND_CONSTRUCTION);
    campaign.add_languages("da");
    campaign.set_template_version("plans/amager/templates/brev/versions/1");
    campaign.add_audience()->set_department(absl::StrCat(kOrganisation, "/departments/022"));
    return request;
  }

  // Every household once, and one letter to each.
  static void CheckLedger(Caller& caller, std::string const& name) {
    cv1::VerifyCampaignRequest verify;
    verify.set_name(name);
    auto const proof = caller.Insist<cv1::CampaignProof>(Path("CampaignService/VerifyCampaign"), verify);
    ASSERT_THAT(proof, IsOk());
    EXPECT_EQ(proof->household_count(), kHouseholds) << name;
    EXPECT_EQ(proof->recipient_count(), kHouseholds) << name;
    EXPECT_TRUE(proof->audience_unchanged() && proof->counts_agree()) << proof->ShortDebugString();
    EXPECT_EQ(proof->without_delivery_count(), 0) << name;
    cv1::ListRecipientsRequest recipients;
    recipients.set_parent(name);
    std::set<std::string> households;
    for (auto const& recipient :
         caller.All<cv1::Recipient, cv1::ListRecipientsResponse>(Path("CampaignService/ListRecipients"), recipients)) {
      EXPECT_TRUE(households.insert(recipient.household()).second) << "told twice: " << recipient.household();
    }
    EXPECT_EQ(households.size(), static_cast<std::size_t>(kHouseholds));
    cv1::ListDeliveriesRequest deliveries;
    deliveries.set_parent(name);
    EXPECT_EQ((caller.All<cv1::Delivery, cv1::ListDeliveriesResponse>(Path("CampaignService/ListDeliveries"), deliveries).size()),
              static_cast<std::size_t>(kHouseholds));
  }

  static void CheckPrinted(Caller& caller, std::string const& name, std::set<std::string>& printed) {
    cv1::ListPrintRunsRequest list;
    list.set_parent(name);
    std::int64_t letters = 0;
    for (auto const& run : caller.All<cv1::PrintRun, cv1::ListPrintRunsResponse>(Path("PrintRunService/ListPrintRuns"), list)) {
      letters += run.letter_count();
      printed.insert(run.name());
    }
    EXPECT_EQ(letters, kHouseholds) << name;
  }

  Answered created_;
  Answered started_;
  Answered printed_;
};

}  // namespace

Caller::Caller(Door door, std::string name)
    : door_(std::move(door)),
      name_(std::move(name)),
      channel_(client::ConnectGrpc({.target = door_.address, .ca_file = door_.ca_file, .certificate_file = "", .key_file = ""})) {
}

std::string Caller::NextRequestId() { return UuidOf(absl::StrCat(name_, " ", requests_++)); }

absl::Status Caller::InsistErased(std::string_view path, google::protobuf::Message const& request,
                                  google::protobuf::Message& response, std::initializer_list<absl::StatusCode> also,
                                  std::string const& token) const {
  auto const* const method = contract::FindMethod(path);
  if (method == nullptr) {
    ADD_FAILURE() << path;
    return absl::UnimplementedError(Av(path));
  }
  auto const bytes = request.SerializeAsString();
  for (auto const until = absl::Now() + kPatience;;) {
    client::CallOptions options;
    options.deadline = absl::Now() + kAttempt;
    options.bearer_token = token.empty() ? door_.anna : token;
    auto const answer = channel_->Call(*method, bytes, options);
    if (answer.ok()) {
      EXPECT_TRUE(response.ParseFromString(*answer)) << path;
      return absl::OkStatus();
    }
    if (std::find(also.begin(), also.end(), answer.status().code()) != also.end()) return answer.status();
    if (!MayPass(answer.status()) || absl::Now() > until) {
      ADD_FAILURE() << name_ << " " << path << " " << request.ShortDebugString() << ": " << answer.status();
      return answer.status();
    }
    absl::SleepFor(absl::Milliseconds(20));
  }
}

std::unique_ptr<Part> Payments() { return std::make_unique<PaymentsPart>(); }
std::unique_ptr<Part> Seats() { return std::make_unique<SeatsPart>(); }
std::unique_ptr<Part> Households() { return std::make_unique<HouseholdsPart>(); }
std::unique_ptr<Part> Letters() { return std::make_unique<LettersPart>(); }

}  // namespace helhed::testing
