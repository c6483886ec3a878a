#include <absl/strings/str_cat.h>
#include <google/protobuf/util/message_differencer.h>

#include <algorithm>
#include <set>

#include "services/platform/contract/contract.h"
#include "services/platform/contract/fields.h"

// Values move between messages by Reflection::SwapFields, which knows every kind of field and keeps presence: a field that is
// unset on one side becomes unset on the other.
namespace helhed::contract {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using Fields = std::vector<FieldDescriptor const*>;

std::unique_ptr<Message> Copy(Message const& message) {
  std::unique_ptr<Message> copy(message.New());
  copy->CopyFrom(message);
  return copy;
}

bool IsSet(Message const& message, FieldDescriptor const& field) {
  auto const& reflection = *message.GetReflection();
  return field.is_repeated() ? reflection.FieldSize(message, &field) > 0 : reflection.HasField(message, &field);
}

// The message that the last field of `path` is in.
Message const& Within(Message const& message, Fields const& path) {
  auto const* within = &message;
  for (std::size_t i = 0; i + 1 < path.size(); ++i) within = &within->GetReflection()->GetMessage(*within, path[i]);
  return *within;
}

// Moves what lies at the end of `path` out of `from` into `to`. The messages on the way are made where there is something to put
// into them, and not where there is only something to clear.
void Move(Message& from, Message& to, Fields const& path) {
  bool const something = IsSet(Within(from, path), *path.back());
  auto* source = &from;
  auto* target = &to;
  for (std::size_t i = 0; i + 1 < path.size(); ++i) {
    if (!something && !IsSet(*target, *path[i])) return;
    source = source->GetReflection()->MutableMessage(source, path[i]);
    target = target->GetReflection()->MutableMessage(target, path[i]);
  }
  target->GetReflection()->SwapFields(source, target, {path.back()});
}

// Whether both hold the same at the end of `path`.
bool Same(Message const& a, Message const& b, Fields const& path) {
  auto const alone = [&](Message const& message) {
    auto const copy = Copy(message);
    std::unique_ptr<Message> only(message.New());
    only->GetReflection()->SwapFields(copy.get(), only.get(), {path.back()});
    return only;
  };
  return google::protobuf::util::MessageDifferencer::Equals(*alone(Within(a, path)), *alone(Within(b, path)));
}

// Gives `after` back what an update never changes, at every depth.
void Restore(Message& before, Message& after) {
  auto const& type = *after.GetDescriptor();
  for (int i = 0; i < type.field_count(); ++i) {
    auto const* const field = type.field(i);
    if (IsProtected(*field)) {
      after.GetReflection()->SwapFields(&before, &after, {field});
    } else if (!field->is_repeated() && field->message_type() != nullptr && IsSet(before, *field) && IsSet(after, *field)) {
      Restore(*before.GetReflection()->MutableMessage(&before, field), *after.GetReflection()->MutableMessage(&after, field));
    }
  }
}

// The fields to write, each once: a path below another one is done with it.
std::vector<Fields> ToWrite(google::protobuf::FieldMask const& mask, Message const& resource) {
  auto const& type = *resource.GetDescriptor();
  std::vector<Fields> fields;
  if (mask.paths().empty() || mask.paths(0) == "*") {
    for (int i = 0; i < type.field_count(); ++i) {
      if (!mask.paths().empty() || IsSet(resource, *type.field(i))) fields.push_back({type.field(i)});
    }
    return fields;
  }
  std::set<std::string> const paths(mask.paths().begin(), mask.paths().end());
  for (auto const& path : paths) {
    bool below_other = false;
    for (auto dot = path.find('.'); dot != std::string::npos; dot = path.find('.', dot + 1)) {
      below_other = below_other || paths.contains(path.substr(0, dot));
    }
    if (!below_other) fields.push_back(FieldsAlong(type, path));
  }
  return fields;
}

}  // namespace

absl::Status ApplyUpdate(google::protobuf::FieldMask const& mask, Message const& resource, Message& current,
                         std::string_view resource_field) {
  auto violations = MaskFaults(mask, *resource.GetDescriptor(), "update_mask");
  for (auto const& path : mask.paths()) {
    auto const fields = FieldsAlong(*resource.GetDescriptor(), path);
    bool const guarded = std::any_of(fields.begin(), fields.end(), [](auto const* field) { return IsProtected(*field); });
    if (guarded && !Same(resource, current, fields)) {
      violations.push_back({absl::StrCat(Av(resource_field), ".", path), "cannot be changed; leave it out of update_mask"});
    }
  }
  if (!violations.empty()) return BadRequest(std::move(violations));
  auto const before = Copy(current);
  auto const source = Copy(resource);
  for (auto const& fields : ToWrite(mask, resource)) Move(*source, current, fields);
  Restore(*before, current);
  return absl::OkStatus();
}

}  // namespace helhed::contract
