#include "services/platform/json/plan.h"

#include <absl/strings/str_cat.h>

#include <memory>
#include <mutex>
#include <shared_mutex>

namespace helhed::json {
namespace {

using google::protobuf::Descriptor;

Kind KindOf(Descriptor const& type) {
  static auto const& kinds = *new std::unordered_map<std::string, Kind>{
      {"google.protobuf.Timestamp", Kind::kTimestamp}, {"google.protobuf.Duration", Kind::kDuration},
      {"google.protobuf.FieldMask", Kind::kFieldMask}, {"google.protobuf.Any", Kind::kAny},
      {"google.protobuf.Struct", Kind::kStruct},       {"google.protobuf.Value", Kind::kValue},
      {"google.protobuf.ListValue", Kind::kListValue}, {"google.protobuf.DoubleValue", Kind::kWrapper},
      {"google.protobuf.FloatValue", Kind::kWrapper},  {"google.protobuf.Int64Value", Kind::kWrapper},
      {"google.protobuf.UInt64Value", Kind::kWrapper}, {"google.protobuf.Int32Value", Kind::kWrapper},
      {"google.protobuf.UInt32Value", Kind::kWrapper}, {"google.protobuf.BoolValue", Kind::kWrapper},
      {"google.protobuf.StringValue", Kind::kWrapper}, {"google.protobuf.BytesValue", Kind::kWrapper},
  };
  auto const found = kinds.find(type.full_name());
  return found == kinds.end() ? Kind::kPlain : found->second;
}

std::unique_ptr<TypePlan const> Make(Descriptor const& type) {
  auto plan = std::make_unique<TypePlan>();
  plan->kind = KindOf(type);
  for (int i = 0; i < type.field_count(); ++i) {
    auto const* const field = type.field(i);
    plan->fields.push_back({field, absl::StrCat("\"", field->json_name(), "\":")});
    plan->by_name.emplace(field->json_name(), field);
    plan->by_name.emplace(field->name(), field);
  }
  return plan;
}

TypePlan const& Shared(Descriptor const& type) {
  static auto& mutex = *new std::shared_mutex;
  static auto& plans = *new std::unordered_map<Descriptor const*, std::unique_ptr<TypePlan const>>;
  {
    std::shared_lock const lock(mutex);
    auto const found = plans.find(&type);
    if (found != plans.end()) return *found->second;
  }
  auto made = Make(type);
  std::unique_lock const lock(mutex);
  return *plans.try_emplace(&type, std::move(made)).first->second;
}

}  // namespace

TypePlan const& PlanOf(Descriptor const& type) {
  // A list asks for every one of its elements: each thread remembers for itself, so that they do not wait for one lock.
  thread_local std::unordered_map<Descriptor const*, TypePlan const*> known;
  auto& plan = known[&type];
  if (plan == nullptr) plan = &Shared(type);
  return *plan;
}

}  // namespace helhed::json
