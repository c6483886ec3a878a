#pragma once

#include <absl/status/status.h>

#include <string>

namespace helhed::storage {

// Copies a database file to `to`, which must not exist, whole and checked or not at all, while another process may be using it.
// Errors: ALREADY_EXISTS, UNAVAILABLE when either file cannot be read or written, DATA_LOSS when the copy is not sound.
absl::Status BackUpSqlite(std::string const& from, std::string const& to);

}  // namespace helhed::storage
