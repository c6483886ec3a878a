#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace helhed::gateway::identity {

// Where keys are fetched: an absolute URL of the schemes https and http, without user, fragment and anything else that two
// parsers could read differently.
struct Url {
  bool is_tls = true;
  // In lower case, without brackets.
  std::string host;
  // What stands in the `host` field: with brackets, and the port when it is not the scheme's own.
  std::string authority;
  std::string port;
  // Path and query, at least `/`.
  std::string target;

  // 127.0.0.1, ::1 or localhost: never leaves the machine.
  bool is_loopback() const;
};

std::optional<Url> ParseUrl(std::string_view text);

}  // namespace helhed::gateway::identity
