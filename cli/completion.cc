#include <absl/strings/str_cat.h>

#include <algorithm>
#include <iostream>

#include "cli/commands.h"
#include "cli/methods.h"

namespace helhed::cli {
namespace {

// The shell splits words at = and :, and knows files; everything else `helhed __complete` knows, so that the script never gets
// old. `:files` cannot be a candidate, because no command, option or name has a colon.
constexpr std::string_view kBash =
    "# helhed completion for bash: source <(helhed completion bash)\n"
    "_helhed() {\n"
    "  local current=\"${COMP_WORDS[COMP_CWORD]}\" line\n"
    "  COMPREPLY=()\n"
    "  while IFS= read -r line; do\n"
    "    if [[ $line == :files ]]; then\n"
    "      while IFS= read -r line; do COMPREPLY+=(\"$line\"); done < <(compgen -f -- \"$current\")\n"
    "      compopt -o filenames 2>/dev/null\n"
    "    else\n"
    "      COMPREPLY+=(\"$line\")\n"
    "    fi\n"
    "  done < <(\"${COMP_WORDS[0]}\" __complete \"${COMP_WORDS[@]:1:COMP_CWORD}\" 2>/dev/null)\n"
    "}\n"
    "complete -F _helhed helhed\n";
constexpr std::string_view kZsh =
    "#compdef helhed\n"
    "# helhed completion for zsh: source <(helhed completion zsh)\n"
    "_helhed() {\n"
    "  local -a candidates\n"
    "  local line\n"
    "  while IFS= read -r line; do\n"
    "    if [[ $line == :files ]]; then _files; else candidates+=(\"$line\"); fi\n"
    "  done < <(\"${words[1]}\" __complete \"${(@)words[2,CURRENT]}\" 2>/dev/null)\n"
    "  (( ${#candidates} )) && compadd -a candidates\n"
    "}\n"
    "(( $+functions[compdef] )) && compdef _helhed helhed\n";

Arguments Candidates(Completes what) {
  Arguments names;
  switch (what) {
    case Completes::kNothing:
      break;
    case Completes::kFiles:
      return {":files"};
    case Completes::kShells:
      return {"bash", "zsh"};
    case Completes::kDescribable:
      return DescribableNames();
    case Completes::kMethods:
      for (auto const* const method : AllMethods()) names.push_back(ShortName(*method));
      break;
  }
  return names;
}

po::option_description const* FindOption(po::options_description const& options, std::string const& word) {
  if (!word.starts_with("--")) return nullptr;
  return options.find_nothrow(word.substr(2), /*approx=*/false);
}

bool TakesValue(po::option_description const& option) { return option.semantic()->max_tokens() > 0; }

// What the value of an option can be.
Arguments ValueCandidates(po::option_description const& option) {
  if (option.format_parameter().find("FILE") != std::string::npos) return {":files"};
  if (option.long_name() == "separator") return {",", ";"};
  return {};
}

// What can stand at the end of `words`, whose last one is being written.
Arguments CandidatesFor(Arguments const& words) {
  Arguments names;
  if (words.size() <= 1) {
    for (auto const& command : Commands()) names.emplace_back(command.name);
    names.insert(names.end(), {"--help", "--version"});
    return names;
  }
  auto const* const command = FindCommand(words.front());
  if (command == nullptr) return {};
  auto const options = command->options();
  std::size_t positional = 0;
  for (std::size_t i = 1; i + 1 < words.size(); ++i) {
    auto const* const option = FindOption(options, words[i]);
    if (option != nullptr && TakesValue(*option)) {
      if (i + 2 == words.size()) return ValueCandidates(*option);
      ++i;
    } else if (!words[i].starts_with('-') || words[i] == "-") {
      ++positional;
    }
  }
  if (words.back().starts_with('-')) return OptionNames(options);
  if (positional < command->words.size()) return {std::string(command->words[positional])};
  positional -= command->words.size();
  return Candidates(command->positional[std::min(positional, command->positional.size() - 1)]);
}

}  // namespace

int RunComplete(Arguments const& arguments, World& world) {
  auto const words = arguments.empty() ? Arguments{""} : arguments;
  for (auto const& candidate : CandidatesFor(words)) {
    if (candidate == ":files" || candidate.starts_with(words.back())) world.out << candidate << "\n";
  }
  return kDone;
}

po::options_description CompletionOptionsDescription() { return po::options_description("Options"); }

int RunCompletion(Arguments const& arguments, World& world) {
  auto const values = ParseOptions({CompletionOptionsDescription(), {"shell"}, {}}, arguments, world);
  if (!values.ok()) return UsageError(world, "completion", Sv(values.status().message()));
  auto const shell = Get<std::string>(*values, "shell");
  if (values->count("help")) {
    world.out << "Usage: helhed completion bash | zsh\n\n"
                 "Prints a script that completes commands, options, files and the contract's methods.\n\n"
                 "Examples:\n  source <(helhed completion bash)\n  helhed completion zsh > \"${fpath[1]}/_helhed\"\n";
    return kDone;
  }
  if (shell != "bash" && shell != "zsh") return UsageError(world, "completion", "say for which shell: bash or zsh");
  world.out << (shell == "bash" ? kBash : kZsh);
  return kDone;
}

}  // namespace helhed::cli
