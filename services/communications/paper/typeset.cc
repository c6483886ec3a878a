#include "services/communications/paper/typeset.h"

#include <absl/strings/str_split.h>
#include <pango/pangocairo.h>

#include <algorithm>
#include <array>
#include <optional>

#include "services/platform/base/strings.h"

namespace helhed::communications::paper {
namespace {

constexpr std::array<PangoScript, 5> kRightToLeft = {PANGO_SCRIPT_ARABIC, PANGO_SCRIPT_HEBREW, PANGO_SCRIPT_SYRIAC,
                                                     PANGO_SCRIPT_THAANA, PANGO_SCRIPT_NKO};
// Script subtags (ISO 15924) of those, as in `ku-Arab`.
constexpr std::array<std::string_view, 6> kRightToLeftTags = {"Arab", "Aran", "Hebr", "Syrc", "Thaa", "Nkoo"};

// The direction of `language`, as far as its tag says: by its script subtag, or by the script that it is mostly written in.
std::optional<PangoDirection> DirectionOf(std::string_view language) {
  if (language.empty()) return std::nullopt;
  std::vector<std::string> const subtags = absl::StrSplit(Av(language), '-');
  if (subtags.size() > 1 && subtags[1].size() == 4) {
    bool const right = std::find(kRightToLeftTags.begin(), kRightToLeftTags.end(), subtags[1]) != kRightToLeftTags.end();
    return right ? PANGO_DIRECTION_RTL : PANGO_DIRECTION_LTR;
  }
  int count = 0;
  auto const* const scripts = pango_language_get_scripts(pango_language_from_string(std::string(language).c_str()), &count);
  if (scripts == nullptr || count == 0) return std::nullopt;
  bool const right = std::find(kRightToLeft.begin(), kRightToLeft.end(), scripts[0]) != kRightToLeft.end();
  return right ? PANGO_DIRECTION_RTL : PANGO_DIRECTION_LTR;
}

PangoContext* NewContext(PangoFontMap* fonts, PangoDirection direction) {
  auto* const context = pango_font_map_create_context(fonts);
  pango_context_set_base_dir(context, direction);
  // Paper has no pixels to fit into: the same widths wherever the text is set.
  std::unique_ptr<cairo_font_options_t, FreedBy<cairo_font_options_destroy>> const options(cairo_font_options_create());
  cairo_font_options_set_hint_style(options.get(), CAIRO_HINT_STYLE_NONE);
  cairo_font_options_set_hint_metrics(options.get(), CAIRO_HINT_METRICS_OFF);
  pango_cairo_context_set_font_options(context, options.get());
  pango_context_set_round_glyph_positions(context, 0);
  return context;
}

PangoFontMap* NewFonts() {
  auto* const fonts = pango_cairo_font_map_new();
  // A point of a font is a point of the page.
  pango_cairo_font_map_set_resolution(PANGO_CAIRO_FONT_MAP(fonts), 72);
  return fonts;
}

double Points(int units) { return static_cast<double>(units) / PANGO_SCALE; }

}  // namespace

Typesetter::Typesetter(std::string const& family)
    : fonts_(NewFonts()),
      left_to_right_(NewContext(fonts_.get(), PANGO_DIRECTION_LTR)),
      right_to_left_(NewContext(fonts_.get(), PANGO_DIRECTION_RTL)),
      font_(pango_font_description_new()) {
  pango_font_description_set_family(font_.get(), family.c_str());
}

Layout Typesetter::Make(PangoContext* context, std::string_view text, Face face, double width) const {
  Layout layout(pango_layout_new(context));
  pango_font_description_set_absolute_size(font_.get(), face.size * PANGO_SCALE);
  pango_font_description_set_weight(font_.get(), face.bold ? PANGO_WEIGHT_BOLD : PANGO_WEIGHT_NORMAL);
  pango_layout_set_font_description(layout.get(), font_.get());
  pango_layout_set_width(layout.get(), static_cast<int>(width * PANGO_SCALE));
  pango_layout_set_wrap(layout.get(), PANGO_WRAP_WORD_CHAR);
  pango_layout_set_text(layout.get(), text.data(), static_cast<int>(text.size()));
  return layout;
}

Layout Typesetter::Set(std::string_view text, Face face, double width, std::string_view language) const {
  auto const direction = DirectionOf(language);
  bool const right = direction == PANGO_DIRECTION_RTL;
  auto layout = Make(right ? right_to_left_.get() : left_to_right_.get(), text, face, width);
  pango_layout_set_auto_dir(layout.get(), direction ? 0 : 1);
  if (right) pango_layout_set_alignment(layout.get(), PANGO_ALIGN_RIGHT);
  if (!language.empty()) {
    // Urdu and Arabic, Bulgarian and Russian: the language chooses among the shapes of the same letters.
    std::unique_ptr<PangoAttrList, FreedBy<pango_attr_list_unref>> const attributes(pango_attr_list_new());
    pango_attr_list_insert(attributes.get(), pango_attr_language_new(pango_language_from_string(std::string(language).c_str())));
    pango_layout_set_attributes(layout.get(), attributes.get());
  }
  return layout;
}

Layout Typesetter::SetLeft(std::string_view text, Face face, double width) const {
  auto layout = Make(left_to_right_.get(), text, face, width);
  pango_layout_set_auto_dir(layout.get(), 0);
  return layout;
}

double HeightOf(Layout const& layout) {
  PangoRectangle logical;
  pango_layout_get_extents(layout.get(), nullptr, &logical);
  return Points(logical.height);
}

bool LacksGlyphs(Layout const& layout) { return pango_layout_get_unknown_glyphs_count(layout.get()) > 0; }

void Draw(cairo_t* canvas, Layout const& layout, double x, double y) {
  cairo_move_to(canvas, x, y);
  pango_cairo_show_layout(canvas, layout.get());
}

Flow::Flow(double left, double first_top, double top, double bottom) : left_(left), top_(top), bottom_(bottom) {
  NewPage(first_top);
}

void Flow::NewPage(double top) {
  cairo_rectangle_t const page{0, 0, kPageWidth, kPageHeight};
  pages_.emplace_back(cairo_recording_surface_create(CAIRO_CONTENT_COLOR_ALPHA, &page));
  canvases_.emplace_back(cairo_create(pages_.back().get()));
  y_ = top;
}

void Flow::Add(Layout const& layout, double space_after) {
  std::unique_ptr<PangoLayoutIter, FreedBy<pango_layout_iter_free>> const line(pango_layout_get_iter(layout.get()));
  do {
    PangoRectangle logical;
    pango_layout_iter_get_line_extents(line.get(), nullptr, &logical);
    if (y_ + Points(logical.height) > bottom_) NewPage(top_);
    auto* const canvas = canvases_.back().get();
    cairo_move_to(canvas, left_ + Points(logical.x), y_ + Points(pango_layout_iter_get_baseline(line.get()) - logical.y));
    pango_cairo_show_layout_line(canvas, pango_layout_iter_get_line_readonly(line.get()));
    y_ += Points(logical.height);
  } while (pango_layout_iter_next_line(line.get()) != 0);
  y_ += space_after;
}

void Flow::AddHeading(Layout const& layout, double space_after) {
  // As much again stands for the first lines below it.
  if (y_ + 2 * HeightOf(layout) + space_after > bottom_) NewPage(top_);
  Add(layout, space_after);
}

std::vector<Surface> Flow::Take() {
  canvases_.clear();
  return std::move(pages_);
}

}  // namespace helhed::communications::paper
