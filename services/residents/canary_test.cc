#include <absl/strings/str_cat.h>
#include <google/rpc/status.pb.h>

#include <functional>
#include <map>
#include <memory>

#include "services/platform/contract/contract.h"
#include "services/residents/testing/fixture.h"

// Plants what looks like personal data in every text of every request, and looks for it where it must never be.
//
// The housing register holds nobody's data, and yet callers will put names and numbers into fields that are not meant for them.
// The rule today: a text that a caller sends leaves the service only in the resource that it was stored in, in answers and in the
// events that carry that resource. Logs, metrics and errors repeat no text at all, whatever its data class. The one exception are
// resource names that have the form of a name: these are identifiers, and NOT_FOUND would say nothing without them. So the
// canaries are texts that are no names; a number that a caller makes an identifier is beyond what a service can know.
namespace helhed::residents::testing {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

// A CPR number as people write it, a telephone number, an address of e-mail, and a name. None has the form of a resource's name
// or of an identifier.
std::vector<std::string> const kCanaries = {"010190 1234", "+45 20 30 40 50", "kanarie.fugl@example.dk", "Kanariefugl Gul"};

class CanaryTest : public RegisterTest {
 protected:
  CanaryTest() {
    Organisation("9001");
    Organisation("9002");
    for (auto const* id : {"001", "002", "003"}) Department("9001", id);
    Dwelling("9001", "a", "001", "2020-01-01");
    Household("9001", "h", "a", "2020-01-01");
    v1::CreateAdministrationRequest request;
    request.set_parent("organisations/9001");
    request.set_administration_id("adm");
    request.mutable_administration()->set_administrator("organisations/9002");
    *request.mutable_administration()->mutable_period() = Range("2020-01-01");
    EXPECT_THAT(Call<v1::Administration>("CreateAdministration", request), IsOk());
  }

  // A request of the method with every required field as it should be, and as many others.
  static std::unique_ptr<Message> Valid(contract::Method const& method) {
    auto request = std::unique_ptr<Message>(
        google::protobuf::MessageFactory::generated_factory()->GetPrototype(method.descriptor().input_type())->New());
    Fill(*request, method.name());
    return request;
  }

  // Sets what is known by its name; the rest is left out, until a canary sits in it.
  static void Fill(Message& message, std::string const& method) {
    static std::map<std::string, std::string> const texts = {
        {"parent", "organisations/9001"},
        {"organisation_id", "9003"},
        {"department_id", "009"},
        {"display_name", "Vibo"},
        {"address", "Remisevej 14"},
        {"administrator", "organisations/9002"},
        {"department", "organisations/9001/departments/001"},
        {"dwelling", "organisations/9001/dwellings/a"},
        {"predecessors", "organisations/9001/departments/003"},
    };
    auto const* const type = message.GetDescriptor();
    auto const& reflection = *message.GetReflection();
    for (int i = 0; i < type->field_count(); ++i) {
      auto const* const field = type->field(i);
      if (field->name() == "name") {
        reflection.SetString(&message, field, NameFor(type->name(), method));
      } else if (field->message_type() == google::type::Date::descriptor()) {
        if (field->name() != "end_date")
          static_cast<google::type::Date&>(*reflection.MutableMessage(&message, field)) = Date("2026-02-01");
      } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE && IsOurs(*field) && !field->is_repeated()) {
        Fill(*reflection.MutableMessage(&message, field), method);
      } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE && IsOurs(*field)) {
        Fill(*reflection.AddMessage(&message, field), method);
      } else if (auto const known = texts.find(field->name()); known != texts.end() && !IsOutput(*field)) {
        field->is_repeated() ? reflection.AddString(&message, field, known->second)
                             : reflection.SetString(&message, field, known->second);
      }
    }
  }
  static bool IsOurs(FieldDescriptor const& field) { return field.message_type()->full_name().starts_with("helhed."); }
  static bool IsOutput(FieldDescriptor const& field) {
    auto const& behaviors = field.options().GetRepeatedExtension(google::api::field_behavior);
    return std::find(behaviors.begin(), behaviors.end(), google::api::OUTPUT_ONLY) != behaviors.end();
  }
  static std::string NameFor(std::string const& type, std::string const& method) {
    std::string const subject = type.ends_with("Request") ? method : type;
    if (subject.find("Administration") != std::string::npos) return "organisations/9001/administrations/adm";
    if (subject.find("Department") != std::string::npos) return "organisations/9001/departments/002";
    if (subject.find("Dwelling") != std::string::npos) return "organisations/9001/dwellings/a";
    if (subject.find("Household") != std::string::npos) return "organisations/9001/households/h";
    return "organisations/9001";
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
      } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
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
    auto const response = instance().pipeline().Run(call);
    CheckRowErrors(method, response);
    return response.status();
  }
  // A batch reports errors within its answer.
  static void CheckRowErrors(contract::Method const& method, absl::StatusOr<std::string> const& response) {
    if (method.name() != "BatchCreateDwellings" || !response.ok()) return;
    v1::BatchCreateDwellingsResponse batch;
    ASSERT_TRUE(batch.ParseFromString(*response));
    for (auto const& result : batch.results()) ExpectNone(result.error().SerializeAsString(), "the error of a row");
  }
  static void ExpectNone(std::string const& text, std::string const& where) {
    for (auto const& canary : kCanaries)
      EXPECT_EQ(text.find(canary), std::string::npos) << canary << " in " << where << ": " << text;
  }
  static void ExpectNoneIn(absl::Status const& status, std::string const& where) {
    ExpectNone(ToProto(status).SerializeAsString(), where);
    ExpectNone(status.ToString(absl::StatusToStringMode::kWithEverything), where);
  }
};
HELHED_BOTH_ENGINES(CanaryTest);

TEST_P(CanaryTest, NothingASenderWritesIsRepeatedInLogsMetricsOrErrors) {
  std::vector<std::string> const callers = {As("operator", ""), As("housing-organisation", "organisations/9002"),
                                            As("portal", "organisations/9001/departments/002")};
  int stored = 0;
  int refused = 0;
  for (auto const* method : contract::MethodsOf("helhed.residents.v1.HousingRegisterService")) {
    auto const probe = Valid(*method);
    std::vector<std::string> paths;
    ForEveryText(*probe, "", [&](std::string const& path, auto const&) { paths.push_back(path); });
    EXPECT_FALSE(paths.empty()) << method->name();
    for (auto const& path : paths) {
      for (auto const& canary : kCanaries) {
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
    // Everything at once, and within what is otherwise well formed: a filter that asks for it.
    auto const full = Valid(*method);
    ForEveryText(*full, "", [&](std::string const&, auto const& set) { set(kCanaries[0]); });
    for (auto const& caller : callers) ExpectNoneIn(Send(*method, *full, caller), method->name());
    if (auto const* filter = full->GetDescriptor()->FindFieldByName("filter")) {
      auto const list = Valid(*method);
      for (auto const* text :
           {"display_name = \"Kanariefugl Gul\"", "address = \"Kanariefugl Gul\"", "floor > \"Kanariefugl Gul",
            "\"Kanariefugl Gul\" = name", "state = \"Kanariefugl Gul\"", "area_square_metres = \"Kanariefugl Gul\""}) {
        list->GetReflection()->SetString(list.get(), filter, text);
        ExpectNoneIn(Send(*method, *list, callers[0]), absl::StrCat(method->name(), " with a filter"));
      }
    }
  }
  // The test would prove nothing if every request were refused at the door, or none.
  EXPECT_GT(stored, 15);
  EXPECT_GT(refused, 1000);

  std::string const log = LogText();
  EXPECT_NE(log.find("BatchCreateDwellings"), std::string::npos);
  ExpectNone(log, "the log");
  ExpectNone(metrics().Expose(), "the metrics");
}

TEST_P(CanaryTest, AnEventCarriesATextOnlyInTheResourceItWasStoredIn) {
  for (auto const* method : contract::MethodsOf("helhed.residents.v1.HousingRegisterService")) {
    if (method->is_read()) continue;
    for (auto const& canary : kCanaries) {
      auto const request = Valid(*method);
      ForEveryText(*request, "", [&](std::string const& path, auto const& set) {
        bool const is_content = path.ends_with("display_name") || path.ends_with("address") || path.ends_with("building_section");
        if (is_content) set(canary);
      });
      ExpectNoneIn(Send(*method, *request, As("operator", "")), method->name());
    }
  }
  int carried = 0;
  for (auto event : Events()) {
    for (auto const& canary : kCanaries) carried += event.data().value().find(canary) != std::string::npos ? 1 : 0;
    EXPECT_LE(event.data_class(), policy::v1::DATA_CLASS_INTERNAL);
    event.clear_data();
    ExpectNone(event.SerializeAsString(), "the envelope of an event");
  }
  EXPECT_GT(carried, 3);
  ExpectNone(LogText(), "the log");
}

}  // namespace
}  // namespace helhed::residents::testing
