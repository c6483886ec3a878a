#include "services/platform/contract/plan.h"

#include <google/api/resource.pb.h>
#include <google/protobuf/duration.pb.h>
#include <google/protobuf/field_mask.pb.h>
#include <google/protobuf/timestamp.pb.h>
#include <google/type/date.pb.h>

#include <cstdlib>
#include <iostream>
#include <mutex>
#include <shared_mutex>
#include <unordered_map>

#include "helhed/common/v1/date_range.pb.h"
#include "helhed/policy/v1/policy.pb.h"
#include "services/platform/contract/fields.h"

namespace helhed::contract {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;

WellKnown WellKnownOf(Descriptor const& type) {
  if (&type == google::type::Date::descriptor()) return WellKnown::kDate;
  if (&type == common::v1::DateRange::descriptor()) return WellKnown::kDateRange;
  if (&type == google::protobuf::Timestamp::descriptor()) return WellKnown::kTimestamp;
  if (&type == google::protobuf::Duration::descriptor()) return WellKnown::kDuration;
  if (&type == google::protobuf::FieldMask::descriptor()) return WellKnown::kFieldMask;
  return WellKnown::kNone;
}

NamePattern const* NameOf(FieldDescriptor const& field) {
  if (field.options().HasExtension(google::api::resource_reference)) {
    return PatternOfType(field.options().GetExtension(google::api::resource_reference).type());
  }
  return HasBehavior(field, google::api::IDENTIFIER) ? PatternOf(*field.containing_type()) : nullptr;
}

std::unique_ptr<re2::RE2 const> Compile(FieldDescriptor const& field, std::string const& pattern) {
  if (pattern.empty()) return nullptr;
  auto compiled = std::make_unique<re2::RE2 const>(pattern, re2::RE2::Quiet);
  if (!compiled->ok()) {
    std::cerr << "contract: " << field.full_name() << ": pattern " << pattern << ": " << compiled->error() << std::endl;
    std::abort();
  }
  return compiled;
}

FieldPlan RulesOf(FieldDescriptor const& field) {
  auto const& rules = field.options().GetExtension(policy::v1::field).rules();
  FieldPlan plan;
  plan.field = &field;
  plan.required = HasBehavior(field, google::api::REQUIRED);
  plan.identifier = HasBehavior(field, google::api::IDENTIFIER);
  plan.uuid = rules.uuid();
  plan.items_unique = rules.items_unique();
  plan.elements_by_handler = field.options().GetExtension(policy::v1::field).elements_by_handler();
  plan.length_min = rules.length_min();
  plan.items_min = rules.items_min();
  if (field.type() == FieldDescriptor::TYPE_BYTES) plan.length_max = kBytesMax;
  if (rules.has_length_max()) plan.length_max = rules.length_max();
  if (rules.has_items_max()) plan.items_max = rules.items_max();
  if (rules.has_minimum()) plan.minimum = rules.minimum();
  if (rules.has_maximum()) plan.maximum = rules.maximum();
  // What every list has (AIP-158), also where it does not say so.
  if (field.name() == "page_size" && !plan.minimum) plan.minimum = 0;
  if (field.name() == "page_size" && !plan.maximum) plan.maximum = kItemsMax;
  plan.pattern = Compile(field, rules.pattern());
  plan.name = NameOf(field);
  return plan;
}

bool CanBeWrong(FieldPlan const& plan) {
  if (plan.required || plan.field->is_repeated() || plan.message != nullptr) return true;
  switch (plan.field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      return plan.field->type() == FieldDescriptor::TYPE_STRING || plan.length_min > 0 || plan.length_max != kBytesMax;
    case FieldDescriptor::CPPTYPE_ENUM:
      return true;
    default:
      return plan.minimum.has_value() || plan.maximum.has_value();
  }
}

class Plans {
 public:
  MessagePlan const& Of(Descriptor const& type) {
    {
      std::shared_lock const lock(mutex_);
      auto const found = plans_.find(&type);
      if (found != plans_.end()) return *found->second;
    }
    std::unique_lock const lock(mutex_);
    return Make(type);
  }

 private:
  // Held: mutex_. A type that holds itself finds its own unfinished plan, which stays where it is.
  MessagePlan const& Make(Descriptor const& type) {
    auto const [place, added] = plans_.try_emplace(&type);
    if (!added) return *place->second;
    place->second = std::make_unique<MessagePlan>();
    auto& plan = *place->second;
    plan.well_known = WellKnownOf(type);
    making_.push_back(&plan);
    for (int i = 0; i < type.field_count(); ++i) {
      auto const& field = *type.field(i);
      // Cleared before validation: see ClearOutputOnly.
      if (HasBehavior(field, google::api::OUTPUT_ONLY)) continue;
      auto rules = RulesOf(field);
      if (field.message_type() != nullptr) {
        auto const& below = Make(*field.message_type());
        bool const unfinished = std::find(making_.begin(), making_.end(), &below) != making_.end();
        if (unfinished || !below.empty()) rules.message = &below;
      }
      if (CanBeWrong(rules)) plan.fields.push_back(std::move(rules));
    }
    making_.pop_back();
    FindUpdate(type, plan);
    return plan;
  }

  static void FindUpdate(Descriptor const& type, MessagePlan& plan) {
    auto const* const mask = type.FindFieldByName("update_mask");
    if (mask == nullptr || mask->is_repeated() || mask->message_type() != google::protobuf::FieldMask::descriptor()) return;
    for (int i = 0; i < type.field_count(); ++i) {
      auto const& field = *type.field(i);
      if (field.is_repeated() || field.message_type() == nullptr) continue;
      if (!field.message_type()->options().HasExtension(google::api::resource)) continue;
      plan.update_mask = mask;
      plan.updated = &field;
      return;
    }
  }

  std::shared_mutex mutex_;
  std::unordered_map<Descriptor const*, std::unique_ptr<MessagePlan>> plans_;
  std::vector<MessagePlan const*> making_;
};

}  // namespace

MessagePlan const& PlanOf(Descriptor const& type) {
  static Plans& plans = *new Plans();
  return plans.Of(type);
}

}  // namespace helhed::contract
