#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "helhed/activities/v1/activity_service.pb.h"
#include "helhed/activities/v1/attendance_service.pb.h"
#include "helhed/activities/v1/events.pb.h"
#include "helhed/activities/v1/indicator_service.pb.h"
#include "helhed/activities/v1/registration_service.pb.h"
#include "helhed/activities/v1/session_service.pb.h"
#include "services/activities/activities.h"
#include "services/activities/testing/fake_residents.h"
#include "services/platform/base/civil.h"
#include "services/platform/client/channel.h"
#include "services/platform/server/instance.h"
#include "services/platform/storage/migrate.h"
#include "services/platform/testing/engines.h"
#include "services/platform/testing/folder.h"
#include "services/platform/testing/matchers.h"
#include "services/platform/testing/store.h"

// The activities service on a fresh database of either engine, called through its whole pipeline in process. It is 1 March 2126:
// time limits are reckoned from this clock and kept by the store's, so that it must not be behind.
namespace helhed::activities::testing {

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
// Instants as `2126-03-01T08:00:00Z`.
google::protobuf::Timestamp Instant(std::string_view rfc3339);

class ActivitiesTest : public ::testing::TestWithParam<storage::Engine> {
 protected:
  ActivitiesTest();
  ~ActivitiesTest() override;

  // A method as `<Service>/<Method>`: `ActivityService/GetActivity`, as `identity`, or as the operator, who may do everything.
  template <typename Response>
  absl::StatusOr<Response> Call(std::string_view method, google::protobuf::Message const& request, std::string identity = "") {
    client::CallOptions options;
    options.identity = identity.empty() ? As("operator", "") : std::move(identity);
    return client::Invoke<Response>(*channel_, "/helhed.activities.v1." + std::string(method), request, options);
  }
  // The same where it must succeed.
  template <typename Response>
  Response Must(std::string_view method, google::protobuf::Message const& request, std::string identity = "") {
    auto result = Call<Response>(method, request, std::move(identity));
    EXPECT_THAT(result, IsOk()) << method << " " << request.ShortDebugString();
    return result.value_or(Response());
  }
  // As somebody who shows no identity.
  template <typename Response>
  absl::StatusOr<Response> Anonymous(std::string_view method, google::protobuf::Message const& request) {
    return client::Invoke<Response>(*channel_, "/helhed.activities.v1." + std::string(method), request, {});
  }
  // A signed identity with a role within a resource; an empty scope means everywhere.
  std::string As(std::string_view role, std::string_view scope, std::string_view subject = "anna") {
    return As({{std::string(role), std::string(scope)}}, subject);
  }
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

  // A sub-goal `sprog` and an activity below it, in `plans/amager`, as a draft; it must succeed. No capacity is 0.
  v1::Activity Draft(std::string const& id, int capacity = 0);
  // The same, opened for registrations.
  v1::Activity Open(std::string const& id, int capacity = 0);
  v1::Activity Advance(std::string const& name, v1::ActivityStep step);
  static v1::CreateActivityRequest ActivityRequest(std::string const& id, int capacity = 0);
  // What enters a session of two hours.
  static v1::CreateSessionRequest SessionRequest(std::string const& activity, std::string_view local_start,
                                                 std::string const& room = "");
  // What registers a resident, or, with an empty id, somebody without a name.
  static v1::CreateRegistrationRequest RegistrationRequest(std::string const& activity, std::string const& resident = "");
  // `sal`; it must succeed.
  std::string Room(std::string const& id);

  // The last parts of the names of what a list answers.
  static std::vector<std::string> ListedIn(google::protobuf::Message const& response);

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

  server::Instance& instance() { return *instance_; }
  storage::Database& database() { return instance_->database(); }
  FakeClock& clock() { return clock_; }
  telemetry::Metrics& metrics() { return metrics_; }
  // What was logged, at every level.
  std::string LogText();

  // What the register of residents that is not there says about everybody, or about one.
  void SetVerdict(residents::v1::ConsentVerdict verdict) { residents_.SetVerdict(verdict); }
  void SetVerdict(std::string const& resident, residents::v1::ConsentVerdict verdict) {
    residents_.SetVerdict(resident, verdict);
  }
  // Whether the register of residents answers at all.
  void SetResidentsAway(bool away) { residents_.SetAway(away); }
  client::FakeChannel& residents() { return *residents_.channel(); }
  FakeResidents& fake_residents() { return residents_; }

 private:
  server::Definition Definition();

  FakeResidents residents_;
  helhed::testing::FreshDatabase fresh_;
  FakeClock clock_{absl::FromCivil(absl::CivilHour(2126, 3, 1, 8), absl::UTCTimeZone())};
  helhed::testing::TestRandom random_;
  helhed::testing::Folder folder_;
  std::unique_ptr<telemetry::Log> log_;
  telemetry::Metrics metrics_;
  identity::Signer signer_;
  std::unique_ptr<server::Instance> instance_;
  std::unique_ptr<client::Channel> channel_;
};

}  // namespace helhed::activities::testing
