#include "gateway/openapi/reasons.h"

#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <google/protobuf/descriptor.h>
#include <google/rpc/code.pb.h>

#include <set>

#include "helhed/common/v1/errors.pb.h"
#include "helhed/gateway/v1/errors.pb.h"
#include "services/platform/base/status.h"
#include "services/platform/base/strings.h"
#include "services/platform/json/error.h"

namespace helhed::gateway::openapi {
namespace {

namespace pb = google::protobuf;

// The HTTP status that a reason's comment says: `NOT_FOUND. There is ...`, `UNIMPLEMENTED. HTTP 405: the path ...`. 0 for none.
int HttpStatusIn(std::string_view comment) {
  constexpr std::string_view http = "HTTP ";
  auto const named = comment.find(http);
  int status = 0;
  if (named != std::string_view::npos && absl::SimpleAtoi(Av(comment.substr(named + http.size(), 3)), &status)) return status;
  auto const head = comment.substr(0, comment.find('.'));
  google::rpc::Code code = google::rpc::OK;
  if (!google::rpc::Code_Parse(std::string(head), &code) || code == google::rpc::OK) return 0;
  return json::HttpStatus(static_cast<absl::StatusCode>(code));
}

void Add(pb::EnumDescriptor const& type, Comments const& comments, std::set<std::string>& seen, Reasons& reasons) {
  constexpr std::string_view prefix = "ERROR_REASON_";
  for (int i = 0; i < type.value_count(); ++i) {
    auto const& value = *type.value(i);
    std::string_view name = value.name();
    if (value.number() == 0 || !name.starts_with(prefix)) continue;
    name.remove_prefix(prefix.size());
    if (!seen.insert(std::string(name)).second) continue;
    auto const comment = comments.Of(value);
    int status = HttpStatusIn(comment);
    // A body that is too large has an HTTP status of its own.
    if (name == "REQUEST_TOO_LARGE") status = 413;
    if (status == 0) continue;
    reasons.names.Add(name);
    auto const text = comment.find(". ");
    absl::StrAppend(&reasons.lines[status], "\n* `", Av(name),
                    "`: ", text == std::string::npos ? comment : comment.substr(text + 2));
  }
}

}  // namespace

Reasons ReasonsOf(std::string_view package, Comments const& comments) {
  Reasons reasons;
  std::set<std::string> seen;
  auto const own = absl::StrCat(Av(package), ".ErrorReason");
  if (auto const* const type = pb::DescriptorPool::generated_pool()->FindEnumTypeByName(own)) Add(*type, comments, seen, reasons);
  Add(*common::v1::ErrorReason_descriptor(), comments, seen, reasons);
  Add(*v1::ErrorReason_descriptor(), comments, seen, reasons);
  return reasons;
}

}  // namespace helhed::gateway::openapi
