#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "services/platform/base/civil.h"
#include "services/platform/base/random.h"
#include "services/platform/base/strings.h"
#include "services/platform/storage/collation.h"
#include "services/platform/storage/filter.h"
#include "services/platform/storage/list_query.h"
#include "services/platform/storage/sample_for_test.h"
#include "services/platform/testing/engines.h"
#include "services/platform/testing/matchers.h"

// The same random filters on the same rows by SQLite, by PostgreSQL, and by a few lines of C++: all three must agree.
namespace helhed::storage {
namespace {

using testing::ForAllSeeds;
using testing::FreshDatabase;
using testing::IsOk;

struct Row {
  std::string organisation;
  std::string dwelling;
  std::string title;
  std::string note;  // NULL when empty
  std::string heading;
  std::int64_t number = 0;
  std::optional<std::int64_t> rank;
  int state = 0;
  bool active = false;
  std::string day;  // empty when absent
  std::optional<std::int64_t> moment_seconds;
  std::string end;         // empty when absent
  std::string department;  // empty when absent
  std::optional<std::string> nickname;

  std::string name() const { return absl::StrCat("organisations/", organisation, "/dwellings/", dwelling); }
};

constexpr std::array<std::string_view, 14> kTexts = {"",   "a",      "A",  "aa",   "å",     "Åby", "Ærø",
                                                     "ab", "ba'b\"", "z*", "a%_b", "100 %", "🏠a",  "\\"};
constexpr std::array<std::string_view, 5> kDays = {"", "0001-01-01", "2021-12-31", "2022-01-01", "9999-12-31"};

template <typename Container>
auto const& Pick(SeededRandom& random, Container const& container) {
  return container[static_cast<std::size_t>(random.Between(0, static_cast<std::int64_t>(std::size(container)) - 1))];
}

Row RandomRow(SeededRandom& random, int i) {
  Row row;
  row.organisation = random.Between(0, 1) == 0 ? "9001" : "9002";
  row.dwelling = absl::StrCat("d", i);
  row.title = Pick(random, kTexts);
  row.note = Pick(random, kTexts);
  row.heading = Pick(random, kTexts);
  row.number = random.Between(-2, 2);
  if (random.Between(0, 2) > 0) row.rank = random.Between(-1, 1);
  row.state = static_cast<int>(random.Between(0, 2));
  row.active = random.Between(0, 1) == 1;
  row.day = Pick(random, kDays);
  if (random.Between(0, 2) > 0) row.moment_seconds = random.Between(-2, 2);
  row.end = Pick(random, kDays);
  if (random.Between(0, 2) > 0)
    row.department = absl::StrCat("organisations/", row.organisation, "/departments/00", random.Between(1, 2));
  if (random.Between(0, 2) > 0) row.nickname = Pick(random, kTexts);
  return row;
}

void SetDay(google::protobuf::Message& message, char const* field, std::string const& day) {
  if (day.empty()) return;
  auto* const date = message.GetReflection()->MutableMessage(&message, message.GetDescriptor()->FindFieldByName(field));
  date->CopyFrom(ToProtoDate(*FromIsoDate(day)));
}

std::unique_ptr<google::protobuf::Message> ToMessage(Row const& row) {
  auto sample = NewSample(absl::StrCat("number: ", row.number, " state: ", row.state, " active: ", row.active ? "true" : "false",
                                       row.rank ? " rank: " + std::to_string(*row.rank) : "",
                                       row.moment_seconds ? absl::StrCat(" moment { seconds: ", *row.moment_seconds, " }") : "",
                                       " period { start_date { year: 2022 month: 1 day: 1 } }"));
  SetText(*sample, "name", row.name());
  SetText(*sample, "hidden", row.dwelling);
  SetText(*sample, "title", row.title);
  SetText(*sample, "note", row.note);
  SetText(*sample, "heading", row.heading);
  SetText(*sample, "department", row.department);
  if (row.nickname) SetText(*sample, "nickname", *row.nickname);
  SetDay(*sample, "day", row.day);
  auto const* const period = sample->GetDescriptor()->FindFieldByName("period");
  SetDay(*sample->GetReflection()->MutableMessage(sample.get(), period), "end_date", row.end);
  return sample;
}

// A random filter: its text, and what it means.
struct Filter {
  std::string text;
  std::function<bool(Row const&)> holds;
};

constexpr std::array<std::string_view, 6> kOperators = {"=", "!=", "<", "<=", ">", ">="};

template <typename T>
bool Compare(std::string_view op, T const& a, T const& b) {
  if (op == "=") return a == b;
  if (op == "!=") return a != b;
  if (op == "<") return a < b;
  if (op == "<=") return a <= b;
  return op == ">" ? a > b : a >= b;
}

// Nothing but != holds of what is not there.
template <typename T>
bool CompareAbsent(std::string_view op, std::optional<T> const& a, T const& b) {
  return a ? Compare(op, *a, b) : op == "!=";
}

std::string Quoted(std::string_view text, SeededRandom& random) {
  char const quote = random.Between(0, 1) == 0 ? '"' : '\'';
  std::string result(1, quote);
  for (char const c : text) {
    if (c == quote || c == '\\' || c == '*') result += '\\';
    result += c;
  }
  return result + quote;
}

std::string Spaced(SeededRandom& random, std::string_view field, std::string_view op, std::string_view value) {
  char const* const space = random.Between(0, 1) == 0 ? " " : "";
  return absl::StrCat(Av(field), space, Av(op), space, Av(value));
}

Filter TextFilter(SeededRandom& random) {
  struct Field {
    std::string_view name;
    std::function<std::optional<std::string>(Row const&)> get;
  };
  static std::array<Field, 4> const fields = {{{"title", [](Row const& row) { return row.title; }},
                                               {"note", [](Row const& row) { return row.note; }},
                                               {"heading", [](Row const& row) { return row.heading; }},
                                               {"nickname", [](Row const& row) { return row.nickname; }}}};
  auto const& field = Pick(random, fields);
  std::string const value(Pick(random, kTexts));
  std::string const quoted = Quoted(value, random);
  auto const when_there = [get = field.get](std::function<bool(std::string const&)> test) {
    return [get, test = std::move(test)](Row const& row) { return get(row) && test(*get(row)); };
  };
  auto const starred = [&](std::string_view before, std::string_view after) {
    return quoted.substr(0, 1) + std::string(before) + quoted.substr(1, quoted.size() - 2) + std::string(after) + quoted.back();
  };
  switch (random.Between(0, 4)) {
    case 0:
      return {Spaced(random, field.name, ":", quoted),
              when_there([value](std::string const& text) { return text.find(value) != std::string::npos; })};
    case 1:
      return {Spaced(random, field.name, "=", starred("", "*")),
              when_there([value](std::string const& text) { return text.starts_with(value); })};
    case 2:
      return {Spaced(random, field.name, "=", starred("*", "")),
              when_there([value, empty = value.empty()](std::string const& text) { return empty || text.ends_with(value); })};
    case 3:
      return {absl::StrCat(Av(field.name), ":*"), field.name == "nickname"
                                                      ? when_there([](std::string const&) { return true; })
                                                      : when_there([](std::string const& text) { return !text.empty(); })};
    default:
      break;
  }
  std::string const op(Pick(random, kOperators));
  bool const danish = field.name == "heading" && op != "=" && op != "!=";
  return {Spaced(random, field.name, op, quoted), [get = field.get, op, value, danish](Row const& row) {
            auto const text = get(row);
            if (danish) return Compare(op, DanishSortKey(*text), DanishSortKey(value));
            return CompareAbsent(op, text, value);
          }};
}

Filter OtherFilter(SeededRandom& random) {
  std::string const op(Pick(random, kOperators));
  std::string const equal = random.Between(0, 1) == 0 ? "=" : "!=";
  std::int64_t const number = random.Between(-2, 2);
  std::string const day(kDays[static_cast<std::size_t>(random.Between(1, 4))]);
  switch (random.Between(0, 9)) {
    case 0:
      return {Spaced(random, "number", op, std::to_string(number)),
              [=](Row const& row) { return Compare(op, row.number, number); }};
    case 1:
      return {Spaced(random, "rank", op, std::to_string(number)),
              [=](Row const& row) { return CompareAbsent(op, row.rank, number); }};
    case 2: {
      static constexpr std::array<std::string_view, 3> states = {"DEPARTMENT_STATE_UNSPECIFIED", "ACTIVE", "MERGED"};
      auto const state = static_cast<int>(random.Between(0, 2));
      return {Spaced(random, "state", equal, states[static_cast<std::size_t>(state)]),
              [=](Row const& row) { return Compare(equal, row.state, state); }};
    }
    case 3:
      return {Spaced(random, "active", equal, "true"), [=](Row const& row) { return Compare(equal, row.active, true); }};
    case 4:
      return {Spaced(random, "day", op, day),
              [=](Row const& row) { return CompareAbsent(op, row.day.empty() ? std::nullopt : std::optional(row.day), day); }};
    case 5:
      return {Spaced(random, "moment", op,
                     absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", absl::FromUnixSeconds(number), absl::UTCTimeZone())),
              [=](Row const& row) { return CompareAbsent(op, row.moment_seconds, number); }};
    case 6:
      return {Spaced(random, "period.end_date", op, day),
              [=](Row const& row) { return CompareAbsent(op, row.end.empty() ? std::nullopt : std::optional(row.end), day); }};
    case 7: {
      std::string const name = absl::StrCat("organisations/900", random.Between(1, 2), "/departments/00", random.Between(1, 2));
      return {Spaced(random, "department", equal, name), [=](Row const& row) { return Compare(equal, row.department, name); }};
    }
    case 8: {
      std::string const name = absl::StrCat("organisations/900", random.Between(1, 2), "/dwellings/d", random.Between(0, 39));
      return {Spaced(random, "name", equal, name), [=](Row const& row) { return Compare(equal, row.name(), name); }};
    }
    default:
      return {"day:*", [](Row const& row) { return !row.day.empty(); }};
  }
}

// With the parentheses that OR before AND asks for, and often some more.
Filter RandomFilter(SeededRandom& random, int depth) {
  if (depth == 0 || random.Between(0, 3) == 0) return random.Between(0, 1) == 0 ? TextFilter(random) : OtherFilter(random);
  Filter const a = RandomFilter(random, depth - 1);
  Filter const b = RandomFilter(random, depth - 1);
  switch (random.Between(0, 3)) {
    case 0:
      return {absl::StrCat("(", a.text, ") OR (", b.text, ")"), [a, b](Row const& row) { return a.holds(row) || b.holds(row); }};
    case 1:
      return {absl::StrCat("(", a.text, ") AND (", b.text, ")"), [a, b](Row const& row) { return a.holds(row) && b.holds(row); }};
    case 2:
      return {absl::StrCat("(", a.text, ") (", b.text, ")"), [a, b](Row const& row) { return a.holds(row) && b.holds(row); }};
    default:
      return {absl::StrCat(random.Between(0, 1) == 0 ? "NOT " : "-", "(", a.text, ")"),
              [a](Row const& row) { return !a.holds(row); }};
  }
}

struct Store {
  explicit Store(Engine engine, std::span<Row const> rows)
      : fresh(engine), database(fresh.Open()), table(OpenSamples(*database)) {
    std::vector<std::unique_ptr<google::protobuf::Message>> messages;
    std::vector<google::protobuf::Message*> pointers;
    for (auto const& row : rows) pointers.push_back(messages.emplace_back(ToMessage(row)).get());
    auto const status =
        database->Write({}, [&](WriteTransaction& tx) { return table->InsertMany(tx, pointers, absl::UnixEpoch()); });
    EXPECT_THAT(status, IsOk());
  }
  absl::StatusOr<std::vector<std::string>> Find(std::string const& filter) {
    auto const request = NewOf("Request", "page_size: 1000");
    SetText(*request, "filter", filter);
    std::vector<std::string> names;
    absl::Status const status = database->Read({}, [&](ReadTransaction& tx) {
      return List(tx, *table, sealer, *request, {}, [&](auto& item) { names.push_back(GetText(item, "name")); }).status();
    });
    if (!status.ok()) return status;
    return names;
  }

  FreshDatabase fresh;
  std::unique_ptr<Database> database;
  std::unique_ptr<Table> table;
  TokenSealer sealer{std::string(32, 'k')};
};

TEST(FilterDifferential, BothEnginesFindWhatTheFilterMeans) {
  std::vector<Row> rows;
  SeededRandom random_rows(11);
  for (int i = 0; i < 40; ++i) rows.push_back(RandomRow(random_rows, i));
  Store sqlite(Engine::kSqlite, rows);
  Store postgres(Engine::kPostgres, rows);
  int some = 0;
  ForAllSeeds(300, [&](SeededRandom& random) {
    Filter const filter = RandomFilter(random, static_cast<int>(random.Between(0, 4)));
    SCOPED_TRACE(filter.text);
    std::vector<std::string> expected;
    for (auto const& row : rows) {
      if (filter.holds(row)) expected.push_back(row.name());
    }
    // Names of one length apart from their digits: by organisation and then by text, as the key sorts.
    std::sort(expected.begin(), expected.end());
    some += !expected.empty() && expected.size() < rows.size();
    auto const by_sqlite = sqlite.Find(filter.text);
    auto const by_postgres = postgres.Find(filter.text);
    ASSERT_THAT(by_sqlite, IsOk());
    ASSERT_THAT(by_postgres, IsOk());
    EXPECT_EQ(*by_sqlite, expected);
    EXPECT_EQ(*by_postgres, expected);
  });
  EXPECT_GT(some, 100) << "the filters tell too little apart to prove anything";
}

}  // namespace
}  // namespace helhed::storage
