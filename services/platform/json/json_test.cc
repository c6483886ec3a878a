#include "services/platform/json/json.h"

#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>
#include <rapidjson/document.h>

#include "helhed/jsontest/v1/every.pb.h"
#include "services/platform/testing/matchers.h"

namespace helhed::json {
namespace {

using helhed::testing::EqualsProto;
using helhed::testing::ForAllSeeds;
using helhed::testing::IsOk;
using jsontest::v1::Every;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

Every Good(std::string_view text) {
  Every every;
  EXPECT_THAT(Read(text, every), IsOk()) << text;
  return every;
}

// The fields that are refused.
std::vector<std::string> Refused(std::string_view text) {
  Every every;
  std::vector<std::string> fields;
  for (auto const& violation : ViolationsOf(Read(text, every))) fields.push_back(violation.field);
  return fields;
}

std::vector<std::string> Given(std::string_view text) {
  Every every;
  Violations violations;
  std::vector<std::string> given;
  Read(text, every, "every", violations, &given);
  EXPECT_THAT(violations, IsEmpty());
  return given;
}

// protobuf's own printer and parser: the oracle, where it is as strict as we are.
std::string Oracle(google::protobuf::Message const& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.always_print_primitive_fields = true;
  std::string json;
  EXPECT_TRUE(google::protobuf::util::MessageToJsonString(message, &json, options).ok());
  return json;
}

TEST(JsonNumbers, SixtyFourBitsAreStringsOutAndEitherIn) {
  EXPECT_EQ(Good(R"({"large": "9007199254740993"})").large(), 9007199254740993);
  EXPECT_EQ(Good(R"({"large": 9007199254740993})").large(), 9007199254740993);
  EXPECT_EQ(Good(R"({"largePositive": 18446744073709551615})").large_positive(), 18446744073709551615U);
  Every every;
  every.set_large(9007199254740993);
  EXPECT_THAT(Write(every), HasSubstr(R"("large":"9007199254740993")"));
  EXPECT_THAT(Write(every), HasSubstr(R"("fixed":"0")"));
  EXPECT_THAT(Write(every), HasSubstr(R"("small":0)"));
}

TEST(JsonNumbers, AnExponentIsTakenOnlyWhenTheNumberIsWhole) {
  EXPECT_EQ(Good(R"({"small": 1e2})").small(), 100);
  EXPECT_EQ(Good(R"({"small": 1.0})").small(), 1);
  EXPECT_EQ(Good(R"({"large": "1e3"})").large(), 1000);
  EXPECT_THAT(Refused(R"({"small": 1.5})"), ElementsAre("small"));
  EXPECT_THAT(Refused(R"({"small": 1e-2})"), ElementsAre("small"));
  EXPECT_THAT(Refused(R"({"large": 9007199254740993.0})"), ElementsAre("large")) << "a double does not hold it";
}

TEST(JsonNumbers, OutOfRangeAndOddFormsAreRefused) {
  for (auto const* const text :
       {R"({"small": 2147483648})", R"({"small": -2147483649})", R"({"small": "0x10"})", R"({"small": "01"})",
        R"({"small": "+1"})", R"({"small": " 1"})", R"({"small": ""})", R"({"small": true})", R"({"small": [1]})",
        R"({"small": 1e400})", R"({"small": NaN})", R"({"small": 01})", R"({"small": +1})", R"({"small": .5})"}) {
    EXPECT_THAT(Refused(text), SizeIs(1)) << text;
  }
  EXPECT_THAT(Refused(R"({"smallPositive": -1, "largePositive": -1})"), ElementsAre("small_positive", "large_positive"));
  EXPECT_THAT(Refused(R"({"large": 9223372036854775808, "fixed": "9223372036854775808"})"), ElementsAre("large", "fixed"));
}

TEST(JsonBytes, EitherAlphabetInTheStandardOneOut) {
  EXPECT_EQ(Good(R"({"raw": "-_8="})").raw(), "\xfb\xff");
  EXPECT_EQ(Good(R"({"raw": "+/8="})").raw(), "\xfb\xff");
  EXPECT_EQ(Good(R"({"raw": "+/8"})").raw(), "\xfb\xff");
  EXPECT_THAT(Refused(R"({"raw": "+ /8="})"), ElementsAre("raw"));
  EXPECT_THAT(Refused(R"({"raw": "*"})"), ElementsAre("raw"));
  Every every;
  every.set_raw("\xfb\xff");
  EXPECT_THAT(Write(every), HasSubstr(R"("raw":"+/8=")"));
}

TEST(JsonEnums, ByNameOutByNameOrNumberInAndUnknownNamesRefused) {
  EXPECT_EQ(Good(R"({"colour": "COLOUR_GREEN"})").colour(), jsontest::v1::COLOUR_GREEN);
  EXPECT_EQ(Good(R"({"colour": 2})").colour(), jsontest::v1::COLOUR_GREEN);
  auto const unknown = Good(R"({"colour": 77})");
  EXPECT_EQ(static_cast<int>(unknown.colour()), 77);
  EXPECT_THAT(Write(unknown), HasSubstr(R"("colour":77)"));
  EXPECT_THAT(Refused(R"({"colour": "GREEN", "colours": ["COLOUR_RED", "red"]})"), ElementsAre("colour", "colours[1]"));
}

TEST(JsonNull, LeavesAFieldUnsetAndIsRefusedInLists) {
  auto const every = Good(R"({"text": null, "below": null, "texts": null, "chosen": null, "wrapped": null, "thisOne": null})");
  EXPECT_THAT(every, EqualsProto(Every()));
  EXPECT_THAT(Refused(R"({"texts": ["a", null], "list": [null], "labels": {"a": null}})"),
              ElementsAre("texts[1]", "list[0]", "labels[a]"));
  EXPECT_TRUE(Good(R"({"value": null})").value().has_null_value());
}

TEST(JsonNames, EitherFormButNotBothAndNotTwice) {
  EXPECT_TRUE(Good(R"({"yesNo": true})").yes_no());
  EXPECT_TRUE(Good(R"({"yes_no": true})").yes_no());
  EXPECT_THAT(Refused(R"({"yesNo": true, "yes_no": true})"), ElementsAre("yes_no"));
  EXPECT_THAT(Refused(R"({"text": "a", "text": "a"})"), ElementsAre("text"));
  EXPECT_THAT(Refused(R"({"below": {"text": "a", "text": "b"}, "labels": {"a": "1", "a": "2"}})"),
              ElementsAre("below.text", "labels[a]"));
}

TEST(JsonNames, UnknownFieldsAreRefusedByNameAllAtOnceAndOnlySafeNamesAreRepeated) {
  EXPECT_THAT(Refused(R"({"nothing": 1, "below": {"colour_": 1}, "list": [{}, {"x": 2}]})"),
              ElementsAre("nothing", "below.colour_", "list[1].x"));
  EXPECT_THAT(Refused(R"({"<script>": 1, "below": {"2101741234": 1}})"), ElementsAre("body", "below"));
  EXPECT_THAT(Refused(absl::StrCat(R"({")", std::string(65, 'a'), R"(": 1})")), ElementsAre("body"));
  std::string many = "{";
  for (int i = 0; i < 1000; ++i) absl::StrAppend(&many, i > 0 ? "," : "", "\"x", i, "\":1");
  EXPECT_THAT(Refused(many + "}"), SizeIs(kViolationsMax));
}

TEST(JsonOneof, TwoOfThemAreRefused) {
  EXPECT_EQ(Good(R"({"thisOne": "a", "thatOne": null})").this_one(), "a");
  EXPECT_THAT(Refused(R"({"thisOne": "a", "thatOne": 1})"), ElementsAre("that_one"));
}

TEST(JsonTypes, TheWrongKindIsRefused) {
  EXPECT_THAT(Refused(R"({"text": 1, "yesNo": "true", "below": [], "texts": "a", "labels": [], "list": [1]})"),
              ElementsAre("text", "yes_no", "below", "texts", "labels", "list[0]"));
  EXPECT_THAT(Refused("[]"), ElementsAre("body"));
  EXPECT_THAT(Refused("null"), ElementsAre("body"));
}

TEST(JsonWellKnown, TheirFormsAndLimits) {
  EXPECT_EQ(Good(R"({"time": "2026-01-31T13:00:00.5+01:00"})").time().seconds(), 1769860800);
  EXPECT_EQ(Good(R"({"duration": "-1.5s"})").duration().nanos(), -500000000);
  EXPECT_EQ(Good(R"({"wrapped": "7"})").wrapped().value(), 7);
  EXPECT_EQ(Good(R"({"real": "-Infinity"})").real(), -std::numeric_limits<double>::infinity());
  EXPECT_THAT(Refused(R"({"time": "2026-02-30T00:00:00Z", "duration": "1", "wrapped": {"value": 1}, "real": "inf"})"),
              ElementsAre("time", "duration", "wrapped", "real"));
  EXPECT_THAT(Refused(R"({"time": "10000-01-01T00:00:00Z"})"), ElementsAre("time"));
  EXPECT_THAT(Refused(R"({"shortReal": 1e39})"), ElementsAre("short_real"));
  EXPECT_THAT(Refused(R"({"any": {"@type": "type.googleapis.com/no.such.Type"}})"), ElementsAre("any"));
}

TEST(JsonMasks, PathsInEitherFormAndThoseWithoutACamelCaseStayAsTheyAre) {
  auto const mask = Good(R"({"mask": "displayName,below.yes_no,line_1,*"})").mask();
  EXPECT_THAT(mask.paths(), ElementsAre("display_name", "below.yes_no", "line_1", "*"));
  Every every;
  *every.mutable_mask() = mask;
  EXPECT_THAT(Write(every), HasSubstr(R"("mask":"displayName,below.yesNo,line_1,*")"));
  EXPECT_THAT(Good(R"({"mask": ""})").mask().paths(), IsEmpty());
  for (auto const* const text : {",", ",text", "text,", "text,,number"}) {
    EXPECT_THAT(Refused(absl::StrCat("{\"mask\": \"", text, "\"}")), ElementsAre("mask")) << text;
  }
}

TEST(JsonText, WhatIsNotJsonIsRefusedWithItsPlace) {
  for (auto const* const text :
       {"", "{", "{\"text\": \"a\",}", "{} {}", "{'text': 'a'}", "// a\n{}", "{\"text\": \"\xC0\xAF\"}",
        "{\"text\": \"\xED\xA0\x80\"}", "{\"text\": \"\\ud800\"}", "{\"text\": \"a\nb\"}", "{\"text\": \"\\ude00\"}",
        "{\"text\": \"\\\\ud83d\\ude00\"}", "{\"text\": \"\\ud83d\\ude00\\ude00\"}", "{\"\\udc00\": 1}"}) {
    EXPECT_THAT(Refused(text), ElementsAre("body")) << text;
  }
  for (auto const* const text : {R"({"text": "\ud83d\ude00"})", R"({"text": "\\ude00"})", R"({"text": "\\\ud83d\uDE00"})"}) {
    EXPECT_THAT(Refused(text), IsEmpty()) << text;
  }
  using namespace std::string_view_literals;
  EXPECT_THAT(Refused("{}\0{\"text\": \"hidden\"}"sv), ElementsAre("body")) << "rapidjson takes the NUL for the end";
}

TEST(JsonDepth, SixtyFourLevelsAndNoMore) {
  auto const nested = [](int levels) {
    std::string text;
    for (int i = 1; i < levels; ++i) text += "{\"below\":";
    text += "{}";
    for (int i = 1; i < levels; ++i) text += "}";
    return text;
  };
  EXPECT_THAT(Refused(nested(64)), IsEmpty());
  EXPECT_THAT(Refused(nested(65)), ElementsAre("body"));
  EXPECT_THAT(Refused(std::string(1'000'000, '[')), ElementsAre("body"));
  EXPECT_THAT(Refused(R"({"text": "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["})"),
              IsEmpty());
}

TEST(JsonDepth, AnyInAnyEndsInBytes) {
  Every every;
  for (int i = 0; i < 200; ++i) {
    Every outer;
    outer.mutable_any()->PackFrom(every);
    every = outer;
  }
  EXPECT_THAT(Write(every), HasSubstr(R"(,"value":")"));
}

TEST(JsonWrite, AnAnyOfAnUnknownTypeKeepsItsBytes) {
  Every every;
  every.mutable_any()->set_type_url("type.googleapis.com/no.such.Type");
  every.mutable_any()->set_value("abc");
  EXPECT_THAT(Write(every), HasSubstr(R"("any":{"@type":"type.googleapis.com/no.such.Type","value":"YWJj"})"));
}

TEST(JsonWrite, DefaultsArePrintedAndWhatHasPresenceIsNot) {
  auto const text = Write(Every());
  for (auto const* const printed :
       {R"("text":"")", R"("yesNo":false)", R"("colour":"COLOUR_UNSPECIFIED")", R"("texts":[])", R"("labels":{})"}) {
    EXPECT_THAT(text, HasSubstr(printed));
  }
  for (auto const* const left_out : {"below", "chosen", "thisOne", "wrapped\"", "\"time"})
    EXPECT_THAT(text, Not(HasSubstr(left_out)));
}

TEST(JsonWrite, ControlCharactersAndQuotesAreEscaped) {
  Every every;
  every.set_text("a\"b\\c\n\r\t\x01\x7f\u2028æ");
  EXPECT_THAT(Write(every), HasSubstr("\"text\":\"a\\\"b\\\\c\\n\\r\\t\\u0001\x7f\u2028æ\""));
}

TEST(JsonGiven, TheMaskGoesIntoOneMessageAndStopsAtListsMapsAndValues) {
  EXPECT_THAT(
      Given(R"({"text": "", "below": {"yesNo": true, "below": {"small": 1}}, "list": [{"text": "a"}], "labels": {"a": "b"},
                       "time": "2026-01-01T00:00:00Z", "date": {"year": 2026}, "fields": {"a": 1}, "chosen": null, "otherOne": {}})"),
      UnorderedElementsAre("text", "below.yes_no", "below.below.small", "list", "labels", "time", "date", "fields", "chosen",
                           "other_one"));
}

TEST(JsonAt, ViolationsStandBelowTheMessagesOwnPath) {
  Every every;
  Violations violations;
  Read(R"({"below": {"small": "x"}})", every, "dwelling", violations);
  ASSERT_THAT(violations, SizeIs(1));
  EXPECT_EQ(violations[0].field, "dwelling.below.small");
}

TEST(JsonReadText, ScalarsDatesAndMaps) {
  Every every;
  Violations violations;
  auto const& type = *Every::descriptor();
  auto const set = [&](char const* field, std::string_view text) {
    ReadText(text, every, *type.FindFieldByName(field), field, violations);
  };
  set("text", "æ");
  set("large", "9007199254740993");
  set("yes_no", "true");
  set("colour", "COLOUR_RED");
  set("colours", "2");
  set("texts", "a");
  set("texts", "b");
  set("date", "2026-01-31");
  set("time", "2026-01-01T00:00:00Z");
  set("mask", "text,below");
  set("wrapped_truth", "false");
  ReadMapText("a", "b", every, *type.FindFieldByName("labels"), "labels", violations);
  EXPECT_THAT(violations, IsEmpty());
  EXPECT_THAT(every, EqualsProto(Good(R"({"text": "æ", "large": "9007199254740993", "yesNo": true, "colour": 1, "colours": [2],
      "texts": ["a", "b"], "date": {"year": 2026, "month": 1, "day": 31}, "time": "2026-01-01T00:00:00Z", "mask": "text,below",
      "wrappedTruth": false, "labels": {"a": "b"}})")));
  set("text", "\xff");
  set("yes_no", "1");
  set("date", "2026-02-30");
  set("small", "1.5");
  ReadMapText("x", "1", every, *type.FindFieldByName("by_truth"), "by_truth", violations);
  EXPECT_THAT(violations, SizeIs(5));
}

// A message with anything in it.
void Fill(SeededRandom& random, google::protobuf::Message& message, int depth) {
  using google::protobuf::FieldDescriptor;
  auto const& reflection = *message.GetReflection();
  auto const text = [&] {
    std::string const characters[] = {"a", "\"", "\\", "\n", "æ", "\u2028", "\U0001F600", " ", "\x01"};
    std::string made;
    for (auto n = random.Between(0, 5); n > 0; --n) made += characters[random.Between(0, 8)];
    return made;
  };
  auto const& type = *message.GetDescriptor();
  for (int i = 0; i < type.field_count(); ++i) {
    auto const* const field = type.field(i);
    if (random.Between(0, 2) > 0) continue;
    if (field->message_type() != nullptr && (depth > 2 || field->message_type()->full_name() != "helhed.jsontest.v1.Every"))
      continue;
    for (auto n = field->is_repeated() ? random.Between(0, 3) : 1; n > 0; --n) {
      bool const add = field->is_repeated();
      auto const number = static_cast<std::int64_t>(random.Next());
      switch (field->cpp_type()) {
        case FieldDescriptor::CPPTYPE_STRING:
          add ? reflection.AddString(&message, field, text()) : reflection.SetString(&message, field, text());
          break;
        case FieldDescriptor::CPPTYPE_INT32:
          reflection.SetInt32(&message, field, static_cast<std::int32_t>(number));
          break;
        case FieldDescriptor::CPPTYPE_UINT32:
          reflection.SetUInt32(&message, field, static_cast<std::uint32_t>(number));
          break;
        case FieldDescriptor::CPPTYPE_INT64:
          add ? reflection.AddInt64(&message, field, number) : reflection.SetInt64(&message, field, number);
          break;
        case FieldDescriptor::CPPTYPE_UINT64:
          reflection.SetUInt64(&message, field, static_cast<std::uint64_t>(number));
          break;
        case FieldDescriptor::CPPTYPE_DOUBLE:
          reflection.SetDouble(&message, field, static_cast<double>(number) / 1e7);
          break;
        case FieldDescriptor::CPPTYPE_FLOAT:
          reflection.SetFloat(&message, field, static_cast<float>(number % 1000) / 4);
          break;
        case FieldDescriptor::CPPTYPE_BOOL:
          reflection.SetBool(&message, field, number % 2 == 0);
          break;
        case FieldDescriptor::CPPTYPE_ENUM:
          add ? reflection.AddEnumValue(&message, field, static_cast<int>(number & 1))
              : reflection.SetEnumValue(&message, field, static_cast<int>(number & 1));
          break;
        case FieldDescriptor::CPPTYPE_MESSAGE:
          Fill(random, add ? *reflection.AddMessage(&message, field) : *reflection.MutableMessage(&message, field), depth + 1);
          break;
      }
    }
  }
}

void FillWellKnown(SeededRandom& random, Every& every) {
  every.mutable_time()->set_seconds(random.Between(-62'135'596'800, 253'402'300'799));
  every.mutable_time()->set_nanos(static_cast<int>(random.Between(0, 999'999'999)));
  every.mutable_duration()->set_seconds(random.Between(0, 315'576'000'000));
  every.mutable_wrapped()->set_value(static_cast<std::int64_t>(random.Next()));
  every.mutable_wrapped_text()->set_value("æ\"");
  (*every.mutable_labels())["b"] = "1";
  (*every.mutable_labels())["a"] = "2";
  (*every.mutable_by_number())[-3].set_text("x");
  (*every.mutable_by_truth())[true] = 1;
  (*every.mutable_fields()->mutable_fields())["k"].set_number_value(0.5);
  every.mutable_value()->mutable_list_value()->add_values()->set_null_value(google::protobuf::NULL_VALUE);
  every.mutable_values()->add_values()->set_bool_value(true);
  every.mutable_any()->PackFrom(every.wrapped());
  every.mutable_date()->set_year(2026);
}

TEST(JsonOracle, WritesWhatProtobufsOwnPrinterWritesAndReadsItBack) {
  ForAllSeeds(500, [](SeededRandom& random) {
    Every every;
    Fill(random, every, 0);
    if (random.Between(0, 1) == 1) FillWellKnown(random, every);
    auto const ours = Write(every);
    auto const theirs = Oracle(every);
    rapidjson::Document a;
    rapidjson::Document b;
    a.Parse<rapidjson::kParseFullPrecisionFlag>(ours.c_str());
    b.Parse<rapidjson::kParseFullPrecisionFlag>(theirs.c_str());
    ASSERT_FALSE(a.HasParseError()) << ours;
    EXPECT_TRUE(a == b) << ours << "\n" << theirs;
    EXPECT_EQ(Write(Good(ours)), ours);
    EXPECT_EQ(Write(Good(theirs)), ours);
  });
}

}  // namespace
}  // namespace helhed::json
