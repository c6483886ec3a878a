#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_replace.h>
#include <absl/strings/str_split.h>
#include <gmock/gmock.h>
#include <google/api/annotations.pb.h>
#include <google/api/resource.pb.h>
#include <google/protobuf/message.h>
#include <google/protobuf/text_format.h>
#include <google/protobuf/util/json_util.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <optional>

#include "helhed/policy/v1/roles.pb.h"
#include "services/platform/contract/contract.h"
#include "services/platform/contract/fields.h"
#include "services/platform/contract/resource_name.h"
#include "tests/gateway/house.h"

// Every method of the contract as every role, within its scope, outside of it and everywhere, by gRPC and by REST. What should
// come out is worked out here from the options of the contract and the policy file, without the code that decides.
namespace helhed {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using testing::House;

constexpr char kIn[] = "organisations/9001";
constexpr char kOut[] = "organisations/9002";

enum class Verdict { kDenied, kAbsent, kLetIn };

std::string ToString(Verdict verdict) {
  static std::map<Verdict, std::string> const names = {
      {Verdict::kDenied, "denied"}, {Verdict::kAbsent, "absent"}, {Verdict::kLetIn, "let in"}};
  return names.at(verdict);
}

policy::v1::RolePolicy Roles() {
  policy::v1::RolePolicy roles;
  auto const text = testing::ReadWhole(std::string(HELHED_SOURCE_DIR) + "/deploy/policy/roles.textproto");
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &roles));
  return roles;
}

bool Carries(policy::v1::Role const& role, std::string const& permission) {
  return std::any_of(role.permissions().begin(), role.permissions().end(), [&](std::string const& carried) {
    return carried.ends_with('*') ? absl::StartsWith(permission, carried.substr(0, carried.size() - 1)) : carried == permission;
  });
}

// A request that names resources of organisation 9001 wherever its path names any, and the same by REST.
struct Sample {
  contract::Method const* method = nullptr;
  std::unique_ptr<Message> request;
  std::string resource;
  std::string verb;
  std::string path;
  std::string body;
};

void SetText(Message& message, std::string const& path, std::string const& value) {
  auto* at = &message;
  auto const fields = contract::FieldsAlong(*message.GetDescriptor(), path);
  ASSERT_FALSE(fields.empty()) << path;
  for (std::size_t i = 0; i + 1 < fields.size(); ++i) at = at->GetReflection()->MutableMessage(at, fields[i]);
  at->GetReflection()->SetString(at, fields.back(), value);
}

std::string Fill(std::string pattern) {
  pattern = absl::StrReplaceAll(pattern, {{"organisations/*", kIn}});
  return absl::StrReplaceAll(pattern, {{"*", "00000000-0000-7000-8000-000000000001"}});
}

void TakeRule(google::api::HttpRule const& rule, Sample& sample) {
  std::string text;
  switch (rule.pattern_case()) {
    case google::api::HttpRule::kGet:
      sample.verb = "GET";
      text = rule.get();
      break;
    case google::api::HttpRule::kPost:
      sample.verb = "POST";
      text = rule.post();
      break;
    case google::api::HttpRule::kPatch:
      sample.verb = "PATCH";
      text = rule.patch();
      break;
    default:
      sample.verb = "DELETE";
      text = rule.delete_();
      break;
  }
  for (std::size_t at = 0; at < text.size();) {
    if (text[at] != '{') {
      sample.path += text[at++];
      continue;
    }
    auto const end = text.find('}', at);
    std::pair<std::string, std::string> const variable =
        absl::StrSplit(text.substr(at + 1, end - at - 1), absl::MaxSplits('=', 1));
    auto const value = Fill(variable.second.empty() ? "*" : variable.second);
    SetText(*sample.request, variable.first, value);
    sample.path += value;
    at = end + 1;
  }
  if (!rule.body().empty()) sample.body = "{}";
}

Sample MakeSample(contract::Method const& method) {
  Sample sample;
  sample.method = &method;
  sample.request.reset(
      google::protobuf::MessageFactory::generated_factory()->GetPrototype(method.descriptor().input_type())->New());
  auto const& rule = method.descriptor().options().GetExtension(google::api::http);
  TakeRule(rule, sample);
  sample.resource = method.Resource(*sample.request);
  if (sample.resource.empty() && !method.policy().resource().empty()) {
    // What decides stands in the body.
    auto const fields = contract::FieldsAlong(*method.descriptor().input_type(), method.policy().resource());
    auto const* const pattern =
        contract::PatternOfType(fields.back()->options().GetExtension(google::api::resource_reference).type());
    if (pattern != nullptr) {
      std::vector<std::string> values(pattern->variables().size(), "1");
      values.front() = "9001";
      SetText(*sample.request, method.policy().resource(), pattern->Make(values));
      sample.resource = method.Resource(*sample.request);
      EXPECT_EQ(fields.size(), 1U) << method.path();
      sample.body = absl::StrCat("{\"", fields.front()->json_name(), "\": \"", sample.resource, "\"}");
    }
  }
  return sample;
}

Verdict Expected(Sample const& sample, policy::v1::Role const& role, std::string const& scope) {
  auto const& policy = sample.method->policy();
  if (policy.public_()) return Verdict::kLetIn;
  if (!Carries(role, policy.permission())) return Verdict::kDenied;
  if (scope.empty()) return Verdict::kLetIn;
  switch (policy.scope()) {
    case policy::v1::SCOPE_GLOBAL:
      return Verdict::kDenied;
    case policy::v1::SCOPE_FILTERED:
    case policy::v1::SCOPE_RESOLVED:
      return Verdict::kLetIn;
    default:
      break;
  }
  bool const covered = sample.resource == scope || absl::StartsWith(sample.resource, scope + "/");
  if (covered || sample.resource.empty()) return Verdict::kLetIn;
  return policy.effect() == policy::v1::EFFECT_READ ? Verdict::kAbsent : Verdict::kDenied;
}

class AuthorisationTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    house_ = new House();
    grpc::SslCredentialsOptions tls;
    tls.pem_root_certs = testing::ReadWhole(house_->ca_file());
    channel_ = grpc::CreateChannel(absl::StrCat("localhost:", house_->port()), grpc::SslCredentials(tls));
    for (auto const* const method : contract::AllMethods()) {
      auto const& package = method->descriptor().service()->file()->package();
      if (package != "helhed.residents.v1" && package != "helhed.gateway.v1") continue;
      // A stream that is let in does not end.
      if (!method->is_server_stream()) samples_.push_back(MakeSample(*method));
    }
  }
  static void TearDownTestSuite() {
    samples_.clear();
    channel_.reset();
    delete house_;
    house_ = nullptr;
  }

  static grpc::StatusCode ByGrpc(Sample const& sample, std::string const& token) {
    grpc::GenericStub stub(channel_);
    grpc::ClientContext context;
    context.AddMetadata("authorization", "Bearer " + token);
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
    auto const bytes = sample.request->SerializeAsString();
    grpc::Slice const slice(bytes.data(), bytes.size());
    grpc::CompletionQueue queue;
    auto const call = stub.PrepareUnaryCall(&context, sample.method->path(), grpc::ByteBuffer(&slice, 1), &queue);
    grpc::ByteBuffer response;
    grpc::Status status;
    call->StartCall();
    call->Finish(&response, &status, nullptr);
    void* tag = nullptr;
    bool ok = false;
    queue.Next(&tag, &ok);
    queue.Shutdown();
    while (queue.Next(&tag, &ok)) {
    }
    return status.error_code();
  }

  // All samples by one curl over one connection; the HTTP status of each.
  static std::vector<int> ByRest(std::string const& token) {
    auto const config = house_->folder() + "/curl.config";
    {
      std::ofstream file(config);
      bool first = true;
      for (auto const& sample : samples_) {
        if (!first) file << "next\n";
        first = false;
        file << "silent\ncacert = \"" << house_->ca_file() << "\"\noutput = \"/dev/null\"\nwrite-out = \"%{http_code}\\n\"\n"
             << "header = \"authorization: Bearer " << token << "\"\nrequest = \"" << sample.verb << "\"\nurl = \""
             << house_->url() << sample.path << "\"\n";
        if (!sample.body.empty()) {
          file << "header = \"content-type: application/json\"\ndata = \"" << absl::StrReplaceAll(sample.body, {{"\"", "\\\""}})
               << "\"\n";
        }
      }
    }
    auto const outcome = testing::RunProgram({"curl", "--config", config});
    std::vector<int> codes;
    for (auto const line : absl::StrSplit(outcome.output, '\n', absl::SkipEmpty())) codes.push_back(std::stoi(std::string(line)));
    return codes;
  }

  static Verdict VerdictOf(grpc::StatusCode code) {
    if (code == grpc::StatusCode::PERMISSION_DENIED) return Verdict::kDenied;
    return code == grpc::StatusCode::NOT_FOUND ? Verdict::kAbsent : Verdict::kLetIn;
  }
  static Verdict VerdictOf(int http_status) {
    constexpr int forbidden = 403;
    constexpr int not_found = 404;
    if (http_status == forbidden) return Verdict::kDenied;
    return http_status == not_found ? Verdict::kAbsent : Verdict::kLetIn;
  }
  // Who is let in may find that there is nothing.
  static bool Agrees(Verdict expected, Verdict seen) {
    return expected == seen || (expected == Verdict::kLetIn && seen == Verdict::kAbsent);
  }

  static House* house_;
  static std::shared_ptr<grpc::Channel> channel_;
  static std::vector<Sample> samples_;
};
House* AuthorisationTest::house_ = nullptr;
std::shared_ptr<grpc::Channel> AuthorisationTest::channel_;
std::vector<Sample> AuthorisationTest::samples_;

TEST_F(AuthorisationTest, EveryMethodAsEveryRoleInEveryScopeByBothWays) {
  ASSERT_GT(samples_.size(), 20U);
  auto const roles = Roles();
  ASSERT_GE(roles.roles_size(), 11);
  std::map<Verdict, int> seen;
  for (auto const& role : roles.roles()) {
    for (std::string const scope : {kIn, kOut, ""}) {
      auto const token = house_->DemonstrationToken({scope.empty() ? role.name() : role.name() + "@" + scope}, role.name());
      auto const codes = ByRest(token);
      ASSERT_EQ(codes.size(), samples_.size());
      for (std::size_t i = 0; i < samples_.size(); ++i) {
        auto const& sample = samples_[i];
        SCOPED_TRACE(
            absl::StrCat(sample.method->path(), " as ", role.name(), " within `", scope, "`: ", sample.verb, " ", sample.path));
        auto const expected = Expected(sample, role, scope);
        auto const by_grpc = ByGrpc(sample, token);
        EXPECT_TRUE(Agrees(expected, VerdictOf(by_grpc))) << "gRPC " << by_grpc << " where it should be " << ToString(expected);
        EXPECT_TRUE(Agrees(expected, VerdictOf(codes[i]))) << "HTTP " << codes[i] << " where it should be " << ToString(expected);
        EXPECT_NE(by_grpc, grpc::StatusCode::UNAUTHENTICATED);
        EXPECT_NE(by_grpc, grpc::StatusCode::UNAVAILABLE);
        EXPECT_NE(by_grpc, grpc::StatusCode::INTERNAL);
        ++seen[expected];
      }
    }
  }
  // The test would prove nothing if it never met one of them.
  EXPECT_GT(seen[Verdict::kDenied], 50);
  EXPECT_GT(seen[Verdict::kAbsent], 10);
  EXPECT_GT(seen[Verdict::kLetIn], 50);
}

TEST_F(AuthorisationTest, WithoutAnIdentityNothingIsToBeHadButWhatIsPublic) {
  for (auto const& sample : samples_) {
    if (sample.method->policy().public_()) continue;
    EXPECT_EQ(ByGrpc(sample, "nonsense"), grpc::StatusCode::UNAUTHENTICATED) << sample.method->path();
  }
  for (auto const code : ByRest("nonsense")) EXPECT_EQ(code, 401);
}

TEST_F(AuthorisationTest, AListShowsOnlyWhatTheCallerMaySee) {
  auto const admin = house_->DemonstrationToken({"operator"});
  for (auto const* const number : {"9001", "9002"}) {
    house_->Curl(admin, {"--header", "content-type: application/json", "--data", R"({"displayName": "X"})",
                         absl::StrCat(house_->url(), "/v1/organisations?organisation_id=", number)});
  }
  auto const caller = house_->DemonstrationToken({std::string("portal@") + kIn});
  auto const list = house_->Curl(caller, {house_->url() + "/v1/organisations"}).output;
  EXPECT_THAT(list, ::testing::HasSubstr(kIn));
  EXPECT_THAT(list, ::testing::Not(::testing::HasSubstr(kOut)));
  auto const feed = house_->Curl(caller, {house_->url() + "/v1/feed?pageSize=1000"}).output;
  EXPECT_THAT(feed, ::testing::HasSubstr(kIn));
  EXPECT_THAT(feed, ::testing::Not(::testing::HasSubstr(kOut)));
  auto const absent = house_->Curl(caller, {house_->url() + "/v1/" + kOut}).output;
  auto const nowhere = house_->Curl(caller, {house_->url() + "/v1/organisations/9999"}).output;
  EXPECT_THAT(absent, ::testing::HasSubstr("\n404"));
  EXPECT_EQ(absl::StrReplaceAll(absent, {{"9002", "9999"}}), nowhere) << "the answers differ, which tells that it is there";
}

}  // namespace
}  // namespace helhed
