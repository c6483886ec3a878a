// The register: whose the departments are, who administers for whom, every dwelling, and one household in each.
import { HousingRegisterService } from '../contract/helhed/residents/v1/housing_register_service_pb.js';
import {
  departmentName, departments, householdId, operator, ofOrganisation, organisationName, organisations, type Department,
} from '../amager.js';
import { each, type Gateway } from '../gateway.js';
import { range, sum } from '../values.js';

const built = '1990-01-01';
export const movedIn = '2010-01-01';
// As many as one call takes.
const batchSize = 500;

export interface Owners {
  readonly organisations: number;
  readonly administrators: number;
  // Those of the organisations that are administered by another.
  readonly administered: number;
}

export async function enterOrganisations(gateway: Gateway): Promise<Owners> {
  const register = gateway.as(operator).at(HousingRegisterService);
  const administrators = organisations.flatMap(({ administrator }) => administrator ?? []);
  const enter = ({ number, title }: { number: string; title: string }) =>
    register.createOrganisation({ organisationId: number, organisation: { displayName: title } });
  const owners = await each(organisations, enter);
  const others = await each(administrators, enter);
  const administrations = await each(organisations.filter(({ administrator }) => administrator), ({ number, administrator }) =>
    register.createAdministration({
      parent: organisationName(number),
      administration: { administrator: organisationName(administrator?.number ?? ''), period: range('2000-01-01') },
    }));
  return { organisations: owners.length, administrators: others.length, administered: administrations.length };
}

function dwellingOf(department: Department, index: number) {
  // Stairwells of ten: five floors with a dwelling to each side.
  const floor = ['st', '1', '2', '3', '4'][Math.floor((index % 10) / 2)] ?? 'st';
  const door = index % 2 === 0 ? 'tv' : 'th';
  return {
    department: departmentName(department),
    address: `${department.title} ${Math.floor(index / 10) + 1}, ${floor}. ${door}, 2300 København S`,
    floor,
    door,
    areaSquareMetres: 48 + (index % 5) * 11,
    period: range(built),
  };
}

// Each organisation enters its own. Returns how many dwellings there are then.
export async function enterDwellings(gateway: Gateway): Promise<number> {
  const entered = await each(departments, async department => {
    const register = gateway.as(ofOrganisation(department.organisation)).at(HousingRegisterService);
    const parent = organisationName(department.organisation);
    await register.createDepartment({
      parent, departmentId: department.number, department: { displayName: department.title } });
    let dwellings = 0;
    for (let first = 0; first < department.dwellings; first += batchSize) {
      const answer = await register.batchCreateDwellings({
        parent,
        requests: Array.from({ length: Math.min(batchSize, department.dwellings - first) }, (_, offset) => ({
          parent, dwellingId: householdId(department, first + offset), dwelling: dwellingOf(department, first + offset) })),
      });
      dwellings += answer.results.filter(result => result.dwelling).length;
    }
    return dwellings;
  });
  return sum(entered);
}

export interface Home {
  readonly department: Department;
  // Within the department, and within the case.
  readonly index: number;
  readonly number: number;
}

export function homes(): Home[] {
  let number = 0;
  return departments.flatMap(department =>
    Array.from({ length: department.dwellings }, (_, index) => ({ department, index, number: number++ })));
}

export async function enterHouseholds(gateway: Gateway): Promise<number> {
  const entered = await each(homes(), async ({ department, index }) => {
    const parent = organisationName(department.organisation);
    const id = householdId(department, index);
    const household = await gateway.as(ofOrganisation(department.organisation)).at(HousingRegisterService).createHousehold({
      parent, householdId: id, household: { dwelling: `${parent}/dwellings/${id}`, occupation: range(movedIn) } });
    return household.name;
  });
  return new Set(entered).size;
}
