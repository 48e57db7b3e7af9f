// connect for browsers, and for every runtime that has fetch.

import type { Interceptor } from '@connectrpc/connect';
import { createConnectTransport, createGrpcWebTransport } from '@connectrpc/connect-web';
import { Client } from './client.js';

export * from './index.js';

/** Where the server is, and who calls. */
export interface ConnectOptions {
  /**
   * The URL of the server, or the URLs of several nodes of one log with commas between them. They
   * must allow the origin of the page: `tidu serve --web-origin`.
   */
  server: string;
  /** A token, asked for before each call. */
  token?: () => string | Promise<string>;
  /** By default gRPC-Web. */
  protocol?: Protocol;
}

export type Protocol = 'grpc-web' | 'connect';

const TRANSPORTS = { 'grpc-web': createGrpcWebTransport, connect: createConnectTransport };

/** Names a server and who calls it; the first call opens the connection. */
export function connect({ server, token, protocol = 'grpc-web' }: ConnectOptions): Client {
  const withToken: Interceptor = (next) => async (request) => {
    if (token) request.header.set('authorization', `Bearer ${await token()}`);
    return next(request);
  };
  const node = (one: string) => {
    const baseUrl = one.trim();
    const transport = TRANSPORTS[protocol]({ baseUrl, interceptors: [withToken] });
    // fetch keeps the connections; each stream ends by its signal.
    return () => ({ transport, close: () => {} });
  };
  const [first = '', ...others] = server.split(',');
  return new Client([node(first), ...others.map(node)]);
}
