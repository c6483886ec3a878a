#pragma once

#include <cstddef>
#include <iosfwd>
#include <string_view>

namespace helhed::cli {

// How far something is: a bar that redraws itself on a terminal, a line now and then elsewhere.
class Progress {
 public:
  Progress(std::ostream& out, bool is_terminal) : out_(out), is_terminal_(is_terminal) {}
  ~Progress() { Clear(); }
  Progress(Progress const&) = delete;
  Progress& operator=(Progress const&) = delete;

  void Show(std::string_view what, std::size_t done, std::size_t all);
  // Takes the bar away, so that something else can be printed.
  void Clear();

 private:
  std::ostream& out_;
  bool is_terminal_;
  bool is_shown_ = false;
};

}  // namespace helhed::cli
