#pragma once

#include <string_view>

namespace helhed::cli {

// The contract with its comments, as a serialized FileDescriptorSet: generated code has no comments, so it is put into the
// binary.
std::string_view EmbeddedDescriptors();

}  // namespace helhed::cli
