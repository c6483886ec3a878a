#include <iostream>
#include <span>

#include "tests/contract/check_contract.h"
#include "tests/contract/load.h"

// helhed_check_contract DESCRIPTOR_SET ROLES: a step of the build. Prints every fault as `file:line: name: what is wrong`.
int main(int argc, char** argv) {
  std::span<char*> const arguments(argv, static_cast<std::size_t>(argc));
  if (arguments.size() != 3) {
    std::cerr << "usage: helhed_check_contract DESCRIPTOR_SET ROLES" << std::endl;
    return 2;
  }
  auto const contract = helhed::tests::LoadContract(arguments[1]);
  auto const roles = helhed::tests::LoadRoles(arguments[2]);
  if (!contract.ok() || !roles.ok()) {
    std::cerr << (contract.ok() ? roles.status() : contract.status()) << std::endl;
    return 2;
  }
  auto const faults = helhed::tests::CheckContract(contract->files, *roles);
  for (auto const& fault : faults) std::cerr << fault.ToString() << std::endl;
  return faults.empty() ? 0 : 1;
}
