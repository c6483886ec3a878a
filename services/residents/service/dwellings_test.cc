#include "services/residents/testing/fixture.h"

namespace helhed::residents::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::string const kUuid = "0a3f50b8-1234-32b8-e044-0003ba298018";

class DwellingsTest : public RegisterTest {
 protected:
  DwellingsTest() {
    Organisation("9001");
    Department("9001", "001");
    Department("9001", "002");
  }
  std::vector<std::string> Listed(v1::ListDwellingsRequest request, std::string const& date = "") {
    request.set_parent("organisations/9001");
    if (!date.empty()) *request.mutable_as_of_date() = Date(date);
    auto const page = Call<v1::ListDwellingsResponse>("ListDwellings", request);
    EXPECT_THAT(page, IsOk());
    return page.ok() ? Ids(page->dwellings()) : std::vector<std::string>();
  }
  absl::StatusOr<v1::Dwelling> Update(std::string const& id, std::vector<std::string> const& paths,
                                      std::function<void(v1::Dwelling&)> const& change) {
    return Call<v1::Dwelling>("UpdateDwelling", UpdateRequest(id, paths, change));
  }
  static v1::UpdateDwellingRequest UpdateRequest(std::string const& id, std::vector<std::string> const& paths,
                                                 std::function<void(v1::Dwelling&)> const& change) {
    v1::UpdateDwellingRequest request;
    request.mutable_dwelling()->set_name("organisations/9001/dwellings/" + id);
    for (auto const& path : paths) request.mutable_update_mask()->add_paths(path);
    change(*request.mutable_dwelling());
    return request;
  }
};
HELHED_BOTH_ENGINES(DwellingsTest);

TEST_P(DwellingsTest, AreEnteredWithWhatTheirKeySays) {
  auto request = DwellingRequest("9001", "", "001", "2020-01-01");
  request.mutable_dwelling()->set_address_uuid(kUuid);
  request.mutable_dwelling()->set_kvhx_key("01018005__14__2__th");
  request.mutable_dwelling()->set_area_square_metres(74);
  request.mutable_dwelling()->set_building_section("Blok 3");
  auto const created = Call<v1::Dwelling>("CreateDwelling", request);
  ASSERT_THAT(created, IsOk());
  EXPECT_EQ(created->floor(), "2");
  EXPECT_EQ(created->door(), "th");
  EXPECT_TRUE(IsUuid(created->name().substr(created->name().rfind('/') + 1)));
  auto const event = LastEvent<v1::DwellingsCreated>(created->name());
  ASSERT_EQ(event.dwellings_size(), 1);
  EXPECT_THAT(event.dwellings(0), EqualsProto(*created));
  v1::GetDwellingRequest get;
  get.set_name(created->name());
  EXPECT_THAT(*Call<v1::Dwelling>("GetDwelling", get), EqualsProto(*created));
}

TEST_P(DwellingsTest, ThatCannotBeAreRefusedWithEveryFault) {
  auto const refused = [&](auto const& request, absl::StatusCode code, std::string_view reason) {
    return Refused<v1::Dwelling>("CreateDwelling", request, code, reason);
  };
  auto wrong = DwellingRequest("9001", "a", "001", "2020-01-01");
  wrong.mutable_dwelling()->set_department("organisations/9002/departments/001");
  wrong.mutable_dwelling()->set_kvhx_key("01018005__14__2__th");
  wrong.mutable_dwelling()->set_floor("3");
  wrong.mutable_dwelling()->set_door("TH");
  EXPECT_THAT(refused(wrong, kInvalid, "BAD_REQUEST").fields,
              ElementsAre("dwelling.department", "dwelling.door", "dwelling.floor"));
  refused(DwellingRequest("9001", "a", "009", "2020-01-01"), kAbsent, "RESOURCE_NOT_FOUND");
  refused(DwellingRequest("9009", "a", "001", "2020-01-01"), kAbsent, "RESOURCE_NOT_FOUND");
  refused(DwellingRequest("9001", "a", "001", "2020-01-01", "2020-01-01"), kInvalid, "BAD_REQUEST");
  Dwelling("9001", "a", "001", "2020-01-01");
  refused(DwellingRequest("9001", "a", "002", "2020-01-01"), kExists, "RESOURCE_EXISTS");

  Merge("9001", "002", {"001"}, "2024-01-01");
  auto const merged = refused(DwellingRequest("9001", "b", "001", "2024-01-01"), kPrecondition, "DEPARTMENT_MERGED");
  EXPECT_EQ(merged.metadata.at("successor"), "organisations/9001/departments/002");
}

TEST_P(DwellingsTest, AnAddressIsOneDwellings) {
  Organisation("9002");
  Department("9002", "001");
  auto request = DwellingRequest("9001", "a", "001", "2020-01-01");
  request.mutable_dwelling()->set_address_uuid(kUuid);
  ASSERT_THAT(Call<v1::Dwelling>("CreateDwelling", request), IsOk());
  request.set_dwelling_id("b");
  auto const taken = Refused<v1::Dwelling>("CreateDwelling", request, kExists, "ADDRESS_TAKEN");
  EXPECT_EQ(taken.metadata.at("resource"), "organisations/9001/dwellings/a");
  Dwelling("9001", "b", "001", "2020-01-01");
  auto const set_address = [](v1::Dwelling& dwelling) { dwelling.set_address_uuid(kUuid); };
  Refused<v1::Dwelling>("UpdateDwelling", UpdateRequest("b", {"address_uuid"}, set_address), kExists, "ADDRESS_TAKEN");
  EXPECT_THAT(Update("a", {"address_uuid"}, set_address), IsOk());
  // Another organisation may know the same address.
  auto elsewhere = DwellingRequest("9002", "a", "001", "2020-01-01");
  elsewhere.mutable_dwelling()->set_address_uuid(kUuid);
  EXPECT_THAT(Call<v1::Dwelling>("CreateDwelling", elsewhere), IsOk());
}

TEST_P(DwellingsTest, AreListedWhileTheyAreLet) {
  Dwelling("9001", "a", "001", "2020-01-01", "2024-01-01");
  Dwelling("9001", "b", "002", "2022-01-01");
  EXPECT_THAT(Listed({}, "2019-12-31"), IsEmpty());
  EXPECT_THAT(Listed({}, "2020-01-01"), ElementsAre("a"));
  EXPECT_THAT(Listed({}, "2023-12-31"), ElementsAre("a", "b"));
  EXPECT_THAT(Listed({}, "2024-01-01"), ElementsAre("b"));
  EXPECT_THAT(Listed({}), ElementsAre("b"));
  v1::ListDwellingsRequest request;
  request.set_department("organisations/9001/departments/002");
  EXPECT_THAT(Listed(request, "2023-01-01"), ElementsAre("b"));
  request.set_parent("organisations/9001");
  request.set_department("organisations/9002/departments/002");
  Refused<v1::ListDwellingsResponse>("ListDwellings", request, kInvalid, "BAD_REQUEST");
  request.set_department("organisations/9001/departments/009");
  Refused<v1::ListDwellingsResponse>("ListDwellings", request, kAbsent, "RESOURCE_NOT_FOUND");
  request.clear_department();
  request.set_parent("organisations/9009");
  Refused<v1::ListDwellingsResponse>("ListDwellings", request, kAbsent, "RESOURCE_NOT_FOUND");
}

TEST_P(DwellingsTest, AreListedInEveryOrderPageByPage) {
  std::vector<std::pair<std::string, std::string>> const addresses = {{"a", "Ærøgade 1"},       {"b", "Øster Allé 2"},
                                                                      {"c", "Aarhusgade 3"},    {"d", "Åboulevard 4"},
                                                                      {"e", "Amagerbrogade 5"}, {"f", "Zinnsgade 6"}};
  int area = 60;
  for (auto const& [id, address] : addresses) {
    auto request = DwellingRequest("9001", id, area % 2 == 0 ? "001" : "002", "2020-01-01");
    request.mutable_dwelling()->set_address(address);
    request.mutable_dwelling()->set_area_square_metres(area);
    if (id != "c") request.mutable_dwelling()->set_kvhx_key("01018005__1" + std::to_string(area % 10) + "_______");
    area = area == 62 ? 61 : area + 1;
    ASSERT_THAT(Call<v1::Dwelling>("CreateDwelling", request), IsOk());
  }
  auto const walked = [&](std::string const& order, std::string const& department) {
    v1::ListDwellingsRequest request;
    request.set_parent("organisations/9001");
    request.set_order_by(order);
    request.set_page_size(2);
    if (!department.empty()) request.set_department("organisations/9001/departments/" + department);
    std::string ids;
    do {
      auto const page = Call<v1::ListDwellingsResponse>("ListDwellings", request);
      EXPECT_THAT(page, IsOk());
      if (!page.ok()) break;
      for (auto const& id : Ids(page->dwellings())) ids += id;
      request.set_page_token(page->next_page_token());
    } while (!request.page_token().empty());
    return ids;
  };
  EXPECT_EQ(walked("", ""), "abcdef");
  EXPECT_EQ(walked("name desc", ""), "fedcba");
  EXPECT_EQ(walked("address", ""), "efabdc");
  EXPECT_EQ(walked("address desc", ""), "cdbafe");
  EXPECT_EQ(walked("area_square_metres, name", ""), "abdfce");
  EXPECT_EQ(walked("area_square_metres desc", ""), "cebdfa");
  EXPECT_EQ(walked("kvhx_key", ""), "cabdfe");
  EXPECT_EQ(walked("address", "001"), "eac");
  EXPECT_EQ(walked("address", "002"), "fbd");

  v1::ListDwellingsRequest filtered;
  filtered.set_filter("area_square_metres >= 61 AND address != \"Zinnsgade 6\"");
  EXPECT_THAT(Listed(filtered), ElementsAre("b", "c", "d", "e"));
}

TEST_P(DwellingsTest, AnUpdateKeepsKeyAndFloorTogether) {
  auto request = DwellingRequest("9001", "a", "001", "2020-01-01");
  request.mutable_dwelling()->set_kvhx_key("01018005__14__2__th");
  ASSERT_THAT(Call<v1::Dwelling>("CreateDwelling", request), IsOk());
  auto const moved = Update("a", {"kvhx_key"}, [](v1::Dwelling& d) { d.set_kvhx_key("01018005__14_st__tv"); });
  ASSERT_THAT(moved, IsOk());
  EXPECT_EQ(moved->floor(), "st");
  EXPECT_EQ(moved->door(), "tv");
  EXPECT_THAT(LastEvent<v1::DwellingUpdated>(moved->name()).dwelling(), EqualsProto(*moved));
  auto const status = Refused<v1::Dwelling>("UpdateDwelling",
                                            UpdateRequest("a", {"kvhx_key", "floor"},
                                                          [](v1::Dwelling& d) {
                                                            d.set_kvhx_key("01018005__14__2__th");
                                                            d.set_floor("st");
                                                          }),
                                            kInvalid, "BAD_REQUEST");
  EXPECT_THAT(status.fields, ElementsAre("dwelling.floor"));
  auto const cleared = Update("a", {"kvhx_key"}, [](v1::Dwelling&) {});
  ASSERT_THAT(cleared, IsOk());
  EXPECT_EQ(cleared->kvhx_key(), "");
  EXPECT_EQ(cleared->floor(), "st");
  Refused<v1::Dwelling>(
      "UpdateDwelling",
      UpdateRequest("a", {"department"}, [](v1::Dwelling& d) { d.set_department("organisations/9001/departments/002"); }),
      kInvalid, "BAD_REQUEST");
  Refused<v1::Dwelling>("UpdateDwelling", UpdateRequest("z", {"address"}, [](v1::Dwelling& d) { d.set_address("x"); }), kAbsent,
                        "RESOURCE_NOT_FOUND");
  Refused<v1::Dwelling>("UpdateDwelling",
                        UpdateRequest("a", {"address"},
                                      [](v1::Dwelling& d) {
                                        d.set_address("x");
                                        d.set_etag("W/\"old\"");
                                      }),
                        absl::StatusCode::kAborted, "ETAG_MISMATCH");
}

TEST_P(DwellingsTest, APeriodIsNotShortenedBelowItsHouseholds) {
  Dwelling("9001", "a", "001", "2020-01-01");
  Household("9001", "h", "a", "2021-01-01", "2023-01-01");
  auto const period = [](std::string const& start, std::string const& end) {
    return [=](v1::Dwelling& dwelling) { *dwelling.mutable_period() = Range(start, end); };
  };
  auto const refused = [&](std::string const& start, std::string const& end) {
    return Refused<v1::Dwelling>("UpdateDwelling", UpdateRequest("a", {"period"}, period(start, end)), kPrecondition,
                                 "DWELLING_NOT_LET");
  };
  refused("2021-01-02", "");
  refused("2020-01-01", "2022-12-31");
  EXPECT_THAT(Update("a", {"period"}, period("2021-01-01", "2023-01-01")), IsOk());
  EXPECT_THAT(Update("a", {"period"}, period("2019-01-01", "")), IsOk());
}

// A dwelling's departments follow from where it was entered, whatever its period becomes.
TEST_P(DwellingsTest, AChangedStartKeepsTheDepartmentsOfEachDay) {
  Dwelling("9001", "a", "001", "2020-01-01");
  Merge("9001", "002", {"001"}, "2024-01-01");
  auto const start = [&](std::string const& date) {
    return Update("a", {"period"}, [&](v1::Dwelling& dwelling) { *dwelling.mutable_period() = Range(date); });
  };
  v1::ListDwellingsRequest first;
  first.set_department("organisations/9001/departments/001");
  ASSERT_THAT(start("2025-01-01"), IsOk());
  EXPECT_THAT(Listed(first, "2023-06-01"), IsEmpty());
  ASSERT_THAT(start("2019-01-01"), IsOk());
  EXPECT_THAT(Listed(first, "2019-01-01"), ElementsAre("a"));
  EXPECT_THAT(Listed(first, "2023-12-31"), ElementsAre("a"));
  EXPECT_THAT(Listed(first, "2024-01-01"), IsEmpty());
}

TEST_P(DwellingsTest, AreRemovedUnlessSomebodyLivedThere) {
  auto const created = Dwelling("9001", "a", "001", "2020-01-01");
  Dwelling("9001", "b", "001", "2020-01-01");
  Household("9001", "h", "b", "2021-01-01", "2023-01-01");
  v1::DeleteDwellingRequest request;
  request.set_name("organisations/9001/dwellings/b");
  Refused<google::protobuf::Empty>("DeleteDwelling", request, kPrecondition, "DWELLING_OCCUPIED");
  request.set_name("organisations/9001/dwellings/c");
  Refused<google::protobuf::Empty>("DeleteDwelling", request, kAbsent, "RESOURCE_NOT_FOUND");
  request.set_name("organisations/9001/dwellings/a");
  request.set_etag("W/\"old\"");
  Refused<google::protobuf::Empty>("DeleteDwelling", request, absl::StatusCode::kAborted, "ETAG_MISMATCH");
  request.set_etag(created.etag());
  EXPECT_THAT(Call<google::protobuf::Empty>("DeleteDwelling", request), IsOk());
  EXPECT_EQ(LastEvent<v1::DwellingDeleted>(created.name()).dwelling(), created.name());
  EXPECT_THAT(Listed({}), ElementsAre("b"));
  v1::GetDwellingRequest get;
  get.set_name(created.name());
  Refused<v1::Dwelling>("GetDwelling", get, kAbsent, "RESOURCE_NOT_FOUND");
}

}  // namespace
}  // namespace helhed::residents::testing
