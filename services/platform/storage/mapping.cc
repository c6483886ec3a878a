#include "services/platform/storage/mapping.h"

#include <absl/strings/str_join.h>
#include <google/api/resource.pb.h>
#include <google/protobuf/timestamp.pb.h>
#include <google/type/date.pb.h>
#include <sodium.h>

#include <algorithm>
#include <array>

#include "helhed/common/v1/errors.pb.h"
#include "helhed/policy/v1/policy.pb.h"
#include "services/platform/base/civil.h"
#include "services/platform/base/status.h"
#include "services/platform/base/strings.h"
#include "services/platform/storage/collation.h"

namespace helhed::storage {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

// How deep message fields are followed: the contract's values are flat, and a message may contain itself.
constexpr std::size_t kDepthMax = 4;

bool IsDate(Descriptor const* type) { return type == google::type::Date::descriptor(); }
bool IsTimestamp(Descriptor const* type) { return type == google::protobuf::Timestamp::descriptor(); }

contract::NamePattern const* ReferencedPattern(FieldDescriptor const& field) {
  if (!field.options().HasExtension(google::api::resource_reference)) return nullptr;
  return contract::PatternOfType(field.options().GetExtension(google::api::resource_reference).type());
}

// What a field is stored as; nullopt for what has no column: lists, maps, floating point, and messages, whose fields have some.
std::optional<FieldKind> KindOf(FieldDescriptor const& field) {
  if (field.is_repeated()) return std::nullopt;
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      if (field.type() == FieldDescriptor::TYPE_BYTES) return FieldKind::kBytes;
      return ReferencedPattern(field) != nullptr ? FieldKind::kReference : FieldKind::kText;
    case FieldDescriptor::CPPTYPE_INT32:
    case FieldDescriptor::CPPTYPE_INT64:
    case FieldDescriptor::CPPTYPE_UINT32:
      return FieldKind::kInteger;
    case FieldDescriptor::CPPTYPE_ENUM:
      return FieldKind::kEnum;
    case FieldDescriptor::CPPTYPE_BOOL:
      return FieldKind::kBool;
    case FieldDescriptor::CPPTYPE_MESSAGE:
      if (IsDate(field.message_type())) return FieldKind::kDate;
      if (IsTimestamp(field.message_type())) return FieldKind::kTimestamp;
      return std::nullopt;
    default:
      return std::nullopt;
  }
}

bool Fits(FieldKind kind, ColumnType type) {
  switch (kind) {
    case FieldKind::kText:
    case FieldKind::kDate:
    case FieldKind::kReference:
      return type == ColumnType::kText;
    case FieldKind::kBytes:
      return type == ColumnType::kBytes;
    case FieldKind::kBool:
      // SQLite has no booleans.
      return type == ColumnType::kBool || type == ColumnType::kInteger;
    case FieldKind::kInteger:
    case FieldKind::kEnum:
    case FieldKind::kTimestamp:
      return type == ColumnType::kInteger;
  }
  return false;
}

bool RoleFits(Mapping::Column const& column, ColumnType type) {
  switch (column.role) {
    case Mapping::Role::kKey:
    case Mapping::Role::kReferencePart:
      return type == ColumnType::kText;
    case Mapping::Role::kSort:
      return type == ColumnType::kBytes;
    case Mapping::Role::kField:
      return Fits(column.field->kind, type);
    case Mapping::Role::kRevision:
    case Mapping::Role::kCreateTime:
    case Mapping::Role::kUpdateTime:
      return type == ColumnType::kInteger;
  }
  return false;
}

FieldDescriptor const* TimestampField(Descriptor const& message, char const* name) {
  FieldDescriptor const* const field = message.FindFieldByName(name);
  return field != nullptr && KindOf(*field) == FieldKind::kTimestamp ? field : nullptr;
}

// The message that holds the field, or nullptr where one on the way is absent.
Message const* HolderOf(MappedField const& field, Message const& message) {
  Message const* holder = &message;
  for (auto const* parent : field.parents) {
    if (!holder->GetReflection()->HasField(*holder, parent)) return nullptr;
    holder = &holder->GetReflection()->GetMessage(*holder, parent);
  }
  return holder;
}

Message& MutableHolderOf(MappedField const& field, Message& message) {
  Message* holder = &message;
  for (auto const* parent : field.parents) holder = holder->GetReflection()->MutableMessage(holder, parent);
  return *holder;
}

bool IsSet(MappedField const& field, Message const* holder) {
  return holder != nullptr && (!field.field->has_presence() || holder->GetReflection()->HasField(*holder, field.field));
}

std::string_view TextOf(MappedField const& field, Message const* holder) {
  // Generated messages keep strings as they are, so the reference is into the message and the scratch stays unused.
  thread_local std::string scratch;
  return holder == nullptr ? std::string_view() : holder->GetReflection()->GetStringReference(*holder, field.field, &scratch);
}

std::int64_t IntegerOf(FieldDescriptor const* field, Message const& holder) {
  auto const& reflection = *holder.GetReflection();
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return reflection.GetInt32(holder, field);
    case FieldDescriptor::CPPTYPE_UINT32:
      return reflection.GetUInt32(holder, field);
    case FieldDescriptor::CPPTYPE_ENUM:
      return reflection.GetEnumValue(holder, field);
    default:
      return reflection.GetInt64(holder, field);
  }
}

void SetInteger(FieldDescriptor const* field, std::int64_t value, Message& holder) {
  auto const& reflection = *holder.GetReflection();
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return reflection.SetInt32(&holder, field, static_cast<std::int32_t>(value));
    case FieldDescriptor::CPPTYPE_UINT32:
      return reflection.SetUInt32(&holder, field, static_cast<std::uint32_t>(value));
    case FieldDescriptor::CPPTYPE_ENUM:
      return reflection.SetEnumValue(&holder, field, static_cast<int>(value));
    default:
      return reflection.SetInt64(&holder, field, value);
  }
}

void SetTimestamp(FieldDescriptor const* field, std::int64_t micros, Message& holder) {
  constexpr std::int64_t micros_a_second = 1'000'000;
  std::int64_t seconds = micros / micros_a_second;
  std::int64_t rest = micros % micros_a_second;
  if (rest < 0) {
    --seconds;
    rest += micros_a_second;
  }
  auto& timestamp = static_cast<google::protobuf::Timestamp&>(*holder.GetReflection()->MutableMessage(&holder, field));
  timestamp.set_seconds(seconds);
  timestamp.set_nanos(static_cast<std::int32_t>(rest * 1000));
}

void AddText(std::string_view text, bool null_when_empty, BindBuffer& buffer) {
  if (text.empty() && null_when_empty) {
    buffer.AddNull();
  } else {
    buffer.AddView(text);
  }
}

FieldViolation NoSuchDate(std::string_view path) {
  return {std::string(path), "must be an existing date with year, month and day"};
}

}  // namespace

std::int64_t MicrosOf(Message const& timestamp) {
  auto const& value = static_cast<google::protobuf::Timestamp const&>(timestamp);
  return absl::ToUnixMicros(absl::FromUnixSeconds(value.seconds()) + absl::Nanoseconds(value.nanos()));
}

std::string ReferenceColumn(MappedField const& reference, std::size_t part) {
  auto const& variables = reference.pattern->variables();
  return part + 1 == variables.size() ? reference.column : reference.column + "_" + variables[part];
}

NameTemplate::NameTemplate(contract::NamePattern const& pattern) {
  std::string_view rest = pattern.text();
  for (std::size_t open = rest.find('{'); open != std::string_view::npos; open = rest.find('{')) {
    literals_.emplace_back(rest.substr(0, open));
    rest.remove_prefix(rest.find('}') + 1);
  }
  literals_.emplace_back(rest);
}

std::string NameTemplate::Make(absl::FunctionRef<std::string_view(std::size_t)> part) const {
  std::string name;
  for (std::size_t i = 0; i + 1 < literals_.size(); ++i) {
    name += literals_[i];
    name += part(i);
  }
  name += literals_.back();
  return name;
}

Mapping::Mapping(Descriptor const& message, std::string_view table, contract::NamePattern const& pattern)
    : message_(message),
      table_(table),
      pattern_(pattern),
      name_template_(pattern),
      name_(message.FindFieldByName("name")),
      etag_(message.FindFieldByName("etag")),
      create_time_field_(TimestampField(message, "create_time")),
      update_time_field_(TimestampField(message, "update_time")) {
  AddCandidate({.name = "revision", .role = Role::kRevision});
  AddCandidate({.name = "create_time", .role = Role::kCreateTime});
  AddCandidate({.name = "update_time", .role = Role::kUpdateTime});
  for (std::size_t i = 0; i < key_columns().size(); ++i) AddCandidate({.name = key_columns()[i], .role = Role::kKey, .part = i});
  AddFields(message, {});
}

// The first one to claim a name keeps it: the key goes before the fields.
void Mapping::AddCandidate(Column column) { candidates_.try_emplace(column.name, column); }

void Mapping::AddFields(Descriptor const& type, std::vector<FieldDescriptor const*> const& parents) {
  std::string path;
  std::string prefix;
  for (auto const* parent : parents) {
    path += parent->name() + ".";
    prefix += parent->name() + "_";
  }
  for (int i = 0; i < type.field_count(); ++i) {
    FieldDescriptor const* const field = type.field(i);
    if (parents.empty() && (field == name_ || field == etag_ || field == create_time_field_ || field == update_time_field_))
      continue;
    auto const kind = KindOf(*field);
    if (!kind) {
      if (field->is_repeated() || field->message_type() == nullptr || parents.size() + 1 >= kDepthMax) continue;
      auto deeper = parents;
      deeper.push_back(field);
      AddFields(*field->message_type(), deeper);
      continue;
    }
    auto const& query = field->options().GetExtension(policy::v1::field).query();
    MappedField& mapped = fields_.emplace_back(MappedField{.path = path + field->name(),
                                                           .column = prefix + field->name(),
                                                           .kind = *kind,
                                                           .parents = parents,
                                                           .field = field,
                                                           .danish = query.collation() == policy::v1::COLLATION_DANISH});
    if (*kind != FieldKind::kReference) {
      AddCandidate({.name = mapped.column, .role = Role::kField, .field = &mapped});
      if (mapped.danish) AddCandidate({.name = mapped.column + "_sort", .role = Role::kSort, .field = &mapped});
      continue;
    }
    mapped.pattern = ReferencedPattern(*field);
    for (std::size_t part = 0; part < mapped.pattern->variables().size(); ++part) {
      AddCandidate({.name = ReferenceColumn(mapped, part), .role = Role::kReferencePart, .part = part, .field = &mapped});
    }
  }
}

absl::StatusOr<std::unique_ptr<Mapping>> Mapping::Make(Descriptor const& message, std::string_view table,
                                                       std::span<std::string_view const> extra,
                                                       std::span<DatabaseColumn const> columns) {
  contract::NamePattern const* const pattern = contract::PatternOf(message);
  FieldDescriptor const* const name = message.FindFieldByName("name");
  if (pattern == nullptr || name == nullptr || name->cpp_type() != FieldDescriptor::CPPTYPE_STRING) {
    return absl::FailedPreconditionError(
        absl::StrCat("table ", Av(table), ": ", message.full_name(), " is not a resource: it has no pattern, or no `name`"));
  }
  if (columns.empty()) return absl::FailedPreconditionError(absl::StrCat("table ", Av(table), ": there is no such table"));
  std::unique_ptr<Mapping> mapping(new Mapping(message, table, *pattern));
  std::vector<std::string> problems;
  for (auto const& column : columns) {
    if (std::find(extra.begin(), extra.end(), column.name) != extra.end()) continue;
    if (auto problem = mapping->AddColumn(column)) problems.push_back(*std::move(problem));
  }
  for (auto const& column : mapping->columns_) {
    if (column.role != Role::kSort) mapping->selected_.push_back(&column);
    if (column.role == Role::kRevision) mapping->revision_ = &column;
    if (column.role == Role::kCreateTime) mapping->create_time_ = &column;
  }
  for (auto const& field : mapping->fields_) {
    if (field.kind != FieldKind::kReference || mapping->FindColumn(field.column) == nullptr) continue;
    if (auto problem = mapping->AddReference(field)) problems.push_back(*std::move(problem));
  }
  mapping->CollectProblems(columns, problems);
  if (!problems.empty()) {
    return absl::FailedPreconditionError(
        absl::StrCat("table ", Av(table), " does not fit ", message.full_name(), ": ", absl::StrJoin(problems, "; ")));
  }
  return mapping;
}

std::optional<std::string> Mapping::AddColumn(DatabaseColumn const& column) {
  auto const found = candidates_.find(column.name);
  if (found == candidates_.end()) return absl::StrCat("column ", column.name, " has no field");
  if (!RoleFits(found->second, column.type))
    return absl::StrCat("column ", column.name, " has a type that does not fit its field");
  columns_.push_back(found->second);
  // SQLite reports the columns of a primary key as nullable.
  columns_.back().nullable = column.nullable && !column.in_primary_key;
  return std::nullopt;
}

std::optional<std::string> Mapping::AddReference(MappedField const& field) {
  Reference reference{.field = &field, .own_key = {}};
  auto const& variables = field.pattern->variables();
  for (std::size_t part = 0; part < variables.size(); ++part) {
    std::string const name = ReferenceColumn(field, part);
    Column const* const column = FindColumn(name);
    std::optional<std::size_t> key;
    if (column != nullptr && column->role != Role::kReferencePart) {
      key = KeyPart(name);
    } else if (column == nullptr) {
      key = KeyPart(variables[part]);
      if (!key) return absl::StrCat("column ", name, " is missing, without which ", field.path, " is not whole");
    }
    reference.own_key.push_back(key);
  }
  references_.push_back(std::move(reference));
  return std::nullopt;
}

std::vector<MappedField const*> Mapping::fields() const {
  std::vector<MappedField const*> result;
  for (auto const& field : fields_) result.push_back(&field);
  return result;
}

Mapping::Column const* Mapping::FindColumn(std::string_view name) const {
  auto const found = std::find_if(columns_.begin(), columns_.end(), [&](Column const& column) { return column.name == name; });
  return found == columns_.end() ? nullptr : &*found;
}

MappedField const* Mapping::FindField(std::string_view path) const {
  auto const found = std::find_if(fields_.begin(), fields_.end(), [&](MappedField const& field) { return field.path == path; });
  return found == fields_.end() ? nullptr : &*found;
}

std::optional<std::size_t> Mapping::KeyPart(std::string_view name) const {
  auto const found = std::find(key_columns().begin(), key_columns().end(), name);
  if (found == key_columns().end()) return std::nullopt;
  return static_cast<std::size_t>(found - key_columns().begin());
}

// What cannot be said about one column alone.
void Mapping::CollectProblems(std::span<DatabaseColumn const> columns, std::vector<std::string>& problems) const {
  for (auto const& key : key_columns()) {
    auto const column = std::find_if(columns.begin(), columns.end(), [&](auto const& c) { return c.name == key; });
    if (column == columns.end()) {
      problems.push_back(absl::StrCat("key column ", key, " is missing"));
    } else if (!column->in_primary_key) {
      problems.push_back(absl::StrCat("key column ", key, " is not in the primary key"));
    }
  }
  for (auto const& column : columns) {
    bool const is_key = std::find(key_columns().begin(), key_columns().end(), column.name) != key_columns().end();
    if (column.in_primary_key && !is_key)
      problems.push_back(absl::StrCat(column.name, " is in the primary key but not in the name"));
  }
  if (etag_ != nullptr && revision_ == nullptr) problems.emplace_back("column revision is missing, of which etag is made");
  for (auto const& field : fields_) {
    if (field.danish && FindColumn(field.column) != nullptr && FindColumn(field.column + "_sort") == nullptr) {
      problems.push_back(absl::StrCat("column ", field.column, "_sort is missing, by which Danes sort ", field.path));
    }
  }
}

absl::Status Mapping::Fill(Message const& message, std::vector<std::string> const& keys, std::int64_t micros,
                           std::span<Column const* const> columns, BindBuffer& buffer) const {
  std::vector<FieldViolation> violations;
  auto const parts = ReferenceParts(message, keys, violations);
  for (Column const* const column : columns) {
    switch (column->role) {
      case Role::kKey:
        buffer.AddView(keys[column->part]);
        break;
      case Role::kRevision:
        buffer.Add(std::int64_t{1});
        break;
      case Role::kCreateTime:
      case Role::kUpdateTime:
        buffer.Add(micros);
        break;
      case Role::kReferencePart: {
        auto const found = parts.find(column->field);
        if (found != parts.end()) {
          buffer.AddOwned(found->second[column->part]);
        } else {
          AddText("", column->nullable, buffer);
        }
        break;
      }
      case Role::kSort: {
        Message const* const holder = HolderOf(*column->field, message);
        auto const text = IsSet(*column->field, holder) ? TextOf(*column->field, holder) : std::string_view();
        if (text.empty() && column->nullable) {
          buffer.AddNull();
        } else {
          buffer.AddOwned(DanishSortKey(text));
        }
        break;
      }
      case Role::kField:
        AddField(*column, message, buffer, violations);
        break;
    }
  }
  return violations.empty() ? absl::OkStatus() : BadRequest(std::move(violations));
}

Mapping::Parts Mapping::ReferenceParts(Message const& message, std::vector<std::string> const& keys,
                                       std::vector<FieldViolation>& violations) const {
  Parts result;
  for (auto const& reference : references_) {
    auto const& field = *reference.field;
    Message const* const holder = HolderOf(field, message);
    auto const name = TextOf(field, holder);
    if (name.empty()) continue;
    auto values = field.pattern->Match(name);
    if (!values) {
      violations.push_back({field.path, absl::StrCat("must have the form ", field.pattern->text())});
      continue;
    }
    for (std::size_t part = 0; part < values->size(); ++part) {
      auto const& key = reference.own_key[part];
      if (!key || (*values)[part] == keys[*key]) continue;
      violations.push_back(
          {field.path, absl::StrCat("must lie within the same ", key_columns()[*key], " as the resource itself")});
      break;
    }
    result.emplace(&field, *std::move(values));
  }
  return result;
}

void Mapping::AddField(Column const& column, Message const& message, BindBuffer& buffer,
                       std::vector<FieldViolation>& violations) const {
  auto const& field = *column.field;
  Message const* const holder = HolderOf(field, message);
  // An absent value is NULL where the column takes it, and the empty value of its type elsewhere, except for times and dates,
  // which have none: there the database refuses NULL.
  if (!IsSet(field, holder) && (column.nullable || field.kind == FieldKind::kTimestamp || field.kind == FieldKind::kDate)) {
    return buffer.AddNull();
  }
  bool const null_when_empty = column.nullable && !field.field->has_presence();
  switch (field.kind) {
    case FieldKind::kText:
    case FieldKind::kReference:
      return AddText(TextOf(field, holder), null_when_empty, buffer);
    case FieldKind::kBytes: {
      auto const bytes = TextOf(field, holder);
      return bytes.empty() && null_when_empty ? buffer.AddNull() : buffer.AddBytesView(bytes);
    }
    case FieldKind::kInteger:
    case FieldKind::kEnum:
      return buffer.Add(holder == nullptr ? std::int64_t{0} : IntegerOf(field.field, *holder));
    case FieldKind::kBool:
      return buffer.Add(holder != nullptr && holder->GetReflection()->GetBool(*holder, field.field));
    case FieldKind::kTimestamp:
      return buffer.Add(MicrosOf(holder->GetReflection()->GetMessage(*holder, field.field)));
    case FieldKind::kDate: {
      auto const& date = static_cast<google::type::Date const&>(holder->GetReflection()->GetMessage(*holder, field.field));
      auto const day = ToCivil(date);
      if (!day) violations.push_back(NoSuchDate(field.path));
      return day ? buffer.AddOwned(ToIsoDate(*day)) : buffer.AddNull();
    }
  }
}

std::string Mapping::NameOf(Message const& message) const { return message.GetReflection()->GetString(message, name_); }

absl::StatusOr<std::vector<std::string>> Mapping::KeyOf(Message const& message) const {
  auto key = pattern_.Match(NameOf(message));
  if (!key) return BadRequest({{"name", absl::StrCat("must have the form ", pattern_.text())}});
  return *std::move(key);
}

namespace {

constexpr std::size_t kEtagHashBytes = 6;

// Not a secret: it only keeps the etags of different resources, and of those that came after each other under one name, apart.
void AppendEtagHash(std::string_view table, std::string_view name, std::string& bytes) {
  constexpr std::array<unsigned char, crypto_shorthash_KEYBYTES> key = {};
  std::string const text = absl::StrCat(Av(table), Av(std::string_view("\0", 1)), Av(name), Av(std::string_view("\0", 1)), bytes);
  std::array<unsigned char, crypto_shorthash_BYTES> hash;
  crypto_shorthash(hash.data(), reinterpret_cast<unsigned char const*>(text.data()), text.size(), key.data());
  bytes.append(reinterpret_cast<char const*>(hash.data()), kEtagHashBytes);
}

void AppendNumber(std::uint64_t value, std::string& bytes) {
  for (; value >= 0x80; value >>= 7) bytes += static_cast<char>((value & 0x7F) | 0x80);
  bytes += static_cast<char>(value);
}

std::optional<std::uint64_t> TakeNumber(std::string_view& bytes) {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64 && !bytes.empty(); shift += 7) {
    auto const byte = static_cast<unsigned char>(bytes.front());
    bytes.remove_prefix(1);
    value |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
    if (byte < 0x80) return value;
  }
  return std::nullopt;
}

std::string ToBase64(std::string_view bytes) {
  std::string text(sodium_base64_encoded_len(bytes.size(), sodium_base64_VARIANT_URLSAFE_NO_PADDING), '\0');
  sodium_bin2base64(text.data(), text.size(), reinterpret_cast<unsigned char const*>(bytes.data()), bytes.size(),
                    sodium_base64_VARIANT_URLSAFE_NO_PADDING);
  text.pop_back();  // the zero that ends it
  return text;
}

std::optional<std::string> FromBase64(std::string_view text) {
  std::string bytes(text.size(), '\0');
  std::size_t size = 0;
  char const* end = nullptr;
  if (sodium_base642bin(reinterpret_cast<unsigned char*>(bytes.data()), bytes.size(), text.data(), text.size(), nullptr, &size,
                        &end, sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0 ||
      end != text.data() + text.size()) {
    return std::nullopt;
  }
  bytes.resize(size);
  return bytes;
}

}  // namespace

std::string Mapping::MakeEtag(std::string_view name, EtagContent const& content) const {
  std::string bytes;
  AppendNumber(static_cast<std::uint64_t>(content.revision), bytes);
  AppendNumber(static_cast<std::uint64_t>(content.create_time_micros), bytes);
  AppendEtagHash(table_, name, bytes);
  return ToBase64(bytes);
}

std::optional<EtagContent> Mapping::OpenEtag(std::string_view name, std::string_view etag) const {
  auto const bytes = FromBase64(etag);
  if (!bytes) return std::nullopt;
  std::string_view rest = *bytes;
  auto const revision = TakeNumber(rest);
  auto const create_time = TakeNumber(rest);
  if (!revision || !create_time) return std::nullopt;
  EtagContent const content{static_cast<std::int64_t>(*revision), static_cast<std::int64_t>(*create_time)};
  if (MakeEtag(name, content) != etag) return std::nullopt;
  return content;
}

void Mapping::SetEtag(Message& message, std::string_view etag) const {
  if (etag_ != nullptr) message.GetReflection()->SetString(&message, etag_, std::string(etag));
}

void Mapping::SetTimes(Message& message, std::optional<std::int64_t> create_micros, std::int64_t update_micros) const {
  if (create_time_field_ != nullptr && create_micros) SetTimestamp(create_time_field_, *create_micros, message);
  if (update_time_field_ != nullptr) SetTimestamp(update_time_field_, update_micros, message);
}

RowReader::RowReader(Mapping const& mapping, std::vector<std::string> const& columns) : mapping_(mapping) {
  Index index;
  // Of two columns with one name the later one counts.
  for (std::size_t i = 0; i < columns.size(); ++i) index.insert_or_assign(columns[i], i);
  for (auto const& key : mapping.key_columns()) {
    if (auto const found = index.find(key); found != index.end()) keys_.push_back(found->second);
  }
  if (keys_.size() != mapping.key_columns().size()) keys_.clear();
  for (auto const& [name, column] : index) {
    auto const found = mapping.candidates_.find(name);
    if (found == mapping.candidates_.end()) continue;
    if (found->second.role == Mapping::Role::kField) steps_.push_back({column, found->second.field});
    if (found->second.role == Mapping::Role::kRevision) revision_ = column;
    if (found->second.role == Mapping::Role::kCreateTime) create_time_ = column;
    if (found->second.role == Mapping::Role::kUpdateTime) update_time_ = column;
  }
  for (auto const& field : mapping.fields_) {
    if (field.kind == FieldKind::kReference) AddReference(field, index);
  }
}

void RowReader::AddReference(MappedField const& field, Index const& index) {
  if (!index.contains(field.column)) return;
  std::vector<std::size_t> columns;
  for (std::size_t part = 0; part < field.pattern->variables().size(); ++part) {
    auto found = index.find(ReferenceColumn(field, part));
    auto const key = mapping_.KeyPart(field.pattern->variables()[part]);
    if (found != index.end()) {
      columns.push_back(found->second);
    } else if (key && !keys_.empty()) {
      columns.push_back(keys_[*key]);
    } else {
      return;
    }
  }
  references_.push_back({&field, NameTemplate(*field.pattern), std::move(columns)});
}

void RowReader::Read(Rows const& rows, std::size_t row, Message& message) const {
  for (auto const& step : steps_) {
    if (!rows.IsNull(row, step.column)) ReadField(rows, row, step, message);
  }
  for (auto const& step : references_) {
    if (rows.IsNull(row, step.columns.back()) || rows.Text(row, step.columns.back()).empty()) continue;
    Message& holder = MutableHolderOf(*step.field, message);
    holder.GetReflection()->SetString(&holder, step.field->field, step.name.Make([&](std::size_t part) -> std::string_view {
      return rows.Text(row, step.columns[part]);
    }));
  }
  auto const set_time = [&](std::optional<std::size_t> column, FieldDescriptor const* field) {
    if (!column || rows.IsNull(row, *column)) return std::int64_t{0};
    std::int64_t const micros = rows.Int64(row, *column);
    if (field != nullptr) SetTimestamp(field, micros, message);
    return micros;
  };
  std::int64_t const created = set_time(create_time_, mapping_.create_time_field_);
  set_time(update_time_, mapping_.update_time_field_);
  if (keys_.empty()) return;
  std::string name =
      mapping_.name_template_.Make([&](std::size_t part) -> std::string_view { return rows.Text(row, keys_[part]); });
  if (revision_ && mapping_.etag_ != nullptr) {
    mapping_.SetEtag(message, mapping_.MakeEtag(name, {rows.Int64(row, *revision_), created}));
  }
  message.GetReflection()->SetString(&message, mapping_.name_, std::move(name));
}

void RowReader::ReadField(Rows const& rows, std::size_t row, Step const& step, Message& message) {
  auto const* const field = step.field->field;
  // The empty value of a field that cannot tell it from none is left out, so that it does not make the messages around it.
  bool const skip_empty = !field->has_presence();
  switch (step.field->kind) {
    case FieldKind::kText:
    case FieldKind::kReference: {
      auto const& text = rows.Text(row, step.column);
      if (skip_empty && text.empty()) return;
      Message& holder = MutableHolderOf(*step.field, message);
      return holder.GetReflection()->SetString(&holder, field, text);
    }
    case FieldKind::kBytes: {
      auto const bytes = rows.Blob(row, step.column);
      if (skip_empty && bytes.empty()) return;
      Message& holder = MutableHolderOf(*step.field, message);
      return holder.GetReflection()->SetString(&holder, field,
                                               std::string(reinterpret_cast<char const*>(bytes.data()), bytes.size()));
    }
    case FieldKind::kInteger:
    case FieldKind::kEnum: {
      std::int64_t const value = rows.Int64(row, step.column);
      if (skip_empty && value == 0) return;
      return SetInteger(field, value, MutableHolderOf(*step.field, message));
    }
    case FieldKind::kBool: {
      bool const value = rows.Bool(row, step.column);
      if (skip_empty && !value) return;
      Message& holder = MutableHolderOf(*step.field, message);
      return holder.GetReflection()->SetBool(&holder, field, value);
    }
    case FieldKind::kTimestamp:
      return SetTimestamp(field, rows.Int64(row, step.column), MutableHolderOf(*step.field, message));
    case FieldKind::kDate: {
      auto const day = FromIsoDate(rows.Text(row, step.column));
      if (!day) return;
      Message& holder = MutableHolderOf(*step.field, message);
      auto& date = static_cast<google::type::Date&>(*holder.GetReflection()->MutableMessage(&holder, field));
      date = ToProtoDate(*day);
      return;
    }
  }
}

}  // namespace helhed::storage
