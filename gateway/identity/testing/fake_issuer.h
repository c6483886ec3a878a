#pragma once

#include <absl/status/statusor.h>
#include <boost/asio/io_context.hpp>

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "gateway/identity/fetcher.h"
#include "helhed/gateway/v1/config.pb.h"

namespace helhed::gateway::identity::testing {

inline constexpr std::string_view kIssuer = "https://login.example.dk/realms/helhed";
inline constexpr std::string_view kAudience = "https://helhed.example.dk";

// An issuer without a network: what it publishes is fetched from memory, on the loop and after the question as from a socket.
class FakeIssuer final : public Fetcher {
 public:
  FakeIssuer();

  void Get(Url const& url, boost::asio::io_context& loop, Done done) const override;

  // By the whole URL. An URL that is not there cannot be reached.
  std::map<std::string, absl::StatusOr<std::string>> documents;
  // Publishes these keys.
  void Publish(std::string key_set);
  // The URLs that were fetched, in order.
  std::vector<std::string> mutable fetched;
  int fetches_of_keys() const;

  // While true, answers are kept back until Release.
  bool hold = false;
  void Release();

 private:
  std::vector<std::function<void()>> mutable held_;
};

// Fits FakeIssuer: kIssuer, kAudience, any grant.
v1::Issuer IssuerConfig();

}  // namespace helhed::gateway::identity::testing
