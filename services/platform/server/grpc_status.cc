#include "services/platform/server/grpc_status.h"

#include <google/protobuf/any.pb.h>
#include <google/rpc/error_details.pb.h>
#include <google/rpc/status.pb.h>

#include <string>
#include <string_view>
#include <utility>

#include "services/platform/base/status.h"

namespace helhed::server {
namespace {

constexpr std::string_view kCut = "...";

// The length of `text` as grpc-message carries it: bytes outside printable ASCII, and '%', take three.
std::size_t EncodedBytes(std::string_view text) {
  std::size_t bytes = 0;
  for (char const c : text) bytes += (c >= ' ' && c <= '~' && c != '%') ? 1 : 3;
  return bytes;
}

bool IsContinuation(char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; }

// `text` cut between two characters, so that it takes at most `bytes_max` by `measure`, a sign of the cut included.
template <typename Measure>
std::string Shorten(std::string_view text, std::size_t bytes_max, Measure measure) {
  if (measure(text) <= bytes_max) return std::string(text);
  std::size_t bytes = kCut.size();
  std::size_t end = 0;
  while (end < text.size()) {
    std::size_t next = end + 1;
    while (next < text.size() && IsContinuation(text[next])) ++next;
    bytes += measure(text.substr(end, next - end));
    if (bytes > bytes_max) break;
    end = next;
  }
  return std::string(text.substr(0, end)).append(kCut);
}

std::size_t PlainBytes(std::string_view text) { return text.size(); }

template <typename Detail>
google::protobuf::Any* Find(google::rpc::Status& status) {
  for (auto& detail : *status.mutable_details()) {
    if (detail.Is<Detail>()) return &detail;
  }
  return nullptr;
}

void CountViolations(google::rpc::Status& status, int count) {
  auto* const packed = Find<google::rpc::ErrorInfo>(status);
  google::rpc::ErrorInfo info;
  if (packed == nullptr || !packed->UnpackTo(&info)) return;
  (*info.mutable_metadata())["violations"] = std::to_string(count);
  packed->PackFrom(info);
}

void CutViolations(google::rpc::Status& status) {
  auto* const packed = Find<google::rpc::BadRequest>(status);
  google::rpc::BadRequest details;
  if (packed == nullptr || !packed->UnpackTo(&details)) return;
  CountViolations(status, details.field_violations_size());
  std::size_t const others = status.ByteSizeLong() - packed->value().size();
  std::size_t const room = others < kDetailsBytesMax ? kDetailsBytesMax - others : 0;
  std::size_t bytes = 0;
  int kept = 0;
  for (auto const& violation : details.field_violations()) {
    bytes += violation.ByteSizeLong() + 4;  // its tag and length
    if (bytes > room) break;
    ++kept;
  }
  details.mutable_field_violations()->DeleteSubrange(kept, details.field_violations_size() - kept);
  packed->PackFrom(details);
}

void KeepOnlyTheReason(google::rpc::Status& status) {
  auto const* const packed = Find<google::rpc::ErrorInfo>(status);
  google::rpc::ErrorInfo info;
  bool const found = packed != nullptr && packed->UnpackTo(&info);
  status.clear_details();
  if (!found) return;
  for (auto& [name, value] : *info.mutable_metadata()) value = Shorten(value, 100, PlainBytes);
  status.add_details()->PackFrom(info);
  if (status.ByteSizeLong() <= kDetailsBytesMax) return;
  info.clear_metadata();
  status.mutable_details(0)->PackFrom(info);
}

}  // namespace

grpc::Status ToGrpc(absl::Status const& status) {
  if (status.ok()) return grpc::Status::OK;
  google::rpc::Status proto = ToProto(status);
  std::string message = Shorten(proto.message(), kMessageBytesMax, EncodedBytes);
  proto.set_message(Shorten(proto.message(), kMessageBytesMax, PlainBytes));
  if (proto.ByteSizeLong() > kDetailsBytesMax) CutViolations(proto);
  if (proto.ByteSizeLong() > kDetailsBytesMax) KeepOnlyTheReason(proto);
  return {static_cast<grpc::StatusCode>(proto.code()), std::move(message), proto.SerializeAsString()};
}

}  // namespace helhed::server
