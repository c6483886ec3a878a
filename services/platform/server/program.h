#pragma once

#include <absl/status/statusor.h>

#include <functional>
#include <string>
#include <vector>

#include "services/platform/server/option_table.h"

// The frame of a binary's main function: subcommand, help, version and exit codes.
namespace helhed::server {

// How a binary was called.
struct Invocation {
  std::string program;  // `helhed-residents`
  std::string command;  // `serve`
  std::string path;     // `backup`: where to
  Sources sources;
};

struct Program {
  // Subcommands with a line of help each.
  struct Command {
    std::string name;  // with what it takes: `backup PATH`
    std::string help;
  };
  std::vector<Command> commands;
  // What --help says of the options, and what comes before their names in the variables that are the binary's own: `residents`
  // for HELHED_RESIDENTS_NAME (Variables::own).
  std::string options;
  std::string own;
  // Reads the options and returns what the command does. An error here means that the binary was called wrongly.
  std::function<absl::StatusOr<std::function<absl::Status()>>(Invocation const&)> prepare;
};

// Returns 0, 1 when it failed, 2 when it was called wrongly. What is wrong is said on standard error, a line each.
int RunProgram(Program const& program, int argc, char** argv);

}  // namespace helhed::server
