#pragma once

#include <absl/status/statusor.h>

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "services/platform/storage/mapping.h"

// What the fields that a caller names in `filter` and `order_by` are in SQL.
namespace helhed::storage {

// A piece of SQL in which each `?` outside quotes stands for the next bind.
struct SqlFragment {
  std::string sql;
  std::vector<Rows::Value> binds;
};

// SQL in the making. What a caller sent gets in only through Bind.
class SqlText {
 public:
  SqlText& Append(std::string_view sql) {
    text_ += sql;
    return *this;
  }
  SqlText& Append(SqlFragment const& fragment) { return Append(fragment.sql, fragment.binds); }
  // With the `?` numbered. Aborts when there are more or fewer than binds: the service's text is wrong.
  SqlText& Append(std::string_view sql, std::span<Rows::Value const> binds);
  // `$7`, with the value kept.
  SqlText& Bind(Rows::Value value);

  std::string const& text() const { return text_; }
  // Valid while this lives and does not change.
  std::vector<storage::Bind> binds() const;

 private:
  std::string text_;
  std::vector<Rows::Value> values_;
};

// A field that a caller may name, in SQL.
struct SqlField {
  MappedField const* field = nullptr;  // nullptr for `name`
  SqlFragment value;
  bool nullable = true;
  // By which it is sorted where the contract asks for Danish order.
  std::optional<SqlFragment> sort;
  bool sort_nullable = true;
  // For `name` and references: the SQL of each variable.
  std::vector<SqlFragment> parts;
  contract::NamePattern const* pattern = nullptr;

  bool is_name() const { return field == nullptr; }
};

// The fields of one list: the contract's declarations, the table's columns, and what the handler puts in their place.
class QueryFields {
 public:
  enum class Use { kFilter, kOrder };
  struct Expression {
    std::string_view field;  // `state`, or `display_name_sort` for what Danes sort by
    SqlFragment sql;
  };

  // `prefix` (`d.`) goes before the table's columns.
  QueryFields(Mapping const& mapping, std::string prefix, std::vector<Expression> expressions)
      : mapping_(mapping), prefix_(std::move(prefix)), expressions_(std::move(expressions)) {}

  // NOT_FOUND when the contract does not declare the field for this use; INTERNAL when it does and the table cannot tell it.
  absl::StatusOr<SqlField> Find(std::string_view path, Use use) const;
  // The declared paths, in the contract's order.
  std::vector<std::string> Allowed(Use use) const;
  Mapping const& mapping() const { return mapping_; }
  std::string const& prefix() const { return prefix_; }

 private:
  SqlField Name() const;
  std::optional<SqlFragment> ExpressionOf(std::string_view field) const;
  absl::Status AddParts(SqlField& field) const;

  Mapping const& mapping_;
  std::string prefix_;
  std::vector<Expression> expressions_;
};

}  // namespace helhed::storage
