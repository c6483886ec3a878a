#include "gateway/identity/url.h"

#include <absl/strings/ascii.h>
#include <absl/strings/numbers.h>

#include <algorithm>

#include "services/platform/base/strings.h"

namespace helhed::gateway::identity {
namespace {

bool IsHost(std::string_view host, bool is_bracketed) {
  auto const fits = [&](char c) {
    return is_bracketed ? absl::ascii_isxdigit(static_cast<unsigned char>(c)) || c == ':' || c == '.'
                        : absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '-';
  };
  return !host.empty() && host.size() <= 253 && std::all_of(host.begin(), host.end(), fits);
}

bool IsTarget(std::string_view target) {
  return std::all_of(target.begin(), target.end(), [](char c) { return c > ' ' && c < 0x7f && c != '#' && c != '\\'; });
}

bool IsPort(std::string_view port) {
  int number = 0;
  auto const is_digit = [](char c) { return c >= '0' && c <= '9'; };
  return port.size() <= 5 && std::all_of(port.begin(), port.end(), is_digit) && absl::SimpleAtoi(Av(port), &number) &&
         number > 0 && number < 65536;
}

}  // namespace

bool Url::is_loopback() const { return host == "127.0.0.1" || host == "::1" || host == "localhost"; }

std::optional<Url> ParseUrl(std::string_view text) {
  Url url;
  url.is_tls = text.starts_with("https://");
  if (!url.is_tls && !text.starts_with("http://")) return std::nullopt;
  text.remove_prefix(url.is_tls ? 8 : 7);
  auto const authority = text.substr(0, text.find_first_of("/?#"));
  auto const target = text.substr(authority.size());
  url.target = target.starts_with('/') ? std::string(target) : "/" + std::string(target);
  bool const is_bracketed = authority.starts_with('[');
  auto const host_end = is_bracketed ? authority.find(']') : authority.find(':');
  if (is_bracketed && host_end == std::string_view::npos) return std::nullopt;
  auto const host = is_bracketed ? authority.substr(1, host_end - 1) : authority.substr(0, host_end);
  auto rest = host_end == std::string_view::npos ? std::string_view() : authority.substr(host_end + (is_bracketed ? 1 : 0));
  if (!IsHost(host, is_bracketed) || !IsTarget(url.target)) return std::nullopt;
  url.host = absl::AsciiStrToLower(Av(host));
  url.port = url.is_tls ? "443" : "80";
  url.authority = is_bracketed ? "[" + url.host + "]" : url.host;
  if (rest.empty()) return url;
  if (!rest.starts_with(':') || !IsPort(rest.substr(1))) return std::nullopt;
  rest.remove_prefix(1);
  if (rest != url.port) url.authority += ":" + std::string(rest);
  url.port = rest;
  return url;
}

}  // namespace helhed::gateway::identity
