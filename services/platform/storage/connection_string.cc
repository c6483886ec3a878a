#include "services/platform/storage/connection_string.h"

#include <libpq-fe.h>

#include <memory>
#include <string_view>

namespace helhed::storage {

absl::Status CheckConnectionString(std::string const& text) {
  char* error = nullptr;
  std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> const parsed(PQconninfoParse(text.c_str(), &error),
                                                                            PQconninfoFree);
  std::unique_ptr<char, decltype(&PQfreemem)> const message(error, PQfreemem);
  if (!parsed) {
    return absl::InvalidArgumentError(
        "must be a connection string as libpq takes it: host=db dbname=residents, or postgresql://db/residents");
  }
  for (auto const* option = parsed.get(); option->keyword != nullptr; ++option) {
    if (std::string_view(option->keyword) == "password" && option->val != nullptr) {
      return absl::InvalidArgumentError("must not hold the password: name its file by --postgres-password-file");
    }
  }
  return absl::OkStatus();
}

}  // namespace helhed::storage
