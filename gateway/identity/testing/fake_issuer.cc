#include "gateway/identity/testing/fake_issuer.h"

#include <absl/strings/str_cat.h>
#include <boost/asio/post.hpp>

#include <algorithm>

#include "services/platform/base/strings.h"

namespace helhed::gateway::identity::testing {
namespace {

std::string const& KeysUrl() {
  static auto const& url = *new std::string(absl::StrCat(Av(kIssuer), "/keys"));
  return url;
}

}  // namespace

FakeIssuer::FakeIssuer() {
  documents[absl::StrCat(Av(kIssuer), "/.well-known/openid-configuration")] =
      absl::StrCat(R"({"issuer":")", Av(kIssuer), R"(","jwks_uri":")", KeysUrl(), R"("})");
}

void FakeIssuer::Get(Url const& url, boost::asio::io_context& loop, Done done) const {
  auto const address = absl::StrCat(url.is_tls ? "https://" : "http://", url.authority, url.target);
  fetched.push_back(address);
  auto const found = documents.find(address);
  auto body = found == documents.end() ? absl::UnavailableError("cannot be connected to") : found->second;
  auto answer = [&loop, done = std::move(done), body = std::move(body)] {
    boost::asio::post(loop, [done, body] { done(body); });
  };
  if (hold) {
    held_.push_back(std::move(answer));
  } else {
    answer();
  }
}

void FakeIssuer::Publish(std::string key_set) { documents[KeysUrl()] = std::move(key_set); }

int FakeIssuer::fetches_of_keys() const { return static_cast<int>(std::count(fetched.begin(), fetched.end(), KeysUrl())); }

void FakeIssuer::Release() {
  hold = false;
  for (auto const& answer : std::exchange(held_, {})) answer();
}

v1::Issuer IssuerConfig() {
  v1::Issuer issuer;
  issuer.set_id("login");
  issuer.set_issuer(std::string(kIssuer));
  issuer.add_audiences(std::string(kAudience));
  auto* const limit = issuer.add_may_grant();
  limit->set_role("*");
  limit->set_scope("*");
  return issuer;
}

}  // namespace helhed::gateway::identity::testing
