// The whole case, scene by scene. What it tells the narrator, and the facts that it returns, are what the services answered.
import type { Apportionment } from './contract/helhed/funding/v1/source_pb.js';
import { PlanState } from './contract/helhed/funding/v1/plan_pb.js';
import type { Decision } from './contract/helhed/funding/v1/decision_pb.js';
import { DecisionState } from './contract/helhed/funding/v1/decision_pb.js';
import { PlanService } from './contract/helhed/funding/v1/plan_service_pb.js';
import { amager, calendarOf, departments, planName, planTotal, type Plan } from './amager.js';
import { refused, type Gateway } from './gateway.js';
import { amagerbroProgramme, amagerProgramme, partnerskabetProgramme, type Programme } from './programme.js';
import {
  engage, handOver, measure, noteAttendance, offerActivities, Participants, register, type Counted, type Presences, type Signups,
} from './steps/activities.js';
import { enterDwellings, enterHouseholds, enterOrganisations } from './steps/housing.js';
import { apportion, approveSources, budget, release, spendHalf } from './steps/money.js';
import { configurePurposes, Consents, enterPeople, type Household } from './steps/people.js';
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
  readonly releases: number;
  readonly apportionments: readonly Apportionment[];
  readonly spent: bigint;
  readonly sessions: number;
  readonly signups: Signups;
  readonly volunteers: number;
  readonly presences: Presences;
  readonly counted: Counted;
}

export async function play(gateway: Gateway, tell: Narrator): Promise<Facts> {
  const register = await enterRegister(gateway, tell);
  const consents = new Consents(gateway);
  const participantsOf = (plan: Plan): Participants => new Participants(plan, register.people, consents);
  for (const programme of [partnerskabetProgramme, amagerbroProgramme]) {
    await runPredecessor(gateway, tell, programme, participantsOf(programme.plan));
  }
  const decided = await decideOnAmager(gateway, tell);
  const money = await payForAmager(gateway, tell);
  const done = await runActivities(gateway, tell, participantsOf(amager));
  return { ...register, ...decided, ...money, ...done };
}

async function enterRegister(gateway: Gateway, tell: Narrator) {
  await tell('Organisations, administrators and purposes', async () => {
    await enterOrganisations(gateway);
    await configurePurposes(gateway);
    return [undefined, '5 organisations, 2 of them administered by others'];
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
async function runPredecessor(gateway: Gateway, tell: Narrator, programme: Programme, participants: Participants): Promise<void> {
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
  await tell(`${plan.title}: activities and volunteers`, async () => {
    const sessions = await offerActivities(gateway, programme);
    const signups = await register(gateway, programme, participants);
    const volunteers = await engage(gateway, programme, participants);
    return [undefined, `${programme.offers.length} activities, ${sessions} sessions, ${signups.confirmed} participants, ${
      volunteers} volunteers`];
  });
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
  await tell('Organisations, municipality and fund approve', async () => {
    const approving = await approveByOrganisations(gateway, amager);
    await approveByMunicipality(gateway, amager);
    await publishOverview(gateway, amager);
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
  return { decisions, overridden };
}

// While a department's no stands, the plan cannot be submitted.
async function refusedBecauseOf(gateway: Gateway, plan: Plan): Promise<void> {
  const error = await refused(submit(gateway, plan), 'PLAN_NOT_READY');
  const missing = await gateway.as(plan.leader).at(PlanService).whatIsMissing({ name: planName(plan) });
  if (!missing.missing.some(item => item.subject.includes(`-${plan.refusing}`))) {
    throw new Error(`not because of the department that said no: ${error.message}`);
  }
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
    return [engaged, `${engaged}, ${programme.cleared} of them cleared to be with children`];
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
