#include <absl/strings/str_cat.h>
#include <google/rpc/status.pb.h>

#include <functional>
#include <map>
#include <memory>

#include "services/platform/contract/contract.h"
#include "services/residents/testing/people.h"

// Plants personal data in every text of every request about people, and looks for it where it must never be: logs, metrics,
// errors, events and the audit log. (canary_test.cc does so for the housing register.)
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
    };
    if (field == "purpose") return type == "Consent" ? "purposes/advice" : "purposes/register";
    if (field == "giver" || field == "guardian") return bo_;
    if (field == "names") return anna_;
    if (field == "parent") {
      bool const of_purpose = type.find("PurposeRule") != std::string::npos || type.find("ConsentText") != std::string::npos;
      return of_purpose ? "purposes/advice" : anna_;
    }
    if (field == "name") return NameFor(type);
    auto const known = texts.find(field);
    return known == texts.end() ? "" : known->second;
  }
  std::string NameFor(std::string const& type) const {
    if (type.find("Membership") != std::string::npos) return anna_ + "/memberships/none";
    if (type.find("Guardianship") != std::string::npos) return guardianship_;
    if (type.find("ConsentText") != std::string::npos) return "purposes/advice/consentTexts/1";
    if (type.find("Consent") != std::string::npos) return consent_;
    if (type.find("Recipient") != std::string::npos) return "erasureRecipients/activities";
    if (type.find("Policy") != std::string::npos) return "retentionPolicies/former";
    if (type.find("Purpose") != std::string::npos) return "purposes/advice";
    if (type.find("EraseResident") != std::string::npos) return bo_;
    if (type.find("Erasure") != std::string::npos) return anna_ + "/erasures/none";
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
      } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_ENUM && !field->is_repeated()) {
        reflection.SetEnumValue(&message, field, 1);
      } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_INT32 && field->name() != "page_size") {
        reflection.SetInt32(&message, field, 7);
      } else if (field->message_type() == google::type::Date::descriptor()) {
        auto& date = static_cast<google::type::Date&>(*reflection.MutableMessage(&message, field));
        date = Date(field->name() == "birth_date" ? "2090-01-01" : field->name() == "end_date" ? "2126-12-01" : "2126-02-01");
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
  static std::vector<contract::Method const*> Methods() {
    std::vector<contract::Method const*> all;
    for (auto const* service : {"PeopleService", "ConsentService", "AccessLogService", "ErasureService"}) {
      auto const methods = contract::MethodsOf(absl::StrCat("helhed.residents.v1.", service));
      all.insert(all.end(), methods.begin(), methods.end());
    }
    return all;
  }

  std::string anna_;
  std::string bo_;
  std::string consent_;
  std::string guardianship_;
};
HELHED_BOTH_ENGINES(PeopleCanaryTest);

TEST_P(PeopleCanaryTest, NothingASenderWritesIsRepeatedInLogsMetricsErrorsOrTheAudit) {
  std::vector<std::string> const callers = {As("operator", ""), As("housing-organisation", "organisations/9002")};
  int stored = 0;
  int refused = 0;
  for (auto const* method : Methods()) {
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
  }
  // The test would prove nothing if every request were refused at the door, or none.
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
