// The plan, what was decided on it by whom and when, and the two plans before it.
import { ApprovalStage } from '../contract/helhed/funding/v1/approval_pb.js';
import { CoverageService } from '../contract/helhed/funding/v1/coverage_service_pb.js';
import { DecisionState, LegalGround } from '../contract/helhed/funding/v1/decision_pb.js';
import { DecisionService } from '../contract/helhed/funding/v1/decision_service_pb.js';
import { Party } from '../contract/helhed/funding/v1/missing_pb.js';
import { PlanState, PlanTransition } from '../contract/helhed/funding/v1/plan_pb.js';
import { PlanService } from '../contract/helhed/funding/v1/plan_service_pb.js';
import { RegulationService } from '../contract/helhed/funding/v1/regulation_service_pb.js';
import type { Date } from '../contract/google/type/date_pb.js';
import { amager, fund, municipality, planName, stated } from '../amager.js';
import { refused, type Gateway } from '../gateway.js';
import type { Facts } from '../story.js';
import { votesOf } from '../steps/votes.js';
import { date, evidence, ore, sum } from '../values.js';
import { Figures } from './figures.js';

const parent = planName(amager);
const pageSize = 100;
const votesPerHousehold = 2;

function iso(day: Date | undefined): string {
  return day ? [day.year, String(day.month).padStart(2, '0'), String(day.day).padStart(2, '0')].join('-') : '';
}

async function checkTerms(gateway: Gateway, figures: Figures): Promise<void> {
  const plans = gateway.as(fund).at(PlanService);
  const plan = await plans.getPlan({ name: parent });
  figures.equal(plan.state, PlanState.ACTIVE, 'state of the plan');
  figures.equal([iso(plan.period?.startDate), iso(plan.period?.endDate)], [stated.start, stated.end], 'period');
  figures.equal(ore(plan.budgetTotal), BigInt(stated.total) * 100n, 'budget');
  figures.equal(plan.predecessors.length, 2, 'predecessors');
  const titles = await Promise.all(plan.predecessors.map(async name => (await plans.getPlan({ name })).displayName));
  figures.equal(titles.sort(), ['Amagerbro Helhedsplan', 'Partnerskabet i Urbanplanen'], 'plans before it');
  const regulation = await gateway.as(fund).at(RegulationService).getRegulation({ name: plan.regulation });
  const areas = regulation.focusAreas.filter(({ focusAreaId }) => plan.focusAreas.includes(focusAreaId));
  figures.equal(areas.length, stated.focusAreas, 'focus areas');
  figures.equal(areas.map(({ displayName }) => displayName), [
    'Uddannelse og livschancer', 'Beskæftigelse', 'Kriminalitetsforebyggelse', 'Sammenhængskraft og medborgerskab'], 'focus areas');
  const { changes } = await plans.listPlanChanges({ parent, pageSize });
  const dateOf = (transition: PlanTransition): string => iso(changes.find(change => change.transition === transition)?.effectiveDate);
  figures.equal(dateOf(PlanTransition.PREQUALIFY).slice(0, 7), stated.prequalified, 'approved beforehand');
  figures.equal(dateOf(PlanTransition.START), stated.start, 'started');
}

async function checkDepartments(gateway: Gateway, figures: Figures): Promise<void> {
  const { coveredDepartments } = await gateway.as(fund).at(CoverageService).listCoveredDepartments({ parent, pageSize });
  figures.equal(coveredDepartments.length, stated.departments, 'departments that are covered');
  figures.equal(sum(coveredDepartments.map(({ dwellingCount }) => Number(dwellingCount))), stated.dwellings, 'dwellings that are covered');
}

async function checkVotes(gateway: Gateway, facts: Facts, figures: Figures): Promise<void> {
  const { decisions } = await gateway.as(fund).at(DecisionService).listDecisions({ parent, pageSize });
  figures.equal(decisions.length, stated.departments, 'decisions');
  figures.equal(decisions.filter(({ state }) => state === DecisionState.ADOPTED).length, stated.departments - 1, 'departments for it');
  figures.equal(sum(decisions.map(decision => Number(decision.eligibleHouseholdCount))), stated.dwellings, 'households that may vote');
  figures.equal(
    sum(decisions.map(decision => Number(decision.eligibleVoteCount))), stated.dwellings * votesPerHousehold, 'votes that there are');
  for (const [index, department] of amager.departments.entries()) {
    const decision = decisions.find(({ name }) => name === facts.decisions[index]?.name);
    const { households, yes, no, blank } = votesOf(amager, department);
    const tally = decision?.paperTally;
    figures.equal([tally?.yesCount, tally?.noCount, tally?.blankCount], [BigInt(yes), BigInt(no), BigInt(blank)],
      `votes of ${department.title}`);
    figures.equal(decision?.attendingVoterCount, BigInt(households), `voters at the meeting of ${department.title}`);
    const day = iso(decision?.meetingDate);
    figures.equal(day >= '2021-09-01' && day < '2021-12-01', true, `in autumn 2021: ${day}`);
  }
  const overridden = decisions.filter(({ state }) => state === DecisionState.OVERRIDDEN);
  figures.equal(overridden.map(({ name }) => name), [facts.overridden.name], 'decisions that were overridden');
  figures.equal(overridden[0]?.departmentOverride?.legalGround, LegalGround.ALMENBOLIGLOVEN_37_4, 'ground of the override');
}

async function checkApprovals(gateway: Gateway, facts: Facts, figures: Figures): Promise<void> {
  const decisions = gateway.as(fund).at(DecisionService);
  const { approvals } = await decisions.listApprovals({ parent, pageSize });
  const of = (party: Party, stage: ApprovalStage): number =>
    approvals.filter(approval => approval.party === party && approval.stage === stage && !approval.subject).length;
  figures.equal(of(Party.ORGANISATION, ApprovalStage.FINAL), stated.organisations, 'organisations that approved');
  figures.equal(of(Party.MUNICIPALITY, ApprovalStage.FINAL), 1, 'approval of the municipality');
  figures.equal(of(Party.FUND, ApprovalStage.PRELIMINARY), 1, 'approval beforehand of the fund');
  figures.equal(of(Party.FUND, ApprovalStage.FINAL), 1, 'approval of the fund');
  const ofMerger = approvals.filter(({ subject }) => subject === facts.merge.name);
  figures.equal(ofMerger.length, stated.organisations + 2, 'approvals of the merger: organisations, municipality and fund');
  // Nobody approves for another party.
  await refused(gateway.as(municipality).at(DecisionService).createApproval({
    parent, approval: { party: Party.FUND, stage: ApprovalStage.FINAL, outcome: 1, decideDate: date('2021-12-10'), evidence: evidence('x') },
  }), 'NOT_OF_PARTY');
}

export async function checkPlan(gateway: Gateway, facts: Facts): Promise<number> {
  const figures = new Figures();
  await checkTerms(gateway, figures);
  await checkDepartments(gateway, figures);
  await checkVotes(gateway, facts, figures);
  await checkApprovals(gateway, facts, figures);
  return figures.count;
}
