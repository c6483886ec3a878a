#pragma once

#include <absl/status/statusor.h>
#include <sys/types.h>

#include <string>
#include <vector>

// Small files of an installation: keys, policies, passwords.
namespace helhed {

// The content of a file of at most 1 MiB. With `is_private` a file that others could read or write is refused (IsPrivate).
// Errors: NOT_FOUND, FAILED_PRECONDITION (access, size), each with the file's name and what to do.
absl::StatusOr<std::string> ReadSmallFile(std::string const& path, bool is_private);

// Whether only the user `self` can read the file of `owner` with `mode`, or only root and the group that root lets in: what a
// Secret of Kubernetes looks like to a pod that does not run as root. The rule is PostgreSQL's for `ssl_key_file`.
bool IsPrivate(mode_t mode, uid_t owner, uid_t self);

struct Line {
  int number = 0;
  std::string text;
};
// The lines that are neither empty nor comments (`#`), without space around them.
std::vector<Line> LinesOf(std::string const& content);

}  // namespace helhed
