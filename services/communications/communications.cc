#include "services/communications/communications.h"

#include <utility>

#include "helhed/funding/v1/events.pb.h"
#include "helhed/residents/v1/events.pb.h"
#include "helhed_migrations/communications.h"
#include "services/communications/mail/smtp.h"
#include "services/communications/service/campaign_service.h"
#include "services/communications/service/delivery_rule_service.h"
#include "services/communications/service/household_contact_service.h"
#include "services/communications/service/household_ends.h"
#include "services/communications/service/incident_service.h"
#include "services/communications/service/merge_service.h"
#include "services/communications/service/notice_service.h"
#include "services/communications/service/print_run_service.h"
#include "services/communications/service/sender.h"
#include "services/communications/service/template_service.h"
#include "services/communications/service/works_service.h"
#include "services/platform/server/follow.h"

namespace helhed::communications {
namespace {

// Every handler of the service. A part is a class with `Register`, listed here, in `services` and, with its tables, in
// `resources`.
struct Handlers {
  Handlers(server::Environment const& environment, client::Peer const& residents, std::shared_ptr<mail::Mailer> mailer)
      : incidents(environment.store, environment.keys),
        works(environment.store, HouseholdRegister(residents)),
        notices(environment.store),
        templates(environment.store),
        campaigns(environment.store, HouseholdRegister(residents)),
        delivery_rules(environment.store),
        contacts(environment.store),
        ends(environment.store, residents),
        print_runs(environment.store),
        merges(environment.store),
        sender(environment.store, std::move(mailer)) {}

  void Register(Router& router) {
    incidents.Register(router);
    works.Register(router);
    notices.Register(router);
    templates.Register(router);
    campaigns.Register(router);
    delivery_rules.Register(router);
    contacts.Register(router);
    print_runs.Register(router);
    merges.Register(router);
  }

  IncidentService incidents;
  WorksService works;
  NoticeService notices;
  TemplateService templates;
  CampaignService campaigns;
  DeliveryRuleService delivery_rules;
  HouseholdContactService contacts;
  HouseholdEnds ends;
  PrintRunService print_runs;
  MergeService merges;
  Sender sender;
};

// The carrier that the options name, which have checked what they say; nobody where they name none.
std::shared_ptr<mail::Mailer> CarrierOf(server::Environment const& environment) {
  auto const& options = environment.mail;
  if (options.url.empty()) return nullptr;
  auto mailer = mail::ConnectSmtp({.url = options.url,
                                   .from = options.from,
                                   .from_name = options.from_name,
                                   .user = options.user,
                                   .password = options.password,
                                   .tls = !options.cleartext});
  if (mailer.ok()) return *std::move(mailer);
  environment.log.Error("no mail is sent", {{"status", Sv(mailer.status().message())}});
  return nullptr;
}

// What is done when its time has come.
void AddJobs(server::Environment const& environment, Handlers& handlers) {
  auto& jobs = environment.jobs;
  auto const add = [&](std::string name, absl::Duration every,
                       absl::StatusOr<bool> (IncidentService::*job)(storage::Limits const&)) {
    jobs.push_back({std::move(name), every,
                    [&incidents = handlers.incidents, job](storage::Limits const& limits) { return (incidents.*job)(limits); }});
  };
  // An alert waits minutes; a few seconds more are nothing to it.
  add("escalate-alerts", absl::Seconds(5), &IncidentService::EscalateJob);
  add("erase-annexes", absl::Minutes(1), &IncidentService::EraseAnnexesJob);
  if (environment.keys != nullptr) add("rotate-annexes", absl::Hours(1), &IncidentService::RotateAnnexesJob);
  add("anonymise-incidents", absl::Minutes(10), &IncidentService::AnonymiseJob);
  auto& ends = handlers.ends;
  jobs.push_back(
      {"forget-households", absl::Minutes(1), [&ends](storage::Limits const& limits) { return ends.ForgetJob(limits); }});
  jobs.push_back(
      {"answer-erasures", absl::Seconds(30), [&ends](storage::Limits const& limits) { return ends.AnswerJob(limits); }});
  jobs.push_back(
      {"send", absl::Seconds(1), [&sender = handlers.sender](storage::Limits const& limits) { return sender.Run(limits); }});
}

// What the others say: who moves out or is erased, and which plans become one. The jobs that follow keep what they need.
void FollowOthers(server::Environment const& environment, Peers const& peers) {
  server::Follow(
      environment, peers.residents, "residents",
      {residents::v1::HouseholdChanged::descriptor()->full_name(), residents::v1::ResidentErased::descriptor()->full_name()},
      HouseholdEnds::TakeEvent);
  server::Follow(environment, peers.funding, "funding", {funding::v1::PlanMergeChanged::descriptor()->full_name()},
                 [keys = environment.keys](WriteTransaction& tx, events::v1::Event const& event) -> absl::Status {
                   funding::v1::PlanMergeChanged change;
                   if (!event.data().UnpackTo(&change)) return absl::OkStatus();
                   return MergeService::TakeChange(tx, change, keys);
                 });
}

}  // namespace

server::Definition CommunicationsDefinition(Peers peers, std::shared_ptr<mail::Mailer> mailer) {
  auto const migrations = migrations::CommunicationsMigrations();
  server::Definition definition;
  definition.name = "communications";
  definition.peers = {"residents", "funding"};
  definition.sends_mail = true;
  for (auto const* service : {"IncidentService", "WorksService", "NoticeService", "TemplateService", "CampaignService",
                              "DeliveryRuleService", "HouseholdContactService", "PrintRunService", "MergeService"}) {
    definition.services.push_back(std::string("helhed.communications.v1.") + service);
  }
  definition.migrations.assign(migrations.begin(), migrations.end());
  definition.resources = {
      {v1::ContingencyPlan::descriptor(), "contingency_plans", {}},
      {v1::Incident::descriptor(), "incidents", {"timeline_count"}},
      {v1::IncidentAlert::descriptor(), "incident_alerts", {"next_holders"}},
      {v1::IncidentAnnex::descriptor(), "incident_annexes", {"key_id", "sealed"}},
      {v1::IncidentParty::descriptor(), "incident_parties", {}},
      {v1::IncidentRule::descriptor(), "incident_rules", {}},
      {v1::IncidentTally::descriptor(), "incident_tallies", {}},
      {v1::IncidentTask::descriptor(), "incident_tasks", {}},
      {v1::AnnexAccess::descriptor(), "annex_accesses", {}},
      {v1::TimelineEntry::descriptor(), "timeline_entries", {}},
      {v1::ConstructionProject::descriptor(), "construction_projects", {}},
      {v1::ConstructionPhase::descriptor(), "construction_phases", {}},
      {v1::NoticePeriod::descriptor(), "notice_periods", {}},
      {v1::WorksNotice::descriptor(), "works_notices", {"delivery_start_date"}},
      {v1::WorksHousehold::descriptor(), "works_households", {"informed"}},
      {v1::Notice::descriptor(), "notices", {"correction"}},
      {v1::Template::descriptor(), "templates", {}},
      {v1::TemplateVersion::descriptor(), "template_versions", {}},
      {v1::Campaign::descriptor(), "campaigns", {"audience_digest"}},
      {v1::Recipient::descriptor(), "campaign_recipients", {}},
      {v1::Delivery::descriptor(), "deliveries", {}},
      {v1::DeliveryRule::descriptor(), "delivery_rules", {}},
      {v1::HouseholdContact::descriptor(), "household_contacts", {"declined"}},
      {v1::PrintRun::descriptor(), "print_runs", {"sender"}},
  };
  definition.handlers = [peers = std::move(peers), mailer = std::move(mailer)](server::Environment const& environment,
                                                                               Router& router) -> std::shared_ptr<void> {
    // A copy: one definition may be served more than once.
    auto asked = peers;
    if (!asked.residents) asked.residents = environment.peers.Find("residents");
    if (!asked.funding) asked.funding = environment.peers.Find("funding");
    auto handlers = std::make_shared<Handlers>(environment, asked.residents, mailer ? mailer : CarrierOf(environment));
    handlers->Register(router);
    FollowOthers(environment, asked);
    AddJobs(environment, *handlers);
    return handlers;
  };
  return definition;
}

}  // namespace helhed::communications
