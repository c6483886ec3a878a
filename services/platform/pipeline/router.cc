#include "services/platform/pipeline/router.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include <algorithm>
#include <utility>

#include "services/platform/base/strings.h"

namespace helhed {
namespace {

// What is wrong with a handler, as a sentence about its method, or empty.
std::string FaultOf(Router::Entry const& entry) {
  auto const& descriptor = entry.method->descriptor();
  if (descriptor.client_streaming()) return "takes a stream of requests, which no door does";
  if (entry.method->is_server_stream() != (entry.stream != nullptr)) {
    return entry.method->is_server_stream() ? "is a stream, its handler is not" : "is no stream, its handler is one";
  }
  if (entry.request->GetDescriptor() != descriptor.input_type()) {
    return absl::StrCat("takes ", descriptor.input_type()->full_name(), ", its handler ", entry.request->GetTypeName());
  }
  if (entry.response->GetDescriptor() != descriptor.output_type()) {
    return absl::StrCat("returns ", descriptor.output_type()->full_name(), ", its handler ", entry.response->GetTypeName());
  }
  return "";
}

}  // namespace

void Router::Add(std::string_view service, std::string_view method, google::protobuf::Message const* request,
                 google::protobuf::Message const* response, Unary unary, Stream stream) {
  auto path = absl::StrCat("/", Av(service), "/", Av(method));
  auto const* const found = contract::FindMethod(path);
  auto const [position, added] = entries_.emplace(path, Entry{found, request, response, std::move(unary), std::move(stream)});
  if (!added) faults_.push_back(absl::StrCat(path, " has two handlers"));
}

absl::Status Router::Check() const {
  auto faults = faults_;
  for (auto const& service : services_) {
    auto const methods = contract::MethodsOf(service);
    if (methods.empty()) faults.push_back(absl::StrCat(service, " is no service of the contract"));
    for (auto const* const method : methods) {
      if (Find(method->path()) == nullptr) faults.push_back(absl::StrCat(method->path(), " has no handler"));
    }
  }
  for (auto const& [path, entry] : entries_) {
    if (entry.method == nullptr) {
      faults.push_back(absl::StrCat(path, " is no method of the contract"));
      continue;
    }
    if (std::find(services_.begin(), services_.end(), entry.method->descriptor().service()->full_name()) == services_.end()) {
      faults.push_back(absl::StrCat(path, " belongs to a service that is not declared"));
    }
    if (auto const fault = FaultOf(entry); !fault.empty()) faults.push_back(absl::StrCat(path, " ", fault));
  }
  if (faults.empty()) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrJoin(faults, "; "));
}

Router::Entry const* Router::Find(std::string_view path) const {
  auto const found = entries_.find(path);
  return found == entries_.end() ? nullptr : &found->second;
}

std::vector<Router::Entry const*> Router::entries() const {
  std::vector<Entry const*> entries;
  entries.reserve(entries_.size());
  for (auto const& [path, entry] : entries_) entries.push_back(&entry);
  return entries;
}

}  // namespace helhed
