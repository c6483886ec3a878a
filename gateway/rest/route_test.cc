#include "gateway/rest/route.h"

#include <gmock/gmock.h>
#include <google/api/annotations.pb.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include "gateway/rest/router.h"
#include "helhed/policy/v1/policy.pb.h"
#include "services/platform/testing/matchers.h"

namespace helhed::gateway::rest {
namespace {

using helhed::testing::IsOk;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// A method made at run time, with one string field `name`, a message field `thing` and a list `things`.
class Made {
 public:
  explicit Made(std::string_view rule, bool client_streaming = false) {
    google::protobuf::FileDescriptorProto file;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(
        R"pb(
          name: "made.proto"
          package: "made"
          syntax: "proto3"
          message_type {
            name: "M"
            field { name: "name" number: 1 type: TYPE_STRING label: LABEL_OPTIONAL }
            field { name: "thing" number: 2 type: TYPE_MESSAGE type_name: ".made.M" label: LABEL_OPTIONAL }
            field { name: "things" number: 3 type: TYPE_STRING label: LABEL_REPEATED }
          }
          service {
            name: "S"
            method { name: "Do" input_type: ".made.M" output_type: ".made.M" }
          })pb",
        &file));
    auto& method = *file.mutable_service(0)->mutable_method(0);
    method.set_client_streaming(client_streaming);
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(std::string(rule),
                                                              method.mutable_options()->MutableExtension(google::api::http)));
    method.mutable_options()->MutableExtension(policy::v1::method)->set_effect(policy::v1::EFFECT_READ);
    auto const* const built = pool_.BuildFile(file);
    method_ = std::make_unique<contract::Method>(built->service(0)->method(0));
  }
  absl::Status Status() const { return RoutesOf(*method_).status(); }

 private:
  google::protobuf::DescriptorPool pool_{google::protobuf::DescriptorPool::generated_pool()};
  std::unique_ptr<contract::Method> method_;
};

TEST(RoutesOf, ARuleThatCannotBeServedStopsTheStart) {
  for (auto const* const rule :
       {"get: '/v1/{name=a/**}/b'", "get: '/v1/{nothing}'", "get: '/v1/{thing}'", "get: '/v1/{things}'", "get: '/v1/{name.x}'",
        "get: '/v1/a' body: '*'", "delete: '/v1/a' body: 'thing'", "post: '/v1/a' body: 'name'", "post: '/v1/a' body: 'none'",
        "get: '/v1/a' response_body: 'none'", "custom { kind: 'HEAD' path: '/v1/a' }", "get: 'v1'",
        "post: '/v1/a' body: '*' additional_bindings { post: '/v1/b' body: 'thing' }",
        "get: '/v1/a' additional_bindings { get: '/v1/b' additional_bindings { get: '/v1/c' } }"}) {
    auto const status = Made(rule).Status();
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << rule;
    EXPECT_THAT(std::string(status.message()), HasSubstr("/made.S/Do")) << rule;
  }
  EXPECT_EQ(Made("post: '/v1/a' body: '*'", true).Status().code(), absl::StatusCode::kFailedPrecondition);
}

// A route with no method behind it, to look at the trie alone.
Route At(std::string http_method, std::string_view path) {
  static auto const* const method = contract::FindMethod("/helhed.desk.v1.DeskService/GetDesk");
  Route route;
  route.method = method;
  route.http_method = std::move(http_method);
  route.path = *ParseTemplate(path);
  return route;
}

TEST(Router, Trap17LiteralBeforeOneBeforeRest) {
  Route const routes[] = {At("GET", "/v1/a/**"),  At("GET", "/v1/a/*"),     At("GET", "/v1/a/b"),  At("POST", "/v1/a/b"),
                          At("GET", "/v1/a/b/*"), At("POST", "/v1/a/*:go"), At("PATCH", "/v1/a/*")};
  Router router;
  for (auto const& route : routes) ASSERT_THAT(router.Add(route), IsOk());
  auto const find = [&](char const* method, std::string_view path) { return router.Find(method, *SplitPath(path)); };
  EXPECT_EQ(find("GET", "/v1/a/b").route, &routes[2]);
  EXPECT_EQ(find("GET", "/v1/a/c").route, &routes[1]);
  EXPECT_EQ(find("GET", "/v1/a/b/c").route, &routes[4]);
  EXPECT_EQ(find("GET", "/v1/a/c/d").route, &routes[0]) << "what is closer leads nowhere";
  EXPECT_EQ(find("GET", "/v1/a").route, &routes[0]);
  EXPECT_EQ(find("PATCH", "/v1/a/b").route, &routes[6]) << "the closest that has the method";
  EXPECT_EQ(find("POST", "/v1/a/b:go").route, &routes[5]);
  EXPECT_EQ(find("GET", "/v1/a/b:go").route, nullptr);
  EXPECT_THAT(find("GET", "/v1/a/b:go").allowed, ElementsAre("OPTIONS", "POST"));
  EXPECT_EQ(find("GET", "/v1/a/b:stay").route, &routes[1]);
  EXPECT_TRUE(find("GET", "/v1").allowed.empty());
  EXPECT_TRUE(find("GET", "/v1/a/").allowed.empty());
}

TEST(Router, Trap17AmbiguousPathsAreRefusedByName) {
  Route const routes[] = {At("GET", "/v1/{name=a/*}"), At("GET", "/v1/a/{other}"), At("POST", "/v1/a/*"),
                          At("GET", "/v1/a/*:go")};
  Router router;
  ASSERT_THAT(router.Add(routes[0]), IsOk());
  EXPECT_THAT(std::string(router.Add(routes[1]).message()), HasSubstr("GetDesk as well as"));
  EXPECT_THAT(router.Add(routes[2]), IsOk());
  EXPECT_THAT(router.Add(routes[3]), IsOk());
}

}  // namespace
}  // namespace helhed::gateway::rest
