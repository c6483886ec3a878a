#pragma once

#include <absl/status/statusor.h>
#include <google/protobuf/message.h>

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "services/platform/storage/table.h"

// Lists after AIP-132, AIP-158 and AIP-160: a page of a table, filtered and ordered by what the contract declares, by keyset and
// never by offset. What the caller writes is compiled to SQL with parameters, never to text.
namespace helhed::storage {

// A condition that the handler adds; `?` stands for the next bind. The text is a literal of the service, never of a caller.
struct Condition {
  std::string_view sql;
  std::vector<Rows::Value> binds = {};
};

// Seals and opens page tokens and cursors: authenticated, bound to what they were made for. The key is made when the database is
// created, so that all replicas of a service share it.
class TokenSealer {
 public:
  explicit TokenSealer(std::string key);  // 32 bytes; aborts otherwise
  // URL-safe text without padding. What it holds cannot be read without the key. Safe from any thread.
  std::string Seal(std::string_view purpose, std::string_view content) const;
  // nullopt when it was altered, or sealed for another purpose or with another key.
  std::optional<std::string> Open(std::string_view purpose, std::string_view token) const;

 private:
  std::string key_;
};

struct ListOptions {
  // What to select from when that is more than the table: `dwellings d JOIN dwelling_departments m USING (organisation,
  // dwelling)`, with `d` in `alias`.
  std::string_view from;
  std::string_view alias;
  // For each `?` in `from`, in order: a date in the ON of an outer join.
  std::vector<Rows::Value> from_binds;
  // Further columns, `m.department AS department`.
  std::string_view select;
  // For each `?` in `select`, in order.
  std::vector<Rows::Value> select_binds;
  std::vector<Condition> conditions;
  // What to filter and order by where a field of the contract is not a column of the table: `{"state", "CASE ... END"}`. Text
  // that Danes sort has a second one, `{"title_sort", ...}`. A field that the messages shall hold stands in `select` as well.
  struct Expression {
    std::string_view field;
    std::string_view sql;
    std::vector<Rows::Value> binds = {};  // for each `?` in `sql`, wherever the expression is used
  };
  std::vector<Expression> expressions;
  int page_size_default = 50;
  int page_size_max = 1000;
};

// A term of an order, after AIP-132: fields separated by commas, each followed by ` desc`, or ` asc`, or nothing.
struct OrderTerm {
  std::string field;
  bool descending = false;
};
// Errors: INVALID_ARGUMENT ORDER_BY_INVALID.
absl::StatusOr<std::vector<OrderTerm>> ParseOrderBy(std::string_view order_by);

// One page. `request` is a List request of the contract: its fields page_size, page_token, filter and order_by are used, and all
// others are what the page token is bound to. page_size 0 means the default, and more than the most means the most (AIP-158).
// Rows come in the order asked for, ties by name; what is not there (NULL) sorts as the empty value, before all others. Names
// sort by their variables. A row that is there during the whole walk comes exactly once, whatever is inserted and deleted
// meanwhile. Calls `on_item` with each message, made of the table's type and valid during the call; it may swap its content out.
// Returns the next page token, empty on the last page. Errors: INVALID_ARGUMENT PAGE_TOKEN_INVALID, FILTER_INVALID or
// ORDER_BY_INVALID, naming the declared fields where one is not declared; BAD_REQUEST for a negative page_size.
absl::StatusOr<std::string> List(ReadTransaction& tx, Table const& table, TokenSealer const& sealer,
                                 google::protobuf::Message const& request, ListOptions const& options,
                                 std::function<void(google::protobuf::Message&)> const& on_item);

}  // namespace helhed::storage
