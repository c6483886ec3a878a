#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/options.h"
#include "cli/world.h"

// What `helhed` can do: a table, from which help, dispatch and completion come.
namespace helhed::cli {

// What completion offers for a word that is not an option.
enum class Completes { kNothing, kFiles, kMethods, kDescribable, kShells };

struct Command {
  std::string_view name;
  std::string_view summary;
  // Arguments without the command's name. Returns the exit code.
  int (*run)(Arguments const& arguments, World& world);
  po::options_description (*options)();
  // Words that must or may come first (`import dwellings`).
  std::vector<std::string_view> words;
  // By position; the last one also stands for those after it.
  std::vector<Completes> positional;
};

std::span<Command const> Commands();
Command const* FindCommand(std::string_view name);

// The whole command line without the program's name.
int Run(Arguments const& arguments, World& world);

// The commands, one file each.
int RunCall(Arguments const& arguments, World& world);
int RunDescribe(Arguments const& arguments, World& world);
int RunToken(Arguments const& arguments, World& world);
int RunImport(Arguments const& arguments, World& world);
int RunCompletion(Arguments const& arguments, World& world);
// `helhed __complete WORD...`: prints what the last word can become, one a line; `:files` stands for file names.
int RunComplete(Arguments const& arguments, World& world);

po::options_description CallOptionsDescription();
po::options_description DescribeOptionsDescription();
po::options_description TokenOptionsDescription();
po::options_description ImportOptionsDescription();
po::options_description CompletionOptionsDescription();

}  // namespace helhed::cli
