#pragma once

#include <rapidjson/document.h>

#include <string>
#include <vector>

#include "tests/gateway/house.h"

// The house as a program has it that speaks REST.
namespace helhed::testing {

struct Answer {
  std::string status;  // of HTTP: `200`
  std::string text;
  rapidjson::Document json;

  // The text at a path of members, in a list that of its first element; empty where there is none.
  template <typename... Members>
  std::string At(Members const&... members) const {
    return TextAt({members...});
  }
  // The same member's text of each element of a list.
  std::vector<std::string> Each(std::string const& list, std::string const& member) const;

 private:
  std::string TextAt(std::vector<std::string> const& path) const;
};

// Calls by curl, each with the token of whoever asks; a path is what follows `/v1/`. Outlived by its house.
class Rest {
 public:
  explicit Rest(House const& house) : house_(house) {}

  // With more arguments for curl.
  Answer Send(std::string const& token, std::vector<std::string> arguments, std::string const& path) const;
  Answer Get(std::string const& token, std::string const& path) const { return Send(token, {}, path); }
  Answer Post(std::string const& token, std::string const& path, std::string const& json) const;
  Answer Patch(std::string const& token, std::string const& path, std::string const& json) const;
  // The same of what must succeed.
  Answer Read(std::string const& token, std::string const& path) const;
  Answer Enter(std::string const& token, std::string const& path, std::string const& json) const;

 private:
  House const& house_;
};

}  // namespace helhed::testing
