#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>
#include <google/protobuf/any.pb.h>
#include <google/protobuf/duration.pb.h>
#include <google/protobuf/field_mask.pb.h>
#include <google/protobuf/struct.pb.h>
#include <google/protobuf/timestamp.pb.h>
#include <google/protobuf/util/json_util.h>
#include <google/protobuf/util/message_differencer.h>
#include <google/type/date.pb.h>
#include <gtest/gtest.h>

#include <fstream>
#include <set>

#include "cli/methods.h"
#include "cli/render.h"
#include "cli/testing.h"
#include "helhed/common/v1/errors.pb.h"
#include "helhed/events/v1/event_service.pb.h"
#include "helhed/residents/v1/housing_register_service.pb.h"
#include "services/platform/testing/matchers.h"

namespace helhed::cli {
namespace {

namespace pb = google::protobuf;
namespace v1 = residents::v1;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

std::string Address() { return "--address=fake"; }

// Fills every field with something that proto3 JSON can carry.
void Fill(SeededRandom& random, pb::Message& message, int depth);

// The well-known types have a JSON of their own, which not every value fits.
bool FillWellKnown(SeededRandom& random, pb::Message& message) {
  auto const seconds = random.Between(0, 4'000'000'000);
  if (auto* const timestamp = dynamic_cast<pb::Timestamp*>(&message)) return timestamp->set_seconds(seconds), true;
  if (auto* const duration = dynamic_cast<pb::Duration*>(&message)) return duration->set_seconds(seconds), true;
  if (auto* const mask = dynamic_cast<pb::FieldMask*>(&message)) {
    mask->add_paths("display_name");
    mask->add_paths("period.start_date");
    return true;
  }
  if (auto* const any = dynamic_cast<pb::Any*>(&message)) {
    google::type::Date date;
    Fill(random, date, 0);
    return any->PackFrom(date);
  }
  return false;
}

void FillField(SeededRandom& random, pb::Message& message, pb::FieldDescriptor const* field, int depth) {
  auto const& reflection = *message.GetReflection();
  auto const put = [&](auto set, auto add, auto value) {
    field->is_repeated() ? (reflection.*add)(&message, field, value) : (reflection.*set)(&message, field, value);
  };
  using R = pb::Reflection;
  switch (field->cpp_type()) {
    case pb::FieldDescriptor::CPPTYPE_INT32:
      return put(&R::SetInt32, &R::AddInt32, static_cast<std::int32_t>(random.Next()));
    case pb::FieldDescriptor::CPPTYPE_INT64:
      return put(&R::SetInt64, &R::AddInt64, static_cast<std::int64_t>(random.Next()));
    case pb::FieldDescriptor::CPPTYPE_UINT32:
      return put(&R::SetUInt32, &R::AddUInt32, static_cast<std::uint32_t>(random.Next()));
    case pb::FieldDescriptor::CPPTYPE_UINT64:
      return put(&R::SetUInt64, &R::AddUInt64, random.Next());
    case pb::FieldDescriptor::CPPTYPE_BOOL:
      return put(&R::SetBool, &R::AddBool, random.Between(0, 1) == 1);
    case pb::FieldDescriptor::CPPTYPE_ENUM: {
      auto const* const type = field->enum_type();
      auto const* const value = type->value(static_cast<int>(random.Between(0, type->value_count() - 1)));
      return put(&R::SetEnum, &R::AddEnum, value);
    }
    case pb::FieldDescriptor::CPPTYPE_STRING: {
      static std::vector<std::string> const texts = {"x", "Øresundsvej \"4\"", "line\nbreak", "\\ € 😀", "organisations/9001"};
      auto const& text = texts[random.Next() % texts.size()];
      field->is_repeated() ? reflection.AddString(&message, field, text) : reflection.SetString(&message, field, text);
      return;
    }
    case pb::FieldDescriptor::CPPTYPE_MESSAGE: {
      if (depth == 0) return;
      auto* const child =
          field->is_repeated() ? reflection.AddMessage(&message, field) : reflection.MutableMessage(&message, field);
      return Fill(random, *child, depth - 1);
    }
    default:
      FAIL() << "the contract has no floating point: " << field->full_name();
  }
}

void Fill(SeededRandom& random, pb::Message& message, int depth) {
  if (FillWellKnown(random, message)) return;
  for (int i = 0; i < message.GetDescriptor()->field_count(); ++i) {
    auto const* const field = message.GetDescriptor()->field(i);
    if (field->is_map()) continue;
    for (auto n = field->is_repeated() ? random.Between(0, 3) : random.Between(0, 4) > 0 ? 1 : 0; n > 0; --n) {
      FillField(random, message, field, depth);
    }
  }
}

// What differs between two messages of one type, or nothing.
std::string Difference(pb::Message const& one, pb::Message const& other) {
  std::string difference;
  pb::util::MessageDifferencer differencer;
  differencer.ReportDifferencesToString(&difference);
  differencer.Compare(one, other);
  return difference;
}

TEST(Call, EveryMethodTakesItsRequestAndPrintsItsAnswerAsJson) {
  ASSERT_GT(AllMethods().size(), 20u);
  for (auto const* const method : AllMethods()) {
    SCOPED_TRACE(method->path());
    testing::TestWorld world;
    helhed::testing::ForAllSeeds(20, [&](SeededRandom& random) {
      auto const request = NewMessage(*method->descriptor().input_type());
      auto const answer = NewMessage(*method->descriptor().output_type());
      Fill(random, *request, 4);
      Fill(random, *answer, 4);
      if (auto const* const id = request->GetDescriptor()->FindFieldByName("request_id")) {
        request->GetReflection()->SetString(request.get(), id, NewUuid(world.clock.Now(), random));
      }
      std::string received;
      world.on_call = [&](contract::Method const& called, std::string_view bytes, client::CallOptions const&) {
        EXPECT_EQ(&called, method);
        received = bytes;
        return answer->SerializeAsString();
      };
      world.on_stream = [&](contract::Method const& called, std::string_view bytes, auto const& on_message) {
        EXPECT_EQ(&called, method);
        received = bytes;
        EXPECT_TRUE(on_message(answer->SerializeAsString()));
        return absl::OkStatus();
      };
      auto const json = ToJson(*request, JsonLayout::kOneLine);
      ASSERT_THAT(json, helhed::testing::IsOk());
      ASSERT_EQ(world.Run({"call", method->path(), *json, Address()}), kDone) << world.err.str();
      auto const got = NewMessage(*method->descriptor().input_type());
      ASSERT_TRUE(got->ParseFromString(received));
      EXPECT_EQ(Difference(*got, *request), "");
      auto const printed = FromJson(*method->descriptor().output_type(), world.out.str());
      ASSERT_THAT(printed, helhed::testing::IsOk());
      EXPECT_EQ(Difference(**printed, *answer), "");
    });
  }
}

TEST(Call, PrintsLowerCamelNamesAndDefaultValues) {
  testing::TestWorld world;
  v1::Dwelling dwelling;
  dwelling.set_building_section("A");
  world.on_call = [&](auto const&, auto, auto const&) { return dwelling.SerializeAsString(); };
  ASSERT_EQ(world.Run({"call", "GetDwelling", "{}", Address()}), kDone) << world.err.str();
  EXPECT_THAT(world.out.str(), HasSubstr("\"buildingSection\": \"A\""));
  EXPECT_THAT(world.out.str(), HasSubstr("\"areaSquareMetres\": 0"));
  EXPECT_THAT(world.out.str(), HasSubstr("\"door\": \"\""));
}

TEST(Call, FindsMethodsByEveryName) {
  testing::TestWorld world;
  std::string called;
  world.on_call = [&](contract::Method const& method, auto, auto const&) { return called = method.path(), std::string(); };
  for (std::string const name :
       {"GetDwelling", "HousingRegisterService.GetDwelling", "HousingRegisterService/GetDwelling",
        "helhed.residents.v1.HousingRegisterService.GetDwelling", "/helhed.residents.v1.HousingRegisterService/GetDwelling"}) {
    called.clear();
    EXPECT_EQ(world.Run({"call", name, Address()}), kDone) << name << world.err.str();
    EXPECT_EQ(called, "/helhed.residents.v1.HousingRegisterService/GetDwelling") << name;
  }
  EXPECT_EQ(world.Run({"call", "dwelling", Address()}), kUsage);
  EXPECT_THAT(world.err.str(), HasSubstr("no method 'dwelling'; it could be\n"));
  EXPECT_THAT(world.err.str(), HasSubstr("\n  helhed.residents.v1.HousingRegisterService.UpdateDwelling\n"));
  EXPECT_EQ(world.Run({"call", "etDwelling", Address()}), kUsage);
  EXPECT_EQ(world.Run({"describe", "ErrorReason"}), kUsage);
  EXPECT_THAT(world.err.str(), HasSubstr("several have the name"));
  EXPECT_THAT(world.err.str(), HasSubstr("\n  helhed.common.v1.ErrorReason\n"));
}

TEST(Call, RefusesJsonThatIsNoRequestAndNamesTheField) {
  testing::TestWorld world;
  EXPECT_EQ(world.Run({"call", "GetDwelling", "{\"nmae\": \"x\"}", Address()}), kUsage);
  EXPECT_THAT(world.err.str(), HasSubstr("nmae"));
  EXPECT_EQ(world.Run({"call", "GetDwelling", "{\"name\": ", Address()}), kUsage);
  EXPECT_EQ(world.Run({"call", "GetDwelling", "{\"name\": 3.5e}", Address()}), kUsage);
}

TEST(Call, ReadsTheRequestFromAFileOrTheStandardInput) {
  testing::TestWorld world;
  v1::GetDwellingRequest got;
  world.on_call = [&](auto const&, std::string_view bytes, auto const&) {
    EXPECT_TRUE(got.ParseFromString(std::string(bytes)));
    return std::string();
  };
  auto const path = ::testing::TempDir() + "helhed_call_request.json";
  std::ofstream(path) << "{\"name\": \"from-file\"}";
  EXPECT_EQ(world.Run({"call", "GetDwelling", "@" + path, Address()}), kDone) << world.err.str();
  EXPECT_EQ(got.name(), "from-file");
  world.in.str("{\"name\": \"from-input\"}");
  EXPECT_EQ(world.Run({"call", "GetDwelling", "-", Address()}), kDone) << world.err.str();
  EXPECT_EQ(got.name(), "from-input");
  EXPECT_EQ(world.Run({"call", "GetDwelling", "@/does/not/exist", Address()}), kUsage);
  EXPECT_THAT(world.err.str(), HasSubstr("/does/not/exist: No such file or directory"));
}

TEST(Call, GivesAChangeARequestId) {
  testing::TestWorld world;
  std::vector<std::string> ids;
  world.on_call = [&](auto const&, std::string_view bytes, auto const&) {
    v1::CreateOrganisationRequest request;
    EXPECT_TRUE(request.ParseFromString(std::string(bytes)));
    ids.push_back(request.request_id());
    return std::string();
  };
  auto const mine = UuidOf("mine");
  EXPECT_EQ(world.Run({"call", "CreateOrganisation", "{}", Address()}), kDone);
  EXPECT_EQ(world.Run({"call", "CreateOrganisation", "{}", Address()}), kDone);
  EXPECT_EQ(world.Run({"call", "CreateOrganisation", "{\"requestId\": \"" + mine + "\"}", Address()}), kDone);
  EXPECT_EQ(world.Run({"call", "CreateOrganisation", "--id", mine, Address()}), kDone);
  ASSERT_EQ(ids.size(), 4u);
  EXPECT_TRUE(IsUuid(ids[0]));
  EXPECT_NE(ids[0], ids[1]);
  EXPECT_EQ(ids[2], mine);
  EXPECT_EQ(ids[3], mine);
  EXPECT_EQ(world.Run({"call", "GetOrganisation", "--id", mine, Address()}), kUsage);
  EXPECT_EQ(world.Run({"call", "CreateOrganisation", "{\"requestId\": \"x\"}", "--id", mine, Address()}), kUsage);
}

TEST(Call, ARetryKeepsTheIdAndAFailureTellsIt) {
  testing::TestWorld world;
  std::set<std::string> ids;
  world.on_call = [&](auto const&, std::string_view bytes, auto const&) {
    v1::CreateOrganisationRequest request;
    EXPECT_TRUE(request.ParseFromString(std::string(bytes)));
    ids.insert(request.request_id());
    return absl::UnavailableError("gone");
  };
  EXPECT_EQ(world.Run({"call", "CreateOrganisation", "{}", Address()}), kFailed);
  EXPECT_GT(world.slept.size(), 0u);
  ASSERT_EQ(ids.size(), 1u);
  EXPECT_THAT(world.err.str(), HasSubstr("--id " + *ids.begin()));
}

TEST(Call, PrintsAStreamAsOneLineForEachMessage) {
  testing::TestWorld world;
  world.on_stream = [](auto const&, auto, auto const& on_message) {
    for (int i = 0; i < 3; ++i) {
      events::v1::WatchEventsResponse response;
      response.set_next_cursor(std::to_string(i));
      EXPECT_TRUE(on_message(response.SerializeAsString()));
    }
    return Error(absl::StatusCode::kOutOfRange, common::v1::ERROR_REASON_CURSOR_TOO_OLD, "too old");
  };
  EXPECT_EQ(world.Run({"call", "WatchEvents", Address()}), kFailed);
  EXPECT_EQ(world.out.str(),
            "{\"events\":[],\"nextCursor\":\"0\"}\n{\"events\":[],\"nextCursor\":\"1\"}\n{\"events\":[],\"nextCursor\":\"2\"}\n");
  EXPECT_EQ(world.err.str(), "OUT_OF_RANGE CURSOR_TOO_OLD\ntoo old\n");
  world.stop.request_stop();
  EXPECT_EQ(world.Run({"call", "WatchEvents", Address()}), kDone);
}

absl::Status Refusal() {
  auto status = BadRequest({{"dwelling.kvhx_key", "must have 19 characters"}, {"dwelling.address", "is required"}});
  return WithRetryDelay(std::move(status), std::chrono::milliseconds(1500));
}

TEST(Call, PrintsEverythingThatAnErrorCarries) {
  testing::TestWorld world;
  world.on_call = [](auto const&, auto, auto const&) { return Refusal(); };
  EXPECT_EQ(world.Run({"call", "GetDwelling", Address()}), kFailed);
  EXPECT_EQ(world.err.str(),
            "INVALID_ARGUMENT BAD_REQUEST\n  dwelling.kvhx_key: must have 19 characters\n  dwelling.address: is required\n"
            "  try again in 1.5s\n");
  world.on_call = [](auto const&, auto, auto const&) {
    return Error(absl::StatusCode::kAborted, common::v1::ERROR_REASON_ETAG_MISMATCH, "changed",
                 {{"current_etag", "b"}, {"etag", "a"}});
  };
  EXPECT_EQ(world.Run({"call", "GetDwelling", Address()}), kFailed);
  EXPECT_EQ(world.err.str(), "ABORTED ETAG_MISMATCH\nchanged\n  current_etag: b\n  etag: a\n");
  world.on_call = [](auto const&, auto, auto const&) { return absl::DataLossError("plain"); };
  EXPECT_EQ(world.Run({"call", "GetDwelling", Address()}), kFailed);
  EXPECT_EQ(world.err.str(), "DATA_LOSS\nplain\n");
}

TEST(Call, PrintsErrorsAsJsonWhenAsked) {
  testing::TestWorld world;
  world.on_call = [](auto const&, auto, auto const&) {
    auto status = Refusal();
    status.SetPayload("type.googleapis.com/not.of.this.Program", absl::Cord("\xFF"));
    return status;
  };
  EXPECT_EQ(world.Run({"call", "GetDwelling", Address(), "--json-errors"}), kFailed);
  pb::Struct json;
  ASSERT_TRUE(pb::util::JsonStringToMessage(world.err.str(), &json).ok()) << world.err.str();
  auto const& error = json.fields().at("error").struct_value().fields();
  EXPECT_EQ(error.at("code").number_value(), 400);
  EXPECT_EQ(error.at("status").string_value(), "INVALID_ARGUMENT");
  EXPECT_EQ(error.at("details").list_value().values_size(), 4);
  EXPECT_THAT(world.err.str(), HasSubstr("\"reason\":\"BAD_REQUEST\""));
  EXPECT_THAT(world.err.str(), HasSubstr("\"field\":\"dwelling.kvhx_key\""));
  EXPECT_THAT(world.err.str(), HasSubstr("\"retryDelay\":\"1.500s\""));
  EXPECT_THAT(world.err.str(), HasSubstr("\"value\":\"/w==\""));
}

TEST(Call, TakesOptionsFromTheEnvironmentAndTheCommandLineWins) {
  testing::TestWorld world;
  absl::Time deadline;
  world.on_call = [&](auto const&, auto, client::CallOptions const& options) {
    return deadline = options.deadline, std::string();
  };
  world.environment = {{"HELHED_ADDRESS", "there:1"}, {"HELHED_DEADLINE", "3s"}, {"HELHED_TLS_CA", "ca.pem"}};
  EXPECT_EQ(world.Run({"call", "GetDwelling"}), kDone) << world.err.str();
  EXPECT_EQ(world.connected.target, "there:1");
  EXPECT_EQ(world.connected.ca_file, "ca.pem");
  EXPECT_EQ(deadline, world.clock.Now() + absl::Seconds(3));
  EXPECT_EQ(world.Run({"call", "GetDwelling", "--address", "here:2", "--deadline", "1m"}), kDone);
  EXPECT_EQ(world.connected.target, "here:2");
  EXPECT_EQ(deadline, world.clock.Now() + absl::Minutes(1));
  world.environment.clear();
  EXPECT_EQ(world.Run({"call", "GetDwelling", "--address", "here:2"}), kDone);
  EXPECT_EQ(deadline, world.clock.Now() + absl::Seconds(10));
}

TEST(Call, RefusesCommandLinesThatMakeNoSense) {
  testing::TestWorld world;
  std::vector<std::vector<std::string>> const wrong = {
      {},
      {"nonsense"},
      {"call"},
      {"call", "GetDwelling"},
      {"call", "GetDwelling", "{}", "more", Address()},
      {"call", "GetDwelling", Address(), "--deadlin", "5s"},
      {"call", "GetDwelling", Address(), "--deadline", "5"},
      {"call", "GetDwelling", Address(), "--deadline", "-5s"},
      {"call", "GetDwelling", Address(), "--deadline"},
      {"call", "GetDwelling", Address(), "--grant", "reader"},
      {"call", "GetDwelling", Address(), "--token", "a", "--identity-key", "b"},
      {"call", "GetDwelling", Address(), "--bearer", "a", "--identity-key", "b"},
      {"call", "GetDwelling", "{}", Address(), "--bearer", "/dev/null"},
      {"call", "GetDwelling", Address(), "--tls-key", "a"},
      {"call", "GetDwelling", Address(), "--tls-key", "a", "--tls-certificate", "b"},
      {"describe"},
      {"describe", "Nothing"},
      {"completion", "fish"},
  };
  for (auto const& arguments : wrong) {
    EXPECT_EQ(world.Run(arguments), kUsage) << ::testing::PrintToString(arguments);
    EXPECT_FALSE(world.err.str().empty());
    EXPECT_TRUE(world.out.str().empty());
  }
}

TEST(Call, ListsEveryMethodWithItsFirstSentence) {
  testing::TestWorld world;
  EXPECT_EQ(world.Run({"call", "--list"}), kDone);
  auto const text = world.out.str();
  EXPECT_EQ(static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')), AllMethods().size());
  EXPECT_THAT(text, HasSubstr("GetOrganisation          Returns an organisation with its administrator on a date.\n"));
  EXPECT_THAT(text, HasSubstr("WatchEvents              Sends events after a cursor as they happen, until the caller leaves.\n"));
}

TEST(Describe, PrintsTheContractWithItsComments) {
  testing::TestWorld world;
  EXPECT_EQ(world.Run({"describe", "BatchCreateDwellings"}), kDone) << world.err.str();
  EXPECT_THAT(world.out.str(),
              StartsWith("// helhed.residents.v1.HousingRegisterService.BatchCreateDwellings (helhed/residents/"));
  EXPECT_THAT(world.out.str(), HasSubstr("\n// Enters up to 1,000 dwellings at once (AIP-233)"));
  EXPECT_THAT(world.out.str(), HasSubstr("permission: \"residents.dwellings.create\""));
  EXPECT_THAT(world.out.str(), Not(HasSubstr("json_name")));
  EXPECT_THAT(world.out.str(), HasSubstr("message BatchCreateDwellingsRequest {"));
  EXPECT_THAT(world.out.str(), HasSubstr("message BatchCreateDwellingsResponse {"));
  EXPECT_EQ(world.Run({"describe", "Dwelling"}), kDone);
  EXPECT_THAT(world.out.str(), HasSubstr("// The building section (byggeafsnit) within the department."));
  EXPECT_EQ(world.Run({"describe", "BatchOutcome"}), kDone);
  EXPECT_THAT(world.out.str(), HasSubstr("BATCH_OUTCOME_UNCHANGED = 2;"));
  EXPECT_EQ(world.Run({"describe", "HousingRegisterService"}), kDone);
  EXPECT_THAT(world.out.str(), HasSubstr("rpc ListDwellings"));
}

TEST(Help, ExplainsEveryCommandWithExamples) {
  testing::TestWorld world;
  EXPECT_EQ(world.Run({"--help"}), kDone);
  for (auto const& command : Commands()) EXPECT_THAT(world.out.str(), HasSubstr(std::string(command.name)));
  EXPECT_EQ(world.Run({"--version"}), kDone);
  EXPECT_THAT(world.out.str(), StartsWith("helhed "));
  for (auto const& command : Commands()) {
    EXPECT_EQ(world.Run({std::string(command.name), "--help"}), kDone);
    EXPECT_THAT(world.out.str(), HasSubstr("Usage: helhed " + std::string(command.name)));
    EXPECT_THAT(world.out.str(), HasSubstr("Examples:\n"));
    auto const help = world.out.str();
    EXPECT_EQ(world.Run({"help", std::string(command.name)}), kDone);
    EXPECT_EQ(world.out.str(), help);
  }
}

}  // namespace
}  // namespace helhed::cli
