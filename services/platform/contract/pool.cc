#include "services/platform/contract/pool.h"

#include <google/protobuf/descriptor_database.h>

#include <algorithm>
#include <string>
#include <vector>

namespace helhed::contract {
namespace {

void Visit(google::protobuf::Descriptor const& type, absl::FunctionRef<void(google::protobuf::Descriptor const&)> visit) {
  visit(type);
  for (int i = 0; i < type.nested_type_count(); ++i) Visit(*type.nested_type(i), visit);
}

}  // namespace

void ForEachFile(absl::FunctionRef<void(google::protobuf::FileDescriptor const&)> visit) {
  // The only door of protobuf 3.21 to all linked files; the pool itself answers just for names that one knows.
  std::vector<std::string> names;
  names.reserve(LinkedFiles());
  google::protobuf::DescriptorPool::internal_generated_database()->FindAllFileNames(&names);
  std::sort(names.begin(), names.end());
  for (auto const& name : names) {
    if (!name.starts_with("helhed/")) continue;
    auto const* const file = google::protobuf::DescriptorPool::generated_pool()->FindFileByName(name);
    if (file != nullptr) visit(*file);
  }
}

void ForEachMessage(absl::FunctionRef<void(google::protobuf::Descriptor const&)> visit) {
  ForEachFile([&](google::protobuf::FileDescriptor const& file) {
    for (int i = 0; i < file.message_type_count(); ++i) Visit(*file.message_type(i), visit);
  });
}

}  // namespace helhed::contract
