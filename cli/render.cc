#include "cli/render.h"

#include <absl/strings/str_cat.h>
#include <absl/time/time.h>
#include <google/protobuf/util/json_util.h>

#include <ostream>

#include "services/platform/base/status.h"
#include "services/platform/json/error.h"

namespace helhed::cli {

namespace pb = google::protobuf;

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

std::string ErrorJson(absl::Status const& status) { return json::ErrorJson(status, json::HttpStatus(status.code())); }

}  // namespace helhed::cli
