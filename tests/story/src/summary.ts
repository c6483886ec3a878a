// What there is at the end, read from the services again: money, votes, households, activities.
import { ActivityService } from './contract/helhed/activities/v1/activity_service_pb.js';
import { DecisionService } from './contract/helhed/funding/v1/decision_service_pb.js';
import { DecisionState } from './contract/helhed/funding/v1/decision_pb.js';
import { ReportDimension } from './contract/helhed/funding/v1/report_service_pb.js';
import { ReportService } from './contract/helhed/funding/v1/report_service_pb.js';
import { amager, amagerbro, departments, fund, partnerskabet, planName } from './amager.js';
import type { Gateway } from './gateway.js';
import type { Facts } from './story.js';
import { count, inKroner, ore, total } from './values.js';

const right = (text: string, width: number): string => text.padStart(width);

async function money(gateway: Gateway): Promise<string[]> {
  const reports = gateway.as(fund).at(ReportService);
  const lines: string[] = [];
  for (const plan of [partnerskabet, amagerbro, amager]) {
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

async function votes(gateway: Gateway, facts: Facts): Promise<string[]> {
  const { decisions } = await gateway.as(amager.leader).at(DecisionService).listDecisions({ parent: planName(amager), pageSize: 100 });
  return departments.map((department, index) => {
    const decision = decisions.find(({ name }) => name === facts.decisions[index]?.name);
    const tally = decision?.paperTally;
    const outcome = decision?.state === DecisionState.OVERRIDDEN ? 'no, overridden' : 'yes';
    const part = total(facts.apportionments.map(split => ore(split.parts[index]?.amount)));
    return `  ${department.title.padEnd(26)}${right(count(department.dwellings), 8)}${right(String(tally?.yesCount ?? 0n), 6)}${
      right(String(tally?.noCount ?? 0n), 5)}  ${outcome.padEnd(15)}${right(inKroner(part), 19)}`;
  });
}

async function activities(gateway: Gateway): Promise<string[]> {
  const { activities: found } = await gateway.as(amager.leader).at(ActivityService).listActivities({
    parent: planName(amager), pageSize: 100 });
  const origin = (predecessor: string): string => {
    const plan = [partnerskabet, amagerbro].find(one => predecessor.startsWith(`${planName(one)}/`));
    return plan ? `, goes on from ${plan.title}` : '';
  };
  return found.map(activity => `  ${activity.displayName.padEnd(34)}${right(String(activity.takenCount), 4)} seats taken, ${
    activity.waitingCount} waiting${origin(activity.predecessor)}`);
}

export async function summary(gateway: Gateway, facts: Facts): Promise<string> {
  return [
    '',
    `Money${right('budget', 61)}${right('spent', 20)}`,
    ...await money(gateway),
    '',
    `Votes                       dwellings  yes   no  decision           its part of the money`,
    ...await votes(gateway, facts),
    '',
    'Activities 2022-2025',
    ...await activities(gateway),
    '',
    'Households',
    `  ${count(facts.households)} with ${count(facts.people.flat().length)} residents in ${count(facts.dwellings)} dwellings`,
    `  ${count(facts.proof.counts?.reachedCount ?? 0n)} have the letter with the overview: ${count(facts.printed.bytes)} bytes of PDF`,
    `  ${count(facts.works.householdCount)} are told of works, 3 incidents are coordinated and closed`,
    `  ${count(facts.presences.present)} times somebody came to an activity`,
    '',
    'The two plans that became one',
    `  ${facts.conflicts.length} things were decided, their books are settled, each on its own`,
  ].join('\n');
}
