#include "gateway/door/wire.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>

namespace helhed::gateway::door {
namespace {

using google::protobuf::internal::WireFormatLite;

void AppendVarint(std::uint64_t value, std::string& message) {
  constexpr std::uint64_t more = 0x80;
  for (; value >= more; value >>= 7U) message.push_back(static_cast<char>((value & 0x7FU) | more));
  message.push_back(static_cast<char>(value));
}

}  // namespace

bool ReadWire(std::string_view message, std::vector<WireField>& fields) {
  google::protobuf::io::CodedInputStream in(reinterpret_cast<std::uint8_t const*>(message.data()),
                                            static_cast<int>(message.size()));
  while (true) {
    auto const tag = in.ReadTag();
    if (tag == 0) return in.ConsumedEntireMessage();
    WireField field;
    field.number = static_cast<std::uint32_t>(WireFormatLite::GetTagFieldNumber(tag));
    switch (WireFormatLite::GetTagWireType(tag)) {
      case WireFormatLite::WIRETYPE_VARINT:
        if (!in.ReadVarint64(&field.value)) return false;
        break;
      case WireFormatLite::WIRETYPE_LENGTH_DELIMITED: {
        std::uint32_t length = 0;
        if (!in.ReadVarint32(&length)) return false;
        auto const at = static_cast<std::size_t>(in.CurrentPosition());
        if (length > message.size() - at || !in.Skip(static_cast<int>(length))) return false;
        field.bytes = message.substr(at, length);
        break;
      }
      default:
        if (!WireFormatLite::SkipField(&in, tag)) return false;
        continue;
    }
    fields.push_back(field);
  }
}

void AppendWire(std::uint32_t number, std::string_view bytes, std::string& message) {
  AppendVarint((std::uint64_t{number} << 3U) | WireFormatLite::WIRETYPE_LENGTH_DELIMITED, message);
  AppendVarint(bytes.size(), message);
  message.append(bytes);
}

void AppendWire(std::uint32_t number, std::uint64_t value, std::string& message) {
  AppendVarint((std::uint64_t{number} << 3U) | WireFormatLite::WIRETYPE_VARINT, message);
  AppendVarint(value, message);
}

}  // namespace helhed::gateway::door
