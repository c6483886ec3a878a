#include "services/platform/storage/query_fields.h"

#include <cstdio>
#include <cstdlib>
#include <type_traits>

#include "helhed/common/v1/errors.pb.h"
#include "helhed/policy/v1/policy.pb.h"
#include "services/platform/base/status.h"
#include "services/platform/base/strings.h"

namespace helhed::storage {
namespace {

using google::protobuf::FieldDescriptor;

// A nested field is declared by the message field that holds it, or by itself.
bool IsDeclared(MappedField const& field, QueryFields::Use use) {
  auto const declares = [use](FieldDescriptor const* descriptor) {
    auto const& query = descriptor->options().GetExtension(policy::v1::field).query();
    return use == QueryFields::Use::kFilter ? query.filter() : query.order();
  };
  return field.parents.empty() ? declares(field.field) : declares(field.parents.front());
}

absl::Status Untold(std::string_view path) {
  return Error(absl::StatusCode::kInternal, common::v1::ERROR_REASON_INTERNAL,
               absl::StrCat("the contract declares ", Av(path),
                            " for queries, but the list has neither a column nor an expression for it"));
}

}  // namespace

SqlText& SqlText::Append(std::string_view sql, std::span<Rows::Value const> binds) {
  auto next = binds.begin();
  bool quoted = false;
  std::size_t missing = 0;
  for (char const c : sql) {
    if (c == '\'') quoted = !quoted;
    if (c != '?' || quoted) {
      text_ += c;
    } else if (next != binds.end()) {
      Bind(*next++);
    } else {
      ++missing;
    }
  }
  if (next != binds.end() || missing > 0) {
    std::fprintf(stderr, "storage: the binds do not fit the condition: %.*s\n", static_cast<int>(sql.size()), sql.data());
    std::abort();
  }
  return *this;
}

SqlText& SqlText::Bind(Rows::Value value) {
  values_.push_back(std::move(value));
  absl::StrAppend(&text_, "$", values_.size());
  return *this;
}

std::vector<storage::Bind> SqlText::binds() const {
  std::vector<storage::Bind> binds;
  binds.reserve(values_.size());
  for (auto const& value : values_) {
    std::visit(
        [&](auto const& v) {
          using V = std::decay_t<decltype(v)>;
          if constexpr (std::is_same_v<V, std::string>) {
            binds.emplace_back(std::string_view(v));
          } else if constexpr (std::is_same_v<V, std::vector<std::byte>>) {
            binds.emplace_back(Bytes(v));
          } else {
            binds.emplace_back(v);
          }
        },
        value);
  }
  return binds;
}

absl::StatusOr<SqlField> QueryFields::Find(std::string_view path, Use use) const {
  if (path == "name") {
    auto const& query = mapping_.message().FindFieldByName("name")->options().GetExtension(policy::v1::field).query();
    if (use == Use::kFilter ? query.filter() : query.order()) return Name();
  }
  MappedField const* const mapped = mapping_.FindField(path);
  if (mapped == nullptr || !IsDeclared(*mapped, use)) return absl::NotFoundError("");
  SqlField result;
  result.field = mapped;
  if (auto expression = ExpressionOf(path)) {
    result.value = *std::move(expression);
  } else if (auto const* const column = mapping_.FindColumn(mapped->column)) {
    result.value.sql = prefix_ + column->name;
    result.nullable = column->nullable;
  } else {
    return Untold(path);
  }
  if (mapped->danish) {
    if (auto expression = ExpressionOf(absl::StrCat(Av(path), "_sort"))) {
      result.sort = *std::move(expression);
    } else if (auto const* const column = mapping_.FindColumn(mapped->column + "_sort")) {
      result.sort = SqlFragment{prefix_ + column->name, {}};
      result.sort_nullable = column->nullable;
    } else {
      return Untold(absl::StrCat(Av(path), "_sort"));
    }
  }
  if (mapped->kind == FieldKind::kReference) {
    RETURN_IF_ERROR(AddParts(result));
  }
  return result;
}

SqlField QueryFields::Name() const {
  SqlField result;
  result.nullable = false;
  result.pattern = &mapping_.pattern();
  for (auto const& key : mapping_.key_columns()) result.parts.push_back({prefix_ + key, {}});
  return result;
}

absl::Status QueryFields::AddParts(SqlField& field) const {
  field.pattern = field.field->pattern;
  auto const& variables = field.pattern->variables();
  for (std::size_t part = 0; part + 1 < variables.size(); ++part) {
    std::string const own = ReferenceColumn(*field.field, part);
    if (auto expression = ExpressionOf(own)) {
      field.parts.push_back(*std::move(expression));
    } else if (mapping_.FindColumn(own) != nullptr) {
      field.parts.push_back({prefix_ + own, {}});
    } else if (mapping_.KeyPart(variables[part])) {
      field.parts.push_back({prefix_ + variables[part], {}});
    } else {
      return Untold(own);
    }
  }
  field.parts.push_back(field.value);
  return absl::OkStatus();
}

std::optional<SqlFragment> QueryFields::ExpressionOf(std::string_view field) const {
  for (auto const& expression : expressions_) {
    if (expression.field != field) continue;
    return SqlFragment{absl::StrCat("(", expression.sql.sql, ")"), expression.sql.binds};
  }
  return std::nullopt;
}

std::vector<std::string> QueryFields::Allowed(Use use) const {
  std::vector<std::string> result;
  if (Find("name", use).ok()) result.emplace_back("name");
  for (auto const* field : mapping_.fields()) {
    if (IsDeclared(*field, use)) result.push_back(field->path);
  }
  return result;
}

}  // namespace helhed::storage
