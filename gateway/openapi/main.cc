#include <iostream>

#include "gateway/openapi/openapi.h"

// Prints the OpenAPI document of the whole contract.
int main() {
  using namespace helhed;
  auto const document = gateway::openapi::Generate(contract::AllMethods(), gateway::openapi::EmbeddedDescriptors(), {});
  if (!document.ok()) {
    std::cerr << document.status() << "\n";
    return 1;
  }
  std::cout << *document << "\n";
  return 0;
}
