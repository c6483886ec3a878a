// An EventSource as browsers have it: watches the feed, and prints the subject and the id of each event of a kind until so many have
// come. It connects again by itself, with Last-Event-ID.
//   NODE_EXTRA_CA_CERTS=CA_FILE node events.mjs URL TOKEN TYPE COUNT
import { EventSource } from 'eventsource';

const [url, token, type, count] = process.argv.slice(2);
let seen = 0;
const source = new EventSource(url, {
  fetch: (input, init) => fetch(input, { ...init, headers: { ...init.headers, authorization: `Bearer ${token}` } }),
});
source.addEventListener('open', () => console.log('open'));
source.addEventListener('message', message => {
  for (const event of JSON.parse(message.data).events) {
    if (event.type !== type) continue;
    console.log(`event ${event.subject}`);
    if (++seen >= Number(count)) {
      console.log(`id ${message.lastEventId}`);
      source.close();
      process.exit(0);
    }
  }
});
source.addEventListener('error', error => console.log(`error ${error.code ?? ''} ${error.message ?? ''}`));
