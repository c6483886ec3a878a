#include "services/platform/base/file.h"

#include <absl/cleanup/cleanup.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>
#include <absl/strings/str_split.h>
#include <absl/strings/strip.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace helhed {

absl::StatusOr<std::string> ReadSmallFile(std::string const& path, bool is_private) {
  constexpr off_t bytes_max = 1 << 20;
  int const file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) {
    auto const message = absl::StrCat(path, ": cannot be read: ", std::strerror(errno));
    return errno == ENOENT ? absl::NotFoundError(message) : absl::FailedPreconditionError(message);
  }
  absl::Cleanup const closer = [file] { close(file); };
  struct stat status {};
  if (fstat(file, &status) != 0 || !S_ISREG(status.st_mode)) return absl::FailedPreconditionError(path + ": is not a file");
  if (status.st_size > bytes_max) return absl::FailedPreconditionError(path + ": is larger than 1 MiB");
  if (is_private && !IsPrivate(status.st_mode, status.st_uid, geteuid())) {
    return absl::FailedPreconditionError(
        absl::StrFormat("%s: holds a secret and is open to others than its owner (mode %04o): run `chmod 600 %s`", path,
                        status.st_mode & 07777, path));
  }
  std::string content;
  std::array<char, 4096> buffer{};
  ssize_t got = 0;
  while ((got = read(file, buffer.data(), buffer.size())) > 0) content.append(buffer.data(), static_cast<std::size_t>(got));
  if (got < 0) return absl::FailedPreconditionError(absl::StrCat(path, ": cannot be read: ", std::strerror(errno)));
  return content;
}

bool IsPrivate(mode_t mode, uid_t owner, uid_t self) {
  bool const lets_a_group_in = owner == 0 && self != 0;
  mode_t const open_to_others = lets_a_group_in ? S_IWGRP | S_IXGRP | S_IRWXO : S_IRWXG | S_IRWXO;
  return (mode & open_to_others) == 0;
}

std::vector<Line> LinesOf(std::string const& content) {
  std::vector<Line> lines;
  int number = 0;
  for (auto const text : absl::StrSplit(content, '\n')) {
    ++number;
    auto const stripped = absl::StripAsciiWhitespace(text);
    if (!stripped.empty() && stripped.front() != '#') lines.push_back({number, std::string(stripped)});
  }
  return lines;
}

}  // namespace helhed
