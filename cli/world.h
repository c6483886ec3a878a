#pragma once

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <functional>
#include <iosfwd>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "services/platform/base/clock.h"
#include "services/platform/base/random.h"
#include "services/platform/client/channel.h"

namespace helhed::cli {

// What a shell can tell by: 0 done; 1 the call failed, rows were refused, or the run was interrupted; 2 the command line is
// wrong.
enum ExitCode : int { kDone = 0, kFailed = 1, kUsage = 2 };

// Everything outside that a command touches, so that tests can stand in for it.
struct World {
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
  // Whether `err` is a terminal that can redraw a line.
  bool err_is_terminal = false;
  std::function<std::optional<std::string>(std::string const& name)> environment;
  std::function<std::unique_ptr<client::Channel>(client::GrpcOptions const&)> connect;
  // Waits, or returns at once when the token is set.
  std::function<void(absl::Duration, std::stop_token)> sleep;
  Clock const& clock;
  Random& random;
  // Set by SIGINT and SIGTERM.
  std::stop_token stop;
};

}  // namespace helhed::cli
