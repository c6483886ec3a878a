#include "services/platform/storage/filter.h"

#include <absl/strings/numbers.h>
#include <absl/strings/str_join.h>
#include <absl/time/time.h>

#include <algorithm>
#include <array>
#include <utility>

#include "helhed/common/v1/errors.pb.h"
#include "services/platform/base/civil.h"
#include "services/platform/base/status.h"
#include "services/platform/base/strings.h"
#include "services/platform/contract/fields.h"
#include "services/platform/storage/collation.h"

namespace helhed::storage {
namespace {

absl::Status Invalid(std::size_t position, std::string_view what, ErrorMetadata metadata = {}) {
  std::string const at = std::to_string(position + 1);
  metadata.emplace("position", at);
  return Error(absl::StatusCode::kInvalidArgument, common::v1::ERROR_REASON_FILTER_INVALID,
               absl::StrCat("filter, byte ", at, ": ", Av(what)), std::move(metadata));
}

bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
// What may stand in a word without quotes.
bool IsBare(char c) {
  return !IsSpace(c) && std::string_view("()\"'=<>!,\\").find(c) == std::string_view::npos &&
         static_cast<unsigned char>(c) > 0x20;
}
bool IsFieldCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
}
bool IsKeyword(std::string_view word) { return word == "AND" || word == "OR" || word == "NOT"; }

// The bytes of the UTF-8 sequence that a byte leads, 0 when it leads none.
std::size_t SequenceLength(unsigned char lead) {
  if (lead < 0x80) return 1;
  if (lead < 0xC2 || lead > 0xF4) return 0;
  return lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
}

// Well-formed UTF-8 without zero bytes: what PostgreSQL takes as text.
bool IsText(std::string_view text) {
  while (!text.empty()) {
    auto const lead = static_cast<unsigned char>(text.front());
    std::size_t const length = SequenceLength(lead);
    if (lead == 0 || length == 0 || length > text.size()) return false;
    std::uint32_t code = length == 1 ? lead : lead & (0x7FU >> length);
    for (std::size_t i = 1; i < length; ++i) {
      auto const byte = static_cast<unsigned char>(text[i]);
      if ((byte & 0xC0) != 0x80) return false;
      code = code << 6 | (byte & 0x3FU);
    }
    bool const overlong = (length == 3 && code < 0x800) || (length == 4 && code < 0x10000);
    if (overlong || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) return false;
    text.remove_prefix(length);
  }
  return true;
}

// Recursive descent over AIP-160's grammar:
//   expression = sequence {"AND" sequence}      sequence = factor {factor}      factor = term {"OR" term}
//   term = ["NOT" | "-"] simple                 simple = "(" expression ")" | field operator value
class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  absl::StatusOr<std::optional<FilterNode>> Parse() {
    if (text_.size() > kFilterBytesMax) return Invalid(kFilterBytesMax, absl::StrCat("longer than ", kFilterBytesMax, " bytes"));
    SkipSpace();
    if (AtEnd()) return std::nullopt;
    ASSIGN_OR_RETURN(auto expression, Expression());
    if (!AtEnd()) return Invalid(at_, "a parenthesis is closed that was not opened");
    return expression;
  }

 private:
  absl::StatusOr<FilterNode> Expression() {
    std::vector<FilterNode> terms;
    for (;;) {
      ASSIGN_OR_RETURN(auto sequence, Sequence());
      terms.push_back(std::move(sequence));
      if (!TakeKeyword("AND")) return Joined(FilterNode::Kind::kAnd, std::move(terms));
    }
  }

  absl::StatusOr<FilterNode> Sequence() {
    std::vector<FilterNode> factors;
    for (;;) {
      ASSIGN_OR_RETURN(auto factor, Factor());
      factors.push_back(std::move(factor));
      if (AtEnd() || text_[at_] == ')' || PeekWord() == "AND") return Joined(FilterNode::Kind::kAnd, std::move(factors));
    }
  }

  absl::StatusOr<FilterNode> Factor() {
    std::vector<FilterNode> terms;
    for (;;) {
      ASSIGN_OR_RETURN(auto term, Term());
      terms.push_back(std::move(term));
      if (!TakeKeyword("OR")) return Joined(FilterNode::Kind::kOr, std::move(terms));
    }
  }

  absl::StatusOr<FilterNode> Term() {
    std::size_t const start = at_;
    bool negated = TakeKeyword("NOT");
    if (!negated && !AtEnd() && text_[at_] == '-') {
      negated = true;
      ++at_;
    }
    ASSIGN_OR_RETURN(auto simple, Simple());
    if (!negated) return simple;
    FilterNode node;
    node.kind = FilterNode::Kind::kNot;
    node.position = start;
    node.children.push_back(std::move(simple));
    return node;
  }

  absl::StatusOr<FilterNode> Simple() {
    if (AtEnd()) return Invalid(at_, "ends where a comparison is expected");
    if (text_[at_] != '(') return Comparison();
    std::size_t const open = at_++;
    if (++depth_ > kFilterDepthMax)
      return Invalid(open, absl::StrCat("more than ", kFilterDepthMax, " parentheses within each other"));
    SkipSpace();
    ASSIGN_OR_RETURN(auto inner, Expression());
    if (AtEnd()) return Invalid(open, "the parenthesis is not closed");
    ++at_;
    --depth_;
    SkipSpace();
    return inner;
  }

  absl::StatusOr<FilterNode> Comparison() {
    FilterNode node;
    node.position = at_;
    if (++comparisons_ > kFilterComparisonsMax) {
      return Invalid(at_, absl::StrCat("more than ", kFilterComparisonsMax, " comparisons"));
    }
    while (!AtEnd() && IsFieldCharacter(text_[at_])) node.field += text_[at_++];
    if (node.field.empty()) return Invalid(at_, "a field is expected here");
    if (IsKeyword(node.field)) return Invalid(node.position, absl::StrCat("a field is expected before ", node.field));
    if (!AtEnd() && text_[at_] == '(') return Invalid(at_, "functions are not supported");
    SkipSpace();
    auto const op = Operator();
    if (!op) {
      return Invalid(node.position,
                     "an operator (= != < <= > >= :) and a value are expected after a field; "
                     "a search in all fields is not supported, and AND, OR and NOT are upper case");
    }
    node.op = *op;
    SkipSpace();
    ASSIGN_OR_RETURN(node.value, Value());
    SkipSpace();
    return node;
  }

  std::optional<FilterOperator> Operator() {
    static constexpr std::array<std::pair<std::string_view, FilterOperator>, 7> operators = {{
        {"!=", FilterOperator::kNotEqual},
        {"<=", FilterOperator::kLessOrEqual},
        {">=", FilterOperator::kGreaterOrEqual},
        {"=", FilterOperator::kEqual},
        {"<", FilterOperator::kLess},
        {">", FilterOperator::kGreater},
        {":", FilterOperator::kHas},
    }};
    for (auto const& [text, op] : operators) {
      if (!text_.substr(at_).starts_with(text)) continue;
      at_ += text.size();
      return op;
    }
    return std::nullopt;
  }

  absl::StatusOr<FilterValue> Value() {
    if (AtEnd()) return Invalid(at_, "ends where a value is expected");
    char const first = text_[at_];
    if (first == '"' || first == '\'') return Quoted(first);
    if (first == '(') return Invalid(at_, "a value is expected, not a parenthesis; write `a = 1 OR a = 2`");
    FilterValue value;
    value.position = at_;
    std::string_view const word = PeekBare();
    if (word.empty()) return Invalid(at_, "a value is expected here");
    if (IsKeyword(word)) return Invalid(at_, absl::StrCat(Av(word), " is a keyword; put it in quotes where it is a value"));
    at_ += word.size();
    std::vector<bool> const escaped(word.size(), false);
    return WithStars(std::move(value), std::string(word), escaped);
  }

  absl::StatusOr<FilterValue> Quoted(char quote) {
    FilterValue value;
    value.position = at_++;
    std::string content;
    std::vector<bool> escaped;
    for (; !AtEnd() && text_[at_] != quote; ++at_) {
      bool const escape = text_[at_] == '\\';
      if (escape && ++at_ == text_.size()) break;
      content += text_[at_];
      escaped.push_back(escape);
    }
    if (AtEnd()) return Invalid(value.position, "the text is not closed by a quote");
    ++at_;
    return WithStars(std::move(value), std::move(content), escaped);
  }

  absl::StatusOr<FilterValue> WithStars(FilterValue value, std::string content, std::vector<bool> const& escaped) {
    if (!IsText(content)) return Invalid(value.position, "the value is not UTF-8, or holds a zero byte");
    std::size_t begin = 0;
    std::size_t end = content.size();
    auto const is_star = [&](std::size_t i) { return content[i] == '*' && !escaped[i]; };
    if (end > 0 && is_star(end - 1)) {
      value.star_after = true;
      --end;
    }
    if (begin < end && is_star(begin)) {
      value.star_before = true;
      ++begin;
    }
    for (std::size_t i = begin; i < end; ++i) value.star_within |= is_star(i);
    value.text = content.substr(begin, end - begin);
    return value;
  }

  static FilterNode Joined(FilterNode::Kind kind, std::vector<FilterNode> children) {
    if (children.size() == 1) return std::move(children.front());
    FilterNode node;
    node.kind = kind;
    node.position = children.front().position;
    node.children = std::move(children);
    return node;
  }

  bool AtEnd() const { return at_ == text_.size(); }
  void SkipSpace() {
    while (!AtEnd() && IsSpace(text_[at_])) ++at_;
  }
  std::string_view PeekBare() const {
    std::size_t end = at_;
    while (end < text_.size() && IsBare(text_[end])) ++end;
    return text_.substr(at_, end - at_);
  }
  std::string_view PeekWord() const {
    std::size_t end = at_;
    while (end < text_.size() && IsFieldCharacter(text_[end])) ++end;
    return text_.substr(at_, end - at_);
  }
  bool TakeKeyword(std::string_view keyword) {
    if (PeekWord() != keyword) return false;
    at_ += keyword.size();
    SkipSpace();
    return true;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  int depth_ = 0;
  int comparisons_ = 0;
};

constexpr std::string_view kNoStars =
    "a `*` stands for anything only at the ends of a value of = or !=; put the value in quotes and write \\* for the character";

std::string_view OrderOperator(FilterOperator op) {
  switch (op) {
    case FilterOperator::kLess:
      return " < ";
    case FilterOperator::kLessOrEqual:
      return " <= ";
    case FilterOperator::kGreater:
      return " > ";
    case FilterOperator::kGreaterOrEqual:
      return " >= ";
    case FilterOperator::kNotEqual:
      return " <> ";
    case FilterOperator::kEqual:
    case FilterOperator::kHas:
      return " = ";
  }
  return " = ";
}

bool IsOrder(FilterOperator op) {
  return op != FilterOperator::kEqual && op != FilterOperator::kNotEqual && op != FilterOperator::kHas;
}

void AppendUtf8(std::uint32_t code, std::string& text) {
  int tails = code < 0x80 ? 0 : code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
  static constexpr std::array<std::uint32_t, 4> lead = {0, 0xC0, 0xE0, 0xF0};
  text += static_cast<char>(lead[static_cast<std::size_t>(tails)] | code >> (6 * tails));
  while (tails-- > 0) text += static_cast<char>(0x80 | (code >> (6 * tails) & 0x3F));
}

// The least text that is greater than every text that begins with `prefix`, by code point; nullopt when there is none.
std::optional<std::string> AfterPrefix(std::string prefix) {
  while (!prefix.empty()) {
    std::size_t start = prefix.size() - 1;
    while ((static_cast<unsigned char>(prefix[start]) & 0xC0) == 0x80) --start;
    std::size_t const length = prefix.size() - start;
    std::uint32_t code = static_cast<unsigned char>(prefix[start]);
    if (length > 1) code &= 0x7FU >> length;
    for (std::size_t i = start + 1; i < prefix.size(); ++i) code = code << 6 | (static_cast<unsigned char>(prefix[i]) & 0x3FU);
    prefix.resize(start);
    if (code == 0x10FFFF) continue;
    AppendUtf8(code == 0xD7FF ? 0xE000 : code + 1, prefix);
    return prefix;
  }
  return std::nullopt;
}

class Compiler {
 public:
  Compiler(QueryFields const& fields, Engine engine, SqlText& sql) : fields_(fields), engine_(engine), sql_(sql) {}

  // Every condition is true or false and never NULL, so that NOT means what it says.
  absl::Status Compile(FilterNode const& node) {
    switch (node.kind) {
      case FilterNode::Kind::kComparison:
        return Comparison(node);
      case FilterNode::Kind::kNot:
        sql_.Append("NOT (");
        RETURN_IF_ERROR(Compile(node.children.front()));
        sql_.Append(")");
        return absl::OkStatus();
      case FilterNode::Kind::kAnd:
      case FilterNode::Kind::kOr: {
        std::string_view separator = "(";
        for (auto const& child : node.children) {
          sql_.Append(separator);
          separator = node.kind == FilterNode::Kind::kAnd ? " AND " : " OR ";
          RETURN_IF_ERROR(Compile(child));
        }
        sql_.Append(")");
        return absl::OkStatus();
      }
    }
    return absl::OkStatus();
  }

 private:
  absl::Status Comparison(FilterNode const& node) {
    auto const field = fields_.Find(node.field, QueryFields::Use::kFilter);
    if (absl::IsNotFound(field.status())) {
      std::string const allowed = absl::StrJoin(fields_.Allowed(QueryFields::Use::kFilter), ", ");
      return Invalid(node.position, absl::StrCat("there is no such field to filter by; there are: ", allowed),
                     {{"allowed", allowed}});
    }
    RETURN_IF_ERROR(field.status());
    bool const only_star = node.value.text.empty() && node.value.star_after;
    if (node.op == FilterOperator::kHas && only_star) return Present(*field);
    if (field->pattern != nullptr) return Name(*field, node);
    switch (field->field->kind) {
      case FieldKind::kText:
        return Text(*field, node);
      case FieldKind::kInteger:
        return Integer(*field, node);
      case FieldKind::kEnum:
        return Enum(*field, node);
      case FieldKind::kBool:
        return Bool(*field, node);
      case FieldKind::kDate:
        return Date(*field, node);
      case FieldKind::kTimestamp:
        return Timestamp(*field, node);
      case FieldKind::kBytes:
      case FieldKind::kReference:
        break;
    }
    return Invalid(node.position, "this field can only be asked for with `:*`");
  }

  // `field:*`
  absl::Status Present(SqlField const& field) {
    if (field.is_name()) {
      sql_.Append("TRUE");
      return absl::OkStatus();
    }
    if (field.field->has_absence()) {
      sql_.Append("(").Append(field.value).Append(" IS NOT NULL)");
      return absl::OkStatus();
    }
    sql_.Append("(");
    switch (field.field->kind) {
      case FieldKind::kBool:
        Value(field, "FALSE");
        break;
      case FieldKind::kInteger:
      case FieldKind::kEnum:
        Value(field, "0");
        sql_.Append(" <> 0");
        break;
      case FieldKind::kBytes: {
        std::string_view const none = engine_ == Engine::kSqlite ? "x''" : "''::bytea";
        Value(field, none);
        sql_.Append(" <> ").Append(none);
        break;
      }
      default:
        Value(field, "''");
        sql_.Append(" <> ''");
        break;
    }
    sql_.Append(")");
    return absl::OkStatus();
  }

  absl::Status Name(SqlField const& field, FilterNode const& node) {
    if (node.op != FilterOperator::kEqual && node.op != FilterOperator::kNotEqual) {
      return Invalid(node.position, "names are compared with = and != only");
    }
    auto const values = HasStar(node.value) ? std::nullopt : field.pattern->Match(node.value.text);
    if (!values) return Invalid(node.value.position, absl::StrCat("a name of the form ", field.pattern->text(), " is expected"));
    sql_.Append(node.op == FilterOperator::kNotEqual ? "NOT (" : "(");
    for (std::size_t part = 0; part < values->size(); ++part) {
      if (part > 0) sql_.Append(" AND ");
      sql_.Append(field.parts[part]).Append(" = ").Bind((*values)[part]);
    }
    if (field.nullable) sql_.Append(" AND ").Append(field.parts.back()).Append(" IS NOT NULL");
    sql_.Append(")");
    return absl::OkStatus();
  }

  absl::Status Text(SqlField const& field, FilterNode const& node) {
    FilterValue const& value = node.value;
    if (value.star_within || (IsOrder(node.op) && HasStar(value))) return Invalid(value.position, kNoStars);
    // Without its value an `optional` text fulfils nothing, and so nothing but what stands in NOT.
    bool const absent = field.field->has_absence() && field.nullable;
    bool const negated = node.op == FilterOperator::kNotEqual;
    sql_.Append(negated ? "NOT (" : "(");
    if (IsOrder(node.op)) {
      TextOrder(field, node.op, value.text);
    } else if (node.op == FilterOperator::kHas || (value.star_before && value.star_after)) {
      Contains(field, value.text);
    } else if (value.star_after) {
      StartsWith(field, value.text);
    } else if (value.star_before) {
      EndsWith(field, value.text);
    } else if (field.nullable && value.text.empty()) {
      Value(field, "''");
      sql_.Append(" = ''");
    } else {
      sql_.Append(field.value).Append(" = ").Bind(value.text);
      NotNull(field);
    }
    if (absent) sql_.Append(" AND ").Append(field.value).Append(" IS NOT NULL");
    sql_.Append(")");
    return absl::OkStatus();
  }

  void TextOrder(SqlField const& field, FilterOperator op, std::string const& text) {
    if (!field.sort) {
      Value(field, "''");
      sql_.Append(OrderOperator(op)).Bind(text);
      return;
    }
    if (field.sort_nullable) {
      sql_.Append("COALESCE(").Append(*field.sort).Append(engine_ == Engine::kSqlite ? ", x'')" : ", ''::bytea)");
    } else {
      sql_.Append(*field.sort);
    }
    sql_.Append(OrderOperator(op)).Bind(DanishSortKey(text));
  }

  void Contains(SqlField const& field, std::string const& text) {
    if (text.empty()) {
      sql_.Append("TRUE");
      return;
    }
    sql_.Append(engine_ == Engine::kSqlite ? "instr(" : "strpos(");
    Value(field, "''");
    sql_.Append(", ").Bind(text).Append(") > 0");
  }

  // As a range, so that an index serves.
  void StartsWith(SqlField const& field, std::string const& text) {
    if (text.empty()) {
      sql_.Append("TRUE");
      return;
    }
    sql_.Append(field.value).Append(" >= ").Bind(text);
    if (auto after = AfterPrefix(text)) sql_.Append(" AND ").Append(field.value).Append(" < ").Bind(*std::move(after));
    NotNull(field);
  }

  void EndsWith(SqlField const& field, std::string const& text) {
    std::int64_t const characters =
        std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; });
    sql_.Append(engine_ == Engine::kSqlite ? "substr(" : "right(");
    Value(field, "''");
    sql_.Append(", ");
    // The number is written out, because right() takes an integer of 32 bits and a bind has 64.
    sql_.Append(std::to_string(engine_ == Engine::kSqlite ? -characters : characters)).Append(") = ").Bind(text);
  }

  absl::Status Integer(SqlField const& field, FilterNode const& node) {
    std::int64_t number = 0;
    if (HasStar(node.value) || !absl::SimpleAtoi(Av(node.value.text), &number)) {
      return Invalid(node.value.position, "an integer is expected");
    }
    return Ordered(field, node, "0", number);
  }

  absl::Status Enum(SqlField const& field, FilterNode const& node) {
    if (node.op != FilterOperator::kEqual && node.op != FilterOperator::kNotEqual) {
      return Invalid(node.position, "this field is compared with = and != only");
    }
    auto const& type = *field.field->field->enum_type();
    auto const prefix = contract::EnumPrefix(type);
    auto const* value = type.FindValueByName(node.value.text);
    if (value == nullptr) value = type.FindValueByName(prefix + node.value.text);
    if (value == nullptr || HasStar(node.value)) {
      std::vector<std::string> names;
      for (int i = 0; i < type.value_count(); ++i) names.push_back(type.value(i)->name().substr(prefix.size()));
      return Invalid(node.value.position, absl::StrCat("one of these is expected: ", absl::StrJoin(names, ", ")));
    }
    return Ordered(field, node, "0", std::int64_t{value->number()});
  }

  absl::Status Bool(SqlField const& field, FilterNode const& node) {
    bool const is_true = node.value.text == "true";
    if (node.op != FilterOperator::kEqual && node.op != FilterOperator::kNotEqual) {
      return Invalid(node.position, "this field is compared with = and != only");
    }
    if (HasStar(node.value) || (!is_true && node.value.text != "false")) {
      return Invalid(node.value.position, "true or false is expected");
    }
    return Ordered(field, node, "FALSE", is_true);
  }

  absl::Status Date(SqlField const& field, FilterNode const& node) {
    if (HasStar(node.value) || !FromIsoDate(node.value.text))
      return Invalid(node.value.position, "a date YYYY-MM-DD is expected");
    return Ordered(field, node, "''", node.value.text);
  }

  absl::Status Timestamp(SqlField const& field, FilterNode const& node) {
    absl::Time time;
    // absl also takes `infinite-future`.
    bool const dated = !node.value.text.empty() && node.value.text.front() >= '0' && node.value.text.front() <= '9';
    if (HasStar(node.value) || !dated || !absl::ParseTime(absl::RFC3339_full, Av(node.value.text), &time, nullptr)) {
      return Invalid(node.value.position, "a time of RFC 3339 is expected, such as 2022-01-01T12:00:00Z");
    }
    return Ordered(field, node, "0", absl::ToUnixMicros(time));
  }

  // A comparison of what has an order, `empty` being the value that stands for NULL where NULL is not absence.
  absl::Status Ordered(SqlField const& field, FilterNode const& node, std::string_view empty, Rows::Value value) {
    if (node.op == FilterOperator::kHas) return Invalid(node.position, "`:` is for text; use = here");
    bool const negated = node.op == FilterOperator::kNotEqual;
    if (!field.field->has_absence() || !field.nullable) {
      sql_.Append("(");
      Value(field, empty);
      sql_.Append(OrderOperator(node.op)).Bind(std::move(value)).Append(")");
      return absl::OkStatus();
    }
    sql_.Append(negated ? "NOT (" : "(").Append(field.value);
    sql_.Append(negated ? " = " : OrderOperator(node.op)).Bind(std::move(value));
    NotNull(field);
    sql_.Append(")");
    return absl::OkStatus();
  }

  static bool HasStar(FilterValue const& value) { return value.star_before || value.star_after || value.star_within; }

  void Value(SqlField const& field, std::string_view empty) {
    if (!field.nullable) {
      sql_.Append(field.value);
    } else {
      sql_.Append("COALESCE(").Append(field.value).Append(", ").Append(empty).Append(")");
    }
  }
  // NULL AND FALSE is FALSE: this makes a comparison with NULL false, and an index still serves it.
  void NotNull(SqlField const& field) {
    if (field.nullable) sql_.Append(" AND ").Append(field.value).Append(" IS NOT NULL");
  }

  QueryFields const& fields_;
  Engine engine_;
  SqlText& sql_;
};

}  // namespace

absl::StatusOr<std::optional<FilterNode>> ParseFilter(std::string_view filter) { return Parser(filter).Parse(); }

absl::Status CompileFilter(FilterNode const& filter, QueryFields const& fields, Engine engine, SqlText& sql) {
  return Compiler(fields, engine, sql).Compile(filter);
}

}  // namespace helhed::storage
