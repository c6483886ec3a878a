#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>

#include "helhed/residents/v1/housing_register_service.pb.h"
#include "helhed/test/v1/shapes.pb.h"
#include "services/platform/contract/contract.h"
#include "services/platform/testing/matchers.h"

namespace helhed::contract {
namespace {

using testing::EqualsProto;
using ::testing::HasSubstr;
using ::testing::Not;

template <typename M>
M Parse(std::string const& text) {
  M message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message)) << text;
  return message;
}

test::v1::Private Redacted(std::string const& text) {
  return static_cast<test::v1::Private const&>(*Redact(Parse<test::v1::Private>(text)));
}

TEST(Redact, KeepsWhatIsNotPersonal) {
  auto const text = "kept: 'k' date { year: 2024 month: 2 day: 3 } others { kept: 'o' }";
  EXPECT_THAT(Redacted(text), EqualsProto(Parse<test::v1::Private>(text)));
}

TEST(Redact, DropsByClassAndKeepsThatItWasSet) {
  EXPECT_THAT(Redacted(R"(
    kept: "k" personal: "Ane Jensen" measured: "Ærø" insistent: "s3cret" hidden: "h" number: 7 chosen: 7
    birth { year: 1970 month: 1 day: 1 } names: "Ane" names: "Bo" numbers: 1 numbers: 2 key: "abcde"
    labels { key: "a" value: "b" } colour: COLOUR_RED)"),
              EqualsProto(Parse<test::v1::Private>(R"(
    kept: "k" personal: "[redacted]" measured: "[3 characters]" insistent: "[redacted]" hidden: "[redacted]" chosen: 0
    birth { } names: "[redacted]" names: "[redacted]" key: "[5 bytes]")")));
}

TEST(Redact, GoesIntoMessagesAndAny) {
  test::v1::Private message;
  message.add_others()->set_personal("Ane");
  message.mutable_any()->PackFrom(Parse<test::v1::Private>("kept: 'k' personal: 'Ane'"));
  auto const redacted = Redact(message);
  auto const& copy = static_cast<test::v1::Private const&>(*redacted);
  EXPECT_EQ(copy.others(0).personal(), "[redacted]");
  test::v1::Private inner;
  ASSERT_TRUE(copy.any().UnpackTo(&inner));
  EXPECT_THAT(inner, EqualsProto(Parse<test::v1::Private>("kept: 'k' personal: '[redacted]'")));
  EXPECT_EQ(message.others(0).personal(), "Ane") << "the original stays";

  message.mutable_any()->set_type_url("type.googleapis.com/nobody.Knows");
  EXPECT_EQ(static_cast<test::v1::Private const&>(*Redact(message)).any().value(), "");
}

TEST(Redact, DropsFieldsThatItDoesNotKnow) {
  test::v1::Private message;
  message.GetReflection()->MutableUnknownFields(&message)->AddLengthDelimited(999, "0101011234");
  message.add_others()->GetReflection()->MutableUnknownFields(message.mutable_others(0))->AddLengthDelimited(999, "0101011234");
  EXPECT_THAT(Redact(message)->SerializeAsString(), Not(HasSubstr("0101011234")));
}

TEST(Redact, TakesTheClassOfTheMessage) {
  auto const redacted = Redact(Parse<test::v1::Person>("given_name: 'Ane' id: '7'"));
  EXPECT_THAT(static_cast<test::v1::Person const&>(*redacted),
              EqualsProto(Parse<test::v1::Person>("given_name: '[redacted]' id: '7'")));
}

TEST(DataClass, IsTheFieldsOwnOrItsMessages) {
  auto const& person = *test::v1::Person::descriptor();
  EXPECT_EQ(DataClassOf(*person.FindFieldByName("given_name")), policy::v1::DATA_CLASS_PERSONAL);
  EXPECT_EQ(DataClassOf(*person.FindFieldByName("id")), policy::v1::DATA_CLASS_INTERNAL);
  EXPECT_EQ(DataClassOf(*test::v1::Chain::descriptor()->field(0)), policy::v1::DATA_CLASS_UNSPECIFIED);
}

TEST(MostPrivate, LooksAtEveryDepth) {
  EXPECT_EQ(MostPrivate(*residents::v1::GetOrganisationRequest::descriptor()), policy::v1::DATA_CLASS_PUBLIC);
  EXPECT_EQ(MostPrivate(*residents::v1::ListDwellingsResponse::descriptor()), policy::v1::DATA_CLASS_INTERNAL);
  EXPECT_EQ(MostPrivate(*test::v1::HoldsPerson::descriptor()), policy::v1::DATA_CLASS_PERSONAL);
  EXPECT_EQ(MostPrivate(*test::v1::Private::descriptor()), policy::v1::DATA_CLASS_SECRET);
  EXPECT_EQ(MostPrivate(*test::v1::Chain::descriptor()), policy::v1::DATA_CLASS_UNSPECIFIED);
}

TEST(ClearOutputOnly, ClearsAtEveryDepthAndKeepsNameAndEtag) {
  auto batch = Parse<test::v1::BatchRequest>(R"(
    requests { shape { name: "n" state: "s" etag: "e" point { x: 1 computed: "c" tag { text: "t" back { computed: "d" } } } } }
    shapes { title: "t" create_time { seconds: 1 } })");
  ClearOutputOnly(batch);
  EXPECT_THAT(batch, EqualsProto(Parse<test::v1::BatchRequest>(R"(
    requests { shape { name: "n" etag: "e" point { x: 1 tag { text: "t" back { } } } } }
    shapes { title: "t" })")));
}

}  // namespace
}  // namespace helhed::contract
