#include "services/residents/testing/every_method.h"

#include <google/api/field_behavior.pb.h>

#include <algorithm>
#include <map>

#include "services/residents/residents.h"

namespace helhed::residents::testing {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

bool IsOutput(FieldDescriptor const& field) {
  auto const behaviors = field.options().GetRepeatedExtension(google::api::field_behavior);
  return std::find(behaviors.begin(), behaviors.end(), google::api::OUTPUT_ONLY) != behaviors.end();
}

}  // namespace

EveryMethodTest::EveryMethodTest() {
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
  carl_ = Person("Carl", kHouseholdA, "170550-5001");
  HoldBack(carl_);
  erik_ = Person("Erik", "");
  erased_ = Erase(Person("Dorte"))->name();
}

std::string EveryMethodTest::Elect(std::string const& holder, std::string_view household) {
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
void EveryMethodTest::HoldBack(std::string const& resident) {
  v1::CreateErasureHoldRequest request;
  request.set_parent(resident);
  request.set_purpose("purposes/register");
  request.mutable_erasure_hold()->set_justification("a dispute");
  *request.mutable_erasure_hold()->mutable_period() = Range("2126-01-01");
  hold_ = Call<v1::ErasureHold>("ErasureService/CreateErasureHold", request)->name();
  erasure_ = Erase(resident)->name();
}

std::string EveryMethodTest::TextFor(std::string const& field, std::string const& type) const {
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

std::string EveryMethodTest::NameFor(std::string const& type) const {
  if (type.find("Membership") != std::string::npos) return membership_;
  if (type.find("Mandate") != std::string::npos) return mandate_;
  if (type.find("VotingRule") != std::string::npos) return "votingRules/normal";
  if (type.find("StatisticsRule") != std::string::npos) return "statisticsRules/lbf";
  if (type.find("Guardianship") != std::string::npos) return guardianship_;
  if (type.find("ConsentText") != std::string::npos) return "purposes/advice/consentTexts/1";
  if (type.find("Consent") != std::string::npos) return consent_;
  if (type.find("Recipient") != std::string::npos) return "erasureRecipients/activities";
  if (type.find("Policy") != std::string::npos) return "retentionPolicies/former";
  if (type == "ProtectedAccess") return anna_ + "/protectedAccesses/none";
  if (type == "PurposeRule") return "purposes/advice/rules/2018-05-25";
  if (type.find("Purpose") != std::string::npos) return "purposes/advice";
  if (type.find("EraseResident") != std::string::npos) return bo_;
  if (type.find("Acknowledge") != std::string::npos) return erased_;
  if (type.find("ErasureHold") != std::string::npos) return hold_;
  if (type.find("Erasure") != std::string::npos) return erasure_;
  return anna_;
}

void EveryMethodTest::Fill(Message& message) const {
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
                  : field->name() == "birth_date" ? "2090-05-17"
                  : field->name() == "end_date"   ? "2126-12-01"
                                                  : "2126-02-01");
    } else if (field->message_type() != nullptr && field->message_type()->full_name().starts_with("helhed.")) {
      Fill(field->is_repeated() ? *reflection.AddMessage(&message, field) : *reflection.MutableMessage(&message, field));
    }
  }
}

std::unique_ptr<Message> EveryMethodTest::Valid(contract::Method const& method) const {
  auto request = std::unique_ptr<Message>(
      google::protobuf::MessageFactory::generated_factory()->GetPrototype(method.descriptor().input_type())->New());
  Fill(*request);
  return request;
}

absl::Status EveryMethodTest::Send(contract::Method const& method, Message const& request, std::string const& identity) {
  IncomingCall call;
  std::string const bytes = request.SerializeAsString();
  call.path = method.path();
  call.request = bytes;
  call.identity = identity;
  return instance().pipeline().Run(call).status();
}

void EveryMethodTest::Expose() {
  for (auto const& resident : {anna_, bo_, carl_, erik_}) {
    v1::UnprotectResidentRequest request;
    request.set_name(resident);
    request.set_purpose("purposes/register");
    (void)Call<v1::Resident>("PeopleService/UnprotectResident", request);
  }
}

std::vector<contract::Method const*> EveryMethodTest::Methods() {
  std::vector<contract::Method const*> all;
  for (auto const& service : ResidentsDefinition().services) {
    if (service == "helhed.residents.v1.HousingRegisterService") continue;
    auto const methods = contract::MethodsOf(service);
    all.insert(all.end(), methods.begin(), methods.end());
  }
  std::stable_partition(all.begin(), all.end(),
                        [](auto const* method) { return method->path().find("ErasureService") == std::string::npos; });
  return all;
}

}  // namespace helhed::residents::testing
