#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>

#include <iomanip>
#include <iostream>
#include <limits>

#include "cli/commands.h"
#include "cli/connection.h"
#include "cli/importer.h"
#include "cli/progress.h"
#include "cli/render.h"

namespace helhed::cli {
namespace {

constexpr std::string_view kPath = "/helhed.residents.v1.HousingRegisterService/BatchCreateDwellings";
constexpr int kBatchMax = 1000;

constexpr std::string_view kImportHelp =
    "Usage: helhed import dwellings FILE.csv --organisation organisations/9001 [OPTIONS]\n\n"
    "Enters dwellings from a CSV file: UTF-8, separated by , or ; with the names of the columns on the first line. Every bad\n"
    "row is reported with line, column and reason. Nothing is stored unless all rows are good, or --per-row is given.\n"
    "An interrupted import is carried on by running it again: rows that are there already are left as they are.\n"
    "Rows are known by dwelling_id or address_uuid; one with neither gets an id made from kvhx_key, else department and "
    "address.\n\n"
    "Columns, English or Danish, in any order:\n";
constexpr std::string_view kImportExamples =
    "\nExamples:\n"
    "  helhed import dwellings dwellings.csv --organisation organisations/9001 --dry-run\n"
    "  helhed import dwellings lejemål.csv --organisation organisations/9001 --per-row --address 127.0.0.1:8443 \\\n"
    "    --identity-key cli.key --grant register-admin@organisations/9001\n\n"
    "Exit codes: 0 every row is there, 1 rows were refused or the import did not finish, 2 the command line is wrong.\n";

void PrintHelp(std::ostream& out, po::options_description const& visible) {
  out << kImportHelp;
  for (auto const& column : DwellingColumns()) {
    out << "  " << std::left << std::setw(17) << column.name << std::setw(10) << (column.required ? "required" : "")
        << column.help << " (";
    for (auto const& alias : column.aliases) out << (&alias == &column.aliases.front() ? "" : ", ") << alias;
    out << ")\n";
  }
  out << "\n" << visible << kImportExamples;
}

void PrintFault(std::ostream& out, std::string const& path, RowFault const& fault) {
  out << path << ":" << fault.line << ": ";
  if (fault.column > 0)
    out << "column " << fault.column << (fault.column_name.empty() ? "" : " (" + fault.column_name + ")") << ": ";
  out << fault.reason << "\n";
}

void PrintSummary(std::ostream& out, ImportSummary const& summary, bool is_finished, absl::Duration took) {
  out << (is_finished ? "" : "not finished; ") << (summary.stored ? "created " : "nothing stored; to create ") << summary.created
      << ", unchanged " << summary.unchanged << ", refused " << summary.refused << ", "
      << absl::StrFormat("%.1f", absl::ToDoubleSeconds(took)) << " s\n";
}

absl::StatusOr<Importer::Answer> SendBatch(World const& world, Connection& connection, Importer::Batch const& batch) {
  if (world.stop.stop_requested()) return absl::CancelledError("interrupted");
  auto const* const method = contract::FindMethod(kPath);
  if (method == nullptr) return absl::InternalError("BatchCreateDwellings is not linked into this program");
  return client::Invoke<Importer::Answer>(connection.channel(), kPath, batch, connection.OptionsFor(*method));
}

int ImportFile(World& world, Connection& connection, std::string const& path, std::string const& content,
               DwellingFile const& file, ImportOptions const& options) {
  auto const start = world.clock.Now();
  Progress progress(world.err, world.err_is_terminal);
  // What is wrong with the file itself and what the service refuses comes out in order of lines.
  auto own = file.faults().begin();
  auto const print_own = [&](std::size_t line_end) {
    for (; own != file.faults().end() && own->line < line_end; ++own) PrintFault(world.out, path, *own);
  };
  Importer::Report report;
  report.fault = [&](RowFault const& fault) {
    progress.Clear();
    print_own(fault.line);
    PrintFault(world.out, path, fault);
  };
  report.progress = [&](Importer::Phase phase, std::size_t done, std::size_t all) {
    progress.Show(phase == Importer::Phase::kChecking ? "checked" : "stored", done, all);
  };
  Importer importer(
      file, content, options, [&](Importer::Batch const& batch) { return SendBatch(world, connection, batch); },
      [&] { return NewUuid(world.clock.Now(), world.random); }, report);
  auto const status = importer.Run();
  progress.Clear();
  print_own(std::numeric_limits<std::size_t>::max());
  PrintSummary(world.out, importer.summary(), status.ok(), world.clock.Now() - start);
  world.out.flush();
  if (!status.ok()) {
    PrintError(world.err, status);
    bool const may_pass = absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status) || absl::IsCancelled(status) ||
                          absl::IsAborted(status) || absl::IsResourceExhausted(status);
    world.err << "the import is not finished; " << (may_pass ? "" : "put that right and ")
              << "run the same command again to carry on\n";
  }
  return status.ok() && importer.summary().refused == 0 ? kDone : kFailed;
}

absl::StatusOr<ImportOptions> OptionsOf(po::variables_map const& values) {
  ImportOptions options;
  options.organisation = Get<std::string>(values, "organisation");
  options.dry_run = values["dry-run"].as<bool>();
  options.per_row = values["per-row"].as<bool>();
  auto const batch = values["batch"].as<int>();
  if (batch < 1 || batch > kBatchMax) return absl::InvalidArgumentError(absl::StrCat("--batch takes 1 to ", kBatchMax, " rows"));
  options.batch_rows = static_cast<std::size_t>(batch);
  constexpr std::string_view collection = "organisations/";
  if (!options.organisation.starts_with(collection) || options.organisation.size() == collection.size()) {
    return absl::InvalidArgumentError("say whose dwellings they are: --organisation organisations/9001");
  }
  auto const separator = Get<std::string>(values, "separator");
  if (!separator.empty() && separator != "," && separator != ";") return absl::InvalidArgumentError("--separator takes , or ;");
  return options;
}

}  // namespace

po::options_description ImportOptionsDescription() {
  po::options_description options("Options");
  options.add_options()                                                                                      //
      ("organisation", po::value<std::string>()->value_name("NAME"), "whose dwellings: organisations/9001")  //
      ("dry-run", po::bool_switch(), "check every row, store nothing")                                       //
      ("per-row", po::bool_switch(), "store the good rows although there are bad ones")                      //
      ("batch", po::value<int>()->value_name("ROWS")->default_value(500), "rows in one call, 1000 at most")  //
      ("separator", po::value<std::string>()->value_name("CHARACTER"), ", or ; when the first line leaves it open");
  options.add(ConnectionOptions());
  return options;
}

int RunImport(Arguments const& arguments, World& world) {
  auto const visible = ImportOptionsDescription();
  auto const values = ParseOptions({visible, {"what", "file"}, ConnectionOptionNames()}, arguments, world);
  if (!values.ok()) return UsageError(world, "import", Sv(values.status().message()));
  if (values->count("help")) {
    PrintHelp(world.out, visible);
    return kDone;
  }
  if (Get<std::string>(*values, "what") != "dwellings") return UsageError(world, "import", "say what to import: dwellings");
  auto const path = Get<std::string>(*values, "file");
  if (path.empty()) return UsageError(world, "import", "say which file to read");
  auto const options = OptionsOf(*values);
  if (!options.ok()) return UsageError(world, "import", Sv(options.status().message()));
  auto connection = Connection::Open(*values, world);
  if (absl::IsInvalidArgument(connection.status())) return UsageError(world, "import", Sv(connection.status().message()));
  if (!connection.ok()) {
    PrintError(world.err, connection.status());
    return kFailed;
  }
  auto const content = ReadFile(path, world);
  if (!content.ok()) return UsageError(world, "import", Sv(content.status().message()));
  auto const separator = Get<std::string>(*values, "separator");
  auto const file = DwellingFile::Parse(*content, options->organisation, separator.empty() ? '\0' : separator.front());
  if (!file.ok()) {
    world.err << path << ": " << file.status().message() << "\n";
    return kFailed;
  }
  return ImportFile(world, *connection, path, *content, *file, *options);
}

}  // namespace helhed::cli
