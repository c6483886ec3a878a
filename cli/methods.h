#pragma once

#include <absl/status/statusor.h>
#include <google/protobuf/descriptor.h>

#include <string>
#include <string_view>
#include <vector>

#include "services/platform/contract/contract.h"

// The contract as this binary knows it: its methods, and its text with comments.
namespace helhed::cli {

// Every method of the contract, by service and in the order of the contract.
std::vector<contract::Method const*> AllMethods();

// The method that `name` means: `GetDwelling`, `HousingRegisterService.GetDwelling`, the full name, or the path
// (`/helhed.residents.v1.HousingRegisterService/GetDwelling`). INVALID_ARGUMENT says which it could be, when it is several or
// none.
absl::StatusOr<contract::Method const*> ResolveMethod(std::string_view name);

// The shortest name that ResolveMethod takes for a method.
std::string ShortName(contract::Method const& method);

// The first sentence of a method's comment.
std::string Summary(contract::Method const& method);

// The contract's own text, comments included, of what `name` means: a method with its request and answer, a message, an enum or a
// service. Errors as ResolveMethod.
absl::StatusOr<std::string> Describe(std::string_view name);

// The names that Describe takes, short where that is enough.
std::vector<std::string> DescribableNames();

}  // namespace helhed::cli
