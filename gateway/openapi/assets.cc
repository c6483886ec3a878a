#include <array>
#include <cstddef>

#include "gateway/openapi/openapi.h"

// The files are put into the binary as they are; CMake says where they lie.
#define HELHED_EMBED(name, file)        \
  asm(".section .rodata\n"              \
      ".global " #name                  \
      "_begin\n"                        \
      ".global " #name "_end\n" #name   \
      "_begin:\n"                       \
      ".incbin \"" file "\"\n" #name    \
      "_end:\n"                         \
      ".previous\n");                   \
  extern "C" char const name##_begin[]; \
  extern "C" char const name##_end[]

HELHED_EMBED(helhed_openapi_descriptors, HELHED_DESCRIPTORS);
HELHED_EMBED(helhed_openapi_page, HELHED_PAGE "/index.html");
HELHED_EMBED(helhed_openapi_script, HELHED_PAGE "/app.js");
HELHED_EMBED(helhed_openapi_style, HELHED_PAGE "/style.css");
HELHED_EMBED(helhed_openapi_icon, HELHED_PAGE "/icon.png");

namespace helhed::gateway::openapi {
namespace {

std::string_view Between(char const* begin, char const* end) { return {begin, static_cast<std::size_t>(end - begin)}; }

}  // namespace

std::string_view EmbeddedDescriptors() { return Between(helhed_openapi_descriptors_begin, helhed_openapi_descriptors_end); }

std::span<Asset const> Assets() {
  static std::array<Asset, 4> const assets = {
      Asset{"/docs", "text/html; charset=utf-8", Between(helhed_openapi_page_begin, helhed_openapi_page_end)},
      Asset{"/docs/app.js", "text/javascript; charset=utf-8", Between(helhed_openapi_script_begin, helhed_openapi_script_end)},
      Asset{"/docs/style.css", "text/css; charset=utf-8", Between(helhed_openapi_style_begin, helhed_openapi_style_end)},
      // Where browsers look for it by themselves, whichever page is open.
      Asset{"/favicon.ico", "image/png", Between(helhed_openapi_icon_begin, helhed_openapi_icon_end)}};
  return assets;
}

}  // namespace helhed::gateway::openapi
