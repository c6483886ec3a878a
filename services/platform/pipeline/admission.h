#pragma once

#include <absl/status/status.h>
#include <google/protobuf/arena.h>
#include <google/protobuf/message.h>

#include "services/platform/pipeline/pipeline.h"
#include "services/platform/pipeline/served.h"

namespace helhed {

// What a call is when it is let in.
struct Admitted {
  google::protobuf::Message const* request = nullptr;  // on the arena
  CallContext::Parts parts;
};

// Everything that stands before a handler, in the order of pipeline.h. Writes down in `record` what it learns on the way, so that
// a refusal is logged with what was known by then, and nothing more.
absl::Status Admit(Pipeline::Parts const& pipeline, IncomingCall const& call, google::protobuf::Arena& arena, CallRecord& record,
                   Admitted& admitted);

}  // namespace helhed
