#include "cli/dwelling_file.h"

#include <absl/strings/ascii.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_replace.h>

#include <algorithm>
#include <array>
#include <unordered_map>

#include "services/platform/base/civil.h"
#include "services/platform/base/random.h"
#include "services/platform/base/strings.h"

namespace helhed::cli {
namespace {

using residents::v1::CreateDwellingRequest;

enum Column : std::size_t {
  kDwellingId,
  kDepartment,
  kAddress,
  kAddressUuid,
  kKvhxKey,
  kFloor,
  kDoor,
  kBuildingSection,
  kArea,
  kStartDate,
  kEndDate,
};

// A column's name as people write it: capitals, spaces and hyphens are the same as small letters and underscores.
std::string Normalised(std::string_view name) {
  auto text = absl::AsciiStrToLower(absl::StripAsciiWhitespace(Av(name)));
  std::replace(text.begin(), text.end(), ' ', '_');
  std::replace(text.begin(), text.end(), '-', '_');
  return absl::StrReplaceAll(text, {{"Æ", "æ"}, {"Ø", "ø"}, {"Å", "å"}});
}

std::optional<std::size_t> ColumnNamed(std::string_view name) {
  auto const wanted = Normalised(name);
  auto const& columns = DwellingColumns();
  for (std::size_t i = 0; i < columns.size(); ++i) {
    auto const& aliases = columns[i].aliases;
    if (wanted == columns[i].name || std::find(aliases.begin(), aliases.end(), wanted) != aliases.end()) return i;
  }
  return std::nullopt;
}

bool AllDigits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return '0' <= c && c <= '9'; });
}

}  // namespace

std::vector<DwellingColumn> const& DwellingColumns() {
  static auto const* const columns = new std::vector<DwellingColumn>{
      {"dwelling_id",
       {"lejemål", "lejemaal", "lejemål_id", "lejemålsnummer", "lejemålsnr"},
       "dwelling_id",
       false,
       "id within the organisation"},
      {"department", {"afdeling", "afdelingsnummer", "afdelingsnr", "afd"}, "dwelling.department", true, "LBF number: 001"},
      {"address", {"adresse"}, "dwelling.address", true, "as people write it"},
      {"address_uuid", {"adresse_uuid", "adresse_id", "dar_id"}, "dwelling.address_uuid", false, "UUID in DAR"},
      {"kvhx_key", {"kvhx", "kvhx_nøgle"}, "dwelling.kvhx_key", false, "19 characters: 01018005__14__2__th"},
      {"floor", {"etage"}, "dwelling.floor", false, "1 to 99, st, kl, k2 to k9"},
      {"door", {"dør", "sidedør"}, "dwelling.door", false, "tv, mf, th, or a number"},
      {"building_section", {"byggeafsnit"}, "dwelling.building_section", false, "within the department"},
      {"area", {"area_square_metres", "areal", "boligareal", "m2"}, "dwelling.area_square_metres", false, "whole square metres"},
      {"start_date", {"startdato", "fra_dato"}, "dwelling.period.start_date", true, "first day let: 2020-01-31 or 31-01-2020"},
      {"end_date",
       {"slutdato", "til_dato"},
       "dwelling.period.end_date",
       false,
       "the day after the last one; empty: until further notice"},
  };
  return *columns;
}

std::optional<std::string> DepartmentName(std::string_view organisation, std::string_view cell) {
  if (cell.starts_with("organisations/")) return std::string(cell);
  // Spreadsheets take leading zeros away.
  constexpr std::size_t digits = 3;
  if (!AllDigits(cell) || cell.size() > digits) return std::nullopt;
  return absl::StrCat(Av(organisation), "/departments/", std::string(digits - cell.size(), '0'), Av(cell));
}

std::optional<google::type::Date> ParseDate(std::string_view cell) {
  auto day = FromIsoDate(cell);
  if (!day && cell.size() == 10 && cell[2] == '-' && cell[5] == '-') {
    auto const part = [&](std::size_t from, std::size_t bytes) { return Av(cell.substr(from, bytes)); };
    auto const iso = absl::StrCat(part(6, 4), "-", part(3, 2), "-", part(0, 2));
    day = FromIsoDate(iso);
  }
  if (!day) return std::nullopt;
  return ToProtoDate(*day);
}

// Makes a file of its records, one after the other.
class DwellingFile::Builder {
 public:
  Builder(DwellingFile& file, std::string_view organisation) : file_(file), organisation_(organisation) {}

  absl::Status ReadHeader(CsvRecord const& record) {
    auto& header = file_.header_;
    if (record.fault) return absl::InvalidArgumentError(absl::StrCat("line ", record.line, ": ", record.fault->description));
    for (auto const& cell : record.cells) {
      auto const column = ColumnNamed(cell.text);
      if (!column) return UnknownColumn(record, cell);
      if (std::find(header.columns.begin(), header.columns.end(), *column) != header.columns.end()) {
        return absl::InvalidArgumentError(absl::StrCat("line ", record.line, ": the column '", cell.text, "' is there twice"));
      }
      header.columns.push_back(*column);
      header.names.push_back(cell.text);
    }
    std::string missing;
    for (std::size_t i = 0; i < DwellingColumns().size(); ++i) {
      bool const found = std::find(header.columns.begin(), header.columns.end(), i) != header.columns.end();
      if (DwellingColumns()[i].required && !found)
        absl::StrAppend(&missing, missing.empty() ? "" : ", ", Av(DwellingColumns()[i].name));
    }
    if (missing.empty()) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrCat("the header lacks: ", missing));
  }

  void ReadRow(CsvRecord const& record) {
    line_ = record.line;
    faults_before_ = file_.faults_.size();
    CreateDwellingRequest request;
    if (record.fault) {
      line_ = record.fault->place.line;
      Fault(record.fault->cell,
            absl::StrCat("character ", record.fault->place.column, " of the line: ", record.fault->description));
    } else if (record.cells.size() != file_.header_.columns.size()) {
      Fault(0, absl::StrCat("has ", record.cells.size(), " cells, the header has ", file_.header_.columns.size()));
    } else {
      // Of a mistyped header line too: the parent is what the whole batch has.
      for (std::size_t i = 0; i < record.cells.size(); ++i)
        Take(i + 1, Sv(absl::StripAsciiWhitespace(record.cells[i].text)), request);
      CheckUnique(request);
    }
    if (file_.faults_.size() > faults_before_) {
      ++file_.refused_;
    } else {
      file_.rows_.push_back({line_, request.SerializeAsString()});
    }
  }

 private:
  static absl::Status UnknownColumn(CsvRecord const& record, CsvCell const& cell) {
    std::string known;
    for (auto const& column : DwellingColumns()) absl::StrAppend(&known, known.empty() ? "" : ", ", Av(column.name));
    return absl::InvalidArgumentError(
        absl::StrCat("line ", record.line, ": there is no column '", cell.text, "'; the columns are ", known));
  }

  void Fault(std::size_t column, std::string_view reason) {
    auto const& names = file_.header_.names;
    auto name = column == 0 || column > names.size() ? "" : names[column - 1];
    file_.faults_.push_back({line_, column, std::move(name), std::string(reason)});
  }

  // Puts a cell where it belongs. Empty cells say nothing; what must not be empty, the service knows.
  void Take(std::size_t number, std::string_view cell, CreateDwellingRequest& request) {
    if (cell.empty()) return;
    auto& dwelling = *request.mutable_dwelling();
    auto const text = std::string(cell);
    switch (file_.header_.columns[number - 1]) {
      case kDwellingId:
        request.set_dwelling_id(text);
        break;
      case kAddress:
        dwelling.set_address(text);
        break;
      case kAddressUuid:
        dwelling.set_address_uuid(absl::AsciiStrToLower(text));
        break;
      case kKvhxKey:
        dwelling.set_kvhx_key(text);
        break;
      case kFloor:
        dwelling.set_floor(text);
        break;
      case kDoor:
        dwelling.set_door(text);
        break;
      case kBuildingSection:
        dwelling.set_building_section(text);
        break;
      case kDepartment:
        return TakeDepartment(number, cell, dwelling);
      case kArea:
        return TakeArea(number, cell, dwelling);
      case kStartDate:
        return TakeDate(number, cell, *dwelling.mutable_period()->mutable_start_date());
      case kEndDate:
        return TakeDate(number, cell, *dwelling.mutable_period()->mutable_end_date());
      default:
        break;
    }
  }

  void TakeDepartment(std::size_t number, std::string_view cell, residents::v1::Dwelling& dwelling) {
    auto name = DepartmentName(organisation_, cell);
    if (!name) return Fault(number, "must be the department's LBF number of three digits, such as 001");
    dwelling.set_department(*std::move(name));
  }

  void TakeArea(std::size_t number, std::string_view cell, residents::v1::Dwelling& dwelling) {
    std::int32_t area = 0;
    if (!AllDigits(cell) || !absl::SimpleAtoi(Av(cell), &area)) return Fault(number, "must be whole square metres, such as 74");
    dwelling.set_area_square_metres(area);
  }

  void TakeDate(std::size_t number, std::string_view cell, google::type::Date& date) {
    auto const parsed = ParseDate(cell);
    if (!parsed) return Fault(number, "must be an existing date as YYYY-MM-DD or DD-MM-YYYY");
    date = *parsed;
  }

  // The service sees one batch at a time, and when it only checks, nothing of the ones before: that a row is there twice shows
  // only here.
  void CheckUnique(CreateDwellingRequest& request) {
    auto const& dwelling = request.dwelling();
    // With an address_uuid the service knows the dwelling by that, whatever its name.
    if (request.dwelling_id().empty() && dwelling.address_uuid().empty()) {
      auto const key =
          dwelling.kvhx_key().empty() ? absl::StrCat(dwelling.department(), "\n", dwelling.address()) : dwelling.kvhx_key();
      request.set_dwelling_id(UuidOf(absl::StrCat("helhed import dwellings\n", Av(organisation_), "\n", key)));
    }
    if (!request.dwelling_id().empty()) CheckUnique(ids_, request.dwelling_id(), kDwellingId, "is the same dwelling as line ");
    if (!dwelling.address_uuid().empty()) CheckUnique(address_uuids_, dwelling.address_uuid(), kAddressUuid, "is also on line ");
  }

  void CheckUnique(std::unordered_map<std::string, std::size_t>& seen, std::string const& value, std::size_t column,
                   std::string_view what) {
    auto const [place, is_new] = seen.emplace(value, line_);
    if (is_new) return;
    auto const& columns = file_.header_.columns;
    auto const found = std::find(columns.begin(), columns.end(), column);
    Fault(found == columns.end() ? 0 : static_cast<std::size_t>(found - columns.begin()) + 1,
          absl::StrCat(Av(what), place->second));
  }

  DwellingFile& file_;
  std::string_view organisation_;
  std::size_t line_ = 0;
  std::size_t faults_before_ = 0;
  std::unordered_map<std::string, std::size_t> ids_;
  std::unordered_map<std::string, std::size_t> address_uuids_;
};

absl::StatusOr<DwellingFile> DwellingFile::Parse(std::string_view text, std::string_view organisation, char separator) {
  DwellingFile file;
  Builder builder(file, organisation);
  CsvReader reader(text, separator == 0 ? GuessSeparator(text) : separator);
  CsvRecord record;
  do {
    if (!reader.Next(record)) return absl::InvalidArgumentError("the file is empty; its first line names the columns");
  } while (record.blank());
  if (auto status = builder.ReadHeader(record); !status.ok()) return status;
  while (reader.Next(record)) {
    if (!record.blank()) builder.ReadRow(record);
  }
  return file;
}

RowFault DwellingFile::FaultOf(DwellingRow const& row, std::string_view field, std::string_view reason) const {
  // `dwelling.period` is the start date's column, `dwelling.kvhx_key` its own.
  auto const covers = [](std::string_view path, std::string_view other) {
    return other == path || (other.starts_with(path) && other[path.size()] == '.');
  };
  for (std::size_t i = 0; i < header_.columns.size(); ++i) {
    auto const column = DwellingColumns()[header_.columns[i]].field;
    if (!field.empty() && field != "dwelling" && (covers(field, column) || covers(column, field))) {
      return {row.line, i + 1, header_.names[i], std::string(reason)};
    }
  }
  return {row.line, 0, "", field.empty() ? std::string(reason) : absl::StrCat(Av(field), ": ", Av(reason))};
}

}  // namespace helhed::cli
