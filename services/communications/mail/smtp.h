#pragma once

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <memory>
#include <string>
#include <string_view>

#include "services/communications/mail/mailer.h"

// Mail by SMTP (RFC 5321), through libcurl.
namespace helhed::communications::mail {

struct SmtpOptions {
  std::string url;        // `smtp://mail.example.dk:587`, `smtps://...`
  std::string from;       // `plan@example.dk`
  std::string from_name;  // `Amagerplanen`
  std::string user;       // empty: no login
  std::string password;   // read from a file and never logged
  bool tls = true;        // refuse to talk in the clear
  absl::Duration timeout = absl::Seconds(10);
};

// Keeps its connection between mails. Errors: INVALID_ARGUMENT for a URL or an address that is none.
absl::StatusOr<std::unique_ptr<Mailer>> ConnectSmtp(SmtpOptions options);

// A header's text as encoded words (RFC 2047) where it is not plain ASCII; never with a line feed of the text's own.
std::string EncodeHeader(std::string_view text);

}  // namespace helhed::communications::mail
