#include "services/residents/testing/fixture.h"

namespace helhed::residents::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::string D(std::string const& id) { return "organisations/9001/departments/" + id; }

class DepartmentsTest : public RegisterTest {
 protected:
  DepartmentsTest() {
    Organisation("9001");
    Organisation("9002");
  }
  v1::Department On(std::string const& id, std::string_view date) {
    v1::GetDepartmentRequest request;
    request.set_name(D(id));
    *request.mutable_as_of_date() = Date(date);
    return Call<v1::Department>("GetDepartment", request).value_or(v1::Department());
  }
  std::string Resolved(std::string const& id, std::string_view date) {
    v1::ResolveDepartmentRequest request;
    request.set_name(D(id));
    *request.mutable_as_of_date() = Date(date);
    auto const name = Call<v1::Department>("ResolveDepartment", request).value_or(v1::Department()).name();
    return name.substr(name.rfind('/') + 1);
  }
  std::vector<std::string> Listed(v1::ListDepartmentsRequest request, std::string_view date) {
    request.set_parent("organisations/9001");
    *request.mutable_as_of_date() = Date(date);
    auto const page = Call<v1::ListDepartmentsResponse>("ListDepartments", request);
    EXPECT_THAT(page, IsOk());
    return page.ok() ? Ids(page->departments()) : std::vector<std::string>();
  }
  // The dwellings of a department on a date, by the list and by each one's own word.
  std::vector<std::string> DwellingsOf(std::string const& id, std::string_view date) {
    v1::ListDwellingsRequest request;
    request.set_parent("organisations/9001");
    request.set_department(D(id));
    *request.mutable_as_of_date() = Date(date);
    auto const page = Call<v1::ListDwellingsResponse>("ListDwellings", request);
    EXPECT_THAT(page, IsOk());
    if (!page.ok()) return {};
    for (auto const& dwelling : page->dwellings()) {
      EXPECT_EQ(dwelling.department(), D(id));
      v1::GetDwellingRequest get;
      get.set_name(dwelling.name());
      *get.mutable_as_of_date() = Date(date);
      auto const alone = Call<v1::Dwelling>("GetDwelling", get);
      EXPECT_THAT(alone, IsOk());
      EXPECT_THAT(alone.value_or(v1::Dwelling()), EqualsProto(dwelling));
    }
    return Ids(page->dwellings());
  }
  static v1::MergeDepartmentsRequest MergeRequest(std::string const& successor, std::vector<std::string> const& predecessors,
                                                  std::string_view date) {
    v1::MergeDepartmentsRequest request;
    request.set_name(D(successor));
    for (auto const& predecessor : predecessors) request.add_predecessors(D(predecessor));
    *request.mutable_merge_date() = Date(date);
    return request;
  }
};
HELHED_BOTH_ENGINES(DepartmentsTest);

TEST_P(DepartmentsTest, AreEnteredUnderTheirNumberAndChanged) {
  auto const created = Department("9001", "019", "Hørgården");
  EXPECT_EQ(created.name(), D("019"));
  EXPECT_EQ(created.state(), v1::DEPARTMENT_STATE_ACTIVE);
  EXPECT_THAT(On("019", "2026-01-01"), EqualsProto(created));
  EXPECT_THAT(LastEvent<v1::DepartmentCreated>(D("019")).department(), EqualsProto(created));

  v1::CreateDepartmentRequest create;
  create.set_parent("organisations/9001");
  create.set_department_id("000");
  create.mutable_department()->set_display_name("x");
  Refused<v1::Department>("CreateDepartment", create, kInvalid, "BAD_REQUEST");
  create.set_department_id("019");
  Refused<v1::Department>("CreateDepartment", create, kExists, "RESOURCE_EXISTS");
  create.set_parent("organisations/9009");
  Refused<v1::Department>("CreateDepartment", create, kAbsent, "RESOURCE_NOT_FOUND");

  v1::UpdateDepartmentRequest update;
  update.mutable_department()->set_name(D("019"));
  update.mutable_department()->set_display_name("Hørgården II");
  update.mutable_department()->set_etag("W/\"old\"");
  Refused<v1::Department>("UpdateDepartment", update, absl::StatusCode::kAborted, "ETAG_MISMATCH");
  update.mutable_department()->set_etag(created.etag());
  auto const updated = Call<v1::Department>("UpdateDepartment", update);
  ASSERT_THAT(updated, IsOk());
  EXPECT_EQ(updated->display_name(), "Hørgården II");
  EXPECT_THAT(LastEvent<v1::DepartmentUpdated>(D("019")).department(), EqualsProto(*updated));
  update.mutable_department()->set_name(D("018"));
  Refused<v1::Department>("UpdateDepartment", update, kAbsent, "RESOURCE_NOT_FOUND");
}

TEST_P(DepartmentsTest, MergeOnADate) {
  for (auto const* id : {"001", "002", "003"}) Department("9001", id);
  auto const before = On("003", "2026-01-01");
  auto const merged = Merge("9001", "003", {"002", "001"}, "2026-07-01");
  EXPECT_THAT(merged.predecessors(), ElementsAre(D("001"), D("002")));
  EXPECT_NE(merged.etag(), before.etag());
  auto const event = LastEvent<v1::DepartmentsMerged>(D("003"));
  EXPECT_EQ(event.successor(), D("003"));
  EXPECT_THAT(event.predecessors(), ElementsAre(D("002"), D("001")));

  auto const first = On("001", "2026-06-30");
  EXPECT_EQ(first.state(), v1::DEPARTMENT_STATE_ACTIVE);
  EXPECT_EQ(first.successor(), D("003"));
  EXPECT_THAT(first.merge_date(), EqualsProto(Date("2026-07-01")));
  EXPECT_EQ(On("001", "2026-07-01").state(), v1::DEPARTMENT_STATE_MERGED);

  EXPECT_THAT(Listed({}, "2026-06-30"), ElementsAre("001", "002", "003"));
  EXPECT_THAT(Listed({}, "2026-07-01"), ElementsAre("003"));
  v1::ListDepartmentsRequest all;
  all.set_show_merged(true);
  EXPECT_THAT(Listed(all, "2026-07-01"), ElementsAre("001", "002", "003"));
  all.set_filter("state = DEPARTMENT_STATE_MERGED");
  EXPECT_THAT(Listed(all, "2026-06-30"), IsEmpty());
  EXPECT_THAT(Listed(all, "2026-07-01"), ElementsAre("001", "002"));
}

TEST_P(DepartmentsTest, ChainsResolveAndTakeTheirDwellingsAlong) {
  for (auto const* id : {"001", "002", "003"}) Department("9001", id);
  Dwelling("9001", "a", "001", "2020-01-01");
  Dwelling("9001", "b", "002", "2020-01-01");
  Dwelling("9001", "c", "001", "2025-06-01");
  Dwelling("9001", "late", "001", "2027-01-01");
  Merge("9001", "002", {"001"}, "2024-01-01");
  Merge("9001", "003", {"002"}, "2026-01-01");
  // Entered in what is merged later, after the fact.
  Dwelling("9001", "d", "001", "2023-01-01");

  EXPECT_EQ(Resolved("001", "2023-12-31"), "001");
  EXPECT_EQ(Resolved("001", "2024-01-01"), "002");
  EXPECT_EQ(Resolved("001", "2026-01-01"), "003");
  EXPECT_EQ(Resolved("002", "2025-12-31"), "002");
  EXPECT_THAT(DwellingsOf("001", "2023-12-31"), ElementsAre("a", "d"));
  EXPECT_THAT(DwellingsOf("001", "2024-01-01"), IsEmpty());
  EXPECT_THAT(DwellingsOf("002", "2023-12-31"), ElementsAre("b"));
  EXPECT_THAT(DwellingsOf("002", "2024-01-01"), ElementsAre("a", "b", "d"));
  EXPECT_THAT(DwellingsOf("002", "2025-12-31"), ElementsAre("a", "b", "c", "d"));
  EXPECT_THAT(DwellingsOf("003", "2025-12-31"), IsEmpty());
  EXPECT_THAT(DwellingsOf("003", "2026-01-01"), ElementsAre("a", "b", "c", "d"));
  EXPECT_THAT(DwellingsOf("003", "2027-01-01"), ElementsAre("a", "b", "c", "d", "late"));
}

TEST_P(DepartmentsTest, AMergerIntoWhatIsMergedLaterCarriesOn) {
  for (auto const* id : {"001", "002", "003", "004"}) Department("9001", id);
  Dwelling("9001", "a", "001", "2020-01-01");
  Dwelling("9001", "b", "002", "2020-01-01");
  Merge("9001", "003", {"002"}, "2026-01-01");
  Merge("9001", "004", {"003"}, "2026-01-01");
  Merge("9001", "002", {"001"}, "2024-01-01");
  EXPECT_THAT(DwellingsOf("002", "2025-12-31"), ElementsAre("a", "b"));
  EXPECT_THAT(DwellingsOf("003", "2026-01-01"), IsEmpty());
  EXPECT_THAT(DwellingsOf("004", "2026-01-01"), ElementsAre("a", "b"));
}

TEST_P(DepartmentsTest, MergersThatCannotBeAreRefused) {
  for (auto const* id : {"001", "002", "003"}) Department("9001", id);
  Department("9002", "001");
  Dwelling("9001", "a", "001", "2020-01-01");
  auto const refused = [&](v1::MergeDepartmentsRequest const& request, absl::StatusCode code, std::string_view reason) {
    return Refused<v1::Department>("MergeDepartments", request, code, reason);
  };
  refused(MergeRequest("001", {"001"}, "2026-01-01"), kPrecondition, "MERGER_CIRCULAR");
  refused(MergeRequest("001", {"009"}, "2026-01-01"), kAbsent, "RESOURCE_NOT_FOUND");
  refused(MergeRequest("009", {"001"}, "2026-01-01"), kAbsent, "RESOURCE_NOT_FOUND");
  auto foreign = MergeRequest("001", {"002"}, "2026-01-01");
  foreign.add_predecessors("organisations/9002/departments/001");
  refused(foreign, kInvalid, "MERGER_ACROSS_ORGANISATIONS");
  auto stale = MergeRequest("001", {"002"}, "2026-01-01");
  stale.set_etag("W/\"old\"");
  refused(stale, absl::StatusCode::kAborted, "ETAG_MISMATCH");
  refused(MergeRequest("001", {"002", "002"}, "2026-01-01"), kInvalid, "BAD_REQUEST");

  Merge("9001", "002", {"001"}, "2026-01-01");
  refused(MergeRequest("003", {"001"}, "2027-01-01"), kPrecondition, "DEPARTMENT_MERGED");
  refused(MergeRequest("001", {"003"}, "2026-01-02"), kPrecondition, "DEPARTMENT_MERGED");
  refused(MergeRequest("001", {"002"}, "2025-01-01"), kPrecondition, "MERGER_CIRCULAR");
  Merge("9001", "003", {"002"}, "2027-01-01");
  refused(MergeRequest("001", {"003"}, "2028-01-01"), kPrecondition, "MERGER_CIRCULAR");

  auto preview = MergeRequest("001", {"003"}, "2025-01-01");
  preview.set_predecessors(0, D("003"));
  refused(preview, kPrecondition, "MERGER_CIRCULAR");
}

TEST_P(DepartmentsTest, APreviewOfAMergerStoresNothing) {
  for (auto const* id : {"001", "002"}) Department("9001", id);
  Dwelling("9001", "a", "001", "2020-01-01");
  std::string const before = Content();
  auto request = MergeRequest("002", {"001"}, "2026-01-01");
  request.set_validate_only(true);
  auto const preview = Call<v1::Department>("MergeDepartments", request);
  ASSERT_THAT(preview, IsOk());
  EXPECT_THAT(preview->predecessors(), ElementsAre(D("001")));
  EXPECT_EQ(Content(), before);
}

TEST_P(DepartmentsTest, AreListedAsDanesSort) {
  for (auto const& [id, name] : std::vector<std::pair<std::string, std::string>>{
           {"001", "Aarhus"}, {"002", "Ærø"}, {"003", "Øster"}, {"004", "Åby"}, {"005", "Zoo"}, {"006", "Amager"}}) {
    Department("9001", id, name);
  }
  v1::ListDepartmentsRequest request;
  request.set_order_by("display_name");
  EXPECT_THAT(Listed(request, "2026-01-01"), ElementsAre("006", "005", "002", "003", "004", "001"));
  request.set_order_by("display_name desc");
  EXPECT_THAT(Listed(request, "2026-01-01"), ElementsAre("001", "004", "003", "002", "005", "006"));
}

}  // namespace
}  // namespace helhed::residents::testing
