// A real OpenID Connect issuer (npm oidc-provider) for the tests of the gateway's identity, on a free port of 127.0.0.1.
//
// Prints one JSON line when it listens: {"issuer": "http://127.0.0.1:PORT"}. Reads commands from standard input, a line each, and answers each
// with the same line: `rotate` replaces all keys. Other lines are the library's. Ends when its input ends.
//
// Clients get JWT access tokens (RFC 9068) by client_credentials. The resource that they name says the algorithm:
// `https://helhed.test/RS256`; the audience is `https://helhed.test/`. One client has its grants from the claim `helhed_grants`, the
// other is in a group.
import { createServer } from 'node:http';
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { createInterface } from 'node:readline';

import Provider from 'oidc-provider';

const ALGORITHMS = ['RS256', 'PS256', 'ES256'];

const CLAIMS = {
  'portal-kab': { helhed_grants: [{ role: 'portal', scope: 'organisations/9001' }] },
  'helhed-operations': { groups: ['Helhed operators'] },
};

function newKey(type, options, alg) {
  const { privateKey } = generateKeyPairSync(type, options);
  return { ...privateKey.export({ format: 'jwk' }), kid: `${alg}-${randomUUID()}`, alg, use: 'sig' };
}

function newKeys() {
  return {
    keys: [
      newKey('rsa', { modulusLength: 2048 }, 'RS256'),
      newKey('rsa', { modulusLength: 2048 }, 'PS256'),
      newKey('ec', { namedCurve: 'P-256' }, 'ES256'),
    ],
  };
}

function newProvider(issuer) {
  return new Provider(issuer, {
    jwks: newKeys(),
    cookies: { keys: [randomUUID()] },
    ttl: { ClientCredentials: 600 },
    clients: Object.keys(CLAIMS).map((client_id) => ({
      client_id,
      client_secret: 'a-secret-of-the-test-and-of-nothing-else',
      grant_types: ['client_credentials'],
      redirect_uris: [],
      response_types: [],
      token_endpoint_auth_method: 'client_secret_basic',
    })),
    enabledJWA: { idTokenSigningAlgValues: ALGORITHMS },
    extraTokenClaims: (_context, token) => CLAIMS[token.clientId],
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_context, resource) => ({
          scope: 'helhed',
          audience: new URL('/', resource).href,
          accessTokenTTL: 600,
          accessTokenFormat: 'jwt',
          jwt: { sign: { alg: new URL(resource).pathname.slice(1) } },
        }),
      },
    },
  });
}

const server = createServer((request, response) => handle(request, response));
let handle;
server.listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  handle = newProvider(issuer).callback();
  console.log(JSON.stringify({ issuer }));
  const input = createInterface({ input: process.stdin });
  input.on('line', (line) => {
    if (line === 'rotate') handle = newProvider(issuer).callback();
    console.log(line);
  });
  input.on('close', () => process.exit(0));
});
