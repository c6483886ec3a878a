#include "tests/gateway/sample.h"

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <absl/strings/str_split.h>
#include <google/api/annotations.pb.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include <set>
#include <utility>
#include <vector>

#include "services/platform/contract/fields.h"

namespace helhed::testing {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

// Fits no pattern of a name, and means nothing as a token, a filter, an order or an id; in an address it stands for itself.
constexpr char kWrong[] = "$";

// A name of a template's pattern: `plans/*/budgets/*`.
std::string Fill(std::string pattern) {
  constexpr std::pair<char const*, char const*> roots[] = {
      {"organisations/*/departments/*", kDepartment}, {"organisations/*", kOrganisation}, {"plans/*", kPlan}};
  std::string name;
  for (auto const& [root, known] : roots) {
    if (!absl::StartsWith(pattern, root)) continue;
    name = known;
    pattern.erase(0, std::string_view(root).size());
    break;
  }
  for (std::size_t at = 0; at < pattern.size(); ++at) {
    if (pattern[at] != '*') {
      name += pattern[at];
    } else {
      name += pattern.find('*', at + 1) == std::string::npos ? kWrong : "x1";
    }
  }
  return name;
}

std::pair<std::string, std::string> VerbAndTemplate(google::api::HttpRule const& rule) {
  switch (rule.pattern_case()) {
    case google::api::HttpRule::kGet:
      return {"GET", rule.get()};
    case google::api::HttpRule::kPost:
      return {"POST", rule.post()};
    case google::api::HttpRule::kPatch:
      return {"PATCH", rule.patch()};
    case google::api::HttpRule::kDelete:
      return {"DELETE", rule.delete_()};
    default:
      ADD_FAILURE() << "a verb that no method had";
      return {};
  }
}

// The message that holds the last field of a path, and that field.
std::pair<Message*, FieldDescriptor const*> Along(Message& message, std::string const& path) {
  auto* at = &message;
  auto const fields = contract::FieldsAlong(*message.GetDescriptor(), path);
  for (std::size_t i = 0; i + 1 < fields.size(); ++i) at = at->GetReflection()->MutableMessage(at, fields[i]);
  return {at, fields.empty() ? nullptr : fields.back()};
}

void Clear(Message& message, std::string const& path) {
  auto const [holder, field] = Along(message, path);
  holder->GetReflection()->ClearField(holder, field);
}

std::string Json(Message const& message) {
  std::string json;
  EXPECT_TRUE(google::protobuf::util::MessageToJsonString(message, &json).ok());
  return json;
}

// What neither the path nor the body says.
std::string Query(Message const& rest) {
  std::vector<std::string> parts;
  std::vector<FieldDescriptor const*> set;
  rest.GetReflection()->ListFields(rest, &set);
  for (auto const* field : set) {
    EXPECT_EQ(field->cpp_type(), FieldDescriptor::CPPTYPE_STRING) << field->full_name();
    parts.push_back(absl::StrCat(field->json_name(), "=", rest.GetReflection()->GetString(rest, field)));
  }
  return parts.empty() ? "" : "?" + absl::StrJoin(parts, "&");
}

// Sets every text of the request that is not set, but of alternatives only the first.
void Spoil(Message& request, std::set<std::string> const& but) {
  for (int i = 0; i < request.GetDescriptor()->field_count(); ++i) {
    auto const& field = *request.GetDescriptor()->field(i);
    if (field.is_repeated() || field.type() != FieldDescriptor::TYPE_STRING || but.contains(field.name())) continue;
    auto const* const alternatives = field.real_containing_oneof();
    if (alternatives != nullptr && alternatives->field(0) != &field) continue;
    request.GetReflection()->SetString(&request, &field, kWrong);
  }
}

}  // namespace

void SetText(Message& message, std::string const& path, std::string const& value) {
  auto const [holder, field] = Along(message, path);
  ASSERT_NE(field, nullptr) << path;
  holder->GetReflection()->SetString(holder, field, value);
}

Sample MakeSample(contract::Method const& method) {
  Sample sample;
  sample.method = &method;
  auto const& type = *method.descriptor().input_type();
  sample.request.reset(google::protobuf::MessageFactory::generated_factory()->GetPrototype(&type)->New());
  auto& request = *sample.request;
  auto const& rule = method.descriptor().options().GetExtension(google::api::http);
  std::string text;
  std::tie(sample.verb, text) = VerbAndTemplate(rule);
  std::set<std::string> in_path;
  for (std::size_t at = 0; at < text.size();) {
    if (text[at] != '{') {
      sample.path += text[at++];
      continue;
    }
    auto const end = text.find('}', at);
    std::pair<std::string, std::string> const variable =
        absl::StrSplit(text.substr(at + 1, end - at - 1), absl::MaxSplits('=', 1));
    auto const value = Fill(variable.second.empty() ? "*" : variable.second);
    SetText(request, variable.first, value);
    in_path.insert(variable.first);
    sample.path += value;
    at = end + 1;
  }
  auto const& decides = method.policy().resource();
  if (!decides.empty() && !in_path.contains(decides)) SetText(request, decides, kOrganisation);
  sample.resource = method.Resource(request);
  auto const* const body = rule.body().empty() || rule.body() == "*" ? nullptr : type.FindFieldByName(rule.body());
  auto kept = in_path;
  kept.insert(decides);
  Spoil(request, kept);

  std::unique_ptr<Message> rest(request.New());
  rest->CopyFrom(request);
  for (auto const& path : in_path) Clear(*rest, path);
  if (rule.body() == "*") {
    sample.body = Json(*rest);
    return sample;
  }
  if (body != nullptr) {
    sample.body = Json(rest->GetReflection()->GetMessage(*rest, body));
    rest->GetReflection()->ClearField(rest.get(), body);
  }
  sample.path += Query(*rest);
  return sample;
}

}  // namespace helhed::testing
