// What the register shows, as names: read for the checks and for the summary.
import { HousingRegisterService } from './contract/helhed/residents/v1/housing_register_service_pb.js';
import { PeopleService } from './contract/helhed/residents/v1/people_service_pb.js';
import { departmentName, ofOrganisation, organisationName, type Department } from './amager.js';
import { all, type Gateway } from './gateway.js';

const pageSize = 1000;

export interface Housing {
  readonly departments: readonly string[];
  readonly dwellings: readonly string[];
  readonly households: readonly string[];
}

// What an organisation has, by its number.
export async function housingOf(gateway: Gateway, number: string): Promise<Housing> {
  const register = gateway.as(ofOrganisation(number)).at(HousingRegisterService);
  const parent = organisationName(number);
  return {
    departments: await all(
      pageToken => register.listDepartments({ parent, pageSize, pageToken }), page => page.departments.map(({ name }) => name)),
    dwellings: await all(
      pageToken => register.listDwellings({ parent, pageSize, pageToken }), page => page.dwellings.map(({ name }) => name)),
    households: await all(
      pageToken => register.listHouseholds({ parent, pageSize, pageToken }), page => page.households.map(({ name }) => name)),
  };
}

// Who lives in a department, but those who are protected.
export function residentsOf(gateway: Gateway, department: Department): Promise<string[]> {
  const people = gateway.as(ofOrganisation(department.organisation)).at(PeopleService);
  return all(pageToken => people.listResidents({
    purpose: 'purposes/beboerregister', department: departmentName(department), pageSize, pageToken }),
    page => page.residents.map(({ name }) => name));
}
