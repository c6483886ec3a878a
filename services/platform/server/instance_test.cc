#include "services/platform/server/instance.h"

#include <gmock/gmock.h>

#include "services/platform/base/clock.h"
#include "services/platform/base/random.h"
#include "services/platform/testing/matchers.h"

namespace helhed::server {
namespace {

// As a service is refused that is never asked: an option that does nothing is a slip of the pen.
TEST(Instance, ACarrierForAServiceThatSendsNoMailIsRefused) {
  Definition definition;
  definition.name = "sample";
  SystemClock const clock;
  SystemRandom random;
  telemetry::Log log({.service = "sample", .minimum = telemetry::Severity::kError, .destination = "-"});
  telemetry::Metrics metrics;
  auto const open = [&](MailOptions mail) {
    InstanceOptions options;
    options.roles_file = "/no/such/file";
    options.mail = std::move(mail);
    auto const opened = Instance::Open(definition, options, clock, random, log, metrics);
    EXPECT_FALSE(opened.ok());
    return opened.status();
  };
  constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
  EXPECT_THAT(open({.url = "smtp://mail.example.dk:587"}), testing::StatusCodeIs(kInvalid));
  EXPECT_THAT(open({.cleartext = true}), testing::StatusCodeIs(kInvalid));
  EXPECT_THAT(open({}), testing::StatusCodeIs(absl::StatusCode::kNotFound)) << "the next error: where the roles are";
  definition.sends_mail = true;
  EXPECT_THAT(open({.url = "smtp://mail.example.dk:587"}), testing::StatusCodeIs(absl::StatusCode::kNotFound));
}

}  // namespace
}  // namespace helhed::server
