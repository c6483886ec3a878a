#include "tests/contract/load.h"

#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/text_format.h>

#include <fstream>
#include <sstream>

namespace helhed::tests {

absl::StatusOr<LoadedContract> LoadContract(std::string const& descriptor_set_path) {
  std::ifstream file(descriptor_set_path, std::ios::binary);
  google::protobuf::FileDescriptorSet set;
  if (!file || !set.ParseFromIstream(&file)) return absl::InvalidArgumentError(descriptor_set_path + ": is no FileDescriptorSet");
  LoadedContract contract{std::make_unique<google::protobuf::DescriptorPool>(), {}};
  for (auto const& proto : set.file()) {
    auto const* const built = contract.pool->BuildFile(proto);
    if (built == nullptr) return absl::InvalidArgumentError(descriptor_set_path + ": cannot build " + proto.name());
    if (proto.package().starts_with("helhed.")) contract.files.push_back(built);
  }
  return contract;
}

absl::StatusOr<policy::v1::RolePolicy> LoadRoles(std::string const& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  policy::v1::RolePolicy roles;
  if (!file || !google::protobuf::TextFormat::ParseFromString(text.str(), &roles)) {
    return absl::InvalidArgumentError(path + ": is no helhed.policy.v1.RolePolicy");
  }
  return roles;
}

}  // namespace helhed::tests
