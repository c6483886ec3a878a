#include "services/communications/paper/document.h"

#include <absl/strings/str_cat.h>
#include <cairo-pdf.h>

#include <utility>

#include "helhed/common/v1/errors.pb.h"
#include "services/platform/base/status.h"

namespace helhed::communications::paper {

Document::Document(Sink sink, std::string const& title, absl::Time created)
    : sink_(std::move(sink)),
      surface_(cairo_pdf_surface_create_for_stream(&Document::Write, this, kPageWidth, kPageHeight)),
      canvas_(cairo_create(surface_.get())) {
  auto const time = absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", created, absl::UTCTimeZone());
  cairo_pdf_surface_set_metadata(surface_.get(), CAIRO_PDF_METADATA_TITLE, title.c_str());
  cairo_pdf_surface_set_metadata(surface_.get(), CAIRO_PDF_METADATA_CREATOR, "Helhed");
  cairo_pdf_surface_set_metadata(surface_.get(), CAIRO_PDF_METADATA_CREATE_DATE, time.c_str());
}

Document::~Document() {
  // Destroying the surface would finish it, and a reader would take what is half for whole.
  if (status_.ok()) status_ = absl::CancelledError("not closed");
}

cairo_status_t Document::Write(void* document, unsigned char const* data, unsigned int length) {
  auto& self = *static_cast<Document*>(document);
  if (self.status_.ok()) self.status_ = self.sink_({reinterpret_cast<char const*>(data), length});
  return self.status_.ok() ? CAIRO_STATUS_SUCCESS : CAIRO_STATUS_WRITE_ERROR;
}

absl::Status Document::StatusOfCairo() const {
  if (!status_.ok()) return status_;
  for (auto const status : {cairo_status(canvas_.get()), cairo_surface_status(surface_.get())}) {
    if (status == CAIRO_STATUS_SUCCESS) continue;
    return Error(absl::StatusCode::kInternal, common::v1::ERROR_REASON_INTERNAL,
                 absl::StrCat("the page could not be drawn: ", cairo_status_to_string(status)));
  }
  return absl::OkStatus();
}

absl::Status Document::EndPage() {
  cairo_show_page(canvas_.get());
  ++pages_;
  return StatusOfCairo();
}

void Document::Paint(Surface const& recorded) {
  cairo_set_source_surface(canvas_.get(), recorded.get(), 0, 0);
  cairo_paint(canvas_.get());
  cairo_set_source_rgb(canvas_.get(), 0, 0, 0);
}

absl::Status Document::Close() {
  cairo_surface_finish(surface_.get());
  RETURN_IF_ERROR(status_);
  auto const status = cairo_surface_status(surface_.get());
  // Nothing more is written when the surface is destroyed, for it is finished.
  if (status == CAIRO_STATUS_SUCCESS) return absl::OkStatus();
  return Error(absl::StatusCode::kInternal, common::v1::ERROR_REASON_INTERNAL,
               absl::StrCat("the file could not be written: ", cairo_status_to_string(status)));
}

}  // namespace helhed::communications::paper
