#pragma once

#include <boost/asio/io_context.hpp>

#include <memory>

#include "gateway/upstream/upstream.h"
#include "services/platform/pipeline/pipeline.h"

// A service in the same process: calls run on the executor of its pipeline, and no socket is touched.
namespace helhed::gateway::upstream {

// Calls under way must go before the upstream does, and it waits for what they still do on the executor. `pipeline` outlives the
// upstream and the loop.
std::unique_ptr<Upstream> ConnectInProcess(boost::asio::io_context& loop, Pipeline& pipeline);

}  // namespace helhed::gateway::upstream
