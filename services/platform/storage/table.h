#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <google/protobuf/message.h>

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "services/platform/storage/database.h"
#include "services/platform/storage/mapping.h"

// Rows to messages and back, by column name through protobuf reflection: written once, here, so that no handler copies fields.
//
// A table holds one resource type. Its columns are named after the contract:
//
//   key columns          the variables of the resource's pattern (`organisation`, `dwelling`), together the primary key; the
//                        field `name` is made of them
//   string, bytes        TEXT, BYTEA; an empty one is NULL where the column takes NULL, and NULL reads as empty
//   int32, int64, enum   BIGINT (enums by number); bool BOOLEAN. NULL only where an `optional` field is not set
//   Timestamp            BIGINT, microseconds since 1970 UTC; NULL when absent
//   google.type.Date     TEXT, `YYYY-MM-DD`; NULL when absent
//   a message field      its fields' columns with the field's name before them: `period` -> `period_start_date`,
//                        `period_end_date`
//   a reference          (string with google.api.resource_reference) the last variable's value in a column of the field's name,
//                        each earlier one in `<field>_<variable>` if there is such a column, else it is the row's own key column
//                        of that name, and a reference elsewhere is refused: Dwelling.department -> `department`, with the
//                        organisation being the row's own
//   sorted as Danes do   besides its column, `<field>_sort` BYTEA: the ICU collation key (see collation.h)
//   revision             BIGINT, counts changes; `etag` is made from it, the key and create_time
//   create_time, update_time   set by the platform from the call's clock
//
// Message fields without a column are left out both ways (OUTPUT_ONLY values that a handler computes). A column that is none of
// these is an error when the table is opened, unless it is declared as extra. Extra columns need a default, or to take NULL.
namespace helhed::storage {

class Table {
 public:
  struct Options {
    google::protobuf::Descriptor const* message = nullptr;
    std::string_view name;
    // Columns that the service's own statements write and the contract does not show.
    std::vector<std::string_view> extra = {};
    // Makes the messages of a list; nullptr for types that are compiled in.
    google::protobuf::MessageFactory* factory = nullptr;
  };

  // Reads the table's columns from the database. Errors: FAILED_PRECONDITION that names every column without a field or of
  // another type than its field, and every column that is missing.
  static absl::StatusOr<std::unique_ptr<Table>> Open(Database& database, Options const& options);
  ~Table();

  std::string const& name() const;
  google::protobuf::Descriptor const& message() const;

  // The columns to select, comma-separated, each with `prefix` (`d.`) before it.
  std::string Select(std::string_view prefix = "") const;

  // Fills `message`, which should be empty, from a row that holds the selected columns, under whatever further ones a query adds:
  // a further column that is named like a field of the message (or a reference's column) fills it too. For many rows of one
  // answer make a RowReader of mapping() once.
  void Read(Rows const& rows, std::size_t row, google::protobuf::Message& message) const;

  // NOT_FOUND when there is none, or when `resource_name` does not fit the pattern.
  absl::Status Get(ReadTransaction& tx, std::string_view resource_name, google::protobuf::Message& message) const;
  absl::StatusOr<bool> Exists(ReadTransaction& tx, std::string_view resource_name) const;

  // Inserts, with revision 1 and both times set to `now`, and sets `etag` and the times in `message`. ALREADY_EXISTS
  // RESOURCE_EXISTS when the name is taken. The insert is enqueued: see WriteTransaction::Enqueue.
  absl::Status Insert(WriteTransaction& tx, google::protobuf::Message& message, absl::Time now) const;
  // Inserts many with few statements (multi-row VALUES). Same errors; `index` in the metadata says which of `messages` is the
  // first whose name is taken or stands twice among them. The transaction must not be used after an error.
  absl::Status InsertMany(WriteTransaction& tx, std::span<google::protobuf::Message* const> messages, absl::Time now) const;

  // Writes every column but the key and create_time, when the stored etag is still `expected_etag`, which must not be empty.
  // NOT_FOUND, or ABORTED ETAG_MISMATCH that names the current one. Sets the new etag and both times in `message`.
  absl::Status Update(WriteTransaction& tx, google::protobuf::Message& message, std::string_view expected_etag,
                      absl::Time now) const;

  // Deletes; an empty `expected_etag` deletes whatever is there. NOT_FOUND, ABORTED ETAG_MISMATCH, or FAILED_PRECONDITION
  // REFERENCE_BROKEN when others refer to it.
  absl::Status Delete(WriteTransaction& tx, std::string_view resource_name, std::string_view expected_etag) const;

  // The statements made for this table, for the test that explains them.
  std::vector<Statement const*> statements() const;

  // An empty message of the table's type.
  std::unique_ptr<google::protobuf::Message> NewMessage() const;

  // Which column holds which field, for the rest of this layer.
  Mapping const& mapping() const;

 private:
  struct State;
  explicit Table(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// OK when `given` is empty or equals `current`; otherwise ABORTED ETAG_MISMATCH that names the current one.
absl::Status CheckEtag(std::string_view given, std::string_view current, std::string_view resource_name);

// The resources of a service: its tables, opened against a database and found by message type.
class Schema {
 public:
  explicit Schema(Database& database) : database_(database) {}
  absl::Status Add(Table::Options const& options);
  // Aborts when the type was not added.
  Table const& Of(google::protobuf::Descriptor const& message) const;
  template <typename M>
  Table const& Of() const {
    return Of(*M::descriptor());
  }
  std::vector<Table const*> tables() const;

 private:
  Database& database_;
  std::vector<std::unique_ptr<Table>> tables_;
};

}  // namespace helhed::storage
