// The four sources, their years, what is released, each department's part reckoned anew, what was spent, and the books.
import { LedgerService } from '../contract/helhed/funding/v1/ledger_service_pb.js';
import { ReportDimension, ReportService } from '../contract/helhed/funding/v1/report_service_pb.js';
import { SourceKind, type Apportionment } from '../contract/helhed/funding/v1/source_pb.js';
import { SourceService } from '../contract/helhed/funding/v1/source_service_pb.js';
import { amager, amagerbro, departmentName, fund, partnerskabet, planName, planTotal, stated } from '../amager.js';
import type { Gateway } from '../gateway.js';
import type { Facts } from '../story.js';
import { ore, orePerKrone, sum, total } from '../values.js';
import { Figures } from './figures.js';

const parent = planName(amager);

function inOre(kroner: number): bigint {
  return BigInt(kroner) * orePerKrone;
}

async function checkSources(gateway: Gateway, figures: Figures): Promise<void> {
  const { sources } = await gateway.as(fund).at(SourceService).listSources({ parent, pageSize: 100 });
  const of = (kind: SourceKind): bigint => ore(sources.find(source => source.kind === kind)?.amount);
  figures.equal(sources.length, 4, 'sources');
  figures.equal(of(SourceKind.FUND), inOre(stated.fund), 'the fund');
  figures.equal(of(SourceKind.MUNICIPALITY), inOre(stated.municipality), 'the municipality');
  figures.equal(of(SourceKind.ORGANISATION), inOre(stated.housing), 'departments and organisations');
  figures.equal(of(SourceKind.EXTERNAL), inOre(stated.external), 'others');
  figures.equal(total(sources.map(source => ore(source.amount))), inOre(stated.total), 'all sources');
  for (const source of sources) {
    figures.equal(ore(source.released), ore(source.amount), `released of ${source.name}`);
    figures.equal(ore(source.paid) * 2n, ore(source.amount), `paid of ${source.name}`);
  }
}

// By the largest remainder, among equal ones the lower number first: reckoned here from the stated dwellings.
function partsOf(amount: bigint): bigint[] {
  const dwellings = BigInt(stated.dwellings);
  const exact = amager.departments.map((department, index) => {
    const share = amount * BigInt(department.dwellings);
    return { index, floor: share / dwellings, remainder: share % dwellings };
  });
  const left = Number(amount - total(exact.map(({ floor }) => floor)));
  const byRemainder = [...exact].sort((one, other) => Number(other.remainder - one.remainder) || one.index - other.index);
  const lucky = new Set(byRemainder.slice(0, left).map(({ index }) => index));
  return exact.map(({ index, floor }) => floor + (lucky.has(index) ? 1n : 0n));
}

function checkApportionment(split: Apportionment, years: readonly number[], figures: Figures): void {
  const amount = inOre(sum(years));
  figures.equal(split.parts.map(({ department }) => department), amager.departments.map(departmentName), 'departments of a split');
  figures.equal(split.parts.map(part => ore(part.amount)), partsOf(amount), 'parts of departments');
  figures.equal(total(split.parts.map(part => ore(part.amount))), amount, 'sum of the parts');
  figures.equal([split.proof?.weights, ore(split.proof?.sum)], [BigInt(stated.dwellings), amount], 'proof of a split');
}

async function checkReports(gateway: Gateway, facts: Facts, figures: Figures): Promise<void> {
  const reports = gateway.as(fund).at(ReportService);
  const byYear = await reports.getBudgetReport({ parent, groupBy: [ReportDimension.YEAR] });
  figures.equal(ore(byYear.total?.budget), inOre(stated.total), 'budget');
  figures.equal(ore(byYear.total?.spent), facts.spent, 'spent');
  figures.equal(byYear.rows.map(row => [row.year, ore(row.budget)]), [0, 1, 2, 3].map(year =>
    [amager.firstYear + year, inOre(sum(amager.payers.map(payer => payer.years[year] ?? 0)))]), 'budget by year');
  const cofunding = await reports.getCofundingReport({ parent });
  const [proof] = cofunding.parts;
  figures.equal([ore(proof?.total), ore(proof?.local)], [inOre(stated.total), inOre(stated.municipality + stated.housing)], 'paid locally');
  figures.equal([proof?.shareBasisPoints, proof?.met], [2903n, true], 'local share');
  for (const plan of [partnerskabet, amagerbro]) {
    const report = await reports.getBudgetReport({ parent: planName(plan) });
    figures.equal([ore(report.total?.budget), ore(report.total?.spent)], [inOre(planTotal(plan)), inOre(planTotal(plan) / 2)], plan.title);
  }
}

export async function checkMoney(gateway: Gateway, facts: Facts): Promise<number> {
  const figures = new Figures();
  await checkSources(gateway, figures);
  figures.equal(facts.releases, 16, 'releases: four sources, four years');
  for (const [index, payer] of amager.payers.entries()) {
    const split = facts.apportionments[index];
    if (!split) throw new Error(`${payer.title} was not split`);
    checkApportionment(split, payer.years, figures);
  }
  figures.equal(total(facts.apportionments.flatMap(split => split.parts.map(part => ore(part.amount)))), inOre(stated.total),
    'all parts of all departments');
  await checkReports(gateway, facts, figures);
  for (const plan of [partnerskabet, amagerbro, amager]) {
    const books = await gateway.as(fund).at(LedgerService).verifyEntries({ parent: planName(plan) });
    figures.equal([books.intact, books.finding], [true, ''], `books of ${plan.title}`);
  }
  return figures.count;
}
