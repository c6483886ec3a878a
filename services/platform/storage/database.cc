#include "services/platform/storage/database.h"

#include <cstdio>
#include <cstdlib>
#include <map>
#include <mutex>
#include <utility>

#include "services/platform/base/strings.h"
#include "services/platform/storage/errors.h"

namespace helhed::storage {
namespace {

[[noreturn]] void Die(std::string_view what, std::string_view name) {
  std::fprintf(stderr, "storage: %.*s: %.*s\n", static_cast<int>(what.size()), what.data(), static_cast<int>(name.size()),
               name.data());
  std::abort();
}

struct Registry {
  std::mutex mutex;
  std::map<std::string, Statement const*, std::less<>> statements;
};

// Never destroyed, so that statements may register from any static initialiser.
Registry& GlobalRegistry() {
  static auto* const registry = new Registry;
  return *registry;
}

void Register(Statement const* statement) {
  Registry& registry = GlobalRegistry();
  std::lock_guard const lock(registry.mutex);
  if (!registry.statements.emplace(statement->name(), statement).second) {
    Die("two statements have the same name", statement->name());
  }
}

}  // namespace

Statement::Statement(std::string_view name, std::string_view text) : Statement(name, text, text) {}

Statement::Statement(Dynamic dynamic) : name_(std::move(dynamic.name)), text_(std::move(dynamic.text)), postgres_text_(text_) {}

Statement::Statement(std::string_view name, std::string_view sqlite_text, std::string_view postgres_text)
    : name_(name), text_(sqlite_text), postgres_text_(postgres_text) {
  Register(this);
}

std::vector<Statement const*> RegisteredStatements() {
  Registry& registry = GlobalRegistry();
  std::lock_guard const lock(registry.mutex);
  std::vector<Statement const*> result;
  for (auto const& [name, statement] : registry.statements) result.push_back(statement);
  return result;
}

std::vector<std::string> const& Rows::columns() const {
  static std::vector<std::string> const kNone;
  return columns_ ? *columns_ : kNone;
}

std::optional<std::size_t> Rows::Column(std::string_view name) const {
  for (std::size_t i = 0; i < columns().size(); ++i) {
    if (columns()[i] == name) return i;
  }
  return std::nullopt;
}

namespace {

// The value as a T, or the end: the statement and the code that reads it do not fit together.
template <typename T>
T const& As(Rows const& rows, std::size_t row, std::size_t column, char const* type) {
  if (row >= rows.size() || column >= rows.columns().size()) Die("there is no such row or column, read as", type);
  T const* const value = std::get_if<T>(&rows.At(row, column));
  if (value == nullptr) Die(std::string("a column is not of the type it is read as, ") + type, rows.columns()[column]);
  return *value;
}

}  // namespace

bool Rows::IsNull(std::size_t row, std::size_t column) const {
  if (row >= size() || column >= columns().size()) Die("there is no such row or column, read as", "NULL");
  return std::holds_alternative<std::nullptr_t>(At(row, column));
}

bool Rows::Bool(std::size_t row, std::size_t column) const {
  if (row < size() && column < columns().size()) {
    if (auto const* const integer = std::get_if<std::int64_t>(&At(row, column))) return *integer != 0;
  }
  return As<bool>(*this, row, column, "BOOLEAN");
}

std::int64_t Rows::Int64(std::size_t row, std::size_t column) const { return As<std::int64_t>(*this, row, column, "BIGINT"); }

std::string const& Rows::Text(std::size_t row, std::size_t column) const { return As<std::string>(*this, row, column, "TEXT"); }

std::span<std::byte const> Rows::Blob(std::size_t row, std::size_t column) const {
  return As<std::vector<std::byte>>(*this, row, column, "BYTEA");
}

std::string ConstraintOf(absl::Status const& status) {
  auto const payload = status.GetPayload(Av(kConstraintUrl));
  return payload ? std::string(*payload) : std::string();
}

}  // namespace helhed::storage
