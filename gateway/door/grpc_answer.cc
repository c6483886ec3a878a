#include "gateway/door/grpc_answer.h"

#include <absl/strings/str_cat.h>
#include <google/rpc/error_details.pb.h>
#include <google/rpc/status.pb.h>

#include <algorithm>

#include "gateway/upstream/grpc_wire.h"
#include "services/platform/base/status.h"

namespace helhed::gateway::door {
namespace {

constexpr std::size_t kMessageBytesMax = 1024;
constexpr std::size_t kDetailsBytesMax = 5 * 1024;

std::string Cut(std::string_view text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) return std::string(text);
  auto end = bytes_max;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  return std::string(text.substr(0, end)).append("...");
}

std::string Details(absl::Status const& status) {
  auto proto = ToProto(status);
  if (proto.details().empty()) return "";
  proto.set_message(Cut(proto.message(), kMessageBytesMax));
  if (proto.ByteSizeLong() <= kDetailsBytesMax) return proto.SerializeAsString();
  auto& details = *proto.mutable_details();
  details.erase(std::remove_if(details.begin(), details.end(),
                               [](auto const& detail) {
                                 return !detail.template Is<google::rpc::ErrorInfo>() &&
                                        !detail.template Is<google::rpc::RetryInfo>();
                               }),
                details.end());
  return proto.ByteSizeLong() <= kDetailsBytesMax ? proto.SerializeAsString() : "";
}

}  // namespace

bool IsGrpc(std::string_view content_type) {
  auto const type = content_type.substr(0, content_type.find(';'));
  return type == "application/grpc" || type == "application/grpc+proto";
}

http::Fields GrpcHead() { return {{"content-type", "application/grpc"}, {"grpc-accept-encoding", "identity"}}; }

http::Fields GrpcTrailers(absl::Status const& status, std::string_view details) {
  http::Fields trailers = {{"grpc-status", absl::StrCat(static_cast<int>(status.code()))}};
  if (status.ok()) return trailers;
  trailers.push_back({"grpc-message", upstream::PercentEncode(Cut(Sv(status.message()), kMessageBytesMax))});
  auto const binary = details.empty() ? Details(status) : std::string(details);
  if (!binary.empty()) trailers.push_back({"grpc-status-details-bin", upstream::ToBinary(binary)});
  return trailers;
}

}  // namespace helhed::gateway::door
