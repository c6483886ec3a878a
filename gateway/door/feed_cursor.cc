#include "gateway/door/feed_cursor.h"

#include <absl/strings/escaping.h>

#include <vector>

#include "gateway/door/wire.h"
#include "helhed/common/v1/errors.pb.h"
#include "services/platform/base/status.h"

namespace helhed::gateway::door {
namespace {

constexpr std::uint64_t kVersion = 1;
constexpr std::size_t kServicesMax = 32;

absl::Status Invalid() {
  return Error(absl::StatusCode::kInvalidArgument, common::v1::ERROR_REASON_CURSOR_INVALID,
               "The cursor is not one of this feed; start with an empty one or `$end`.");
}

}  // namespace

std::string ToFeedCursor(FeedPositions const& positions) {
  std::string message;
  AppendWire(1, kVersion, message);
  for (auto const& [service, position] : positions) {
    std::string entry;
    AppendWire(1, service, entry);
    AppendWire(2, position.cursor, entry);
    AppendWire(3, position.last_id, entry);
    AppendWire(2, entry, message);
  }
  return absl::WebSafeBase64Escape(message);
}

absl::StatusOr<FeedPositions> FromFeedCursor(std::string_view cursor) {
  std::string message;
  std::vector<WireField> fields;
  if (!absl::WebSafeBase64Unescape(Av(cursor), &message) || !ReadWire(message, fields)) return Invalid();
  if (fields.empty() || fields.size() > kServicesMax || fields.front().number != 1 || fields.front().value != kVersion) {
    return Invalid();
  }
  FeedPositions positions;
  for (auto const& field : fields) {
    if (field.number != 2) continue;
    std::vector<WireField> parts;
    if (!ReadWire(field.bytes, parts) || parts.size() != 3) return Invalid();
    positions.emplace(parts[0].bytes, FeedPosition{std::string(parts[1].bytes), std::string(parts[2].bytes)});
  }
  return positions;
}

}  // namespace helhed::gateway::door
