#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/upstream/grpc_wire.h"

// What a peer frames, encodes and times: any bytes are either refused or come out the same however they were cut.
namespace {

std::vector<std::string> Take(std::string_view bytes, std::size_t cut) {
  helhed::gateway::upstream::Deframer deframer(100'000);
  std::vector<std::string> messages;
  while (!bytes.empty()) {
    auto const part = bytes.substr(0, cut);
    bytes.remove_prefix(part.size());
    auto const fed = deframer.Feed(part, [&](std::string message) {
      messages.push_back(std::move(message));
      return true;
    });
    if (!fed.ok()) break;
  }
  return messages;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  using namespace helhed::gateway::upstream;  // NOLINT(google-build-using-namespace)
  std::string_view const bytes(reinterpret_cast<char const*>(data), size);
  if (Take(bytes, 1) != Take(bytes, size + 1)) std::abort();
  if (PercentDecode(PercentEncode(bytes)) != bytes) std::abort();
  if (FromBinary(ToBinary(bytes)) != bytes) std::abort();
  FromBinary(bytes);
  PercentDecode(bytes);
  if (auto const timeout = FromTimeout(bytes); timeout && *timeout < absl::ZeroDuration()) std::abort();
  StatusOf(bytes.substr(0, 2), bytes, bytes).IgnoreError();
  return 0;
}
