// What the plans do: sub-goals and activities, when they take place, who registers, who helps, and who came.
import { randomUUID } from 'node:crypto';
import { ActivityStep } from '../contract/helhed/activities/v1/activity_pb.js';
import { ActivityService } from '../contract/helhed/activities/v1/activity_service_pb.js';
import { Presence } from '../contract/helhed/activities/v1/attendance_pb.js';
import { AttendanceService } from '../contract/helhed/activities/v1/attendance_service_pb.js';
import { IndicatorKind } from '../contract/helhed/activities/v1/indicator_pb.js';
import { IndicatorService } from '../contract/helhed/activities/v1/indicator_service_pb.js';
import { RegistrationState, type Registration } from '../contract/helhed/activities/v1/registration_pb.js';
import { RegistrationService } from '../contract/helhed/activities/v1/registration_service_pb.js';
import { SessionService } from '../contract/helhed/activities/v1/session_service_pb.js';
import { VolunteerService } from '../contract/helhed/activities/v1/volunteer_service_pb.js';
import { planName, type Plan } from '../amager.js';
import { all, each, refused, type Gateway } from '../gateway.js';
import { homeworkOf, type Offer, type Programme } from '../programme.js';
import { addDays, date, sum } from '../values.js';
import type { Consents, Household, Someone } from './people.js';

const pageSize = 200;

export function activityName(plan: Plan, offer: Offer): string {
  return `${planName(plan)}/activities/${offer.id}`;
}

// Who may take part in what a plan does: everybody of its departments who is not under protection, each once.
export class Participants {
  private readonly adults: Someone[];
  private readonly children: { child: Someone; guardian: Someone }[];

  constructor(plan: Plan, households: readonly Household[], private readonly consents: Consents) {
    const within = households.filter(household => household[0] && plan.departments.includes(household[0].department)
      && !household.some(person => person.isProtected));
    this.adults = within.flatMap(household => household.filter(person => !person.child).slice(0, 1));
    this.children = within.flatMap(household => {
      const [guardian] = household;
      return guardian ? household.filter(person => person.child).map(child => ({ child, guardian })) : [];
    });
  }

  // The next ones, who consent to being noted.
  async nextAdults(wanted: number): Promise<Someone[]> {
    const people = this.adults.splice(0, wanted);
    await each(people, person => this.consents.ask(person));
    return people;
  }
  async nextChildren(wanted: number): Promise<Someone[]> {
    const people = this.children.splice(0, wanted);
    await each(people, ({ child, guardian }) => this.consents.ask(child, guardian));
    return people.map(({ child }) => child);
  }
}

// Activities with their sessions, one room for all, open for registration. Returns how many sessions that makes.
export async function offerActivities(gateway: Gateway, programme: Programme): Promise<number> {
  const { plan } = programme;
  const parent = planName(plan);
  const activities = gateway.as(plan.leader).at(ActivityService);
  const calendar = gateway.as(plan.leader).at(SessionService);
  const room = await calendar.createRoom({ parent, room: { displayName: 'Beboerhuset', place: 'Amager' } });
  await each(plan.focusAreas, subGoalId => activities.createSubGoal({
    parent, subGoalId,
    subGoal: { displayName: `Delmål for ${subGoalId}`, focusArea: subGoalId, purpose: 'En positiv udvikling i området.' },
  }));
  const counts = await each(programme.offers, async (offer, index) => {
    const name = activityName(plan, offer);
    await activities.createActivity({
      parent,
      activityId: offer.id,
      activity: {
        displayName: offer.title,
        description: `${offer.title} i området.`,
        subGoal: `${parent}/subGoals/${offer.focusArea}`,
        activityType: `activityTypes/${offer.type}`,
        place: 'Beboerhuset',
        responsible: plan.leader.subject,
        languages: ['da'],
        openToAll: offer.walkIns !== undefined,
        ...(offer.ages.min === undefined ? {} : { ageMin: offer.ages.min }),
        ...(offer.ages.max === undefined ? {} : { ageMax: offer.ages.max }),
        ...(offer.capacity === undefined ? {} : { capacity: offer.capacity }),
      },
    });
    await activities.advanceActivity({ name, step: ActivityStep.PLAN });
    // Five days a week, an activity after the other.
    const day = addDays(programme.firstMonday, index % 5);
    const series = await calendar.createSeries({
      parent: name, seriesId: 'ugentlig',
      series: {
        recurrenceRule: `FREQ=WEEKLY;COUNT=${programme.sessions}`, localStart: `${day}T${15 + Math.floor(index / 5) * 2}:00`,
        durationMinutes: 110, room: room.name },
    });
    await activities.advanceActivity({ name, step: ActivityStep.OPEN });
    return series.sessionCount;
  });
  const [first] = programme.offers;
  if (first) {
    await refused(calendar.createSession({
      parent: activityName(plan, first),
      session: { localStart: `${programme.firstMonday}T16:00`, durationMinutes: 60, room: room.name } }), 'ROOM_TAKEN');
  }
  return sum(counts);
}

export interface Signups {
  readonly registered: number;
  readonly confirmed: number;
  readonly waiting: number;
}

export async function register(gateway: Gateway, programme: Programme, participants: Participants): Promise<Signups> {
  const { plan } = programme;
  const registrations = gateway.as(plan.leader).at(RegistrationService);
  const answers = await each(programme.offers, async offer => {
    const people = [
      ...await participants.nextAdults(offer.adults ?? 0), ...await participants.nextChildren(offer.children ?? 0)];
    return each(people, person => registrations.createRegistration({
      parent: activityName(plan, offer), registration: { resident: person.name } }));
  });
  const made = answers.flat();
  return {
    registered: made.length,
    confirmed: made.filter(({ state }) => state === RegistrationState.CONFIRMED).length,
    waiting: made.filter(({ state }) => state === RegistrationState.WAITLISTED).length,
  };
}

async function registrationsOf(gateway: Gateway, plan: Plan, offer: Offer): Promise<Registration[]> {
  const parent = activityName(plan, offer);
  return all(pageToken => gateway.as(plan.leader).at(RegistrationService).listRegistrations({ parent, pageSize, pageToken }),
    page => page.registrations);
}

// One gives up a seat at the homework help; the first in the queue is offered it, and takes it. Returns whether it was the first.
export async function handOver(gateway: Gateway, programme: Programme): Promise<boolean> {
  const { plan } = programme;
  const before = await registrationsOf(gateway, plan, homeworkOf(programme));
  const leaving = before.find(({ state }) => state === RegistrationState.CONFIRMED);
  const queue = before.filter(({ state }) => state === RegistrationState.WAITLISTED)
    .sort((one, other) => Number(one.queueNumber - other.queueNumber));
  if (!leaving || !queue[0]) throw new Error('nobody waits for the homework help');
  const registrations = gateway.as(plan.leader).at(RegistrationService);
  await registrations.cancelRegistration({ name: leaving.name, reason: 'flyttet' });
  const first = await registrations.getRegistration({ name: queue[0].name });
  if (first.state !== RegistrationState.OFFERED) return false;
  return (await registrations.acceptOffer({ name: first.name })).state === RegistrationState.CONFIRMED;
}

// Volunteers with an agreement, `others` among them; some are cleared by the police to be with children, and help with the homework.
export async function engage(
  gateway: Gateway, programme: Programme, participants: Participants, others: readonly Someone[] = []): Promise<Someone[]> {
  const { plan } = programme;
  const parent = planName(plan);
  const volunteers = gateway.as(plan.leader).at(VolunteerService);
  const people = [...await participants.nextAdults(programme.volunteers - others.length), ...others];
  const engaged = await each(people, person => volunteers.createVolunteer({
    parent, volunteer: { resident: person.name, tasks: 'Hjælper til.', startDate: date(addDays(programme.firstMonday, -60)) } }));
  const toClear = engaged.slice(0, programme.cleared).map(({ name }) => name);
  const sessions = await sessionsOf(gateway, plan, homeworkOf(programme));
  if (toClear[0] && sessions[0]) {
    await refused(volunteers.assignVolunteer({ parent: sessions[0], volunteer: toClear[0] }), 'CLEARANCE_NEEDED');
  }
  const clearanceOf = (volunteer: string): string => volunteer.replace('/volunteers/', '/clearances/');
  await each(toClear, volunteer => volunteers.consentToClearance({
    name: clearanceOf(volunteer), consentDate: date(addDays(programme.firstMonday, -50)) }));
  await volunteers.createClearanceOrder({ parent, clearanceOrder: { volunteers: toClear } });
  await each(toClear, volunteer => volunteers.recordClearance({
    name: clearanceOf(volunteer), cleared: true, decideDate: date(addDays(programme.firstMonday, -30)) }));
  await each(sessions, (session, index) => volunteers.assignVolunteer({
    parent: session, volunteer: toClear[index % toClear.length] ?? '' }));
  return people;
}

async function sessionsOf(gateway: Gateway, plan: Plan, offer: Offer): Promise<string[]> {
  const parent = activityName(plan, offer);
  const sessions = await all(pageToken => gateway.as(plan.leader).at(SessionService).listSessions({ parent, pageSize, pageToken }),
    page => page.sessions);
  return sessions.map(({ name }) => name);
}

export interface Presences {
  readonly present: number;
  readonly absent: number;
  readonly walkIns: number;
}

// Whether the person at a place in the list came to a session: four of five do.
export function came(person: number, session: number): boolean {
  return (person + session) % 5 !== 0;
}

async function noteOffer(gateway: Gateway, plan: Plan, offer: Offer): Promise<Presences> {
  const name = activityName(plan, offer);
  const activities = gateway.as(plan.leader).at(ActivityService);
  const attendances = gateway.as(plan.leader).at(AttendanceService);
  await activities.advanceActivity({ name, step: ActivityStep.START });
  const seated = (await registrationsOf(gateway, plan, offer)).filter(({ state }) => state === RegistrationState.CONFIRMED);
  const sessions = await sessionsOf(gateway, plan, offer);
  let present = 0;
  await each(sessions, async (parent, session) => {
    const marks = seated.map((registration, person) => ({
      markId: randomUUID(), registration: registration.name.split('/').at(-1) ?? '',
      presence: came(person, session) ? Presence.PRESENT : Presence.ABSENT }));
    const counted = offer.walkIns ? [{ markId: randomUUID(), presence: Presence.PRESENT, headCount: offer.walkIns }] : [];
    await attendances.recordAttendance({ parent, marks: [...marks, ...counted] });
    present += marks.filter(({ presence }) => presence === Presence.PRESENT).length;
  });
  await activities.advanceActivity({ name, step: ActivityStep.COMPLETE });
  return {
    present, absent: seated.length * sessions.length - present, walkIns: (offer.walkIns ?? 0) * sessions.length };
}

// Who came, session by session; then the activities are over.
export async function noteAttendance(gateway: Gateway, programme: Programme): Promise<Presences> {
  const noted = await each(programme.offers, offer => noteOffer(gateway, programme.plan, offer));
  return {
    present: sum(noted.map(({ present }) => present)),
    absent: sum(noted.map(({ absent }) => absent)),
    walkIns: sum(noted.map(({ walkIns }) => walkIns)),
  };
}

export interface Counted {
  readonly registrations: number;
  readonly attendances: number;
}

// What the plan counts by itself, over all its sub-goals.
export async function measure(gateway: Gateway, programme: Programme): Promise<Counted> {
  const { plan } = programme;
  const parent = planName(plan);
  const indicators = gateway.as(plan.leader).at(IndicatorService);
  const counted = async (kind: IndicatorKind, id: string, displayName: string): Promise<number> => {
    const values = await each(plan.focusAreas, async focusArea => {
      const { name } = await indicators.createIndicator({
        parent, indicatorId: `${id}-${focusArea}`,
        indicator: { displayName, subGoal: `${parent}/subGoals/${focusArea}`, kind, unit: 'personer', target: 100n },
      });
      return Number((await indicators.getIndicator({ name })).currentValue);
    });
    return sum(values);
  };
  return {
    registrations: await counted(IndicatorKind.CONFIRMED_REGISTRATIONS, 'pladser', 'Pladser'),
    attendances: await counted(IndicatorKind.ATTENDANCES, 'fremmoede', 'Fremmøde'),
  };
}
