// Something happens, and those who have to know coordinate it: reported, judged, dealt with, closed. Nobody else is told that it is there.
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import {
  AlertState, IncidentKind, IncidentScope, IncidentSeverity, IncidentStep, PartyKind, TaskState, type Incident,
} from '../contract/helhed/communications/v1/incident_pb.js';
import { IncidentService } from '../contract/helhed/communications/v1/incident_service_pb.js';
import { departmentName, municipality, ofOrganisation, organisations, planName, type Department, type Plan } from '../amager.js';
import { refused, subjectOf, type Gateway } from '../gateway.js';

const hour = 3_600_000;

// Who is called when it is acute.
export async function prepare(gateway: Gateway, plan: Plan): Promise<void> {
  await gateway.as(plan.leader).at(IncidentService).createContingencyPlan({
    parent: planName(plan),
    contingencyPlanId: '2018-01-01',
    contingencyPlan: {
      displayName: 'Beredskab',
      source: 'Bestyrelsen for helhedsplanen',
      roles: [{
        role: 'vagt', displayName: 'Vagthavende', kind: PartyKind.SOCIAL_PLAN, coordinates: true,
        holders: [subjectOf(plan.leader), subjectOf(plan.second)] }],
    },
  });
}

// A housing organisation reports it.
export function report(gateway: Gateway, plan: Plan, department: Department): Promise<Incident> {
  return gateway.as(ofOrganisation(department.organisation)).at(IncidentService).createIncident({
    parent: planName(plan),
    incident: {
      kind: IncidentKind.VANDALISM, occurTime: timestampFromDate(new Date(Date.now() - hour)), place: 'Torvet',
      department: departmentName(department), description: 'Ruder er knust ved torvet.' },
  });
}

// From the report until it is closed: the plan's leader coordinates, the municipality's SSP does what it was asked to.
export async function coordinate(gateway: Gateway, plan: Plan, { name, department }: Incident): Promise<Incident> {
  const reporter = department.split('/')[1];
  const leader = gateway.as(plan.leader).at(IncidentService);
  const ssp = gateway.as(municipality).at(IncidentService);
  const outsider = organisations.find(({ number }) => number !== reporter);
  if (outsider) {
    await refused(gateway.as(ofOrganisation(outsider.number)).at(IncidentService).getIncident({ name }), 'RESOURCE_NOT_FOUND');
  }
  await leader.triageIncident({
    name, severity: IncidentSeverity.HIGH, scope: IncidentScope.LOCAL, partyKind: PartyKind.SOCIAL_PLAN });
  await leader.createIncidentParty({
    parent: name,
    incidentParty: { subject: subjectOf(municipality), kind: PartyKind.SSP, needToKnow: 'Taler med de unge på gaden.' } });
  await leader.advanceIncident({ name, step: IncidentStep.COORDINATE, note: 'SSP går ud til torvet i aften.' });
  const task = await leader.createIncidentTask({
    parent: name,
    incidentTask: {
      title: 'Gå ud til torvet', owner: subjectOf(municipality), deputies: [subjectOf(plan.leader)],
      dueTime: timestampFromDate(new Date(Date.now() + 6 * hour)) },
  });
  const { incidentAlerts } = await ssp.listIncidentAlerts({ parent: name });
  for (const alert of incidentAlerts) {
    if (alert.state === AlertState.WAITING && alert.subject === subjectOf(municipality)) {
      await ssp.acknowledgeIncidentAlert({ name: alert.name });
    }
  }
  await ssp.completeIncidentTask({ name: task.name, state: TaskState.DONE, outcome: 'Der er roligt.' });
  await leader.publishIncidentInformation({ name, text: 'Ruderne er skiftet, og der er roligt på torvet.' });
  await leader.advanceIncident({ name, step: IncidentStep.MONITOR, note: 'Vi holder øje i en uge.' });
  return leader.advanceIncident({ name, step: IncidentStep.CLOSE, note: 'Der er ikke sket mere.' });
}
