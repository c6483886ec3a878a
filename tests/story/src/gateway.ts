// The gateway as one who calls it has it: as somebody, over one connection, again when it did not answer.
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { DescService } from '@bufbuild/protobuf';
import { Code, ConnectError, createClient, type Client, type Interceptor, type Transport } from '@connectrpc/connect';
import { createGrpcTransport, Http2SessionManager } from '@connectrpc/connect-node';
import { ErrorInfoSchema } from './contract/google/rpc/error_details_pb.js';

// Who calls, and what was granted: a role, everywhere or within a resource (`plan-leader@plans/amagerplanen`).
export interface Person {
  readonly subject: string;
  readonly grants: readonly string[];
}

// Who that is to the services: as a token of a demonstration says it.
export function subjectOf(person: Person): string {
  return `demonstration:${person.subject}`;
}

export interface Access {
  // `https://localhost:8443`. Certificates are believed as Node believes them (NODE_EXTRA_CA_CERTS).
  readonly address: string;
  // The command line, and the key that it signs tokens of a demonstration with.
  readonly program: string;
  readonly key: string;
}

// HELHED_ADDRESS, HELHED_PROGRAM and HELHED_IDENTITY_KEY.
export function accessOfEnvironment(): Access {
  const of = (name: string): string => {
    const value = process.env[name];
    if (!value) throw new Error(`${name} is not set`);
    return value;
  };
  return { address: of('HELHED_ADDRESS'), program: of('HELHED_PROGRAM'), key: of('HELHED_IDENTITY_KEY') };
}

const tokenMilliseconds = 30 * 60 * 1000;
const callMilliseconds = 60 * 1000;
// Long enough for a service to be started again in between.
const attempts = 60;
const pauseMilliseconds = 250;

export class Gateway {
  readonly access: Access;
  private readonly callers = new Map<string, Caller>();

  constructor(access: Access) {
    this.access = access;
  }

  as(person: Person): Caller {
    let caller = this.callers.get(person.subject);
    if (!caller) {
      caller = new Caller(this.access, person);
      this.callers.set(person.subject, caller);
    }
    return caller;
  }

  close(): void {
    for (const caller of this.callers.values()) caller.close();
  }
}

export class Caller {
  private readonly clients = new Map<DescService, unknown>();
  private readonly sessions: Http2SessionManager;
  private readonly transport: Transport;
  private token = { value: Promise.resolve(''), end: 0 };

  constructor(
    private readonly access: Access,
    private readonly person: Person,
  ) {
    this.sessions = new Http2SessionManager(access.address);
    this.transport = createGrpcTransport({
      baseUrl: access.address,
      sessionManager: this.sessions,
      defaultTimeoutMs: callMilliseconds,
      interceptors: [this.again, this.identified],
    });
  }

  at<Service extends DescService>(service: Service): Client<Service> {
    let client = this.clients.get(service) as Client<Service> | undefined;
    if (!client) {
      client = createClient(service, this.transport);
      this.clients.set(service, client);
    }
    return client;
  }

  async bearer(): Promise<string> {
    if (Date.now() > this.token.end) this.token = { value: this.signIn(), end: Date.now() + tokenMilliseconds };
    return this.token.value;
  }

  close(): void {
    this.sessions.abort();
  }

  private async signIn(): Promise<string> {
    const grants = this.person.grants.flatMap(grant => ['--grant', grant]);
    const { stdout } = await promisify(execFile)(this.access.program, [
      'token', '--bearer', '--identity-key', this.access.key, '--subject', this.person.subject, '--lifetime', '1h', ...grants]);
    return stdout.trim();
  }

  private readonly identified: Interceptor = next => async request => {
    request.header.set('authorization', `Bearer ${await this.bearer()}`);
    return next(request);
  };

  // Every change carries an id, so that it may be sent again and happens once (AIP-155).
  private readonly again: Interceptor = next => async request => {
    if (request.stream) return next(request);
    const message = request.message as { requestId?: string };
    if (request.method.input.field['requestId'] && !message.requestId) message.requestId = randomUUID();
    for (let attempt = 1; ; ++attempt) {
      try {
        return await next(request);
      } catch (error) {
        const refusal = ConnectError.from(error);
        if (attempt === attempts || !mayBeSentAgain(refusal)) {
          refusal.message = `${request.method.parent.typeName}/${request.method.name}: ${refusal.message}`;
          throw refusal;
        }
        await sleep(pauseMilliseconds);
      }
    }
  };
}

// Whether nobody answered, or nobody had the time: the service, the gateway or the connection went.
function mayBeSentAgain(error: ConnectError): boolean {
  if (error.code === Code.Unavailable || error.code === Code.ResourceExhausted) return true;
  const broken = error.cause instanceof Error && 'code' in error.cause;
  return broken || ([Code.Aborted, Code.Canceled].includes(error.code) && reasonOf(error) === '');
}

export function reasonOf(error: ConnectError): string {
  return error.findDetails(ErrorInfoSchema)[0]?.reason ?? '';
}

// Expects a call to be refused with a reason of the contract, and returns the refusal.
export async function refused(call: Promise<unknown>, reason: string): Promise<ConnectError> {
  let answer: unknown;
  try {
    answer = await call;
  } catch (thrown) {
    const error = ConnectError.from(thrown);
    if (reasonOf(error) === reason) return error;
    throw new Error(`refused, but not with ${reason}: ${error.message}`, { cause: thrown });
  }
  throw new Error(`was to be refused with ${reason}, and was answered: ${JSON.stringify(answer, bigintAsText)}`);
}

function bigintAsText(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value;
}

// Does something with every item, with so many at a time, and returns what came of each in order.
export async function each<Item, Result>(
  items: readonly Item[], act: (item: Item, index: number) => Promise<Result>, atOnce = 48): Promise<Result[]> {
  const results: Result[] = new Array<Result>(items.length);
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < items.length) {
      const index = next++;
      results[index] = await act(items[index] as Item, index);
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, work));
  return results;
}

// Every resource of a list, page by page.
export async function all<Page extends { nextPageToken: string }, Resource>(
  read: (pageToken: string) => Promise<Page>, of: (page: Page) => Resource[]): Promise<Resource[]> {
  const found: Resource[] = [];
  let token = '';
  do {
    const page = await read(token);
    found.push(...of(page));
    token = page.nextPageToken;
  } while (token);
  return found;
}
