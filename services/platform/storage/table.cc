#include "services/platform/storage/table.h"

#include <absl/strings/str_join.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <set>

#include "helhed/common/v1/errors.pb.h"
#include "services/platform/base/status.h"
#include "services/platform/base/strings.h"

namespace helhed::storage {
namespace {

using google::protobuf::Message;

// SQLite takes 32,766 variables a statement, PostgreSQL 65,535.
constexpr std::size_t kVariablesMax = 32'766;
// Chunks of an InsertMany are powers of two up to this many rows, so that there are few statements to prepare.
constexpr std::size_t kChunkShapes = 9;

char const* const kDescribeSqlite =
    "SELECT name, upper(type) AS type, \"notnull\" AS required, pk AS pk, '' AS constraint_name FROM pragma_table_info($1)";
char const* const kDescribePostgres =
    "SELECT a.attname::text AS name, upper(format_type(a.atttypid, NULL)) AS type, a.attnotnull::int::bigint AS required, "
    "coalesce(array_position(c.conkey, a.attnum), 0)::bigint AS pk, coalesce(c.conname::text, '') AS constraint_name "
    "FROM pg_attribute a LEFT JOIN pg_constraint c ON c.conrelid = a.attrelid AND c.contype = 'p' "
    "WHERE a.attrelid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum";

ColumnType TypeNamed(std::string_view type) {
  if (type == "TEXT") return ColumnType::kText;
  if (type == "BYTEA" || type == "BLOB") return ColumnType::kBytes;
  if (type == "BIGINT" || type == "INTEGER" || type == "SMALLINT" || type == "INT") return ColumnType::kInteger;
  if (type == "BOOLEAN") return ColumnType::kBool;
  return ColumnType::kOther;
}

struct Description {
  std::vector<DatabaseColumn> columns;
  // As ConstraintOf names it.
  std::string primary_key;
};

absl::StatusOr<Description> Describe(Database& database, std::string const& table) {
  Statement const statement(Statement::Dynamic{
      .name = "storage.describe", .text = database.engine() == Engine::kSqlite ? kDescribeSqlite : kDescribePostgres});
  Rows rows;
  RETURN_IF_ERROR(database.Read({}, [&](ReadTransaction& tx) -> absl::Status {
    ASSIGN_OR_RETURN(rows, tx.Query(statement, {std::string_view(table)}));
    return absl::OkStatus();
  }));
  Description description;
  std::map<std::int64_t, std::string> primary_key;
  for (std::size_t row = 0; row < rows.size(); ++row) {
    std::int64_t const position = rows.Int64(row, 3);
    description.columns.push_back({.name = rows.Text(row, 0),
                                   .type = TypeNamed(rows.Text(row, 1)),
                                   .nullable = rows.Int64(row, 2) == 0,
                                   .in_primary_key = position > 0});
    if (position > 0) primary_key.emplace(position, absl::StrCat(table, ".", rows.Text(row, 0)));
    description.primary_key = rows.Text(row, 4);
  }
  if (database.engine() == Engine::kSqlite) {
    description.primary_key = absl::StrJoin(primary_key, ", ", [](std::string* out, auto const& part) { *out += part.second; });
  }
  return description;
}

// `a = $3 AND b = $4`, from `first` on.
std::string Equal(std::vector<std::string> const& columns, std::size_t first) {
  std::string text;
  for (auto const& column : columns) absl::StrAppend(&text, text.empty() ? "" : " AND ", column, " = $", first++);
  return text;
}

std::string Placeholders(std::size_t first, std::size_t count) {
  std::string text = "(";
  for (std::size_t i = 0; i < count; ++i) absl::StrAppend(&text, i == 0 ? "$" : ", $", first + i);
  return text + ")";
}

absl::Status Taken(std::string_view resource_name, ErrorMetadata metadata = {}) {
  metadata.emplace("resource", resource_name);
  return Error(absl::StatusCode::kAlreadyExists, common::v1::ERROR_REASON_RESOURCE_EXISTS,
               absl::StrCat(Av(resource_name), " exists already"), std::move(metadata));
}

std::vector<Bind> BindsOf(std::vector<std::string> const& keys) {
  std::vector<Bind> binds;
  for (auto const& key : keys) binds.emplace_back(std::string_view(key));
  return binds;
}

}  // namespace

namespace {

// The etag that was given is not repeated: it may be any text.
absl::Status EtagMismatch(std::string_view current, std::string_view resource_name) {
  return Error(absl::StatusCode::kAborted, common::v1::ERROR_REASON_ETAG_MISMATCH,
               absl::StrCat(Av(resource_name), " has changed since it was read; read it again and repeat the change"),
               {{"resource", std::string(resource_name)}, {"current_etag", std::string(current)}});
}

}  // namespace

absl::Status CheckEtag(std::string_view given, std::string_view current, std::string_view resource_name) {
  return given.empty() || given == current ? absl::OkStatus() : EtagMismatch(current, resource_name);
}

struct Table::State {
  State(std::unique_ptr<Mapping> resolved, std::string constraint);

  std::string InsertText(std::size_t rows) const;
  Statement const& InsertManyOf(std::size_t shape);
  absl::StatusOr<std::vector<std::string>> KeyOf(std::string_view resource_name) const;
  // Why a conditional write found no row.
  absl::Status WhyNothing(ReadTransaction& tx, std::string_view resource_name, std::vector<std::string> const& keys) const;
  absl::Status CheckChunk(WriteTransaction& tx, Statement const& statement, BindBuffer const& buffer,
                          std::span<std::vector<std::string> const> keys, std::size_t first) const;

  std::string Text(std::string_view what) const { return absl::StrCat(Av(what), mapping->table()); }
  Statement Make(std::string_view name, std::string text) const {
    return Statement(
        Statement::Dynamic{.name = absl::StrCat("table.", mapping->table(), ".", Av(name)), .text = std::move(text)});
  }

  std::unique_ptr<Mapping> mapping;
  // As ConstraintOf names the primary key.
  std::string primary_key;
  Message const* prototype = nullptr;
  std::vector<Mapping::Column const*> inserted;
  std::vector<Mapping::Column const*> updated;
  std::vector<std::string> stamp_columns;  // revision and create_time, as far as there are
  std::string select;
  RowReader reader;

  Statement get;
  Statement exists;
  Statement stamp;
  Statement insert;
  Statement update;
  Statement erase;
  Statement erase_if;
  // Made when they are first needed.
  std::size_t shapes = 1;
  std::array<std::once_flag, kChunkShapes> once;
  std::array<std::unique_ptr<Statement>, kChunkShapes> insert_many;
};

namespace {

std::vector<Mapping::Column const*> Pointers(Mapping const& mapping) {
  std::vector<Mapping::Column const*> result;
  for (auto const& column : mapping.columns()) result.push_back(&column);
  return result;
}

std::vector<Mapping::Column const*> Updated(Mapping const& mapping) {
  std::vector<Mapping::Column const*> result;
  for (auto const& column : mapping.columns()) {
    if (column.role == Mapping::Role::kKey || column.role == Mapping::Role::kRevision ||
        column.role == Mapping::Role::kCreateTime) {
      continue;
    }
    result.push_back(&column);
  }
  return result;
}

std::vector<std::string> StampColumns(Mapping const& mapping) {
  std::vector<std::string> result;
  if (mapping.has_revision()) result.emplace_back("revision");
  if (mapping.has_revision() && mapping.has_create_time()) result.emplace_back("create_time");
  return result;
}

std::string Names(std::span<Mapping::Column const* const> columns, std::string_view prefix = "") {
  return absl::StrJoin(columns, ", ",
                       [&](std::string* out, auto const* column) { absl::StrAppend(out, Av(prefix), column->name); });
}

std::vector<std::string> SelectedNames(Mapping const& mapping) {
  std::vector<std::string> result;
  for (auto const* column : mapping.selected()) result.push_back(column->name);
  return result;
}

std::string UpdateText(Mapping const& mapping, std::span<Mapping::Column const* const> updated) {
  std::string text = absl::StrCat("UPDATE ", mapping.table(), " SET ");
  std::size_t next = 1;
  for (auto const* column : updated) absl::StrAppend(&text, next == 1 ? "" : ", ", column->name, " = $", next), ++next;
  if (mapping.has_revision()) absl::StrAppend(&text, next == 1 ? "" : ", ", "revision = revision + 1");
  auto condition = mapping.key_columns();
  for (auto& column : StampColumns(mapping)) condition.push_back(std::move(column));
  return absl::StrCat(text, " WHERE ", Equal(condition, next));
}

}  // namespace

Table::State::State(std::unique_ptr<Mapping> resolved, std::string constraint)
    : mapping(std::move(resolved)),
      primary_key(std::move(constraint)),
      inserted(Pointers(*mapping)),
      updated(Updated(*mapping)),
      stamp_columns(StampColumns(*mapping)),
      select(Names(mapping->selected())),
      reader(*mapping, SelectedNames(*mapping)),
      get(Make("get", absl::StrCat("SELECT ", select, Text(" FROM "), " WHERE ", Equal(mapping->key_columns(), 1)))),
      exists(Make("exists", absl::StrCat(Text("SELECT 1 FROM "), " WHERE ", Equal(mapping->key_columns(), 1)))),
      stamp(Make("stamp", absl::StrCat("SELECT ", stamp_columns.empty() ? "1" : absl::StrJoin(stamp_columns, ", "),
                                       Text(" FROM "), " WHERE ", Equal(mapping->key_columns(), 1)))),
      insert(Make("insert", InsertText(1))),
      update(Make("update", UpdateText(*mapping, updated))),
      erase(Make("delete", absl::StrCat(Text("DELETE FROM "), " WHERE ", Equal(mapping->key_columns(), 1)))),
      erase_if(Make("delete_if", [&] {
        auto condition = mapping->key_columns();
        condition.insert(condition.end(), stamp_columns.begin(), stamp_columns.end());
        return absl::StrCat(Text("DELETE FROM "), " WHERE ", Equal(condition, 1));
      }())) {
  while (shapes < kChunkShapes && (std::size_t{1} << shapes) * inserted.size() <= kVariablesMax) ++shapes;
}

std::string Table::State::InsertText(std::size_t rows) const {
  std::string text = absl::StrCat(Text("INSERT INTO "), " (", Names(inserted), ") VALUES ");
  for (std::size_t row = 0; row < rows; ++row) {
    absl::StrAppend(&text, row == 0 ? "" : ", ", Placeholders(1 + row * inserted.size(), inserted.size()));
  }
  return text;
}

// An error would end a transaction of PostgreSQL, in which then nobody could ask which key it was. So a taken key is passed over,
// and what was inserted is returned.
Statement const& Table::State::InsertManyOf(std::size_t shape) {
  std::call_once(once[shape], [&] {
    std::string const keys = absl::StrJoin(mapping->key_columns(), ", ");
    insert_many[shape] = std::make_unique<Statement>(
        Make(absl::StrCat("insert_many_", std::size_t{1} << shape),
             absl::StrCat(InsertText(std::size_t{1} << shape), " ON CONFLICT (", keys, ") DO NOTHING RETURNING ", keys)));
  });
  return *insert_many[shape];
}

absl::StatusOr<std::vector<std::string>> Table::State::KeyOf(std::string_view resource_name) const {
  auto key = mapping->pattern().Match(resource_name);
  if (!key) return NotFound(resource_name);
  return *std::move(key);
}

absl::StatusOr<std::unique_ptr<Table>> Table::Open(Database& database, Options const& options) {
  std::string const name(options.name);
  ASSIGN_OR_RETURN(auto description, Describe(database, name));
  ASSIGN_OR_RETURN(auto mapping, Mapping::Make(*options.message, name, options.extra, description.columns));
  auto state = std::make_unique<State>(std::move(mapping), std::move(description.primary_key));
  auto* const factory = options.factory != nullptr ? options.factory : google::protobuf::MessageFactory::generated_factory();
  state->prototype = factory->GetPrototype(options.message);
  return std::unique_ptr<Table>(new Table(std::move(state)));
}

Table::Table(std::unique_ptr<State> state) : state_(std::move(state)) {}
Table::~Table() = default;

std::string const& Table::name() const { return state_->mapping->table(); }
google::protobuf::Descriptor const& Table::message() const { return state_->mapping->message(); }
std::unique_ptr<Message> Table::NewMessage() const { return std::unique_ptr<Message>(state_->prototype->New()); }
Mapping const& Table::mapping() const { return *state_->mapping; }
std::string Table::Select(std::string_view prefix) const { return Names(state_->mapping->selected(), prefix); }

void Table::Read(Rows const& rows, std::size_t row, Message& message) const {
  RowReader(*state_->mapping, rows.columns()).Read(rows, row, message);
}

absl::Status Table::Get(ReadTransaction& tx, std::string_view resource_name, Message& message) const {
  ASSIGN_OR_RETURN(auto const keys, state_->KeyOf(resource_name));
  ASSIGN_OR_RETURN(auto const rows, tx.Query(state_->get, BindsOf(keys)));
  if (rows.empty()) return NotFound(resource_name);
  message.Clear();
  state_->reader.Read(rows, 0, message);
  return absl::OkStatus();
}

absl::StatusOr<bool> Table::Exists(ReadTransaction& tx, std::string_view resource_name) const {
  auto const keys = state_->mapping->pattern().Match(resource_name);
  if (!keys) return false;
  ASSIGN_OR_RETURN(auto const rows, tx.Query(state_->exists, BindsOf(*keys)));
  return !rows.empty();
}

absl::Status Table::Insert(WriteTransaction& tx, Message& message, absl::Time now) const {
  auto const& mapping = *state_->mapping;
  ASSIGN_OR_RETURN(auto const keys, mapping.KeyOf(message));
  std::int64_t const micros = absl::ToUnixMicros(now);
  std::string const name = mapping.NameOf(message);
  BindBuffer buffer;
  RETURN_IF_ERROR(mapping.Fill(message, keys, micros, state_->inserted, buffer));
  RETURN_IF_ERROR(
      tx.Enqueue(state_->insert, buffer.binds(), [name, primary_key = state_->primary_key](absl::Status status) -> absl::Status {
        bool const taken = status.code() == absl::StatusCode::kAlreadyExists && ConstraintOf(status) == primary_key;
        return taken ? Taken(name) : status;
      }));
  mapping.SetEtag(message, mapping.MakeEtag(name, {1, mapping.has_create_time() ? micros : 0}));
  mapping.SetTimes(message, micros, micros);
  return absl::OkStatus();
}

absl::Status Table::InsertMany(WriteTransaction& tx, std::span<Message* const> messages, absl::Time now) const {
  auto const& mapping = *state_->mapping;
  std::int64_t const micros = absl::ToUnixMicros(now);
  std::vector<std::vector<std::string>> keys;
  std::set<std::vector<std::string>> seen;
  for (std::size_t i = 0; i < messages.size(); ++i) {
    ASSIGN_OR_RETURN(auto key, mapping.KeyOf(*messages[i]));
    if (!seen.insert(key).second) return Taken(mapping.NameOf(*messages[i]), {{"index", std::to_string(i)}});
    keys.push_back(std::move(key));
  }
  for (std::size_t first = 0; first < messages.size();) {
    std::size_t shape = state_->shapes - 1;
    while ((std::size_t{1} << shape) > messages.size() - first) --shape;
    std::size_t const count = std::size_t{1} << shape;
    BindBuffer buffer;
    for (std::size_t i = first; i < first + count; ++i) {
      RETURN_IF_ERROR(mapping.Fill(*messages[i], keys[i], micros, state_->inserted, buffer));
    }
    RETURN_IF_ERROR(state_->CheckChunk(tx, state_->InsertManyOf(shape), buffer, std::span(keys).subspan(first, count), first));
    first += count;
  }
  for (Message* const message : messages) {
    mapping.SetEtag(*message, mapping.MakeEtag(mapping.NameOf(*message), {1, mapping.has_create_time() ? micros : 0}));
    mapping.SetTimes(*message, micros, micros);
  }
  return absl::OkStatus();
}

absl::Status Table::State::CheckChunk(WriteTransaction& tx, Statement const& statement, BindBuffer const& buffer,
                                      std::span<std::vector<std::string> const> keys, std::size_t first) const {
  ASSIGN_OR_RETURN(auto const rows, tx.Query(statement, buffer.binds()));
  if (rows.size() == keys.size()) return absl::OkStatus();
  std::set<std::vector<std::string>> inserted_keys;
  for (std::size_t row = 0; row < rows.size(); ++row) {
    std::vector<std::string> key;
    for (std::size_t part = 0; part < mapping->key_columns().size(); ++part) key.push_back(rows.Text(row, part));
    inserted_keys.insert(std::move(key));
  }
  std::size_t i = 0;
  while (inserted_keys.contains(keys[i])) ++i;
  return Taken(mapping->pattern().Make(keys[i]), {{"index", std::to_string(first + i)}});
}

absl::Status Table::Update(WriteTransaction& tx, Message& message, std::string_view expected_etag, absl::Time now) const {
  auto const& mapping = *state_->mapping;
  ASSIGN_OR_RETURN(auto const keys, mapping.KeyOf(message));
  std::int64_t const micros = absl::ToUnixMicros(now);
  std::string const name = mapping.NameOf(message);
  auto const expected = mapping.OpenEtag(name, expected_etag);
  if (!expected && mapping.has_revision()) return state_->WhyNothing(tx, name, keys);
  BindBuffer buffer;
  RETURN_IF_ERROR(mapping.Fill(message, keys, micros, state_->updated, buffer));
  for (auto const& key : keys) buffer.AddView(key);
  if (mapping.has_revision()) buffer.Add(expected->revision);
  if (mapping.has_revision() && mapping.has_create_time()) buffer.Add(expected->create_time_micros);
  ASSIGN_OR_RETURN(auto const changed, tx.Execute(state_->update, buffer.binds()));
  if (changed == 0) return state_->WhyNothing(tx, name, keys);
  if (!mapping.has_revision()) {
    mapping.SetTimes(message, std::nullopt, micros);
    return absl::OkStatus();
  }
  mapping.SetEtag(message, mapping.MakeEtag(name, {expected->revision + 1, expected->create_time_micros}));
  mapping.SetTimes(message, mapping.has_create_time() ? std::optional(expected->create_time_micros) : std::nullopt, micros);
  return absl::OkStatus();
}

absl::Status Table::State::WhyNothing(ReadTransaction& tx, std::string_view resource_name,
                                      std::vector<std::string> const& keys) const {
  ASSIGN_OR_RETURN(auto const rows, tx.Query(stamp, BindsOf(keys)));
  if (rows.empty() || stamp_columns.empty()) return NotFound(resource_name);
  std::string const current =
      mapping->MakeEtag(resource_name, {rows.Int64(0, 0), stamp_columns.size() > 1 ? rows.Int64(0, 1) : 0});
  return EtagMismatch(current, resource_name);
}

absl::Status Table::Delete(WriteTransaction& tx, std::string_view resource_name, std::string_view expected_etag) const {
  auto const& mapping = *state_->mapping;
  ASSIGN_OR_RETURN(auto const keys, state_->KeyOf(resource_name));
  bool const conditional = !expected_etag.empty() && mapping.has_revision();
  std::vector<Bind> binds = BindsOf(keys);
  if (conditional) {
    auto const expected = mapping.OpenEtag(resource_name, expected_etag);
    if (!expected) return state_->WhyNothing(tx, resource_name, keys);
    binds.emplace_back(expected->revision);
    if (mapping.has_create_time()) binds.emplace_back(expected->create_time_micros);
  }
  Statement const& statement = conditional ? state_->erase_if : state_->erase;
  auto const changed = tx.Execute(statement, binds);
  if (!changed.ok()) {
    absl::Status const& status = changed.status();
    // The error may be of a statement that was enqueued before: only what this one met is about this resource.
    bool const referred =
        status.code() == absl::StatusCode::kFailedPrecondition && Sv(status.message()).starts_with(statement.name());
    if (!referred) return status;
    return Error(absl::StatusCode::kFailedPrecondition, common::v1::ERROR_REASON_REFERENCE_BROKEN,
                 absl::StrCat(Av(resource_name), " cannot be deleted: others refer to it"),
                 {{"resource", std::string(resource_name)}, {"constraint", ConstraintOf(status)}});
  }
  if (*changed > 0) return absl::OkStatus();
  return conditional ? state_->WhyNothing(tx, resource_name, keys) : NotFound(resource_name);
}

std::vector<Statement const*> Table::statements() const {
  return {&state_->get,    &state_->exists, &state_->stamp,    &state_->insert,
          &state_->update, &state_->erase,  &state_->erase_if, &state_->InsertManyOf(0)};
}

absl::Status Schema::Add(Table::Options const& options) {
  ASSIGN_OR_RETURN(auto table, Table::Open(database_, options));
  tables_.push_back(std::move(table));
  return absl::OkStatus();
}

Table const& Schema::Of(google::protobuf::Descriptor const& message) const {
  for (auto const& table : tables_) {
    if (&table->message() == &message) return *table;
  }
  std::fprintf(stderr, "storage: no table was added for %s\n", message.full_name().c_str());
  std::abort();
}

std::vector<Table const*> Schema::tables() const {
  std::vector<Table const*> result;
  for (auto const& table : tables_) result.push_back(table.get());
  return result;
}

}  // namespace helhed::storage
