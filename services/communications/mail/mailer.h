#pragma once

#include <absl/time/time.h>

#include <string>
#include <string_view>

// Mail as the service hands it over, to a carrier or to a fake.
namespace helhed::communications::mail {

struct Mail {
  std::string to;          // `a@example.dk`
  std::string message_id;  // `x@helhed.dk`, without brackets: the same mail, sent again, has the same (RFC 5322, 3.6.4)
  std::string subject;
  std::string plain_text;
  std::string html;  // the same, a whole document
  absl::Time date;
};

enum class Answer {
  kAccepted,  // taken, which is not delivered
  kBusy,      // asks to come again later
  kRefused,   // will never take this mail, or knows no such address
  kAway,      // not reached, or not willing to take anything from us now
};

class Mailer {
 public:
  virtual ~Mailer() = default;
  // Waits for the carrier, at most some seconds. Called by one thread at a time.
  virtual Answer Send(Mail const& mail) = 0;
};

}  // namespace helhed::communications::mail
