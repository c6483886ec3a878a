#pragma once

#include <absl/status/status.h>
#include <absl/strings/str_cat.h>

#include <map>
#include <memory>
#include <set>
#include <string>

#include "helhed/residents/v1/consent_service.pb.h"
#include "services/platform/client/fake.h"

// Residents as activities asks it, which is not there.
namespace helhed::activities::testing {

class FakeResidents {
 public:
  FakeResidents() {
    channel_->On<residents::v1::CheckConsentRequest, residents::v1::CheckConsentResponse>(
        "/helhed.residents.v1.ConsentService/CheckConsent",
        [said = said_](residents::v1::CheckConsentRequest const& request, client::CallOptions const&) {
          return said->About(request.parent());
        });
  }

  std::shared_ptr<client::FakeChannel> const& channel() const { return channel_; }

  // What it says about everybody, for every purpose, or about one: that there is a consent until something else is set.
  void SetVerdict(residents::v1::ConsentVerdict verdict) { said_->verdicts[""] = verdict; }
  void SetVerdict(std::string const& resident, residents::v1::ConsentVerdict verdict) { said_->verdicts[resident] = verdict; }
  // Whom it does not know.
  void SetUnknown(std::string const& resident) { said_->unknown.insert(resident); }
  // Whether it answers at all.
  void SetAway(bool away) { said_->away = away; }

 private:
  struct Said {
    absl::StatusOr<residents::v1::CheckConsentResponse> About(std::string const& resident) const {
      if (away) return absl::UnavailableError("away");
      if (unknown.contains(resident)) return NotFound(resident);
      auto found = verdicts.find(resident);
      if (found == verdicts.end()) found = verdicts.find("");
      residents::v1::CheckConsentResponse response;
      response.set_verdict(found == verdicts.end() ? residents::v1::CONSENT_VERDICT_GIVEN : found->second);
      response.set_allowed(response.verdict() <= residents::v1::CONSENT_VERDICT_NOT_NEEDED);
      return response;
    }
    std::map<std::string, residents::v1::ConsentVerdict> verdicts;
    std::set<std::string> unknown;
    bool away = false;
  };

  std::shared_ptr<client::FakeChannel> channel_ = std::make_shared<client::FakeChannel>();
  // What answers may live longer than this does.
  std::shared_ptr<Said> said_ = std::make_shared<Said>();
};

}  // namespace helhed::activities::testing
