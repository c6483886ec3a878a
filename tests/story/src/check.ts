// Plays the case and asks for every number that it states.
//   HELHED_ADDRESS=... HELHED_PROGRAM=... HELHED_IDENTITY_KEY=... node check.js
import { accessOfEnvironment, Gateway } from './gateway.js';
import { checkActivities } from './checks/activities.js';
import { checkEvents, checkOverview } from './checks/everything.js';
import { checkMerge } from './checks/merge.js';
import { checkMoney } from './checks/money.js';
import { checkPlan } from './checks/plan.js';
import { checkRegister } from './checks/register.js';
import { checkTold } from './checks/told.js';
import { narrator } from './narrator.js';
import { play } from './story.js';

const gateway = new Gateway(accessOfEnvironment());
const tell = narrator();
const facts = await play(gateway, tell);
const checks = {
  'The register is as the case states': checkRegister,
  'The plan was decided as the case tells': checkPlan,
  'The two plans became one': checkMerge,
  'The money is as the case states': checkMoney,
  'The activities are those of the case': checkActivities,
  'Everybody was told, and nobody too much': checkTold,
  'One overview shows it all': checkOverview,
  'The feed of events agrees': checkEvents,
};
for (const [what, check] of Object.entries(checks)) {
  await tell(what, async () => [undefined, `${await check(gateway, facts)} figures`]);
}
gateway.close();
