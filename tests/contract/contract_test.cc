#include <gmock/gmock.h>
#include <google/protobuf/compiler/parser.h>
#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/text_format.h>

#include "services/platform/testing/matchers.h"
#include "tests/contract/check_contract.h"
#include "tests/contract/load.h"

namespace helhed::tests {
namespace {

using google::protobuf::FileDescriptorProto;
using ::testing::AllOf;
using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// A contract in the package of residents that keeps every rule. Each case below breaks one.
constexpr std::string_view kGood = R"(syntax = "proto3";
package helhed.residents.v1;
import "google/api/annotations.proto";
import "google/api/field_behavior.proto";
import "google/api/resource.proto";
import "google/protobuf/empty.proto";
import "google/protobuf/field_mask.proto";
import "google/protobuf/timestamp.proto";
import "helhed/policy/v1/policy.proto";
// The boats.
service BoatService {
  // Returns a boat.
  rpc GetBoat(GetBoatRequest) returns (Boat) {
    option (google.api.http) = {get: "/v1/{name=boats/*}"};
    option (helhed.policy.v1.method) = {
      permission: "residents.boats.get" resource: "name" scope: SCOPE_RESOURCE effect: EFFECT_READ audit: AUDIT_LEVEL_NONE
    };
  }
  // Lists boats.
  rpc ListBoats(ListBoatsRequest) returns (ListBoatsResponse) {
    option (google.api.http) = {get: "/v1/boats"};
    option (helhed.policy.v1.method) = {
      permission: "residents.boats.list" scope: SCOPE_FILTERED effect: EFFECT_READ audit: AUDIT_LEVEL_NONE
    };
  }
  // Changes a boat.
  rpc UpdateBoat(UpdateBoatRequest) returns (Boat) {
    option (google.api.http) = {patch: "/v1/{boat.name=boats/*}" body: "boat"};
    option (helhed.policy.v1.method) = {
      permission: "residents.boats.update" resource: "boat.name" scope: SCOPE_RESOURCE effect: EFFECT_WRITE audit: AUDIT_LEVEL_REQUEST
    };
  }
  // Sinks a boat.
  rpc DeleteBoat(DeleteBoatRequest) returns (google.protobuf.Empty) {
    option (google.api.http) = {delete: "/v1/{name=boats/*}"};
    option (helhed.policy.v1.method) = {
      permission: "residents.boats.delete" resource: "name" scope: SCOPE_RESOLVED effect: EFFECT_DESTRUCTIVE audit: AUDIT_LEVEL_METADATA
    };
  }
}
// A boat.
message Boat {
  option (google.api.resource) = {type: "helhed.dk/Boat" pattern: "boats/{boat}" plural: "boats" singular: "boat"};
  option (helhed.policy.v1.message).data_class = DATA_CLASS_INTERNAL;
  // Its name.
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  // Who owns it.
  string owner = 2 [(helhed.policy.v1.field) = {data_class: DATA_CLASS_PERSONAL rules: {pattern: "[a-z]+"}}];
  // Its mother ship.
  string mother = 3 [(google.api.resource_reference).type = "helhed.dk/Boat"];
  // What it is.
  BoatKind kind = 4;
  // When it was entered.
  google.protobuf.Timestamp create_time = 5;
  // When it was changed.
  google.protobuf.Timestamp update_time = 6;
  // Its state.
  string etag = 7;
}
// What a boat is.
enum BoatKind {
  // Not known.
  BOAT_KIND_UNSPECIFIED = 0;
}
// Why not.
enum ErrorReason {
  // Never sent.
  ERROR_REASON_UNSPECIFIED = 0;
  // FAILED_PRECONDITION. It leaks.
  ERROR_REASON_LEAK = 1;
}
// Asks for a boat.
message GetBoatRequest {
  option (helhed.policy.v1.message).data_class = DATA_CLASS_INTERNAL;
  // Its name.
  string name = 1;
  // How big.
  int32 size = 2;
}
// Asks for boats.
message ListBoatsRequest {
  option (helhed.policy.v1.message).data_class = DATA_CLASS_INTERNAL;
  // How many.
  int32 page_size = 1;
  // From where.
  string page_token = 2;
  // Which.
  string filter = 3;
  // In which order.
  string order_by = 4;
}
// Boats.
message ListBoatsResponse {
  option (helhed.policy.v1.message).data_class = DATA_CLASS_INTERNAL;
  // Them.
  repeated Boat boats = 1;
  // Where to go on.
  string next_page_token = 2;
}
// Changes a boat.
message UpdateBoatRequest {
  option (helhed.policy.v1.message).data_class = DATA_CLASS_INTERNAL;
  // The new values.
  Boat boat = 1;
  // Which.
  google.protobuf.FieldMask update_mask = 2;
  // The update's id.
  string request_id = 3 [(helhed.policy.v1.field).rules = {uuid: true}];
  // Change nothing.
  bool validate_only = 4;
}
// Sinks a boat.
message DeleteBoatRequest {
  option (helhed.policy.v1.message).data_class = DATA_CLASS_INTERNAL;
  // Its name.
  string name = 1;
  // The id.
  string request_id = 2 [(helhed.policy.v1.field).rules = {uuid: true}];
  // Nothing.
  bool validate_only = 3;
}
)";

constexpr auto kRoles = "roles { name: 'a' permissions: 'residents.boats.*' }";

std::string Replaced(std::string text, std::string_view from, std::string_view to) {
  auto const at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  EXPECT_EQ(text.find(from, at + 1), std::string::npos) << from << " is there more than once";
  return at == std::string::npos ? text : text.replace(at, from.size(), to);
}

// Prints what protobuf does not take, so that a case that is no proto at all does not look like one that is refused.
class Printer : public google::protobuf::io::ErrorCollector {
 public:
  void AddError(int line, int /*column*/, std::string const& message) override { ADD_FAILURE() << line + 1 << ": " << message; }
};

std::vector<Fault> FaultsOf(std::string const& text, std::string const& roles_text = kRoles) {
  auto const loaded = LoadContract(HELHED_DESCRIPTORS);
  EXPECT_THAT(loaded, testing::IsOk());
  google::protobuf::io::ArrayInputStream stream(text.data(), static_cast<int>(text.size()));
  Printer printer;
  google::protobuf::io::Tokenizer tokenizer(&stream, &printer);
  google::protobuf::compiler::Parser parser;
  parser.RecordErrorsTo(&printer);
  FileDescriptorProto file;
  EXPECT_TRUE(parser.Parse(&tokenizer, &file));
  file.set_name("boats.proto");
  // On top of the real contract's imports, without its residents, whose names these would meet.
  google::protobuf::DescriptorPool pool;
  for (auto const* const name :
       {"google/protobuf/descriptor.proto", "google/protobuf/duration.proto", "google/protobuf/empty.proto",
        "google/protobuf/field_mask.proto", "google/protobuf/timestamp.proto", "google/api/http.proto",
        "google/api/annotations.proto", "google/api/field_behavior.proto", "google/api/resource.proto",
        "helhed/policy/v1/policy.proto"}) {
    FileDescriptorProto copy;
    loaded->pool->FindFileByName(name)->CopyTo(&copy);
    EXPECT_NE(pool.BuildFile(copy), nullptr) << name;
  }
  auto const* const built = pool.BuildFile(file);
  EXPECT_NE(built, nullptr);
  policy::v1::RolePolicy roles;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(roles_text, &roles));
  return built == nullptr ? std::vector<Fault>() : CheckContract({built}, roles);
}

std::vector<std::string> Texts(std::vector<Fault> const& faults) {
  std::vector<std::string> texts;
  for (auto const& fault : faults) texts.push_back(fault.ToString());
  return texts;
}

TEST(TheContract, KeepsItsRules) {
  auto const contract = LoadContract(HELHED_DESCRIPTORS);
  auto const roles = LoadRoles(HELHED_ROLES);
  ASSERT_THAT(contract, testing::IsOk());
  ASSERT_THAT(roles, testing::IsOk());
  EXPECT_GT(contract->files.size(), 5U);
  EXPECT_THAT(Texts(CheckContract(contract->files, *roles)), IsEmpty());
}

TEST(CheckContract, TakesAGoodContract) { EXPECT_THAT(Texts(FaultsOf(std::string(kGood))), IsEmpty()); }

TEST(CheckContract, TakesAReadByPostWhereItIsACustomMethod) {
  EXPECT_THAT(Texts(FaultsOf(Replaced(std::string(kGood), "{get: \"/v1/boats\"}", "{post: \"/v1/boats:search\" body: \"*\"}"))),
              IsEmpty());
}

TEST(CheckContract, NamesFileLineAndName) {
  auto const faults = FaultsOf(Replaced(std::string(kGood), "  // Who owns it.\n", ""));
  ASSERT_EQ(faults.size(), 1U);
  EXPECT_EQ(faults[0].ToString(), "proto/boats.proto:47: helhed.residents.v1.Boat.owner: has no comment");
}

TEST(CheckContract, NeedsARoleThatCarriesAPermission) {
  EXPECT_THAT(
      Texts(FaultsOf(std::string(kGood),
                     "roles { name: 'a' permissions: 'residents.boats.get' permissions: 'residents.boats.list' "
                     "permissions: 'residents.boats.delete' }")),
      ::testing::ElementsAre(HasSubstr("BoatService.UpdateBoat: no role of the policy file carries `residents.boats.update`")));
}

struct Case {
  std::string_view from;
  std::string_view to;
  std::string_view fault;
};

void PrintTo(Case const& broken, std::ostream* out) { *out << broken.from << " -> " << broken.to; }

class Broken : public ::testing::TestWithParam<Case> {};

TEST_P(Broken, IsRefused) {
  auto const& [from, to, fault] = GetParam();
  auto const texts = Texts(FaultsOf(Replaced(std::string(kGood), from, to)));
  EXPECT_THAT(texts, ::testing::Contains(HasSubstr(std::string(fault))));
  EXPECT_THAT(texts, Each(AllOf(HasSubstr("proto/boats.proto:"), Not(HasSubstr(":0:")))));
}

INSTANTIATE_TEST_SUITE_P(Comments, Broken,
                         ::testing::Values(Case{"// The boats.\n", "", "v1.BoatService: has no comment"},
                                           Case{"// Returns a boat.\n", "", "BoatService.GetBoat: has no comment"},
                                           Case{"// A boat.\n", "", "v1.Boat: has no comment"},
                                           Case{"// Who owns it.\n", "//\n", "Boat.owner: has no comment"},
                                           Case{"// What a boat is.\n", "", "v1.BoatKind: has no comment"},
                                           Case{"// Not known.\n", "", "BOAT_KIND_UNSPECIFIED: has no comment"},
                                           Case{"// FAILED_PRECONDITION. It leaks.", "// It leaks.",
                                                "ERROR_REASON_LEAK: the comment of a reason begins"},
                                           Case{"enum ErrorReason {", "enum LeakReason {",
                                                "LeakReason: the reasons of errors stand in one enum"}));

INSTANTIATE_TEST_SUITE_P(
    Methods, Broken,
    ::testing::Values(
        Case{"option (google.api.http) = {get: \"/v1/boats\"};", "", "ListBoats: has no google.api.http rule"},
        Case{"{get: \"/v1/boats\"}", "{body: \"*\"}", "ListBoats: its google.api.http rule has no path"},
        Case{"{get: \"/v1/boats\"}", "{get: \"/v1/boats/*\"}",
             "ListBoats: takes the same GET /v1/boats/* as helhed.residents.v1.BoatService.GetBoat"},
        Case{"{get: \"/v1/boats\"}", "{get: \"/v1/boats\" body: \"*\"}", "ListBoats: GET has no body"},
        Case{"{delete: \"/v1/{name=boats/*}\"}", "{delete: \"/v1/{name=boats/*}\" body: \"*\"}",
             "DeleteBoat: DELETE has no body"},
        Case{"body: \"boat\"", "body: \"ship\"", "UpdateBoat: its body `ship` is no field"},
        Case{"{get: \"/v1/{name=boats/*}\"}", "{get: \"/v1/{id=boats/*}\"}",
             "GetBoat: the variable `id` of its path is no string"},
        Case{"{get: \"/v1/{name=boats/*}\"}", "{get: \"/v1/boats/{size}\"}",
             "GetBoat: the variable `size` of its path is no string"},
        Case{"rpc ListBoats(ListBoatsRequest)", "rpc ListBoats(stream ListBoatsRequest)", "ListBoats: streams from the caller"},
        Case{"{get: \"/v1/boats\"}", "{post: \"/v1/boats\" body: \"*\"}", "ListBoats: GET is for EFFECT_READ"},
        Case{"{delete: \"/v1/{name=boats/*}\"}", "{get: \"/v1/{name=boats/*}:sink\"}", "DeleteBoat: GET is for EFFECT_READ"}));

INSTANTIATE_TEST_SUITE_P(
    Policies, Broken,
    ::testing::Values(
        Case{"option (helhed.policy.v1.method) = {\n      permission: \"residents.boats.list\" scope: SCOPE_FILTERED effect: "
             "EFFECT_READ audit: "
             "AUDIT_LEVEL_NONE\n    };",
             "", "ListBoats: has no policy"},
        Case{"residents.boats.get", "boats.get", "GetBoat: its permission `boats.get` is not"},
        Case{"residents.boats.get", "funding.boats.get", "GetBoat: its permission `funding.boats.get` is not"},
        Case{"residents.boats.get", "residents.boat.get", "GetBoat: its permission `residents.boat.get` is not"},
        Case{"residents.boats.get", "residents.boats.", "GetBoat: its permission `residents.boats.` is not"},
        Case{"permission: \"residents.boats.get\"", "", "GetBoat: its permission `` is not"},
        Case{"SCOPE_FILTERED effect: EFFECT_READ", "SCOPE_FILTERED", "ListBoats: its policy has no effect"},
        Case{"audit: AUDIT_LEVEL_REQUEST", "", "UpdateBoat: changes something and is not audited"},
        Case{"audit: AUDIT_LEVEL_METADATA", "audit: AUDIT_LEVEL_NONE", "DeleteBoat: changes something and is not audited"},
        Case{"resource: \"name\" scope: SCOPE_RESOURCE", "scope: SCOPE_RESOURCE", "GetBoat: its policy names no resource"},
        Case{"resource: \"name\" scope: SCOPE_RESOLVED", "scope: SCOPE_RESOLVED", "DeleteBoat: its policy names no resource"},
        Case{"resource: \"boat.name\"", "resource: \"boat.title\"",
             "UpdateBoat: its policy's resource `boat.title` is no string"},
        Case{"resource: \"boat.name\"", "resource: \"boat\"", "UpdateBoat: its policy's resource `boat` is no string"}));

INSTANTIATE_TEST_SUITE_P(
    Requests, Broken,
    ::testing::Values(
        Case{"string request_id = 2 [(helhed.policy.v1.field).rules = {uuid: true}];", "string request_id = 2;",
             "DeleteBoat: changes something and its request has no `string request_id`"},
        Case{"string request_id = 3 [(helhed.policy.v1.field).rules = {uuid: true}];", "string id = 3;",
             "UpdateBoat: changes something and its request has no `string request_id`"},
        Case{"bool validate_only = 3", "string validate_only = 3",
             "DeleteBoat: changes something and its request has no `bool validate_only`"},
        Case{"int32 page_size", "string page_size", "ListBoats: lists and its request has no `int32 page_size`"},
        Case{"string page_token = 2", "string token = 2", "ListBoats: lists and its request has no `string page_token`"},
        Case{"string filter = 3", "string where = 3", "ListBoats: lists and its request has no `string filter`"},
        Case{"string order_by = 4", "string sort = 4", "ListBoats: lists and its request has no `string order_by`"},
        Case{"string next_page_token = 2", "string more = 2",
             "ListBoats: lists and its response has no `string next_page_token`"},
        Case{"repeated Boat boats = 1", "Boat boats = 1", "ListBoats: lists and its response has not exactly one"},
        Case{"repeated Boat boats = 1", "repeated string boats = 1", "ListBoats: lists and its response has not exactly one"},
        Case{"google.protobuf.FieldMask update_mask = 2", "string update_mask = 2", "UpdateBoat: updates and its request has no"},
        Case{"rpc UpdateBoat(UpdateBoatRequest) returns (Boat)",
             "rpc UpdateBoat(UpdateBoatRequest) returns (google.protobuf.Empty)",
             "UpdateBoat: updates and its request has no field of the resource"}));

INSTANTIATE_TEST_SUITE_P(
    Fields, Broken,
    ::testing::Values(
        Case{"message GetBoatRequest {\n  option (helhed.policy.v1.message).data_class = DATA_CLASS_INTERNAL;",
             "message GetBoatRequest {", "GetBoatRequest.size: has no data class"},
        Case{"message GetBoatRequest {\n  option (helhed.policy.v1.message).data_class = DATA_CLASS_INTERNAL;",
             "message GetBoatRequest {\n  option (helhed.policy.v1.message).data_class = DATA_CLASS_PERSONAL;",
             "GetBoatRequest.size: is PERSONAL or more private and stands in the query of "
             "helhed.residents.v1.BoatService.GetBoat"},
        Case{
            "message GetBoatRequest {\n  option (helhed.policy.v1.message).data_class = DATA_CLASS_INTERNAL;",
            "message GetBoatRequest {\n  option (helhed.policy.v1.message).data_class = DATA_CLASS_PERSONAL;",
            "GetBoatRequest.name: is PERSONAL or more private and stands in the path of helhed.residents.v1.BoatService.GetBoat"},
        Case{"int32 size = 2;", "Boat size = 2;",
             "Boat.owner: is PERSONAL or more private and stands in the query of helhed.residents.v1.BoatService.GetBoat"},
        Case{"body: \"boat\"", "",
             "Boat.owner: is PERSONAL or more private and stands in the query of helhed.residents.v1.BoatService.UpdateBoat"},
        Case{"pattern: \"[a-z]+\"", "pattern: \"[a-z\"", "Boat.owner: its pattern is not in RE2 syntax"},
        Case{"(google.api.resource_reference).type = \"helhed.dk/Boat\"",
             "(google.api.resource_reference).type = \"helhed.dk/Ship\"",
             "Boat.mother: refers to helhed.dk/Ship, which is no resource"}));

INSTANTIATE_TEST_SUITE_P(
    Resources, Broken,
    ::testing::Values(Case{"type: \"helhed.dk/Boat\"", "type: \"example.com/Boat\"", "v1.Boat: a resource has a type"},
                      Case{"pattern: \"boats/{boat}\"", "", "v1.Boat: a resource has a type"},
                      Case{" plural: \"boats\"", "", "v1.Boat: a resource has a type"},
                      Case{"string name = 1 [(google.api.field_behavior) = IDENTIFIER];", "string name = 1;",
                           "v1.Boat: a resource begins with"},
                      Case{"string name = 1 [(google.api.field_behavior)", "string id = 1 [(google.api.field_behavior)",
                           "v1.Boat: a resource begins with"},
                      Case{"string etag = 7", "string tag = 7", "v1.Boat: a resource has `string etag`"},
                      Case{"google.protobuf.Timestamp create_time", "string create_time", "create_time` (AIP-148)"},
                      Case{"google.protobuf.Timestamp update_time", "google.protobuf.Timestamp changed",
                           "update_time` (AIP-148)"}));

}  // namespace
}  // namespace helhed::tests
