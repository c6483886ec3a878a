#include <absl/strings/str_cat.h>
#include <google/protobuf/any.pb.h>

#include <algorithm>
#include <mutex>
#include <set>
#include <shared_mutex>
#include <unordered_map>

#include "services/platform/contract/contract.h"
#include "services/platform/contract/fields.h"
#include "services/platform/contract/text.h"

namespace helhed::contract {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using policy::v1::DataClass;

constexpr std::string_view kDropped = "[redacted]";

// A field without a class of its own or its message's has that of the field that holds its message.
DataClass ClassWithin(FieldDescriptor const& field, DataClass outer) {
  auto const own = DataClassOf(field);
  return own == policy::v1::DATA_CLASS_UNSPECIFIED ? outer : own;
}

bool IsKept(FieldDescriptor const& field, DataClass data_class) {
  if (data_class >= policy::v1::DATA_CLASS_PERSONAL) return false;
  auto const redaction = field.options().GetExtension(policy::v1::field).redaction();
  return redaction == policy::v1::REDACTION_UNSPECIFIED || redaction == policy::v1::REDACTION_KEEP;
}

// What stands in for a text: nothing of it, or its length.
std::string StandIn(FieldDescriptor const& field, std::string const& value) {
  if (field.options().GetExtension(policy::v1::field).redaction() != policy::v1::REDACTION_LENGTH) return std::string(kDropped);
  if (field.type() == FieldDescriptor::TYPE_BYTES) return absl::StrCat("[", value.size(), " bytes]");
  return absl::StrCat("[", CodePoints(value).value_or(value.size()), " characters]");
}

// Sets a field with presence to what it is when it is not set, so that it shows that it was set.
void SetToNothing(Message& message, FieldDescriptor const& field) {
  auto const& reflection = *message.GetReflection();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return reflection.SetInt32(&message, &field, 0);
    case FieldDescriptor::CPPTYPE_INT64:
      return reflection.SetInt64(&message, &field, 0);
    case FieldDescriptor::CPPTYPE_UINT32:
      return reflection.SetUInt32(&message, &field, 0);
    case FieldDescriptor::CPPTYPE_UINT64:
      return reflection.SetUInt64(&message, &field, 0);
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return reflection.SetDouble(&message, &field, 0);
    case FieldDescriptor::CPPTYPE_FLOAT:
      return reflection.SetFloat(&message, &field, 0);
    case FieldDescriptor::CPPTYPE_BOOL:
      return reflection.SetBool(&message, &field, false);
    case FieldDescriptor::CPPTYPE_ENUM:
      return reflection.SetEnumValue(&message, &field, 0);
    case FieldDescriptor::CPPTYPE_STRING:
      return reflection.SetString(&message, &field, "");
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return reflection.MutableMessage(&message, &field)->Clear();
  }
}

void DropItems(Message& message, FieldDescriptor const& field) {
  auto const& reflection = *message.GetReflection();
  bool const is_text = field.cpp_type() == FieldDescriptor::CPPTYPE_STRING;
  if (field.is_map() || (!is_text && field.message_type() == nullptr)) return reflection.ClearField(&message, &field);
  for (int i = 0; i < reflection.FieldSize(message, &field); ++i) {
    if (is_text) {
      reflection.SetRepeatedString(&message, &field, i, StandIn(field, reflection.GetRepeatedString(message, &field, i)));
    } else {
      reflection.MutableRepeatedMessage(&message, &field, i)->Clear();
    }
  }
}

// Texts get a stand-in and messages are emptied, so that it shows that there was something. Numbers become 0, lists of numbers
// and maps empty.
void Drop(Message& message, FieldDescriptor const& field) {
  auto const& reflection = *message.GetReflection();
  if (field.is_repeated()) return DropItems(message, field);
  if (field.cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
    return reflection.SetString(&message, &field, StandIn(field, reflection.GetString(message, &field)));
  }
  SetToNothing(message, field);
}

void RedactWithin(Message& message, DataClass outer);

// What an Any holds is redacted by its own type; of a type that is not known here nothing is kept.
void RedactAny(google::protobuf::Any& any, DataClass outer) {
  std::string name;
  google::protobuf::Any::ParseAnyTypeUrl(any.type_url(), &name);
  auto const* const type = google::protobuf::DescriptorPool::generated_pool()->FindMessageTypeByName(name);
  if (type == nullptr) return any.clear_value();
  std::unique_ptr<Message> const inner(google::protobuf::MessageFactory::generated_factory()->GetPrototype(type)->New());
  if (!inner->ParseFromString(any.value())) return any.clear_value();
  RedactWithin(*inner, outer);
  any.set_value(inner->SerializeAsString());
}

void RedactWithin(Message& message, DataClass outer) {
  // Of these it is not known what they are.
  message.GetReflection()->MutableUnknownFields(&message)->Clear();
  if (message.GetDescriptor() == google::protobuf::Any::descriptor()) {
    return RedactAny(static_cast<google::protobuf::Any&>(message), outer);
  }
  auto const& reflection = *message.GetReflection();
  std::vector<FieldDescriptor const*> fields;
  reflection.ListFields(message, &fields);
  for (auto const* const field : fields) {
    auto const data_class = ClassWithin(*field, outer);
    if (!IsKept(*field, data_class)) {
      Drop(message, *field);
    } else if (field->message_type() != nullptr && !field->is_repeated()) {
      RedactWithin(*reflection.MutableMessage(&message, field), data_class);
    } else if (field->message_type() != nullptr) {
      for (int i = 0; i < reflection.FieldSize(message, field); ++i) {
        RedactWithin(*reflection.MutableRepeatedMessage(&message, field, i), data_class);
      }
    }
  }
}

// `seen` holds the types on the way, so that types that hold themselves come to an end.
DataClass MostPrivateWithin(Descriptor const& type, DataClass outer, std::set<std::pair<Descriptor const*, DataClass>>& seen) {
  auto most = type.field_count() == 0 ? type.options().GetExtension(policy::v1::message).data_class()
                                      : policy::v1::DATA_CLASS_UNSPECIFIED;
  if (!seen.emplace(&type, outer).second) return most;
  for (int i = 0; i < type.field_count(); ++i) {
    auto const& field = *type.field(i);
    auto const data_class = ClassWithin(field, outer);
    most = std::max(most, data_class);
    if (field.message_type() != nullptr) most = std::max(most, MostPrivateWithin(*field.message_type(), data_class, seen));
  }
  return most;
}

// The fields of each type that are to be cleared, or that hold such fields. Made at first use.
struct OutputPlan {
  std::vector<FieldDescriptor const*> cleared;
  std::vector<std::pair<FieldDescriptor const*, OutputPlan const*>> below;
};

class OutputPlans {
 public:
  OutputPlan const& Of(Descriptor const& type) {
    {
      std::shared_lock const lock(mutex_);
      auto const found = plans_.find(&type);
      if (found != plans_.end()) return *found->second;
    }
    std::unique_lock const lock(mutex_);
    return Make(type);
  }

 private:
  OutputPlan const& Make(Descriptor const& type) {
    auto const [place, added] = plans_.try_emplace(&type);
    if (!added) return *place->second;
    place->second = std::make_unique<OutputPlan>();
    auto& plan = *place->second;
    making_.insert(&plan);
    for (int i = 0; i < type.field_count(); ++i) {
      auto const* const field = type.field(i);
      if (HasBehavior(*field, google::api::OUTPUT_ONLY) && field->name() != "name" && field->name() != "etag") {
        plan.cleared.push_back(field);
      } else if (field->message_type() != nullptr) {
        auto const& below = Make(*field->message_type());
        if (!below.cleared.empty() || !below.below.empty() || making_.contains(&below)) plan.below.emplace_back(field, &below);
      }
    }
    making_.erase(&plan);
    return plan;
  }

  std::shared_mutex mutex_;
  std::unordered_map<Descriptor const*, std::unique_ptr<OutputPlan>> plans_;
  std::set<OutputPlan const*> making_;
};

void ClearBy(OutputPlan const& plan, Message& message) {
  auto const& reflection = *message.GetReflection();
  for (auto const* const field : plan.cleared) reflection.ClearField(&message, field);
  for (auto const& [field, below] : plan.below) {
    if (field->is_repeated()) {
      for (int i = 0; i < reflection.FieldSize(message, field); ++i) {
        ClearBy(*below, *reflection.MutableRepeatedMessage(&message, field, i));
      }
    } else if (reflection.HasField(message, field)) {
      ClearBy(*below, *reflection.MutableMessage(&message, field));
    }
  }
}

}  // namespace

void ClearOutputOnly(Message& request) {
  static OutputPlans& plans = *new OutputPlans();
  ClearBy(plans.Of(*request.GetDescriptor()), request);
}

std::unique_ptr<Message> Redact(Message const& message) {
  std::unique_ptr<Message> copy(message.New());
  copy->CopyFrom(message);
  RedactWithin(*copy, policy::v1::DATA_CLASS_UNSPECIFIED);
  return copy;
}

DataClass DataClassOf(FieldDescriptor const& field) {
  auto const own = field.options().GetExtension(policy::v1::field).data_class();
  if (own != policy::v1::DATA_CLASS_UNSPECIFIED) return own;
  return field.containing_type()->options().GetExtension(policy::v1::message).data_class();
}

DataClass MostPrivate(Descriptor const& type) {
  std::set<std::pair<Descriptor const*, DataClass>> seen;
  return MostPrivateWithin(type, policy::v1::DATA_CLASS_UNSPECIFIED, seen);
}

}  // namespace helhed::contract
