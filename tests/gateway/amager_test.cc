#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>
#include <gmock/gmock.h>
#include <google/protobuf/dynamic_message.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <fstream>
#include <map>
#include <numeric>
#include <vector>

#include "helhed/funding/v1/agreement_service.pb.h"
#include "helhed/funding/v1/budget_service.pb.h"
#include "helhed/funding/v1/coverage_service.pb.h"
#include "helhed/funding/v1/decision_service.pb.h"
#include "helhed/funding/v1/ledger_service.pb.h"
#include "helhed/funding/v1/plan_service.pb.h"
#include "helhed/funding/v1/report_service.pb.h"
#include "helhed/funding/v1/source_service.pb.h"
#include "helhed/residents/v1/consent_service.pb.h"
#include "helhed/residents/v1/housing_register_service.pb.h"
#include "helhed/residents/v1/people_service.pb.h"
#include "services/platform/base/civil.h"
#include "services/platform/contract/contract.h"
#include "tests/gateway/house.h"

// Two plans on Amager become one of 31 million kroner, entered, voted on, approved, released, split, paid and reported through
// the gateway, each party signed in as itself. The totals are those of the real plan; names and sizes of departments are made up
// so that they sum to the real 4,135 dwellings of 19 departments.
namespace helhed {
namespace {

namespace fv1 = funding::v1;
namespace rv1 = residents::v1;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;

constexpr char kPlan[] = "plans/amagerplanen";
constexpr std::int64_t kKroner = 100;

struct Department {
  char const* organisation;
  char const* id;
  char const* name;
  int dwellings;
};
constexpr Department kDepartments[] = {{"9001", "001", "Remisevænget Nord", 412},
                                       {"9001", "002", "Remisevænget Øst", 538},
                                       {"9001", "003", "Remisevænget Vest", 467},
                                       {"9001", "004", "Hørgården Øst", 301},
                                       {"9001", "005", "Hørgården Vest", 289},
                                       {"9001", "006", "Dyvekevænget", 322},
                                       {"9001", "007", "Solvang", 171},
                                       {"9002", "011", "Sundholmskvarteret Syd", 216},
                                       {"9002", "012", "Sundholmskvarteret Nord", 143},
                                       {"9002", "013", "Holmbladsgade Øst", 188},
                                       {"9002", "014", "Holmbladsgade Vest", 97},
                                       {"9003", "021", "Amagerbro Nord", 254},
                                       {"9003", "022", "Amagerbro Syd", 131},
                                       {"9003", "023", "Amagerbro Øst", 66},
                                       {"9004", "031", "Englandsvej", 118},
                                       {"9004", "032", "Øresundsvej", 152},
                                       {"9005", "041", "Ved Amagerbanen", 109},
                                       {"9005", "042", "Prags Boulevard", 98},
                                       {"9005", "043", "Lergravsvej", 63}};
constexpr char const* kOrganisations[][2] = {
    {"9001", "Boligforeningen 3B"}, {"9002", "Boligforeningen VIBO"}, {"9003", "fsb"}, {"9004", "HAB"}, {"9005", "DFB"}};
constexpr char const* kFocusAreas[] = {"uddannelse-livschancer", "beskaeftigelse", "kriminalitetsforebyggelse",
                                       "sammenhaengskraft-medborgerskab"};

struct Payer {
  char const* id;
  char const* name;
  fv1::SourceKind kind;
  // What is paid in each of the plan's four years, in kroner.
  std::int64_t years[4];
  std::int64_t total() const { return std::accumulate(std::begin(years), std::end(years), std::int64_t{0}); }
};
constexpr Payer kPayers[] = {
    {"lbf", "Landsbyggefonden", fv1::SOURCE_KIND_FUND, {4'750'000, 4'750'000, 4'750'000, 4'750'000}},
    {"kommune", "Københavns Kommune", fv1::SOURCE_KIND_MUNICIPALITY, {1'125'000, 1'125'000, 1'125'000, 1'125'000}},
    {"bolig", "Afdelinger og organisationer", fv1::SOURCE_KIND_ORGANISATION, {1'125'000, 1'125'000, 1'125'000, 1'125'000}},
    {"fonde", "Eksterne", fv1::SOURCE_KIND_EXTERNAL, {1'500'000, 750'000, 500'000, 250'000}}};

google::type::Date Date(int year, int month, int day) { return ToProtoDate(absl::CivilDay(year, month, day)); }

common::v1::DateRange Range(google::type::Date const& start, google::type::Date const& end = {}) {
  common::v1::DateRange range;
  *range.mutable_start_date() = start;
  if (end.year() != 0) *range.mutable_end_date() = end;
  return range;
}

common::v1::Money Dkk(std::int64_t ore) {
  common::v1::Money money;
  money.set_currency_code("DKK");
  money.set_minor_units(ore);
  return money;
}

fv1::Evidence Proof() {
  fv1::Evidence evidence;
  evidence.set_sha256(std::string(64, 'a'));
  evidence.set_reference("2021-17/4");
  return evidence;
}

fv1::Voucher Voucher(std::string const& reference) {
  fv1::Voucher voucher;
  voucher.set_reference(reference);
  voucher.set_sha256(std::string(64, 'b'));
  return voucher;
}

class AmagerTest : public ::testing::Test {
 protected:
  AmagerTest() : house_({"residents", "funding"}) {
    grpc::SslCredentialsOptions tls;
    tls.pem_root_certs = testing::ReadWhole(house_.ca_file());
    channel_ = grpc::CreateChannel(absl::StrCat("localhost:", house_.port()), grpc::SslCredentials(tls));
    operator_ = house_.DemonstrationToken({"operator"}, "drift");
    leader_ = house_.DemonstrationToken({absl::StrCat("plan-leader@", kPlan)}, "anna");
    second_ = house_.DemonstrationToken({absl::StrCat("plan-leader@", kPlan)}, "bo");
    fund_ = house_.DemonstrationToken({absl::StrCat("fund@", kPlan)}, "lbf");
    fund_release_ = house_.DemonstrationToken({absl::StrCat("fund@", kPlan)}, "lbf-2");
    municipality_ = house_.DemonstrationToken({absl::StrCat("municipality@", kPlan)}, "kk");
  }
  void TearDown() override {
    if (HasFailure()) std::cerr << house_.Logs();
  }

  // A method as `funding.v1.PlanService/GetPlan`, with the token of whoever asks.
  grpc::Status Call(std::string const& method, google::protobuf::Message const& request, std::string const& token,
                    google::protobuf::Message& response) {
    grpc::GenericStub stub(channel_);
    grpc::ClientContext context;
    context.AddMetadata("authorization", "Bearer " + token);
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
    auto const bytes = request.SerializeAsString();
    grpc::Slice const slice(bytes.data(), bytes.size());
    grpc::CompletionQueue queue;
    auto const call = stub.PrepareUnaryCall(&context, "/helhed." + method, grpc::ByteBuffer(&slice, 1), &queue);
    grpc::ByteBuffer answer;
    grpc::Status status;
    call->StartCall();
    call->Finish(&answer, &status, nullptr);
    void* tag = nullptr;
    bool ok = false;
    queue.Next(&tag, &ok);
    if (!status.ok()) return status;
    grpc::Slice whole;
    if (!answer.TrySingleSlice(&whole).ok()) answer.DumpToSingleSlice(&whole);
    EXPECT_TRUE(response.ParseFromArray(whole.begin(), static_cast<int>(whole.size()))) << method;
    return status;
  }
  template <typename Response>
  Response Must(std::string const& method, google::protobuf::Message const& request, std::string const& token) {
    Response response;
    auto const status = Call(method, request, token, response);
    EXPECT_TRUE(status.ok()) << method << ": " << status.error_code() << " " << status.error_message() << "\n"
                             << request.ShortDebugString().substr(0, 300);
    return response;
  }
  std::string Refusal(std::string const& method, google::protobuf::Message const& request, std::string const& token) {
    fv1::Plan ignored;
    auto const status = Call(method, request, token, ignored);
    EXPECT_FALSE(status.ok()) << method;
    return absl::StrCat(status.error_code(), " ", status.error_message(), " ", status.error_details());
  }

  // The register: 19 departments with 4,135 dwellings. In each, three households may vote on the day of any meeting, with six
  // votes between them, whatever their size.
  void EnterTheRegister() {
    rv1::CreatePurposeRequest purpose;
    purpose.set_purpose_id("register");
    purpose.mutable_purpose()->set_display_name("Beboerregister");
    purpose.mutable_purpose()->set_legal_basis(rv1::LEGAL_BASIS_PUBLIC_TASK);
    purpose.mutable_purpose()->set_fields("given_name,family_name,birth_date");
    *purpose.mutable_purpose()->mutable_period() = Range(Date(2015, 1, 1));
    Must<rv1::Purpose>("residents.v1.ConsentService/CreatePurpose", purpose, operator_);
    for (auto const& [id, name] : kOrganisations) {
      rv1::CreateOrganisationRequest organisation;
      organisation.set_organisation_id(id);
      organisation.mutable_organisation()->set_display_name(name);
      Must<rv1::Organisation>("residents.v1.HousingRegisterService/CreateOrganisation", organisation, operator_);
    }
    for (auto const& department : kDepartments) EnterDepartment(department);
  }

  void EnterDepartment(Department const& department) {
    std::string const parent = absl::StrCat("organisations/", department.organisation);
    rv1::CreateDepartmentRequest create;
    create.set_parent(parent);
    create.set_department_id(department.id);
    create.mutable_department()->set_display_name(department.name);
    Must<rv1::Department>("residents.v1.HousingRegisterService/CreateDepartment", create, operator_);
    rv1::BatchCreateDwellingsRequest batch;
    batch.set_parent(parent);
    for (int i = 0; i < department.dwellings; ++i) {
      auto& one = *batch.add_requests();
      one.set_parent(parent);
      one.set_dwelling_id(absl::StrCat(department.id, "-", i));
      one.mutable_dwelling()->set_department(absl::StrCat(parent, "/departments/", department.id));
      one.mutable_dwelling()->set_address(absl::StrCat(department.name, " ", i, ", 2300 København S"));
      *one.mutable_dwelling()->mutable_period() = Range(Date(2015, 1, 1));
    }
    Must<rv1::BatchCreateDwellingsResponse>("residents.v1.HousingRegisterService/BatchCreateDwellings", batch, operator_);
    for (int i = 0; i < 3; ++i) {
      std::string const household = absl::StrCat(department.id, "-", i);
      rv1::CreateHouseholdRequest enter;
      enter.set_parent(parent);
      enter.set_household_id(household);
      enter.mutable_household()->set_dwelling(absl::StrCat(parent, "/dwellings/", household));
      *enter.mutable_household()->mutable_occupation() = Range(Date(2015, 1, 1));
      Must<rv1::Household>("residents.v1.HousingRegisterService/CreateHousehold", enter, operator_);
      for (int adult = 0; adult < (i == 2 ? 1 : 2); ++adult) EnterAdult(parent, household);
    }
  }

  void EnterAdult(std::string const& organisation, std::string const& household) {
    rv1::CreateResidentRequest enter;
    enter.set_purpose("purposes/register");
    enter.mutable_resident()->set_given_name("Beboer");
    enter.mutable_resident()->set_family_name("Testesen");
    *enter.mutable_resident()->mutable_birth_date() = Date(1980, 1, 1);
    enter.mutable_resident()->mutable_responsibility()->set_controller(organisation);
    enter.mutable_membership()->set_household(absl::StrCat(organisation, "/households/", household));
    enter.mutable_membership()->set_kind(rv1::MEMBERSHIP_KIND_REGISTERED);
    *enter.mutable_membership()->mutable_period() = Range(Date(2015, 1, 1));
    Must<rv1::Resident>("residents.v1.PeopleService/CreateResident", enter, operator_);
  }

  // The plan with its departments and agreements.
  void EnterThePlan() {
    fv1::CreatePlanRequest create;
    create.set_plan_id("amagerplanen");
    auto& plan = *create.mutable_plan();
    plan.set_display_name("Amagerplanen");
    plan.set_regulation("regulations/2019-26");
    *plan.mutable_period() = Range(Date(2022, 1, 1), Date(2026, 1, 1));
    plan.set_municipality_code("0101");
    *plan.mutable_budget_total() = Dkk(31'000'000 * kKroner);
    for (auto const* area : kFocusAreas) plan.add_focus_areas(area);
    Must<fv1::Plan>("funding.v1.PlanService/CreatePlan", create, operator_);
    int dwellings = 0;
    for (auto const& department : kDepartments) {
      fv1::CreateCoveredDepartmentRequest cover;
      cover.set_parent(kPlan);
      cover.mutable_covered_department()->set_department(DepartmentName(department));
      cover.mutable_covered_department()->set_dwelling_count(department.dwellings);
      Must<fv1::CoveredDepartment>("funding.v1.CoverageService/CreateCoveredDepartment", cover, leader_);
      dwellings += department.dwellings;
    }
    ASSERT_EQ(dwellings, 4135);
    Agree("strategic");
    for (auto const* area : kFocusAreas) Agree(area);
  }

  static std::string DepartmentName(Department const& department) {
    return absl::StrCat("organisations/", department.organisation, "/departments/", department.id);
  }

  void Agree(std::string const& id) {
    fv1::CreateAgreementRequest agreement;
    agreement.set_parent(kPlan);
    agreement.set_agreement_id(id);
    agreement.mutable_agreement()->set_display_name("Aftale");
    Must<fv1::Agreement>("funding.v1.AgreementService/CreateAgreement", agreement, leader_);
    fv1::CreateAgreementVersionRequest version;
    version.set_parent(absl::StrCat(kPlan, "/agreements/", id));
    *version.mutable_agreement_version()->mutable_valid_from_date() = Date(2022, 1, 1);
    version.mutable_agreement_version()->set_goals("Flere i uddannelse og arbejde.");
    *version.mutable_agreement_version()->mutable_document() = Proof();
    Must<fv1::AgreementVersion>("funding.v1.AgreementService/CreateAgreementVersion", version, leader_);
  }

  template <typename Request>
  fv1::Plan Step(std::string const& method, google::type::Date const& date, std::string const& token) {
    Request request;
    request.set_name(kPlan);
    *request.mutable_effective_date() = date;
    return Must<fv1::Plan>("funding.v1.PlanService/" + method, request, token);
  }

  static fv1::CreateApprovalRequest ApprovalRequest(fv1::Party party, fv1::ApprovalStage stage, google::type::Date const& date,
                                                    std::string const& organisation = "") {
    fv1::CreateApprovalRequest request;
    request.set_parent(kPlan);
    auto& approval = *request.mutable_approval();
    approval.set_party(party);
    approval.set_stage(stage);
    if (!organisation.empty()) approval.set_organisation("organisations/" + organisation);
    approval.set_outcome(fv1::APPROVAL_OUTCOME_APPROVED);
    *approval.mutable_decide_date() = date;
    *approval.mutable_evidence() = Proof();
    return request;
  }
  void Approve(fv1::CreateApprovalRequest const& request, std::string const& token) {
    Must<fv1::Approval>("funding.v1.DecisionService/CreateApproval", request, token);
  }

  void Prequalify() {
    Step<fv1::DraftPrequalificationRequest>("DraftPrequalification", Date(2020, 6, 1), leader_);
    Approve(ApprovalRequest(fv1::PARTY_MUNICIPALITY, fv1::APPROVAL_STAGE_PRELIMINARY, Date(2020, 9, 1)), municipality_);
    Step<fv1::SubmitPrequalificationRequest>("SubmitPrequalification", Date(2020, 10, 1), leader_);
    Approve(ApprovalRequest(fv1::PARTY_FUND, fv1::APPROVAL_STAGE_PRELIMINARY, Date(2021, 1, 15)), fund_);
    Step<fv1::PrequalifyPlanRequest>("PrequalifyPlan", Date(2021, 1, 15), fund_);
    Step<fv1::DraftPlanRequest>("DraftPlan", Date(2021, 2, 1), leader_);
    Step<fv1::OpenLocalDecisionRequest>("OpenLocalDecision", Date(2021, 8, 1), leader_);
  }

  // A department's meeting in autumn 2021, on paper slips.
  fv1::Decision Meet(Department const& department, int yes, int no) {
    std::string const covered = absl::StrCat(department.organisation, "-", department.id);
    fv1::CreateDecisionRequest create;
    create.set_parent(kPlan);
    create.set_decision_id("d-" + covered);
    create.mutable_decision()->set_covered_department(absl::StrCat(kPlan, "/coveredDepartments/", covered));
    create.mutable_decision()->set_question("Skal afdelingen være med i planen?");
    auto const name = Must<fv1::Decision>("funding.v1.DecisionService/CreateDecision", create, leader_).name();
    fv1::CallMeetingRequest call;
    call.set_name(name);
    call.set_meeting_kind(fv1::MEETING_KIND_ORDINARY);
    *call.mutable_call_date() = Date(2021, 9, 1);
    *call.mutable_meeting_date() = Date(2021, 10, 5);
    call.set_agenda("Boligsocial helhedsplan 2022-2025");
    Must<fv1::Decision>("funding.v1.DecisionService/CallMeeting", call, leader_);
    fv1::SendMaterialRequest send;
    send.set_name(name);
    *send.mutable_material_date() = Date(2021, 9, 15);
    *send.mutable_material() = Proof();
    Must<fv1::Decision>("funding.v1.DecisionService/SendMaterial", send, leader_);
    fv1::HoldMeetingRequest hold;
    hold.set_name(name);
    hold.set_attending_voter_count(5);
    *hold.mutable_minutes() = Proof();
    Must<fv1::Decision>("funding.v1.DecisionService/HoldMeeting", hold, leader_);
    fv1::RegisterTurnoutRequest turnout;
    turnout.set_name(name);
    turnout.set_channel(fv1::VOTE_CHANNEL_PAPER);
    for (int i = 0; i < 3; ++i) {
      auto& household = *turnout.add_households();
      household.set_household(absl::StrCat("organisations/", department.organisation, "/households/", department.id, "-", i));
      household.set_vote_count(i == 2 ? 1 : 2);
    }
    Must<fv1::Decision>("funding.v1.DecisionService/RegisterTurnout", turnout, leader_);
    fv1::CountVotesRequest count;
    count.set_name(name);
    count.mutable_paper_tally()->set_yes_count(yes);
    count.mutable_paper_tally()->set_no_count(no);
    return Must<fv1::Decision>("funding.v1.DecisionService/CountVotes", count, leader_);
  }

  // Every department decides; one says no, and its organisation's supreme body decides without it (almenboligloven § 37, 4).
  void VoteInAutumn() {
    for (auto const& department : kDepartments) {
      bool const refuses = std::string_view(department.id) == "022";
      auto const decision = refuses ? Meet(department, 2, 3) : Meet(department, 4, 1);
      EXPECT_EQ(decision.eligible_vote_count(), 6) << "two of each household, as the register says";
      EXPECT_EQ(decision.eligible_household_count(), 3);
      EXPECT_EQ(decision.state(), refuses ? fv1::DECISION_STATE_REJECTED : fv1::DECISION_STATE_ADOPTED);
    }
    fv1::SubmitPlanRequest submit;
    submit.set_name(kPlan);
    *submit.mutable_effective_date() = Date(2021, 11, 25);
    EXPECT_THAT(Refusal("funding.v1.PlanService/SubmitPlan", submit, leader_),
                AllOf(HasSubstr("PLAN_NOT_READY"), HasSubstr("9003-022")));
    fv1::OverrideDecisionRequest override_no;
    override_no.set_name(absl::StrCat(kPlan, "/decisions/d-9003-022"));
    auto& act = *override_no.mutable_department_override();
    act.set_legal_ground(fv1::LEGAL_GROUND_ALMENBOLIGLOVEN_37_4);
    act.set_reason("Planen dækker hele kvarteret.");
    *act.mutable_decide_date() = Date(2021, 11, 1);
    *act.mutable_evidence() = Proof();
    EXPECT_EQ(Must<fv1::Decision>("funding.v1.DecisionService/OverrideDecision", override_no, leader_).state(),
              fv1::DECISION_STATE_OVERRIDDEN);
  }

  void PledgeAndBudget() {
    fv1::CreateBudgetRequest budget;
    budget.set_parent(kPlan);
    for (auto const& payer : kPayers) {
      fv1::CreateSourceRequest source;
      source.set_parent(kPlan);
      source.set_source_id(payer.id);
      source.mutable_source()->set_display_name(payer.name);
      source.mutable_source()->set_kind(payer.kind);
      *source.mutable_source()->mutable_amount() = Dkk(payer.total() * kKroner);
      auto const name = Must<fv1::Source>("funding.v1.SourceService/CreateSource", source, leader_).name();
      for (int year = 0; year < 4; ++year) {
        for (auto const* area : kFocusAreas) {
          auto& line = *budget.mutable_budget()->add_lines();
          line.set_focus_area(area);
          line.set_cost_kind("wages");
          line.set_source(name);
          line.set_year(2022 + year);
          *line.mutable_amount() = Dkk(payer.years[year] * kKroner / 4);
        }
      }
    }
    Must<fv1::Budget>("funding.v1.BudgetService/CreateBudget", budget, leader_);
    for (auto const& payer : kPayers) {
      fv1::PledgeSourceRequest pledge;
      pledge.set_name(SourceName(payer));
      *pledge.mutable_voucher() = Voucher("tilsagn");
      Must<fv1::Source>("funding.v1.SourceService/PledgeSource", pledge, leader_);
    }
  }
  static std::string SourceName(Payer const& payer) { return absl::StrCat(kPlan, "/sources/", payer.id); }

  std::string OrganisationToken(std::string const& organisation) {
    return house_.DemonstrationToken(
        {absl::StrCat("housing-organisation@", kPlan), absl::StrCat("housing-organisation@organisations/", organisation)},
        "org-" + organisation);
  }

  void ApproveForGood() {
    for (auto const& [id, _] : kOrganisations) {
      Approve(ApprovalRequest(fv1::PARTY_ORGANISATION, fv1::APPROVAL_STAGE_FINAL, Date(2021, 11, 5), id), OrganisationToken(id));
    }
    // Nobody approves for another party.
    auto const of_municipality = ApprovalRequest(fv1::PARTY_MUNICIPALITY, fv1::APPROVAL_STAGE_FINAL, Date(2021, 11, 11));
    EXPECT_THAT(Refusal("funding.v1.DecisionService/CreateApproval", of_municipality, fund_), HasSubstr("NOT_OF_PARTY"));
    Approve(of_municipality, municipality_);
    fv1::PublishOverviewRequest overview;
    overview.set_name(kPlan);
    *overview.mutable_effective_date() = Date(2021, 11, 20);
    *overview.mutable_evidence() = Proof();
    Must<fv1::Plan>("funding.v1.PlanService/PublishOverview", overview, leader_);
    Step<fv1::SubmitPlanRequest>("SubmitPlan", Date(2021, 11, 25), leader_);
    Approve(ApprovalRequest(fv1::PARTY_FUND, fv1::APPROVAL_STAGE_FINAL, Date(2021, 12, 10)), fund_);
    EXPECT_EQ(Step<fv1::ApprovePlanRequest>("ApprovePlan", Date(2021, 12, 10), fund_).state(), fv1::PLAN_STATE_APPROVED);
    fv1::WhatIsMissingRequest missing;
    missing.set_name(kPlan);
    EXPECT_TRUE(Must<fv1::WhatIsMissingResponse>("funding.v1.PlanService/WhatIsMissing", missing, leader_).may_start());
    EXPECT_EQ(Step<fv1::StartPlanRequest>("StartPlan", Date(2022, 1, 1), leader_).state(), fv1::PLAN_STATE_ACTIVE);
  }

  // Approved is not released: each source is approved, warned about, and released by two.
  void Release() {
    for (auto const& payer : kPayers) {
      fv1::ApproveSourceRequest approve;
      approve.set_name(SourceName(payer));
      *approve.mutable_voucher() = Voucher("bevilling");
      *approve.mutable_act_date() = Date(2021, 12, 10);
      auto const approved = Must<fv1::Source>("funding.v1.SourceService/ApproveSource", approve, fund_);
      EXPECT_THAT(approved.warnings(), Contains(fv1::SOURCE_WARNING_RELEASE_OVERDUE));
      EXPECT_EQ(approved.released().minor_units(), 0);
      fv1::CreateReleaseRequest propose;
      propose.set_parent(SourceName(payer));
      *propose.mutable_release()->mutable_amount() = Dkk(payer.total() * kKroner);
      *propose.mutable_release()->mutable_release_date() = Date(2022, 1, 31);
      *propose.mutable_release()->mutable_voucher() = Voucher("TMU 31. januar 2022, punkt 17");
      fv1::ApproveReleaseRequest release;
      release.set_name(Must<fv1::Release>("funding.v1.SourceService/CreateRelease", propose, fund_).name());
      EXPECT_THAT(Refusal("funding.v1.SourceService/ApproveRelease", release, fund_), HasSubstr("FOUR_EYES_NEEDED"));
      Must<fv1::Release>("funding.v1.SourceService/ApproveRelease", release, fund_release_);
    }
  }

  void SplitOverDepartments() {
    fv1::ApportionSourceRequest split;
    split.set_name(absl::StrCat(kPlan, "/sources/bolig"));
    split.set_key(fv1::APPORTIONMENT_KEY_DWELLINGS);
    auto const parts = Must<fv1::Apportionment>("funding.v1.SourceService/ApportionSource", split, leader_);
    ASSERT_EQ(parts.parts_size(), 19);
    std::int64_t const total = 4'500'000 * kKroner;
    std::int64_t sum = 0;
    for (int i = 0; i < 19; ++i) {
      auto const& part = parts.parts(i);
      EXPECT_EQ(part.department(), DepartmentName(kDepartments[i]));
      EXPECT_EQ(part.weight(), kDepartments[i].dwellings);
      std::int64_t const floor = total * kDepartments[i].dwellings / 4135;
      EXPECT_EQ(part.amount().minor_units(), floor + (part.got_residual() ? 1 : 0)) << kDepartments[i].name;
      sum += part.amount().minor_units();
    }
    EXPECT_EQ(sum, total);
  }

  // Half of every line is spent, in batches, by one who reserves and another who pays.
  void Pay() {
    fv1::ListBudgetLinesRequest list;
    list.set_parent(kPlan);
    list.set_page_size(1000);
    auto const lines = Must<fv1::ListBudgetLinesResponse>("funding.v1.BudgetService/ListBudgetLines", list, leader_);
    ASSERT_EQ(lines.budget_lines_size(), 64);
    fv1::BatchCreateDisbursementsRequest reserve;
    reserve.set_parent(kPlan);
    for (auto const& line : lines.budget_lines()) {
      auto& one = *reserve.add_requests();
      one.set_parent(kPlan);
      auto& disbursement = *one.mutable_disbursement();
      disbursement.set_budget_line(line.name());
      *disbursement.mutable_amount() = Dkk(line.amount().minor_units() / 2);
      *disbursement.mutable_expense_date() = Date(line.year(), 6, 30);
      *disbursement.mutable_voucher() = Voucher("løn, 1. halvår");
    }
    auto const reserved =
        Must<fv1::BatchCreateDisbursementsResponse>("funding.v1.LedgerService/BatchCreateDisbursements", reserve, leader_);
    fv1::BatchPostDisbursementsRequest post;
    post.set_parent(kPlan);
    for (auto const& disbursement : reserved.disbursements()) post.add_names(disbursement.name());
    EXPECT_THAT(Refusal("funding.v1.LedgerService/BatchPostDisbursements", post, leader_), HasSubstr("FOUR_EYES_NEEDED"));
    Must<fv1::BatchPostDisbursementsResponse>("funding.v1.LedgerService/BatchPostDisbursements", post, second_);
  }

  void Report() {
    fv1::GetCofundingReportRequest cofunding;
    cofunding.set_parent(kPlan);
    auto const proof = Must<fv1::CofundingReport>("funding.v1.ReportService/GetCofundingReport", cofunding, fund_);
    ASSERT_EQ(proof.parts_size(), 1);
    EXPECT_EQ(proof.parts(0).total().minor_units(), 31'000'000 * kKroner);
    EXPECT_EQ(proof.parts(0).local().minor_units(), 9'000'000 * kKroner);
    EXPECT_EQ(proof.parts(0).share_basis_points(), 2903);
    EXPECT_TRUE(proof.parts(0).met());
    fv1::GetBudgetReportRequest budget;
    budget.set_parent(kPlan);
    budget.add_group_by(fv1::REPORT_DIMENSION_SOURCE);
    auto const by_source = Must<fv1::BudgetReport>("funding.v1.ReportService/GetBudgetReport", budget, fund_);
    EXPECT_EQ(by_source.total().budget().minor_units(), 31'000'000 * kKroner);
    EXPECT_EQ(by_source.total().spent().minor_units(), 15'500'000 * kKroner);
    ASSERT_EQ(by_source.rows_size(), 4);
    for (auto const& row : by_source.rows()) {
      auto const payer =
          std::find_if(std::begin(kPayers), std::end(kPayers), [&](Payer const& p) { return SourceName(p) == row.source(); });
      ASSERT_NE(payer, std::end(kPayers)) << row.source();
      EXPECT_EQ(row.budget().minor_units(), payer->total() * kKroner);
      EXPECT_EQ(row.spent().minor_units(), payer->total() * kKroner / 2);
    }
    AgreeWithHledger();
  }

  // Row by row, what the report says was spent is what the real program makes of the journal.
  void AgreeWithHledger() {
    auto const path = house_.folder() + "/plan.journal";
    {
      std::ofstream journal(path);
      fv1::ExportJournalRequest request;
      request.set_parent(kPlan);
      request.set_page_size(50);
      do {
        auto const page = Must<fv1::ExportJournalResponse>("funding.v1.ReportService/ExportJournal", request, fund_);
        journal << page.text();
        request.set_page_token(page.next_page_token());
      } while (!request.page_token().empty());
    }
    auto const check = testing::RunProgram({"env", "LANG=C.UTF-8", "hledger", "-f", path, "check", "--strict"});
    EXPECT_EQ(check.exit_code, 0) << check.output;
    auto const balances =
        testing::RunProgram({"env", "LANG=C.UTF-8", "hledger", "-f", path, "balance", "--flat", "-E", "-O", "csv"}).output;
    fv1::GetBudgetReportRequest budget;
    budget.set_parent(kPlan);
    for (auto const by : {fv1::REPORT_DIMENSION_FOCUS_AREA, fv1::REPORT_DIMENSION_COST_KIND, fv1::REPORT_DIMENSION_SOURCE,
                          fv1::REPORT_DIMENSION_YEAR}) {
      budget.add_group_by(by);
    }
    auto const rows = Must<fv1::BudgetReport>("funding.v1.ReportService/GetBudgetReport", budget, fund_);
    ASSERT_EQ(rows.rows_size(), 64);
    for (auto const& row : rows.rows()) {
      auto const ore = row.spent().minor_units();
      EXPECT_GT(ore, 0);
      EXPECT_THAT(balances,
                  HasSubstr(absl::StrFormat("\"expenses:%s:%s:%s:%d\",\"%d.%02d DKK\"", row.focus_area(), row.cost_kind(),
                                            row.source().substr(row.source().rfind('/') + 1), row.year(), ore / 100, ore % 100)));
    }
    EXPECT_THAT(balances, HasSubstr("\"assets:released:lbf\",\"9500000.00 DKK\""));
    EXPECT_THAT(balances, HasSubstr("\"income:granted:lbf\",\"-19000000.00 DKK\""));
  }

  testing::House house_;
  std::shared_ptr<grpc::Channel> channel_;
  std::string operator_, leader_, second_, fund_, fund_release_, municipality_;
};

TEST_F(AmagerTest, ThirtyOneMillionFromTheFirstDraftToTheReport) {
  EnterTheRegister();
  EnterThePlan();
  PledgeAndBudget();
  Prequalify();
  VoteInAutumn();
  ApproveForGood();
  Release();
  SplitOverDepartments();
  Pay();
  Report();
  // The same by REST: as JSON, and as CSV in it.
  auto const read = [&](std::string const& path) {
    return house_.Curl(fund_, {absl::StrCat(house_.url(), "/v1/", kPlan, path)}).output;
  };
  EXPECT_THAT(read(""), AllOf(HasSubstr("\"minorUnits\":\"3100000000\""), HasSubstr("\n200")));
  EXPECT_THAT(read("/reports:budget?group_by=REPORT_DIMENSION_SOURCE&with_csv=true"),
              AllOf(HasSubstr("\"minorUnits\":\"3100000000\""), HasSubstr("total,,,,,31000000.00,0.00,15500000.00,15500000.00"),
                    HasSubstr("\n200")));
  EXPECT_THAT(read("/reports:cofunding?with_csv=true"),
              AllOf(HasSubstr("\"shareBasisPoints\":\"2903\""), HasSubstr(",total,,,31000000.00,9000000.00,,2500,2903,true,0.00"),
                    HasSubstr("\n200")));
  EXPECT_THAT(read("/reports:openItems?with_csv=true"),
              AllOf(HasSubstr("kind,resource,amount,due_date,overdue,waits_for"), HasSubstr("\n200")));
}

}  // namespace
}  // namespace helhed
