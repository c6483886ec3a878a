#include <absl/strings/ascii.h>
#include <absl/strings/escaping.h>
#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "cli/testing.h"
#include "helhed/residents/v1/housing_register_service.pb.h"
#include "services/platform/identity/identity.h"
#include "services/platform/testing/folder.h"
#include "services/platform/testing/matchers.h"

namespace helhed::cli {
namespace {

using ::testing::HasSubstr;

class Token : public ::testing::Test {
 protected:
  int NewKey() { return world_.Run({"token", "--new-key", private_, public_, "--key-id", "test-1"}); }
  std::string Read(std::string const& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
  }
  mode_t Mode(std::string const& path) {
    struct stat status {};
    EXPECT_EQ(::stat(path.c_str(), &status), 0);
    return status.st_mode & 0777;
  }
  absl::StatusOr<std::shared_ptr<common::v1::Identity const>> Verify(std::string const& signed_identity, std::string audience) {
    identity::Verifier verifier(world_.clock, std::move(audience));
    EXPECT_THAT(verifier.AddKeyFile(public_), helhed::testing::IsOk());
    return verifier.Verify(signed_identity);
  }

  testing::TestWorld world_;
  helhed::testing::Folder const folder_;
  std::string const private_ = folder_ / "private";
  std::string const public_ = folder_ / "public";
};

TEST_F(Token, MakesAKeyPairAndNeverOverwrites) {
  ASSERT_EQ(NewKey(), kDone) << world_.err.str();
  EXPECT_EQ(Mode(private_), 0600u);
  EXPECT_THAT(Read(public_), ::testing::StartsWith("test-1 "));
  EXPECT_EQ(world_.out.str(), "");
  auto const secret = Read(private_);
  EXPECT_EQ(world_.err.str().find(secret.substr(secret.find(' ') + 1, 16)), std::string::npos);
  EXPECT_EQ(NewKey(), kFailed);
  EXPECT_THAT(world_.err.str(), HasSubstr("is there already"));
  EXPECT_EQ(Read(private_), secret);
  // Half a pair is no pair.
  ::unlink(private_.c_str());
  EXPECT_EQ(NewKey(), kFailed);
  EXPECT_FALSE(std::filesystem::exists(private_));
}

TEST_F(Token, WhatItPrintsIsAcceptedByAService) {
  ASSERT_EQ(NewKey(), kDone);
  ASSERT_EQ(world_.Run({"token", "--identity-key", private_, "--subject", "kim", "--audience", "residents", "--grant", "reader",
                        "--grant", "register-admin@organisations/9001", "--lifetime", "10m"}),
            kDone)
      << world_.err.str();
  std::string bytes;
  ASSERT_TRUE(absl::Base64Unescape(absl::StripAsciiWhitespace(world_.out.str()), &bytes));
  auto const identity = Verify(bytes, "residents");
  ASSERT_THAT(identity, helhed::testing::IsOk());
  EXPECT_EQ((*identity)->subject(), "kim");
  EXPECT_EQ((*identity)->issuer(), "cli");
  ASSERT_EQ((*identity)->grants_size(), 2);
  EXPECT_EQ((*identity)->grants(0).role(), "reader");
  EXPECT_EQ((*identity)->grants(0).scope(), "");
  EXPECT_EQ((*identity)->grants(1).scope(), "organisations/9001");
  EXPECT_THAT(Verify(bytes, "funding"), helhed::testing::StatusIs(absl::StatusCode::kUnauthenticated, "IDENTITY_FOREIGN"));
  world_.clock.Advance(absl::Minutes(12));
  EXPECT_THAT(Verify(bytes, "residents"), helhed::testing::StatusIs(absl::StatusCode::kUnauthenticated, "IDENTITY_EXPIRED"));
}

TEST_F(Token, PrintsABearerTokenForTheGateway) {
  ASSERT_EQ(NewKey(), kDone);
  ASSERT_EQ(world_.Run({"token", "--bearer", "--identity-key", private_, "--subject", "kim", "--grant", "reader"}), kDone)
      << world_.err.str();
  std::string const token(absl::StripAsciiWhitespace(world_.out.str()));
  EXPECT_EQ(token.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"), std::string::npos)
      << token;
  std::string bytes;
  ASSERT_TRUE(absl::WebSafeBase64Unescape(token, &bytes));
  auto const identity = Verify(bytes, "gateway");
  ASSERT_THAT(identity, helhed::testing::IsOk());
  EXPECT_EQ((*identity)->subject(), "kim");
}

TEST_F(Token, CallSendsItOrSignsOneItself) {
  ASSERT_EQ(NewKey(), kDone);
  std::string sent;
  world_.on_call = [&](auto const&, auto, client::CallOptions const& options) { return sent = options.identity, std::string(); };
  ASSERT_EQ(world_.Run({"token", "--identity-key", private_, "--subject", "kim", "--grant", "reader"}), kDone);
  auto const token_file = folder_ / "token";
  std::ofstream(token_file) << world_.out.str() << "\n";
  ASSERT_EQ(world_.Run({"call", "GetDwelling", "--address", "fake", "--token", token_file}), kDone) << world_.err.str();
  EXPECT_EQ((*Verify(sent, "residents"))->subject(), "kim");
  world_.environment = {
      {"HELHED_IDENTITY_KEY", private_}, {"HELHED_GRANT", "reader register-admin@organisations/9001"}, {"HELHED_SUBJECT", "env"}};
  ASSERT_EQ(world_.Run({"call", "GetDwelling", "--address", "fake"}), kDone) << world_.err.str();
  EXPECT_EQ((*Verify(sent, "residents"))->subject(), "env");
  EXPECT_EQ((*Verify(sent, "residents"))->grants_size(), 2);
  // A token on the command line stands against a key of the environment.
  ASSERT_EQ(world_.Run({"call", "GetDwelling", "--address", "fake", "--token", token_file}), kDone) << world_.err.str();
  EXPECT_EQ((*Verify(sent, "residents"))->subject(), "kim");
}

TEST_F(Token, ALongImportRenewsItsIdentity) {
  ASSERT_EQ(NewKey(), kDone);
  auto const csv = folder_ / "dwellings.csv";
  std::ofstream(csv) << "department,address,start_date\n1,A,2020-01-01\n1,B,2020-01-01\n1,C,2020-01-01\n";
  int calls = 0;
  world_.on_call = [&](auto const&, std::string_view bytes, client::CallOptions const& options) {
    ++calls;
    EXPECT_THAT(Verify(options.identity, "residents"), helhed::testing::IsOk());
    world_.clock.Advance(absl::Minutes(7));
    residents::v1::BatchCreateDwellingsRequest request;
    EXPECT_TRUE(request.ParseFromString(std::string(bytes)));
    residents::v1::BatchCreateDwellingsResponse response;
    for (int i = 0; i < request.requests_size(); ++i) response.add_results()->set_outcome(residents::v1::BATCH_OUTCOME_CREATED);
    return response.SerializeAsString();
  };
  EXPECT_EQ(world_.Run({"import", "dwellings", csv, "--organisation", "organisations/9001", "--address", "fake", "--batch", "1",
                        "--identity-key", private_, "--grant", "register-admin"}),
            kDone)
      << world_.err.str();
  EXPECT_EQ(calls, 6);
}

TEST_F(Token, RefusesWhatMakesNoToken) {
  ASSERT_EQ(NewKey(), kDone);
  EXPECT_EQ(world_.Run({"token"}), kUsage);
  EXPECT_EQ(world_.Run({"token", "--new-key", private_}), kUsage);
  EXPECT_EQ(world_.Run({"token", "--new-key", private_, public_}), kUsage);
  EXPECT_EQ(world_.Run({"token", "--identity-key", private_}), kUsage);
  EXPECT_EQ(world_.Run({"token", "--identity-key", private_, "--subject", "kim", "--lifetime", "2h"}), kUsage);
  EXPECT_EQ(world_.Run({"token", "--identity-key", private_, "--subject", "kim", "--grant", "@organisations/9001"}), kUsage);
  EXPECT_EQ(world_.Run({"token", "--identity-key", "/does/not/exist", "--subject", "kim"}), kFailed);
  std::ofstream(folder_ / "garbage") << "not a token";
  EXPECT_EQ(world_.Run({"call", "GetDwelling", "--address", "fake", "--token", folder_ / "garbage"}), kUsage);
  EXPECT_THAT(world_.err.str(), HasSubstr("does not hold a token"));
}

}  // namespace
}  // namespace helhed::cli
