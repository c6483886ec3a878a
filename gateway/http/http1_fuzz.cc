#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "gateway/http/head.h"
#include "gateway/http/session_for_test.h"

// Whatever a peer sends in place of HTTP/1: nothing crashes, what a handler sees is clean, and it is the same however the bytes
// were cut, which is what smuggling lives on.
namespace helhed::gateway::http {
namespace {

void CheckClean(RequestHead const& head) {
  bool const clean = IsAuthority(head.authority) && (IsTarget(head.target) || head.target == "*");
  if (!clean || !std::all_of(head.fields.begin(), head.fields.end(), IsSendable)) std::abort();
}

}  // namespace
}  // namespace helhed::gateway::http

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  using namespace helhed::gateway::http;
  std::string_view const bytes(reinterpret_cast<char const*>(data), size);
  Recorder whole;
  Recorder cut;
  Drive(MakeHttp1Session, whole, bytes, std::max<std::size_t>(1, size));
  Drive(MakeHttp1Session, cut, bytes, 1);
  if (whole.running != 0 || cut.running != 0 || whole.requests.size() != cut.requests.size()) std::abort();
  for (std::size_t i = 0; i < whole.requests.size(); ++i) {
    auto const& one = *whole.requests[i];
    auto const& other = *cut.requests[i];
    CheckClean(one.head);
    if (one.head.target != other.head.target || one.head.fields.size() != other.head.fields.size()) std::abort();
    if (one.complete != other.complete || (one.complete && one.body != other.body)) std::abort();
  }
  return 0;
}
