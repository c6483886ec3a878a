#include "cli/descriptors.h"

#include <cstddef>

// HELHED_DESCRIPTORS is the file that protoc wrote.
asm(".section .rodata\n"
    ".global helhed_descriptors_begin\n"
    ".global helhed_descriptors_end\n"
    "helhed_descriptors_begin:\n"
    ".incbin \"" HELHED_DESCRIPTORS
    "\"\n"
    "helhed_descriptors_end:\n"
    ".previous\n");

// Named as the assembler's symbols are.
extern "C" char const helhed_descriptors_begin[];  // NOLINT(readability-identifier-naming)
extern "C" char const helhed_descriptors_end[];    // NOLINT(readability-identifier-naming)

namespace helhed::cli {

std::string_view EmbeddedDescriptors() {
  return {helhed_descriptors_begin, static_cast<std::size_t>(helhed_descriptors_end - helhed_descriptors_begin)};
}

}  // namespace helhed::cli
