// @grpc/grpc-js: creates, reads, lists, changes and watches the housing register.
//   node grpc.mjs HOST:PORT CA_FILE TOKEN PROTO_DIR GOOGLEAPIS_DIR
import { readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import grpc from '@grpc/grpc-js';
import loader from '@grpc/proto-loader';

const [address, caFile, token, protoDir, googleapis] = process.argv.slice(2);
const definition = loader.loadSync(
  ['helhed/residents/v1/housing_register_service.proto', 'helhed/gateway/v1/event_feed_service.proto'],
  { includeDirs: [protoDir, googleapis], longs: String, enums: String, defaults: true });
const helhed = grpc.loadPackageDefinition(definition).helhed;
const credentials = grpc.credentials.createSsl(readFileSync(caFile));
const register = new helhed.residents.v1.HousingRegisterService(address, credentials);
const feed = new helhed.gateway.v1.EventFeedService(address, credentials);
const metadata = new grpc.Metadata();
metadata.set('authorization', `Bearer ${token}`);

const call = (client, method, request, with_metadata = metadata) => new Promise((resolve, reject) =>
  client[method](request, with_metadata, { deadline: Date.now() + 15000 }, (error, answer) => error ? reject(error) : resolve(answer)));
const must = (condition, what) => { if (!condition) throw new Error(what); };
const fails = async (promise, code) => {
  try { await promise; } catch (error) { must(error.code === code, `${error.code} instead of ${code}: ${error.message}`); return error; }
  throw new Error(`did not fail with ${code}`);
};

const watching = new Promise((resolve, reject) => {
  const stream = feed.watchFeed({ cursor: '$end' }, metadata);
  let begun = false;
  stream.on('data', message => {
    if (!begun) { begun = true; started(); }
    for (const event of message.events) {
      if (event.subject === 'organisations/9101') { stream.cancel(); resolve(event); return; }
    }
  });
  stream.on('error', error => { if (error.code !== grpc.status.CANCELLED) reject(error); });
});
let started;
const begins = new Promise(resolve => { started = resolve; });
await Promise.race([begins, watching]);

const name = 'organisations/9101';
const created = await call(register, 'createOrganisation', { organisationId: '9101', organisation: { displayName: 'Sæby Æblehaver' } });
must(created.name === name && created.displayName === 'Sæby Æblehaver', 'create');
const read = await call(register, 'getOrganisation', { name });
must(isDeepStrictEqual(read, created), 'read');
const list = await call(register, 'listOrganisations', {});
must(list.organisations.some(o => o.name === name), 'list');
const changed = await call(register, 'updateOrganisation',
  { organisation: { name, displayName: 'Sæby' }, updateMask: { paths: ['display_name'] } });
must(changed.displayName === 'Sæby', 'change');
const event = await watching;
must(event.type === 'helhed.residents.v1.OrganisationCreated', `watch: ${event.type}`);

const absent = await fails(call(register, 'getOrganisation', { name: 'organisations/9999' }), grpc.status.NOT_FOUND);
must(absent.metadata.get('grpc-status-details-bin').length === 1, 'details are kept');
await fails(call(register, 'getOrganisation', { name }, new grpc.Metadata()), grpc.status.UNAUTHENTICATED);
await fails(call(register, 'createOrganisation', { organisationId: '9101', organisation: { displayName: 'x' } }), grpc.status.ALREADY_EXISTS);
const bad = await fails(call(register, 'getOrganisation', { name: 'x' }), grpc.status.INVALID_ARGUMENT);
must(bad.metadata.get('x-request-id') !== undefined, 'request id');
await fails(new Promise((resolve, reject) => register.getOrganisation({ name }, metadata, { deadline: Date.now() - 1 },
  (error, answer) => error ? reject(error) : resolve(answer))), grpc.status.DEADLINE_EXCEEDED);
console.log('OK');
process.exit(0);
