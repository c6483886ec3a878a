#include "gateway/upstream/grpc_wire.h"

#include <absl/strings/escaping.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <google/rpc/status.pb.h>

#include <algorithm>
#include <array>
#include <utility>

#include "helhed/common/v1/errors.pb.h"
#include "services/platform/base/status.h"
#include "services/platform/base/strings.h"

namespace helhed::gateway::upstream {
namespace {

constexpr std::int64_t kTimeoutDigitsMax = 99'999'999;
constexpr std::size_t kTimeoutDigits = 8;
// How much is set aside at once for a message that its prefix announces: a caller who announces much has sent nothing yet.
constexpr std::size_t kReserveBytesMax = std::size_t{64} * 1024;

bool IsPlain(char c) { return c >= ' ' && c <= '~' && c != '%'; }

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

std::string Framed(std::string_view message) {
  auto const length = static_cast<std::uint32_t>(message.size());
  std::string framed;
  framed.reserve(kPrefixBytes + message.size());
  framed.push_back('\0');
  for (int shift = 24; shift >= 0; shift -= 8) framed.push_back(static_cast<char>((length >> shift) & 0xFFU));
  return framed.append(message);
}

absl::Status Deframer::ReadPrefix() {
  if (prefix_[0] != '\0') {
    return Error(absl::StatusCode::kUnimplemented, common::v1::ERROR_REASON_BAD_REQUEST, "Compressed messages are not accepted.");
  }
  length_ = 0;
  for (std::size_t i = 1; i < kPrefixBytes; ++i) length_ = (length_ << 8U) | static_cast<unsigned char>(prefix_[i]);
  if (length_ > bytes_max_) {
    return Error(absl::StatusCode::kResourceExhausted, common::v1::ERROR_REASON_REQUEST_TOO_LARGE,
                 Sv(absl::StrCat("A message has ", length_, " bytes; at most ", bytes_max_, " are taken.")),
                 {{"bytes", absl::StrCat(length_)}, {"bytes_max", absl::StrCat(bytes_max_)}});
  }
  has_length_ = true;
  prefix_.clear();
  message_.reserve(std::min(length_, kReserveBytesMax));
  return absl::OkStatus();
}

absl::Status Deframer::Feed(std::string_view bytes, std::function<bool(std::string)> const& take) {
  while (true) {
    if (!has_length_) {
      auto const part = bytes.substr(0, kPrefixBytes - prefix_.size());
      prefix_.append(part);
      prefix_bytes_ += part.size();
      bytes.remove_prefix(part.size());
      if (prefix_.size() < kPrefixBytes) return absl::OkStatus();
      RETURN_IF_ERROR(ReadPrefix());
    }
    auto const part = bytes.substr(0, length_ - message_.size());
    message_.append(part);
    bytes.remove_prefix(part.size());
    if (message_.size() < length_) return absl::OkStatus();
    has_length_ = false;
    if (!take(std::exchange(message_, {}))) return absl::OkStatus();
  }
}

std::string PercentEncode(std::string_view text) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string encoded;
  encoded.reserve(text.size());
  for (char const c : text) {
    if (IsPlain(c)) {
      encoded.push_back(c);
      continue;
    }
    auto const byte = static_cast<unsigned char>(c);
    encoded.append({'%', digits[byte >> 4U], digits[byte & 15U]});
  }
  return encoded;
}

std::string PercentDecode(std::string_view text) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    int const high = text[i] == '%' && i + 2 < text.size() ? HexDigit(text[i + 1]) : -1;
    int const low = high < 0 ? -1 : HexDigit(text[i + 2]);
    if (low < 0) {
      decoded.push_back(text[i]);
      continue;
    }
    decoded.push_back(static_cast<char>(high * 16 + low));
    i += 2;
  }
  return decoded;
}

std::string ToBinary(std::string_view bytes) {
  auto text = absl::Base64Escape(Av(bytes));
  while (text.ends_with('=')) text.pop_back();
  return text;
}

std::optional<std::string> FromBinary(std::string_view text) {
  std::string bytes;
  if (!absl::Base64Unescape(Av(text), &bytes)) return std::nullopt;
  return bytes;
}

std::string ToTimeout(absl::Duration left) {
  constexpr std::array<std::pair<char, std::int64_t>, 5> units = {
      {{'u', 1}, {'m', 1'000}, {'S', 1'000'000}, {'M', 60'000'000}, {'H', 3'600'000'000}}};
  auto const micros = std::max<std::int64_t>(absl::ToInt64Microseconds(left), 0);
  for (auto const& [unit, size] : units) {
    if (micros / size <= kTimeoutDigitsMax) return absl::StrCat(micros / size, std::string(1, unit));
  }
  return absl::StrCat(kTimeoutDigitsMax, "H");
}

std::optional<absl::Duration> FromTimeout(std::string_view text) {
  if (text.size() < 2 || text.size() > kTimeoutDigits + 1) return std::nullopt;
  auto const digits = text.substr(0, text.size() - 1);
  std::int64_t value = 0;
  bool const is_number = std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (!is_number || !absl::SimpleAtoi(Av(digits), &value)) return std::nullopt;
  switch (text.back()) {
    case 'n':
      return absl::Nanoseconds(value);
    case 'u':
      return absl::Microseconds(value);
    case 'm':
      return absl::Milliseconds(value);
    case 'S':
      return absl::Seconds(value);
    case 'M':
      return absl::Minutes(value);
    case 'H':
      return absl::Hours(value);
    default:
      return std::nullopt;
  }
}

absl::Status StatusOf(std::string_view code, std::string_view message, std::string_view details) {
  int number = 0;
  constexpr int code_max = 16;
  if (!absl::SimpleAtoi(Av(code), &number) || number < 0 || number > code_max) {
    return absl::UnknownError("the answer has no grpc-status");
  }
  if (number == 0) return absl::OkStatus();
  google::rpc::Status proto;
  if (!details.empty() && proto.ParseFromArray(details.data(), static_cast<int>(details.size())) && proto.code() == number) {
    return FromProto(proto);
  }
  return absl::Status(static_cast<absl::StatusCode>(number), PercentDecode(message));
}

}  // namespace helhed::gateway::upstream
