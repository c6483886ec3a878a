// Building: nobody begins before the last household was told in time.
import { WorksKind, WorksStep, type WorksNotice } from '../contract/helhed/communications/v1/works_pb.js';
import { WorksService } from '../contract/helhed/communications/v1/works_service_pb.js';
import { departmentName, planName, type Department, type Plan } from '../amager.js';
import { refused, type Gateway } from '../gateway.js';
import { addDays, date, range, today } from '../values.js';

const daysAhead = 240;

// Works that disturb everybody of a department, announced to each household and begun by nobody too early.
export async function announceWorks(gateway: Gateway, plan: Plan, department: Department): Promise<WorksNotice> {
  const works = gateway.as(plan.leader).at(WorksService);
  const parent = planName(plan);
  const begin = addDays(today(), daysAhead);
  const { name: constructionProject } = await works.createConstructionProject({
    parent, constructionProjectId: 'tage',
    constructionProject: { displayName: `Nye tage i ${department.title}`, description: 'Tagene skiftes.', period: range(begin, addDays(begin, 200)) },
  });
  const notice = (start: string) => ({
    parent,
    worksNotice: {
      constructionProject, kind: WorksKind.MAJOR, displayName: 'Stillads og tagarbejde', nuisance: 'Støj på hverdage fra 7 til 15.',
      contact: 'Ejendomskontoret', period: range(start, addDays(start, 60)), areas: [{ department: departmentName(department) }],
    },
  });
  await refused(works.createWorksNotice(notice(addDays(today(), 5))), 'START_WITHIN_NOTICE_PERIOD');
  const { name } = await works.createWorksNotice(notice(begin));
  await works.advanceWorksNotice({ name, step: WorksStep.APPROVE });
  await works.deliverWorksNotice({ name });
  await refused(works.advanceWorksNotice({ name, step: WorksStep.BEGIN }), 'HOUSEHOLDS_WAITING');
  const told = await works.recordWorksDeliveries({ name, deliveryDate: date(today()), allWaiting: true });
  await refused(works.advanceWorksNotice({ name, step: WorksStep.BEGIN }), 'START_WITHIN_NOTICE_PERIOD');
  return told;
}
