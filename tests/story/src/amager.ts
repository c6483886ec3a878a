// The reference case: two plans on Amager become one for 2022-2025. What is marked as stated is published about the real plan. Names, LBF
// numbers and sizes of departments, and amounts by year, are invented so that the stated totals come out; so is everything about people.
import { SourceKind } from './contract/helhed/funding/v1/source_pb.js';
import type { Person } from './gateway.js';
import { addDays, sum, type Day } from './values.js';

export const stated = {
  organisations: 5,
  administrators: 2,
  departments: 19,
  dwellings: 4135,
  fund: 19_000_000,
  municipality: 4_500_000,
  housing: 4_500_000,
  external: 3_000_000,
  total: 31_000_000,
  focusAreas: 4,
  prequalified: '2021-01',
  start: '2022-01-01',
  end: '2026-01-01',
  activities: 10,
} as const;

export interface Department {
  readonly organisation: string;
  readonly number: string;
  readonly title: string;
  readonly dwellings: number;
}

export interface Organisation {
  readonly number: string;
  readonly title: string;
  readonly administrator?: { readonly number: string; readonly title: string };
  readonly departments: readonly Department[];
}

function organisation(number: string, title: string, departments: [string, string, number][],
                      administrator?: Organisation['administrator']): Organisation {
  return {
    number,
    title,
    ...(administrator ? { administrator } : {}),
    departments: departments.map(([id, name, dwellings]) => ({ organisation: number, number: id, title: name, dwellings })),
  };
}

export const organisations: readonly Organisation[] = [
  organisation('9001', 'Boligforeningen 3B', [
    ['001', 'Remisevænget Nord', 412], ['002', 'Remisevænget Øst', 538], ['003', 'Remisevænget Vest', 467],
    ['004', 'Hørgården Øst', 301], ['005', 'Hørgården Vest', 289], ['006', 'Dyvekevænget', 322], ['007', 'Solvang', 171]]),
  organisation('9002', 'Boligforeningen VIBO', [
    ['011', 'Sundholmskvarteret Syd', 216], ['012', 'Sundholmskvarteret Nord', 143], ['013', 'Holmbladsgade Øst', 188],
    ['014', 'Holmbladsgade Vest', 97]]),
  organisation('9003', 'fsb', [['021', 'Amagerbro Nord', 254], ['022', 'Amagerbro Syd', 131], ['023', 'Amagerbro Øst', 66]]),
  organisation('9004', 'HAB', [['031', 'Englandsvej', 118], ['032', 'Øresundsvej', 152]], { number: '9104', title: 'DAB' }),
  organisation('9005', 'DFB', [['041', 'Ved Amagerbanen', 109], ['042', 'Prags Boulevard', 98], ['043', 'Lergravsvej', 63]],
    { number: '9105', title: 'Domea.dk' }),
];
export const departments = organisations.flatMap(of => of.departments);

export function organisationName(number: string): string {
  return `organisations/${number}`;
}
export function departmentName(department: Department): string {
  return `organisations/${department.organisation}/departments/${department.number}`;
}
// The dwelling and the household in it have the same id.
export function householdId(department: Department, index: number): string {
  return `${department.number}-${index + 1}`;
}
export function householdName(department: Department, index: number): string {
  return `organisations/${department.organisation}/households/${householdId(department, index)}`;
}

export interface Payer {
  readonly id: string;
  readonly title: string;
  readonly kind: SourceKind;
  // In kroner, for each of the plan's years.
  readonly years: readonly number[];
}

export interface Plan {
  readonly id: string;
  readonly title: string;
  readonly regulation: string;
  readonly firstYear: number;
  readonly focusAreas: readonly string[];
  readonly departments: readonly Department[];
  readonly payers: readonly Payer[];
  readonly predecessors: readonly string[];
  // The department that says no, by its number.
  readonly refusing?: string;
  readonly leader: Person;
  readonly second: Person;
}

export function planName(plan: Plan): string {
  return `plans/${plan.id}`;
}
export function planTotal(plan: Plan): number {
  return sum(plan.payers.flatMap(payer => payer.years));
}
export function sourceName(plan: Plan, payer: Payer): string {
  return `plans/${plan.id}/sources/${payer.id}`;
}
export function organisationsOf(plan: Plan): readonly Organisation[] {
  return organisations.filter(one => one.departments.some(department => plan.departments.includes(department)));
}

// When what is done, from the case's own dates: approved beforehand in January of the year before, decided on in autumn, running from the
// first of January for four years.
export function calendarOf(plan: Plan) {
  const year = plan.firstYear;
  return {
    drafted: `${year - 2}-06-01`,
    recommended: `${year - 2}-09-01`,
    applied: `${year - 2}-10-01`,
    prequalified: `${year - 1}-01-15`,
    planned: `${year - 1}-02-01`,
    opened: `${year - 1}-08-01`,
    called: `${year - 1}-09-01`,
    informed: `${year - 1}-09-10`,
    meeting: (index: number): Day => addDays(`${year - 1}-10-01`, index),
    overridden: `${year - 1}-11-02`,
    organisations: `${year - 1}-11-05`,
    municipality: `${year - 1}-11-11`,
    letter: `${year - 1}-11-20`,
    submitted: `${year - 1}-11-25`,
    approved: `${year - 1}-12-10`,
    start: `${year}-01-01`,
    end: `${year + 4}-01-01`,
  } as const;
}

const partnerskabetId = 'partnerskabet-urbanplanen';
const amagerbroId = 'amagerbro-helhedsplan';
const amagerId = 'amagerplanen';

export const operator: Person = { subject: 'drift', grants: ['operator'] };
export const fund: Person = { subject: 'lbf', grants: ['fund'] };
export const fundSecond: Person = { subject: 'lbf-2', grants: ['fund'] };
export const municipality: Person = { subject: 'kk', grants: ['municipality'] };
export const municipalitySecond: Person = { subject: 'kk-2', grants: ['municipality'] };

const everyPlan = [partnerskabetId, amagerbroId, amagerId];
export function ofOrganisation(number: string): Person {
  return {
    subject: `organisation-${number}`,
    grants: [`housing-organisation@organisations/${number}`, ...everyPlan.map(plan => `housing-organisation@plans/${plan}`)],
  };
}

function leads(subject: string, ...plans: string[]): Person {
  return { subject, grants: plans.map(plan => `plan-leader@plans/${plan}`) };
}
function sits(subject: string, ...plans: string[]): Person {
  return { subject, grants: plans.map(plan => `plan-board@plans/${plan}`) };
}
// Who leads Partnerskabet goes on as leader of the plan that the two become (stated).
const leader = leads('leder', partnerskabetId, amagerbroId, amagerId);

const areasOf2015 = ['tryghed-trivsel', 'kriminalpraevention', 'uddannelse-beskaeftigelse', 'forebyggelse-foraeldreansvar'];

function payers(fundYears: number[], municipalityYears: number[], housingYears: number[], externalYears?: number[]): Payer[] {
  return [
    { id: 'lbf', title: 'Landsbyggefonden', kind: SourceKind.FUND, years: fundYears },
    { id: 'kommune', title: 'Københavns Kommune', kind: SourceKind.MUNICIPALITY, years: municipalityYears },
    { id: 'bolig', title: 'Boligafdelinger og boligorganisationer', kind: SourceKind.ORGANISATION, years: housingYears },
    ...(externalYears ? [{ id: 'ekstern', title: 'Ekstern finansiering', kind: SourceKind.EXTERNAL, years: externalYears }] : []),
  ];
}
const yearly = (amount: number): number[] => [amount, amount, amount, amount];

export const partnerskabet: Plan = {
  id: partnerskabetId,
  title: 'Partnerskabet i Urbanplanen',
  regulation: 'regulations/2015-18',
  firstYear: 2018,
  focusAreas: areasOf2015,
  departments: departments.filter(department => department.organisation === '9001'),
  payers: payers(yearly(2_400_000), yearly(600_000), yearly(600_000)),
  predecessors: [],
  leader,
  second: sits('bestyrelse-urbanplanen', partnerskabetId),
};

export const amagerbro: Plan = {
  id: amagerbroId,
  title: 'Amagerbro Helhedsplan',
  regulation: 'regulations/2015-18',
  firstYear: 2018,
  focusAreas: areasOf2015,
  departments: departments.filter(department => department.organisation !== '9001'),
  payers: payers(yearly(1_600_000), yearly(400_000), yearly(400_000)),
  predecessors: [],
  leader: leads('leder-amagerbro', amagerbroId),
  second: sits('bestyrelse-amagerbro', amagerbroId),
};

export const amager: Plan = {
  id: amagerId,
  title: 'Boligsocial helhedsplan på Amager 2022-2025',
  regulation: 'regulations/2019-26',
  firstYear: 2022,
  focusAreas: ['uddannelse-livschancer', 'beskaeftigelse', 'kriminalitetsforebyggelse', 'sammenhaengskraft-medborgerskab'],
  departments,
  payers: payers(yearly(4_750_000), yearly(1_125_000), yearly(1_125_000), [1_500_000, 750_000, 500_000, 250_000]),
  predecessors: [partnerskabetId, amagerbroId],
  refusing: '022',
  leader,
  second: sits('bestyrelse', amagerId),
};
