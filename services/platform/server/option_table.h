#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

// Options of a binary from four sources, by a table of their names: what stands behind options.h and the gateway's.
namespace helhed::server {

// An option as help shows it.
struct OptionName {
  enum class Kind { kValue, kFlag, kList };
  std::string name;
  Kind kind = Kind::kValue;
  std::string standard;  // the default
  std::string help;
};

// An option as it came out, for `check-config`. Holds no secret.
struct Setting {
  std::string name;
  std::string value;
  // `default`, `file /etc/helhed/residents.conf`, `environment HELHED_LISTEN`, `flag`.
  std::string origin;
};

struct Sources {
  // What follows the subcommand.
  std::vector<std::string> arguments;
  // All of the environment; only what begins with HELHED_ is looked at.
  std::map<std::string, std::string> environment;
};

// Which variables are the binary's.
struct Variables {
  // `residents` gives HELHED_RESIDENTS_..., which is above HELHED_...
  std::string own;
  // Whether every HELHED_... must be an option; otherwise only those with the own name, for the others may be for what runs
  // beside.
  bool all = true;
};

// What a variable has of a name: `ADMIN_LISTEN` of `admin-listen`.
std::string VariablePart(std::string_view name);

// Each option's value from the highest source that has one, in the order of `names`. What is wrong (a name that is no option, a
// value given twice, a file that cannot be read) is added to `faults`.
std::vector<Setting> ReadSettings(std::span<OptionName const> names, Sources const& sources, Variables const& variables,
                                  std::vector<std::string>& faults);

// Every option with its meaning and default, for --help.
std::string DescribeOptionNames(std::span<OptionName const> names);

// `name = value  # origin`, a line each: a file that --config takes.
std::string DescribeSettings(std::vector<Setting> const& settings);

}  // namespace helhed::server
