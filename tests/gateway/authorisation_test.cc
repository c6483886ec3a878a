#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <absl/strings/str_replace.h>
#include <absl/strings/str_split.h>
#include <gmock/gmock.h>
#include <google/api/resource.pb.h>
#include <google/protobuf/text_format.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <future>
#include <map>
#include <set>

#include "gateway/openapi/comments.h"
#include "gateway/openapi/examples.h"
#include "gateway/openapi/openapi.h"
#include "helhed/policy/v1/roles.pb.h"
#include "services/platform/contract/contract.h"
#include "services/platform/contract/fields.h"
#include "tests/gateway/rest.h"
#include "tests/gateway/sample.h"

// Every method of the contract as every role, within each kind of scope, outside of it and everywhere, by gRPC and by REST. What
// should come out is worked out here from the options of the contract and the policy file, without the code that decides.
namespace helhed {
namespace {

using testing::House;
using testing::Sample;

// What becomes of a call. Nowhere: the gateway has no such method.
enum class Verdict { kDenied, kAbsent, kLetIn, kNowhere, kNobody, kBroken };

std::string ToString(Verdict verdict) {
  static std::map<Verdict, std::string> const names = {{Verdict::kDenied, "denied"},  {Verdict::kAbsent, "absent"},
                                                       {Verdict::kLetIn, "let in"},   {Verdict::kNowhere, "nowhere"},
                                                       {Verdict::kNobody, "unknown"}, {Verdict::kBroken, "broken"}};
  return names.at(verdict);
}

Verdict VerdictOf(grpc::StatusCode code) {
  switch (code) {
    case grpc::StatusCode::PERMISSION_DENIED:
      return Verdict::kDenied;
    case grpc::StatusCode::NOT_FOUND:
      return Verdict::kAbsent;
    case grpc::StatusCode::UNIMPLEMENTED:
      return Verdict::kNowhere;
    case grpc::StatusCode::UNAUTHENTICATED:
      return Verdict::kNobody;
    case grpc::StatusCode::OK:
    case grpc::StatusCode::INVALID_ARGUMENT:
      return Verdict::kLetIn;
    default:
      return Verdict::kBroken;
  }
}

Verdict VerdictOf(int http_status) {
  static std::map<int, Verdict> const verdicts = {
      {200, Verdict::kLetIn}, {400, Verdict::kLetIn}, {401, Verdict::kNobody}, {403, Verdict::kDenied}, {404, Verdict::kAbsent}};
  auto const found = verdicts.find(http_status);
  return found == verdicts.end() ? Verdict::kBroken : found->second;
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

// Either kind of scope that a grant may have, each with what the samples name and with what they do not; and everywhere.
constexpr char const* kScopes[] = {testing::kPlan,
                                   "plans/ude",
                                   testing::kOrganisation,
                                   "organisations/9002",
                                   testing::kDepartment,
                                   "organisations/9001/departments/002",
                                   ""};

bool Covers(std::string const& scope, std::string const& resource) {
  return scope.empty() || resource == scope || absl::StartsWith(resource, scope + "/");
}

// The service that a package belongs to: `helhed.residents.v1`.
std::string ServiceOf(contract::Method const& method) {
  std::vector<std::string> const parts = absl::StrSplit(method.descriptor().service()->file()->package(), '.');
  return parts.at(1);
}

std::vector<std::string> const& Services() {
  static std::vector<std::string> const services = {"residents", "funding", "activities", "communications"};
  return services;
}

// What every service has for the others in the house is not the gateway's to pass on: it belongs to none of them.
bool IsOfTheDoor(contract::Method const& method) {
  auto const service = ServiceOf(method);
  return service == "gateway" || std::find(Services().begin(), Services().end(), service) != Services().end();
}

// What may come out of a call, most likely first.
std::vector<Verdict> Expected(Sample const& sample, policy::v1::Role const& role, std::string const& scope) {
  auto const& policy = sample.method->policy();
  if (!IsOfTheDoor(*sample.method)) return {Verdict::kNowhere};
  if (policy.public_()) return {Verdict::kLetIn};
  if (!Carries(role, policy.permission())) return {Verdict::kDenied};
  if (Covers(scope, sample.resource)) return {Verdict::kLetIn};
  switch (policy.scope()) {
    case policy::v1::SCOPE_GLOBAL:
      return {Verdict::kDenied};
    case policy::v1::SCOPE_FILTERED:
    case policy::v1::SCOPE_RESOLVED:
      // The handler sees to it, as the last tests here show. It may find the request wrong before.
      return {Verdict::kLetIn, Verdict::kAbsent};
    default:
      return {policy.effect() == policy::v1::EFFECT_READ ? Verdict::kAbsent : Verdict::kDenied};
  }
}

// Calls by gRPC, many at a time on one connection; of a stream the first answer counts.
class Calls {
 public:
  Calls(std::shared_ptr<grpc::Channel> const& channel, std::string token) : stub_(channel), token_(std::move(token)) {}

  std::vector<grpc::Status> Run(std::vector<std::pair<std::string, google::protobuf::Message const*>> const& calls) {
    // Fewer than a client may have at once, those by REST among them.
    constexpr std::size_t at_once = 24;
    std::vector<grpc::Status> answers(calls.size());
    std::size_t next = 0;
    std::size_t ended = 0;
    auto const start = [&] {
      if (next == calls.size()) return;
      auto call = std::make_unique<Call>();
      call->answer = &answers[next];
      Start(std::move(call), calls[next].first, calls[next].second->SerializeAsString());
      ++next;
    };
    while (next < std::min(at_once, calls.size())) start();
    while (ended < calls.size()) {
      void* tag = nullptr;
      bool ok = false;
      if (!queue_.Next(&tag, &ok)) break;
      if (!Advance(*static_cast<Call*>(tag), ok)) continue;
      delete static_cast<Call*>(tag);
      ++ended;
      start();
    }
    queue_.Shutdown();
    return answers;
  }

 private:
  enum class Step { kStarted, kWritten, kRead, kFinished };
  struct Call {
    Step step = Step::kStarted;
    bool answered = false;
    grpc::ClientContext context;
    grpc::ByteBuffer request, response;
    std::unique_ptr<grpc::GenericClientAsyncReaderWriter> stream;
    grpc::Status status;
    grpc::Status* answer = nullptr;
  };

  void Start(std::unique_ptr<Call> call, std::string const& path, std::string const& bytes) {
    if (!token_.empty()) call->context.AddMetadata("authorization", "Bearer " + token_);
    call->context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
    grpc::Slice const slice(bytes.data(), bytes.size());
    call->request = grpc::ByteBuffer(&slice, 1);
    call->stream = stub_.PrepareCall(&call->context, path, &queue_);
    auto* const tag = call.release();
    tag->stream->StartCall(tag);
  }

  // True at its end.
  bool Advance(Call& call, bool ok) {
    switch (call.step) {
      case Step::kStarted:
        call.step = Step::kWritten;
        call.stream->WriteLast(call.request, grpc::WriteOptions(), &call);
        return false;
      case Step::kWritten:
        call.step = Step::kRead;
        call.stream->Read(&call.response, &call);
        return false;
      case Step::kRead:
        call.answered = ok;
        // Of one that goes on no more is of interest.
        if (ok) call.context.TryCancel();
        call.step = Step::kFinished;
        call.stream->Finish(&call.status, &call);
        return false;
      default:
        *call.answer = call.answered ? grpc::Status::OK : call.status;
        return true;
    }
  }

  grpc::GenericStub stub_;
  std::string token_;
  grpc::CompletionQueue queue_;
};

class AuthorisationTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    house_ = new House(Services());
    grpc::SslCredentialsOptions tls;
    tls.pem_root_certs = testing::ReadWhole(house_->ca_file());
    channel_ = grpc::CreateChannel(absl::StrCat("localhost:", house_->port()), grpc::SslCredentials(tls));
    for (auto const* const method : contract::AllMethods()) samples_.push_back(testing::MakeSample(*method));
    testing::Rest const rest(*house_);
    auto const admin = house_->DemonstrationToken({"operator"});
    for (auto const* const number : {"9001", "9002"}) {
      rest.Enter(admin, absl::StrCat("organisations?organisationId=", number), R"({"displayName": "X"})");
    }
    for (auto const* const number : {"001", "002"}) {
      rest.Enter(admin, absl::StrCat("organisations/9001/departments?departmentId=", number), R"({"displayName": "X"})");
    }
    for (auto const* const id : {"inde", "ude"}) {
      rest.Enter(admin, absl::StrCat("plans?planId=", id), R"({"displayName": "X", "regulation": "regulations/2019-26",
        "municipalityCode": "0101", "budgetTotal": {"currencyCode": "DKK", "minorUnits": "3100000000"},
        "period": {"startDate": {"year": 2022, "month": 1, "day": 1}, "endDate": {"year": 2026, "month": 1, "day": 1}}})");
    }
  }
  static void TearDownTestSuite() {
    samples_.clear();
    channel_.reset();
    delete house_;
    house_ = nullptr;
  }

  static std::vector<Verdict> ByGrpc(std::string const& token) {
    std::vector<std::pair<std::string, google::protobuf::Message const*>> calls;
    for (auto const& sample : samples_) calls.emplace_back(sample.method->path(), sample.request.get());
    std::vector<Verdict> verdicts;
    for (auto const& status : Calls(channel_, token).Run(calls)) verdicts.push_back(VerdictOf(status.error_code()));
    return verdicts;
  }

  // All samples by one curl over one connection, many at a time.
  static std::vector<Verdict> ByRest(std::string const& token) {
    auto const config = house_->folder() + "/curl.config";
    {
      std::ofstream file(config);
      // Even a silent curl says how far it is when it does many at a time.
      file << "parallel\nparallel-max = 24\nstderr = \"/dev/null\"\n";
      for (std::size_t i = 0; i < samples_.size(); ++i) {
        auto const& sample = samples_[i];
        if (i > 0) file << "next\n";
        file << "silent\nmax-time = 30\ncacert = \"" << house_->ca_file() << "\"\noutput = \"/dev/null\"\nwrite-out = \"" << i
             << " %{http_code}\\n\"\nrequest = \"" << sample.verb << "\"\nurl = \"" << house_->url() << sample.path << "\"\n";
        if (!token.empty()) file << "header = \"authorization: Bearer " << token << "\"\n";
        if (sample.body.empty()) continue;
        file << "header = \"content-type: application/json\"\ndata = \"" << absl::StrReplaceAll(sample.body, {{"\"", "\\\""}})
             << "\"\n";
      }
    }
    std::vector<Verdict> verdicts(samples_.size(), Verdict::kBroken);
    std::istringstream lines(testing::RunProgram({"curl", "--config", config}).output);
    std::size_t index = 0;
    int code = 0;
    while (lines >> index >> code) verdicts.at(index) = VerdictOf(code);
    return verdicts;
  }

  static House* house_;
  static std::shared_ptr<grpc::Channel> channel_;
  static std::vector<Sample> samples_;
};
House* AuthorisationTest::house_ = nullptr;
std::shared_ptr<grpc::Channel> AuthorisationTest::channel_;
std::vector<Sample> AuthorisationTest::samples_;

TEST_F(AuthorisationTest, EveryMethodAsEveryRoleInEveryScopeByBothWays) {
  ASSERT_EQ(samples_.size(), contract::AllMethods().size());
  auto const roles = Roles();
  ASSERT_GE(roles.roles_size(), 11);
  std::map<Verdict, int> seen;
  for (auto const& role : roles.roles()) {
    for (std::string const scope : kScopes) {
      auto const token = house_->DemonstrationToken({scope.empty() ? role.name() : role.name() + "@" + scope},
                                                    absl::StrCat(role.name(), "@", scope));
      auto by_rest = std::async(std::launch::async, [&] { return ByRest(token); });
      auto const by_grpc = ByGrpc(token);
      auto const codes = by_rest.get();
      for (std::size_t i = 0; i < samples_.size(); ++i) {
        auto const& sample = samples_[i];
        auto const expected = Expected(sample, role, scope);
        ++seen[expected.front()];
        auto const check = [&](char const* way, Verdict verdict) {
          if (std::find(expected.begin(), expected.end(), verdict) != expected.end()) return;
          ADD_FAILURE() << sample.method->path() << " as " << role.name() << " within `" << scope << "`, by " << way << " ("
                        << sample.verb << " " << sample.path << "): " << ToString(verdict) << ", and should be "
                        << ToString(expected.front());
        };
        check("gRPC", by_grpc[i]);
        // To REST a path that nobody answers is as an object that is not there.
        bool const is_nowhere = expected.front() == Verdict::kNowhere && codes[i] == Verdict::kAbsent;
        check("REST", is_nowhere ? Verdict::kNowhere : codes[i]);
      }
    }
  }
  // The test would prove nothing if it never met one of them.
  EXPECT_GT(seen[Verdict::kDenied], 10'000);
  EXPECT_GT(seen[Verdict::kAbsent], 1'000);
  EXPECT_GT(seen[Verdict::kLetIn], 1'000);
  EXPECT_GT(seen[Verdict::kNowhere], 0);
}

TEST_F(AuthorisationTest, WithoutAnIdentityNothingIsToBeHadButWhatIsPublic) {
  auto const by_grpc = ByGrpc("");
  auto const by_rest = ByRest("");
  auto const forged = ByGrpc("nonsense");
  for (std::size_t i = 0; i < samples_.size(); ++i) {
    auto const& method = *samples_[i].method;
    auto const expected = method.policy().public_() ? Verdict::kLetIn : Verdict::kNobody;
    EXPECT_EQ(ToString(by_grpc[i]), ToString(IsOfTheDoor(method) ? expected : Verdict::kNowhere)) << method.path();
    EXPECT_EQ(ToString(by_rest[i]), ToString(IsOfTheDoor(method) ? expected : Verdict::kAbsent)) << method.path();
    // Whoever shows something that is wrong is told so even where nothing had to be shown.
    EXPECT_EQ(ToString(forged[i]), ToString(IsOfTheDoor(method) ? Verdict::kNobody : Verdict::kNowhere)) << method.path();
  }
}

TEST_F(AuthorisationTest, AListShowsOnlyWhatTheCallerMaySee) {
  constexpr char out[] = "organisations/9002";
  testing::Rest const rest(*house_);
  auto const caller = house_->DemonstrationToken({absl::StrCat("portal@", testing::kOrganisation)});
  auto const only_its_own =
      ::testing::AllOf(::testing::HasSubstr(testing::kOrganisation), ::testing::Not(::testing::HasSubstr(out)));
  EXPECT_THAT(rest.Read(caller, "organisations").text, only_its_own);
  EXPECT_THAT(rest.Read(caller, "feed?pageSize=1000").text, only_its_own);
  // A watch shows what was before, and goes on until curl has had enough.
  EXPECT_THAT(rest.Send(caller, {"--max-time", "3", "--no-buffer"}, "feed:watch").text, only_its_own);
  auto const absent = rest.Get(caller, out);
  EXPECT_EQ(absent.status, "404");
  auto const nowhere = rest.Get(caller, "organisations/9999");
  EXPECT_EQ(absl::StrReplaceAll(absent.text, {{"9002", "9999"}}), nowhere.text)
      << "the answers differ, which tells that it is there";
}

// Objects whose place is data: a person and all that is of a person lies where the household does. What was entered, by the
// pattern of its name.
std::map<std::string, std::string> EnterPeople(testing::Rest const& rest, std::string const& token) {
  constexpr char since[] = R"("period": {"startDate": {"year": 2020, "month": 1, "day": 1}})";
  auto const purpose = [&](std::string const& id, std::string const& basis) {
    rest.Enter(token, "purposes?purposeId=" + id,
               absl::StrCat(R"({"displayName": "X", "legalBasis": ")", basis, R"(", )", since, R"(,
        "fields": "given_name,family_name,birth_date,contact_points,cpr_number"})"));
    rest.Enter(token, absl::StrCat("purposes/", id, "/rules?startDate.year=2020&startDate.month=1&startDate.day=1"),
               R"({"ownConsentAgeYears": 15, "consentMonths": 12, "protectedAccessHoursMax": 24})");
  };
  purpose("register", "LEGAL_BASIS_PUBLIC_TASK");
  purpose("advice", "LEGAL_BASIS_CONSENT");
  rest.Enter(token, "purposes/advice/consentTexts?consentTextId=1", R"({"version": 1, "language": "da", "body": "Må vi?"})");
  rest.Enter(token, "organisations/9001/dwellings?dwellingId=a",
             absl::StrCat(R"({"department": "organisations/9001/departments/001", "address": "Remisevej 14", )", since, "}"));
  rest.Enter(
      token, "organisations/9001/households?householdId=ha",
      R"({"dwelling": "organisations/9001/dwellings/a", "occupation": {"startDate": {"year": 2020, "month": 1, "day": 1}}})");
  auto const person = [&](int year) {
    return rest
        .Enter(token, "residents",
               absl::StrCat(R"({"purpose": "purposes/register",
        "resident": {"givenName": "Gul", "familyName": "Fugl", "responsibility": {"controller": "organisations/9001"},
                     "birthDate": {"year": )",
                            year, R"(, "month": 5, "day": 17}},
        "membership": {"household": "organisations/9001/households/ha", "kind": "MEMBERSHIP_KIND_REGISTERED", )",
                            since, "}}"))
        .At("name");
  };
  auto const child = person(2019);
  auto const parent = person(1980);
  auto const erased = person(1981);
  auto const enter = [&](std::string const& path, std::string const& json) { return rest.Enter(token, path, json).At("name"); };
  std::map<std::string, std::string> names = {{"residents/*", child},
                                              {"purposes/*", "purposes/register"},
                                              {"purposes/*/consentTexts/*", "purposes/register/consentTexts/1"},
                                              {"organisations/*", testing::kOrganisation},
                                              {"organisations/*/departments/*", testing::kDepartment},
                                              {"organisations/*/dwellings/*", "organisations/9001/dwellings/a"},
                                              {"organisations/*/households/*", "organisations/9001/households/ha"}};
  names["residents/*/memberships/*"] =
      rest.Read(token, child + "/memberships?purpose=purposes/register").At("memberships", "name");
  names["residents/*/guardianships/*"] =
      enter(child + "/guardianships?purpose=purposes/register",
            absl::StrCat(R"({"guardian": ")", parent, R"(", "kind": "GUARDIANSHIP_KIND_PARENT", )", since, "}"));
  names["residents/*/consents/*"] =
      enter(child + "/consents", R"({"purpose": "purposes/advice", "consentText": "purposes/advice/consentTexts/1"})");
  names["residents/*/erasureHolds/*"] =
      enter(child + "/erasureHolds?purpose=purposes/register", absl::StrCat(R"({"justification": "en sag", )", since, "}"));
  names["organisations/*/mandates/*"] = enter("organisations/9001/mandates", absl::StrCat(R"({"purpose": "purposes/register",
        "mandate": {"body": "MANDATE_BODY_DEPARTMENT_BOARD", "role": "MANDATE_ROLE_CHAIR", "holder": ")",
                                                                                          parent, R"(",
                    "department": "organisations/9001/departments/001", )",
                                                                                          since, "}}"));
  names["residents/*/erasures/*"] =
      enter(erased + ":erase", R"({"ground": "ERASURE_GROUND_REQUEST", "purpose": "purposes/register"})");
  for (auto const& [pattern, name] : names) EXPECT_NE(name, "") << pattern;
  return names;
}

// `residents/018f/consents/1` -> `residents/*/consents/*`
std::string PatternOf(std::string const& name) {
  std::vector<std::string> parts = absl::StrSplit(name, '/');
  for (std::size_t i = 1; i < parts.size(); i += 2) parts[i] = "*";
  return absl::StrJoin(parts, "/");
}

// Puts what was entered in the place of what an example names.
void NameWhatIs(google::protobuf::Message& message, std::map<std::string, std::string> const& names) {
  auto const& reflection = *message.GetReflection();
  std::vector<google::protobuf::FieldDescriptor const*> fields;
  reflection.ListFields(message, &fields);
  for (auto const* field : fields) {
    if (field->is_repeated()) continue;
    if (field->cpp_type() == google::protobuf::FieldDescriptor::CPPTYPE_MESSAGE) {
      NameWhatIs(*reflection.MutableMessage(&message, field), names);
    } else if (field->type() == google::protobuf::FieldDescriptor::TYPE_STRING) {
      auto const found = names.find(PatternOf(reflection.GetString(message, field)));
      if (found != names.end()) reflection.SetString(&message, field, found->second);
    }
  }
}

// What an example cannot know: rules of the domain about several fields at once.
std::string DomainsWord(std::string const& method) {
  if (method == "CreateMandate") return "mandate { body: MANDATE_BODY_DEPARTMENT_BOARD role: MANDATE_ROLE_CHAIR household: '' }";
  return method == "CreateResident" ? "resident { cpr_number: '' }" : "";
}

// A request about what was entered for each method whose handler finds out which resource decides.
std::vector<std::pair<contract::Method const*, std::unique_ptr<google::protobuf::Message>>> Requests(
    std::vector<Sample> const& samples, std::map<std::string, std::string> const& names) {
  auto const comments = gateway::openapi::Comments::Make(gateway::openapi::EmbeddedDescriptors());
  EXPECT_TRUE(comments.ok());
  gateway::openapi::Examples const examples(**comments);
  std::vector<std::pair<contract::Method const*, std::unique_ptr<google::protobuf::Message>>> requests;
  for (auto const& sample : samples) {
    auto const& policy = sample.method->policy();
    if (policy.scope() != policy::v1::SCOPE_RESOLVED || policy.public_()) continue;
    auto request = examples.Message(*sample.method->descriptor().input_type(), gateway::openapi::Purpose::kRequest);
    NameWhatIs(*request, names);
    auto const decides = PatternOf(sample.resource);
    EXPECT_TRUE(names.contains(decides)) << sample.method->path() << " acts on " << decides << ", which nobody entered";
    testing::SetText(*request, policy.resource(), names.at(decides));
    EXPECT_TRUE(google::protobuf::TextFormat::MergeFromString(DomainsWord(sample.method->name()), request.get()));
    requests.emplace_back(sample.method, std::move(request));
  }
  return requests;
}

TEST_F(AuthorisationTest, AnObjectWhosePlaceIsDataIsAsAbsentToThoseOutsideOfIt) {
  auto const requests = Requests(samples_, EnterPeople(testing::Rest(*house_), house_->DemonstrationToken({"operator"})));
  std::vector<std::pair<std::string, google::protobuf::Message const*>> all, reads;
  for (auto const& [method, request] : requests) {
    all.emplace_back(method->path(), request.get());
    if (method->is_read()) reads.emplace_back(method->path(), request.get());
  }
  ASSERT_GT(reads.size(), 10U);
  for (std::string const scope : {"organisations/9002", "organisations/9001/departments/002", "plans/inde"}) {
    auto const answers = Calls(channel_, house_->DemonstrationToken({"operator@" + scope}, "outside-of-" + scope)).Run(all);
    for (std::size_t i = 0; i < all.size(); ++i) {
      EXPECT_EQ(answers[i].error_code(), grpc::StatusCode::NOT_FOUND)
          << all[i].first << " within " << scope << ": " << answers[i].error_message() << "\n"
          << all[i].second->ShortDebugString();
    }
  }
  auto const answers =
      Calls(channel_, house_->DemonstrationToken({absl::StrCat("operator@", testing::kOrganisation)})).Run(reads);
  for (std::size_t i = 0; i < reads.size(); ++i)
    EXPECT_TRUE(answers[i].ok()) << reads[i].first << ": " << answers[i].error_message();
}

}  // namespace
}  // namespace helhed
