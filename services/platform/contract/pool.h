#pragma once

#include <absl/functional/function_ref.h>
#include <google/protobuf/descriptor.h>

#include <cstddef>

namespace helhed::contract {

// How many files the contract has. Calling it is what links them all.
std::size_t LinkedFiles();

// Every file of the contract (package `helhed` and below) that is linked into this process, and every message in them, nested
// ones after those that hold them.
void ForEachFile(absl::FunctionRef<void(google::protobuf::FileDescriptor const&)> visit);
void ForEachMessage(absl::FunctionRef<void(google::protobuf::Descriptor const&)> visit);

}  // namespace helhed::contract
