#pragma once

#include <absl/status/statusor.h>
#include <boost/program_options.hpp>

#include <string>
#include <vector>

#include "cli/world.h"

// The command line of one command, by Boost.Program_options, without its exceptions.
namespace helhed::cli {

namespace po = boost::program_options;
using Arguments = std::vector<std::string>;

struct CommandOptions {
  // Shown by --help.
  po::options_description visible;
  // The positional arguments, by name and in order; `rest` of them are strings. More are refused.
  std::vector<std::string> positional;
  // Options that may also come from the environment, as HELHED_ and the name in capitals: `tls-ca` from HELHED_TLS_CA. The
  // command line wins.
  std::vector<std::string> from_environment;
};

// INVALID_ARGUMENT says what is wrong, for the user to read: unknown option, missing value, too many arguments. Adds --help.
absl::StatusOr<po::variables_map> ParseOptions(CommandOptions options, Arguments const& arguments, World const& world);

// The names of the options that are shown, with `--`.
Arguments OptionNames(po::options_description const& options);

template <typename T>
T Get(po::variables_map const& values, std::string const& name) {
  return values.count(name) == 0 ? T{} : values[name].as<T>();
}

// `5s`, `1m30s`, `250ms`: a positive duration, or an error that names the option.
absl::StatusOr<absl::Duration> ToDuration(std::string const& text, std::string_view option);

// Prints the error of a command line and where help is to be had. Returns kUsage.
int UsageError(World& world, std::string_view command, std::string_view message);

// The bytes of a file; `-` is the standard input. The error says which file and why.
absl::StatusOr<std::string> ReadFile(std::string const& path, World const& world);

}  // namespace helhed::cli
