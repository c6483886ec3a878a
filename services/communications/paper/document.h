#pragma once

#include <absl/status/status.h>
#include <absl/time/time.h>

#include <functional>
#include <string>
#include <string_view>

#include "services/communications/paper/typeset.h"

namespace helhed::communications::paper {

// Takes the bytes of a file in order, some kilobytes at a time. An error ends the file.
using Sink = std::function<absl::Status(std::string_view bytes)>;

// A PDF of A4 pages that goes to its sink page by page, so that its length costs no memory.
class Document {
 public:
  // `created` is written into the file: the same pages and the same time give the same bytes.
  Document(Sink sink, std::string const& title, absl::Time created);
  // A document that was not closed is left as it is: nothing more goes to the sink.
  ~Document();
  Document(Document const&) = delete;
  Document& operator=(Document const&) = delete;

  cairo_t* canvas() { return canvas_.get(); }
  int pages() const { return pages_; }

  // Ends the page that was drawn. The sink's error, if there was one; or INTERNAL when cairo failed.
  absl::Status EndPage();
  // Draws a recorded page.
  void Paint(Surface const& recorded);
  // Writes what is left: fonts, and where each page begins.
  absl::Status Close();

 private:
  static cairo_status_t Write(void* document, unsigned char const* data, unsigned int length);
  absl::Status StatusOfCairo() const;

  Sink sink_;
  absl::Status status_;
  int pages_ = 0;
  Surface surface_;
  Canvas canvas_;
};

}  // namespace helhed::communications::paper
