#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "helhed/communications/v1/campaign.pb.h"
#include "helhed/communications/v1/template.pb.h"
#include "services/communications/domain/delivery.h"
#include "services/communications/mail/mailer.h"
#include "services/platform/service/store.h"

namespace helhed::communications {

// What campaigns do by themselves: mails are sent, those that nobody confirmed are followed by letters, what was cancelled is
// withdrawn. A campaign is worked for by one process at a time, a few deliveries at a time, alerts before all others, so that
// an alert waits for those few and not for a campaign.
//
// What happened to a delivery is stored before the next is begun. Whoever dies after a carrier took a mail and before that is
// stored sends it again, with the same Message-ID: a mail that comes twice is one mail to its reader, one that never comes is
// none.
class Sender {
 public:
  // Without a mailer, mails fail for good, and letters take their place.
  Sender(Store& store, std::shared_ptr<mail::Mailer> mailer) : store_(store), mailer_(std::move(mailer)) {}

  // Works for one campaign for a while. Returns whether there was one: there may be more to do.
  absl::StatusOr<bool> Run(storage::Limits const& limits);

 private:
  struct Due {
    std::string recipient;
    v1::Channel channel = v1::CHANNEL_UNSPECIFIED;
    v1::DeliveryState state = v1::DELIVERY_STATE_UNSPECIFIED;
  };
  // A campaign that this process has for a while.
  struct Task {
    v1::Campaign campaign;
    v1::TemplateVersion version;
    std::vector<Due> due;
  };
  struct Lease {
    std::string campaign;
    std::int64_t until = 0;  // as it is stored
  };
  absl::StatusOr<bool> HasWork(CallContext const& call);
  // Nothing where another process was faster.
  absl::StatusOr<Lease> Claim(CallContext const& call);
  absl::StatusOr<Task> Load(CallContext const& call, std::string const& name);
  absl::Status Work(CallContext const& call, Task const& task);
  absl::Status Withdraw(CallContext const& call, Task const& task);
  absl::Status Enter(CallContext const& call, std::string const& campaign, Due const& due, Happened const& happened);
  absl::StatusOr<Happened> Send(CallContext const& call, Task const& task, Due const& due);
  absl::Status Release(CallContext const& call, Lease const& lease);

  Store& store_;
  std::shared_ptr<mail::Mailer> mailer_;
};

}  // namespace helhed::communications
