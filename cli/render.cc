#include "cli/render.h"

#include <absl/strings/escaping.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_replace.h>
#include <absl/time/time.h>
#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>
#include <google/rpc/code.pb.h>
#include <google/rpc/status.pb.h>

#include <ostream>

#include "services/platform/base/status.h"

namespace helhed::cli {
namespace {

namespace pb = google::protobuf;

// google/rpc/code.proto gives the HTTP code of each.
int HttpCode(absl::StatusCode code) {
  switch (code) {
    case absl::StatusCode::kOk:
      return 200;
    case absl::StatusCode::kCancelled:
      return 499;
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kOutOfRange:
      return 400;
    case absl::StatusCode::kDeadlineExceeded:
      return 504;
    case absl::StatusCode::kNotFound:
      return 404;
    case absl::StatusCode::kAlreadyExists:
    case absl::StatusCode::kAborted:
      return 409;
    case absl::StatusCode::kPermissionDenied:
      return 403;
    case absl::StatusCode::kUnauthenticated:
      return 401;
    case absl::StatusCode::kResourceExhausted:
      return 429;
    case absl::StatusCode::kUnimplemented:
      return 501;
    case absl::StatusCode::kUnavailable:
      return 503;
    default:
      return 500;
  }
}

// A detail as JSON; one of a type that is not known here keeps its bytes, so that nothing is lost.
pb::Struct DetailStruct(pb::Any const& detail) {
  pb::Struct fields;
  std::string json;
  if (pb::util::MessageToJsonString(detail, &json).ok() && pb::util::JsonStringToMessage(json, &fields).ok()) return fields;
  fields.Clear();
  (*fields.mutable_fields())["@type"].set_string_value(detail.type_url());
  (*fields.mutable_fields())["value"].set_string_value(absl::Base64Escape(detail.value()));
  return fields;
}

}  // namespace

std::unique_ptr<pb::Message> NewMessage(pb::Descriptor const& type) {
  return std::unique_ptr<pb::Message>(pb::MessageFactory::generated_factory()->GetPrototype(&type)->New());
}

absl::StatusOr<std::unique_ptr<pb::Message>> FromJson(pb::Descriptor const& type, std::string_view json) {
  auto message = NewMessage(type);
  auto const status = pb::util::JsonStringToMessage({json.data(), json.size()}, message.get());
  if (status.ok()) return message;
  auto const text = absl::string_view(status.message().data(), status.message().size());
  return absl::InvalidArgumentError(absl::StrCat("this is no ", type.full_name(), " as JSON: ", text));
}

absl::StatusOr<std::string> ToJson(pb::Message const& message, JsonLayout layout) {
  pb::util::JsonPrintOptions options;
  options.always_print_primitive_fields = true;
  options.add_whitespace = layout == JsonLayout::kIndented;
  std::string json;
  auto const status = pb::util::MessageToJsonString(message, &json, options);
  if (status.ok()) return json;
  auto const text = absl::string_view(status.message().data(), status.message().size());
  return absl::InternalError(absl::StrCat("the answer cannot be printed as JSON: ", text));
}

void PrintError(std::ostream& out, absl::Status const& status) {
  auto const reason = ReasonOf(status);
  out << absl::StatusCodeToString(status.code()) << (reason.empty() ? "" : " ") << reason << "\n";
  auto const violations = ViolationsOf(status);
  // A BadRequest's message is its violations again, in one line and cut.
  if (violations.empty() || reason != "BAD_REQUEST") out << status.message() << "\n";
  for (auto const& violation : violations) out << "  " << violation.field << ": " << violation.description << "\n";
  for (auto const& [key, value] : MetadataOf(status)) out << "  " << key << ": " << value << "\n";
  if (auto const delay = RetryDelayOf(status)) out << "  try again in " << absl::FormatDuration(absl::FromChrono(*delay)) << "\n";
}

std::string ErrorJson(absl::Status const& status) {
  // Through a Struct its keys would be sorted and `code` a double; four fields are quicker written by hand.
  auto const quoted = [](std::string const& text) {
    pb::Value value;
    value.set_string_value(text);
    std::string json;
    return pb::util::MessageToJsonString(value, &json).ok() ? json : std::string("\"\"");
  };
  auto const proto = ToProto(status);
  std::string details;
  for (auto const& detail : proto.details()) {
    std::string json;
    if (pb::util::MessageToJsonString(DetailStruct(detail), &json).ok())
      absl::StrAppend(&details, details.empty() ? "" : ",", json);
  }
  return absl::StrCat("{\"error\":{\"code\":", HttpCode(status.code()), ",\"message\":", quoted(proto.message()),
                      ",\"status\":", quoted(absl::StatusCodeToString(status.code())), ",\"details\":[", details, "]}}");
}

}  // namespace helhed::cli
