#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "gateway/door/feed_cursor.h"
#include "gateway/door/wire.h"

// Cursors and messages of gRPC's own services, which callers write: any bytes are refused or taken, and what is taken as a cursor
// comes out again.
extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  std::string_view const bytes(reinterpret_cast<char const*>(data), size);
  std::vector<helhed::gateway::door::WireField> fields;
  helhed::gateway::door::ReadWire(bytes, fields);
  auto const positions = helhed::gateway::door::FromFeedCursor(bytes);
  if (!positions.ok()) return 0;
  auto const again = helhed::gateway::door::FromFeedCursor(helhed::gateway::door::ToFeedCursor(*positions));
  if (!again.ok() || *again != *positions) std::abort();
  return 0;
}
