// The whole case, scene by scene. What it tells the narrator, and the facts that it returns, are what the services answered.
import type { CampaignProof } from './contract/helhed/communications/v1/campaign_pb.js';
import { IncidentState, type Incident } from './contract/helhed/communications/v1/incident_pb.js';
import type { WorksNotice } from './contract/helhed/communications/v1/works_pb.js';
import type { MergeConflict, PlanMerge } from './contract/helhed/funding/v1/merge_pb.js';
import type { Apportionment } from './contract/helhed/funding/v1/source_pb.js';
import { PlanState } from './contract/helhed/funding/v1/plan_pb.js';
import type { Decision } from './contract/helhed/funding/v1/decision_pb.js';
import { DecisionState } from './contract/helhed/funding/v1/decision_pb.js';
import { PlanService } from './contract/helhed/funding/v1/plan_service_pb.js';
import {
  amager, amagerbro, calendarOf, departments, partnerskabet, planName, planTotal, type Department, type Plan,
} from './amager.js';
import { refused, type Gateway } from './gateway.js';
import { amagerbroProgramme, amagerProgramme, partnerskabetProgramme, type Programme } from './programme.js';
import {
  engage, handOver, measure, noteAttendance, offerActivities, Participants, register, type Counted, type Presences, type Signups,
} from './steps/activities.js';
import { coordinate, prepare, report } from './steps/incidents.js';
import { confirmLetter, printLetter, startLetter, type Printed } from './steps/letters.js';
import { announceWorks } from './steps/works.js';
import { enterDwellings, enterHouseholds, enterOrganisations } from './steps/housing.js';
import { approveMerge, execute, propose, resolve, seal } from './steps/merge.js';
import { apportion, approveSources, budget, release, spendHalf } from './steps/money.js';
import { configurePurposes, Consents, enterPeople, type Household, type Someone } from './steps/people.js';
import {
  approveByFund, approveByMunicipality, approveByOrganisations, enterPlan, prequalify, publishOverview, start, submit,
} from './steps/plans.js';
import { adopted, override, vote } from './steps/votes.js';
import { count, inKroner, kroner, sum } from './values.js';

// Told what is about to be done, and what came of it.
export type Narrator = <Result>(scene: string, act: () => Promise<[Result, string]>) => Promise<Result>;

export interface Facts {
  readonly dwellings: number;
  readonly households: number;
  readonly people: readonly Household[];
  readonly decisions: readonly Decision[];
  readonly overridden: Decision;
  readonly letters: number;
  readonly printed: Printed;
  readonly proof: CampaignProof;
  readonly merge: PlanMerge;
  readonly conflicts: readonly MergeConflict[];
  readonly releases: number;
  readonly apportionments: readonly Apportionment[];
  readonly spent: bigint;
  readonly sessions: number;
  readonly signups: Signups;
  readonly volunteers: readonly Someone[];
  readonly presences: Presences;
  readonly counted: Counted;
  readonly works: WorksNotice;
  readonly incident: Incident;
}

export async function play(gateway: Gateway, tell: Narrator): Promise<Facts> {
  const register = await enterRegister(gateway, tell);
  const consents = new Consents(gateway);
  const participantsOf = (plan: Plan): Participants => new Participants(plan, register.people, consents);
  const helpers = await runPredecessor(gateway, tell, partnerskabetProgramme, participantsOf(partnerskabet), []);
  // One helps in both.
  await runPredecessor(gateway, tell, amagerbroProgramme, participantsOf(amagerbro), helpers.slice(0, 1));
  const decided = await decideOnAmager(gateway, tell);
  const merged = await becomeOne(gateway, tell);
  const money = await payForAmager(gateway, tell);
  const done = await runActivities(gateway, tell, participantsOf(amager));
  const told = await tellAmager(gateway, tell);
  return { ...register, ...decided, ...merged, ...money, ...done, ...told };
}

async function enterRegister(gateway: Gateway, tell: Narrator) {
  await tell('Organisations, administrators and purposes', async () => {
    const entered = await enterOrganisations(gateway);
    await configurePurposes(gateway);
    return [undefined, `${entered.organisations} organisations, ${entered.administered} of them administered by ${entered.administrators} others`];
  });
  const dwellings = await tell('Departments and dwellings', async () => {
    const entered = await enterDwellings(gateway);
    return [entered, `${departments.length} departments, ${count(entered)} dwellings`];
  });
  const households = await tell('Households', async () => {
    const entered = await enterHouseholds(gateway);
    return [entered, count(entered)];
  });
  const people = await tell('Made-up people', async () => {
    const entered = await enterPeople(gateway);
    const everybody = entered.flat();
    const hidden = everybody.filter(person => person.isProtected).length;
    return [entered, `${count(everybody.length)} residents, ${hidden} of them under address protection`];
  });
  return { dwellings, households, people };
}

// One of the two plans that became one: decided on and running since 2018, with half its money spent.
async function runPredecessor(
  gateway: Gateway, tell: Narrator, programme: Programme, participants: Participants, alsoHelping: readonly Someone[],
): Promise<Someone[]> {
  const { plan } = programme;
  await tell(`${plan.title}: decided and started`, async () => {
    await enterPlan(gateway, plan);
    await budget(gateway, plan);
    await prequalify(gateway, plan);
    const decisions = await vote(gateway, plan);
    await approveByOrganisations(gateway, plan);
    await approveByMunicipality(gateway, plan);
    await publishOverview(gateway, plan);
    await submit(gateway, plan);
    await approveByFund(gateway, plan);
    await start(gateway, plan);
    await approveSources(gateway, plan);
    await release(gateway, plan);
    const spent = await spendHalf(gateway, plan);
    const dwellings = sum(plan.departments.map(department => department.dwellings));
    return [undefined, `${decisions.length} departments, ${count(dwellings)} dwellings, ${inKroner(spent)} of ${
      inKroner(kroner(planTotal(plan)).minorUnits as bigint)} spent`];
  });
  const helpers = await tell(`${plan.title}: activities and volunteers`, async () => {
    const sessions = await offerActivities(gateway, programme);
    const signups = await register(gateway, programme, participants);
    const volunteers = await engage(gateway, programme, participants, alsoHelping);
    return [volunteers, `${programme.offers.length} activities, ${sessions} sessions, ${signups.confirmed} participants, ${
      volunteers.length} volunteers`];
  });
  await tell(`${plan.title}: an incident`, async () => {
    const [department] = plan.departments;
    if (!department) throw new Error('no department');
    await coordinateOne(gateway, plan, department);
    return [undefined, `in ${department.title}, coordinated and closed`];
  });
  return helpers;
}

async function decideOnAmager(gateway: Gateway, tell: Narrator) {
  await tell('The new plan: drafted, and approved beforehand by the fund', async () => {
    await enterPlan(gateway, amager);
    const lines = await budget(gateway, amager);
    const plan = await prequalify(gateway, amager);
    if (plan.state !== PlanState.LOCAL_DECISION) throw new Error('the departments may not decide yet');
    return [undefined, `January 2021, ${inKroner(BigInt(planTotal(amager)) * 100n)} in ${lines} budget lines`];
  });
  const decisions = await tell('Department meetings in autumn 2021', async () => {
    const held = await vote(gateway, amager);
    return [held, `${adopted(held)} say yes, ${held.length - adopted(held)} no`];
  });
  const overridden = await tell('The supreme body of fsb decides in the place of its department', async () => {
    await refusedBecauseOf(gateway, amager);
    const refusing = amager.departments[decisions.findIndex(({ state }) => state === DecisionState.REJECTED)];
    const adopting = amager.departments[decisions.findIndex(({ state }) => state === DecisionState.ADOPTED)];
    if (!refusing || !adopting) throw new Error('the departments were to disagree');
    await refused(override(gateway, amager, adopting), 'DECISION_STATE');
    return [await override(gateway, amager, refusing), `${refusing.title}, after almenboligloven § 37, stk. 4`];
  });
  const letter = await sendLetter(gateway, tell);
  await tell('Organisations, municipality and fund approve', async () => {
    const approving = await approveByOrganisations(gateway, amager);
    await approveByMunicipality(gateway, amager);
    await publishOverview(gateway, amager, letter.printed.sha256);
    await submit(gateway, amager);
    const plan = await approveByFund(gateway, amager);
    if (plan.state !== PlanState.APPROVED) throw new Error('the fund has not approved');
    return [undefined, `${approving} organisations, the municipality, the fund`];
  });
  await tell('The plan starts', async () => {
    const plan = await start(gateway, amager);
    if (plan.state !== PlanState.ACTIVE) throw new Error('the plan does not run');
    return [undefined, calendarOf(amager).start];
  });
  return { decisions, overridden, ...letter };
}

// The letter with an overview to all households: printed here, brought round by a distributor.
async function sendLetter(gateway: Gateway, tell: Narrator) {
  const letters = await tell('The letter with an overview is written', async () => {
    const households = await startLetter(gateway, amager);
    return [households, `to ${count(households)} households, in Danish and English`];
  });
  const printed = await tell('The letters are printed', async () => {
    const file = await printLetter(gateway, amager);
    return [file, `${count(file.run.letterCount)} letters, ${count(file.bytes)} bytes of PDF`];
  });
  const proof = await tell('The distributor brings them', async () => {
    const found = await confirmLetter(gateway, amager, printed);
    return [found, `${count(found.counts?.reachedCount ?? 0n)} households reached`];
  });
  return { letters, printed, proof };
}

async function tellAmager(gateway: Gateway, tell: Narrator) {
  const [department] = amager.departments;
  if (!department) throw new Error('no department');
  const works = await tell('Works are announced', async () => {
    const notice = await announceWorks(gateway, amager, department);
    return [notice, `to ${count(notice.householdCount)} households of ${department.title}, not to begin before they are due`];
  });
  const incident = await tell('An incident is coordinated', async () => {
    return [await coordinateOne(gateway, amager, department), 'reported by the housing organisation, coordinated with SSP, closed'];
  });
  return { works, incident };
}

async function coordinateOne(gateway: Gateway, plan: Plan, department: Department): Promise<Incident> {
  await prepare(gateway, plan);
  const incident = await coordinate(gateway, plan, await report(gateway, plan, department));
  if (incident.state !== IncidentState.CLOSED) throw new Error('the incident is not closed');
  return incident;
}

// While a department's no stands, the plan cannot be submitted.
async function refusedBecauseOf(gateway: Gateway, plan: Plan): Promise<void> {
  const error = await refused(submit(gateway, plan), 'PLAN_NOT_READY');
  const missing = await gateway.as(plan.leader).at(PlanService).whatIsMissing({ name: planName(plan) });
  if (!missing.missing.some(item => item.subject.includes(`-${plan.refusing}`))) {
    throw new Error(`not because of the department that said no: ${error.message}`);
  }
}

async function becomeOne(gateway: Gateway, tell: Narrator) {
  const merge = await tell('The merger is proposed, and every service asked', async () => {
    const proposed = await propose(gateway, amager);
    return [proposed, proposed.parts.map(part => `${part.service}: ${part.conflictCount} to decide`).join(', ')];
  });
  const conflicts = await tell('What has to be decided is decided', async () => {
    const report = await resolve(gateway, amager, merge);
    return [report, `${report.length} as suggested`];
  });
  await tell('Fund, municipality and organisations approve the merger', async () =>
    [undefined, `${await approveMerge(gateway, amager, merge)} approvals`]);
  await tell('The two plans go on as one', async () =>
    [undefined, `${count(await execute(gateway, amager, merge))} things moved`]);
  const sealed = await tell('The books of the two plans are settled', async () =>
    [await seal(gateway, amager, merge), 'each on its own']);
  return { merge: sealed, conflicts };
}

async function payForAmager(gateway: Gateway, tell: Narrator) {
  const releases = await tell('The money is approved and released, year by year', async () => {
    await approveSources(gateway, amager);
    const made = await release(gateway, amager);
    return [made, `${made} releases by ${amager.payers.length} payers, each by two people`];
  });
  const apportionments = await tell('The money is apportioned over the departments by dwellings', async () => {
    const made = await apportion(gateway, amager);
    return [made, `${made.length} sources over ${departments.length} departments, to the øre`];
  });
  const spent = await tell('Half of it is spent', async () => {
    const amount = await spendHalf(gateway, amager);
    return [amount, inKroner(amount)];
  });
  return { releases, apportionments, spent };
}

async function runActivities(gateway: Gateway, tell: Narrator, participants: Participants) {
  const programme = amagerProgramme;
  const sessions = await tell('Activities of the new plan', async () => {
    const made = await offerActivities(gateway, programme);
    return [made, `${programme.offers.length} activities, ${made} sessions`];
  });
  const signups = await tell('Registrations', async () => {
    const made = await register(gateway, programme, participants);
    return [made, `${made.registered} people, ${made.confirmed} with a seat, ${made.waiting} waiting`];
  });
  await tell('One gives up a seat', async () => {
    if (!await handOver(gateway, programme)) throw new Error('the seat did not go to the first in the queue');
    return [undefined, 'the first in the queue takes it'];
  });
  const volunteers = await tell('Volunteers', async () => {
    const engaged = await engage(gateway, programme, participants);
    return [engaged, `${engaged.length}, ${programme.cleared} of them cleared to be with children`];
  });
  const presences = await tell('Attendance', async () => {
    const noted = await noteAttendance(gateway, programme);
    return [noted, `${count(noted.present)} times somebody came, ${count(noted.absent)} times not, ${count(noted.walkIns)} without names`];
  });
  const counted = await tell('What the plan counts', async () => {
    const values = await measure(gateway, programme);
    return [values, `${values.registrations} seats, ${count(values.attendances)} attendances`];
  });
  return { sessions, signups, volunteers, presences, counted };
}
