// Plays the case with progress, and says at the end what there is.
//   HELHED_ADDRESS=... HELHED_PROGRAM=... HELHED_IDENTITY_KEY=... node demo.js
import { accessOfEnvironment, Gateway } from './gateway.js';
import { narrator } from './narrator.js';
import { play } from './story.js';
import { summary } from './summary.js';

const gateway = new Gateway(accessOfEnvironment());
await play(gateway, narrator());
console.log(await summary(gateway));
gateway.close();
