#pragma once

#include <sys/types.h>

#include <cstdio>
#include <string>
#include <string_view>

namespace helhed::testing {

// A real OpenID Connect issuer (issuer.mjs) as a process of the test, ended with it.
class OidcIssuer {
 public:
  // Starts it and waits until it listens; aborts when it does not.
  OidcIssuer();
  ~OidcIssuer();
  OidcIssuer(OidcIssuer const&) = delete;
  OidcIssuer& operator=(OidcIssuer const&) = delete;

  // `http://127.0.0.1:PORT`
  std::string const& issuer() const { return issuer_; }
  static constexpr std::string_view kAudience = "https://helhed.test/";
  // A client with the grant `portal@organisations/9001` in the claim `helhed_grants`.
  static constexpr std::string_view kPortal = "portal-kab";
  // A client with no grants of its own, in the group `Helhed operators` (claim `groups`).
  static constexpr std::string_view kOperations = "helhed-operations";

  // An access token by client_credentials, signed by RS256, PS256 or ES256. Empty when it is refused.
  std::string Token(std::string_view algorithm, std::string_view client = kPortal) const;
  // Replaces all keys.
  void Rotate();

 private:
  // The next line that begins with `begin`.
  std::string ReadLine(std::string_view begin);

  pid_t pid_ = -1;
  int input_ = -1;
  std::FILE* output_ = nullptr;
  std::string issuer_;
};

}  // namespace helhed::testing
