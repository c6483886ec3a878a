#include <array>
#include <iomanip>
#include <iostream>

#include "cli/commands.h"

namespace helhed::cli {
namespace {

void PrintHelp(std::ostream& out) {
  out << "helhed: the command line for operators and integrators of Helhed\n\n"
         "Usage: helhed COMMAND [OPTIONS]\n\nCommands:\n";
  for (auto const& command : Commands()) out << "  " << std::left << std::setw(12) << command.name << command.summary << "\n";
  out << "\n'helhed COMMAND --help' explains a command. 'helhed --version' prints the version.\n"
         "Options may come from the environment: HELHED_ADDRESS, HELHED_IDENTITY_KEY, HELHED_GRANT and so on.\n"
         "Exit codes: 0 done, 1 the call failed or rows were refused, 2 the command line is wrong.\n\n"
         "Examples:\n"
         "  helhed token --new-key cli.key cli.pub --key-id cli-2026\n"
         "  export HELHED_ADDRESS=127.0.0.1:8443 HELHED_IDENTITY_KEY=cli.key HELHED_GRANT=register-admin\n"
         "  helhed call CreateOrganisation '{\"organisationId\": \"9001\", \"organisation\": {\"displayName\": \"Amager Bo\"}}'\n"
         "  helhed import dwellings dwellings.csv --organisation organisations/9001 --dry-run\n"
         "  source <(helhed completion bash)\n";
}

}  // namespace

std::span<Command const> Commands() {
  static auto const* const commands = new std::array<Command, 5>{{
      {"call",
       "call any method of the contract, JSON in and out",
       RunCall,
       CallOptionsDescription,
       {},
       {Completes::kMethods, Completes::kFiles}},
      {"describe",
       "print what the contract says about a method or message",
       RunDescribe,
       DescribeOptionsDescription,
       {},
       {Completes::kDescribable}},
      {"token", "make a key pair, or print a signed identity", RunToken, TokenOptionsDescription, {}, {Completes::kFiles}},
      {"import", "enter dwellings from a CSV file", RunImport, ImportOptionsDescription, {"dwellings"}, {Completes::kFiles}},
      {"completion",
       "print a completion script for bash or zsh",
       RunCompletion,
       CompletionOptionsDescription,
       {},
       {Completes::kShells}},
  }};
  return *commands;
}

Command const* FindCommand(std::string_view name) {
  for (auto const& command : Commands()) {
    if (command.name == name) return &command;
  }
  return nullptr;
}

int Run(Arguments const& arguments, World& world) {
  if (arguments.empty()) {
    PrintHelp(world.err);
    return kUsage;
  }
  auto const& name = arguments.front();
  Arguments const rest(arguments.begin() + 1, arguments.end());
  if (name == "--help" || name == "-h" || name == "help") {
    if (auto const* const command = rest.empty() ? nullptr : FindCommand(rest.front())) return command->run({"--help"}, world);
    PrintHelp(world.out);
    return kDone;
  }
  if (name == "--version") {
    world.out << "helhed " << HELHED_VERSION << "\n";
    return kDone;
  }
  if (name == "__complete") return RunComplete(rest, world);
  auto const* const command = FindCommand(name);
  if (command == nullptr) return UsageError(world, "", "there is no command '" + name + "'");
  return command->run(rest, world);
}

}  // namespace helhed::cli
