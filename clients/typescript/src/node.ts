// connect for Node: gRPC, gRPC-Web or Connect, over HTTP/2.

import { readFileSync } from 'node:fs';
import type { Interceptor } from '@connectrpc/connect';
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
  Http2SessionManager,
} from '@connectrpc/connect-node';
import { Client, type Connection } from './client.js';

export * from './index.js';

/** Where the server is, and who calls. The files are in PEM. */
export interface ConnectOptions {
  /**
   * `https://HOST:PORT` speaks TLS and nothing else, `HOST:PORT` plaintext. Several nodes of one log
   * stand with commas between them.
   */
  server?: string;
  /** CAs of the server; by default those of Node. */
  caFile?: string | undefined;
  /** Certificate of the caller. */
  certFile?: string | undefined;
  /** Its key. */
  keyFile?: string | undefined;
  /** A file with a token, which is read for each call. */
  tokenFile?: string | undefined;
  /** By default gRPC. */
  protocol?: Protocol;
}

export type Protocol = 'grpc' | 'grpc-web' | 'connect';

const TRANSPORTS = {
  grpc: createGrpcTransport,
  'grpc-web': createGrpcWebTransport,
  connect: createConnectTransport,
};
const LOOPBACK = new Set(['127.0.0.1', 'localhost', '[::1]']);
const PING_MS = 30_000;
const PING_TIMEOUT_MS = 10_000;

/** Names a server and who calls it; the first call opens the connection. */
export function connect(options: ConnectOptions = {}): Client {
  const { server = '127.0.0.1:50051' } = options;
  const [first = '', ...others] = server.split(',');
  const node = (one: string) => {
    const baseUrl = urlOf(one.trim(), options);
    return () => open(baseUrl, options);
  };
  return new Client([node(first), ...others.map(node)]);
}

function open(baseUrl: string, options: ConnectOptions): Connection {
  const read = (path: string | undefined) => (path ? readFileSync(path) : undefined);
  const files = {
    ca: read(options.caFile),
    cert: read(options.certFile),
    key: read(options.keyFile),
  };
  const given = Object.entries(files).filter(([, file]) => file !== undefined);
  const pings = { pingIntervalMs: PING_MS, pingTimeoutMs: PING_TIMEOUT_MS };
  const sessionManager = new Http2SessionManager(baseUrl, pings, Object.fromEntries(given));
  const create = TRANSPORTS[options.protocol ?? 'grpc'];
  const interceptors = options.tokenFile ? [withToken(options.tokenFile)] : [];
  const transport = create({ baseUrl, httpVersion: '2', sessionManager, interceptors });
  return { transport, close: () => sessionManager.abort() };
}

function withToken(path: string): Interceptor {
  return (next) => (request) => {
    const token = readFileSync(path, 'ascii').trim();
    request.header.set('authorization', `Bearer ${token}`);
    return next(request);
  };
}

/** The URL of a server, if the options make sense together. */
function urlOf(server: string, options: ConnectOptions): string {
  const { caFile, certFile, keyFile, tokenFile } = options;
  const secure = server.startsWith('https://');
  const address = server.replace(/^https?:\/\//, '').replace(/\/$/, '');
  if (!/^([^/:]+|\[[^/]+\]):\d+$/.test(address)) {
    throw new RangeError(`server '${server}': give https://HOST:PORT, or HOST:PORT for plaintext`);
  }
  if (!certFile !== !keyFile) throw new RangeError('certFile and keyFile: give both, or neither');
  if (secure) return `https://${address}`;
  if (caFile || certFile) {
    throw new RangeError('plaintext uses neither CAs nor certificates: use https://HOST:PORT');
  }
  if (tokenFile && !LOOPBACK.has(address.replace(/:\d+$/, ''))) {
    throw new RangeError('everybody on the way could read the token: use https://HOST:PORT');
  }
  return `http://${address}`;
}
