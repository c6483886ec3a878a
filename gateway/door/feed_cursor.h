#pragma once

#include <absl/status/statusor.h>

#include <map>
#include <string>
#include <string_view>

// Where a reader of the feed stands in the logs of all services.
namespace helhed::gateway::door {

struct FeedPosition {
  // Of the service's own log; empty for its oldest event.
  std::string cursor;
  // The id of the last event that was passed, where it is known: the shared part of the feed is joined by it, because cursors
  // are sealed and two of the same place differ.
  std::string last_id;
  friend bool operator==(FeedPosition const&, FeedPosition const&) = default;
};

// By service. One that is not named was not there when the cursor was made, and is read from its oldest event. Those that this
// gateway does not know are kept, for another that does.
using FeedPositions = std::map<std::string, FeedPosition, std::less<>>;

// The feed's cursor as text of the URL-safe base64 alphabet, and back. The services check what they sealed; a cursor that was
// altered otherwise leads to no event that its holder may not see. Errors: INVALID_ARGUMENT CURSOR_INVALID.
std::string ToFeedCursor(FeedPositions const& positions);
absl::StatusOr<FeedPositions> FromFeedCursor(std::string_view cursor);

}  // namespace helhed::gateway::door
