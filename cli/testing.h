#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "cli/commands.h"
#include "cli/world.h"

// A world for tests: everything in memory, the service a function.
namespace helhed::cli::testing {

struct TestWorld {
  using Handler =
      std::function<absl::StatusOr<std::string>(contract::Method const&, std::string_view, client::CallOptions const&)>;
  using StreamHandler =
      std::function<absl::Status(contract::Method const&, std::string_view, std::function<bool(std::string_view)> const&)>;

  std::istringstream in;
  std::ostringstream out;
  std::ostringstream err;
  std::map<std::string, std::string> environment;
  // Now, because retries compare deadlines with the system's clock.
  FakeClock clock{absl::Now()};
  SeededRandom random{1};
  std::stop_source stop;
  bool err_is_terminal = false;
  Handler on_call = [](auto const&, auto, auto const&) { return absl::UnimplementedError("no handler"); };
  StreamHandler on_stream;
  // What the command connected to last.
  client::GrpcOptions connected;
  std::vector<absl::Duration> slept;

  // Runs a command line and returns its exit code; `out` and `err` hold what that run printed.
  int Run(std::vector<std::string> const& arguments) {
    out.str("");
    err.str("");
    World world{in,
                out,
                err,
                err_is_terminal,
                [this](std::string const& name) -> std::optional<std::string> {
                  auto const found = environment.find(name);
                  return found == environment.end() ? std::nullopt : std::optional(found->second);
                },
                [this](client::GrpcOptions const& options) {
                  connected = options;
                  return std::make_unique<FakeChannel>(*this);
                },
                [this](absl::Duration duration, std::stop_token const&) { slept.push_back(duration); },
                clock,
                random,
                stop.get_token()};
    return cli::Run(arguments, world);
  }

  class FakeChannel final : public client::Channel {
   public:
    explicit FakeChannel(TestWorld& world) : world_(world) {}
    absl::StatusOr<std::string> Call(contract::Method const& method, std::string_view request,
                                     client::CallOptions const& options) override {
      return world_.on_call(method, request, options);
    }
    absl::Status Stream(contract::Method const& method, std::string_view request, client::CallOptions const& /*options*/,
                        std::function<bool(std::string_view)> const& on_message) override {
      return world_.on_stream(method, request, on_message);
    }

   private:
    TestWorld& world_;
  };
};

}  // namespace helhed::cli::testing
