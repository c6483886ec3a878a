#include "services/platform/storage/list_query.h"

#include <absl/strings/str_join.h>
#include <absl/strings/str_split.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <sodium.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <set>

#include "helhed/common/v1/errors.pb.h"
#include "services/platform/base/status.h"
#include "services/platform/base/strings.h"
#include "services/platform/storage/filter.h"
#include "services/platform/storage/query_fields.h"

namespace helhed::storage {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

constexpr std::size_t kNonceBytes = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
constexpr std::size_t kTagBytes = crypto_aead_xchacha20poly1305_ietf_ABYTES;
// Changes when what a page token holds changes: an older token is then refused rather than misread.
constexpr char kTokenVersion = 2;
constexpr std::size_t kOrderTermsMax = 10;

unsigned char const* Unsigned(std::string_view s) { return reinterpret_cast<unsigned char const*>(s.data()); }

absl::Status OrderInvalid(std::string_view what, ErrorMetadata metadata = {}) {
  return Error(absl::StatusCode::kInvalidArgument, common::v1::ERROR_REASON_ORDER_BY_INVALID,
               absl::StrCat("order_by: ", Av(what)), std::move(metadata));
}

absl::Status TokenInvalid() {
  return Error(absl::StatusCode::kInvalidArgument, common::v1::ERROR_REASON_PAGE_TOKEN_INVALID,
               "the page token is altered, or of another query; send it with everything else as it was, or start without one");
}

}  // namespace

TokenSealer::TokenSealer(std::string key) : key_(std::move(key)) {
  if (sodium_init() < 0 || key_.size() != crypto_aead_xchacha20poly1305_ietf_KEYBYTES) {
    std::fprintf(stderr, "storage: the key of the page tokens has %zu bytes and not 32, or libsodium does not start\n",
                 key_.size());
    std::abort();
  }
}

std::string TokenSealer::Seal(std::string_view purpose, std::string_view content) const {
  std::string sealed(kNonceBytes + content.size() + kTagBytes, '\0');
  auto* const bytes = reinterpret_cast<unsigned char*>(sealed.data());
  randombytes_buf(bytes, kNonceBytes);
  crypto_aead_xchacha20poly1305_ietf_encrypt(bytes + kNonceBytes, nullptr, Unsigned(content), content.size(), Unsigned(purpose),
                                             purpose.size(), nullptr, bytes, Unsigned(key_));
  std::string text(sodium_base64_encoded_len(sealed.size(), sodium_base64_VARIANT_URLSAFE_NO_PADDING), '\0');
  sodium_bin2base64(text.data(), text.size(), bytes, sealed.size(), sodium_base64_VARIANT_URLSAFE_NO_PADDING);
  text.pop_back();  // the zero that ends it
  return text;
}

std::optional<std::string> TokenSealer::Open(std::string_view purpose, std::string_view token) const {
  std::string sealed(token.size(), '\0');
  auto* const bytes = reinterpret_cast<unsigned char*>(sealed.data());
  std::size_t size = 0;
  char const* end = nullptr;
  if (sodium_base642bin(bytes, sealed.size(), token.data(), token.size(), nullptr, &size, &end,
                        sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0 ||
      end != token.data() + token.size() || size < kNonceBytes + kTagBytes) {
    return std::nullopt;
  }
  std::string content(size - kNonceBytes - kTagBytes, '\0');
  if (crypto_aead_xchacha20poly1305_ietf_decrypt(reinterpret_cast<unsigned char*>(content.data()), nullptr, nullptr,
                                                 bytes + kNonceBytes, size - kNonceBytes, Unsigned(purpose), purpose.size(),
                                                 bytes, Unsigned(key_)) != 0) {
    return std::nullopt;
  }
  return content;
}

absl::StatusOr<std::vector<OrderTerm>> ParseOrderBy(std::string_view order_by) {
  std::vector<OrderTerm> terms;
  if (order_by.find_first_not_of(" \t") == std::string_view::npos) return terms;
  std::set<std::string> seen;
  for (absl::string_view const part : absl::StrSplit(Av(order_by), ',')) {
    std::vector<std::string> const words = absl::StrSplit(part, absl::ByAnyChar(" \t"), absl::SkipEmpty());
    bool const well_formed = words.size() == 1 || (words.size() == 2 && (words[1] == "desc" || words[1] == "asc"));
    if (!well_formed) return OrderInvalid("expected are fields separated by commas, each followed by ` desc` where it falls");
    if (!seen.insert(words[0]).second) return OrderInvalid("a field stands there twice");
    if (terms.size() == kOrderTermsMax) return OrderInvalid(absl::StrCat("more than ", kOrderTermsMax, " fields"));
    terms.push_back({words[0], words.size() == 2 && words[1] == "desc"});
  }
  return terms;
}

namespace {

enum class ValueType { kText, kBytes, kInteger, kBool };

// One column to sort by, never NULL.
struct SortColumn {
  SqlFragment sql;
  ValueType type;
  bool descending;
};

ValueType TypeOf(FieldKind kind) {
  switch (kind) {
    case FieldKind::kText:
    case FieldKind::kDate:
    case FieldKind::kReference:
      return ValueType::kText;
    case FieldKind::kBytes:
      return ValueType::kBytes;
    case FieldKind::kBool:
      return ValueType::kBool;
    case FieldKind::kInteger:
    case FieldKind::kEnum:
    case FieldKind::kTimestamp:
      return ValueType::kInteger;
  }
  return ValueType::kText;
}

// What stands for NULL: the least value, or the empty one where NULL and the empty value are the same.
std::string Least(ValueType type, bool has_absence, Engine engine) {
  switch (type) {
    case ValueType::kText:
      return "''";
    case ValueType::kBytes:
      return engine == Engine::kSqlite ? "x''" : "''::bytea";
    case ValueType::kBool:
      return "FALSE";
    case ValueType::kInteger:
      // One more than the least, which as a literal PostgreSQL reads as a numeric.
      return has_absence ? absl::StrCat(-std::numeric_limits<std::int64_t>::max()) : "0";
  }
  return "''";
}

SqlFragment NotNull(SqlFragment sql, bool nullable, std::string const& least) {
  if (nullable) sql.sql = absl::StrCat("COALESCE(", sql.sql, ", ", least, ")");
  return sql;
}

Rows::Value ValueAt(Rows const& rows, std::size_t row, std::size_t column, ValueType type) {
  switch (type) {
    case ValueType::kText:
      return rows.Text(row, column);
    case ValueType::kBytes: {
      auto const bytes = rows.Blob(row, column);
      return std::vector<std::byte>(bytes.begin(), bytes.end());
    }
    case ValueType::kInteger:
      return rows.Int64(row, column);
    case ValueType::kBool:
      return rows.Bool(row, column);
  }
  return nullptr;
}

// The values of a row's sort columns as bytes: a version, then numbers as varints, text and bytes after their length. The types
// are not in it, because the token is bound to the query that knows them.
std::string EncodePosition(std::span<Rows::Value const> values) {
  std::string bytes(1, kTokenVersion);
  google::protobuf::io::StringOutputStream stream(&bytes);
  google::protobuf::io::CodedOutputStream out(&stream);
  auto const write = [&out](void const* data, std::size_t size) {
    out.WriteVarint64(size);
    if (size > 0) out.WriteRaw(data, static_cast<int>(size));  // an empty vector has no address
  };
  for (auto const& value : values) {
    if (auto const* const text = std::get_if<std::string>(&value)) write(text->data(), text->size());
    if (auto const* const blob = std::get_if<std::vector<std::byte>>(&value)) write(blob->data(), blob->size());
    if (auto const* const number = std::get_if<std::int64_t>(&value)) out.WriteVarint64(static_cast<std::uint64_t>(*number));
    if (auto const* const flag = std::get_if<bool>(&value)) out.WriteVarint64(*flag ? 1 : 0);
  }
  out.Trim();
  return bytes;
}

std::optional<std::vector<Rows::Value>> DecodePosition(std::string_view bytes, std::span<SortColumn const> columns) {
  if (bytes.empty() || bytes.front() != kTokenVersion) return std::nullopt;
  bytes.remove_prefix(1);
  google::protobuf::io::CodedInputStream in(Unsigned(bytes), static_cast<int>(bytes.size()));
  std::vector<Rows::Value> values;
  for (auto const& column : columns) {
    std::uint64_t number = 0;
    if (!in.ReadVarint64(&number)) return std::nullopt;
    if (column.type == ValueType::kInteger) {
      values.emplace_back(static_cast<std::int64_t>(number));
    } else if (column.type == ValueType::kBool) {
      values.emplace_back(number != 0);
    } else {
      std::string text;
      if (number > bytes.size() || !in.ReadString(&text, static_cast<int>(number))) return std::nullopt;
      auto const* const begin = reinterpret_cast<std::byte const*>(text.data());
      values.push_back(column.type == ValueType::kText ? Rows::Value(std::move(text))
                                                       : Rows::Value(std::vector<std::byte>(begin, begin + text.size())));
    }
  }
  if (in.CurrentPosition() != static_cast<int>(bytes.size())) return std::nullopt;
  return values;
}

std::string TextField(Message const& request, char const* name) {
  FieldDescriptor const* const field = request.GetDescriptor()->FindFieldByName(name);
  if (field == nullptr || field->is_repeated() || field->cpp_type() != FieldDescriptor::CPPTYPE_STRING) return {};
  return request.GetReflection()->GetString(request, field);
}

// What a page token is bound to: the request but for its page, and the table.
std::string PurposeOf(Message const& request, std::string const& table) {
  std::unique_ptr<Message> const copy(request.New());
  copy->CopyFrom(request);
  for (char const* const name : {"page_size", "page_token"}) {
    if (auto const* const field = copy->GetDescriptor()->FindFieldByName(name))
      copy->GetReflection()->ClearField(copy.get(), field);
  }
  std::string bytes = absl::StrCat("page ", table, " ", request.GetDescriptor()->full_name(), " ");
  google::protobuf::io::StringOutputStream stream(&bytes);
  {
    google::protobuf::io::CodedOutputStream out(&stream);
    out.SetSerializationDeterministic(true);
    copy->SerializePartialToCodedStream(&out);
  }
  std::string hash(crypto_generichash_BYTES, '\0');
  crypto_generichash(reinterpret_cast<unsigned char*>(hash.data()), hash.size(), Unsigned(bytes), bytes.size(), nullptr, 0);
  return hash;
}

std::string StatementName(std::string const& table, std::string const& text) {
  std::array<unsigned char, crypto_shorthash_KEYBYTES> const key = {};
  std::array<unsigned char, crypto_shorthash_BYTES> hash;
  crypto_shorthash(hash.data(), Unsigned(text), text.size(), key.data());
  std::string name = absl::StrCat("list.", table, ".");
  for (auto const byte : hash) absl::StrAppend(&name, absl::Hex(byte, absl::kZeroPad2));
  return name;
}

std::vector<QueryFields::Expression> ExpressionsOf(ListOptions const& options) {
  std::vector<QueryFields::Expression> result;
  for (auto const& expression : options.expressions) {
    result.push_back({expression.field, {std::string(expression.sql), expression.binds}});
  }
  return result;
}

}  // namespace

// Puts one list together.
class ListBuilder {
 public:
  ListBuilder(ReadTransaction& tx, Table const& table, TokenSealer const& sealer, Message const& request,
              ListOptions const& options)
      : tx_(tx),
        table_(table),
        sealer_(sealer),
        request_(request),
        options_(options),
        fields_(table.mapping(), options.alias.empty() ? "" : absl::StrCat(Av(options.alias), "."), ExpressionsOf(options)) {}

  absl::StatusOr<std::string> Run(std::function<void(Message&)> const& on_item) {
    RETURN_IF_ERROR(ReadPageSize());
    RETURN_IF_ERROR(Order());
    RETURN_IF_ERROR(BuildText());
    Statement const statement(Statement::Dynamic{.name = StatementName(table_.name(), sql_.text()), .text = sql_.text()});
    ASSIGN_OR_RETURN(auto const rows, tx_.Query(statement, sql_.binds()));
    std::size_t const count = std::min(rows.size(), page_size_);
    RowReader const reader(table_.mapping(), rows.columns());
    auto const item = table_.NewMessage();
    for (std::size_t row = 0; row < count; ++row) {
      item->Clear();
      reader.Read(rows, row, *item);
      on_item(*item);
    }
    if (rows.size() <= page_size_) return std::string();
    std::vector<Rows::Value> position;
    std::size_t const first = rows.columns().size() - order_.size();
    for (std::size_t i = 0; i < order_.size(); ++i) position.push_back(ValueAt(rows, count - 1, first + i, order_[i].type));
    return sealer_.Seal(PurposeOf(request_, table_.name()), EncodePosition(position));
  }

 private:
  absl::Status ReadPageSize() {
    auto const* const field = request_.GetDescriptor()->FindFieldByName("page_size");
    std::int32_t const asked = field == nullptr ? 0 : request_.GetReflection()->GetInt32(request_, field);
    if (asked < 0) return BadRequest({{"page_size", "must not be negative"}});
    page_size_ = static_cast<std::size_t>(asked == 0 ? options_.page_size_default : std::min(asked, options_.page_size_max));
    return absl::OkStatus();
  }

  // The columns to sort by: what was asked for, and then the key, which makes the order total.
  absl::Status Order() {
    ASSIGN_OR_RETURN(auto const terms, ParseOrderBy(TextField(request_, "order_by")));
    // After the name nothing is left to decide.
    bool named = false;
    for (auto const& term : terms) {
      auto const field = fields_.Find(term.field, QueryFields::Use::kOrder);
      if (absl::IsNotFound(field.status())) {
        std::string const allowed = absl::StrJoin(fields_.Allowed(QueryFields::Use::kOrder), ", ");
        return OrderInvalid(absl::StrCat("there is no such field to order by; there are: ", allowed), {{"allowed", allowed}});
      }
      RETURN_IF_ERROR(field.status());
      if (named) continue;
      named = field->is_name();
      AddSortColumns(*field, term.descending);
    }
    if (!named) AddKey(false);
    return absl::OkStatus();
  }

  void AddSortColumns(SqlField const& field, bool descending) {
    if (field.is_name()) return AddKey(descending);
    if (field.pattern != nullptr) {
      for (auto const& part : field.parts) order_.push_back({NotNull(part, field.nullable, "''"), ValueType::kText, descending});
      return;
    }
    if (field.sort) {
      std::string const least = Least(ValueType::kBytes, false, tx_.engine());
      order_.push_back({NotNull(*field.sort, field.sort_nullable, least), ValueType::kBytes, descending});
      return;
    }
    ValueType const type = TypeOf(field.field->kind);
    std::string const least = Least(type, field.field->has_absence(), tx_.engine());
    order_.push_back({NotNull(field.value, field.nullable, least), type, descending});
  }

  void AddKey(bool descending) {
    for (auto const& key : table_.mapping().key_columns()) {
      std::string column = absl::StrCat(fields_.prefix(), key);
      if (!IsFixed(column)) order_.push_back({{std::move(column), {}}, ValueType::kText, descending});
    }
    // A list of one row at most has an order all the same.
    if (order_.empty()) {
      order_.push_back(
          {{absl::StrCat(fields_.prefix(), table_.mapping().key_columns().back()), {}}, ValueType::kText, descending});
    }
  }

  // Whether all rows have the same value there, as the parent's have in a list of its children. Left in the comparison of rows it
  // would keep SQLite from seeking the position: a page would cost what all before it cost.
  bool IsFixed(std::string_view column) const {
    auto const condition = absl::StrCat(Av(column), " = ?");
    return std::any_of(options_.conditions.begin(), options_.conditions.end(),
                       [&](Condition const& given) { return given.sql == Sv(condition); });
  }

  absl::Status BuildText() {
    sql_.Append("SELECT ").Append(table_.Select(fields_.prefix()));
    if (!options_.select.empty()) sql_.Append(", ").Append(options_.select, options_.select_binds);
    // They stand last, for nobody knows how many columns `select` adds.
    for (std::size_t i = 0; i < order_.size(); ++i)
      sql_.Append(", ").Append(order_[i].sql).Append(absl::StrCat(" AS helhed_order_", i));
    sql_.Append(" FROM ");
    if (options_.from.empty()) {
      sql_.Append(table_.name()).Append(options_.alias.empty() ? "" : " AS ").Append(options_.alias);
    } else {
      sql_.Append(options_.from, options_.from_binds);
    }
    std::string_view separator = " WHERE ";
    auto const next = [&]() -> SqlText& { return sql_.Append(std::exchange(separator, " AND ")); };
    for (auto const& condition : options_.conditions) {
      next().Append("(").Append(condition.sql, condition.binds).Append(")");
    }
    ASSIGN_OR_RETURN(auto const filter, ParseFilter(TextField(request_, "filter")));
    if (filter) {
      next();
      RETURN_IF_ERROR(CompileFilter(*filter, fields_, tx_.engine(), sql_));
    }
    if (std::string const token = TextField(request_, "page_token"); !token.empty()) {
      auto const content = sealer_.Open(PurposeOf(request_, table_.name()), token);
      auto const position = content ? DecodePosition(*content, order_) : std::nullopt;
      if (!position) return TokenInvalid();
      next();
      AppendAfter(*position);
    }
    sql_.Append(" ORDER BY ");
    for (std::size_t i = 0; i < order_.size(); ++i) {
      sql_.Append(i == 0 ? "" : ", ").Append(order_[i].sql).Append(order_[i].descending ? " DESC" : "");
    }
    sql_.Append(" LIMIT ").Bind(static_cast<std::int64_t>(page_size_) + 1);
    return absl::OkStatus();
  }

  // The rows after a position. Where all columns run the same way a comparison of rows says it, and an index serves it. Otherwise
  // the first column alone bounds what is read, and the rest is written out.
  void AppendAfter(std::vector<Rows::Value> const& position) {
    bool const descending = order_.front().descending;
    bool const uniform =
        std::all_of(order_.begin(), order_.end(), [&](auto const& column) { return column.descending == descending; });
    if (uniform) {
      sql_.Append("(");
      for (std::size_t i = 0; i < order_.size(); ++i) sql_.Append(i == 0 ? "" : ", ").Append(order_[i].sql);
      sql_.Append(descending ? ") < (" : ") > (");
      for (std::size_t i = 0; i < order_.size(); ++i) sql_.Append(i == 0 ? "" : ", ").Bind(position[i]);
      sql_.Append(")");
      return;
    }
    sql_.Append("(").Append(order_[0].sql).Append(descending ? " <= " : " >= ").Bind(position[0]).Append(" AND (");
    for (std::size_t last = 0; last < order_.size(); ++last) {
      sql_.Append(last == 0 ? "(" : " OR (");
      for (std::size_t i = 0; i < last; ++i) sql_.Append(order_[i].sql).Append(" = ").Bind(position[i]).Append(" AND ");
      sql_.Append(order_[last].sql).Append(order_[last].descending ? " < " : " > ").Bind(position[last]).Append(")");
    }
    sql_.Append("))");
  }

  ReadTransaction& tx_;
  Table const& table_;
  TokenSealer const& sealer_;
  Message const& request_;
  ListOptions const& options_;
  QueryFields fields_;
  std::size_t page_size_ = 0;
  std::vector<SortColumn> order_;
  SqlText sql_;
};

absl::StatusOr<std::string> List(ReadTransaction& tx, Table const& table, TokenSealer const& sealer, Message const& request,
                                 ListOptions const& options, std::function<void(Message&)> const& on_item) {
  return ListBuilder(tx, table, sealer, request, options).Run(on_item);
}

}  // namespace helhed::storage
