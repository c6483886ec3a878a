#include <absl/strings/str_cat.h>

#include <iomanip>
#include <iostream>

#include "cli/commands.h"
#include "cli/connection.h"
#include "cli/methods.h"
#include "cli/render.h"

namespace helhed::cli {
namespace {

constexpr std::string_view kHelp =
    "Usage: helhed call METHOD [JSON | @FILE | -] [OPTIONS]\n"
    "       helhed call --list\n\n"
    "Calls a method of the contract. METHOD is GetDwelling, HousingRegisterService.GetDwelling or a full name.\n"
    "The request is proto3 JSON, from the command line, a file or the standard input; without one it is {}. The answer\n"
    "is JSON; of a stream, one line for each message until Ctrl-C. A change gets a new request_id when JSON has none, so\n"
    "that it is tried again safely when the service does not answer; --id repeats an earlier call.\n\n";
constexpr std::string_view kExamples =
    "\nExamples:\n"
    "  helhed call GetDwelling '{\"name\": \"organisations/9001/dwellings/d-1\"}' --address 127.0.0.1:8443 --token my.token\n"
    "  helhed call CreateDepartment @department.json --identity-key cli.key --grant register-admin\n"
    "  helhed call WatchEvents '{\"cursor\": \"$end\"}'\n\n"
    "Exit codes: 0 done, 1 the call failed (the error is on stderr), 2 the command line is wrong.\n";

int List(World& world) {
  for (auto const* const method : AllMethods()) {
    world.out << std::left << std::setw(24) << ShortName(*method) << " " << Summary(*method) << "\n";
  }
  return kDone;
}

int Fail(World& world, bool as_json, absl::Status const& status) {
  if (as_json) {
    world.err << ErrorJson(status) << "\n";
  } else {
    PrintError(world.err, status);
  }
  return kFailed;
}

// `-` and `@file` are read; anything else is the JSON itself.
absl::StatusOr<std::string> JsonText(std::string const& argument, World const& world) {
  if (argument == "-") return ReadFile("-", world);
  if (argument.starts_with('@')) return ReadFile(argument.substr(1), world);
  return argument.empty() ? "{}" : argument;
}

// Gives a change an id when it has none. Returns the id, empty for methods without one.
absl::StatusOr<std::string> SetRequestId(google::protobuf::Message& request, std::string const& wanted, World const& world) {
  auto const* const field = request.GetDescriptor()->FindFieldByName("request_id");
  if (field == nullptr) {
    if (wanted.empty()) return "";
    return absl::InvalidArgumentError(absl::StrCat(request.GetDescriptor()->name(), " has no request_id: it changes nothing"));
  }
  auto const* const reflection = request.GetReflection();
  auto id = reflection->GetString(request, field);
  if (!wanted.empty() && !id.empty() && id != wanted) return absl::InvalidArgumentError("--id and the JSON give two request ids");
  if (id.empty()) id = wanted.empty() ? NewUuid(world.clock.Now(), world.random) : wanted;
  reflection->SetString(&request, field, id);
  return id;
}

absl::Status Print(World& world, contract::Method const& method, std::string_view bytes, JsonLayout layout) {
  auto const response = NewMessage(*method.descriptor().output_type());
  if (!response->ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return absl::InternalError("the answer is not a message of the contract");
  }
  ASSIGN_OR_RETURN(auto const json, ToJson(*response, layout));
  world.out << json << (json.ends_with('\n') ? "" : "\n") << std::flush;
  return absl::OkStatus();
}

absl::Status Unary(World& world, Connection& connection, contract::Method const& method, std::string const& request) {
  ASSIGN_OR_RETURN(auto const bytes, connection.channel().Call(method, request, connection.OptionsFor(method)));
  return Print(world, method, bytes, JsonLayout::kIndented);
}

absl::Status Stream(World& world, Connection& connection, contract::Method const& method, std::string const& request) {
  absl::Status printed;
  auto const status = connection.channel().Stream(method, request, connection.OptionsFor(method), [&](std::string_view bytes) {
    printed = Print(world, method, bytes, JsonLayout::kOneLine);
    return printed.ok() && world.out.good();
  });
  // Who ends a stream with Ctrl-C got what was asked for.
  if (world.stop.stop_requested()) return printed;
  return printed.ok() ? status : printed;
}

int Call(World& world, po::variables_map const& values, contract::Method const& method, google::protobuf::Message const& request,
         std::string const& request_id) {
  bool const json_errors = values["json-errors"].as<bool>();
  auto connection = Connection::Open(values, world);
  if (absl::IsInvalidArgument(connection.status())) return UsageError(world, "call", Sv(connection.status().message()));
  if (!connection.ok()) return Fail(world, json_errors, connection.status());
  auto const bytes = request.SerializeAsString();
  auto const status =
      method.is_server_stream() ? Stream(world, *connection, method, bytes) : Unary(world, *connection, method, bytes);
  if (status.ok()) return kDone;
  Fail(world, json_errors, status);
  // Nobody knows whether it happened; with the same id it is safe to ask again.
  bool const unknown = absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status) || absl::IsCancelled(status);
  if (unknown && !request_id.empty() && !json_errors) world.err << "  to repeat this very call: --id " << request_id << "\n";
  return kFailed;
}

}  // namespace

po::options_description CallOptionsDescription() {
  po::options_description options("Options");
  options.add_options()                                                                                  //
      ("list", po::bool_switch(), "list the methods")                                                    //
      ("id", po::value<std::string>()->value_name("UUID"), "the request_id, to repeat an earlier call")  //
      ("json-errors", po::bool_switch(), "print errors as AIP-193 JSON");
  options.add(ConnectionOptions());
  return options;
}

int RunCall(Arguments const& arguments, World& world) {
  auto const visible = CallOptionsDescription();
  auto const values = ParseOptions({visible, {"method", "json"}, ConnectionOptionNames()}, arguments, world);
  if (!values.ok()) return UsageError(world, "call", Sv(values.status().message()));
  if (values->count("help")) {
    world.out << kHelp << visible << kExamples;
    return kDone;
  }
  if ((*values)["list"].as<bool>()) return List(world);
  if (!values->count("method")) return UsageError(world, "call", "say which METHOD; 'helhed call --list' lists them");
  auto const method = ResolveMethod((*values)["method"].as<std::string>());
  if (!method.ok()) return UsageError(world, "call", Sv(method.status().message()));
  auto const json = JsonText(Get<std::string>(*values, "json"), world);
  if (!json.ok()) return UsageError(world, "call", Sv(json.status().message()));
  auto const request = FromJson(*(*method)->descriptor().input_type(), *json);
  if (!request.ok()) return UsageError(world, "call", Sv(request.status().message()));
  auto const request_id = SetRequestId(**request, Get<std::string>(*values, "id"), world);
  if (!request_id.ok()) return UsageError(world, "call", Sv(request_id.status().message()));
  return Call(world, *values, **method, **request, *request_id);
}

po::options_description DescribeOptionsDescription() { return po::options_description("Options"); }

int RunDescribe(Arguments const& arguments, World& world) {
  auto const visible = DescribeOptionsDescription();
  auto const values = ParseOptions({visible, {"name"}, {}}, arguments, world);
  if (!values.ok()) return UsageError(world, "describe", Sv(values.status().message()));
  if (values->count("help")) {
    world.out << "Usage: helhed describe METHOD | MESSAGE | ENUM | SERVICE\n\n"
                 "Prints the contract's own text, comments included. Short names will do.\n\n"
                 "Examples:\n  helhed describe BatchCreateDwellings\n  helhed describe Dwelling\n";
    return kDone;
  }
  if (!values->count("name")) return UsageError(world, "describe", "say what to describe: a method, message, enum or service");
  auto const text = Describe((*values)["name"].as<std::string>());
  if (!text.ok()) return UsageError(world, "describe", Sv(text.status().message()));
  world.out << *text;
  return kDone;
}

}  // namespace helhed::cli
