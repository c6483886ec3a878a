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
  // What its one client has to say for a token (client_secret_basic).
  static constexpr std::string_view kClient = "portal-kab";
  static constexpr std::string_view kSecret = "a-secret-of-the-test-and-of-nothing-else";

  // An access token by client_credentials, signed by RS256, PS256 or ES256, with the grant `portal@organisations/9001`. Empty
  // when it is refused.
  std::string Token(std::string_view algorithm) const;
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
