#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// A JSON value to build a document of: names stay in the order in which they were added, so the same contract is the same text.
// Not for others.
namespace helhed::gateway::openapi {

class Json {
 public:
  using Members = std::vector<std::pair<std::string, Json>>;
  using Items = std::vector<Json>;

  // `null`
  Json() = default;
  Json(std::string_view text);    // NOLINT(google-explicit-constructor): reads as the value it is
  Json(std::string const& text);  // NOLINT(google-explicit-constructor)
  Json(char const* text);         // NOLINT(google-explicit-constructor)
  template <std::integral Number>
  Json(Number value)  // NOLINT(google-explicit-constructor)
      : kind_(Kind::kPlain), text_(std::to_string(value)) {}
  Json(bool value);  // NOLINT(google-explicit-constructor)
  static Json Object(std::initializer_list<std::pair<std::string, Json>> members = {});
  static Json Array(Items items = {});
  // {"$ref": "#/components/<kind>/<name>"}
  static Json Ref(std::string_view kind, std::string_view name);

  // A JSON text, put in as it is.
  static Json Raw(std::string text);

  // The member of that name, added as null where there is none; makes an object of null.
  Json& operator[](std::string_view name);
  // Makes an array of null.
  void Add(Json item);

  bool is_null() const { return kind_ == Kind::kNull; }
  bool empty() const { return members_.empty() && items_.empty(); }
  Members const& members() const { return members_; }
  Items const& items() const { return items_; }
  // Of a string or a plain value.
  std::string const& text() const { return text_; }
  std::string Text() const;

 private:
  enum class Kind { kNull, kPlain, kString, kObject, kArray };
  void AppendTo(std::string& out) const;

  Kind kind_ = Kind::kNull;
  std::string text_;
  Members members_;
  Items items_;
};

}  // namespace helhed::gateway::openapi
