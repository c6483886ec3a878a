#include <google/rpc/status.pb.h>

#include "services/residents/testing/fixture.h"

namespace helhed::residents::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::string Uuid(int number) {
  std::string const digits = std::to_string(number);
  return "0a3f50b8-1234-32b8-e044-" + std::string(12 - digits.size(), '0') + digits;
}

class DwellingBatchTest : public RegisterTest {
 protected:
  DwellingBatchTest() {
    Organisation("9001");
    Department("9001", "001");
    Department("9001", "002");
    Department("9001", "003");
    Merge("9001", "002", {"003"}, "2021-01-01");
  }
  v1::CreateDwellingRequest& Add(std::string const& id, int uuid, std::string const& department = "001") {
    auto& row = *request_.add_requests();
    row = DwellingRequest("9001", id, department, "2020-01-01");
    row.clear_parent();
    row.mutable_dwelling()->set_address("Remisevej " + std::to_string(uuid));
    if (uuid > 0) row.mutable_dwelling()->set_address_uuid(Uuid(uuid));
    return row;
  }
  absl::StatusOr<v1::BatchCreateDwellingsResponse> Send() {
    request_.set_parent("organisations/9001");
    return Call<v1::BatchCreateDwellingsResponse>("BatchCreateDwellings", request_);
  }
  static std::string Outcomes(v1::BatchCreateDwellingsResponse const& response) {
    std::string outcomes;
    for (auto const& result : response.results()) outcomes += "?CUR"[result.outcome()];
    return outcomes;
  }
  // Rows with every fault that a row can have, between good ones.
  void AddFaulty() {
    Add("good1", 1);
    Add("Bad Id", 2);
    Add("noaddress", 3).mutable_dwelling()->clear_address();
    Add("badkey", 4).mutable_dwelling()->set_kvhx_key("01018005  14  2  th");
    Add("good1", 5);
    Add("sameaddress", 1);
    Add("nodepartment", 6, "009");
    Add("other", 7).set_parent("organisations/9002");
    *Add("merged", 8, "003").mutable_dwelling()->mutable_period() = Range("2021-01-01");
    Add("good2", 9);
  }

  v1::BatchCreateDwellingsRequest request_;
};
HELHED_BOTH_ENGINES(DwellingBatchTest);

TEST_P(DwellingBatchTest, EntersAThousandAtOnceAndAgain) {
  for (int i = 1; i <= 1000; ++i) Add(i % 2 == 0 ? "" : "d" + std::to_string(i), i, i % 3 == 0 ? "003" : "001");
  auto const first = Send();
  ASSERT_THAT(first, IsOk());
  EXPECT_EQ(Outcomes(*first), std::string(1000, 'C'));
  auto const event = LastEvent<v1::DwellingsCreated>("organisations/9001");
  EXPECT_EQ(event.dwellings_size(), 1000);
  EXPECT_THAT(event.dwellings(999), EqualsProto(first->results(999).dwelling()));
  v1::GetDwellingRequest get;
  get.set_name(first->results(2).dwelling().name());
  EXPECT_THAT(*Call<v1::Dwelling>("GetDwelling", get), EqualsProto(first->results(2).dwelling()));
  EXPECT_EQ(first->results(2).dwelling().department(), "organisations/9001/departments/002");

  std::string const before = Content();
  auto const second = Send();
  ASSERT_THAT(second, IsOk());
  EXPECT_EQ(Outcomes(*second), std::string(1000, 'U'));
  EXPECT_EQ(Content(), before);
  for (int i = 0; i < 1000; ++i) EXPECT_THAT(second->results(i).dwelling(), EqualsProto(first->results(i).dwelling()));
}

TEST_P(DwellingBatchTest, AllOrNothingNamesEveryBadRow) {
  AddFaulty();
  request_.set_parent("organisations/9001");
  auto const status = Refused<v1::BatchCreateDwellingsResponse>("BatchCreateDwellings", request_, kInvalid, "BAD_REQUEST");
  EXPECT_THAT(status.fields,
              ElementsAre("requests[1].dwelling_id", "requests[2].dwelling.address", "requests[3].dwelling.kvhx_key",
                          "requests[4].dwelling_id", "requests[5].dwelling.address_uuid", "requests[6].dwelling.department",
                          "requests[7].parent", "requests[8].dwelling.department"));
}

TEST_P(DwellingBatchTest, PerRowStoresTheGoodOnes) {
  AddFaulty();
  request_.set_atomicity(v1::BATCH_ATOMICITY_PER_ROW);
  auto const response = Send();
  ASSERT_THAT(response, IsOk());
  EXPECT_EQ(Outcomes(*response), "CRRRRRRRRC");
  EXPECT_EQ(LastEvent<v1::DwellingsCreated>("organisations/9001").dwellings_size(), 2);
  auto const error = [&](int row) { return FromProto(response->results(row).error()); };
  EXPECT_THAT(error(1), StatusIs(kInvalid, "BAD_REQUEST"));
  EXPECT_EQ(ViolationsOf(error(1))[0].field, "dwelling_id");
  EXPECT_THAT(error(6), StatusIs(kAbsent, "RESOURCE_NOT_FOUND"));
  EXPECT_THAT(error(8), StatusIs(kPrecondition, "DEPARTMENT_MERGED"));
  EXPECT_FALSE(response->results(8).has_dwelling());
}

TEST_P(DwellingBatchTest, ARowThatDiffersFromWhatIsStoredIsRefused) {
  Add("a", 1);
  Add("b", 2);
  Add("", 3);
  ASSERT_THAT(Send(), IsOk());
  request_.clear_requests();
  Add("a", 1).mutable_dwelling()->set_area_square_metres(70);
  Add("c", 2);
  Add("", 3);
  Add("", 2);
  Add("b", 2, "002");
  request_.set_atomicity(v1::BATCH_ATOMICITY_PER_ROW);
  auto const response = Send();
  ASSERT_THAT(response, IsOk());
  // Rows 3 and 4 repeat the address of row 1, so that they are refused for that.
  EXPECT_EQ(Outcomes(*response), "RRURR");
  EXPECT_THAT(FromProto(response->results(0).error()), StatusIs(kExists, "RESOURCE_EXISTS"));
  EXPECT_THAT(FromProto(response->results(1).error()), StatusIs(kExists, "ADDRESS_TAKEN"));
  EXPECT_EQ(MetadataOf(FromProto(response->results(1).error()))["resource"], "organisations/9001/dwellings/b");

  request_.clear_requests();
  Add("b", 2, "002");
  Add("", 1, "002");
  auto const again = Send();
  ASSERT_THAT(again, IsOk());
  EXPECT_THAT(FromProto(again->results(0).error()), StatusIs(kExists, "RESOURCE_EXISTS"));
  EXPECT_THAT(FromProto(again->results(1).error()), StatusIs(kExists, "ADDRESS_TAKEN"));
}

TEST_P(DwellingBatchTest, AWholeBatchMayBeRefused) {
  request_.set_parent("organisations/9001");
  Refused<v1::BatchCreateDwellingsResponse>("BatchCreateDwellings", request_, kInvalid, "BAD_REQUEST");
  for (int i = 1; i <= 1001; ++i) Add("", i);
  Refused<v1::BatchCreateDwellingsResponse>("BatchCreateDwellings", request_, kInvalid, "BAD_REQUEST");
  request_.clear_requests();
  Add("", 1);
  request_.set_parent("organisations/9009");
  Refused<v1::BatchCreateDwellingsResponse>("BatchCreateDwellings", request_, kAbsent, "RESOURCE_NOT_FOUND");
}

TEST_P(DwellingBatchTest, APreviewStoresNothing) {
  Add("a", 1);
  request_.set_validate_only(true);
  std::string const before = Content();
  auto const response = Send();
  ASSERT_THAT(response, IsOk());
  EXPECT_EQ(Outcomes(*response), "C");
  EXPECT_EQ(Content(), before);
}

}  // namespace
}  // namespace helhed::residents::testing
