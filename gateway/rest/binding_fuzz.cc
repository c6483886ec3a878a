#include <google/protobuf/util/message_differencer.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "gateway/rest/transcoder.h"
#include "helhed/desk/v1/desk.pb.h"
#include "services/platform/json/json.h"

// The first line is a request (`POST /v1/rooms/1/desks?desk_id=a`), the rest a body. Whatever is bound, written as JSON and read
// again, is the same message.
extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  using namespace helhed::gateway;
  static auto const* const transcoder =
      rest::Transcoder::Make(helhed::contract::MethodsOf(helhed::desk::v1::Desk::descriptor()->file()->service(0)->full_name()))
          ->release();
  std::string_view const text(reinterpret_cast<char const*>(data), size);
  auto const end = std::min(text.find('\n'), text.size());
  auto const line = text.substr(0, end);
  auto const space = std::min(line.find(' '), line.size());
  http::RequestHead head;
  head.method = line.substr(0, space);
  head.target = line.substr(std::min(space + 1, line.size()));
  auto const match = transcoder->Resolve(head);
  if (!match.matched) return 0;
  auto const bound = transcoder->Request(*match.matched, text.substr(std::min(end + 1, text.size())));
  if (!bound.ok()) return 0;

  auto const& type = *match.matched->method->descriptor().input_type();
  std::unique_ptr<google::protobuf::Message> const first(
      google::protobuf::MessageFactory::generated_factory()->GetPrototype(&type)->New());
  std::unique_ptr<google::protobuf::Message> const second(first->New());
  if (!first->ParseFromString(*bound)) std::abort();
  auto const json = helhed::json::Write(*first);
  if (!helhed::json::Read(json, *second).ok()) std::abort();
  if (!google::protobuf::util::MessageDifferencer::Equals(*first, *second)) std::abort();
  if (helhed::json::Write(*second) != json) std::abort();
  return 0;
}
