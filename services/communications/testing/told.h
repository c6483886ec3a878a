#pragma once

#include <map>
#include <string>
#include <vector>

#include "helhed/communications/v1/campaign_service.pb.h"
#include "helhed/communications/v1/household_contact_service.pb.h"
#include "helhed/communications/v1/print_run_service.pb.h"
#include "helhed/residents/v1/housing_register_service.pb.h"
#include "services/communications/mail/mailer.h"
#include "services/communications/testing/fixture.h"

namespace helhed::communications::testing {

// A carrier that is not there.
class FakeMailer final : public mail::Mailer {
 public:
  mail::Answer Send(mail::Mail const& mail) override {
    sent.push_back(mail);
    // It may set another.
    auto const then = after;
    if (then) then();
    auto const found = answers.find(mail.to);
    return found == answers.end() ? otherwise : found->second;
  }

  std::vector<mail::Mail> sent;
  std::map<std::string, mail::Answer> answers;
  mail::Answer otherwise = mail::Answer::kAccepted;
  // Called when a mail is with the carrier and nobody knows yet.
  std::function<void()> after;
};

// Campaigns to the households of a register that is not there.
class ToldTest : public CommunicationsTest {
 protected:
  ToldTest();

  // A household of `organisations/9001/departments/{department}` in `Remisevej {number}`.
  void House(std::string const& id, std::string const& department, int number, std::string const& floor, std::string const& door);
  // `count` households in one department, named `h1`, `h2` ... .
  void Houses(int count, std::string const& department = "001");
  void Contact(std::string const& household, std::string const& email, std::vector<v1::MessageKind> const& declined = {},
               std::string const& language = "");

  v1::CreateCampaignRequest CampaignRequest(std::string const& id = "vand");
  // Entered and started; it must succeed.
  v1::Campaign Started(v1::CreateCampaignRequest const& request);
  v1::Campaign Get(std::string const& name);
  v1::CampaignProof Proof(std::string const& name);
  // `000001/email ACCEPTED`, by recipient and channel.
  std::vector<std::string> Ledger(std::string const& campaign);
  v1::PrintRun Printed(std::string const& campaign, std::string const& id = "r1");

  residents::v1::FetchHouseholdAddressesResponse& households() { return *households_; }
  void SetResidentsAway(bool away) { *away_ = away; }

 private:
  std::shared_ptr<residents::v1::FetchHouseholdAddressesResponse> households_ =
      std::make_shared<residents::v1::FetchHouseholdAddressesResponse>();
  std::shared_ptr<bool> away_ = std::make_shared<bool>(false);
  std::string version_;
};

}  // namespace helhed::communications::testing
