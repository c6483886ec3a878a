#include "services/platform/service/chain.h"

#include <absl/strings/str_cat.h>
#include <sodium.h>

#include <algorithm>

#include "services/platform/base/status.h"

namespace helhed::chain {
namespace {

using storage::Rows;
using storage::Statement;

// How many rows are read at a time.
constexpr std::int64_t kPage = 500;
// Where the columns that the digest is made of begin in Log::links.
constexpr std::size_t kContent = 6;

Statement const kAdd("chain.add", "INSERT INTO chain_pending (chain, scope, entry, digest) VALUES ($1, $2, $3, $4)");
Statement const kPending("chain.pending",
                         "SELECT scope, entry, digest FROM chain_pending WHERE chain = $1 ORDER BY entry, scope LIMIT $2");
Statement const kHead("chain.head", "SELECT position, hash FROM chain_links WHERE chain = $1 ORDER BY position DESC LIMIT 1");
Statement const kLink("chain.link",
                      "INSERT INTO chain_links (chain, position, scope, entry, digest, hash) VALUES ($1, $2, $3, $4, $5, $6)");
Statement const kTaken("chain.taken", "DELETE FROM chain_pending WHERE chain = $1 AND entry = $2 AND scope = $3");
Statement const kAt("chain.at", "SELECT hash FROM chain_links WHERE chain = $1 AND position = $2");
Statement const kCountPending(
    "chain.count_pending",
    "SELECT count(*) AS pending FROM (SELECT entry FROM chain_pending WHERE chain = $1 LIMIT 10000) AS counted");

storage::Bytes BytesOf(std::string const& text) { return std::as_bytes(std::span(text)); }
std::string TextOf(std::span<std::byte const> bytes) { return {reinterpret_cast<char const*>(bytes.data()), bytes.size()}; }

std::string Sha256(std::string const& text) {
  std::string hash(crypto_hash_sha256_BYTES, '\0');
  crypto_hash_sha256(reinterpret_cast<unsigned char*>(hash.data()), reinterpret_cast<unsigned char const*>(text.data()),
                     text.size());
  return hash;
}

// A type, a length and the value, so that no two lists of values look alike.
void AppendValue(std::string& text, Rows::Value const& value) {
  if (std::holds_alternative<std::nullptr_t>(value)) {
    text += "n;";
  } else if (auto const* const flag = std::get_if<bool>(&value)) {
    absl::StrAppend(&text, "i", *flag ? 1 : 0, ";");
  } else if (auto const* const number = std::get_if<std::int64_t>(&value)) {
    absl::StrAppend(&text, "i", *number, ";");
  } else if (auto const* const string = std::get_if<std::string>(&value)) {
    absl::StrAppend(&text, "t", string->size(), ":", *string, ";");
  } else {
    auto const& bytes = std::get<std::vector<std::byte>>(value);
    absl::StrAppend(&text, "x", bytes.size(), ":", TextOf(bytes), ";");
  }
}

std::string HashOf(std::string_view chain, std::int64_t position, std::string const& scope, std::string const& entry,
                   std::string const& digest, std::string const& before) {
  Rows::Value const values[] = {std::string("helhed-chain-v1"), std::string(chain), position, scope, entry, digest, before};
  return DigestOf(values);
}

struct Head {
  std::int64_t position = 0;
  std::string hash;
};

absl::Status LinkWithin(storage::WriteTransaction& tx, Log const& log, int limit, std::int64_t& linked) {
  linked = 0;
  RETURN_IF_ERROR(tx.Lock(Sv(absl::StrCat("chain/", Av(log.name)))));
  ASSIGN_OR_RETURN(auto const pending, tx.Query(kPending, {log.name, static_cast<std::int64_t>(limit)}));
  if (pending.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(auto const heads, tx.Query(kHead, {log.name}));
  Head head;
  if (!heads.empty()) head = {heads.Int64(0, 0), TextOf(heads.Blob(0, 1))};
  for (std::size_t i = 0; i < pending.size(); ++i) {
    auto const& scope = pending.Text(i, 0);
    auto const& entry = pending.Text(i, 1);
    std::string const digest = TextOf(pending.Blob(i, 2));
    head.hash = HashOf(log.name, ++head.position, scope, entry, digest, head.hash);
    storage::Bind const link[] = {log.name,        head.position,     std::string_view(scope), std::string_view(entry),
                                  BytesOf(digest), BytesOf(head.hash)};
    RETURN_IF_ERROR(tx.Enqueue(kLink, link));
    storage::Bind const taken[] = {log.name, std::string_view(entry), std::string_view(scope)};
    RETURN_IF_ERROR(tx.Enqueue(kTaken, taken));
  }
  linked = static_cast<std::int64_t>(pending.size());
  return absl::OkStatus();
}

// One link and its row; nullopt when both are right.
std::optional<Fault> FaultOf(Log const& log, Rows const& rows, std::size_t row, Head const& before) {
  if (rows.Int64(row, 0) != before.position + 1) return Fault::kLinkMissing;
  std::string const digest = TextOf(rows.Blob(row, 3));
  auto const hash = HashOf(log.name, rows.Int64(row, 0), rows.Text(row, 1), rows.Text(row, 2), digest, before.hash);
  if (hash != TextOf(rows.Blob(row, 4))) return Fault::kLinkBroken;
  if (rows.IsNull(row, kContent - 1)) return Fault::kEntryMissing;
  std::vector<Rows::Value> values;
  for (std::size_t i = kContent; i < rows.columns().size(); ++i) values.push_back(rows.At(row, i));
  return DigestOf(values) == digest ? std::nullopt : std::optional(Fault::kEntryAltered);
}

absl::Status CheckLinks(storage::ReadTransaction& tx, Log const& log, Check const& check, Finding& finding) {
  Head head{check.start_position, check.start_hash};
  for (std::int64_t left = check.limit; left > 0;) {
    std::int64_t const count = std::min(left, kPage);
    ASSIGN_OR_RETURN(auto const rows, tx.Query(*log.links, {log.name, head.position, count}));
    for (std::size_t row = 0; row < rows.size(); ++row) {
      if (auto const fault = FaultOf(log, rows, row, head)) {
        finding.fault = {*fault, *fault == Fault::kLinkMissing ? head.position + 1 : rows.Int64(row, 0), rows.Text(row, 1),
                         rows.Text(row, 2)};
        return absl::OkStatus();
      }
      head = {rows.Int64(row, 0), TextOf(rows.Blob(row, 4))};
      finding.end_position = head.position;
      finding.end_hash = head.hash;
    }
    finding.complete = static_cast<std::int64_t>(rows.size()) < count;
    if (finding.complete) return absl::OkStatus();
    left -= count;
  }
  return absl::OkStatus();
}

absl::Status CheckRows(storage::ReadTransaction& tx, Log const& log, Finding& finding) {
  std::string scope;
  std::string entry;
  for (;;) {
    ASSIGN_OR_RETURN(auto const rows, tx.Query(*log.rows, {log.name, std::string_view(scope), std::string_view(entry), kPage}));
    for (std::size_t row = 0; row < rows.size(); ++row) {
      if (!rows.IsNull(row, 2) || !rows.IsNull(row, 3)) continue;
      finding.fault = {Fault::kEntryForeign, 0, rows.Text(row, 0), rows.Text(row, 1)};
      return absl::OkStatus();
    }
    if (static_cast<std::int64_t>(rows.size()) < kPage) return absl::OkStatus();
    scope = rows.Text(rows.size() - 1, 0);
    entry = rows.Text(rows.size() - 1, 1);
  }
}

// Where a check goes on from is what an earlier one ended with: whether it is still there.
absl::Status CheckStart(storage::ReadTransaction& tx, Log const& log, Check const& check, Finding& finding) {
  if (check.start_position == 0) return absl::OkStatus();
  ASSIGN_OR_RETURN(auto const rows, tx.Query(kAt, {log.name, check.start_position}));
  if (rows.empty()) {
    finding.fault = {Fault::kLinkMissing, check.start_position, {}, {}};
  } else if (TextOf(rows.Blob(0, 0)) != check.start_hash) {
    finding.fault = {Fault::kLinkBroken, check.start_position, {}, {}};
  }
  return absl::OkStatus();
}

}  // namespace

std::string DigestOf(std::span<Rows::Value const> values) {
  std::string text;
  for (auto const& value : values) AppendValue(text, value);
  return Sha256(text);
}

absl::Status Add(storage::WriteTransaction& tx, Log const& log, std::string_view scope, std::string_view entry,
                 std::span<Rows::Value const> values) {
  std::string const digest = DigestOf(values);
  storage::Bind const binds[] = {log.name, scope, entry, BytesOf(digest)};
  return tx.Enqueue(kAdd, binds);
}

absl::StatusOr<std::int64_t> Link(storage::Database& database, storage::Limits const& limits, Log const& log, int limit) {
  std::int64_t linked = 0;
  RETURN_IF_ERROR(database.Write(limits, [&](storage::WriteTransaction& tx) { return LinkWithin(tx, log, limit, linked); }));
  return linked;
}

absl::StatusOr<Finding> Verify(storage::Database& database, storage::Limits const& limits, Log const& log, Check const& check) {
  Finding finding;
  storage::Limits snapshot = limits;
  // The links and the rows must be of one moment, or a row that is linked meanwhile looks foreign.
  snapshot.snapshot = true;
  absl::Status const status = database.Read(snapshot, [&](storage::ReadTransaction& tx) -> absl::Status {
    finding = {};
    finding.end_position = check.start_position;
    finding.end_hash = check.start_hash;
    ASSIGN_OR_RETURN(auto const pending, tx.Query(kCountPending, {log.name}));
    finding.pending = pending.Int64(0, 0);
    RETURN_IF_ERROR(CheckStart(tx, log, check, finding));
    if (finding.fault) return absl::OkStatus();
    RETURN_IF_ERROR(CheckLinks(tx, log, check, finding));
    bool const is_whole = finding.complete && check.start_position == 0 && !finding.fault;
    return is_whole ? CheckRows(tx, log, finding) : absl::OkStatus();
  });
  if (!status.ok()) return status;
  return finding;
}

}  // namespace helhed::chain
