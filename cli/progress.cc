#include "cli/progress.h"

#include <ostream>
#include <string>

namespace helhed::cli {

void Progress::Show(std::string_view what, std::size_t done, std::size_t all) {
  if (!is_terminal_) {
    out_ << what << " " << done << " of " << all << " rows" << std::endl;
    return;
  }
  constexpr std::size_t width = 40;
  auto const filled = all == 0 ? width : done * width / all;
  Clear();
  out_ << what << " [" << std::string(filled, '=') << std::string(width - filled, ' ') << "] "
       << (all == 0 ? 100 : done * 100 / all) << " %  " << done << " of " << all << " rows" << std::flush;
  is_shown_ = true;
}

void Progress::Clear() {
  // ECMA-48: erase the line.
  if (is_shown_) out_ << "\r\x1b[K" << std::flush;
  is_shown_ = false;
}

}  // namespace helhed::cli
