#include "gateway/http/head.h"

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <array>

#include "services/platform/base/strings.h"

namespace helhed::gateway::http {
namespace {

bool IsTokenCharacter(char c) {
  return absl::ascii_isalnum(c) || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

bool IsToken(std::string_view text) { return !text.empty() && std::all_of(text.begin(), text.end(), IsTokenCharacter); }

// A name or an IPv4 address: what DNS and this house's configuration can hold, which is less than RFC 3986 allows.
bool IsHostName(std::string_view host) {
  return !host.empty() && host.size() <= 253 &&
         std::all_of(host.begin(), host.end(), [](char c) { return absl::ascii_isalnum(c) || c == '-' || c == '.' || c == '_'; });
}

bool IsIpv6(std::string_view address) {
  return address.size() >= 2 && address.size() <= 45 && absl::StrContains(Av(address), ':') &&
         std::all_of(address.begin(), address.end(), [](char c) { return absl::ascii_isxdigit(c) || c == ':' || c == '.'; });
}

bool IsPort(std::string_view port) {
  int number = 0;
  return !port.empty() && port.size() <= 5 && std::all_of(port.begin(), port.end(), absl::ascii_isdigit) &&
         absl::SimpleAtoi(Av(port), &number) && number <= 65'535;
}

std::optional<Refused> CheckLength(RequestHead const& head, Limits const& limits, std::optional<std::uint64_t>& content_length) {
  for (auto const& field : head.fields) {
    if (field.name != "content-length") continue;
    // Also two of the same value: whoever sends them is not to be guessed at (RFC 9110, 8.6).
    if (content_length) return Refused{Refusal::kMalformedRequest, 400, "content-length occurs twice"};
    std::uint64_t length = 0;
    if (field.value.empty() || field.value.size() > 18 ||
        !std::all_of(field.value.begin(), field.value.end(), absl::ascii_isdigit) || !absl::SimpleAtoi(field.value, &length)) {
      return Refused{Refusal::kMalformedRequest, 400, "content-length is not a number of bytes"};
    }
    content_length = length;
  }
  if (content_length.value_or(0) > limits.body_bytes) return Refused{Refusal::kBodyTooLarge, 413, "the body is too large"};
  return std::nullopt;
}

std::optional<Refused> CheckFields(RequestHead const& head) {
  for (auto const& field : head.fields) {
    // Nothing is ever decompressed, so that nothing small can become large.
    if (field.name == "content-encoding" && !field.value.empty() && !absl::EqualsIgnoreCase(field.value, "identity")) {
      return Refused{Refusal::kContentEncodingUnsupported, 415, "a body is accepted without content-encoding only"};
    }
    if (field.name == "expect" && !absl::EqualsIgnoreCase(field.value, "100-continue")) {
      return Refused{Refusal::kExpectationUnknown, 417, "expect may only be 100-continue"};
    }
  }
  return std::nullopt;
}

std::string_view CodeName(int status) {
  switch (status) {
    case 408:
      return "DEADLINE_EXCEEDED";
    case 413:
      return "RESOURCE_EXHAUSTED";
    case 500:
      return "INTERNAL";
    case 501:
    case 505:
      return "UNIMPLEMENTED";
    default:
      return "INVALID_ARGUMENT";
  }
}

}  // namespace

bool IsAuthority(std::string_view authority) {
  if (authority.size() > 300) return false;
  std::string_view host = authority;
  if (absl::StartsWith(Av(authority), "[")) {
    auto const end = authority.find(']');
    if (end == std::string_view::npos || !IsIpv6(authority.substr(1, end - 1))) return false;
    auto const rest = authority.substr(end + 1);
    return rest.empty() || (rest.front() == ':' && IsPort(rest.substr(1)));
  }
  if (auto const colon = authority.find(':'); colon != std::string_view::npos) {
    if (!IsPort(authority.substr(colon + 1))) return false;
    host = authority.substr(0, colon);
  }
  return IsHostName(host);
}

bool IsTarget(std::string_view target) {
  return !target.empty() && target.front() == '/' &&
         std::all_of(target.begin(), target.end(), [](char c) { return c > 0x20 && c < 0x7f && c != '#'; });
}

bool IsSendable(Field const& field) {
  auto const bad_value = [](char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f; };
  return IsToken(field.name) && std::none_of(field.name.begin(), field.name.end(), absl::ascii_isupper) &&
         std::none_of(field.value.begin(), field.value.end(), bad_value);
}

bool IsHopByHop(std::string_view name) {
  constexpr std::array<std::string_view, 5> kNames = {"connection", "keep-alive", "proxy-connection", "transfer-encoding",
                                                      "upgrade"};
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

std::optional<Refused> CheckHead(RequestHead const& head, Limits const& limits, std::optional<std::uint64_t>& content_length) {
  if (!IsToken(head.method) || head.method.size() > 32) return Refused{Refusal::kMalformedRequest, 400, "the method is not one"};
  if (head.method == "CONNECT") return Refused{Refusal::kMethodUnsupported, 501, "this is not a proxy"};
  if (head.target.size() > limits.target_bytes) return Refused{Refusal::kTargetTooLong, 414, "path and query are too long"};
  if (!IsTarget(head.target) && !(head.target == "*" && head.method == "OPTIONS")) {
    return Refused{Refusal::kMalformedRequest, 400, "path and query are malformed"};
  }
  if (!IsAuthority(head.authority)) return Refused{Refusal::kMalformedRequest, 400, "the host is missing or malformed"};
  if (auto refused = CheckLength(head, limits, content_length)) return refused;
  return CheckFields(head);
}

HeadState ScanHead(std::string_view input, std::size_t& scanned) {
  for (; scanned < input.size(); ++scanned) {
    char const c = input[scanned];
    char const before = scanned == 0 ? '\0' : input[scanned - 1];
    if (c == '\n') {
      if (before != '\r') return HeadState::kMalformed;
      if (scanned < 3 || input.substr(scanned - 3, 2) != "\r\n") continue;
      ++scanned;
      return HeadState::kComplete;
    }
    bool const lone_return = before == '\r';
    bool const folded = before == '\n' && (c == ' ' || c == '\t');
    bool const control = (static_cast<unsigned char>(c) < 0x20 && c != '\t' && c != '\r') || c == 0x7f;
    if (lone_return || folded || control) return HeadState::kMalformed;
  }
  return HeadState::kIncomplete;
}

std::string RefusalBody(Refused const& refused) {
  return absl::StrCat(R"({"error":{"code":)", refused.status, R"(,"status":")", Av(CodeName(refused.status)), R"(","message":")",
                      Av(refused.message), R"(","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":")",
                      absl::AsciiStrToUpper(Av(NameOf(refused.reason))), R"(","domain":"helhed.dk"}]}})", "\n");
}

}  // namespace helhed::gateway::http
