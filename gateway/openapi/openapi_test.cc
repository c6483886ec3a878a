#include "gateway/openapi/openapi.h"

#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>
#include <google/protobuf/message.h>
#include <gtest/gtest.h>
#include <rapidjson/document.h>
#include <rapidjson/pointer.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <fstream>
#include <set>
#include <sstream>

#include "gateway/openapi/examples.h"
#include "gateway/rest/transcoder.h"
#include "helhed/desk/v1/desk.pb.h"
#include "services/platform/testing/matchers.h"

namespace helhed::gateway::openapi {
namespace {

using helhed::testing::IsOk;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsSupersetOf;
using ::testing::Not;
using ::testing::StartsWith;

std::string DeskDescriptors() {
  std::ifstream file(HELHED_DESK_DESCRIPTORS, std::ios::binary);
  std::stringstream bytes;
  bytes << file.rdbuf();
  return bytes.str();
}

// Mentioning the type is what links its file.
std::vector<contract::Method const*> DeskMethods() {
  return contract::MethodsOf(desk::v1::Desk::descriptor()->file()->service(0)->full_name());
}

rapidjson::Document Parsed(absl::StatusOr<std::string> const& text) {
  rapidjson::Document document;
  EXPECT_THAT(text, IsOk());
  document.Parse(text.value_or("{}").c_str());
  EXPECT_FALSE(document.HasParseError());
  return document;
}

// The document of a service that the gateway was not written for.
rapidjson::Document const& Desks() {
  static auto const* const document = new rapidjson::Document(Parsed(Generate(DeskMethods(), DeskDescriptors(), Info())));
  return *document;
}

// What stands at a JSON pointer, as text; `missing` where nothing does.
std::string At(rapidjson::Value const& value, std::string const& pointer) {
  auto const* const found = rapidjson::Pointer(pointer.c_str()).Get(value);
  if (found == nullptr) return "missing";
  rapidjson::StringBuffer buffer;
  rapidjson::Writer<rapidjson::StringBuffer> writer(buffer);
  found->Accept(writer);
  return buffer.GetString();
}

std::vector<std::string> Names(rapidjson::Value const& value, std::string const& pointer) {
  std::vector<std::string> names;
  auto const* const found = rapidjson::Pointer(pointer.c_str()).Get(value);
  if (found == nullptr || !found->IsObject()) return names;
  for (auto const& member : found->GetObject()) names.emplace_back(member.name.GetString());
  return names;
}

// The parameters of an operation, `query pageSize`, references resolved.
std::vector<std::string> Parameters(std::string const& operation) {
  std::vector<std::string> names;
  auto const* const found = rapidjson::Pointer((operation + "/parameters").c_str()).Get(Desks());
  if (found == nullptr) return names;
  for (auto const& parameter : found->GetArray()) {
    if (parameter.HasMember("$ref")) {
      names.push_back(absl::StrCat("ref ", parameter["$ref"].GetString()));
    } else {
      names.push_back(absl::StrCat(parameter["in"].GetString(), " ", parameter["name"].GetString()));
    }
  }
  return names;
}

TEST(OpenApi, ANewServiceAppearsByItself) {
  EXPECT_EQ(At(Desks(), "/openapi"), "\"3.1.0\"");
  EXPECT_THAT(Names(Desks(), "/paths"),
              ElementsAre("/v1/rooms/{room}/desks/{desk}", "/v1/halls/{halls_id}/rooms/{room}/desks/{desk}",
                          "/v1/rooms/{room}/desks", "/v1/rooms/{room}/desks/{desk}:move", "/v1/rooms/{room}/desks:show",
                          "/v1/desks:watch", "/v1/rooms/{room}/desks/{desk}:drawing", "/v1/rooms/{room}/desks:export",
                          "/v1/rooms/{room}/desks/{desk}:picture", "/v1/deskFiles/{rest}"));
  EXPECT_EQ(At(Desks(), "/paths/~1v1~1rooms~1{room}~1desks~1{desk}/get/operationId"), "\"DeskService_GetDesk\"");
  EXPECT_EQ(At(Desks(), "/paths/~1v1~1rooms~1{room}~1desks~1{desk}/get/summary"), "\"Returns a desk\"");
  EXPECT_THAT(At(Desks(), "/paths/~1v1~1rooms~1{room}~1desks~1{desk}/get/description"), HasSubstr("With a second sentence."));
  EXPECT_EQ(At(Desks(), "/tags/0/description"), "\"Desks in rooms.\"");
}

TEST(OpenApi, BytesHaveAnyMediaType) {
  for (auto const* path : {"/paths/~1v1~1rooms~1{room}~1desks~1{desk}:drawing/get/responses/200",
                           "/paths/~1v1~1rooms~1{room}~1desks:export/get/responses/200",
                           "/paths/~1v1~1rooms~1{room}~1desks~1{desk}:picture/post/requestBody"}) {
    EXPECT_THAT(Names(Desks(), absl::StrCat(path, "/content")), ElementsAre("*/*")) << path;
    EXPECT_EQ(At(Desks(), absl::StrCat(path, "/content/*~1*/schema/format")), "\"binary\"") << path;
  }
}

TEST(OpenApi, ParametersOfPathQueryAndHeader) {
  EXPECT_THAT(Parameters("/paths/~1v1~1rooms~1{room}~1desks/get"),
              ElementsAre("path room", "query pageSize", "query filter", "query asOfDate", "query woods", "query notes",
                          "query size.widthMm", "query size.depthMm", "query thisOne", "query thatOne", "query since",
                          "query hidden", "ref #/components/parameters/IfNoneMatch"))
      << "lists of messages cannot stand in a query, what the server sets need not";
  EXPECT_THAT(Parameters("/paths/~1v1~1rooms~1{room}~1desks/post"),
              ElementsAre("path room", "query deskId", "query requestId", "ref #/components/parameters/IdempotencyKey"));
  EXPECT_THAT(Parameters("/paths/~1v1~1rooms~1{room}~1desks~1{desk}:move/post"),
              ElementsAre("path room", "path desk", "ref #/components/parameters/IdempotencyKey"));
  EXPECT_THAT(Parameters("/paths/~1v1~1rooms~1{room}~1desks~1{desk}/patch"), Contains("ref #/components/parameters/IfMatch"));
  EXPECT_THAT(Parameters("/paths/~1v1~1desks:watch/get"), ElementsAre("query cursor", "ref #/components/parameters/LastEventId"));
}

TEST(OpenApi, LimitsAndClassesAreThoseOfTheContract) {
  auto const desk = std::string("/components/schemas/helhed.desk.v1.Desk/properties");
  EXPECT_EQ(At(Desks(), desk + "/title/maxLength"), "30");
  EXPECT_EQ(At(Desks(), desk + "/title/minLength"), "1");
  EXPECT_EQ(At(Desks(), desk + "/tags/maxItems"), "3");
  EXPECT_EQ(At(Desks(), desk + "/tags/items/maxLength"), "10");
  EXPECT_EQ(At(Desks(), desk + "/code/pattern"), "\"^(?:[A-Z]{2}-[0-9]{1,3})$\"");
  EXPECT_EQ(At(Desks(), desk + "/code/examples/0"), "\"AB-12\"");
  EXPECT_EQ(At(Desks(), desk + "/inventory/type"), "\"string\"");
  EXPECT_EQ(At(Desks(), desk + "/inventory/x-maximum"), "99");
  EXPECT_EQ(At(Desks(), desk + "/owner/x-data-class"), "\"PERSONAL\"");
  EXPECT_EQ(At(Desks(), desk + "/createTime/readOnly"), "true");
  EXPECT_EQ(At(Desks(), desk + "/origin/x-immutable"), "true");
  EXPECT_EQ(At(Desks(), desk + "/name/pattern"), "\"^rooms/[A-Za-z0-9._~-]{1,63}/desks/[A-Za-z0-9._~-]{1,63}$\"");
  EXPECT_EQ(At(Desks(), "/components/schemas/helhed.desk.v1.Desk/required"), "[\"title\"]");
  EXPECT_EQ(At(Desks(), "/components/schemas/helhed.desk.v1.Desk.Patch/required"), "missing");
  EXPECT_EQ(At(Desks(), "/components/schemas/helhed.desk.v1.Wood/enum"), R"(["WOOD_UNSPECIFIED","WOOD_OAK","WOOD_BEECH"])");
  EXPECT_EQ(At(Desks(), "/paths/~1v1~1rooms~1{room}~1desks/get/parameters/1/schema/maximum"), "1000");
}

TEST(OpenApi, BodiesLeaveOutWhatThePathSays) {
  EXPECT_THAT(Names(Desks(), "/components/schemas/helhed.desk.v1.MoveDeskRequest.Body/properties"),
              ElementsAre("room", "with", "requestId"));
  EXPECT_EQ(At(Desks(), "/components/schemas/helhed.desk.v1.MoveDeskRequest.Body/additionalProperties"), "false");
}

TEST(OpenApi, AnswersErrorsAndSecurity) {
  auto const get = std::string("/paths/~1v1~1rooms~1{room}~1desks~1{desk}/get");
  EXPECT_THAT(Names(Desks(), get + "/responses"),
              ElementsAre("200", "304", "400", "401", "403", "404", "405", "406", "429", "500", "501", "503", "504"));
  EXPECT_THAT(Names(Desks(), "/paths/~1v1~1rooms~1{room}~1desks/post/responses"), IsSupersetOf({"409", "413", "415"}));
  EXPECT_THAT(At(Desks(), "/components/responses/desk.v1.409/description"), HasSubstr("`ETAG_MISMATCH`"));
  EXPECT_THAT(At(Desks(), "/components/responses/desk.v1.405/description"), HasSubstr("`HTTP_METHOD_NOT_ALLOWED`"));
  EXPECT_THAT(At(Desks(), "/components/schemas/ErrorReason/enum"), HasSubstr("\"PAGE_TOKEN_INVALID\""));
  EXPECT_EQ(At(Desks(), get + "/security"), "missing");
  EXPECT_EQ(At(Desks(), "/paths/~1v1~1deskFiles~1{rest}/get/security"), "[]") << "public";
  EXPECT_THAT(Names(Desks(), "/paths/~1v1~1deskFiles~1{rest}/get/responses"), Not(Contains("401")));
  EXPECT_THAT(Names(Desks(), "/components/securitySchemes"), ElementsAre("bearer", "mutualTLS"));
  EXPECT_THAT(Names(Desks(), "/paths/~1v1~1desks:watch/get/responses/200/content"),
              ElementsAre("application/x-ndjson", "text/event-stream"));
  EXPECT_EQ(At(Desks(), "/paths/~1v1~1rooms~1{room}~1desks:show/get/responses/200/content/application~1json/schema/type"),
            "\"array\"");
}

TEST(OpenApi, AServicesOwnReasonsStandInItsAnswers) {
  auto const document =
      Parsed(Generate(contract::MethodsOf("helhed.residents.v1.HousingRegisterService"), EmbeddedDescriptors(), Info()));
  EXPECT_THAT(At(document, "/components/responses/residents.v1.400/description"), HasSubstr("`DEPARTMENT_MERGED`"));
  EXPECT_THAT(At(document, "/components/responses/residents.v1.409/description"), HasSubstr("`ADDRESS_TAKEN`"));
}

TEST(OpenApi, WhatAnInstallationSaysOfItself) {
  Info info;
  info.server_url = "https://api.example.dk";
  info.licence_name = "EUPL-1.2";
  info.openid_connect_url = "https://login.example.dk/.well-known/openid-configuration";
  auto const document = Parsed(Generate({}, EmbeddedDescriptors(), info));
  EXPECT_EQ(At(document, "/servers/0/url"), "\"https://api.example.dk\"");
  EXPECT_EQ(At(document, "/info/license/name"), "\"EUPL-1.2\"");
  EXPECT_EQ(At(document, "/components/securitySchemes/openIdConnect/type"), "\"openIdConnect\"");
  EXPECT_EQ(Generate({}, "no descriptors", info).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(OpenApi, TheSameContractIsTheSameText) {
  auto const methods = contract::AllMethods();
  auto const first = Generate(methods, DeskDescriptors(), Info());
  EXPECT_EQ(*first, *Generate(methods, DeskDescriptors(), Info()));
}

TEST(OpenApi, EveryReferenceLeadsSomewhereAndEveryOperationIdIsItsOwn) {
  auto const text = Generate(contract::AllMethods(), EmbeddedDescriptors(), Info());
  auto const document = Parsed(text);
  constexpr std::string_view ref = "\"$ref\":\"#";
  for (auto at = text->find(ref); at != std::string::npos; at = text->find(ref, at + 1)) {
    auto const begin = at + ref.size();
    auto const pointer = text->substr(begin, text->find('"', begin) - begin);
    ASSERT_NE(rapidjson::Pointer(pointer.c_str()).Get(document), nullptr) << pointer;
  }
  std::set<std::string> ids;
  std::size_t operations = 0;
  for (auto const& path : document["paths"].GetObject()) {
    for (auto const& operation : path.value.GetObject()) {
      ++operations;
      ids.insert(operation.value["operationId"].GetString());
    }
  }
  EXPECT_GE(operations, contract::AllMethods().size());
  EXPECT_EQ(ids.size(), operations);
  EXPECT_TRUE(ids.contains("PlanService_GetPlan"));
  EXPECT_TRUE(ids.contains("communications_MergeService_ReportMerge")) << "activities have a service of the same name";
}

// A path with its parameters' examples in place of them.
std::string WithExamples(std::string path, rapidjson::Value const& operation) {
  if (!operation.HasMember("parameters")) return path;
  for (auto const& parameter : operation["parameters"].GetArray()) {
    if (!parameter.HasMember("in") || std::string(parameter["in"].GetString()) != "path") continue;
    auto const variable = absl::StrCat("{", parameter["name"].GetString(), "}");
    auto const at = path.find(variable);
    if (at != std::string::npos) path.replace(at, variable.size(), parameter["example"].GetString());
  }
  return path;
}

// A request as the document shows it.
struct Shown {
  http::RequestHead head;
  std::string body;
};
std::vector<Shown> ShownIn(rapidjson::Document const& document) {
  std::vector<Shown> shown;
  for (auto const& path : document["paths"].GetObject()) {
    for (auto const& [verb, operation] : path.value.GetObject()) {
      Shown one;
      one.head.method = verb.GetString();
      for (auto& c : one.head.method) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
      one.head.target = WithExamples(path.name.GetString(), operation);
      auto const body = At(operation, "/requestBody/content/application~1json/example");
      if (body != "missing") one.body = body;
      shown.push_back(std::move(one));
    }
  }
  return shown;
}

TEST(OpenApi, EveryExampleIsTakenByTheGatewayAndKeepsTheRulesOfItsBody) {
  // But for the service of the tests, which has a path that is no name of a desk.
  auto methods = contract::AllMethods();
  std::erase_if(methods, [](auto const* method) { return method->path().starts_with("/helhed.desk."); });
  auto const document = Parsed(Generate(methods, EmbeddedDescriptors(), Info()));
  auto const made = rest::Transcoder::Make(contract::AllMethods());
  ASSERT_THAT(made, IsOk());
  auto const& transcoder = *made;
  std::size_t bodies = 0;
  for (auto const& [head, body] : ShownIn(document)) {
    SCOPED_TRACE(absl::StrCat(head.method, " ", head.target, " ", body));
    auto const match = transcoder->Resolve(head);
    ASSERT_TRUE(match.matched.has_value()) << match.refused.body;
    auto const bytes = transcoder->Request(*match.matched, body);
    ASSERT_THAT(bytes, IsOk());
    bodies += body.empty() ? 0 : 1;
    auto const& type = *match.matched->method->descriptor().input_type();
    std::unique_ptr<google::protobuf::Message> const request(
        google::protobuf::MessageFactory::generated_factory()->GetPrototype(&type)->New());
    ASSERT_TRUE(request->ParseFromString(*bytes));
    for (auto const& violation : ViolationsOf(contract::Validate(*request))) {
      // What the query has to say is not in the example.
      EXPECT_EQ(violation.description, "is required") << violation.field;
      EXPECT_EQ(violation.field.find('.'), std::string::npos) << violation.field << " of the body";
    }
  }
  EXPECT_GT(bodies, 30U);
}

TEST(Matching, IsTheShortestThatAPatternTakes) {
  EXPECT_EQ(Matching("[0-9]{4}"), "1111");
  EXPECT_EQ(Matching("[A-Z]{2}-[0-9]{1,3}"), "AA-1");
  EXPECT_EQ(Matching("(organisations/[0-9]{4}|municipalities/[0-9]{4})?"), "");
  EXPECT_EQ(Matching("a+|b"), "a");
  EXPECT_EQ(Matching("\\d{2}\\."), "11.");
  EXPECT_EQ(Matching("[a-z]([a-z0-9-]{0,61}[a-z0-9])?"), "a");
  for (auto const* const odd : {"[^a]", "a{", "(a", "\\b", "^a", "a{2000}"}) EXPECT_EQ(Matching(odd), std::nullopt) << odd;
}

TEST(Assets, ReachNoOtherHostAndFitTheirPolicy) {
  std::vector<std::string_view> paths;
  for (auto const& asset : Assets()) {
    paths.push_back(asset.path);
    EXPECT_FALSE(asset.body.empty());
    EXPECT_EQ(asset.body.find("://"), std::string_view::npos) << asset.path << " names no host";
  }
  EXPECT_THAT(paths, ElementsAre("/docs", "/docs/app.js", "/docs/style.css", "/favicon.ico"));
  EXPECT_EQ(kContentSecurityPolicy.find("unsafe"), std::string_view::npos);
  EXPECT_THAT(std::string(kContentSecurityPolicy), StartsWith("default-src 'none'"));
}

}  // namespace
}  // namespace helhed::gateway::openapi
