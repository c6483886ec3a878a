#include "services/platform/storage/list_query.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "services/platform/base/random.h"
#include "services/platform/base/status.h"
#include "services/platform/base/strings.h"
#include "services/platform/storage/collation.h"
#include "services/platform/storage/sample_for_test.h"
#include "services/platform/testing/engines.h"
#include "services/platform/testing/matchers.h"

namespace helhed::storage {
namespace {

using ::testing::ElementsAre;
using testing::ForAllSeeds;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::IsOk;
using testing::StatusIs;
using Message = google::protobuf::Message;

std::string const kKey(32, 'k');

TEST(TokenSealer, OpensWhatItSealed) {
  TokenSealer const sealer(kKey);
  for (std::string const& content : {std::string(), std::string("a"), std::string(1000, '\0')}) {
    std::string const token = sealer.Seal("purpose", content);
    EXPECT_EQ(token.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"), std::string::npos);
    EXPECT_EQ(sealer.Open("purpose", token), content);
  }
}

TEST(TokenSealer, RefusesAnotherPurposeOrKey) {
  std::string const token = TokenSealer(kKey).Seal("purpose", "content");
  EXPECT_EQ(TokenSealer(kKey).Open("other", token), std::nullopt);
  EXPECT_EQ(TokenSealer(std::string(32, 'l')).Open("purpose", token), std::nullopt);
}

TEST(TokenSealer, RefusesEveryAlteration) {
  TokenSealer const sealer(kKey);
  std::string const token = sealer.Seal("purpose", "content");
  for (std::size_t i = 0; i < token.size(); ++i) {
    std::string altered = token;
    altered[i] = altered[i] == 'A' ? 'B' : 'A';
    EXPECT_EQ(sealer.Open("purpose", altered), std::nullopt) << i;
    EXPECT_EQ(sealer.Open("purpose", token.substr(0, i)), std::nullopt) << i;
  }
  EXPECT_EQ(sealer.Open("purpose", token + "A"), std::nullopt);
  EXPECT_EQ(sealer.Open("purpose", token + "="), std::nullopt);
}

TEST(TokenSealer, HidesWhatItSeals) {
  EXPECT_EQ(TokenSealer(kKey).Seal("p", std::string(200, '\0')).find("AAAAAAAAAAAA"), std::string::npos);
}

std::string ParsedOrder(std::string_view text) {
  auto const terms = ParseOrderBy(text);
  if (!terms.ok()) return ReasonOf(terms.status());
  std::string result;
  for (auto const& term : *terms) result += (term.descending ? "-" : "+") + term.field;
  return result;
}

TEST(ParseOrderBy, ReadsFieldsAndDirections) {
  EXPECT_EQ(ParsedOrder(""), "");
  EXPECT_EQ(ParsedOrder("  "), "");
  EXPECT_EQ(ParsedOrder("a"), "+a");
  EXPECT_EQ(ParsedOrder(" a  desc,b.c , d asc"), "-a+b.c+d");
}

TEST(ParseOrderBy, RefusesTheRest) {
  for (char const* text : {",", "a,", "a b", "a desc desc", "a DESC", "a, a desc", "a,b,c,d,e,f,g,h,i,j,k"}) {
    EXPECT_EQ(ParsedOrder(text), "ORDER_BY_INVALID") << text;
  }
}

class ListTest : public testing::ForBothEngines {
 protected:
  void SetUp() override {
    ForBothEngines::SetUp();
    table_ = OpenSamples(database());
  }

  void Insert(std::string const& dwelling, std::string const& rest = "") {
    auto const sample = NewSample(absl::StrCat("name: 'organisations/9001/dwellings/", dwelling, "' hidden: '", dwelling,
                                               "' period { start_date { year: 2022 month: 1 day: 1 } } ", rest));
    ASSERT_THAT(database().Write({}, [&](auto& tx) { return table_->Insert(tx, *sample, absl::UnixEpoch()); }), IsOk());
  }
  void Delete(std::string const& dwelling) {
    ASSERT_THAT(
        database().Write({}, [&](auto& tx) { return table_->Delete(tx, "organisations/9001/dwellings/" + dwelling, ""); }),
        IsOk());
  }

  // Adds the last parts of the names of a page to `found`.
  absl::StatusOr<std::string> Page(Message const& request, std::vector<std::string>& found) {
    std::string token;
    RETURN_IF_ERROR(database().Read({}, [&](ReadTransaction& tx) -> absl::Status {
      ASSIGN_OR_RETURN(token, List(tx, *table_, sealer_, request, options_,
                                   [&](Message& item) { found.emplace_back(contract::LastPart(GetText(item, "name"))); }));
      return absl::OkStatus();
    }));
    return token;
  }
  absl::StatusOr<std::string> Page(std::string const& request, std::vector<std::string>& found) {
    return Page(*NewOf("Request", request), found);
  }
  std::vector<std::string> All(std::string const& request) {
    std::vector<std::string> found;
    auto const message = NewOf("Request", request);
    for (int pages = 0; pages < 1000; ++pages) {
      auto const token = Page(*message, found);
      EXPECT_THAT(token, IsOk());
      if (!token.ok() || token->empty()) return found;
      SetText(*message, "page_token", *token);
    }
    ADD_FAILURE() << "the list does not end";
    return found;
  }
  absl::Status Refusal(std::string const& request) {
    std::vector<std::string> found;
    return Page(request, found).status();
  }

  TokenSealer sealer_{kKey};
  ListOptions options_;
  std::unique_ptr<Table> table_;
};
HELHED_BOTH_ENGINES(ListTest);

TEST_P(ListTest, AnEmptyTableIsOneEmptyPage) { EXPECT_THAT(All(""), IsEmpty()); }

TEST_P(ListTest, ThePageSizeIsBoundedAndHasADefault) {
  for (int i = 0; i < 7; ++i) Insert(absl::StrCat("d", i));
  options_.page_size_default = 2;
  options_.page_size_max = 3;
  for (auto const& [asked, given] : std::map<std::string, std::size_t>{{"", 2}, {"page_size: 1", 1}, {"page_size: 100", 3}}) {
    std::vector<std::string> found;
    EXPECT_THAT(Page(asked, found), IsOk());
    EXPECT_EQ(found.size(), given);
  }
  EXPECT_THAT(Refusal("page_size: -1"), StatusIs(absl::StatusCode::kInvalidArgument, "BAD_REQUEST"));
}

TEST_P(ListTest, TheLastPageHasNoToken) {
  for (int i = 0; i < 4; ++i) Insert(absl::StrCat("d", i));
  std::vector<std::string> found;
  EXPECT_EQ(*Page("page_size: 4", found), "");
  auto const token = *Page("page_size: 2", found);
  EXPECT_NE(token, "");
  EXPECT_EQ(*Page("page_size: 2 page_token: '" + token + "'", found), "");
}

TEST_P(ListTest, SortsAsDanesDo) {
  Insert("a", "heading: 'Aarhus'");
  Insert("b", "heading: 'Ærø'");
  Insert("c", "heading: 'Zen'");
  Insert("d", "heading: 'Ølby'");
  Insert("e", "heading: 'Åby'");
  EXPECT_THAT(All("page_size: 2 order_by: 'heading'"), ElementsAre("c", "b", "d", "e", "a"));
  EXPECT_THAT(All("page_size: 2 order_by: 'heading desc'"), ElementsAre("a", "e", "d", "b", "c"));
}

TEST_P(ListTest, WhatIsNotThereSortsFirst) {
  Insert("a", "note: 'x' day { year: 2022 month: 1 day: 1 } rank: -5 moment { seconds: -99 }");
  Insert("b");
  Insert("c", "rank: 0");
  EXPECT_THAT(All("page_size: 1 order_by: 'note'"), ElementsAre("b", "c", "a"));
  EXPECT_THAT(All("page_size: 1 order_by: 'note desc'"), ElementsAre("a", "b", "c"));
  EXPECT_THAT(All("page_size: 1 order_by: 'day desc, name desc'"), ElementsAre("a", "c", "b"));
  EXPECT_THAT(All("page_size: 1 order_by: 'rank'"), ElementsAre("b", "a", "c"));
  EXPECT_THAT(All("page_size: 1 order_by: 'moment desc'"), ElementsAre("a", "b", "c"));
}

TEST_P(ListTest, ATokenIsOfItsQueryAlone) {
  for (int i = 0; i < 4; ++i) Insert(absl::StrCat("d", i));
  std::vector<std::string> found;
  std::string const token = *Page("page_size: 2 filter: 'title = \"\"'", found);
  EXPECT_THAT(Refusal("page_size: 1 filter: 'title = \"\"' page_token: '" + token + "'"), IsOk());
  for (std::string const other : {"filter: ''", "filter: 'title != \"x\"'", "filter: 'title = \"\"' order_by: 'name desc'"}) {
    EXPECT_THAT(Refusal(other + " page_token: '" + token + "'"),
                StatusIs(absl::StatusCode::kInvalidArgument, "PAGE_TOKEN_INVALID"))
        << other;
  }
  EXPECT_THAT(Refusal("page_token: 'x'"), StatusIs(absl::StatusCode::kInvalidArgument, "PAGE_TOKEN_INVALID"));
}

TEST_P(ListTest, RefusesWhatIsNotDeclared) {
  auto status = Refusal("order_by: 'hidden'");
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kInvalidArgument, "ORDER_BY_INVALID"));
  EXPECT_THAT(MetadataOf(status)["allowed"], HasSubstr("heading"));
  EXPECT_THAT(Refusal("filter: 'hidden = a'"), StatusIs(absl::StatusCode::kInvalidArgument, "FILTER_INVALID"));
}

TEST_P(ListTest, TakesConditionsJoinsAndExpressionsOfTheHandler) {
  Insert("a", "number: 1 title: 'x'");
  Insert("b", "number: 2 title: 'y'");
  Insert("c", "number: 3 title: 'x'");
  std::int64_t const one = 1;
  options_.from = "samples s JOIN (SELECT 2 AS most, ? AS least) m ON s.number >= m.least";
  options_.from_binds = {one};
  if (engine() == Engine::kPostgres)
    options_.from = "samples s JOIN (SELECT 2 AS most, ?::bigint AS least) m ON s.number >= m.least";
  options_.alias = "s";
  options_.select = "CASE WHEN s.title = ? THEN 'ja?' ELSE 'nej' END AS computed";
  options_.select_binds = {std::string("x")};
  options_.conditions = {{"s.number <> ? OR s.number <> ?", {std::int64_t{2}, std::int64_t{2}}}};
  options_.expressions = {{"state", "CASE WHEN s.number > ? THEN 2 ELSE 1 END", {std::int64_t{2}}}};
  std::vector<std::string> computed;
  auto const request = NewOf("Request", "filter: 'state = ACTIVE OR state = MERGED' order_by: 'state desc'");
  ASSERT_THAT(database().Read({},
                              [&](ReadTransaction& tx) {
                                return List(tx, *table_, sealer_, *request, options_,
                                            [&](Message& item) {
                                              computed.push_back(GetText(item, "name").substr(29) + GetText(item, "computed"));
                                            })
                                    .status();
                              }),
              IsOk());
  EXPECT_THAT(computed, ElementsAre("cja?", "aja?"));
  EXPECT_THAT(All("page_size: 1 order_by: 'state desc'"), ElementsAre("c", "a"));
}

// Passes queries on and keeps the last one's text.
class Overheard final : public ReadTransaction {
 public:
  explicit Overheard(ReadTransaction& real) : real_(real) {}
  using ReadTransaction::Query;
  absl::StatusOr<Rows> Query(Statement const& statement, std::span<Bind const> binds) override {
    text = statement.text(engine());
    return real_.Query(statement, binds);
  }
  Engine engine() const override { return real_.engine(); }
  std::string text;

 private:
  ReadTransaction& real_;
};

TEST_P(ListTest, APageBelowAParentIsSoughtByTheRestOfTheKey) {
  for (char const* dwelling : {"a", "b", "c", "d", "e"}) Insert(dwelling);
  options_.conditions = {{"organisation = ?", {std::string("9001")}}};
  EXPECT_THAT(All("page_size: 2"), ElementsAre("a", "b", "c", "d", "e"));
  EXPECT_THAT(All("page_size: 2 order_by: 'name desc'"), ElementsAre("e", "d", "c", "b", "a"));

  std::vector<std::string> found;
  auto const message = NewOf("Request", "page_size: 2");
  auto const token = Page(*message, found);
  ASSERT_THAT(token, IsOk());
  SetText(*message, "page_token", *token);
  std::string text;
  ASSERT_THAT(database().Read({},
                              [&](ReadTransaction& tx) {
                                Overheard overheard(tx);
                                auto status = List(overheard, *table_, sealer_, *message, options_, [](Message&) {}).status();
                                text = overheard.text;
                                return status;
                              }),
              IsOk());
  auto const plan = database().Explain(Statement(Statement::Dynamic{"list.deep", text}));
  ASSERT_THAT(plan, IsOk());
  // As SQLite and as PostgreSQL say that the position is sought in the index.
  EXPECT_THAT(*plan, ::testing::AnyOf(HasSubstr("organisation=? AND dwelling>?"), HasSubstr("AND (dwelling > $2)"))) << text;
}

TEST_P(ListTest, AListOfOneHasAnOrder) {
  Insert("a");
  Insert("b");
  options_.conditions = {{"organisation = ?", {std::string("9001")}}, {"dwelling = ?", {std::string("b")}}};
  EXPECT_THAT(All("page_size: 1"), ElementsAre("b"));
}

// A row as the test knows it.
struct Model {
  std::string dwelling;
  std::string title;
  std::optional<std::string> note;
  std::string heading;
  std::int64_t number;
  std::optional<std::int64_t> rank;
  bool active;

  std::string Text() const {
    return absl::StrCat("title: '", title, "' heading: '", heading, "' number: ", number, active ? " active: true" : "",
                        note ? " note: '" + *note + "'" : "", rank ? " rank: " + std::to_string(*rank) : "");
  }
};

// Few values, so that there are many ties.
Model RandomModel(SeededRandom& random, std::string dwelling) {
  static char const* const texts[] = {"", "a", "A", "å", "aa", "ø", "z", "ab"};
  auto const text = [&] { return std::string(texts[random.Between(0, 7)]); };
  Model model{.dwelling = std::move(dwelling),
              .title = text(),
              .note = std::nullopt,
              .heading = text(),
              .number = random.Between(-1, 1),
              .rank = std::nullopt,
              .active = random.Between(0, 1) == 1};
  if (std::string note = text(); !note.empty()) model.note = note;
  if (random.Between(0, 2) > 0) model.rank = random.Between(-1, 1);
  return model;
}

// Negative when a comes first by `field`.
int CompareBy(std::string const& field, Model const& a, Model const& b) {
  auto const sign = [](auto const& x, auto const& y) { return x < y ? -1 : y < x ? 1 : 0; };
  if (field == "title") return sign(a.title, b.title);
  if (field == "note") return sign(a.note.value_or(""), b.note.value_or(""));
  if (field == "heading") return sign(DanishSortKey(a.heading), DanishSortKey(b.heading));
  if (field == "number") return sign(a.number, b.number);
  if (field == "rank") return sign(a.rank, b.rank);
  if (field == "active") return sign(a.active, b.active);
  return sign(a.dwelling, b.dwelling);
}

struct RandomOrder {
  std::vector<std::pair<std::string, bool>> terms;
  std::string text;

  explicit RandomOrder(SeededRandom& random) {
    std::vector<std::string> fields = {"title", "note", "heading", "number", "rank", "active", "name"};
    for (std::int64_t count = random.Between(0, 3); count > 0; --count) {
      auto const at = static_cast<std::size_t>(random.Between(0, static_cast<std::int64_t>(fields.size()) - 1));
      bool const descending = random.Between(0, 1) == 1;
      absl::StrAppend(&text, text.empty() ? "" : ", ", fields[at], descending ? " desc" : "");
      terms.emplace_back(fields[at], descending);
      fields.erase(fields.begin() + static_cast<std::ptrdiff_t>(at));
    }
    terms.emplace_back("name", false);
  }
  bool operator()(Model const& a, Model const& b) const {
    for (auto const& [field, descending] : terms) {
      if (int const sign = CompareBy(field, a, b); sign != 0) return (sign < 0) != descending;
    }
    return false;
  }
};

TEST_P(ListTest, WalkingGivesEachRowOnceInOrder) {
  std::vector<Model> models;
  SeededRandom rows(7);
  for (int i = 0; i < 60; ++i) {
    models.push_back(RandomModel(rows, absl::StrCat("d", i)));
    Insert(models.back().dwelling, models.back().Text());
  }
  ForAllSeeds(60, [&](SeededRandom& random) {
    RandomOrder const order(random);
    SCOPED_TRACE(order.text);
    auto sorted = models;
    std::sort(sorted.begin(), sorted.end(), order);
    std::vector<std::string> expected;
    for (auto const& model : sorted) expected.push_back(model.dwelling);
    EXPECT_EQ(All(absl::StrCat("page_size: ", random.Between(1, 25), " order_by: '", order.text, "'")), expected);
  });
}

TEST_P(ListTest, WalkingIsNotDisturbedByInsertionsAndDeletions) {
  std::map<std::string, Model> there;
  int next = 0;
  auto const insert = [&](SeededRandom& random) {
    // Keys that spread, so that new rows land before and after where the walk is.
    auto const model = RandomModel(random, absl::StrCat("d", random.Between(0, 9), "-", next++));
    Insert(model.dwelling, model.Text());
    there.emplace(model.dwelling, model);
  };
  ForAllSeeds(15, [&](SeededRandom& random) {
    while (there.size() < 30) insert(random);
    RandomOrder const order(random);
    SCOPED_TRACE(order.text);
    auto stayed = there;
    auto seen = there;
    std::vector<std::string> found;
    auto const request = NewOf("Request", absl::StrCat("page_size: ", random.Between(1, 6), " order_by: '", order.text, "'"));
    for (std::string token = "-"; !token.empty();) {
      auto const page = Page(*request, found);
      ASSERT_THAT(page, IsOk());
      token = *page;
      SetText(*request, "page_token", token);
      for (std::int64_t changes = random.Between(0, 2); changes > 0; --changes) {
        if (random.Between(0, 1) == 0 && there.size() < 40) {
          insert(random);
          seen.insert(*std::prev(there.end()));
          for (auto const& entry : there) seen.insert(entry);
        } else if (!there.empty()) {
          auto const victim = std::next(there.begin(), random.Between(0, static_cast<std::int64_t>(there.size()) - 1))->first;
          Delete(victim);
          there.erase(victim);
          stayed.erase(victim);
        }
      }
    }
    EXPECT_EQ(std::set<std::string>(found.begin(), found.end()).size(), found.size()) << "a row came twice";
    for (auto const& [dwelling, model] : stayed) EXPECT_THAT(found, ::testing::Contains(dwelling));
    for (std::size_t i = 1; i < found.size(); ++i) EXPECT_TRUE(order(seen.at(found[i - 1]), seen.at(found[i])));
  });
}

}  // namespace
}  // namespace helhed::storage
