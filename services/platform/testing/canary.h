#pragma once

#include <absl/functional/function_ref.h>
#include <absl/strings/str_replace.h>
#include <google/api/resource.pb.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <memory>
#include <string>

#include "services/platform/contract/contract.h"
#include "services/platform/contract/resource_name.h"

// A text that must be found nowhere, in every text of every request of a service.
namespace helhed::testing {

// Sets what names a resource of the house to a name that fits, made of the names of its variables: `plans/plan`.
inline void FillNames(google::protobuf::Message& message, int depth = 0) {
  using google::protobuf::FieldDescriptor;
  auto const& reflection = *message.GetReflection();
  for (int i = 0; i < message.GetDescriptor()->field_count(); ++i) {
    auto const& field = *message.GetDescriptor()->field(i);
    if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE && !field.is_repeated() && depth < 3 &&
        field.message_type()->file()->package().starts_with("helhed")) {
      FillNames(*reflection.MutableMessage(&message, &field), depth + 1);
    }
    if (field.cpp_type() != FieldDescriptor::CPPTYPE_STRING) continue;
    if (!field.options().HasExtension(google::api::resource_reference)) continue;
    auto const* const pattern = contract::PatternOfType(field.options().GetExtension(google::api::resource_reference).type());
    if (pattern == nullptr) continue;
    auto const name = absl::StrReplaceAll(pattern->text(), {{"{", ""}, {"}", ""}, {"_", "-"}});
    field.is_repeated() ? reflection.AddString(&message, &field, name) : reflection.SetString(&message, &field, name);
  }
}

// Calls `visit` once for every text of `message`, at every depth, while `text` sits in it.
inline void ForEachText(google::protobuf::Message& message, std::string const& text, absl::FunctionRef<void()> visit,
                        int depth = 0) {
  using google::protobuf::FieldDescriptor;
  auto const& reflection = *message.GetReflection();
  for (int i = 0; i < message.GetDescriptor()->field_count(); ++i) {
    auto const* const field = message.GetDescriptor()->field(i);
    if (field->cpp_type() == FieldDescriptor::CPPTYPE_STRING && field->is_repeated()) {
      reflection.AddString(&message, field, text);
      visit();
      reflection.RemoveLast(&message, field);
    } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
      auto const before = reflection.GetString(message, field);
      reflection.SetString(&message, field, text);
      visit();
      reflection.SetString(&message, field, before);
    } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE && depth < 4) {
      bool const there = !field->is_repeated() && reflection.HasField(message, field);
      auto* const below =
          field->is_repeated() ? reflection.AddMessage(&message, field) : reflection.MutableMessage(&message, field);
      ForEachText(*below, text, visit, depth + 1);
      if (field->is_repeated()) {
        reflection.RemoveLast(&message, field);
      } else if (!there) {
        reflection.ClearField(&message, field);
      }
    }
  }
}

// A request of the method with names that fit.
inline std::unique_ptr<google::protobuf::Message> RequestOf(contract::Method const& method) {
  std::unique_ptr<google::protobuf::Message> request(
      google::protobuf::MessageFactory::generated_factory()->GetPrototype(method.descriptor().input_type())->New());
  FillNames(*request);
  return request;
}

}  // namespace helhed::testing
