#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

// How Danes sort: æ, ø, å after z, aa as å (Aalborg stands under Å), by the collation `da` of CLDR, which follows
// Retskrivningsordbogen. The engines store the key and compare bytes, so both sort alike and neither needs a locale.
namespace helhed::storage {

// The most bytes that a sort key has. Longer keys are cut, so that a key fits in an index (PostgreSQL takes 2,704 bytes a row)
// and a page token. Texts that agree that far (some 200 letters) sort as equals, and lists break ties by name.
inline constexpr std::size_t kDanishSortKeyBytesMax = 400;

// The sort key of a text: a sorts before b exactly when its key is less, byte for byte. The key of an empty text is empty. What
// is not UTF-8 sorts as U+FFFD. Safe from any thread. The keys belong to a version of ICU: when it changes, they are made anew.
// Aborts when the system has no Danish collation data, because then every list would silently be wrong.
std::vector<std::byte> DanishSortKey(std::string_view utf8);

}  // namespace helhed::storage
