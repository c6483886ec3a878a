#pragma once

#include <absl/status/status.h>
#include <absl/strings/str_cat.h>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "helhed/residents/v1/consent_service.pb.h"
#include "helhed/residents/v1/erasure_service.pb.h"
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
    channel_->On<residents::v1::AcknowledgeErasureRequest, residents::v1::Erasure>(
        "/helhed.residents.v1.ErasureService/AcknowledgeErasure",
        [said = said_](residents::v1::AcknowledgeErasureRequest const& request, client::CallOptions const&) {
          return said->Take(request);
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
  // What it was told of erasures, and whether it dies before it says that it has heard. It knows every erasure but those of whom
  // it does not know.
  std::vector<residents::v1::AcknowledgeErasureRequest> const& answers() const { return said_->answers; }
  void LoseAnswers(bool lose) { said_->lose = lose; }

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
    absl::StatusOr<residents::v1::Erasure> Take(residents::v1::AcknowledgeErasureRequest const& request) {
      if (away) return absl::UnavailableError("away");
      if (unknown.contains(request.name().substr(0, request.name().find("/erasures/")))) return NotFound(request.name());
      answers.push_back(request);
      if (lose) return absl::UnavailableError("lost");
      residents::v1::Erasure erasure;
      erasure.set_name(request.name());
      erasure.set_state(residents::v1::ERASURE_STATE_COMPLETE);
      auto& receipt = *erasure.add_receipts();
      receipt.set_service(request.service());
      receipt.set_outcome(request.outcome());
      receipt.set_record_count(request.record_count());
      return erasure;
    }
    std::vector<residents::v1::AcknowledgeErasureRequest> answers;
    std::map<std::string, residents::v1::ConsentVerdict> verdicts;
    std::set<std::string> unknown;
    bool away = false;
    bool lose = false;
  };

  std::shared_ptr<client::FakeChannel> channel_ = std::make_shared<client::FakeChannel>();
  // What answers may live longer than this does.
  std::shared_ptr<Said> said_ = std::make_shared<Said>();
};

}  // namespace helhed::activities::testing
