#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "helhed/residents/v1/events.pb.h"
#include "helhed/residents/v1/housing_register_service.pb.h"
#include "services/platform/base/civil.h"
#include "services/platform/client/channel.h"
#include "services/platform/server/instance.h"
#include "services/platform/storage/migrate.h"
#include "services/platform/testing/engines.h"
#include "services/platform/testing/matchers.h"
#include "services/platform/testing/store.h"

// The residents service on a fresh database of either engine, called through its whole pipeline in process. It is 1 March 2126:
// time limits are reckoned from this clock and kept by the store's, so that it must not be behind.
namespace helhed::residents::testing {

using helhed::testing::EqualsProto;
using helhed::testing::ForAllSeeds;
using helhed::testing::IsOk;
using helhed::testing::StatusCodeIs;
using helhed::testing::StatusIs;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
constexpr auto kPrecondition = absl::StatusCode::kFailedPrecondition;
constexpr auto kExists = absl::StatusCode::kAlreadyExists;
constexpr auto kAbsent = absl::StatusCode::kNotFound;

// What a refusal says besides its code and reason.
struct Refusal {
  std::vector<std::string> fields;
  ErrorMetadata metadata;
};

// `2022-01-01`; the test fails on anything else.
google::type::Date Date(std::string_view iso);
// An empty end means until further notice.
common::v1::DateRange Range(std::string_view start, std::string_view end = "");

// Keys that CPR numbers are sealed with in tests.
constexpr std::string_view kDataKey = "helhed-data-key old AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n";
constexpr std::string_view kNewDataKey = "helhed-data-key new ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=\n";

class RegisterTest : public ::testing::TestWithParam<storage::Engine> {
 protected:
  RegisterTest();
  ~RegisterTest() override;

  // A method by its short name, or `PeopleService/GetResident` where it is not the housing register's; as `identity`, or as the
  // operator, who may do everything.
  template <typename Response>
  absl::StatusOr<Response> Call(std::string_view method, google::protobuf::Message const& request, std::string identity = "") {
    client::CallOptions options;
    options.identity = identity.empty() ? As("operator", "") : std::move(identity);
    std::string const service = method.find('/') == std::string_view::npos ? "HousingRegisterService/" : "";
    return client::Invoke<Response>(*channel_, "/helhed.residents.v1." + service + std::string(method), request, options);
  }
  // A signed identity with a role within a resource; an empty scope means everywhere.
  std::string As(std::string_view role, std::string_view scope) { return As({{std::string(role), std::string(scope)}}); }
  std::string As(std::vector<std::pair<std::string, std::string>> const& grants, std::string_view subject = "anna");

  // Expects the call to be refused with that code and reason, and to leave nothing behind.
  template <typename Response>
  Refusal Refused(std::string_view method, google::protobuf::Message const& request, absl::StatusCode code,
                  std::string_view reason, std::string identity = "") {
    std::string const before = Content();
    auto const result = Call<Response>(method, request, std::move(identity));
    EXPECT_THAT(result, StatusIs(code, std::string(reason))) << method << " " << request.ShortDebugString();
    EXPECT_EQ(Content(), before) << method << " " << request.ShortDebugString();
    Refusal refusal;
    for (auto const& violation : ViolationsOf(result.status())) refusal.fields.push_back(violation.field);
    refusal.metadata = MetadataOf(result.status());
    return refusal;
  }

  // Entries that must succeed. Names are short: `Organisation("9001")`, `Dwelling("9001", "a", "001", "2020-01-01")`.
  v1::Organisation Organisation(std::string const& id, std::string const& display_name = "Vibo");
  v1::Department Department(std::string const& organisation, std::string const& id,
                            std::string const& display_name = "Remisevænget");
  v1::Dwelling Dwelling(std::string const& organisation, std::string const& id, std::string const& department,
                        std::string const& start, std::string const& end = "");
  v1::Household Household(std::string const& organisation, std::string const& id, std::string const& dwelling,
                          std::string const& start, std::string const& end = "");
  v1::Department Merge(std::string const& organisation, std::string const& successor,
                       std::vector<std::string> const& predecessors, std::string const& date);

  static v1::CreateDwellingRequest DwellingRequest(std::string const& organisation, std::string const& id,
                                                   std::string const& department, std::string const& start,
                                                   std::string const& end = "");
  static v1::CreateHouseholdRequest HouseholdRequest(std::string const& organisation, std::string const& id,
                                                     std::string const& dwelling, std::string const& start,
                                                     std::string const& end = "");

  // The last parts of the names of what a list answers.
  static std::vector<std::string> ListedIn(google::protobuf::Message const& response);
  // The same of the items of a list.
  template <typename Items>
  static std::vector<std::string> Ids(Items const& items) {
    std::vector<std::string> ids;
    for (auto const& item : items) ids.emplace_back(item.name().substr(item.name().rfind('/') + 1));
    return ids;
  }

  // Every row of the service's tables, and how many events there are: what a refused call must not change.
  std::string Content();
  // The events so far, oldest first.
  std::vector<events::v1::Event> Events();
  template <typename Data>
  Data LastEvent(std::string_view subject) {
    Data data;
    auto const all = Events();
    if (all.empty()) {
      ADD_FAILURE() << "no event";
      return data;
    }
    EXPECT_EQ(all.back().type(), Data::descriptor()->full_name());
    EXPECT_EQ(all.back().subject(), subject);
    EXPECT_TRUE(all.back().data().UnpackTo(&data));
    return data;
  }

  // Opens the service again with these data keys (none when empty), as a restart does; see crypto/key_ring.h.
  void Restart(std::string const& keys);
  // Runs one of the service's jobs until it has no more to do.
  void RunJob(std::string_view name);

  // What was logged, at every level.
  std::string LogText();

  server::Instance& instance() { return *instance_; }
  storage::Database& database() { return instance_->database(); }
  FakeClock& clock() { return clock_; }
  telemetry::Metrics& metrics() { return metrics_; }

 private:
  void Open();

  helhed::testing::FreshDatabase fresh_;
  FakeClock clock_{absl::FromCivil(absl::CivilHour(2126, 3, 1, 8), absl::UTCTimeZone())};
  helhed::testing::TestRandom random_;
  std::string log_path_;
  std::string key_path_;
  std::unique_ptr<telemetry::Log> log_;
  telemetry::Metrics metrics_;
  identity::Signer signer_;
  std::unique_ptr<server::Instance> instance_;
  std::unique_ptr<client::Channel> channel_;
};

}  // namespace helhed::residents::testing
