#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>

#include "helhed/test/v1/shapes.pb.h"
#include "services/platform/contract/contract.h"
#include "services/platform/testing/matchers.h"

namespace helhed::contract {
namespace {

using test::v1::Shape;
using ::testing::ElementsAre;
using testing::EqualsProto;
using testing::IsOk;
using testing::StatusIs;

Shape Parse(std::string const& text) {
  Shape shape;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &shape)) << text;
  return shape;
}

google::protobuf::FieldMask Mask(std::vector<std::string> const& paths) {
  google::protobuf::FieldMask mask;
  mask.mutable_paths()->Assign(paths.begin(), paths.end());
  return mask;
}

Shape Current() {
  return Parse(R"(
    name: "planes/p/shapes/s" title: "Old" plane: "p" colour: COLOUR_RED point { x: 1 y: 2 computed: "c" } tags: "a" tags: "b"
    period { start_date { year: 2022 month: 1 day: 1 } end_date { year: 2026 month: 1 day: 1 } }
    weight: 3 state: "s" etag: "e" labels { key: "k" value: "v" })");
}

// What the update leaves, or the fields that it names as wrong.
void ExpectUpdate(std::vector<std::string> const& paths, std::string const& resource, std::function<void(Shape&)> const& change) {
  auto current = Current();
  auto expected = Current();
  change(expected);
  ASSERT_THAT(ApplyUpdate(Mask(paths), Parse(resource), current, "shape"), IsOk());
  EXPECT_THAT(current, EqualsProto(expected));
}

std::vector<std::string> Refusals(std::vector<std::string> const& paths, std::string const& resource) {
  auto current = Current();
  auto const status = ApplyUpdate(Mask(paths), Parse(resource), current, "shape");
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kInvalidArgument, "BAD_REQUEST"));
  EXPECT_THAT(current, EqualsProto(Current())) << "a refused update changes nothing";
  std::vector<std::string> fields;
  for (auto const& violation : ViolationsOf(status)) fields.push_back(violation.field);
  return fields;
}

TEST(ApplyUpdate, WritesWhatIsNamedAndNothingElse) {
  ExpectUpdate({"title"}, "title: 'New' colour: COLOUR_UNSPECIFIED tags: 'x'", [](Shape& shape) { shape.set_title("New"); });
}

TEST(ApplyUpdate, ClearsWhatIsNamedAndUnset) {
  ExpectUpdate({"colour", "tags", "weight", "point", "labels"}, "", [](Shape& shape) {
    shape.clear_colour();
    shape.clear_tags();
    shape.clear_weight();
    shape.clear_point();
    shape.clear_labels();
  });
}

TEST(ApplyUpdate, KeepsThePresenceOfZero) {
  ExpectUpdate({"weight"}, "weight: 0", [](Shape& shape) { shape.set_weight(0); });
}

TEST(ApplyUpdate, ReplacesLists) {
  ExpectUpdate({"tags"}, "tags: 'x'", [](Shape& shape) {
    shape.clear_tags();
    shape.add_tags("x");
  });
}

TEST(ApplyUpdate, GoesIntoMessages) {
  ExpectUpdate({"point.x", "period.end_date"}, "point { x: 9 y: 9 }", [](Shape& shape) {
    shape.mutable_point()->set_x(9);
    shape.mutable_period()->clear_end_date();
  });
  ExpectUpdate({"point.tag.text"}, "point { tag { text: 't' } }",
               [](Shape& shape) { shape.mutable_point()->mutable_tag()->set_text("t"); });
  ExpectUpdate({"point.tag.text"}, "point { tag { } }", [](Shape&) {});
  ExpectUpdate({"point.tag.back.x"}, "", [](Shape&) {});
}

TEST(ApplyUpdate, WritesAPathOnceWhateverElseCoversIt) {
  ExpectUpdate({"point", "point.x", "title", "title"}, "point { x: 9 } title: 'New'", [](Shape& shape) {
    shape.mutable_point()->set_x(9);
    shape.mutable_point()->clear_y();
    shape.set_title("New");
  });
}

TEST(ApplyUpdate, WithoutAMaskWritesWhatIsSet) {
  ExpectUpdate({}, "name: 'planes/p/shapes/other' title: 'New' tags: 'x' etag: 'other' plane: 'other'", [](Shape& shape) {
    shape.set_title("New");
    shape.clear_tags();
    shape.add_tags("x");
  });
}

TEST(ApplyUpdate, WithAStarWritesAllThatMayBeChanged) {
  auto current = Current();
  ASSERT_THAT(ApplyUpdate(Mask({"*"}), Parse("title: 'New' point { y: 7 } state: 'forged'"), current, "shape"), IsOk());
  EXPECT_THAT(current, EqualsProto(Parse(R"(
    name: "planes/p/shapes/s" title: "New" plane: "p" point { y: 7 computed: "c" } state: "s" etag: "e")")));
}

TEST(ApplyUpdate, RefusesToChangeWhatIsProtected) {
  EXPECT_THAT(
      Refusals({"title", "plane", "state", "etag", "name", "point.computed", "create_time"},
               "title: 'New' plane: 'q' state: 't' etag: 'f' name: 'n' point { computed: 'd' } create_time { seconds: 1 }"),
      ElementsAre("shape.plane", "shape.state", "shape.etag", "shape.name", "shape.point.computed", "shape.create_time"));
  ExpectUpdate({"plane", "etag", "name", "title"}, "plane: 'p' etag: 'e' name: 'planes/p/shapes/s' title: 'New'",
               [](Shape& shape) { shape.set_title("New"); });
}

TEST(ApplyUpdate, RefusesPathsThatAreNone) {
  EXPECT_THAT(Refusals({"title", "nothing", "tags.0", "labels.k", "point.", "", "point.x.y", "plane"}, "title: 'New' plane: 'q'"),
              ElementsAre("update_mask.paths[1]", "update_mask.paths[2]", "update_mask.paths[3]", "update_mask.paths[4]",
                          "update_mask.paths[5]", "update_mask.paths[6]", "shape.plane"));
  EXPECT_THAT(Refusals({"*", "title"}, ""), ElementsAre("update_mask.paths[0]"));
}

TEST(ApplyUpdate, DoneTwiceIsDoneOnce) {
  std::vector<std::string> const all = {"title", "colour", "point", "point.x", "point.tag", "tags", "period.end_date", "weight"};
  testing::ForAllSeeds(200, [&](SeededRandom& random) {
    std::vector<std::string> paths;
    for (auto const& path : all) {
      if (random.Between(0, 1) == 1) paths.push_back(path);
    }
    Shape resource;
    if (random.Between(0, 1) == 1) resource.set_title("New");
    if (random.Between(0, 1) == 1) resource.mutable_point()->set_x(static_cast<int>(random.Between(-2, 2)));
    if (random.Between(0, 1) == 1) resource.add_tags("z");
    if (random.Between(0, 1) == 1) resource.mutable_period()->mutable_end_date()->set_year(2030);
    if (random.Between(0, 1) == 1) resource.set_weight(0);
    auto once = Current();
    ASSERT_THAT(ApplyUpdate(Mask(paths), resource, once, "shape"), IsOk());
    auto twice = once;
    ASSERT_THAT(ApplyUpdate(Mask(paths), resource, twice, "shape"), IsOk());
    EXPECT_THAT(twice, EqualsProto(once));
    EXPECT_EQ(once.name(), Current().name());
    EXPECT_EQ(once.state(), Current().state());
  });
}

}  // namespace
}  // namespace helhed::contract
