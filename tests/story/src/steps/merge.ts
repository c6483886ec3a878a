// Two plans become one: every service says what has to be decided, everybody who pays or owns approves, and each service does its part.
import { setTimeout as sleep } from 'node:timers/promises';
import { ApprovalOutcome, ApprovalStage } from '../contract/helhed/funding/v1/approval_pb.js';
import { DecisionService } from '../contract/helhed/funding/v1/decision_service_pb.js';
import { MergePartState, PlanMergeState, type MergeConflict, type PlanMerge } from '../contract/helhed/funding/v1/merge_pb.js';
import { MergeService } from '../contract/helhed/funding/v1/merge_service_pb.js';
import { Party } from '../contract/helhed/funding/v1/missing_pb.js';
import { calendarOf, fund, municipality, ofOrganisation, organisationName, organisationsOf, planName, type Plan } from '../amager.js';
import { all, each, refused, type Gateway, type Person } from '../gateway.js';
import { date, evidence, voucher } from '../values.js';

const attempts = 600;
const pauseMilliseconds = 100;

async function awaitMerge(act: () => Promise<PlanMerge>, reached: (merge: PlanMerge) => boolean): Promise<PlanMerge> {
  for (let attempt = 0; attempt < attempts; ++attempt) {
    const merge = await act();
    if (reached(merge)) return merge;
    await sleep(pauseMilliseconds);
  }
  throw new Error('the merge does not get on');
}

// Proposes it, and asks every service until each has said what has to be decided.
export async function propose(gateway: Gateway, plan: Plan): Promise<PlanMerge> {
  const merges = gateway.as(plan.leader).at(MergeService);
  const { name } = await merges.createPlanMerge({
    parent: planName(plan),
    planMerge: {
      predecessors: plan.predecessors.map(id => `plans/${id}`), effectiveDate: date(calendarOf(plan).start),
      reason: 'De to planer lægges sammen til én.' },
  });
  await refused(merges.executePlanMerge({ name }), 'MERGE_NOT_READY');
  return awaitMerge(() => merges.assessPlanMerge({ name }),
    ({ parts }) => parts.length > 0 && parts.every(({ state }) => state === MergePartState.REPORTED));
}

// Chooses for each conflict what its service suggests. Returns the report.
export async function resolve(gateway: Gateway, plan: Plan, { name: parent }: PlanMerge): Promise<MergeConflict[]> {
  const merges = gateway.as(plan.leader).at(MergeService);
  const conflicts = await all(pageToken => merges.listMergeConflicts({ parent, pageSize: 100, pageToken }), page => page.mergeConflicts);
  return each(conflicts, ({ name, choices }) => {
    const [suggested] = choices;
    if (suggested === undefined) throw new Error(`nothing to choose from: ${name}`);
    return merges.resolveMergeConflict({ name, resolution: suggested });
  }, 1);
}

// The fund, the municipality and every organisation approve the merge itself. Returns how many did.
export async function approveMerge(gateway: Gateway, plan: Plan, { name: subject }: PlanMerge): Promise<number> {
  const approve = (person: Person, party: Party, organisation = '') => gateway.as(person).at(DecisionService).createApproval({
    parent: planName(plan),
    approval: {
      party, organisation, subject, stage: ApprovalStage.FINAL, outcome: ApprovalOutcome.APPROVED,
      decideDate: date(calendarOf(plan).approved), evidence: evidence('Sammenlægning') },
  });
  const owners = organisationsOf(plan);
  await approve(fund, Party.FUND);
  await approve(municipality, Party.MUNICIPALITY);
  for (const { number } of owners) await approve(ofOrganisation(number), Party.ORGANISATION, organisationName(number));
  return owners.length + 2;
}

// Lets every service do its part. Returns how many things went over.
export async function execute(gateway: Gateway, plan: Plan, { name }: PlanMerge): Promise<number> {
  const merges = gateway.as(plan.leader).at(MergeService);
  await merges.executePlanMerge({ name });
  const executed = await awaitMerge(() => merges.getPlanMerge({ name }), ({ state }) => state === PlanMergeState.EXECUTED);
  return executed.parts.reduce((carried, part) => carried + Number(part.carriedCount), 0);
}

// Settles the predecessors' books, each on its own, and ends them.
export async function seal(gateway: Gateway, plan: Plan, { name }: PlanMerge): Promise<PlanMerge> {
  const merges = gateway.as(plan.leader).at(MergeService);
  await merges.sealPlanMerge({ name, voucher: voucher('Slutregnskaber') });
  return awaitMerge(() => merges.getPlanMerge({ name }), ({ state }) => state === PlanMergeState.SEALED);
}
