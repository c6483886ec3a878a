// The letter with an overview of the plan, to every household that is concerned: written, printed, brought round, and proved.
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { CampaignState, ChannelChoice, type Campaign, type CampaignProof } from '../contract/helhed/communications/v1/campaign_pb.js';
import { CampaignService } from '../contract/helhed/communications/v1/campaign_service_pb.js';
import { MessageKind } from '../contract/helhed/communications/v1/message_kind_pb.js';
import type { PrintRun } from '../contract/helhed/communications/v1/print_run_pb.js';
import { PrintRunFile, PrintRunService } from '../contract/helhed/communications/v1/print_run_service_pb.js';
import { ParameterType } from '../contract/helhed/communications/v1/template_pb.js';
import { TemplateService } from '../contract/helhed/communications/v1/template_service_pb.js';
import { calendarOf, departmentName, planName, type Plan } from '../amager.js';
import type { Gateway } from '../gateway.js';
import { date } from '../values.js';

const letterId = 'overblik';
const attempts = 1200;
const pauseMilliseconds = 100;

export function letterName(plan: Plan): string {
  return `${planName(plan)}/campaigns/${letterId}`;
}

async function writeTemplate(gateway: Gateway, plan: Plan): Promise<string> {
  const templates = gateway.as(plan.leader).at(TemplateService);
  const parent = planName(plan);
  const template = await templates.createTemplate({ parent, templateId: letterId, template: { displayName: 'Overblik over helhedsplanen' } });
  const version = await templates.createTemplateVersion({
    parent: template.name,
    templateVersion: {
      parameters: [{ parameter: 'begin', type: ParameterType.DATE, description: 'Planens første dag' }],
      texts: [
        {
          language: 'da', subject: 'En ny boligsocial helhedsplan på Amager',
          body: '# To planer bliver til én\n\nDen nye helhedsplan begynder {{begin}}. Din afdeling tager stilling på afdelingsmødet.',
        },
        {
          language: 'en', subject: 'A new social master plan for Amager',
          body: '# Two plans become one\n\nThe new plan begins on {{begin}}. Your department decides at its meeting.',
        },
      ],
    },
  });
  return version.name;
}

async function awaitCampaign(gateway: Gateway, plan: Plan, reached: (campaign: Campaign) => boolean): Promise<Campaign> {
  for (let attempt = 0; attempt < attempts; ++attempt) {
    const campaign = await gateway.as(plan.leader).at(CampaignService).getCampaign({ name: letterName(plan) });
    if (reached(campaign)) return campaign;
    await sleep(pauseMilliseconds);
  }
  throw new Error('the letter does not get on');
}

// Freezes whose households get it. Returns how many.
export async function startLetter(gateway: Gateway, plan: Plan): Promise<number> {
  const campaigns = gateway.as(plan.leader).at(CampaignService);
  const { name } = await campaigns.createCampaign({
    parent: planName(plan),
    campaignId: letterId,
    campaign: {
      displayName: 'Overblik over helhedsplanen',
      kind: MessageKind.DEMOCRACY,
      statutory: true,
      channelChoice: ChannelChoice.PAPER,
      templateVersion: await writeTemplate(gateway, plan),
      arguments: [{ parameter: 'begin', value: calendarOf(plan).start }],
      languages: ['da', 'en'],
      audience: plan.departments.map(department => ({ department: departmentName(department) })),
    },
  });
  await campaigns.startCampaign({ name, asOfDate: date(calendarOf(plan).letter) });
  const started = await awaitCampaign(gateway, plan, ({ counts }) => counts !== undefined && counts.queuedCount === counts.householdCount);
  return Number(started.counts?.householdCount);
}

export interface Printed {
  readonly run: PrintRun;
  readonly bytes: number;
  // Of the PDF, 64 hexadecimal digits.
  readonly sha256: string;
}

export async function printLetter(gateway: Gateway, plan: Plan): Promise<Printed> {
  const prints = gateway.as(plan.leader).at(PrintRunService);
  const run = await prints.createPrintRun({
    parent: letterName(plan), printRunId: 'oplag-1', printRun: { senderLines: ['Helhedsplanen på Amager', '2300 København S'] } });
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const part of prints.downloadPrintRun({ name: run.name, file: PrintRunFile.LETTERS })) {
    hash.update(part.content);
    bytes += part.content.length;
  }
  return { run, bytes, sha256: hash.digest('hex') };
}

// The distributor says that every letter arrived. Returns the proof that each household is accounted for.
export async function confirmLetter(gateway: Gateway, plan: Plan, { run }: Printed): Promise<CampaignProof> {
  const leader = gateway.as(plan.leader);
  await leader.at(PrintRunService).confirmPrintRun({
    name: run.name, deliverTime: timestampFromDate(new Date()), distributor: 'Omdelerne på Amager' });
  await awaitCampaign(gateway, plan, ({ state }) => state === CampaignState.COMPLETED);
  return leader.at(CampaignService).verifyCampaign({ name: letterName(plan) });
}
