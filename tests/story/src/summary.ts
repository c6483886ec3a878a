// What there is at the end, read from the services again: money, votes, households, activities.
import { ActivityService } from './contract/helhed/activities/v1/activity_service_pb.js';
import { IndicatorKind } from './contract/helhed/activities/v1/indicator_pb.js';
import { IndicatorService } from './contract/helhed/activities/v1/indicator_service_pb.js';
import { CampaignService } from './contract/helhed/communications/v1/campaign_service_pb.js';
import { IncidentState } from './contract/helhed/communications/v1/incident_pb.js';
import { IncidentService } from './contract/helhed/communications/v1/incident_service_pb.js';
import { PrintRunService } from './contract/helhed/communications/v1/print_run_service_pb.js';
import { WorksService } from './contract/helhed/communications/v1/works_service_pb.js';
import { DecisionService } from './contract/helhed/funding/v1/decision_service_pb.js';
import { DecisionState } from './contract/helhed/funding/v1/decision_pb.js';
import { PlanMergeState } from './contract/helhed/funding/v1/merge_pb.js';
import { MergeService } from './contract/helhed/funding/v1/merge_service_pb.js';
import { ReportDimension, ReportService } from './contract/helhed/funding/v1/report_service_pb.js';
import { SourceService } from './contract/helhed/funding/v1/source_service_pb.js';
import { amager, amagerbro, departmentName, departments, fund, organisations, partnerskabet, planName, sourceName } from './amager.js';
import { all, each, type Gateway } from './gateway.js';
import { housingOf, residentsOf } from './register.js';
import { letterName } from './steps/letters.js';
import { decisionName } from './steps/votes.js';
import { count, inKroner, ore, sum, total } from './values.js';

const plans = [partnerskabet, amagerbro, amager];
const parent = planName(amager);
const pageSize = 100;

const right = (text: string, width: number): string => text.padStart(width);

async function money(gateway: Gateway): Promise<string[]> {
  const reports = gateway.as(fund).at(ReportService);
  const lines: string[] = [];
  for (const plan of plans) {
    const report = await reports.getBudgetReport({ parent: planName(plan), groupBy: [ReportDimension.SOURCE] });
    const row = (title: string, budget: bigint, spent: bigint): string =>
      `  ${title.padEnd(44)}${right(inKroner(budget), 20)}${right(inKroner(spent), 20)}`;
    lines.push(row(plan.title, ore(report.total?.budget), ore(report.total?.spent)));
    for (const payer of plan.payers) {
      const found = report.rows.find(({ source }) => source.endsWith(`/${payer.id}`));
      lines.push(row(`  ${payer.title}`, ore(found?.budget), ore(found?.spent)));
    }
  }
  return lines;
}

// What a department's decision came to; any other state is none.
const outcomes = new Map([
  [DecisionState.ADOPTED, 'yes'], [DecisionState.OVERRIDDEN, 'no, overridden'], [DecisionState.STANDS_REJECTED, 'no']]);

// By the department's name, its part of all sources.
async function parts(gateway: Gateway): Promise<Map<string, bigint>> {
  const sources = gateway.as(amager.leader).at(SourceService);
  const splits = await each(amager.payers, payer => all(
    pageToken => sources.listApportionments({ parent: sourceName(amager, payer), pageSize, pageToken }), page => page.apportionments));
  const found = splits.flat().flatMap(split => split.parts);
  return new Map(departments.map(department => {
    const name = departmentName(department);
    return [name, total(found.filter(part => part.department === name).map(part => ore(part.amount)))];
  }));
}

async function votes(gateway: Gateway): Promise<string[]> {
  const { decisions } = await gateway.as(amager.leader).at(DecisionService).listDecisions({ parent, pageSize });
  const money = await parts(gateway);
  return departments.map(department => {
    const decision = decisions.find(({ name }) => name === decisionName(amager, department));
    const outcome = decision && outcomes.get(decision.state);
    if (!decision || !outcome) throw new Error(`${department.title} has not decided`);
    const tally = decision.paperTally;
    return `  ${department.title.padEnd(26)}${right(count(decision.eligibleHouseholdCount), 10)}${right(String(tally?.yesCount), 6)}${
      right(String(tally?.noCount), 5)}  ${outcome.padEnd(15)}${right(inKroner(money.get(departmentName(department)) ?? 0n), 19)}`;
  });
}

async function activities(gateway: Gateway): Promise<string[]> {
  const { activities: found } = await gateway.as(amager.leader).at(ActivityService).listActivities({
    parent, pageSize });
  const origin = (predecessor: string): string => {
    const plan = [partnerskabet, amagerbro].find(one => predecessor.startsWith(`${planName(one)}/`));
    return plan ? `, goes on from ${plan.title}` : '';
  };
  return found.map(activity => `  ${activity.displayName.padEnd(34)}${right(String(activity.takenCount), 4)} seats taken, ${
    activity.waitingCount} waiting${origin(activity.predecessor)}`);
}

async function households(gateway: Gateway): Promise<string[]> {
  const leader = gateway.as(amager.leader);
  const housing = await each(organisations, ({ number }) => housingOf(gateway, number));
  const residents = await each(departments, department => residentsOf(gateway, department), 4);
  const proof = await leader.at(CampaignService).verifyCampaign({ name: letterName(amager) });
  const { printRuns } = await leader.at(PrintRunService).listPrintRuns({ parent: letterName(amager), pageSize });
  const { worksNotices } = await leader.at(WorksService).listWorksNotices({ parent, pageSize });
  return [
    `  ${count(sum(housing.map(found => found.households.length)))} in ${count(sum(housing.map(found => found.dwellings.length)))} dwellings, ${
      count(residents.flat().length)} residents besides those under address protection`,
    `  ${count(proof.counts?.reachedCount ?? 0n)} have the letter with the overview: ${
      count(total(printRuns.map(({ letterCount }) => letterCount)))} letters were printed`,
    `  ${count(sum(worksNotices.map(({ householdCount, waitingCount }) => householdCount - waitingCount)))} are told of works`,
  ];
}

async function closedIncidents(gateway: Gateway): Promise<number> {
  const listed = await each(plans, plan =>
    gateway.as(plan.leader).at(IncidentService).listIncidents({ parent: planName(plan), pageSize }));
  return listed.flatMap(({ incidents }) => incidents).filter(({ state }) => state === IncidentState.CLOSED).length;
}

async function attendances(gateway: Gateway): Promise<bigint> {
  const { indicators } = await gateway.as(amager.leader).at(IndicatorService).listIndicators({ parent, pageSize });
  return total(indicators.filter(({ kind }) => kind === IndicatorKind.ATTENDANCES).map(({ currentValue }) => currentValue));
}

async function merges(gateway: Gateway): Promise<string[]> {
  const service = gateway.as(amager.leader).at(MergeService);
  const { planMerges } = await service.listPlanMerges({ parent, pageSize });
  return each(planMerges, async ({ name, state, parts: services }) => {
    const conflicts = await all(
      pageToken => service.listMergeConflicts({ parent: name, pageSize, pageToken }), page => page.mergeConflicts);
    const carried = total(services.map(({ carriedCount }) => carriedCount));
    return `  ${conflicts.length} things were decided, ${count(carried)} moved, their books are ${
      state === PlanMergeState.SEALED ? 'settled, each on its own' : 'open'}`;
  });
}

export async function summary(gateway: Gateway): Promise<string> {
  return [
    '',
    `Money${right('budget', 61)}${right('spent', 20)}`,
    ...await money(gateway),
    '',
    `Votes                       households   yes   no  decision         its part of the money`,
    ...await votes(gateway),
    '',
    'Activities 2022-2025',
    ...await activities(gateway),
    `  ${count(await attendances(gateway))} times somebody came`,
    '',
    'Households',
    ...await households(gateway),
    '',
    `Incidents: ${await closedIncidents(gateway)} are coordinated and closed`,
    '',
    'The two plans that became one',
    ...await merges(gateway),
  ].join('\n');
}
