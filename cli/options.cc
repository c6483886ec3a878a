#include "cli/options.h"

#include <absl/strings/ascii.h>
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iostream>
#include <sstream>

#include "services/platform/base/strings.h"

namespace helhed::cli {
namespace {

std::string VariableOf(std::string_view option) {
  auto name = absl::StrCat("HELHED_", absl::AsciiStrToUpper(Av(option)));
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

po::parsed_options FromEnvironment(CommandOptions const& options, po::variables_map const& given, World const& world) {
  po::parsed_options parsed(&options.visible);
  for (auto const& name : options.from_environment) {
    // An identity given one way on the command line is not mixed with one of the environment.
    bool const other_identity =
        (name == "token" && given.count("identity-key")) || (name == "identity-key" && given.count("token"));
    auto const value = world.environment(VariableOf(name));
    if (!value || value->empty() || other_identity) continue;
    po::option option(name, {*value});
    parsed.options.push_back(option);
  }
  return parsed;
}

}  // namespace

absl::StatusOr<po::variables_map> ParseOptions(CommandOptions options, Arguments const& arguments, World const& world) {
  options.visible.add_options()("help,h", "print this");
  po::options_description all;
  all.add(options.visible);
  po::positional_options_description positional;
  for (auto const& name : options.positional) {
    all.add_options()(name.c_str(), po::value<std::string>());
    positional.add(name.c_str(), 1);
  }
  using Style = po::command_line_style::style_t;
  po::variables_map values;
  try {
    po::store(po::command_line_parser(arguments)
                  .options(all)
                  .positional(positional)
                  .style(po::command_line_style::default_style & ~Style::allow_guessing)
                  .run(),
              values);
    po::store(FromEnvironment(options, values, world), values);
    po::notify(values);
  } catch (po::error const& error) {
    return absl::InvalidArgumentError(error.what());
  }
  return values;
}

Arguments OptionNames(po::options_description const& options) {
  Arguments names;
  for (auto const& option : options.options()) names.push_back("--" + option->long_name());
  names.push_back("--help");
  return names;
}

absl::StatusOr<absl::Duration> ToDuration(std::string const& text, std::string_view option) {
  absl::Duration duration;
  if (absl::ParseDuration(text, &duration) && duration > absl::ZeroDuration()) return duration;
  return absl::InvalidArgumentError(
      absl::StrCat("--", Av(option), " takes a duration such as 5s, 250ms or 1m30s, not '", text, "'"));
}

int UsageError(World& world, std::string_view command, std::string_view message) {
  std::string const name = command.empty() ? "helhed" : absl::StrCat("helhed ", Av(command));
  world.err << name << ": " << message << "\nTry '" << name << " --help'.\n";
  return kUsage;
}

absl::StatusOr<std::string> ReadFile(std::string const& path, World const& world) {
  std::ostringstream content;
  if (path == "-") {
    content << world.in.rdbuf();
    return std::move(content).str();
  }
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  if (file) content << file.rdbuf();
  // Nothing read sets failbit on `content` for an empty file too; only the file itself tells of an error.
  if (!file || file.bad() || errno == EISDIR) return absl::NotFoundError(absl::StrCat(path, ": ", std::strerror(errno)));
  return std::move(content).str();
}

}  // namespace helhed::cli
