#pragma once

#include <google/protobuf/descriptor.h>

#include <string>
#include <vector>

#include "helhed/policy/v1/roles.pb.h"

// The rules that the contract itself must keep. They are checked by the build, so that what breaks one never compiles.
namespace helhed::tests {

struct Fault {
  std::string file;
  int line = 0;  // 0 when the descriptor came without its source
  std::string name;
  std::string text;

  // `proto/helhed/residents/v1/dwelling.proto:17: helhed.residents.v1.Dwelling.name: has no comment`
  std::string ToString() const;
};

// Every fault of these files, in their order. `roles` is the policy file of the deployment.
std::vector<Fault> CheckContract(std::vector<google::protobuf::FileDescriptor const*> const& files,
                                 policy::v1::RolePolicy const& roles);

}  // namespace helhed::tests
