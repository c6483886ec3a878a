#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "services/platform/storage/database.h"

// Chains of hashes, so that whoever alters, removes or slips in a row of a log that is only added to is found out.
//
// A writer adds to its transaction the row and, in `chain_pending`, the row's digest; it waits for nobody. A job then takes what
// is pending and committed, in any order, and appends it to the chain: each link holds the digest, and a hash over itself and the
// link before. So writers are never serialised, which a chain made at insert would do on PostgreSQL; the price is that a row is
// outside the chain until the job has run, seconds later. (An order by number alone would pass rows that commit late: here a row
// that is late is simply linked later, because what is pending is taken away and not read from a cursor.)
//
// Every link is covered by the hashes after it. Who can write to the database could still make a whole new chain, or cut off its
// end: that is found out by whoever kept a position with its hash from an earlier check, outside the database.
namespace helhed::chain {

// Which log, and how its rows are found again.
struct Log {
  std::string_view name;
  // Links after position $2 in order, at most $3, each with the row that it is about: columns position, scope, entry, digest,
  // hash, then a column that is NULL when the row is gone, then what the digest is made of, in that order. $1 is the name.
  storage::Statement const* links = nullptr;
  // Rows after the key ($2, $3) in order of the key (scope, entry), at most $4, each with scope, entry, and NULL or not: whether
  // it is linked, whether it is pending. $1 is the name.
  storage::Statement const* rows = nullptr;
};

// SHA-256 over values with their types and lengths.
std::string DigestOf(std::span<storage::Rows::Value const> values);

// Hands a row to the chain, in the transaction that writes it.
absl::Status Add(storage::WriteTransaction& tx, Log const& log, std::string_view scope, std::string_view entry,
                 std::span<storage::Rows::Value const> values);

// Links what is pending, at most `limit` rows, and returns how many: call it until it returns less. Several processes may.
absl::StatusOr<std::int64_t> Link(storage::Database& database, storage::Limits const& limits, Log const& log, int limit);

enum class Fault { kEntryAltered, kEntryMissing, kLinkBroken, kLinkMissing, kEntryForeign };

struct Check {
  // Begin after this link, which must have this hash; 0 and empty for the beginning.
  std::int64_t start_position = 0;
  std::string start_hash;
  int limit = 10'000;
};
struct Finding {
  struct Where {
    Fault fault;
    std::int64_t position = 0;
    std::string scope;
    std::string entry;
  };
  std::optional<Where> fault;  // the first
  std::int64_t end_position = 0;
  std::string end_hash;
  bool complete = false;
  std::int64_t pending = 0;  // counted up to 10,000
};
// Checks links in order, and from the beginning to the end also that no row is without a link. Errors are those of the store.
absl::StatusOr<Finding> Verify(storage::Database& database, storage::Limits const& limits, Log const& log, Check const& check);

}  // namespace helhed::chain
