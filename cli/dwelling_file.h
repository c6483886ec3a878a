#pragma once

#include <absl/status/statusor.h>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/csv.h"
#include "helhed/residents/v1/housing_register_service.pb.h"

// A CSV file of dwellings, read into requests of the contract, with the place of everything that is wrong in it.
namespace helhed::cli {

// A column that a file may have.
struct DwellingColumn {
  // Its name, and what else Danish spreadsheets call it.
  std::string_view name;
  std::vector<std::string_view> aliases;
  // The field of CreateDwellingRequest that it fills.
  std::string_view field;
  bool required = false;
  std::string_view help;
};
std::vector<DwellingColumn> const& DwellingColumns();

// Something wrong with a row. Faults sort by where they are.
struct RowFault {
  std::size_t line = 0;
  // From 1; 0 where the row as a whole is meant.
  std::size_t column = 0;
  // The column's name as the file writes it.
  std::string column_name;
  std::string reason;
};

struct DwellingRow {
  std::size_t line = 0;
  // A serialized CreateDwellingRequest: a national file has 600,000 rows, and bytes are a quarter of the size of messages.
  std::string request;
};

class DwellingFile {
 public:
  // Reads a whole file. `separator` 0 means to find out. INVALID_ARGUMENT when the header cannot be used; what is wrong with rows
  // is in faults(). The service knows a row by its dwelling_id or its address_uuid; one with neither gets an id made from its
  // kvhx_key, else from department and address, so that it is the same dwelling in every run.
  static absl::StatusOr<DwellingFile> Parse(std::string_view text, std::string_view organisation, char separator = 0);

  std::vector<DwellingRow> const& rows() const { return rows_; }
  // In order of lines.
  std::vector<RowFault> const& faults() const { return faults_; }
  // How many rows have a fault.
  std::size_t refused() const { return refused_; }

  // A violation of the service, `field` as a path from the row (`dwelling.kvhx_key`), brought back to the file.
  RowFault FaultOf(DwellingRow const& row, std::string_view field, std::string_view reason) const;

 private:
  struct Header {
    // For each cell the column it is, and its name as written.
    std::vector<std::size_t> columns;
    std::vector<std::string> names;
  };
  class Builder;

  Header header_;
  std::vector<DwellingRow> rows_;
  std::vector<RowFault> faults_;
  std::size_t refused_ = 0;
};

// The contract's ids from what is left of a cell after the spreadsheet: `1` or `001` -> `001`; a full name stays.
std::optional<std::string> DepartmentName(std::string_view organisation, std::string_view cell);

// YYYY-MM-DD or DD-MM-YYYY.
std::optional<google::type::Date> ParseDate(std::string_view cell);

}  // namespace helhed::cli
