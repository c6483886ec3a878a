#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>
#include <google/rpc/status.pb.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <set>

#include "cli/importer.h"
#include "cli/testing.h"
#include "helhed/common/v1/errors.pb.h"
#include "helhed/residents/v1/errors.pb.h"
#include "services/platform/base/civil.h"
#include "services/platform/testing/matchers.h"

namespace helhed::cli {
namespace {

namespace v1 = residents::v1;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

// The register's batch method in memory, with idempotency, as the contract describes it.
class FakeRegister {
 public:
  // What happens to the nth call (from 0), and to all after it.
  enum class Failure { kNone, kRequestLost, kAnswerLost };

  std::set<std::string> departments{"organisations/9001/departments/001"};
  std::map<std::string, v1::Dwelling> dwellings;
  // Whether rows that break the contract's rules spoil a batch although it is per row.
  bool refuses_whole_batches = false;
  std::size_t created = 0;
  std::size_t calls = 0;
  std::size_t writes = 0;
  std::size_t fail_at = SIZE_MAX;
  Failure failure = Failure::kNone;
  std::vector<std::size_t> written_sizes;

  absl::StatusOr<std::string> Call(std::string_view bytes) {
    v1::BatchCreateDwellingsRequest request;
    EXPECT_TRUE(request.ParseFromString(std::string(bytes)));
    auto const number = calls++;
    if (number > fail_at || (number == fail_at && failure == Failure::kRequestLost)) return absl::UnavailableError("gone");
    auto const answer = Once(request);
    if (number == fail_at) return absl::UnavailableError("gone");
    if (!answer.ok()) return answer.status();
    return answer->SerializeAsString();
  }

 private:
  absl::StatusOr<v1::BatchCreateDwellingsResponse> Once(v1::BatchCreateDwellingsRequest const& request) {
    auto const bytes = request.SerializeAsString();
    auto const known = answers_.find(request.request_id());
    if (known != answers_.end()) {
      if (known->second.first == bytes) return known->second.second;
      return Error(absl::StatusCode::kInvalidArgument, common::v1::ERROR_REASON_REQUEST_ID_REUSED, "reused");
    }
    RETURN_IF_ERROR(contract::Validate(request));
    RETURN_IF_ERROR(refuses_whole_batches ? ValidateRows(request) : absl::OkStatus());
    auto answer = Handle(request);
    // Also what was only checked: an import must not count on a service that forgets it.
    if (answer.ok()) answers_[request.request_id()] = {bytes, *answer};
    return answer;
  }

  static absl::Status ValidateRows(v1::BatchCreateDwellingsRequest const& request) {
    std::vector<FieldViolation> violations;
    for (int i = 0; i < request.requests_size(); ++i) {
      for (auto const& violation : ViolationsOf(contract::Validate(request.requests(i)))) {
        violations.push_back({absl::StrCat("requests[", i, "].", violation.field), violation.description});
      }
    }
    return violations.empty() ? absl::OkStatus() : BadRequest(violations);
  }

  absl::StatusOr<v1::BatchCreateDwellingsResponse> Handle(v1::BatchCreateDwellingsRequest const& request) {
    v1::BatchCreateDwellingsResponse response;
    std::vector<FieldViolation> violations;
    for (int i = 0; i < request.requests_size(); ++i) {
      auto& result = *response.add_results();
      auto const error = Row(request, i, result);
      if (error.ok()) continue;
      result.set_outcome(v1::BATCH_OUTCOME_REFUSED);
      *result.mutable_error() = ToProto(error);
      for (auto const& violation : ViolationsOf(error)) {
        violations.push_back({absl::StrCat("requests[", i, "].", violation.field), violation.description});
      }
      if (ViolationsOf(error).empty()) violations.push_back({absl::StrCat("requests[", i, "]"), std::string(error.message())});
    }
    if (request.atomicity() != v1::BATCH_ATOMICITY_PER_ROW && !violations.empty()) return BadRequest(violations);
    if (request.validate_only()) return response;
    ++writes;
    written_sizes.push_back(static_cast<std::size_t>(request.requests_size()));
    for (auto const& result : response.results()) {
      if (result.outcome() != v1::BATCH_OUTCOME_CREATED) continue;
      ++created;
      dwellings[result.dwelling().name()] = result.dwelling();
    }
    return response;
  }

  absl::Status Row(v1::BatchCreateDwellingsRequest const& request, int i, v1::BatchCreateDwellingsResult& result) {
    auto const& row = request.requests(i);
    RETURN_IF_ERROR(contract::Validate(row));
    if (!departments.contains(row.dwelling().department())) return BadRequest({{"dwelling.department", "does not exist"}});
    auto wanted = row.dwelling();
    wanted.set_name(absl::StrCat(request.parent(), "/dwellings/", row.dwelling_id()));
    auto const found = dwellings.find(wanted.name());
    if (found == dwellings.end()) {
      for (auto const& [name, other] : dwellings) {
        if (!wanted.address_uuid().empty() && other.address_uuid() == wanted.address_uuid()) {
          return Error(absl::StatusCode::kAlreadyExists, v1::ERROR_REASON_ADDRESS_TAKEN, "the address is taken",
                       {{"resource", name}});
        }
      }
      wanted.mutable_create_time()->set_seconds(static_cast<std::int64_t>(calls));
      result.set_outcome(v1::BATCH_OUTCOME_CREATED);
      *result.mutable_dwelling() = wanted;
      return absl::OkStatus();
    }
    auto stored = found->second;
    stored.clear_create_time();
    if (stored.SerializeAsString() != wanted.SerializeAsString()) {
      return Error(absl::StatusCode::kAlreadyExists, common::v1::ERROR_REASON_RESOURCE_EXISTS,
                   wanted.name() + " exists and differs");
    }
    result.set_outcome(v1::BATCH_OUTCOME_UNCHANGED);
    *result.mutable_dwelling() = found->second;
    return absl::OkStatus();
  }

  std::map<std::string, std::pair<std::string, v1::BatchCreateDwellingsResponse>> answers_;
};

class Import : public ::testing::Test {
 protected:
  Import() { Attach(); }
  ~Import() override { ::unlink(path_.c_str()); }

  void Attach() {
    world_.on_call = [this](contract::Method const& method, std::string_view request, client::CallOptions const&) {
      EXPECT_EQ(method.name(), "BatchCreateDwellings");
      return register_.Call(request);
    };
  }
  void Write(std::string const& text) { std::ofstream(path_, std::ios::binary) << text; }
  // A file of `count` good rows.
  void WriteRows(std::size_t count) {
    std::string text = "dwelling_id;department;address;start_date\n";
    for (std::size_t i = 0; i < count; ++i) absl::StrAppend(&text, "d-", i, ";001;Vej ", i, ";2020-01-01\n");
    Write(text);
  }
  int Run(std::vector<std::string> more = {}) {
    std::vector<std::string> arguments = {"import",    "dwellings", path_, "--organisation", "organisations/9001",
                                          "--address", "fake"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return world_.Run(arguments);
  }
  // Lines of the report, without the file's name.
  std::vector<std::string> Report() {
    std::vector<std::string> lines;
    std::istringstream out(world_.out.str());
    for (std::string line; std::getline(out, line);)
      lines.push_back(line.starts_with(path_) ? line.substr(path_.size() + 1) : line);
    return lines;
  }

  std::string const path_ = ::testing::TempDir() + "helhed_import_" + std::to_string(::getpid()) + ".csv";
  testing::TestWorld world_;
  FakeRegister register_;
};

TEST_F(Import, EntersEveryRowInBatches) {
  WriteRows(25);
  EXPECT_EQ(Run({"--batch", "10"}), kDone) << world_.err.str();
  EXPECT_EQ(register_.dwellings.size(), 25u);
  EXPECT_THAT(register_.written_sizes, ElementsAre(10u, 10u, 5u));
  EXPECT_THAT(Report(), ElementsAre("created 25, unchanged 0, refused 0, 0.0 s"));
  EXPECT_THAT(world_.err.str(), HasSubstr("checked 10 of 25 rows\n"));
  EXPECT_THAT(world_.err.str(), HasSubstr("stored 25 of 25 rows\n"));
  EXPECT_EQ(Run({"--batch", "10"}), kDone);
  EXPECT_THAT(Report(), ElementsAre("created 0, unchanged 25, refused 0, 0.0 s"));
  EXPECT_EQ(register_.created, 25u);
}

TEST_F(Import, ADryRunStoresNothing) {
  WriteRows(25);
  EXPECT_EQ(Run({"--dry-run"}), kDone);
  EXPECT_THAT(Report(), ElementsAre("nothing stored; to create 25, unchanged 0, refused 0, 0.0 s"));
  EXPECT_TRUE(register_.dwellings.empty());
  EXPECT_EQ(register_.writes, 0u);
}

TEST_F(Import, OneBadRowAnywhereStoresNothingAndEveryBadRowIsReported) {
  Write(
      "afdeling;adresse;startdato;kvhx;areal\n"
      "1;A;01-01-2020;;50\n"
      "1;B;01-01-2020;tooshort;50\n"
      "7;C;01-01-2020;;50\n"
      "1;D;32-01-2020;;50\n"
      "1;;01-01-2020;;50\n"
      "1;F;01-01-2020;;20000\n");
  EXPECT_EQ(Run({"--batch", "2"}), kFailed);
  EXPECT_TRUE(register_.dwellings.empty());
  EXPECT_THAT(Report(),
              ElementsAre(HasSubstr("3: column 4 (kvhx): "), "4: column 1 (afdeling): does not exist",
                          HasSubstr("5: column 3 (startdato): must be an existing date"), HasSubstr("6: column 2 (adresse): "),
                          HasSubstr("7: column 5 (areal): "), "nothing stored; to create 1, unchanged 0, refused 5, 0.0 s"));
}

TEST_F(Import, PerRowStoresTheGoodRowsAndTheRestWhenTheyAreGood) {
  Write(
      "dwelling_id,department,address,start_date\n"
      "a,001,A,2020-01-01\nb,002,B,2020-01-01\nc,001,C,2020-01-01\nd,001,D,never\n");
  EXPECT_EQ(Run({"--per-row"}), kFailed);
  EXPECT_EQ(register_.dwellings.size(), 2u);
  EXPECT_EQ(Report().back(), "created 2, unchanged 0, refused 2, 0.0 s");
  // What was refused is not remembered: the department comes, the row goes in.
  register_.departments.insert("organisations/9001/departments/002");
  EXPECT_EQ(Run({"--per-row"}), kFailed);
  EXPECT_EQ(register_.dwellings.size(), 3u);
  EXPECT_EQ(Report().back(), "created 1, unchanged 2, refused 1, 0.0 s");
}

TEST_F(Import, ARefusalWithoutAFieldIsReportedToo) {
  auto const uuid = UuidOf("address");
  v1::Dwelling other;
  other.set_address_uuid(uuid);
  register_.dwellings["organisations/9001/dwellings/other"] = other;
  register_.dwellings["organisations/9001/dwellings/b"] = other;
  register_.dwellings["organisations/9001/dwellings/b"].set_address_uuid("");
  Write("dwelling_id,department,address,address_uuid,start_date\na,001,A," + uuid + ",2020-01-01\nb,001,B,,2020-01-01\n");
  EXPECT_EQ(Run(), kFailed);
  EXPECT_THAT(Report(), ElementsAre("2: column 4 (address_uuid): the address is taken (organisations/9001/dwellings/other)",
                                    "3: column 1 (dwelling_id): organisations/9001/dwellings/b exists and differs",
                                    "nothing stored; to create 0, unchanged 0, refused 2, 0.0 s"));
}

// An import of 25 rows in batches of 10 makes six calls: three checks, three writes. It breaks at each of them, either way, and
// is run again.
TEST_F(Import, AnInterruptedImportResumesWithoutDoubles) {
  WriteRows(25);
  for (auto const failure : {FakeRegister::Failure::kRequestLost, FakeRegister::Failure::kAnswerLost}) {
    for (std::size_t at = 0; at < 6; ++at) {
      SCOPED_TRACE(absl::StrCat("breaks at call ", at, failure == FakeRegister::Failure::kAnswerLost ? " after" : " before",
                                " it is done"));
      register_ = FakeRegister();
      register_.failure = failure;
      register_.fail_at = at;
      EXPECT_EQ(Run({"--batch", "10"}), kFailed);
      EXPECT_THAT(world_.err.str(), HasSubstr("run the same command again to carry on"));
      auto const stored = register_.dwellings.size();
      register_.fail_at = SIZE_MAX;
      EXPECT_EQ(Run({"--batch", "10"}), kDone);
      EXPECT_EQ(register_.dwellings.size(), 25u);
      EXPECT_EQ(register_.created, 25u);
      EXPECT_EQ(Report().back(), absl::StrCat("created ", 25 - stored, ", unchanged ", stored, ", refused 0, 0.0 s"));
    }
  }
}

TEST_F(Import, ALostAnswerIsAskedForAgainWithTheSameId) {
  WriteRows(10);
  std::set<std::string> ids;
  int writes = 0;
  world_.on_call = [&](contract::Method const&, std::string_view bytes,
                       client::CallOptions const&) -> absl::StatusOr<std::string> {
    v1::BatchCreateDwellingsRequest request;
    EXPECT_TRUE(request.ParseFromString(std::string(bytes)));
    auto answer = register_.Call(bytes);
    if (request.validate_only()) return answer;
    ids.insert(request.request_id());
    return ++writes == 1 ? absl::UnavailableError("lost") : answer;
  };
  EXPECT_EQ(Run(), kDone) << world_.err.str();
  EXPECT_EQ(writes, 2);
  EXPECT_EQ(ids.size(), 1u);
  EXPECT_EQ(register_.created, 10u);
  EXPECT_EQ(Report().back(), "created 10, unchanged 0, refused 0, 0.0 s");
}

TEST_F(Import, AskedAgainTheServiceFindsWhatAnotherCallerJustEntered) {
  WriteRows(10);
  int calls = 0;
  world_.on_call = [&](contract::Method const&, std::string_view bytes,
                       client::CallOptions const&) -> absl::StatusOr<std::string> {
    // The first try of the check and the first of the write meet somebody.
    if (++calls == 1 || calls == 3)
      return Error(absl::StatusCode::kAlreadyExists, common::v1::ERROR_REASON_RESOURCE_EXISTS, "exists");
    return register_.Call(bytes);
  };
  EXPECT_EQ(Run(), kDone) << world_.err.str();
  EXPECT_EQ(Report().back(), "created 10, unchanged 0, refused 0, 0.0 s");
  world_.on_call = [&](contract::Method const&, std::string_view, client::CallOptions const&) {
    return Error(absl::StatusCode::kAlreadyExists, common::v1::ERROR_REASON_RESOURCE_EXISTS, "exists");
  };
  EXPECT_EQ(Run(), kFailed);
}

TEST_F(Import, TheIdOfABatchDependsOnItsContentAlone) {
  std::map<std::string, std::string> ids;
  auto const id_of = [&](std::string const& text, std::string const& batch) {
    Write(text);
    register_ = FakeRegister();
    std::string id;
    world_.on_call = [&](contract::Method const&, std::string_view bytes, client::CallOptions const&) {
      v1::BatchCreateDwellingsRequest request;
      EXPECT_TRUE(request.ParseFromString(std::string(bytes)));
      if (!request.validate_only() && id.empty()) id = request.request_id();
      return register_.Call(bytes);
    };
    EXPECT_EQ(Run({"--batch", batch}), kDone);
    return id;
  };
  std::string const two = "dwelling_id,department,address,start_date\na,001,A,2020-01-01\nb,001,B,2020-01-01\n";
  auto const id = id_of(two, "10");
  EXPECT_TRUE(IsUuid(id));
  EXPECT_EQ(id_of(two, "10"), id);
  EXPECT_NE(id_of(two, "1"), id);
  EXPECT_NE(id_of(two + "c,001,C,2020-01-01\n", "2"), id);
}

TEST_F(Import, RowsThatWereRemovedSinceAreEnteredAgain) {
  WriteRows(5);
  EXPECT_EQ(Run(), kDone);
  register_.dwellings.clear();
  EXPECT_EQ(Run(), kDone);
  EXPECT_EQ(register_.dwellings.size(), 5u);
  EXPECT_EQ(Report().back(), "created 5, unchanged 0, refused 0, 0.0 s");
}

TEST_F(Import, StopsBetweenBatchesWhenInterrupted) {
  WriteRows(30);
  world_.on_call = [&](contract::Method const&, std::string_view bytes, client::CallOptions const&) {
    auto answer = register_.Call(bytes);
    if (register_.writes == 1) world_.stop.request_stop();
    return answer;
  };
  EXPECT_EQ(Run({"--batch", "10"}), kFailed);
  EXPECT_EQ(register_.dwellings.size(), 10u);
  EXPECT_THAT(world_.err.str(), HasSubstr("CANCELLED\ninterrupted\n"));
  EXPECT_EQ(Report().back(), "not finished; created 10, unchanged 0, refused 0, 0.0 s");
}

TEST_F(Import, ErrorsThatNameNoRowEndIt) {
  WriteRows(3);
  world_.on_call = [](contract::Method const&, std::string_view, client::CallOptions const&) {
    return Error(absl::StatusCode::kPermissionDenied, common::v1::ERROR_REASON_PERMISSION_MISSING, "no grant",
                 {{"permission", "residents.dwellings.create"}});
  };
  EXPECT_EQ(Run(), kFailed);
  EXPECT_THAT(world_.err.str(),
              HasSubstr("PERMISSION_DENIED PERMISSION_MISSING\nno grant\n  permission: residents.dwellings.create\n"));
  EXPECT_THAT(world_.err.str(), HasSubstr("put that right and run the same command again"));
}

TEST_F(Import, DrawsABarOnATerminalAndTakesItAway) {
  WriteRows(4);
  world_.err_is_terminal = true;
  EXPECT_EQ(Run({"--batch", "2"}), kDone);
  EXPECT_THAT(world_.err.str(), HasSubstr("checked [====================                    ] 50 %  2 of 4 rows\r\x1b[K"));
  EXPECT_TRUE(world_.err.str().ends_with("\r\x1b[K"));
}

TEST_F(Import, ReadsTheStandardInputAndRefusesWrongOptions) {
  world_.in.str("department,address,start_date\n1,A,2020-01-01\n");
  EXPECT_EQ(world_.Run({"import", "dwellings", "-", "--organisation", "organisations/9001", "--address", "fake"}), kDone);
  EXPECT_EQ(register_.dwellings.size(), 1u);
  EXPECT_EQ(Run({"--batch", "0"}), kUsage);
  EXPECT_EQ(Run({"--batch", "1001"}), kUsage);
  EXPECT_EQ(Run({"--separator", "|"}), kUsage);
  EXPECT_EQ(Run({"--nonsense"}), kUsage);
  EXPECT_EQ(world_.Run({"import", "households", path_, "--address", "fake"}), kUsage);
  EXPECT_EQ(world_.Run({"import", "dwellings", path_, "--address", "fake"}), kUsage);
  EXPECT_THAT(world_.err.str(), HasSubstr("--organisation"));
  EXPECT_EQ(world_.Run({"import", "dwellings", "/does/not/exist", "--organisation", "organisations/9001", "--address", "fake"}),
            kUsage);
  EXPECT_THAT(world_.err.str(), HasSubstr("/does/not/exist: No such file"));
}

// Wherever the bad rows are and however large the batches: with --per-row exactly the good rows are there.
TEST_F(Import, PerRowStoresExactlyTheGoodRows) {
  helhed::testing::ForAllSeeds(60, [&](SeededRandom& random) {
    register_ = FakeRegister();
    register_.refuses_whole_batches = random.Between(0, 1) == 1;
    std::string text = "dwelling_id,department,address,start_date,kvhx_key\n";
    std::set<std::string> good;
    auto const rows = random.Between(1, 40);
    for (std::int64_t i = 0; i < rows; ++i) {
      auto const kind = random.Between(0, 5);
      if (kind > 2) good.insert(absl::StrCat("organisations/9001/dwellings/d-", i));
      absl::StrAppend(&text, "d-", i, kind == 0 ? ",002,Vej " : ",001,Vej ", i, kind == 1 ? ",2020-13-01," : ",2020-01-01,",
                      kind == 2 ? "short" : "", "\n");
    }
    Write(text);
    EXPECT_EQ(Run({"--per-row", "--batch", std::to_string(random.Between(1, 12))}),
              good.size() == static_cast<std::size_t>(rows) ? kDone : kFailed);
    std::set<std::string> stored;
    for (auto const& [name, dwelling] : register_.dwellings) stored.insert(name);
    EXPECT_EQ(stored, good) << text;
  });
}

}  // namespace
}  // namespace helhed::cli
