#pragma once

#include <absl/status/status.h>

#include <string>

namespace helhed::storage {

// INVALID_ARGUMENT when libpq cannot read `text` as a connection string, or when it holds a password: those come from files.
absl::Status CheckConnectionString(std::string const& text);

}  // namespace helhed::storage
