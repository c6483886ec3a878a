// What the plan does: the kinds that the case names, when, for whom, and who came.
import { ActivityState } from '../contract/helhed/activities/v1/activity_pb.js';
import { ActivityService } from '../contract/helhed/activities/v1/activity_service_pb.js';
import { RegistrationState } from '../contract/helhed/activities/v1/registration_pb.js';
import { RegistrationService } from '../contract/helhed/activities/v1/registration_service_pb.js';
import { VolunteerService } from '../contract/helhed/activities/v1/volunteer_service_pb.js';
import { amager, planName, stated } from '../amager.js';
import type { Gateway } from '../gateway.js';
import { amagerProgramme, homeworkOf, type Offer } from '../programme.js';
import type { Facts } from '../story.js';
import { activityName, came } from '../steps/activities.js';
import { sum } from '../values.js';
import { Figures } from './figures.js';

const parent = planName(amager);
const { offers, sessions, volunteers } = amagerProgramme;

function seatsOf(offer: Offer): number {
  return Math.min(offer.capacity ?? Infinity, (offer.adults ?? 0) + (offer.children ?? 0));
}

export async function checkActivities(gateway: Gateway, facts: Facts): Promise<number> {
  const figures = new Figures();
  const caller = gateway.as(amager.leader);
  const all = await caller.at(ActivityService).listActivities({ parent, pageSize: 100 });
  const activities = all.activities.filter(({ name }) => offers.some(offer => name === activityName(amager, offer)));
  figures.equal(activities.length, stated.activities, 'activities');
  figures.equal(activities.map(({ activityType }) => activityType).sort(), offers.map(({ type }) => `activityTypes/${type}`).sort(), 'kinds');
  figures.equal(new Set(activities.map(({ focusArea }) => focusArea)).size, stated.focusAreas, 'focus areas with activities');
  figures.equal(activities.every(({ state }) => state === ActivityState.COMPLETED), true, 'all are over');
  figures.equal(facts.sessions, stated.activities * sessions, 'sessions');
  figures.equal(facts.signups, {
    registered: sum(offers.map(offer => (offer.adults ?? 0) + (offer.children ?? 0))), confirmed: sum(offers.map(seatsOf)), waiting: 3,
  }, 'registrations');
  for (const offer of offers) {
    const activity = activities.find(({ name }) => name === activityName(amager, offer));
    figures.equal(activity?.takenCount, seatsOf(offer), `seats of ${offer.title}`);
    figures.equal(activity?.waitingCount, offer === homeworkOf(amagerProgramme) ? 2 : 0, `queue of ${offer.title}`);
  }
  const { registrations } = await caller.at(RegistrationService).listRegistrations({
    parent: activityName(amager, homeworkOf(amagerProgramme)), pageSize: 100 });
  const of = (state: RegistrationState): number => registrations.filter(registration => registration.state === state).length;
  figures.equal([of(RegistrationState.CONFIRMED), of(RegistrationState.WAITLISTED), of(RegistrationState.CANCELLED)], [12, 2, 1],
    'the homework help after one gave up a seat');
  const seats = sum(offers.map(seatsOf));
  const present = sum(offers.map(offer => sum(Array.from({ length: seatsOf(offer) * sessions }, (_, mark) =>
    came(Math.floor(mark / sessions), mark % sessions) ? 1 : 0))));
  const walkIns = sum(offers.map(offer => (offer.walkIns ?? 0) * sessions));
  figures.equal(facts.presences, { present, absent: seats * sessions - present, walkIns }, 'attendance');
  figures.equal(facts.counted, { registrations: seats, attendances: present + walkIns }, 'what the plan counts');
  const engaged = await caller.at(VolunteerService).listVolunteers({ parent, pageSize: 100 });
  const residents = new Set(engaged.volunteers.map(({ resident }) => resident));
  figures.equal(facts.volunteers.filter(({ name }) => residents.has(name)).length, volunteers, 'volunteers');
  return figures.count;
}
