#pragma once

#include <absl/status/status.h>

#include <string_view>

#include "helhed/communications/v1/works.pb.h"
#include "services/platform/service/store.h"

// A works notice in another plan: what it says, where the works are, and who was told.
namespace helhed::communications {

// Enters `made`, which is `from` under another name, with the areas and households of `from`.
absl::Status CopyWorksNotice(WriteTransaction& tx, std::string_view from, v1::WorksNotice& made);

// Takes the areas and households of `from` in place of those of `to`, which is there.
absl::Status ReplaceWorksParts(WriteTransaction& tx, std::string_view from, std::string_view to);

// Removes a notice with all that lies below it.
absl::Status DropWorksNotice(WriteTransaction& tx, std::string_view name);

}  // namespace helhed::communications
