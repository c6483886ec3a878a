#include "services/platform/server/option_table.h"

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_replace.h>
#include <boost/program_options.hpp>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <sstream>
#include <utility>

#include "services/platform/base/strings.h"

namespace helhed::server {
namespace {

namespace po = boost::program_options;

po::options_description Describe(std::span<OptionName const> names) {
  po::options_description description;
  for (auto const& option : names) {
    auto* const value = po::value<std::string>();
    value->value_name(option.kind == OptionName::Kind::kFlag ? "BOOL" : "VALUE");
    if (option.kind == OptionName::Kind::kFlag) value->implicit_value("true");
    auto const help = option.standard.empty() ? option.help : absl::StrCat(option.help, " [", option.standard, "]");
    description.add_options()(option.name.c_str(), value, help.c_str());
  }
  return description;
}

OptionName const* Find(std::span<OptionName const> names, std::string_view name) {
  auto const found = std::find_if(names.begin(), names.end(), [&](auto const& option) { return option.name == name; });
  return found == names.end() ? nullptr : &*found;
}

using Faults = std::vector<std::string>;

// What Boost read from one source. Repeating is for lists.
std::vector<Setting> ToSettings(po::parsed_options const& parsed, std::span<OptionName const> names, std::string const& origin,
                                Faults& faults) {
  std::vector<Setting> settings;
  for (auto const& option : parsed.options) {
    auto const value = option.value.empty() ? "true" : option.value.front();  // only flags may stand without one
    auto const before =
        std::find_if(settings.begin(), settings.end(), [&](auto const& setting) { return setting.name == option.string_key; });
    auto const* const named = Find(names, option.string_key);
    if (before == settings.end()) {
      settings.push_back({option.string_key, value, origin});
    } else if (named != nullptr && named->kind == OptionName::Kind::kList) {
      absl::StrAppend(&before->value, ",", value);
    } else {
      faults.push_back(absl::StrCat(option.string_key, " is given twice (", origin, ")"));
    }
  }
  return settings;
}

std::vector<Setting> ReadFlags(std::vector<std::string> const& arguments, std::span<OptionName const> names, Faults& faults) {
  auto description = Describe(names);
  description.add_options()("config", po::value<std::string>());
  // Without guessing: `--postgres-pass` is no option, however near it comes to one.
  int const style = po::command_line_style::unix_style & ~po::command_line_style::allow_guessing;
  try {
    auto const parsed = po::command_line_parser(arguments).options(description).positional({}).style(style).run();
    return ToSettings(parsed, names, "flag", faults);
  } catch (po::error const& error) {
    faults.emplace_back(error.what());
    return {};
  }
}

std::vector<Setting> ReadFile(std::string const& path, std::span<OptionName const> names, Faults& faults) {
  std::ifstream file(path);
  if (!file) {
    faults.push_back(absl::StrCat("config: cannot read ", path));
    return {};
  }
  try {
    return ToSettings(po::parse_config_file(file, Describe(names)), names, absl::StrCat("file ", path), faults);
  } catch (po::error const& error) {
    faults.push_back(absl::StrCat(path, ": ", error.what()));
    return {};
  }
}

constexpr absl::string_view kCommon = "HELHED_";

// Variables of one prefix, `HELHED_` or `HELHED_RESIDENTS_`.
std::vector<Setting> ReadVariables(Sources const& sources, std::string const& prefix, std::span<OptionName const> names) {
  std::vector<Setting> settings;
  auto const take = [&](std::string const& name) {
    auto const variable = sources.environment.find(absl::StrCat(prefix, VariablePart(name)));
    if (variable == sources.environment.end() || variable->second.empty()) return;
    settings.push_back({name, variable->second, absl::StrCat("environment ", variable->first)});
  };
  take("config");
  for (auto const& option : names) take(option.name);
  return settings;
}

// What the command line `helhed` reads: on a laptop both run from one shell.
constexpr std::string_view kOfCommandLine[] = {"ADDRESS", "AUDIENCE", "DEADLINE", "GRANT",           "IDENTITY_KEY",
                                               "SUBJECT", "TLS_CA",   "TLS_KEY",  "TLS_CERTIFICATE", "TOKEN"};

void CheckVariables(Sources const& sources, std::string const& own, bool all, std::span<OptionName const> names, Faults& faults) {
  auto const known = [&](std::string const& part) {
    return part == "CONFIG" ||
           std::any_of(names.begin(), names.end(), [&](auto const& option) { return VariablePart(option.name) == part; });
  };
  for (auto const& [name, value] : sources.environment) {
    if (!absl::StartsWith(name, all ? kCommon : own)) continue;
    auto const part = name.substr(kCommon.size());
    bool const is_own = absl::StartsWith(name, own) && known(name.substr(own.size()));
    if (is_own || known(part)) continue;
    if (std::find(std::begin(kOfCommandLine), std::end(kOfCommandLine), part) != std::end(kOfCommandLine)) continue;
    faults.push_back(absl::StrCat("environment ", name, ": there is no such option",
                                  absl::StrContains(name, "_PORT") || absl::EndsWith(name, "_SERVICE_HOST")
                                      ? " (Kubernetes sets such variables unless enableServiceLinks is false)"
                                      : ""));
  }
}

}  // namespace

std::string VariablePart(std::string_view name) { return absl::AsciiStrToUpper(absl::StrReplaceAll(Av(name), {{"-", "_"}})); }

std::vector<Setting> ReadSettings(std::span<OptionName const> names, Sources const& sources, Variables const& variables,
                                  std::vector<std::string>& faults) {
  auto const own = absl::StrCat(kCommon, VariablePart(variables.own), "_");
  CheckVariables(sources, own, variables.all, names, faults);
  std::vector<Setting> above = ReadVariables(sources, std::string(kCommon), names);
  for (auto& setting : ReadVariables(sources, own, names)) above.push_back(std::move(setting));
  for (auto& setting : ReadFlags(sources.arguments, names, faults)) above.push_back(std::move(setting));
  std::string config;
  for (auto const& setting : above) {
    if (setting.name == "config") config = setting.value;
  }
  std::vector<Setting> all;
  for (auto const& option : names) all.push_back({option.name, option.standard, "default"});
  auto const place = [&](Setting setting) {
    auto const at = std::find_if(all.begin(), all.end(), [&](auto const& other) { return other.name == setting.name; });
    if (at != all.end()) *at = std::move(setting);
  };
  if (!config.empty()) {
    for (auto& setting : ReadFile(config, names, faults)) place(std::move(setting));
  }
  for (auto& setting : above) place(std::move(setting));
  return all;
}

std::string DescribeOptionNames(std::span<OptionName const> names) {
  auto description = Describe(names);
  description.add_options()("config", po::value<std::string>()->value_name("FILE"),
                            "A file of lines `name = value` with any of these options");
  std::ostringstream text;
  text << description;
  return text.str();
}

std::string DescribeSettings(std::vector<Setting> const& settings) {
  std::string text;
  for (auto const& setting : settings) absl::StrAppend(&text, setting.name, " = ", setting.value, "  # ", setting.origin, "\n");
  return text;
}

}  // namespace helhed::server
