// The departments decide, each at its own meeting, on paper slips: two votes for each household.
import { DecisionState, LegalGround, MeetingKind, VoteChannel } from '../contract/helhed/funding/v1/decision_pb.js';
import { DecisionService } from '../contract/helhed/funding/v1/decision_service_pb.js';
import type { Decision } from '../contract/helhed/funding/v1/decision_pb.js';
import {
  calendarOf, householdName, ofOrganisation, planName, type Department, type Plan,
} from '../amager.js';
import { each, type Gateway } from '../gateway.js';
import { date, evidence } from '../values.js';

const votesPerHousehold = 2;
// One household of so many comes.
const oneOf = 5;

export function coveredId(department: Department): string {
  return `${department.organisation}-${department.number}`;
}
export function decisionName(plan: Plan, department: Department): string {
  return `${planName(plan)}/decisions/${coveredId(department)}`;
}

export interface Votes {
  readonly households: number;
  readonly yes: number;
  readonly no: number;
  readonly blank: number;
}

// What is voted: a fifth of the households come and use both votes; about seven of ten are for it, where they say yes.
export function votesOf(plan: Plan, department: Department): Votes {
  const households = Math.ceil(department.dwellings / oneOf);
  const votes = households * votesPerHousehold;
  const blank = 1;
  const minority = Math.floor((votes - blank) * 3 / 10);
  const majority = votes - blank - minority;
  return department.number === plan.refusing
    ? { households, yes: minority, no: majority, blank }
    : { households, yes: majority, no: minority, blank };
}

async function meet(gateway: Gateway, plan: Plan, department: Department, index: number): Promise<Decision> {
  const decisions = gateway.as(plan.leader).at(DecisionService);
  const calendar = calendarOf(plan);
  const name = decisionName(plan, department);
  await decisions.createDecision({
    parent: planName(plan),
    decisionId: coveredId(department),
    decision: {
      coveredDepartment: `${planName(plan)}/coveredDepartments/${coveredId(department)}`,
      question: `Skal ${department.title} være med i planen?`,
    },
  });
  await decisions.callMeeting({
    name, meetingKind: MeetingKind.ORDINARY, callDate: date(calendar.called), meetingDate: date(calendar.meeting(index)),
    agenda: plan.title });
  await decisions.sendMaterial({ name, materialDate: date(calendar.informed), material: evidence('Skriv til afdelingsmødet') });
  const votes = votesOf(plan, department);
  await decisions.holdMeeting({
    name, attendingVoterCount: BigInt(votes.households), minutes: evidence('Referat af afdelingsmødet') });
  await decisions.registerTurnout({
    name,
    channel: VoteChannel.PAPER,
    households: Array.from({ length: votes.households }, (_, household) => ({
      household: householdName(department, household * oneOf), voteCount: votesPerHousehold })),
  });
  return decisions.countVotes({
    name, paperTally: { yesCount: BigInt(votes.yes), noCount: BigInt(votes.no), blankCount: BigInt(votes.blank) } });
}

// In the order of the plan's departments.
export function vote(gateway: Gateway, plan: Plan): Promise<Decision[]> {
  return each(plan.departments, (department, index) => meet(gateway, plan, department, index));
}

// The organisation's supreme body decides in the place of its department that said no (almenboligloven § 37, stk. 4).
export async function override(gateway: Gateway, plan: Plan, department: Department): Promise<Decision> {
  return gateway.as(ofOrganisation(department.organisation)).at(DecisionService).overrideDecision({
    name: decisionName(plan, department),
    departmentOverride: {
      legalGround: LegalGround.ALMENBOLIGLOVEN_37_4,
      reason: 'Planen dækker hele kvarteret.',
      decideDate: date(calendarOf(plan).overridden),
      evidence: evidence('Repræsentantskabets beslutning'),
    },
  });
}

export function adopted(decisions: readonly Decision[]): number {
  return decisions.filter(decision => decision.state === DecisionState.ADOPTED).length;
}
