#include "services/activities/activities.h"

#include <utility>

#include "helhed/funding/v1/events.pb.h"
#include "helhed/residents/v1/events.pb.h"
#include "helhed_migrations/activities.h"
#include "services/activities/service/activity_service.h"
#include "services/activities/service/attendance_service.h"
#include "services/activities/service/calendar_service.h"
#include "services/activities/service/indicator_service.h"
#include "services/activities/service/merge_service.h"
#include "services/activities/service/registration_service.h"
#include "services/activities/service/resident_ends.h"
#include "services/activities/service/session_service.h"
#include "services/activities/service/volunteer_service.h"
#include "services/platform/server/follow.h"

namespace helhed::activities {
namespace {

// Every handler of the service, and what they stand on.
struct Handlers {
  Handlers(Store& store, client::Peer const& residents)
      : activities(store, ResidentConsents(residents)),
        sessions(store),
        registrations(store, ResidentConsents(residents)),
        attendances(store),
        indicators(store),
        volunteers(store, ResidentConsents(residents)),
        calendar(store),
        merges(store),
        ends(store, residents) {}

  void Register(Router& router) {
    activities.Register(router);
    sessions.Register(router);
    registrations.Register(router);
    attendances.Register(router);
    indicators.Register(router);
    volunteers.Register(router);
    calendar.Register(router);
    merges.Register(router);
  }

  ActivityService activities;
  SessionService sessions;
  RegistrationService registrations;
  AttendanceService attendances;
  IndicatorService indicators;
  VolunteerService volunteers;
  CalendarService calendar;
  MergeService merges;
  ResidentEnds ends;
};

// What funding says about merges of plans.
absl::Status TakeFundingEvent(WriteTransaction& tx, events::v1::Event const& event) {
  funding::v1::PlanMergeChanged change;
  if (!event.data().UnpackTo(&change)) return absl::OkStatus();
  return MergeService::TakeChange(tx, change);
}

// What is done when its time has come.
void AddJobs(server::Environment const& environment, Handlers& handlers) {
  auto& registrations = handlers.registrations;
  auto& ends = handlers.ends;
  auto& jobs = environment.jobs;
  jobs.push_back({"expire-offers", absl::Seconds(30),
                  [&registrations](storage::Limits const& limits) { return registrations.ExpireJob(limits); }});
  jobs.push_back(
      {"answer-erasures", absl::Seconds(5), [&ends](storage::Limits const& limits) { return ends.AnswerJob(limits); }});
  jobs.push_back({"end-consents", absl::Seconds(5), [&ends](storage::Limits const& limits) { return ends.ConsentJob(limits); }});
}

}  // namespace

server::Definition ActivitiesDefinition(client::Peer residents, client::Peer funding) {
  auto const migrations = migrations::ActivitiesMigrations();
  server::Definition definition;
  definition.name = "activities";
  definition.peers = {"residents", "funding"};
  for (auto const* service : {"ActivityService", "SessionService", "RegistrationService", "AttendanceService", "IndicatorService",
                              "VolunteerService", "CalendarService", "MergeService"}) {
    definition.services.push_back(std::string("helhed.activities.v1.") + service);
  }
  definition.migrations.assign(migrations.begin(), migrations.end());
  definition.resources = {
      {v1::ActivityType::descriptor(), "activity_types", {}},
      {v1::ActivityRule::descriptor(), "activity_rules", {}},
      {v1::SubGoal::descriptor(), "sub_goals", {}},
      {v1::Activity::descriptor(), "activities", {"paused_state"}},
      {v1::Proposal::descriptor(), "proposals", {}},
      {v1::Room::descriptor(), "rooms", {}},
      {v1::Series::descriptor(), "series", {}},
      {v1::Session::descriptor(), "sessions", {}},
      {v1::Registration::descriptor(), "registrations", {}},
      {v1::Attendance::descriptor(), "attendances", {}},
      {v1::AttendanceEntry::descriptor(), "attendance_entries", {}},
      {v1::Indicator::descriptor(), "indicators", {}},
      {v1::Measurement::descriptor(), "measurements", {}},
      {v1::FocusAreaStatus::descriptor(), "focus_area_statuses", {}},
      {v1::Volunteer::descriptor(), "volunteers", {}},
      {v1::Clearance::descriptor(), "clearances", {}},
      {v1::ClearanceOrder::descriptor(), "clearance_orders", {}},
      {v1::VolunteerHours::descriptor(), "volunteer_hours", {}},
      {v1::Assignment::descriptor(), "assignments", {}},
  };
  definition.handlers = [residents = std::move(residents), funding = std::move(funding)](
                            server::Environment const& environment, Router& router) -> std::shared_ptr<void> {
    auto const asked = residents ? residents : environment.peers.Find("residents");
    auto handlers = std::make_shared<Handlers>(environment.store, asked);
    handlers->Register(router);
    AddJobs(environment, *handlers);
    // The jobs that follow keep what they need.
    server::Follow(
        environment, asked, "residents",
        {residents::v1::ResidentErased::descriptor()->full_name(), residents::v1::ConsentEnded::descriptor()->full_name()},
        ResidentEnds::TakeEvent);
    server::Follow(environment, funding ? funding : environment.peers.Find("funding"), "funding",
                   {funding::v1::PlanMergeChanged::descriptor()->full_name()}, TakeFundingEvent);
    return handlers;
  };
  return definition;
}

}  // namespace helhed::activities
