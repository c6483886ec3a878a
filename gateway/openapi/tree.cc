#include "gateway/openapi/tree.h"

#include <absl/strings/str_cat.h>

#include "services/platform/base/strings.h"
#include "services/platform/json/json.h"

namespace helhed::gateway::openapi {

Json::Json(std::string_view text) : kind_(Kind::kString), text_(text) {}
Json::Json(std::string const& text) : kind_(Kind::kString), text_(text) {}
Json::Json(char const* text) : kind_(Kind::kString), text_(text) {}
Json::Json(bool value) : kind_(Kind::kPlain), text_(value ? "true" : "false") {}

Json Json::Object(std::initializer_list<std::pair<std::string, Json>> members) {
  Json object;
  object.kind_ = Kind::kObject;
  object.members_ = members;
  return object;
}

Json Json::Array(Items items) {
  Json array;
  array.kind_ = Kind::kArray;
  array.items_ = std::move(items);
  return array;
}

Json Json::Ref(std::string_view kind, std::string_view name) {
  return Object({{"$ref", absl::StrCat("#/components/", Av(kind), "/", Av(name))}});
}

Json Json::Raw(std::string text) {
  Json raw;
  raw.kind_ = Kind::kPlain;
  raw.text_ = std::move(text);
  return raw;
}

Json& Json::operator[](std::string_view name) {
  if (kind_ == Kind::kNull) kind_ = Kind::kObject;
  for (auto& [key, value] : members_) {
    if (key == name) return value;
  }
  return members_.emplace_back(std::string(name), Json()).second;
}

void Json::Add(Json item) {
  kind_ = Kind::kArray;
  items_.push_back(std::move(item));
}

std::string Json::Text() const {
  std::string out;
  AppendTo(out);
  return out;
}

void Json::AppendTo(std::string& out) const {
  switch (kind_) {
    case Kind::kNull:
      out.append("null");
      return;
    case Kind::kPlain:
      out.append(text_);
      return;
    case Kind::kString:
      out.append(json::Quote(text_));
      return;
    case Kind::kObject: {
      char before = '{';
      for (auto const& [key, value] : members_) {
        out.push_back(std::exchange(before, ','));
        absl::StrAppend(&out, json::Quote(key), ":");
        value.AppendTo(out);
      }
      out.append(members_.empty() ? "{}" : "}");
      return;
    }
    case Kind::kArray: {
      char before = '[';
      for (auto const& item : items_) {
        out.push_back(std::exchange(before, ','));
        item.AppendTo(out);
      }
      out.append(items_.empty() ? "[]" : "]");
      return;
    }
  }
}

}  // namespace helhed::gateway::openapi
