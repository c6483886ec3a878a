#include "services/platform/storage/collation.h"

#include <unicode/ucol.h>
#include <unicode/uloc.h>
#include <unicode/ustring.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

namespace helhed::storage {
namespace {

// Opened once and never closed: comparing with a collator that nobody changes is safe from several threads.
UCollator const* Danish() {
  static UCollator const* const collator = [] {
    UErrorCode error = U_ZERO_ERROR;
    UCollator* const opened = ucol_open("da", &error);
    UErrorCode located = U_ZERO_ERROR;
    char const* const actual = U_SUCCESS(error) ? ucol_getLocaleByType(opened, ULOC_ACTUAL_LOCALE, &located) : nullptr;
    if (actual == nullptr || std::strcmp(actual, "da") != 0) {
      std::fprintf(stderr, "ICU has no Danish collation (package libicu): %s\n", u_errorName(error));
      std::abort();
    }
    return opened;
  }();
  return collator;
}

std::u16string ToUtf16(std::string_view utf8) {
  // UTF-16 never has more units than UTF-8 has bytes.
  std::u16string text(utf8.size(), u'\0');
  std::int32_t length = 0;
  UErrorCode error = U_ZERO_ERROR;
  u_strFromUTF8WithSub(text.data(), static_cast<std::int32_t>(text.size()), &length, utf8.data(),
                       static_cast<std::int32_t>(utf8.size()), 0xFFFD, nullptr, &error);
  text.resize(static_cast<std::size_t>(length));
  return text;
}

}  // namespace

std::vector<std::byte> DanishSortKey(std::string_view utf8) {
  // What lies beyond cannot reach the key; this also bounds the work on a text that nobody limited.
  utf8 = utf8.substr(0, 16 * kDanishSortKeyBytesMax);
  if (utf8.empty()) return {};
  std::u16string const text = ToUtf16(utf8);
  std::vector<std::byte> key(4 * text.size() + 32);
  for (;;) {
    std::int32_t const size = ucol_getSortKey(Danish(), text.data(), static_cast<std::int32_t>(text.size()),
                                              reinterpret_cast<std::uint8_t*>(key.data()), static_cast<std::int32_t>(key.size()));
    bool const fits = static_cast<std::size_t>(size) <= key.size();
    key.resize(static_cast<std::size_t>(size));
    if (fits) break;
  }
  key.pop_back();  // the zero that ends it
  if (key.size() > kDanishSortKeyBytesMax) key.resize(kDanishSortKeyBytesMax);
  return key;
}

}  // namespace helhed::storage
