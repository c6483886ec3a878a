#pragma once

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>

namespace helhed::testing {

// A temporary folder of a test's own, readable by its user only, removed with all in it at the end.
class Folder {
 public:
  Folder() : path_((std::filesystem::temp_directory_path() / "helhed-test-XXXXXX").string()) {
    if (::mkdtemp(path_.data()) == nullptr) {
      std::perror("mkdtemp");
      std::abort();
    }
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Folder(Folder const&) = delete;
  Folder& operator=(Folder const&) = delete;

  // Without a slash at the end.
  std::string const& path() const { return path_; }
  // The path of a file in it.
  std::string operator/(std::string_view name) const { return path_ + "/" + std::string(name); }

 private:
  std::string path_;
};

}  // namespace helhed::testing
