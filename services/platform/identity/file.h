#pragma once

#include <absl/status/statusor.h>

#include <string>
#include <vector>

// Small files of an installation. Not for others.
namespace helhed::identity {

// The content of a file of at most 1 MiB. With `is_private` a file that others than its owner can read or write is refused.
// Errors: NOT_FOUND, FAILED_PRECONDITION (access, size), each with the file's name and what to do.
absl::StatusOr<std::string> ReadSmallFile(std::string const& path, bool is_private);

struct Line {
  int number = 0;
  std::string text;
};
// The lines that are neither empty nor comments (`#`), without space around them.
std::vector<Line> LinesOf(std::string const& content);

}  // namespace helhed::identity
