// The life of a plan, from the first draft until it runs.
import { AgreementService } from '../contract/helhed/funding/v1/agreement_service_pb.js';
import { ApprovalOutcome, ApprovalStage } from '../contract/helhed/funding/v1/approval_pb.js';
import { CoverageService } from '../contract/helhed/funding/v1/coverage_service_pb.js';
import { DecisionService } from '../contract/helhed/funding/v1/decision_service_pb.js';
import { Party } from '../contract/helhed/funding/v1/missing_pb.js';
import type { Plan as PlanState } from '../contract/helhed/funding/v1/plan_pb.js';
import { PlanService } from '../contract/helhed/funding/v1/plan_service_pb.js';
import {
  calendarOf, departmentName, fund, municipality, ofOrganisation, organisationName, organisationsOf, planName, planTotal, type Plan,
} from '../amager.js';
import { each, type Gateway } from '../gateway.js';
import { date, evidence, kroner, range, type Day } from '../values.js';

const proof = evidence('2021-17/4');

// Enters it with the departments that it covers and what its partners agree on.
export async function enterPlan(gateway: Gateway, plan: Plan): Promise<void> {
  const calendar = calendarOf(plan);
  await gateway.as(fund).at(PlanService).createPlan({
    planId: plan.id,
    plan: {
      displayName: plan.title,
      regulation: plan.regulation,
      period: range(calendar.start, calendar.end),
      municipalityCode: '0101',
      focusAreas: [...plan.focusAreas],
      budgetTotal: kroner(planTotal(plan)),
      predecessors: plan.predecessors.map(id => `plans/${id}`),
    },
  });
  const leader = gateway.as(plan.leader);
  const parent = planName(plan);
  await each(plan.departments, department => leader.at(CoverageService).createCoveredDepartment({
    parent, coveredDepartment: { department: departmentName(department), dwellingCount: BigInt(department.dwellings) } }));
  const agreements = leader.at(AgreementService);
  await each(['strategic', ...plan.focusAreas], async agreementId => {
    await agreements.createAgreement({
      parent, agreementId, agreement: { displayName: agreementId === 'strategic' ? 'Samarbejdsaftale' : `Delaftale: ${agreementId}` } });
    await agreements.createAgreementVersion({
      parent: `${parent}/agreements/${agreementId}`,
      agreementVersion: { validFromDate: date(calendar.start), goals: 'Flere i uddannelse og arbejde, og trygge områder.', document: proof },
    });
  });
}

async function approve(gateway: Gateway, plan: Plan, party: Party, stage: ApprovalStage, day: Day, number = ''): Promise<void> {
  const caller = number ? ofOrganisation(number) : party === Party.FUND ? fund : municipality;
  await gateway.as(caller).at(DecisionService).createApproval({
    parent: planName(plan),
    approval: {
      party, stage, outcome: ApprovalOutcome.APPROVED, decideDate: date(day), evidence: proof,
      organisation: number ? organisationName(number) : '',
    },
  });
}

// From the first draft to where departments decide, by the fund's approval beforehand.
export async function prequalify(gateway: Gateway, plan: Plan): Promise<PlanState> {
  const calendar = calendarOf(plan);
  const name = planName(plan);
  const leader = gateway.as(plan.leader).at(PlanService);
  await leader.draftPrequalification({ name, effectiveDate: date(calendar.drafted) });
  await approve(gateway, plan, Party.MUNICIPALITY, ApprovalStage.PRELIMINARY, calendar.recommended);
  await leader.submitPrequalification({ name, effectiveDate: date(calendar.applied) });
  await approve(gateway, plan, Party.FUND, ApprovalStage.PRELIMINARY, calendar.prequalified);
  await gateway.as(fund).at(PlanService).prequalifyPlan({ name, effectiveDate: date(calendar.prequalified) });
  await leader.draftPlan({ name, effectiveDate: date(calendar.planned) });
  return leader.openLocalDecision({ name, effectiveDate: date(calendar.opened) });
}

export async function approveByOrganisations(gateway: Gateway, plan: Plan): Promise<number> {
  const deciding = organisationsOf(plan);
  await each(deciding, ({ number }) =>
    approve(gateway, plan, Party.ORGANISATION, ApprovalStage.FINAL, calendarOf(plan).organisations, number));
  return deciding.length;
}

export async function approveByMunicipality(gateway: Gateway, plan: Plan): Promise<void> {
  await approve(gateway, plan, Party.MUNICIPALITY, ApprovalStage.FINAL, calendarOf(plan).municipality);
}

// Registers that every household has the letter with the overview; the hash is that of what was printed, where it was printed here.
export async function publishOverview(gateway: Gateway, plan: Plan, sha256 = proof.sha256): Promise<void> {
  await gateway.as(plan.leader).at(PlanService).publishOverview({
    name: planName(plan), effectiveDate: date(calendarOf(plan).letter), evidence: { reference: 'Overblik over helhedsplanen', sha256 } });
}

export function submit(gateway: Gateway, plan: Plan): Promise<PlanState> {
  return gateway.as(plan.leader).at(PlanService).submitPlan({
    name: planName(plan), effectiveDate: date(calendarOf(plan).submitted) });
}

export async function approveByFund(gateway: Gateway, plan: Plan): Promise<PlanState> {
  const { approved } = calendarOf(plan);
  await approve(gateway, plan, Party.FUND, ApprovalStage.FINAL, approved);
  return gateway.as(fund).at(PlanService).approvePlan({ name: planName(plan), effectiveDate: date(approved) });
}

export async function start(gateway: Gateway, plan: Plan): Promise<PlanState> {
  const plans = gateway.as(plan.leader).at(PlanService);
  const missing = await plans.whatIsMissing({ name: planName(plan) });
  if (!missing.mayStart) throw new Error(`${plan.id} may not start: ${missing.missing.map(item => item.description).join('; ')}`);
  return plans.startPlan({ name: planName(plan), effectiveDate: date(calendarOf(plan).start) });
}
