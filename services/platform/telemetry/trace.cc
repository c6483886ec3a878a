#include "services/platform/telemetry/trace.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace helhed::telemetry {
namespace {

// `00-` 32 digits `-` 16 digits `-` 2 digits.
constexpr std::size_t kHeaderLength = 55;

bool IsLowerHex(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

bool IsZero(std::string_view text) { return text.find_first_not_of('0') == std::string_view::npos; }

std::string NonZeroHex(Random& random) {
  std::uint64_t value = random.Next();
  while (value == 0) value = random.Next();
  return absl::StrCat(absl::Hex(value, absl::kZeroPad16));
}

}  // namespace

std::string TraceContext::ToHeader() const { return absl::StrCat("00-", trace_id, "-", span_id, sampled ? "-01" : "-00"); }

std::optional<TraceContext> ParseTraceparent(std::string_view header) {
  if (header.size() < kHeaderLength) return std::nullopt;
  auto const version = header.substr(0, 2);
  if (!IsLowerHex(version) || version == "ff") return std::nullopt;
  // Version 00 ends here; a later one may say more after another dash.
  if (header.size() > kHeaderLength && (version == "00" || header[kHeaderLength] != '-')) return std::nullopt;
  if (header[2] != '-' || header[35] != '-' || header[52] != '-') return std::nullopt;
  auto const trace = header.substr(3, 32);
  auto const span = header.substr(36, 16);
  auto const flags = header.substr(53, 2);
  if (!IsLowerHex(trace) || IsZero(trace) || !IsLowerHex(span) || IsZero(span) || !IsLowerHex(flags)) return std::nullopt;
  int const low = flags[1] <= '9' ? flags[1] - '0' : flags[1] - 'a' + 10;
  return TraceContext{std::string(trace), std::string(span), (low & 1) != 0};
}

TraceContext ContinueTrace(std::string_view header, Random& random) {
  auto context = ParseTraceparent(header);
  if (!context) context = TraceContext{absl::StrCat(NonZeroHex(random), NonZeroHex(random)), "", false};
  context->span_id = NonZeroHex(random);
  return *std::move(context);
}

}  // namespace helhed::telemetry
