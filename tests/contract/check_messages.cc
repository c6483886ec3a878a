#include <google/api/field_behavior.pb.h>
#include <google/api/resource.pb.h>
#include <google/rpc/code.pb.h>
#include <re2/re2.h>

#include "helhed/policy/v1/policy.pb.h"
#include "services/platform/contract/contract.h"
#include "services/platform/contract/fields.h"
#include "tests/contract/checker.h"

namespace helhed::tests {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::EnumDescriptor;
using google::protobuf::FieldDescriptor;

// The packages whose fields must all say how private they are: those that hold people or where they live.
bool NeedsDataClass(std::string const& package) { return package == "helhed.residents.v1"; }

bool IsField(Descriptor const& message, std::string const& name, std::string const& type) {
  auto const* const field = message.FindFieldByName(name);
  if (field == nullptr || field->is_repeated()) return false;
  return field->message_type() == nullptr ? type == field->type_name() : type == field->message_type()->full_name();
}

}  // namespace

void Checker::CheckMessages(google::protobuf::FileDescriptor const& file) {
  for (int i = 0; i < file.message_type_count(); ++i) CheckMessage(*file.message_type(i));
  for (int i = 0; i < file.enum_type_count(); ++i) CheckEnum(*file.enum_type(i));
  for (int i = 0; i < file.extension_count(); ++i) CheckComment(*file.extension(i));
}

void Checker::CheckMessage(Descriptor const& message) {
  if (message.options().map_entry()) return;
  CheckComment(message);
  for (int i = 0; i < message.field_count(); ++i) CheckField(*message.field(i));
  for (int i = 0; i < message.nested_type_count(); ++i) CheckMessage(*message.nested_type(i));
  for (int i = 0; i < message.enum_type_count(); ++i) CheckEnum(*message.enum_type(i));
  if (message.options().HasExtension(google::api::resource)) CheckResource(message);
}

void Checker::CheckResource(Descriptor const& message) {
  auto const& resource = message.options().GetExtension(google::api::resource);
  if (!resource.type().starts_with("helhed.dk/") || resource.pattern_size() == 0 || resource.plural().empty() ||
      resource.singular().empty()) {
    Add(message, "a resource has a type `helhed.dk/...`, a pattern, a plural and a singular");
  }
  auto const* const first = message.field_count() == 0 ? nullptr : message.field(0);
  if (first == nullptr || first->name() != "name" || first->type() != FieldDescriptor::TYPE_STRING || first->is_repeated() ||
      !contract::HasBehavior(*first, google::api::IDENTIFIER)) {
    Add(message, "a resource begins with `string name`, IDENTIFIER (AIP-122)");
  }
  if (!IsField(message, "etag", "string")) Add(message, "a resource has `string etag` (AIP-154)");
  for (auto const* const time : {"create_time", "update_time"}) {
    if (!IsField(message, time, "google.protobuf.Timestamp")) {
      Add(message, Sv(absl::StrCat("a resource has `google.protobuf.Timestamp ", time, "` (AIP-148)")));
    }
  }
}

void Checker::CheckField(FieldDescriptor const& field) {
  CheckComment(field);
  if (NeedsDataClass(field.file()->package()) && contract::DataClassOf(field) == policy::v1::DATA_CLASS_UNSPECIFIED) {
    Add(field, "has no data class, nor has its message (helhed.policy.v1)");
  }
  auto const& pattern = field.options().GetExtension(policy::v1::field).rules().pattern();
  re2::RE2 const compiled(pattern, re2::RE2::Quiet);
  if (!compiled.ok()) Add(field, Sv(absl::StrCat("its pattern is not in RE2 syntax: ", compiled.error())));
  auto const& reference = field.options().GetExtension(google::api::resource_reference).type();
  if (!reference.empty() && !resource_types_.contains(reference)) {
    Add(field, Sv(absl::StrCat("refers to ", reference, ", which is no resource of the contract")));
  }
}

void Checker::CheckEnum(EnumDescriptor const& type) {
  CheckComment(type);
  bool const is_reasons = type.name() == "ErrorReason" && type.containing_type() == nullptr;
  if (!is_reasons && (type.name().find("Error") != std::string::npos || type.name().ends_with("Reason"))) {
    Add(type, "the reasons of errors stand in one enum `ErrorReason` of the package");
  }
  for (int i = 0; i < type.value_count(); ++i) {
    auto const& value = *type.value(i);
    CheckComment(value);
    auto const comment = Comment(value);
    google::rpc::Code code = google::rpc::OK;
    bool const has_code = google::rpc::Code_Parse(comment.substr(0, comment.find('.')), &code) && code != google::rpc::OK;
    if (is_reasons && value.number() != 0 && !has_code) {
      Add(value, "the comment of a reason begins with its canonical code: `NOT_FOUND. ...`");
    }
  }
}

}  // namespace helhed::tests
