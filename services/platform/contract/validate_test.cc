#include <gmock/gmock.h>

#include <array>
#include <functional>
#include <thread>

#include "helhed/residents/v1/housing_register_service.pb.h"
#include "helhed/test/v1/shapes.pb.h"
#include "services/platform/contract/contract.h"
#include "services/platform/contract/text.h"
#include "services/platform/testing/matchers.h"

namespace helhed::contract {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::IsOk;
using testing::StatusIs;
using ::testing::UnorderedElementsAre;

// `field: description` of every violation.
std::vector<std::string> Faults(google::protobuf::Message const& request) {
  std::vector<std::string> faults;
  for (auto const& violation : ViolationsOf(Validate(request))) faults.push_back(violation.field + ": " + violation.description);
  return faults;
}

std::vector<std::string> Fields(google::protobuf::Message const& request) {
  std::vector<std::string> fields;
  for (auto const& violation : ViolationsOf(Validate(request))) fields.push_back(violation.field);
  return fields;
}

void SetDate(google::type::Date& date, int year, int month, int day) {
  date.set_year(year);
  date.set_month(month);
  date.set_day(day);
}

test::v1::Rules RulesWith(std::function<void(test::v1::Rules&)> const& set) {
  test::v1::Rules rules;
  set(rules);
  return rules;
}

test::v1::UpdateShapeRequest GoodUpdate() {
  test::v1::UpdateShapeRequest request;
  auto& shape = *request.mutable_shape();
  shape.set_name("planes/p/shapes/s");
  shape.set_title("Square");
  SetDate(*shape.mutable_period()->mutable_start_date(), 2022, 1, 1);
  return request;
}

TEST(Validate, AcceptsAGoodRequest) {
  residents::v1::GetDwellingRequest get;
  get.set_name("organisations/9001/dwellings/a");
  SetDate(*get.mutable_as_of_date(), 2024, 2, 29);
  EXPECT_THAT(Validate(get), IsOk());
  EXPECT_THAT(Validate(test::v1::Rules()), IsOk());
}

TEST(Validate, NamesEveryViolationAtOnce) {
  residents::v1::MergeDepartmentsRequest merge;
  merge.set_name("departments/001");
  merge.add_predecessors("organisations/9001/departments/002");
  merge.add_predecessors("organisations/9001/departments/002");
  merge.add_predecessors("organisations/9001");
  merge.set_request_id("ONE");
  EXPECT_THAT(Validate(merge), StatusIs(absl::StatusCode::kInvalidArgument, "BAD_REQUEST"));
  EXPECT_THAT(
      Faults(merge),
      UnorderedElementsAre("name: must be a name like organisations/{organisation}/departments/{department}",
                           "predecessors[1]: must not repeat an element before it",
                           "predecessors[2]: must be a name like organisations/{organisation}/departments/{department}",
                           "merge_date: is required", "request_id: must be a UUID in its canonical lower-case form (RFC 9562)"));
}

TEST(Validate, NamesFieldsByTheirPath) {
  test::v1::BatchRequest batch;
  for (int i = 0; i < 13; ++i) *batch.add_shapes() = GoodUpdate().shape();
  EXPECT_THAT(Faults(batch), IsEmpty());
  batch.mutable_shapes(12)->mutable_point()->mutable_tag();
  batch.mutable_shapes(3)->mutable_period()->mutable_start_date()->set_month(13);
  EXPECT_THAT(Fields(batch), ElementsAre("shapes[3].period.start_date", "shapes[12].point.tag.text"));
}

TEST(Validate, LeavesTheElementsToTheHandlerWhereTheContractSaysSo) {
  test::v1::BatchRequest batch;
  batch.add_rows();
  batch.add_rows();
  EXPECT_THAT(Faults(batch), IsEmpty());
  batch.add_rows();
  EXPECT_THAT(Faults(batch), ElementsAre("rows: must have at most 2 elements"));
}

TEST(Validate, CountsLengthInCodePoints) {
  auto const length = [](std::string const& text) { return Faults(RulesWith([&](auto& rules) { rules.set_length(text); })); };
  EXPECT_THAT(length("ab"), IsEmpty());
  EXPECT_THAT(length("æøåÆ"), IsEmpty());
  EXPECT_THAT(length("𝄞𝄞𝄞𝄞"), IsEmpty());
  EXPECT_THAT(length(""), IsEmpty()) << "rules about content apply when the field is set";
  EXPECT_THAT(length("a"), ElementsAre("length: must have at least 2 characters"));
  EXPECT_THAT(length("æøåÆØ"), ElementsAre("length: must have at most 4 characters"));
}

TEST(Validate, AppliesContentRulesToAChosenEmptyValue) {
  EXPECT_THAT(Faults(RulesWith([](auto& rules) { rules.set_chosen(""); })),
              ElementsAre("chosen: must have at least 1 characters"));
}

TEST(Validate, LimitsWhatHasNoRule) {
  EXPECT_THAT(Faults(RulesWith([](auto& rules) { rules.set_any_length(std::string(10'000, 'x')); })), IsEmpty());
  EXPECT_THAT(Faults(RulesWith([](auto& rules) { rules.set_any_length(std::string(10'001, 'x')); })),
              ElementsAre("any_length: must have at most 10000 characters"));
  test::v1::Rules rules;
  for (int i = 0; i < 1'000; ++i) rules.add_colours(test::v1::COLOUR_RED);
  EXPECT_THAT(Faults(rules), IsEmpty());
  rules.add_colours(test::v1::COLOUR_RED);
  EXPECT_THAT(Faults(rules), ElementsAre("colours: must have at most 1000 elements"));
}

TEST(Validate, MatchesPatternsFromStartToEnd) {
  auto const pattern = [](std::string const& text) { return Faults(RulesWith([&](auto& rules) { rules.set_pattern(text); })); };
  EXPECT_THAT(pattern("aaa"), IsEmpty());
  EXPECT_THAT(pattern("b"), IsEmpty());
  for (auto const* const text : {"ab", "bb", "xb", "b\n", "aaax"}) {
    EXPECT_THAT(pattern(text), ElementsAre("pattern: must match a+|b from start to end (RE2)")) << text;
  }
}

TEST(Validate, TakesCanonicalUuids) {
  auto const uuid = [](std::string const& text) { return Fields(RulesWith([&](auto& rules) { rules.set_uuid(text); })); };
  EXPECT_THAT(uuid("0190f3a5-5b7e-7c3a-9d5e-0123456789ab"), IsEmpty());
  EXPECT_THAT(uuid("0190F3A5-5B7E-7C3A-9D5E-0123456789AB"), ElementsAre("uuid"));
  EXPECT_THAT(uuid("0190f3a55b7e7c3a9d5e0123456789ab"), ElementsAre("uuid"));
}

TEST(Validate, BoundsIntegers) {
  auto const small = [](int value) { return Faults(RulesWith([&](auto& rules) { rules.set_small(value); })); };
  for (auto const value : {-5, -1, 0, 5}) EXPECT_THAT(small(value), IsEmpty());
  EXPECT_THAT(small(-6), ElementsAre("small: must be at least -5"));
  EXPECT_THAT(small(6), ElementsAre("small: must be at most 5"));
  EXPECT_THAT(Fields(RulesWith([](auto& rules) { rules.set_large(10); })), IsEmpty());
  EXPECT_THAT(Fields(RulesWith([](auto& rules) { rules.set_large(~std::uint64_t{0}); })), ElementsAre("large"));
  EXPECT_THAT(Fields(RulesWith([](auto& rules) { rules.add_numbers(-3); })), ElementsAre("numbers[0]"));
}

TEST(Validate, BoundsPageSizesWithoutARule) {
  auto const page = [](int size) { return Faults(RulesWith([&](auto& rules) { rules.set_page_size(size); })); };
  EXPECT_THAT(page(0), IsEmpty());
  EXPECT_THAT(page(1000), IsEmpty());
  EXPECT_THAT(page(-1), ElementsAre("page_size: must be at least 0"));
  EXPECT_THAT(page(1001), ElementsAre("page_size: must be at most 1000"));
}

TEST(Validate, CountsAndComparesItems) {
  auto const items = [](std::vector<std::string> const& texts) {
    return Faults(RulesWith([&](auto& rules) { rules.mutable_items()->Assign(texts.begin(), texts.end()); }));
  };
  EXPECT_THAT(items({}), IsEmpty());
  EXPECT_THAT(items({"a", "b"}), IsEmpty());
  EXPECT_THAT(items({"a"}), ElementsAre("items: must have at least 2 elements"));
  EXPECT_THAT(items({"a", "b", "c", "d"}), ElementsAre("items: must have at most 3 elements"));
  EXPECT_THAT(items({"a", "b", "a"}), ElementsAre("items[2]: must not repeat an element before it"));
  EXPECT_THAT(items({"a", "long"}), ElementsAre("items[1]: must have at most 3 characters"));
  EXPECT_THAT(Fields(RulesWith([](auto& rules) {
                for (auto const number : {7, 8, 7}) rules.add_numbers(number);
              })),
              ElementsAre("numbers[2]"));
  EXPECT_THAT(Fields(RulesWith([](auto& rules) {
                for (auto const day : {1, 2, 1}) SetDate(*rules.add_dates(), 2024, 1, day);
              })),
              ElementsAre("dates[2]"));
}

TEST(Validate, RefusesBytesThatAreTooMany) {
  EXPECT_THAT(Faults(RulesWith([](auto& rules) { rules.set_raw("\xFF\x01"); })), IsEmpty());
  EXPECT_THAT(Faults(RulesWith([](auto& rules) { rules.set_raw("abc"); })), ElementsAre("raw: must have at most 2 bytes"));
}

TEST(Validate, RefusesIllFormedText) {
  for (std::string const text :
       {"\x80", "\xC3", "\xC0\xAF", "\xE0\x80\xAF", "\xED\xA0\x80", "\xF4\x90\x80\x80", "abcdefgh\xFF"}) {
    EXPECT_THAT(Faults(RulesWith([&](auto& rules) { rules.set_any_length(text); })),
                ElementsAre("any_length: must be well-formed UTF-8"));
  }
  EXPECT_THAT(Faults(RulesWith([](auto& rules) { rules.set_any_length(std::string("a\0b", 3)); })),
              ElementsAre("any_length: must not contain the character U+0000"));
}

TEST(CodePoints, AgreeWithEncoding) {
  testing::ForAllSeeds(300, [](SeededRandom& random) {
    std::string text;
    auto const count = random.Between(0, 40);
    for (int i = 0; i < count; ++i) {
      auto point = static_cast<std::uint32_t>(random.Between(0, 3) == 0 ? random.Between(0, 0x10FFFF) : random.Between(1, 0x7F));
      if (point >= 0xD800 && point <= 0xDFFF) point = 0xE6;
      if (point < 0x80) {
        text += static_cast<char>(point);
      } else if (point < 0x800) {
        text += {static_cast<char>(0xC0 | point >> 6), static_cast<char>(0x80 | (point & 0x3F))};
      } else if (point < 0x10000) {
        text += {static_cast<char>(0xE0 | point >> 12), static_cast<char>(0x80 | (point >> 6 & 0x3F)),
                 static_cast<char>(0x80 | (point & 0x3F))};
      } else {
        text += {static_cast<char>(0xF0 | point >> 18), static_cast<char>(0x80 | (point >> 12 & 0x3F)),
                 static_cast<char>(0x80 | (point >> 6 & 0x3F)), static_cast<char>(0x80 | (point & 0x3F))};
      }
    }
    EXPECT_EQ(CodePoints(text), static_cast<std::size_t>(count));
    EXPECT_EQ(CodePoints(text + "\xBF"), std::nullopt);
  });
}

TEST(Validate, AsksForWhatIsRequired) {
  test::v1::Needs needs;
  EXPECT_THAT(Fields(needs), UnorderedElementsAre("text", "point", "colour", "items", "chosen"));
  needs.set_text("t");
  needs.mutable_point();
  needs.set_colour(test::v1::COLOUR_RED);
  needs.add_items("i");
  needs.set_chosen(0);
  EXPECT_THAT(Faults(needs), IsEmpty());
}

TEST(Validate, RefusesEnumValuesThatTheContractDoesNotHave) {
  test::v1::Rules rules;
  rules.add_colours(test::v1::COLOUR_RED);
  rules.add_colours(static_cast<test::v1::Colour>(7));
  EXPECT_THAT(Faults(rules), ElementsAre("colours[1]: must be a value of Colour"));
  residents::v1::BatchCreateDwellingsRequest batch;
  batch.set_atomicity(static_cast<residents::v1::BatchAtomicity>(9));
  EXPECT_THAT(Fields(batch), UnorderedElementsAre("parent", "requests", "atomicity"));
}

TEST(Validate, TakesDatesThatExist) {
  auto const date = [](int year, int month, int day) {
    return Fields(RulesWith([&](auto& rules) { SetDate(*rules.mutable_date(), year, month, day); }));
  };
  EXPECT_THAT(date(2024, 2, 29), IsEmpty());
  for (auto const& [year, month, day] : std::vector<std::array<int, 3>>{
           {2023, 2, 29}, {2024, 0, 1}, {2024, 1, 0}, {0, 1, 1}, {0, 0, 0}, {2024, 13, 1}, {10000, 1, 1}, {2024, -1, 1}}) {
    EXPECT_THAT(date(year, month, day), ElementsAre("date")) << year << "-" << month << "-" << day;
  }
}

TEST(Validate, TakesRangesThatEndAfterTheyStart) {
  auto request = GoodUpdate();
  auto& period = *request.mutable_shape()->mutable_period();
  EXPECT_THAT(Fields(request), IsEmpty());
  SetDate(*period.mutable_end_date(), 2022, 1, 2);
  EXPECT_THAT(Fields(request), IsEmpty());
  SetDate(*period.mutable_end_date(), 2022, 1, 1);
  EXPECT_THAT(Fields(request), ElementsAre("shape.period.end_date")) << "half open: the end is the day after the last one";
  SetDate(*period.mutable_end_date(), 2022, 2, 30);
  EXPECT_THAT(Fields(request), ElementsAre("shape.period.end_date"));
  period.clear_end_date();
  period.clear_start_date();
  EXPECT_THAT(Fields(request), ElementsAre("shape.period.start_date"));
}

TEST(Validate, TakesInstantsAndDurationsWithinTheirLimits) {
  auto const time = [](std::int64_t seconds, int nanos) {
    return Fields(RulesWith([&](auto& rules) {
      rules.mutable_time()->set_seconds(seconds);
      rules.mutable_time()->set_nanos(nanos);
    }));
  };
  EXPECT_THAT(time(253'402'300'799, 999'999'999), IsEmpty());
  EXPECT_THAT(time(253'402'300'800, 0), ElementsAre("time"));
  EXPECT_THAT(time(-62'135'596'801, 0), ElementsAre("time"));
  EXPECT_THAT(time(0, -1), ElementsAre("time"));
  EXPECT_THAT(time(0, 1'000'000'000), ElementsAre("time"));
  auto const duration = [](std::int64_t seconds, int nanos) {
    return Fields(RulesWith([&](auto& rules) {
      rules.mutable_duration()->set_seconds(seconds);
      rules.mutable_duration()->set_nanos(nanos);
    }));
  };
  EXPECT_THAT(duration(-1, -5), IsEmpty());
  EXPECT_THAT(duration(-1, 5), ElementsAre("duration"));
  EXPECT_THAT(duration(1, -5), ElementsAre("duration"));
  EXPECT_THAT(duration(315'576'000'001, 0), ElementsAre("duration"));
  EXPECT_THAT(duration(0, 1'000'000'000), ElementsAre("duration"));
}

TEST(Validate, TakesMasksOfPaths) {
  auto const mask = [](std::string const& path) {
    return Fields(RulesWith([&](auto& rules) { rules.mutable_mask()->add_paths(path); }));
  };
  for (auto const* const path : {"*", "a", "a.b_c.d2"}) EXPECT_THAT(mask(path), IsEmpty()) << path;
  for (auto const* const path : {"", ".", "a.", ".a", "a..b", "camelCase", "a b", "**"}) {
    EXPECT_THAT(mask(path), ElementsAre("mask.paths[0]")) << path;
  }
}

TEST(Validate, TakesNamesThatFitTheirType) {
  EXPECT_THAT(Fields(RulesWith([](auto& rules) { rules.set_reference("planes/a/shapes/b"); })), IsEmpty());
  EXPECT_THAT(Faults(RulesWith([](auto& rules) { rules.set_reference("planes/a"); })),
              ElementsAre("reference: must be a name like planes/{plane}/shapes/{shape}"));
  EXPECT_THAT(Fields(RulesWith([](auto& rules) {
                rules.add_references("planes/a/shapes/b");
                rules.add_references("x");
              })),
              ElementsAre("references[1]"));
  auto request = GoodUpdate();
  request.mutable_shape()->set_name("shapes/s");
  EXPECT_THAT(Fields(request), ElementsAre("shape.name"));
}

TEST(ValidateUpdate, NeedsTheNameAndTheMaskedFields) {
  test::v1::UpdateShapeRequest request;
  EXPECT_THAT(Fields(request), ElementsAre("shape"));
  request.mutable_shape()->set_title("Square");
  EXPECT_THAT(Fields(request), ElementsAre("shape.name"));
  request.mutable_shape()->set_name("planes/p/shapes/s");
  EXPECT_THAT(Fields(request), IsEmpty()) << "without a mask only what is set is written";
  request.mutable_update_mask()->add_paths("title");
  EXPECT_THAT(Fields(request), IsEmpty());
  request.mutable_shape()->clear_title();
  EXPECT_THAT(Fields(request), ElementsAre("shape.title")) << "clearing it";
  request.mutable_update_mask()->add_paths("period");
  EXPECT_THAT(Fields(request), ElementsAre("shape.title", "shape.period"));
  request.mutable_update_mask()->clear_paths();
  request.mutable_update_mask()->add_paths("*");
  EXPECT_THAT(Fields(request), ElementsAre("shape.title", "shape.period"));
}

TEST(ValidateUpdate, NeedsNoMoreOfAMessageThanItsMaskedParts) {
  auto request = GoodUpdate();
  request.mutable_shape()->mutable_period()->clear_start_date();
  SetDate(*request.mutable_shape()->mutable_period()->mutable_end_date(), 2025, 1, 1);
  request.mutable_update_mask()->add_paths("period.end_date");
  EXPECT_THAT(Fields(request), IsEmpty());
  request.mutable_update_mask()->add_paths("period.start_date");
  EXPECT_THAT(Fields(request), ElementsAre("shape.period.start_date"));
  request.mutable_update_mask()->clear_paths();
  EXPECT_THAT(Fields(request), ElementsAre("shape.period.start_date")) << "without a mask the period is written whole";
}

TEST(ValidateUpdate, NamesEveryPathThatIsNone) {
  auto request = GoodUpdate();
  for (auto const* const path : {"title", "colours", "point.z", "tags.x", "point.x", "*", "Ærø"}) {
    request.mutable_update_mask()->add_paths(path);
  }
  EXPECT_THAT(Faults(request),
              ElementsAre("update_mask.paths[1]: `colours` is not a field of Shape",
                          "update_mask.paths[2]: `point.z` is not a field of Shape",
                          "update_mask.paths[3]: `tags.x` is not a field of Shape", "update_mask.paths[5]: `*` must stand alone",
                          "update_mask.paths[6]: this path is not a field of Shape"));
}

TEST(ValidateUpdate, HoldsWithinBatches) {
  test::v1::BatchRequest batch;
  *batch.add_requests() = GoodUpdate();
  *batch.add_requests() = GoodUpdate();
  batch.mutable_requests(1)->mutable_update_mask()->add_paths("nothing");
  batch.add_shapes();
  EXPECT_THAT(Fields(batch), ElementsAre("requests[1].update_mask.paths[0]", "shapes[0].title", "shapes[0].period"));
}

TEST(Validate, DoesNotLookAtWhatACallerMayNotSet) {
  auto request = GoodUpdate();
  request.mutable_shape()->set_state("\xFF");
  request.mutable_shape()->mutable_create_time()->set_nanos(-1);
  EXPECT_THAT(Fields(request), IsEmpty());
}

TEST(Validate, EndsWithMessagesThatLieTooDeep) {
  test::v1::Chain chain;
  auto* last = &chain;
  for (int i = 0; i < 64; ++i) last = last->mutable_next();
  EXPECT_THAT(Fields(chain), IsEmpty());
  last->mutable_next();
  EXPECT_THAT(Faults(chain), ElementsAre(HasSubstr("must not lie deeper than 64 messages")));
}

TEST(Validate, NeverRepeatsAPrivateValue) {
  test::v1::Private message;
  message.set_pattern("0101011234x");
  message.set_personal(std::string(10'001, 'p'));
  auto const status = Validate(message);
  EXPECT_THAT(Fields(message), UnorderedElementsAre("personal", "pattern"));
  EXPECT_THAT(status.ToString(), ::testing::Not(HasSubstr("0101011234")));
  EXPECT_THAT(status.ToString(), ::testing::Not(HasSubstr("pppp")));
}

TEST(Validate, IsSafeFromManyThreadsAtOnce) {
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([] {
      for (int j = 0; j < 200; ++j) {
        residents::v1::CreateHouseholdRequest request;
        ClearOutputOnly(request);
        EXPECT_EQ(Fields(request).size(), 2U);
      }
    });
  }
}

}  // namespace
}  // namespace helhed::contract
