#include <absl/strings/str_cat.h>
#include <google/protobuf/duration.pb.h>
#include <google/protobuf/timestamp.pb.h>
#include <google/type/date.pb.h>

#include <cstdlib>
#include <unordered_set>

#include "helhed/common/v1/date_range.pb.h"
#include "services/platform/base/civil.h"
#include "services/platform/base/random.h"
#include "services/platform/contract/contract.h"
#include "services/platform/contract/fields.h"
#include "services/platform/contract/plan.h"
#include "services/platform/contract/text.h"

namespace helhed::contract {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

// Where in the request we are. Made into text only when something is wrong there.
struct Path {
  Path const* above = nullptr;
  FieldDescriptor const* field = nullptr;
  int index = -1;

  std::string Text() const {
    auto text = above == nullptr ? std::string() : absl::StrCat(above->Text(), ".");
    absl::StrAppend(&text, field->name());
    if (index >= 0) absl::StrAppend(&text, "[", index, "]");
    return text;
  }
};

// Which fields of a message must be there when they are REQUIRED. All of them, except in the resource of an Update request,
// where only those must be that the mask says will be written.
struct Demand {
  enum class Kind { kAll, kNone, kPaths };
  Kind kind = Kind::kAll;
  std::vector<std::string_view> paths = {};
  // The resource of an Update request: its name says which one is meant.
  bool named = false;

  bool For(FieldPlan const& plan) const {
    if (plan.identifier && named) return true;
    return plan.required && Below(plan.field->name()).kind == Kind::kAll;
  }

  Demand Below(std::string_view field) const {
    if (kind != Kind::kPaths) return {kind};
    Demand below{Kind::kPaths};
    for (auto const path : paths) {
      if (path == field) return {Kind::kAll};
      if (path.starts_with(field) && path[field.size()] == '.') below.paths.push_back(path.substr(field.size() + 1));
    }
    if (below.paths.empty()) return {Kind::kNone};
    return below;
  }
};

Demand const kAll{};

constexpr std::string_view kFullDate = "must be a full date that exists: year, month and day";

class Validation {
 public:
  void Check(Message const& message, MessagePlan const& plan, Path const* path, Demand const& demand, int depth) {
    for (auto const& field : plan.fields) CheckField(message, plan, field, {path, field.field}, demand, depth);
    // Such a type has no meaning as a request of its own.
    if (path == nullptr) return;
    switch (plan.well_known) {
      case WellKnown::kNone:
        return;
      case WellKnown::kDate:
        if (!ToCivil(static_cast<google::type::Date const&>(message))) Add(*path, kFullDate);
        return;
      case WellKnown::kDateRange:
        return CheckRange(static_cast<common::v1::DateRange const&>(message), *path, demand);
      case WellKnown::kTimestamp:
        return CheckTimestamp(static_cast<google::protobuf::Timestamp const&>(message), *path);
      case WellKnown::kDuration:
        return CheckDuration(static_cast<google::protobuf::Duration const&>(message), *path);
      case WellKnown::kFieldMask:
        return CheckMask(static_cast<google::protobuf::FieldMask const&>(message), *path);
    }
  }

  absl::Status Finish() && { return violations_.empty() ? absl::OkStatus() : BadRequest(std::move(violations_)); }

 private:
  void Add(Path const& path, std::string_view description) { violations_.push_back({path.Text(), std::string(description)}); }

  void CheckField(Message const& message, MessagePlan const& plan, FieldPlan const& field, Path const& path, Demand const& demand,
                  int depth) {
    auto const& reflection = *message.GetReflection();
    if (field.field->is_repeated()) return CheckItems(message, field, path, demand, depth);
    if (!reflection.HasField(message, field.field)) {
      if (demand.For(field) && CanBeMissed(*field.field)) Add(path, "is required");
      return;
    }
    if (field.field == plan.updated) return CheckUpdated(message, plan, field, path, depth);
    if (field.field == plan.update_mask) return CheckUpdateMask(message, plan, field, path, depth);
    CheckValue(message, field, path, demand, depth);
  }

  static bool IsSet(Message const& message, FieldDescriptor const& field) {
    auto const& reflection = *message.GetReflection();
    return field.is_repeated() ? reflection.FieldSize(message, &field) > 0 : reflection.HasField(message, &field);
  }

  // A number or truth value without presence is never missing: 0 and false are values.
  static bool CanBeMissed(FieldDescriptor const& field) {
    return field.has_presence() || field.cpp_type() == FieldDescriptor::CPPTYPE_STRING ||
           field.cpp_type() == FieldDescriptor::CPPTYPE_ENUM;
  }

  // AIP-134: what is left out of the mask is not written, so it need not be there.
  void CheckUpdated(Message const& request, MessagePlan const& plan, FieldPlan const& field, Path const& path, int depth) {
    auto const& reflection = *request.GetReflection();
    auto const& mask = static_cast<google::protobuf::FieldMask const&>(reflection.GetMessage(request, plan.update_mask));
    Demand demand{mask.paths().empty() ? Demand::Kind::kNone : Demand::Kind::kPaths};
    for (auto const& masked : mask.paths()) {
      if (masked == "*") demand.kind = Demand::Kind::kAll;
      demand.paths.emplace_back(masked);
    }
    demand.named = true;
    auto const& resource = reflection.GetMessage(request, field.field);
    for (auto const& below : field.message->fields) {
      Path const at{&path, below.field};
      // With no mask every field that is set is written whole.
      bool const whole = mask.paths().empty() && IsSet(resource, *below.field);
      CheckField(resource, *field.message, below, at, whole ? kAll : demand, depth + 1);
    }
  }

  void CheckUpdateMask(Message const& request, MessagePlan const& plan, FieldPlan const& field, Path const& path, int depth) {
    auto const& mask = static_cast<google::protobuf::FieldMask const&>(request.GetReflection()->GetMessage(request, field.field));
    for (auto const& below : field.message->fields)
      CheckField(mask, *field.message, below, {&path, below.field}, kAll, depth + 1);
    if (mask.paths_size() > static_cast<int>(kItemsMax)) return;
    for (auto& fault : MaskFaults(mask, *plan.updated->message_type(), path.Text())) violations_.push_back(std::move(fault));
  }

  void CheckItems(Message const& message, FieldPlan const& field, Path const& path, Demand const& demand, int depth) {
    auto const size = static_cast<std::uint32_t>(message.GetReflection()->FieldSize(message, field.field));
    if (size == 0) {
      if (demand.For(field)) Add(path, "is required");
      return;
    }
    if (size < field.items_min) Add(path, absl::StrCat("must have at least ", field.items_min, " elements"));
    if (size > field.items_max) {
      // Not looked into: the limit is there to bound the work.
      return Add(path, absl::StrCat("must have at most ", field.items_max, " elements"));
    }
    for (std::uint32_t i = 0; i < size && !field.elements_by_handler; ++i) {
      CheckValue(message, field, {path.above, path.field, static_cast<int>(i)}, demand, depth);
    }
    if (field.items_unique) CheckUnique(message, field, path, size);
  }

  void CheckUnique(Message const& message, FieldPlan const& field, Path const& path, std::uint32_t size) {
    std::unordered_set<std::string> seen;
    for (std::uint32_t i = 0; i < size; ++i) {
      if (!seen.insert(Key(message, *field.field, static_cast<int>(i))).second) {
        Add({path.above, path.field, static_cast<int>(i)}, "must not repeat an element before it");
      }
    }
  }

  // Equal for equal elements, and for no others.
  static std::string Key(Message const& message, FieldDescriptor const& field, int index) {
    auto const& reflection = *message.GetReflection();
    switch (field.cpp_type()) {
      case FieldDescriptor::CPPTYPE_STRING:
        return reflection.GetRepeatedString(message, &field, index);
      case FieldDescriptor::CPPTYPE_MESSAGE:
        return reflection.GetRepeatedMessage(message, &field, index).SerializeAsString();
      case FieldDescriptor::CPPTYPE_BOOL:
        return reflection.GetRepeatedBool(message, &field, index) ? "1" : "0";
      case FieldDescriptor::CPPTYPE_FLOAT:
        return absl::StrCat(reflection.GetRepeatedFloat(message, &field, index));
      case FieldDescriptor::CPPTYPE_DOUBLE:
        return absl::StrCat(reflection.GetRepeatedDouble(message, &field, index));
      case FieldDescriptor::CPPTYPE_UINT64:
        return absl::StrCat(reflection.GetRepeatedUInt64(message, &field, index));
      default:
        return absl::StrCat(Integer(message, field, index));
    }
  }

  // The value of an integer or enum field of up to 64 signed bits; index -1 for a singular field.
  static std::int64_t Integer(Message const& message, FieldDescriptor const& field, int index) {
    auto const& reflection = *message.GetReflection();
    bool const one = index < 0;
    switch (field.cpp_type()) {
      case FieldDescriptor::CPPTYPE_INT32:
        return one ? reflection.GetInt32(message, &field) : reflection.GetRepeatedInt32(message, &field, index);
      case FieldDescriptor::CPPTYPE_UINT32:
        return one ? reflection.GetUInt32(message, &field) : reflection.GetRepeatedUInt32(message, &field, index);
      case FieldDescriptor::CPPTYPE_UINT64: {
        // No rule can ask for more than the greatest signed number, so what is above it is as good as that.
        auto const value = one ? reflection.GetUInt64(message, &field) : reflection.GetRepeatedUInt64(message, &field, index);
        constexpr std::uint64_t max = std::numeric_limits<std::int64_t>::max();
        return static_cast<std::int64_t>(std::min(value, max));
      }
      case FieldDescriptor::CPPTYPE_ENUM:
        return one ? reflection.GetEnumValue(message, &field) : reflection.GetRepeatedEnumValue(message, &field, index);
      default:
        return one ? reflection.GetInt64(message, &field) : reflection.GetRepeatedInt64(message, &field, index);
    }
  }

  void CheckValue(Message const& message, FieldPlan const& field, Path const& path, Demand const& demand, int depth) {
    switch (field.field->cpp_type()) {
      case FieldDescriptor::CPPTYPE_STRING: {
        std::string scratch;
        auto const& reflection = *message.GetReflection();
        auto const& value = path.index < 0 ? reflection.GetStringReference(message, field.field, &scratch)
                                           : reflection.GetRepeatedStringReference(message, field.field, path.index, &scratch);
        return field.field->type() == FieldDescriptor::TYPE_BYTES ? CheckBytes(value, field, path)
                                                                  : CheckText(value, field, path);
      }
      case FieldDescriptor::CPPTYPE_MESSAGE:
        return CheckMessage(message, field, path, demand, depth);
      case FieldDescriptor::CPPTYPE_ENUM:
        if (field.field->enum_type()->FindValueByNumber(static_cast<int>(Integer(message, *field.field, path.index))) ==
            nullptr) {
          Add(path, absl::StrCat("must be a value of ", field.field->enum_type()->name()));
        }
        return;
      case FieldDescriptor::CPPTYPE_BOOL:
      case FieldDescriptor::CPPTYPE_FLOAT:
      case FieldDescriptor::CPPTYPE_DOUBLE:
        return;
      default:
        return CheckInteger(Integer(message, *field.field, path.index), field, path);
    }
  }

  void CheckMessage(Message const& message, FieldPlan const& field, Path const& path, Demand const& demand, int depth) {
    if (field.message == nullptr) return;
    if (depth >= kDepthMax) return Add(path, absl::StrCat("must not lie deeper than ", kDepthMax, " messages"));
    auto const& reflection = *message.GetReflection();
    auto const& below = path.index < 0 ? reflection.GetMessage(message, field.field)
                                       : reflection.GetRepeatedMessage(message, field.field, path.index);
    if (demand.kind == Demand::Kind::kPaths) {
      Check(below, *field.message, &path, demand.Below(field.field->name()), depth + 1);
    } else {
      Check(below, *field.message, &path, demand, depth + 1);
    }
  }

  void CheckInteger(std::int64_t value, FieldPlan const& field, Path const& path) {
    if (field.minimum && value < *field.minimum) Add(path, absl::StrCat("must be at least ", *field.minimum));
    if (field.maximum && value > *field.maximum) Add(path, absl::StrCat("must be at most ", *field.maximum));
  }

  void CheckBytes(std::string const& value, FieldPlan const& field, Path const& path) {
    if (value.size() < field.length_min) Add(path, absl::StrCat("must have at least ", field.length_min, " bytes"));
    if (value.size() > field.length_max) Add(path, absl::StrCat("must have at most ", field.length_max, " bytes"));
  }

  void CheckText(std::string const& value, FieldPlan const& field, Path const& path) {
    auto const length = CodePoints(value);
    if (!length) return Add(path, "must be well-formed UTF-8");
    // PostgreSQL cannot store it, and C libraries end at it.
    if (value.find('\0') != std::string::npos) return Add(path, "must not contain the character U+0000");
    if (*length < field.length_min) Add(path, absl::StrCat("must have at least ", field.length_min, " characters"));
    if (*length > field.length_max) return Add(path, absl::StrCat("must have at most ", field.length_max, " characters"));
    if (field.uuid && !IsUuid(value)) Add(path, "must be a UUID in its canonical lower-case form (RFC 9562)");
    if (field.pattern != nullptr && !re2::RE2::FullMatch({value.data(), value.size()}, *field.pattern)) {
      Add(path, absl::StrCat("must match ", field.pattern->pattern(), " from start to end (RE2)"));
    }
    if (field.name != nullptr && !field.name->Fits(value)) Add(path, absl::StrCat("must be a name like ", field.name->text()));
  }

  void CheckRange(common::v1::DateRange const& range, Path const& path, Demand const& demand) {
    auto const* const start_field =
        common::v1::DateRange::descriptor()->FindFieldByNumber(common::v1::DateRange::kStartDateFieldNumber);
    if (!range.has_start_date()) {
      if (demand.kind == Demand::Kind::kAll || demand.Below("start_date").kind == Demand::Kind::kAll) {
        Add({&path, start_field}, "is required");
      }
      return;
    }
    auto const start = ToCivil(range.start_date());
    auto const end = ToCivil(range.end_date());
    if (!range.has_end_date() || !start || !end || *start < *end) return;
    Add({&path, common::v1::DateRange::descriptor()->FindFieldByNumber(common::v1::DateRange::kEndDateFieldNumber)},
        "must be after start_date: it is the day after the last one");
  }

  // The limits are those of timestamp.proto and duration.proto.
  void CheckTimestamp(google::protobuf::Timestamp const& time, Path const& path) {
    constexpr std::int64_t seconds_min = -62'135'596'800;  // 0001-01-01T00:00:00Z
    constexpr std::int64_t seconds_max = 253'402'300'799;  // 9999-12-31T23:59:59Z
    if (time.seconds() < seconds_min || time.seconds() > seconds_max || time.nanos() < 0 || time.nanos() > 999'999'999) {
      Add(path, "must be an instant of the years 1 to 9999 with 0 to 999,999,999 nanoseconds");
    }
  }

  void CheckDuration(google::protobuf::Duration const& duration, Path const& path) {
    constexpr std::int64_t seconds_max = 315'576'000'000;
    bool const mixed = (duration.seconds() > 0 && duration.nanos() < 0) || (duration.seconds() < 0 && duration.nanos() > 0);
    if (duration.seconds() < -seconds_max || duration.seconds() > seconds_max || duration.nanos() < -999'999'999 ||
        duration.nanos() > 999'999'999 || mixed) {
      Add(path, "must be at most 10,000 years, with seconds and nanoseconds of the same sign");
    }
  }

  // A mask of which it is not known what it is about: only the form.
  void CheckMask(google::protobuf::FieldMask const& mask, Path const& path) {
    static re2::RE2 const& form = *new re2::RE2("\\*|[a-z][a-z0-9_]*(\\.[a-z][a-z0-9_]*)*");
    auto const* const paths = google::protobuf::FieldMask::descriptor()->field(0);
    if (mask.paths_size() > static_cast<int>(kItemsMax)) return;
    for (int i = 0; i < mask.paths_size(); ++i) {
      if (!re2::RE2::FullMatch(mask.paths(i), form)) Add({&path, paths, i}, "must be a path of fields, or `*`");
    }
  }

  std::vector<FieldViolation> violations_;
};

}  // namespace

absl::Status Validate(Message const& request) {
  auto const& plan = PlanOf(*request.GetDescriptor());
  if (plan.empty()) return absl::OkStatus();
  Validation validation;
  validation.Check(request, plan, nullptr, kAll, 0);
  return std::move(validation).Finish();
}

}  // namespace helhed::contract
