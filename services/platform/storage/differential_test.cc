#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/platform/base/random.h"
#include "services/platform/base/status.h"
#include "services/platform/base/strings.h"
#include "services/platform/storage/database.h"
#include "services/platform/storage/migrate_text.h"
#include "services/platform/testing/engines.h"
#include "services/platform/testing/matchers.h"

// The same random transactions on both engines come to the same results and the same errors.
namespace helhed::storage {
namespace {

using helhed::testing::ForAllSeeds;
using helhed::testing::FreshDatabase;
using helhed::testing::IsOk;

constexpr std::uint64_t kSeeds = 60;
constexpr int kTransactions = 12;

constexpr char kSchema[] = R"(
CREATE TABLE owners (owner TEXT NOT NULL PRIMARY KEY);
CREATE TABLE items (
  owner  TEXT    NOT NULL REFERENCES owners,
  item   TEXT    NOT NULL,
  amount BIGINT  NOT NULL CHECK (amount BETWEEN -100 AND 100),
  flag   BOOLEAN,
  data   BYTEA,
  code   TEXT    UNIQUE,
  PRIMARY KEY (owner, item)
);
)";

struct Template {
  char const* text;
  // o owner, i item, n number, f flag, d data, c code; capital letters may be NULL.
  char const* binds;
};

constexpr Template kTemplates[] = {
    {"INSERT INTO owners (owner) VALUES ($1)", "o"},
    {"INSERT INTO owners (owner) VALUES ($1) ON CONFLICT (owner) DO NOTHING", "o"},
    {"DELETE FROM owners WHERE owner = $1", "o"},
    {"INSERT INTO items (owner, item, amount, flag, data, code) VALUES ($1, $2, $3, $4, $5, $6) RETURNING item, amount",
     "oiNFDC"},
    {"INSERT INTO items (owner, item, amount) VALUES ($1, $2, $3) ON CONFLICT (owner, item) DO UPDATE SET amount = items.amount "
     "+ "
     "excluded.amount RETURNING amount",
     "oin"},
    {"UPDATE items SET amount = amount + $2 WHERE owner = $1", "on"},
    {"UPDATE items SET code = $2 WHERE item = $1 RETURNING owner", "iC"},
    {"DELETE FROM items WHERE owner = $1 AND amount < $2", "on"},
    {"SELECT owner, item, amount, flag, data, code FROM items WHERE owner = $1 ORDER BY owner, item", "o"},
    {"SELECT item, COUNT(*) AS n, SUM(amount) AS total, MAX(code) AS highest FROM items GROUP BY item ORDER BY item", ""},
    {"SELECT o.owner, i.item FROM owners o LEFT JOIN items i ON i.owner = o.owner AND i.flag = $1 ORDER BY 1, 2 NULLS LAST", "f"},
    {"WITH big AS (SELECT owner, item FROM items WHERE amount > $1) SELECT owner FROM big ORDER BY owner DESC LIMIT 3", "n"},
    {"SELECT owner FROM owners WHERE (owner, owner) > ($1, $1) AND owner LIKE $2 ORDER BY owner", "oi"},
    {"SELECT COALESCE(code, $1) AS a, length(item) AS b, upper(item) AS c FROM items WHERE code IS NULL OR code <> $1 ORDER BY "
     "owner, item",
     "c"},
};

// One statement with its values, which it owns.
struct Step {
  Statement statement;
  std::vector<Rows::Value> values;
  enum class How { kQuery, kExecute, kEnqueue } how;
  std::vector<Bind> Binds() const {
    std::vector<Bind> binds;
    for (Rows::Value const& value : values) {
      std::visit(
          [&](auto const& v) {
            using V = std::decay_t<decltype(v)>;
            if constexpr (std::is_same_v<V, std::string>) {
              binds.emplace_back(std::string_view(v));
            } else if constexpr (std::is_same_v<V, std::vector<std::byte>>) {
              binds.emplace_back(Bytes(v));
            } else {
              binds.emplace_back(v);
            }
          },
          value);
    }
    return binds;
  }
};

Rows::Value RandomValue(SeededRandom& random, char kind) {
  if (kind < 'a') {
    if (random.Between(0, 3) == 0) return nullptr;
    kind = static_cast<char>(kind - 'A' + 'a');
  }
  constexpr char const* kTexts[] = {"", "a", "B", "b", "ab%", "_x", "å", "Ø"};
  switch (kind) {
    case 'n':
      return random.Between(-60, 60);
    case 'f':
      return random.Between(0, 1) == 1;
    case 'd':
      return std::vector<std::byte>(static_cast<std::size_t>(random.Between(0, 3)), std::byte(random.Between(0, 255)));
    case 'i':
      // ASCII, as upper() on SQLite knows no other letters.
      return std::string(kTexts[random.Between(0, 5)]);
    default:
      return std::string(kTexts[random.Between(0, 7)]);
  }
}

Step RandomStep(SeededRandom& random) {
  auto const index = static_cast<std::size_t>(random.Between(0, std::size(kTemplates) - 1));
  Step step{
      .statement = Statement(Statement::Dynamic{.name = absl::StrCat("differential.", index), .text = kTemplates[index].text}),
      .values = {},
      .how = static_cast<Step::How>(random.Between(0, 2))};
  for (char const kind : std::string_view(kTemplates[index].binds)) step.values.push_back(RandomValue(random, kind));
  return step;
}

std::string Print(Rows const& rows) {
  std::string text = absl::StrJoin(rows.columns(), ",");
  for (std::size_t row = 0; row < rows.size(); ++row) {
    text += "\n";
    for (std::size_t column = 0; column < rows.columns().size(); ++column) {
      std::visit(
          [&](auto const& v) {
            using V = std::decay_t<decltype(v)>;
            if constexpr (std::is_same_v<V, std::nullptr_t>) {
              text += "NULL|";
            } else if constexpr (std::is_same_v<V, std::string>) {
              text += "'" + v + "'|";
            } else if constexpr (std::is_same_v<V, std::vector<std::byte>>) {
              for (std::byte const b : v) absl::StrAppend(&text, absl::Hex(static_cast<int>(b), absl::kZeroPad2));
              text += "|";
            } else {
              absl::StrAppend(&text, static_cast<std::int64_t>(v), "|");
            }
          },
          rows.At(row, column));
    }
  }
  return text;
}

std::string Print(absl::Status const& status) {
  return absl::StrCat(absl::StatusCodeToString(status.code()), " ", ReasonOf(status));
}

// What one transaction answers, step by step, and comes to.
std::string Transact(Database& database, std::vector<Step> const& steps, bool gives_up) {
  std::string log;
  absl::Status const status = database.Write({}, [&](WriteTransaction& tx) -> absl::Status {
    log.clear();
    for (Step const& step : steps) {
      std::vector<Bind> const binds = step.Binds();
      if (step.how == Step::How::kEnqueue) {
        RETURN_IF_ERROR(tx.Enqueue(step.statement, binds));
      } else if (step.how == Step::How::kExecute) {
        auto const changed = tx.Execute(step.statement, binds);
        log += changed.ok() ? absl::StrCat(step.statement.name(), ": ", *changed, "\n") : Print(changed.status());
        RETURN_IF_ERROR(changed.status());
      } else {
        auto const rows = tx.Query(step.statement, binds);
        log += absl::StrCat(step.statement.name(), ": ", rows.ok() ? Print(*rows) : Print(rows.status()), "\n");
        RETURN_IF_ERROR(rows.status());
      }
    }
    return gives_up ? absl::CancelledError("given up") : absl::OkStatus();
  });
  return absl::StrCat(log, "-> ", Print(status));
}

TEST(DifferentialTest, BothEnginesAnswerAlike) {
  FreshDatabase const fresh_sqlite(Engine::kSqlite);
  FreshDatabase const fresh_postgres(Engine::kPostgres);
  auto const sqlite = fresh_sqlite.Open();
  auto const postgres = fresh_postgres.Open();
  Statement const none(Statement::Dynamic{.name = "differential.none", .text = "DELETE FROM items"});
  Statement const no_owners(Statement::Dynamic{.name = "differential.no_owners", .text = "DELETE FROM owners"});
  ASSERT_THAT(sqlite->RunScript(ToSqlite(kSchema), none, {}), IsOk());
  ASSERT_THAT(postgres->RunScript(kSchema, none, {}), IsOk());
  int committed = 0;
  ForAllSeeds(kSeeds, [&](SeededRandom& random) {
    for (Database* const database : {sqlite.get(), postgres.get()}) {
      ASSERT_THAT(database->Write({},
                                  [&](WriteTransaction& tx) -> absl::Status {
                                    RETURN_IF_ERROR(tx.Execute(none, {}).status());
                                    return tx.Execute(no_owners, {}).status();
                                  }),
                  IsOk());
    }
    for (int i = 0; i < kTransactions; ++i) {
      std::vector<Step> steps;
      for (std::int64_t n = random.Between(1, 5); n > 0; --n) steps.push_back(RandomStep(random));
      bool const gives_up = random.Between(0, 9) == 0;
      std::string const expected = Transact(*sqlite, steps, gives_up);
      EXPECT_EQ(expected, Transact(*postgres, steps, gives_up));
      if (expected.ends_with("-> OK ")) ++committed;
    }
  });
  // A generator that only makes errors would prove little.
  EXPECT_GT(committed, static_cast<int>(kSeeds) * kTransactions / 4);
}

}  // namespace
}  // namespace helhed::storage
