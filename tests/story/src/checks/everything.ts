// What only the gateway has: one overview, and one feed of what happened, over all services.
import { EventFeedService } from '../contract/helhed/gateway/v1/event_feed_service_pb.js';
import { OverviewService } from '../contract/helhed/gateway/v1/overview_service_pb.js';
import { amager, amagerbro, operator, partnerskabet, planName, stated } from '../amager.js';
import type { Gateway } from '../gateway.js';
import type { Facts } from '../story.js';
import { sum } from '../values.js';
import { Figures } from './figures.js';

export async function checkOverview(gateway: Gateway, _: Facts): Promise<number> {
  const figures = new Figures();
  const overview = await gateway.as(operator).at(OverviewService).getPlanOverview({ name: `${planName(amager)}/overview` });
  figures.equal(overview.missing, [], 'what is missing in the overview');
  const parts = new Map(overview.parts.map(({ part, contents }) => [part, contents.length]));
  figures.equal(parts.get('plan'), 1, 'the plan in the overview');
  figures.equal(parts.get('departments'), stated.departments, 'departments in the overview');
  figures.equal(['sources', 'activities', 'decisions'].every(part => parts.has(part)), true, 'parts of the overview');
  return figures.count;
}

// How often each type of event happened, in the whole life of the suite.
async function happened(gateway: Gateway): Promise<Map<string, Set<string>>> {
  const feed = gateway.as(operator).at(EventFeedService);
  const found = new Map<string, Set<string>>();
  let cursor = '';
  for (;;) {
    const answer = await feed.readFeed({ cursor, pageSize: 1000 });
    for (const event of answer.events) {
      const type = event.type.split('.').at(-1) ?? '';
      const ids = found.get(type) ?? new Set();
      ids.add(`${event.source}/${event.id}`);
      found.set(type, ids);
    }
    if (answer.atEnd && answer.missing.length === 0) return found;
    cursor = answer.nextCursor;
  }
}

export async function checkEvents(gateway: Gateway, facts: Facts): Promise<number> {
  const figures = new Figures();
  const events = await happened(gateway);
  const times = (type: string): number => events.get(type)?.size ?? 0;
  const everybody = facts.people.flat();
  figures.equal(times('OrganisationCreated'), stated.organisations + stated.administrators, 'organisations that were entered');
  figures.equal(times('DepartmentCreated'), stated.departments, 'departments that were entered');
  figures.equal(times('HouseholdChanged'), stated.dwellings, 'households that were entered');
  figures.equal(times('ResidentCreated'), everybody.length, 'residents that were entered');
  figures.equal(times('ResidentProtectionChanged'), everybody.filter(person => person.isProtected).length, 'residents that were protected');
  figures.equal(times('PlanCreated'), 3, 'plans that were entered');
  figures.equal(
    times('SourceApportioned'), amager.payers.length, 'sources that were split');
  figures.equal(times('ReleaseChanged'), 2 * sum([partnerskabet, amagerbro, amager].map(plan => plan.payers.length * 4)),
    'releases, proposed and approved');
  return figures.count;
}
