#pragma once

#include <cairo.h>
#include <pango/pango.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

// Text set by Pango, for cairo. Lengths are PostScript points (1/72 inch), as PDF has them. Everything here belongs to one
// thread.
namespace helhed::communications::paper {

constexpr double Millimetres(double mm) { return mm * 72 / 25.4; }
constexpr double kPageWidth = Millimetres(210);
constexpr double kPageHeight = Millimetres(297);

template <auto Free>
struct FreedBy {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};
using Canvas = std::unique_ptr<cairo_t, FreedBy<cairo_destroy>>;
using Surface = std::unique_ptr<cairo_surface_t, FreedBy<cairo_surface_destroy>>;
using Layout = std::unique_ptr<PangoLayout, FreedBy<g_object_unref>>;

struct Face {
  double size;
  bool bold = false;
};

// Makes layouts. A caller's text is text: nothing in it is markup.
class Typesetter {
 public:
  // `family` are the fonts that fontconfig looks for first, with commas; what they lack comes from others that are installed.
  explicit Typesetter(std::string const& family);

  // Paragraphs between newlines, broken into lines of at most `width`. `language` is a BCP 47 tag: text in a language that is
  // written from right to left is set so, even where it begins with a Danish name; when the tag does not tell, or is empty, the
  // first letter of each paragraph decides.
  Layout Set(std::string_view text, Face face, double width, std::string_view language) const;

  // Short lines that are always on the left, such as an address, whatever their script; letters of the other direction run their
  // way within their line.
  Layout SetLeft(std::string_view text, Face face, double width) const;

 private:
  Layout Make(PangoContext* context, std::string_view text, Face face, double width) const;

  std::unique_ptr<PangoFontMap, FreedBy<g_object_unref>> fonts_;
  std::unique_ptr<PangoContext, FreedBy<g_object_unref>> left_to_right_, right_to_left_;
  std::unique_ptr<PangoFontDescription, FreedBy<pango_font_description_free>> font_;
};

double HeightOf(Layout const& layout);

// Whether a character of it would be printed as an empty box, because no font has it.
bool LacksGlyphs(Layout const& layout);

// Draws with the upper left corner at (x, y).
void Draw(cairo_t* canvas, Layout const& layout, double x, double y);

// Lines below each other over as many pages as they take, recorded so that drawing them again costs nothing to shape.
class Flow {
 public:
  // The first page has less room: from `first_top`; the others from `top`. All end at `bottom`.
  Flow(double left, double first_top, double top, double bottom);

  void Add(Layout const& layout, double space_after);
  // A heading is not left alone at the end of a page.
  void AddHeading(Layout const& layout, double space_after);
  void AddSpace(double height) { y_ += height; }

  // A canvas to draw on besides: `page` from 0.
  cairo_t* canvas(std::size_t page) { return canvases_[page].get(); }
  std::size_t pages() const { return pages_.size(); }
  // Ends the flow: the pages in order.
  std::vector<Surface> Take();

 private:
  void NewPage(double top);

  double left_, top_, bottom_;
  double y_ = 0;
  std::vector<Surface> pages_;
  std::vector<Canvas> canvases_;
};

}  // namespace helhed::communications::paper
