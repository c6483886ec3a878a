// What households were told, and what was coordinated.
import { CampaignState } from '../contract/helhed/communications/v1/campaign_pb.js';
import { CampaignService } from '../contract/helhed/communications/v1/campaign_service_pb.js';
import { RecipientOutcome } from '../contract/helhed/communications/v1/delivery_pb.js';
import { IncidentState } from '../contract/helhed/communications/v1/incident_pb.js';
import { IncidentService } from '../contract/helhed/communications/v1/incident_service_pb.js';
import { WorksState } from '../contract/helhed/communications/v1/works_pb.js';
import { WorksService } from '../contract/helhed/communications/v1/works_service_pb.js';
import { amager, amagerbro, departmentName, departments, fund, municipality, partnerskabet, planName, stated } from '../amager.js';
import { all, refused, type Gateway } from '../gateway.js';
import { letterName } from '../steps/letters.js';
import type { Facts } from '../story.js';
import { Figures } from './figures.js';

const pageSize = 1000;

async function checkLetter(gateway: Gateway, facts: Facts, figures: Figures): Promise<void> {
  const campaigns = gateway.as(amager.leader).at(CampaignService);
  const parent = letterName(amager);
  figures.equal(facts.letters, stated.dwellings, 'households that the letter is for');
  figures.equal(facts.printed.run.letterCount, BigInt(stated.dwellings), 'letters that were printed');
  figures.equal([facts.proof.complete, facts.proof.audienceUnchanged, facts.proof.countsAgree], [true, true, true], 'proof of the letter');
  figures.equal(facts.proof.counts?.reachedCount, BigInt(stated.dwellings), 'households that the letter reached');
  const letter = await campaigns.getCampaign({ name: parent });
  figures.equal(letter.state, CampaignState.COMPLETED, 'the letter');
  const recipients = await all(pageToken => campaigns.listRecipients({ parent, pageSize, pageToken }), page => page.recipients);
  figures.equal(new Set(recipients.map(({ household }) => household)).size, stated.dwellings, 'households in the ledger, each once');
  figures.equal(recipients.every(({ outcome }) => outcome === RecipientOutcome.REACHED), true, 'every household was reached');
  for (const department of departments) {
    const of = recipients.filter(recipient => recipient.department === departmentName(department));
    figures.equal(of.length, department.dwellings, `letters to ${department.title}`);
  }
}

export async function checkTold(gateway: Gateway, facts: Facts): Promise<number> {
  const figures = new Figures();
  await checkLetter(gateway, facts, figures);
  const works = await gateway.as(amager.leader).at(WorksService).getWorksNotice({ name: facts.works.name });
  figures.equal([works.state, works.householdCount, works.waitingCount], [WorksState.DELIVERED, departments[0]?.dwellings, 0], 'works');
  for (const plan of [partnerskabet, amagerbro, amager]) {
    const parent = planName(plan);
    const { incidents } = await gateway.as(plan.leader).at(IncidentService).listIncidents({ parent, pageSize: 100 });
    figures.equal(incidents.map(({ state }) => state), [IncidentState.CLOSED], `incidents of ${plan.title}`);
    const others = await gateway.as(municipality).at(IncidentService).listIncidents({ parent, pageSize: 100 });
    figures.equal(others.incidents.length, 1, 'incidents that the municipality is a party of');
  }
  // Whoever is no party is told that there is none; the fund may not even ask.
  await refused(gateway.as(fund).at(IncidentService).listIncidents({ parent: planName(amager) }), 'PERMISSION_MISSING');
  return figures.count;
}
