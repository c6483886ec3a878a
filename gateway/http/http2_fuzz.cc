#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "gateway/http/head.h"
#include "gateway/http/session_for_test.h"

// Whatever frames a peer sends: nothing crashes, no handler outlives its connection, and what a handler sees is clean. The first
// byte says in what pieces the rest comes.
extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  using namespace helhed::gateway::http;
  if (size == 0) return 0;
  std::string bytes(kHttp2Preface);
  bytes.append("\0\0\0\4\0\0\0\0\0", 9);
  bytes.append(reinterpret_cast<char const*>(data) + 1, size - 1);
  Recorder recorder;
  Drive(MakeHttp2Session, recorder, bytes, data[0] == 0 ? bytes.size() : data[0]);
  if (recorder.running != 0) std::abort();
  for (auto const& request : recorder.requests) {
    auto const& head = request->head;
    if (!IsAuthority(head.authority) || !(IsTarget(head.target) || head.target == "*")) std::abort();
    for (auto const& field : head.fields) {
      if (field.value.find_first_of(std::string_view("\0\r\n", 3)) != std::string::npos) std::abort();
    }
  }
  return 0;
}
