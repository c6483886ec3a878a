#include <absl/strings/str_cat.h>
#include <google/rpc/status.pb.h>

#include <functional>
#include <memory>

#include "services/residents/testing/every_method.h"

// Plants personal data in every text of every request about people, and looks for it where it must never be: logs, metrics,
// errors, events and the audit log. (canary_test.cc does so for the housing register; together they have every method.)
namespace helhed::residents::testing {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

// CPR numbers as people write them, a telephone number, an address of e-mail, a name. None has the form of a resource's name.
std::vector<std::string> const kPeopleCanaries = {"010150-5000", "010150 5000", "+4520304050", "kanarie.fugl@example.dk",
                                                  "Kanariefugl Gul"};

class PeopleCanaryTest : public EveryMethodTest {
 protected:
  // What the audit log is meant to keep: what the operator configures for everybody, and the name and etag that a caller gives a
  // resource, which are opaque to the service.
  static bool IsAudited(std::string_view path) {
    auto const last = path.substr(path.rfind('.') + 1);
    bool const of_resource = path.find('.') != std::string_view::npos && (last == "name" || last == "etag");
    return of_resource || last == "display_name" || last == "description" || last == "body" || last == "source";
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

  static void ExpectNone(std::string const& text, std::string const& where) {
    for (auto const& canary : kPeopleCanaries)
      EXPECT_EQ(text.find(canary), std::string::npos) << canary << " in " << where << ": " << text;
  }
  static void ExpectNoneIn(absl::Status const& status, std::string const& where) {
    ExpectNone(ToProto(status).SerializeAsString(), where);
    ExpectNone(status.ToString(absl::StatusToStringMode::kWithEverything), where);
  }
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
