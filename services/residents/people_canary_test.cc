#include <absl/strings/str_cat.h>
#include <google/rpc/status.pb.h>

#include <algorithm>
#include <functional>
#include <map>
#include <memory>

#include "helhed/residents/v1/democracy_service.pb.h"
#include "helhed/residents/v1/statistics_service.pb.h"
#include "services/platform/contract/contract.h"
#include "services/residents/residents.h"
#include "services/residents/testing/people.h"

// Plants personal data in every text of every request about people, and looks for it where it must never be: logs, metrics,
// errors, events and the audit log. (canary_test.cc does so for the housing register; together they have every method.)
namespace helhed::residents::testing {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

// CPR numbers as people write them, a telephone number, an address of e-mail, a name. None has the form of a resource's name.
std::vector<std::string> const kPeopleCanaries = {"010150-5000", "010150 5000", "+4520304050", "kanarie.fugl@example.dk",
                                                  "Kanariefugl Gul"};

class PeopleCanaryTest : public PeopleTest {
 protected:
  PeopleCanaryTest() {
    anna_ = Person("Anna");
    bo_ = Person("Bo", kHouseholdB);
    consent_ = Ask(anna_);
    guardianship_ = Guardian(anna_, bo_);
    Rule("register", "2020-01-01", 15, 12, 24);
    Retention("former", v1::RETENTION_SUBJECT_FORMER_RESIDENT, 600);
    v1::ListMembershipsRequest memberships;
    memberships.set_parent(anna_);
    memberships.set_purpose("purposes/register");
    membership_ = Call<v1::ListMembershipsResponse>("PeopleService/ListMemberships", memberships)->memberships(0).name();
    mandate_ = Elect(bo_, kHouseholdB);
    HoldBack(Person("Carl", kHouseholdA, "170550-5001"));
    erik_ = Person("Erik", "");
    erased_ = Erase(Person("Dorte"))->name();
  }
  // Makes the person the representative of the household.
  std::string Elect(std::string const& holder, std::string_view household) {
    v1::CreateMandateRequest request;
    request.set_parent("organisations/9001");
    request.set_purpose("purposes/register");
    request.mutable_mandate()->set_body(v1::MANDATE_BODY_HOUSEHOLD);
    request.mutable_mandate()->set_role(v1::MANDATE_ROLE_REPRESENTATIVE);
    request.mutable_mandate()->set_household(std::string(household));
    request.mutable_mandate()->set_holder(holder);
    *request.mutable_mandate()->mutable_period() = Range("2126-01-01");
    auto const mandate = Call<v1::Mandate>("ResidentDemocracyService/CreateMandate", request);
    EXPECT_THAT(mandate, IsOk());
    return mandate.ok() ? mandate->name() : "";
  }
  // Begins to erase the person, whom a hold keeps.
  void HoldBack(std::string const& resident) {
    v1::CreateErasureHoldRequest request;
    request.set_parent(resident);
    request.set_purpose("purposes/register");
    request.mutable_erasure_hold()->set_justification("a dispute");
    *request.mutable_erasure_hold()->mutable_period() = Range("2126-01-01");
    hold_ = Call<v1::ErasureHold>("ErasureService/CreateErasureHold", request)->name();
    erasure_ = Erase(resident)->name();
  }

  std::string TextFor(std::string const& field, std::string const& type) const {
    static std::map<std::string, std::string> const texts = {
        {"household", std::string(kHouseholdA)},
        {"organisation", "organisations/9001"},
        {"controller", "organisations/9001"},
        {"consent_text", "purposes/advice/consentTexts/2"},
        {"given_name", "Anna"},
        {"display_name", "Advice"},
        {"language", "da"},
        {"languages", "da"},
        {"body", "May we?"},
        {"source", "a decision"},
        {"justification", "a good reason for it"},
        {"service", "activities"},
        {"value", "anna@example.dk"},
        {"purpose_id", "new"},
        {"consent_text_id", "9"},
        {"erasure_recipient_id", "activities"},
        {"retention_policy_id", "new"},
        {"voting_rule_id", "new"},
        {"statistics_rule_id", "new"},
        {"age_band_starts", "0,18"},
    };
    if (field == "purpose") return type == "Consent" ? "purposes/advice" : "purposes/register";
    if (field == "giver" || field == "guardian") return bo_;
    if (field == "cpr_number") return type == "LookupResidentRequest" ? "170550-5001" : "";
    if (field == "parent" && type == "CreateConsentRequest") return bo_;
    if (field == "parent" && (type == "CreateMembershipRequest" || type == "CreateGuardianshipRequest")) return erik_;
    if (field == "names" || field == "holder" || field == "resident") return anna_;
    if (field == "parent" && type.find("Eligib") != std::string::npos) return "organisations/9001/departments/001";
    if (field == "parent" && (type.find("Mandate") != std::string::npos || type.starts_with("Aggregate"))) {
      return "organisations/9001";
    }
    if (field == "parent") {
      bool const of_purpose = type.find("PurposeRule") != std::string::npos || type.find("ConsentText") != std::string::npos;
      return of_purpose ? "purposes/advice" : anna_;
    }
    if (field == "name") return NameFor(type);
    auto const known = texts.find(field);
    return known == texts.end() ? "" : known->second;
  }
  std::string NameFor(std::string const& type) const {
    if (type.find("Membership") != std::string::npos) return membership_;
    if (type.find("Mandate") != std::string::npos) return mandate_;
    if (type.find("VotingRule") != std::string::npos) return "votingRules/normal";
    if (type.find("StatisticsRule") != std::string::npos) return "statisticsRules/lbf";
    if (type.find("Guardianship") != std::string::npos) return guardianship_;
    if (type.find("ConsentText") != std::string::npos) return "purposes/advice/consentTexts/1";
    if (type.find("Consent") != std::string::npos) return consent_;
    if (type.find("Recipient") != std::string::npos) return "erasureRecipients/activities";
    if (type.find("Policy") != std::string::npos) return "retentionPolicies/former";
    if (type == "PurposeRule") return "purposes/advice/rules/2018-05-25";
    if (type.find("Purpose") != std::string::npos) return "purposes/advice";
    if (type.find("EraseResident") != std::string::npos) return bo_;
    if (type.find("Acknowledge") != std::string::npos) return erased_;
    if (type.find("ErasureHold") != std::string::npos) return hold_;
    if (type.find("Erasure") != std::string::npos) return erasure_;
    return anna_;
  }

  // Every field that a caller sets, as it should be.
  void Fill(Message& message) const {
    auto const* const type = message.GetDescriptor();
    auto const& reflection = *message.GetReflection();
    for (int i = 0; i < type->field_count(); ++i) {
      auto const* const field = type->field(i);
      if (IsOutput(*field) || field->name() == "membership_kind") continue;
      if (field->cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
        auto const text = TextFor(field->name(), type->name());
        if (text.empty()) continue;
        field->is_repeated() ? reflection.AddString(&message, field, text) : reflection.SetString(&message, field, text);
      } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_ENUM) {
        field->is_repeated() ? reflection.AddEnumValue(&message, field, 1) : reflection.SetEnumValue(&message, field, 1);
      } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_INT32 && field->name() != "page_size") {
        reflection.SetInt32(&message, field, field->name() == "interval_months" ? 6 : 7);
      } else if (field->message_type() == google::type::Date::descriptor()) {
        // A rule begins after today.
        bool const of_rule = type->name() == "VotingRule" || type->name() == "StatisticsRule";
        auto& date = static_cast<google::type::Date&>(*reflection.MutableMessage(&message, field));
        date = Date(of_rule                         ? "2127-01-01"
                    : field->name() == "birth_date" ? "2090-01-01"
                    : field->name() == "end_date"   ? "2126-12-01"
                                                    : "2126-02-01");
      } else if (field->message_type() != nullptr && field->message_type()->full_name().starts_with("helhed.")) {
        Fill(field->is_repeated() ? *reflection.AddMessage(&message, field) : *reflection.MutableMessage(&message, field));
      }
    }
  }
  // What the audit log is meant to keep: what the operator configures for everybody, and the name and etag that a caller gives a
  // resource, which are opaque to the service.
  static bool IsAudited(std::string_view path) {
    auto const last = path.substr(path.rfind('.') + 1);
    bool const of_resource = path.find('.') != std::string_view::npos && (last == "name" || last == "etag");
    return of_resource || last == "display_name" || last == "description" || last == "body" || last == "source";
  }
  static bool IsOutput(FieldDescriptor const& field) {
    auto const behaviors = field.options().GetRepeatedExtension(google::api::field_behavior);
    return std::find(behaviors.begin(), behaviors.end(), google::api::OUTPUT_ONLY) != behaviors.end();
  }
  std::unique_ptr<Message> Valid(contract::Method const& method) const {
    auto request = std::unique_ptr<Message>(
        google::protobuf::MessageFactory::generated_factory()->GetPrototype(method.descriptor().input_type())->New());
    Fill(*request);
    return request;
  }

  // Calls `plant` for every text in the message, at every depth: each call gets the place to put a text into.
  using Plant = std::function<void(std::string const& path, std::function<void(std::string const&)> const& set)>;
  static void ForEveryText(Message& message, std::string const& path, Plant const& plant) {
    auto const* const type = message.GetDescriptor();
    auto const& reflection = *message.GetReflection();
    for (int i = 0; i < type->field_count(); ++i) {
      auto const* const field = type->field(i);
      std::string const here = absl::StrCat(path, path.empty() ? "" : ".", field->name());
      if (field->cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
        plant(here, [&](std::string const& text) {
          if (!field->is_repeated()) return reflection.SetString(&message, field, text);
          reflection.ClearField(&message, field);
          reflection.AddString(&message, field, text);
        });
      } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE && field->is_repeated()) {
        if (reflection.FieldSize(message, field) > 0)
          ForEveryText(*reflection.MutableRepeatedMessage(&message, field, 0), here, plant);
      } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE && reflection.HasField(message, field)) {
        ForEveryText(*reflection.MutableMessage(&message, field), here, plant);
      }
    }
  }

  absl::Status Send(contract::Method const& method, Message const& request, std::string const& identity) {
    IncomingCall call;
    std::string const bytes = request.SerializeAsString();
    call.path = method.path();
    call.request = bytes;
    call.identity = identity;
    return instance().pipeline().Run(call).status();
  }
  static void ExpectNone(std::string const& text, std::string const& where) {
    for (auto const& canary : kPeopleCanaries)
      EXPECT_EQ(text.find(canary), std::string::npos) << canary << " in " << where << ": " << text;
  }
  static void ExpectNoneIn(absl::Status const& status, std::string const& where) {
    ExpectNone(ToProto(status).SerializeAsString(), where);
    ExpectNone(status.ToString(absl::StatusToStringMode::kWithEverything), where);
  }
  // Nobody is protected: what is tried of one method must not keep the next one from being reached.
  void Expose() {
    for (auto const& resident : {anna_, bo_}) {
      v1::UnprotectResidentRequest request;
      request.set_name(resident);
      request.set_purpose("purposes/register");
      (void)Call<v1::Resident>("PeopleService/UnprotectResident", request);
    }
  }
  // Those who erase come last.
  static std::vector<contract::Method const*> Methods() {
    std::vector<contract::Method const*> all;
    for (auto const& service : ResidentsDefinition().services) {
      if (service == "helhed.residents.v1.HousingRegisterService") continue;  // canary_test.cc
      auto const methods = contract::MethodsOf(service);
      all.insert(all.end(), methods.begin(), methods.end());
    }
    std::stable_partition(all.begin(), all.end(),
                          [](auto const* method) { return method->path().find("ErasureService") == std::string::npos; });
    return all;
  }

  std::string anna_;
  std::string bo_;
  std::string erik_;
  std::string consent_;
  std::string guardianship_;
  std::string membership_;
  std::string mandate_;
  std::string hold_;
  std::string erasure_;
  std::string erased_;
};
HELHED_BOTH_ENGINES(PeopleCanaryTest);

TEST_P(PeopleCanaryTest, NothingASenderWritesIsRepeatedInLogsMetricsErrorsOrTheAudit) {
  std::vector<std::string> const callers = {As("operator", ""), As("housing-organisation", "organisations/9002")};
  int stored = 0;
  int refused = 0;
  for (auto const* method : Methods()) {
    Expose();
    int const stored_before = stored;
    stored += Send(*method, *Valid(*method), callers[0]).ok() ? 1 : 0;
    std::vector<std::string> paths;
    ForEveryText(*Valid(*method), "", [&](std::string const& path, auto const&) { paths.push_back(path); });
    for (auto const& path : paths) {
      if (IsAudited(path)) continue;
      for (auto const& canary : kPeopleCanaries) {
        // What a caller makes an identifier is beyond what a service can know.
        if (path.ends_with("_id") && canary == kPeopleCanaries[0]) continue;
        for (auto const& caller : callers) {
          auto const request = Valid(*method);
          ForEveryText(*request, "", [&](std::string const& here, auto const& set) {
            if (here == path) set(canary);
          });
          auto const status = Send(*method, *request, caller);
          ExpectNoneIn(status, absl::StrCat("the error of ", method->name(), " with ", path));
          ++(status.ok() ? stored : refused);
        }
      }
    }
    auto const full = Valid(*method);
    ForEveryText(*full, "", [&](std::string const& path, auto const& set) {
      if (!IsAudited(path)) set(kPeopleCanaries[1]);
    });
    ExpectNoneIn(Send(*method, *full, callers[0]), method->name());
    // The test would prove nothing of a method whose every request is refused at the door. (Nobody is protected to be exposed, or
    // to be opened.)
    bool const is_of_protection = method->name() == "UnprotectResident" || method->name() == "CreateProtectedAccess";
    EXPECT_TRUE(stored > stored_before || is_of_protection) << method->name();
  }
  EXPECT_GT(stored, 50);
  EXPECT_GT(refused, 1000);
  std::string const log = LogText();
  EXPECT_NE(log.find("LookupResident"), std::string::npos);
  ExpectNone(log, "the log");
  ExpectNone(metrics().Expose(), "the metrics");
  for (auto const& canary : kPeopleCanaries) {
    auto const tables = TablesThatHold(canary);
    for (auto const* table : {"audit", "access_log", "events", "chain_links", "chain_pending", "cpr_lookups", "erasures"}) {
      EXPECT_EQ(std::count(tables.begin(), tables.end(), table), 0) << canary << " in " << table;
    }
  }
  for (auto const& event : Events()) EXPECT_LE(event.data_class(), policy::v1::DATA_CLASS_INTERNAL);
}

// Each personal field with a value that is taken: the person is stored with it, and nothing else has it.
TEST_P(PeopleCanaryTest, WhatIsStoredOfAPersonIsInNoEventAndNoLog) {
  auto request = Entry("Kanariefugl Gul", kHouseholdA, "010150-5000", "");
  auto& person = *request.mutable_resident();
  person.set_family_name("Kanariefugl Gul");
  person.set_preferred_name("Kanariefugl Gul");
  for (auto const& [kind, value] : {std::pair(v1::CONTACT_POINT_KIND_EMAIL, "kanarie.fugl@example.dk"),
                                    std::pair(v1::CONTACT_POINT_KIND_MOBILE, "+4520304050")}) {
    auto& point = *person.add_contact_points();
    point.set_kind(kind);
    point.set_value(value);
  }
  request.set_request_id("0190f5a8-0000-7000-8000-000000000001");
  auto const created = Call<v1::Resident>("PeopleService/CreateResident", request);
  ASSERT_THAT(created, IsOk());
  v1::UpdateResidentRequest update;
  *update.mutable_resident() = *created;
  update.mutable_resident()->set_family_name("Kanariefugl Gul Gul");
  update.set_purpose("purposes/register");
  ASSERT_THAT(Call<v1::Resident>("PeopleService/UpdateResident", update), IsOk());
  // Whom the household and the department elect, who stands on the list for a meeting, who is counted.
  v1::CreateMandateRequest mandate;
  mandate.set_parent("organisations/9001");
  mandate.set_purpose("purposes/register");
  mandate.mutable_mandate()->set_body(v1::MANDATE_BODY_DEPARTMENT_BOARD);
  mandate.mutable_mandate()->set_role(v1::MANDATE_ROLE_CHAIR);
  mandate.mutable_mandate()->set_department("organisations/9001/departments/001");
  mandate.mutable_mandate()->set_holder(created->name());
  *mandate.mutable_mandate()->mutable_period() = Range("2126-01-01");
  EXPECT_THAT(Call<v1::Mandate>("ResidentDemocracyService/CreateMandate", mandate), IsOk());
  EXPECT_FALSE(Elect(created->name(), kHouseholdA).empty());
  v1::FetchEligibleVotersRequest voters;
  voters.set_parent("organisations/9001/departments/001");
  voters.set_purpose("purposes/register");
  auto const list = Call<v1::FetchEligibleVotersResponse>("ResidentDemocracyService/FetchEligibleVoters", voters);
  ASSERT_THAT(list, IsOk());
  EXPECT_NE(list->DebugString().find("Kanariefugl Gul"), std::string::npos) << "who reads the list reads the name";
  v1::CheckEligibilityRequest check;
  check.set_parent("organisations/9001/departments/001");
  check.set_resident(created->name());
  check.set_purpose("purposes/register");
  EXPECT_THAT(Call<v1::CheckEligibilityResponse>("ResidentDemocracyService/CheckEligibility", check), IsOk());
  v1::AggregateResidentsRequest aggregate;
  aggregate.set_parent("organisations/9001");
  aggregate.add_dimensions(v1::RESIDENT_DIMENSION_LANGUAGE);
  auto const counts = Call<v1::AggregateResidentsResponse>("ResidentStatisticsService/AggregateResidents", aggregate);
  ASSERT_THAT(counts, IsOk());
  ExpectNone(counts->SerializeAsString(), "a statistic");
  EXPECT_FALSE(TablesThatHold("Kanariefugl Gul").empty());
  for (auto const& event : Events()) ExpectNone(event.SerializeAsString(), "an event");
  ExpectNone(LogText(), "the log");
  for (auto const& canary : kPeopleCanaries) {
    for (auto const& table : TablesThatHold(canary)) {
      EXPECT_TRUE(table == "residents" || table == "resident_contact_points" || table == "idempotency")
          << canary << " in " << table;
    }
  }
}

}  // namespace
}  // namespace helhed::residents::testing
