#include "tests/gateway/rest.h"

#include <absl/strings/str_cat.h>
#include <gtest/gtest.h>

#include <utility>

namespace helhed::testing {

std::string Answer::TextAt(std::vector<std::string> const& path) const {
  rapidjson::Value const* value = &json;
  for (auto const& member : path) {
    if (value->IsArray() && !value->Empty()) value = &(*value)[0];
    if (!value->IsObject() || !value->HasMember(member.c_str())) return "";
    value = &(*value)[member.c_str()];
  }
  return value->IsString() ? value->GetString() : "";
}

std::vector<std::string> Answer::Each(std::string const& list, std::string const& member) const {
  std::vector<std::string> texts;
  if (!json.IsObject() || !json.HasMember(list.c_str())) return texts;
  for (auto const& item : json[list.c_str()].GetArray()) {
    texts.emplace_back(item.HasMember(member.c_str()) ? item[member.c_str()].GetString() : "");
  }
  return texts;
}

Answer Rest::Send(std::string const& token, std::vector<std::string> arguments, std::string const& path) const {
  arguments.push_back(absl::StrCat(house_.url(), "/v1/", path));
  auto const output = house_.Curl(token, arguments).output;
  auto const end = output.rfind('\n');
  Answer answer{.status = output.substr(end + 1), .text = output.substr(0, end), .json = {}};
  answer.json.Parse(answer.text.c_str());
  return answer;
}

Answer Rest::Post(std::string const& token, std::string const& path, std::string const& json) const {
  return Send(token, {"--header", "content-type: application/json", "--data", json}, path);
}

Answer Rest::Patch(std::string const& token, std::string const& path, std::string const& json) const {
  return Send(token, {"--request", "PATCH", "--header", "content-type: application/json", "--data", json}, path);
}

Answer Rest::Read(std::string const& token, std::string const& path) const {
  auto answer = Get(token, path);
  EXPECT_EQ(answer.status, "200") << path << ": " << answer.text;
  return answer;
}

Answer Rest::Enter(std::string const& token, std::string const& path, std::string const& json) const {
  auto answer = Post(token, path, json);
  EXPECT_EQ(answer.status, "200") << path << ": " << answer.text;
  return answer;
}

}  // namespace helhed::testing
