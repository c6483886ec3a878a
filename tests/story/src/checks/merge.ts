// What became of the two plans: ended and settled each on its own, with everything that goes on in the new one.
import { ActivityService } from '../contract/helhed/activities/v1/activity_service_pb.js';
import { CoverageService } from '../contract/helhed/funding/v1/coverage_service_pb.js';
import { MergeConflictKind } from '../contract/helhed/common/v1/merge_pb.js';
import { PlanMergeState } from '../contract/helhed/funding/v1/merge_pb.js';
import { PlanState } from '../contract/helhed/funding/v1/plan_pb.js';
import { PlanService } from '../contract/helhed/funding/v1/plan_service_pb.js';
import { LedgerService } from '../contract/helhed/funding/v1/ledger_service_pb.js';
import { SourceService } from '../contract/helhed/funding/v1/source_service_pb.js';
import { amager, amagerbro, fund, partnerskabet, planName } from '../amager.js';
import type { Gateway } from '../gateway.js';
import { amagerbroProgramme, partnerskabetProgramme } from '../programme.js';
import { activityName } from '../steps/activities.js';
import type { Facts } from '../story.js';
import { ore } from '../values.js';
import { Figures } from './figures.js';

const pageSize = 100;

async function checkPredecessor(gateway: Gateway, programme: typeof partnerskabetProgramme, figures: Figures): Promise<void> {
  const { plan } = programme;
  const name = planName(plan);
  const found = await gateway.as(fund).at(PlanService).getPlan({ name });
  figures.equal([found.state, found.successor], [PlanState.SUPERSEDED, planName(amager)], plan.title);
  const { coveredDepartments } = await gateway.as(fund).at(CoverageService).listCoveredDepartments({ parent: name, pageSize });
  figures.equal(coveredDepartments.length, plan.departments.length, `departments that ${plan.title} had`);
  const { sources } = await gateway.as(fund).at(SourceService).listSources({ parent: name, pageSize });
  for (const source of sources) figures.equal(ore(source.paid) * 2n, ore(source.amount), `paid of ${source.name}`);
  const books = await gateway.as(fund).at(LedgerService).verifyEntries({ parent: name });
  figures.equal([books.intact, books.finding], [true, ''], `books of ${plan.title}`);
  const activities = gateway.as(plan.leader).at(ActivityService);
  for (const offer of programme.offers) {
    const before = await activities.getActivity({ name: activityName(plan, offer) });
    const after = await gateway.as(amager.leader).at(ActivityService).getActivity({ name: before.successor });
    figures.equal([after.predecessor, after.displayName], [before.name, before.displayName], `${offer.title} goes on`);
    figures.equal(after.takenCount, before.takenCount, `who takes part in ${offer.title}`);
  }
}

export async function checkMerge(gateway: Gateway, facts: Facts): Promise<number> {
  const figures = new Figures();
  figures.equal(facts.merge.state, PlanMergeState.SEALED, 'the merge');
  const found = (kind: MergeConflictKind): number => facts.conflicts.filter(conflict => conflict.kind === kind).length;
  figures.equal(found(MergeConflictKind.ACTIVITIES_ALIKE), 1, 'activities alike');
  figures.equal(found(MergeConflictKind.VOLUNTEER_TWICE), 1, 'volunteers twice');
  figures.equal(found(MergeConflictKind.MONEY_REMAINING), partnerskabet.payers.length + amagerbro.payers.length, 'sources with money left');
  for (const programme of [partnerskabetProgramme, amagerbroProgramme]) await checkPredecessor(gateway, programme, figures);
  return figures.count;
}
