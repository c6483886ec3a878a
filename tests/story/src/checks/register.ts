// Organisations, administrators, departments, dwellings, households and residents, by gRPC and by REST.
import { PeopleService } from '../contract/helhed/residents/v1/people_service_pb.js';
import { departmentName, departments, ofOrganisation, operator, organisations, stated } from '../amager.js';
import { each, refused, type Gateway } from '../gateway.js';
import { housingOf, residentsOf } from '../register.js';
import type { Facts } from '../story.js';
import { sum } from '../values.js';
import { Figures } from './figures.js';

// A list as another system has it that speaks JSON.
async function byRest(gateway: Gateway, path: string, collection: string): Promise<Record<string, string>[]> {
  const authorization = `Bearer ${await gateway.as(operator).bearer()}`;
  const answer = await fetch(`${gateway.access.address}/v1/${path}`, { headers: { authorization } });
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  return (await answer.json() as Record<string, Record<string, string>[]>)[collection] ?? [];
}

async function checkPeople(gateway: Gateway, facts: Facts, figures: Figures): Promise<void> {
  const everybody = facts.people.flat();
  const listed = await each(departments, department => residentsOf(gateway, department), 4);
  const shown = everybody.filter(person => !person.isProtected).map(({ name }) => name);
  figures.equal(listed.flat().sort(), shown.sort(), 'residents that are listed, none of them protected');
  const hidden = everybody.find(person => person.isProtected);
  if (!hidden) throw new Error('nobody is protected');
  await refused(gateway.as(ofOrganisation(hidden.department.organisation)).at(PeopleService).getResident({
    name: hidden.name, purpose: 'purposes/beboerregister' }), 'RESIDENT_PROTECTED');
}

export async function checkRegister(gateway: Gateway, facts: Facts): Promise<number> {
  const figures = new Figures();
  const register = await each(organisations, ({ number }) => housingOf(gateway, number));
  figures.equal(register.length, stated.organisations, 'organisations');
  figures.equal(sum(register.map(found => found.departments.length)), stated.departments, 'departments');
  figures.equal(sum(register.map(found => found.dwellings.length)), stated.dwellings, 'dwellings');
  figures.equal(new Set(register.flatMap(found => found.dwellings)).size, stated.dwellings, 'dwellings, each once');
  figures.equal(sum(register.map(found => found.households.length)), stated.dwellings, 'households');
  for (const [index, { departments: expected }] of organisations.entries()) {
    figures.equal(register[index]?.departments, expected.map(departmentName), 'departments of an organisation');
  }
  const known = await byRest(gateway, 'organisations?pageSize=100', 'organisations');
  figures.equal(known.length, stated.organisations + stated.administrators, 'organisations by REST');
  const administered = known.filter(({ administrator }) => administrator).map(({ displayName, administrator }) =>
    [displayName, known.find(({ name }) => name === administrator)?.['displayName']]);
  figures.equal(administered, [['HAB', 'DAB'], ['DFB', 'Domea.dk']], 'who administers for whom');
  await checkPeople(gateway, facts, figures);
  return figures.count;
}
