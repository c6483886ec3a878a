// Who pays, what for, when it is released, what each department's part is, and what was spent.
import { BudgetService } from '../contract/helhed/funding/v1/budget_service_pb.js';
import { LedgerService } from '../contract/helhed/funding/v1/ledger_service_pb.js';
import { ApportionmentKey, SourceKind, type Apportionment } from '../contract/helhed/funding/v1/source_pb.js';
import { SourceService } from '../contract/helhed/funding/v1/source_service_pb.js';
import {
  calendarOf, fund, fundSecond, municipality, municipalitySecond, planName, sourceName, type Payer, type Plan,
} from '../amager.js';
import { all, each, refused, type Gateway, type Person } from '../gateway.js';
import { addDays, date, kroner, sum, total, voucher } from '../values.js';

const costKind = 'wages';

// A payer acts by two people; what departments and others pay is entered by the plan's own.
function payingFor(plan: Plan, payer: Payer): [Person, Person] {
  if (payer.kind === SourceKind.FUND) return [fund, fundSecond];
  if (payer.kind === SourceKind.MUNICIPALITY) return [municipality, municipalitySecond];
  return [plan.leader, plan.second];
}

// Sources that are pledged, and a budget that spends each by year, evenly on the focus areas. Returns how many lines that makes.
export async function budget(gateway: Gateway, plan: Plan): Promise<number> {
  const leader = gateway.as(plan.leader);
  const sources = leader.at(SourceService);
  const parent = planName(plan);
  for (const payer of plan.payers) {
    await sources.createSource({
      parent, sourceId: payer.id, source: { displayName: payer.title, kind: payer.kind, amount: kroner(sum(payer.years)) } });
  }
  const lines = plan.payers.flatMap(payer => payer.years.flatMap((amount, year) => plan.focusAreas.map(focusArea => ({
    focusArea, costKind, source: sourceName(plan, payer), year: plan.firstYear + year, amount: kroner(amount / plan.focusAreas.length) }))));
  const entered = await leader.at(BudgetService).createBudget({ parent, budget: { lines } });
  for (const payer of plan.payers) await sources.pledgeSource({ name: sourceName(plan, payer), voucher: voucher('tilsagn') });
  return entered.lines.length;
}

export async function approveSources(gateway: Gateway, plan: Plan): Promise<void> {
  for (const payer of plan.payers) {
    const [first] = payingFor(plan, payer);
    await gateway.as(first).at(SourceService).approveSource({
      name: sourceName(plan, payer), voucher: voucher('bevilling'), actDate: date(calendarOf(plan).approved) });
  }
}

// Every payer releases year by year what falls due: one proposes, another approves. Returns how many releases that makes.
export async function release(gateway: Gateway, plan: Plan): Promise<number> {
  let released = 0;
  for (const payer of plan.payers) {
    const [first, second] = payingFor(plan, payer);
    for (const [year, amount] of payer.years.entries()) {
      const proposed = await gateway.as(first).at(SourceService).createRelease({
        parent: sourceName(plan, payer),
        release: {
          amount: kroner(amount), voucher: voucher(`rate ${year + 1}`),
          releaseDate: date(addDays(`${plan.firstYear + year}-01-01`, 30)),
        },
      });
      if (released === 0) {
        await refused(gateway.as(first).at(SourceService).approveRelease({ name: proposed.name }), 'FOUR_EYES_NEEDED');
      }
      await gateway.as(second).at(SourceService).approveRelease({ name: proposed.name });
      ++released;
    }
  }
  return released;
}

// What each source is of each department, by its dwellings.
export function apportion(gateway: Gateway, plan: Plan): Promise<Apportionment[]> {
  return each(plan.payers, payer => gateway.as(plan.leader).at(SourceService).apportionSource({
    name: sourceName(plan, payer), key: ApportionmentKey.DWELLINGS }));
}

// Half of every line is spent: one reserves, another pays. Returns the sum, in øre.
export async function spendHalf(gateway: Gateway, plan: Plan): Promise<bigint> {
  const parent = planName(plan);
  const leader = gateway.as(plan.leader);
  const lines = await all(
    pageToken => leader.at(BudgetService).listBudgetLines({ parent, pageSize: 50, pageToken }), page => page.budgetLines);
  const requests = lines.map(line => ({
    parent,
    disbursement: {
      budgetLine: line.name,
      amount: { currencyCode: 'DKK', minorUnits: (line.amount?.minorUnits ?? 0n) / 2n },
      expenseDate: date(`${line.year}-06-30`),
      voucher: voucher('løn, 1. halvår'),
    },
  }));
  const reserved = await leader.at(LedgerService).batchCreateDisbursements({ parent, requests });
  await gateway.as(plan.second).at(LedgerService).batchPostDisbursements({
    parent, names: reserved.disbursements.map(disbursement => disbursement.name) });
  return total(requests.map(request => request.disbursement.amount.minorUnits));
}
