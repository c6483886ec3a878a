#pragma once

#include <absl/functional/function_ref.h>
#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <deque>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "services/platform/base/status.h"
#include "services/platform/contract/resource_name.h"
#include "services/platform/storage/database.h"

// Which column holds which field, resolved once when a table is opened. The rules stand in table.h. No database is needed here.
namespace helhed::storage {

enum class FieldKind { kText, kBytes, kInteger, kEnum, kBool, kTimestamp, kDate, kReference };

// A resource pattern taken apart, so that names are made without looking at it again.
class NameTemplate {
 public:
  explicit NameTemplate(contract::NamePattern const& pattern);
  // `part(i)` gives the value of the i-th variable.
  std::string Make(absl::FunctionRef<std::string_view(std::size_t)> part) const;

 private:
  std::vector<std::string> literals_;  // before each variable
};

// A field that a column, or for a reference several, can hold.
struct MappedField {
  std::string path;    // `period.start_date`
  std::string column;  // `period_start_date`
  FieldKind kind;
  // The message fields on the way to `field`.
  std::vector<google::protobuf::FieldDescriptor const*> parents;
  google::protobuf::FieldDescriptor const* field;
  bool danish = false;
  // Of a reference.
  contract::NamePattern const* pattern = nullptr;

  // Whether a stored NULL means that there is no value, rather than an empty one (`""`, 0, false).
  bool has_absence() const { return kind == FieldKind::kTimestamp || kind == FieldKind::kDate || field->has_presence(); }
};

enum class ColumnType { kText, kBytes, kInteger, kBool, kOther };

// A column as the database describes it.
struct DatabaseColumn {
  std::string name;
  ColumnType type = ColumnType::kOther;
  bool nullable = true;
  bool in_primary_key = false;
};

// Values to bind and what they point to. Views passed in must outlive it.
class BindBuffer {
 public:
  void AddNull() { binds_.emplace_back(nullptr); }
  void Add(bool value) { binds_.emplace_back(value); }
  void Add(std::int64_t value) { binds_.emplace_back(value); }
  void AddView(std::string_view value) { binds_.emplace_back(value); }
  void AddBytesView(std::string_view value) { binds_.emplace_back(std::as_bytes(std::span(value.data(), value.size()))); }
  void AddOwned(std::string value) { binds_.emplace_back(std::string_view(texts_.emplace_back(std::move(value)))); }
  void AddOwned(std::vector<std::byte> value) { binds_.emplace_back(Bytes(blobs_.emplace_back(std::move(value)))); }
  std::span<Bind const> binds() const { return binds_; }

 private:
  std::vector<Bind> binds_;
  // Deques, because what the binds point to must not move.
  std::deque<std::string> texts_;
  std::deque<std::vector<std::byte>> blobs_;
};

// What an etag says. It is opaque to callers; the store reads the revision out of it so that a conditional write is one
// statement.
struct EtagContent {
  std::int64_t revision;
  std::int64_t create_time_micros;
  friend bool operator==(EtagContent const&, EtagContent const&) = default;
};

class Mapping {
 public:
  enum class Role { kKey, kField, kReferencePart, kSort, kRevision, kCreateTime, kUpdateTime };
  struct Column {
    std::string name;
    Role role;
    // The variable of a key or of a reference.
    std::size_t part = 0;
    MappedField const* field = nullptr;
    bool nullable = false;
  };

  // Errors: FAILED_PRECONDITION with everything that does not fit.
  static absl::StatusOr<std::unique_ptr<Mapping>> Make(google::protobuf::Descriptor const& message, std::string_view table,
                                                       std::span<std::string_view const> extra,
                                                       std::span<DatabaseColumn const> columns);

  google::protobuf::Descriptor const& message() const { return message_; }
  std::string const& table() const { return table_; }
  contract::NamePattern const& pattern() const { return pattern_; }
  std::vector<std::string> const& key_columns() const { return pattern_.variables(); }
  // In the table's order, without the extra ones.
  std::vector<Column> const& columns() const { return columns_; }
  // Those to select: all but the sort keys.
  std::vector<Column const*> const& selected() const { return selected_; }
  bool has_revision() const { return revision_ != nullptr; }
  bool has_create_time() const { return create_time_ != nullptr; }

  // Every field that a column can hold, whether this table has one or not, in the contract's order.
  std::vector<MappedField const*> fields() const;
  Column const* FindColumn(std::string_view name) const;
  MappedField const* FindField(std::string_view path) const;
  // The variable of the key with that name, if there is one.
  std::optional<std::size_t> KeyPart(std::string_view name) const;

  // Adds a value for each of `columns` to `buffer`; its views are into `message` and `keys`. `keys` are the variables of the
  // message's name. `micros` is the time of the call, for create_time and update_time. Errors: BAD_REQUEST for a date that does
  // not exist, and for a reference that does not fit its pattern or points to where the row has no columns for.
  absl::Status Fill(google::protobuf::Message const& message, std::vector<std::string> const& keys, std::int64_t micros,
                    std::span<Column const* const> columns, BindBuffer& buffer) const;

  std::string NameOf(google::protobuf::Message const& message) const;
  // The key of a name, or BAD_REQUEST on `name`.
  absl::StatusOr<std::vector<std::string>> KeyOf(google::protobuf::Message const& message) const;

  std::string MakeEtag(std::string_view name, EtagContent const& content) const;
  // nullopt when it was not made for this resource.
  std::optional<EtagContent> OpenEtag(std::string_view name, std::string_view etag) const;

  void SetEtag(google::protobuf::Message& message, std::string_view etag) const;
  void SetTimes(google::protobuf::Message& message, std::optional<std::int64_t> create_micros, std::int64_t update_micros) const;

 private:
  friend class RowReader;
  explicit Mapping(google::protobuf::Descriptor const& message, std::string_view table, contract::NamePattern const& pattern);
  void AddFields(google::protobuf::Descriptor const& type, std::vector<google::protobuf::FieldDescriptor const*> const& parents);
  void AddCandidate(Column column);
  std::optional<std::string> AddColumn(DatabaseColumn const& column);
  std::optional<std::string> AddReference(MappedField const& field);
  // The values of the references' variables, where they are set.
  using Parts = std::map<MappedField const*, std::vector<std::string>>;
  Parts ReferenceParts(google::protobuf::Message const& message, std::vector<std::string> const& keys,
                       std::vector<FieldViolation>& violations) const;
  void AddField(Column const& column, google::protobuf::Message const& message, BindBuffer& buffer,
                std::vector<FieldViolation>& violations) const;
  void CollectProblems(std::span<DatabaseColumn const> columns, std::vector<std::string>& problems) const;

  google::protobuf::Descriptor const& message_;
  std::string table_;
  contract::NamePattern const& pattern_;
  NameTemplate name_template_;
  google::protobuf::FieldDescriptor const* name_;
  google::protobuf::FieldDescriptor const* etag_;
  google::protobuf::FieldDescriptor const* create_time_field_;
  google::protobuf::FieldDescriptor const* update_time_field_;

  // Every field that a column can hold, and every column that can be, whether this table has it or not: a query may add it.
  std::deque<MappedField> fields_;
  std::map<std::string, Column, std::less<>> candidates_;

  // Those of this table.
  std::vector<Column> columns_;
  std::vector<Column const*> selected_;
  Column const* revision_ = nullptr;
  Column const* create_time_ = nullptr;
  struct Reference {
    MappedField const* field;
    // Of each variable: the variable of the row's own key that it must equal, or nullopt where it has a column of its own.
    std::vector<std::optional<std::size_t>> own_key;
  };
  std::vector<Reference> references_;
};

// Reads rows of one answer: the columns are looked up once, when it is made. The mapping must outlive it.
class RowReader {
 public:
  RowReader(Mapping const& mapping, std::vector<std::string> const& columns);
  // Fills `message`, which should be empty.
  void Read(Rows const& rows, std::size_t row, google::protobuf::Message& message) const;

 private:
  struct Step {
    std::size_t column;
    MappedField const* field;
  };
  struct ReferenceStep {
    MappedField const* field;
    NameTemplate name;
    std::vector<std::size_t> columns;
  };
  using Index = std::map<std::string_view, std::size_t>;
  void AddReference(MappedField const& field, Index const& index);
  static void ReadField(Rows const& rows, std::size_t row, Step const& step, google::protobuf::Message& message);

  Mapping const& mapping_;
  std::vector<std::size_t> keys_;  // empty when the answer does not hold the whole key
  std::vector<Step> steps_;
  std::vector<ReferenceStep> references_;
  std::optional<std::size_t> revision_;
  std::optional<std::size_t> create_time_;
  std::optional<std::size_t> update_time_;
};

// Where the value of a reference's variable stands: `department`, `department_organisation`.
std::string ReferenceColumn(MappedField const& reference, std::size_t part);

// Microseconds since 1970 UTC of a google.protobuf.Timestamp, rounded down; saturates.
std::int64_t MicrosOf(google::protobuf::Message const& timestamp);

}  // namespace helhed::storage
