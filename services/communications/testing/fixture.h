#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "helhed/communications/v1/events.pb.h"
#include "helhed/communications/v1/notice_service.pb.h"
#include "helhed/communications/v1/template_service.pb.h"
#include "helhed/events/v1/event.pb.h"
#include "services/communications/communications.h"
#include "services/platform/base/civil.h"
#include "services/platform/client/channel.h"
#include "services/platform/client/fake.h"
#include "services/platform/server/instance.h"
#include "services/platform/storage/migrate.h"
#include "services/platform/testing/engines.h"
#include "services/platform/testing/matchers.h"
#include "services/platform/testing/store.h"

// The communications service on a fresh database of either engine, called through its whole pipeline in process. It is 1 March
// 2126: time limits are reckoned from this clock and kept by the store's, so that it must not be behind.
namespace helhed::communications::testing {

using helhed::testing::EqualsProto;
using helhed::testing::ForAllSeeds;
using helhed::testing::IsOk;
using helhed::testing::StatusCodeIs;
using helhed::testing::StatusIs;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
constexpr auto kPrecondition = absl::StatusCode::kFailedPrecondition;
constexpr auto kExists = absl::StatusCode::kAlreadyExists;
constexpr auto kAbsent = absl::StatusCode::kNotFound;
constexpr auto kDenied = absl::StatusCode::kPermissionDenied;

// What annexes are sealed with.
constexpr std::string_view kDataKey = "helhed-data-key test AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n";

// What a refusal says besides its code and reason.
struct Refusal {
  std::vector<std::string> fields;
  ErrorMetadata metadata;
};

// `2022-01-01`; the test fails on anything else.
google::type::Date Date(std::string_view iso);
// Instants as `2126-03-01T08:00:00Z`.
google::protobuf::Timestamp Instant(std::string_view rfc3339);

class CommunicationsTest : public ::testing::TestWithParam<storage::Engine> {
 protected:
  CommunicationsTest();
  ~CommunicationsTest() override;

  // A method as `<Service>/<Method>`: `NoticeService/GetNotice`, as `identity`, or as the operator, who may do everything.
  template <typename Response>
  absl::StatusOr<Response> Call(std::string_view method, google::protobuf::Message const& request, std::string identity = "") {
    client::CallOptions options;
    options.identity = identity.empty() ? As("operator", "") : std::move(identity);
    return client::Invoke<Response>(*channel_, "/helhed.communications.v1." + std::string(method), request, options);
  }
  // The same where it must succeed.
  template <typename Response>
  Response Must(std::string_view method, google::protobuf::Message const& request, std::string identity = "") {
    auto result = Call<Response>(method, request, std::move(identity));
    EXPECT_THAT(result, IsOk()) << method << " " << request.ShortDebugString();
    return result.value_or(Response());
  }
  // A server stream, as the operator.
  absl::Status Stream(std::string_view method, google::protobuf::Message const& request,
                      std::function<bool(std::string_view)> const& on_message) {
    client::CallOptions options;
    options.identity = As("operator", "");
    auto const* const found = contract::FindMethod("/helhed.communications.v1." + std::string(method));
    return channel_->Stream(*found, request.SerializeAsString(), options, on_message);
  }
  // As somebody who shows no identity.
  template <typename Response>
  absl::StatusOr<Response> Anonymous(std::string_view method, google::protobuf::Message const& request) {
    return client::Invoke<Response>(*channel_, "/helhed.communications.v1." + std::string(method), request, {});
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

  // The service ends and starts again on the same database, with these data keys.
  void Restart(std::string_view keys = kDataKey);
  // Runs what the service does by itself under that name until there is nothing more to do now; the test fails on an error, and
  // where there is no such job.
  void RunJob(std::string_view name);

  // A template `brev` in `plans/amager` with one version in Danish and Arabic that takes `start`, a date; its version's name.
  std::string Letter();

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

  // What the service logged so far.
  std::string Logged() const;

  server::Instance& instance() { return *instance_; }
  storage::Database& database() { return instance_->database(); }
  FakeClock& clock() { return clock_; }
  // By what mails go from the next Restart on; nobody at first.
  void SetMailer(std::shared_ptr<mail::Mailer> mailer) { mailer_ = std::move(mailer); }
  // The service residents, which is not there: see client/fake.h.
  client::FakeChannel& residents() { return *residents_; }

 private:
  void Start();

  std::shared_ptr<client::FakeChannel> residents_ = std::make_shared<client::FakeChannel>();
  std::shared_ptr<mail::Mailer> mailer_;
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

}  // namespace helhed::communications::testing
