#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "services/platform/storage/list_query.h"
#include "services/platform/storage/migrate.h"

// The processes of the test besides the test itself. Each runs until it is killed.
namespace helhed::events::order {

// A table with one row for each transaction that was committed, written by it: what there is to read.
extern storage::Migration const kTruth[1];

storage::TokenSealer Sealer();

// Appends events named `<writer>-<thread>-<sequence>/<index>` in transactions that are short or long, kept or not.
[[noreturn]] void Write(std::string const& connection, std::string const& writer);

// Appends `<event> <cursor>` lines to a file, beginning where the file ends.
[[noreturn]] void Read(std::string const& connection, std::string const& file);

// The same by number alone: what a reader must not do.
[[noreturn]] void ReadNaively(std::string const& connection, std::string const& file);

// What such a file holds. A line that its writer did not live to end is cut off the file.
struct Line {
  std::string event;
  std::string cursor;
};
std::vector<Line> LinesOf(std::string const& file);

// Go on from the end of the file until there is no more; for the test, when all others have ended.
void ReadToTheEnd(std::string const& connection, std::string const& file);
void ReadNaivelyToTheEnd(std::string const& connection, std::string const& file);

}  // namespace helhed::events::order
