#pragma once

#include <functional>
#include <set>
#include <string>
#include <string_view>

namespace helhed {

using IdSet = std::set<std::string, std::less<>>;

// The last part of a name that none of `taken` is: `id`, or, where that is taken, `id-suffix`, `id-suffix-2` and so on; at most
// 63 characters. Enters it in `taken`.
std::string FreeId(std::string_view id, std::string_view suffix, IdSet& taken);

}  // namespace helhed
