#pragma once

#include <absl/status/statusor.h>
#include <google/protobuf/descriptor.h>

#include <memory>
#include <string>
#include <vector>

#include "helhed/policy/v1/roles.pb.h"

namespace helhed::tests {

// The contract as protoc compiled it, with comments.
struct LoadedContract {
  std::unique_ptr<google::protobuf::DescriptorPool> pool;
  // Those of package `helhed` and below.
  std::vector<google::protobuf::FileDescriptor const*> files;
};
absl::StatusOr<LoadedContract> LoadContract(std::string const& descriptor_set_path);

absl::StatusOr<policy::v1::RolePolicy> LoadRoles(std::string const& path);

}  // namespace helhed::tests
