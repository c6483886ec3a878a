#include "gateway/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "services/platform/testing/matchers.h"

namespace helhed::gateway {
namespace {

using helhed::testing::IsOk;
using ::testing::HasSubstr;

TEST(GatewayOptions, AFlagIsAboveTheEnvironmentThatIsAboveTheFile) {
  auto const file = (std::filesystem::temp_directory_path() / ("helhed-gateway-options-" + std::to_string(::getpid()))).string();
  std::ofstream(file) << "listen = 127.0.0.1:1\nadmin-listen = 127.0.0.1:2\nloops = 3\n";
  auto const read =
      ReadOptions({.arguments = {"--config", file, "--listen", "127.0.0.1:7"},
                   .environment = {{"HELHED_ADMIN_LISTEN", "127.0.0.1:8"}, {"HELHED_GATEWAY_ADMIN_LISTEN", "127.0.0.1:9"}}});
  std::filesystem::remove(file);
  ASSERT_THAT(read, IsOk());
  EXPECT_EQ(read->options.gateway.server.listen, "127.0.0.1:7");
  EXPECT_EQ(read->options.admin_listen, "127.0.0.1:9");
  EXPECT_EQ(read->options.gateway.server.loops, 3);
}

TEST(GatewayOptions, ServicesAreNamedOnceAndShareTheirTlsFiles) {
  auto const read = ReadOptions({.arguments = {"--upstream", "residents=dns:///residents:8443", "--upstream",
                                               "funding=unix:/run/f.sock", "--upstream-tls-ca-file", "/dev/null"},
                                 .environment = {}});
  ASSERT_THAT(read, IsOk());
  ASSERT_EQ(read->options.upstreams.size(), 2U);
  EXPECT_EQ(read->options.upstreams[0].service, "residents");
  EXPECT_EQ(read->options.upstreams[0].target.host, "residents");
  EXPECT_EQ(read->options.upstreams[1].target.unix_path, "/run/f.sock");
  EXPECT_EQ(read->options.upstreams[1].tls.ca_file, "/dev/null");
}

TEST(GatewayOptions, WhatIsWrongIsSaidAllAtOnce) {
  auto const read = ReadOptions({.arguments = {"--listen", "nowhere", "--upstream", "residents", "--cors-origin",
                                               "portal.example.dk", "--tls-key-file", "/dev/null", "--drain-delay", "soon"},
                                 .environment = {{"HELHED_GATEWAY_LISTN", "x"}}});
  ASSERT_FALSE(read.ok());
  for (auto const* const part : {"listen: must be", "upstream: must be", "cors-origin: must be", "give both for TLS",
                                 "drain-delay: must be", "HELHED_GATEWAY_LISTN: there is no such option"}) {
    EXPECT_THAT(std::string(read.status().message()), HasSubstr(part));
  }
  EXPECT_FALSE(ReadOptions({.arguments = {"--reflect"}, .environment = {}}).ok()) << "a part of a name is no name";
}

TEST(GatewayOptions, ToServeThereMustBeServicesAKeyAndRoles) {
  Options options;
  auto const status = PrepareServing(options);
  for (auto const* const part : {"upstream: needed", "identity-key-file: needed", "roles-file: needed"}) {
    EXPECT_THAT(std::string(status.message()), HasSubstr(part));
  }
}

}  // namespace
}  // namespace helhed::gateway
