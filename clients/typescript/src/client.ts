// The verbs status, append and follow, on any transport of Connect.

import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { type Client as ClientOf, createClient, type Transport } from '@connectrpc/connect';
import { Backoff, type Batch, Course, type FollowOptions } from './course.js';
import { TiduError } from './errors.js';
import { AccessService } from './gen/tidu/v1/access_service_pb.js';
import { AdminService, type GetStatusResponse } from './gen/tidu/v1/admin_service_pb.js';
import { CursorService } from './gen/tidu/v1/cursor_service_pb.js';
import type { EventSchema } from './gen/tidu/v1/event_pb.js';
import {
  AppendRequestSchema,
  type AppendResponse,
  LedgerService,
  type SubscribeResponse,
} from './gen/tidu/v1/ledger_service_pb.js';
import { ProofService } from './gen/tidu/v1/proof_service_pb.js';
import { RegisterService } from './gen/tidu/v1/register_service_pb.js';

const STATUS_MS_MAX = 10_000;
const APPEND_ATTEMPT_MS_MAX = 30_000;

/** A connection that can be ended. */
export interface Connection {
  transport: Transport;
  close(): void;
}

/** The options of append; none is required. */
export interface AppendOptions {
  /** Names the commit for ever: a repeat with it records nothing new. By default a random one. */
  requestId?: string;
  /** After which attempts end, and the last error is thrown; by default 60. */
  timeoutSeconds?: number;
}

/**
 * A server. The clients of each service are there too; `TiduError.from` decodes their errors.
 *
 * Of several nodes of one log, status, append and follow move to the next one when one does not
 * answer. The clients of the services are those of the first.
 */
export class Client {
  readonly access: ClientOf<typeof AccessService>;
  readonly admin: ClientOf<typeof AdminService>;
  readonly cursors: ClientOf<typeof CursorService>;
  readonly ledger: ClientOf<typeof LedgerService>;
  readonly proofs: ClientOf<typeof ProofService>;
  readonly register: ClientOf<typeof RegisterService>;
  private readonly connection: Connection;
  // Counts on; the node that is talked to is the rest by their number.
  private turn = 0;

  constructor(private readonly nodes: readonly [() => Connection, ...(() => Connection)[]]) {
    this.connection = nodes[0]();
    const { transport } = this.connection;
    this.access = createClient(AccessService, transport);
    this.admin = createClient(AdminService, transport);
    this.cursors = createClient(CursorService, transport);
    this.ledger = createClient(LedgerService, transport);
    this.proofs = createClient(ProofService, transport);
    this.register = createClient(RegisterService, transport);
  }

  close(): void {
    this.connection.close();
  }

  /** The identity, size and Merkle root of the log. */
  async status(): Promise<GetStatusResponse> {
    for (let left = this.nodes.length; ; left--) {
      const turn = this.turn;
      try {
        return await this.at(turn, (transport) =>
          createClient(AdminService, transport).getStatus({}, { timeoutMs: STATUS_MS_MAX }),
        );
      } catch (broken) {
        const error = TiduError.from(broken);
        if (left <= 1 || error.isFinal) throw error;
      }
      this.leave(turn);
    }
  }

  /**
   * Records events as one commit, once.
   *
   * An attempt whose outcome is unknown is repeated with the same `requestId`. For a precondition
   * or a trial, call `ledger.append`.
   */
  async append(
    events: MessageInitShape<typeof EventSchema>[],
    { requestId = randomId(), timeoutSeconds = 60 }: AppendOptions = {},
  ): Promise<AppendResponse> {
    const request = create(AppendRequestSchema, { requestId, events });
    const backoff = new Backoff();
    const end = performance.now() + timeoutSeconds * 1000;
    const hasOthers = this.nodes.length > 1;
    for (;;) {
      const turn = this.turn;
      const left = Math.max(1, end - performance.now());
      try {
        const timeoutMs = Math.min(APPEND_ATTEMPT_MS_MAX, left);
        return await this.at(turn, (transport) =>
          createClient(LedgerService, transport).append(request, { timeoutMs }),
        );
      } catch (error) {
        const longest = (end - performance.now()) / 1000;
        const seconds = backoff.pause(TiduError.from(error), longest, hasOthers);
        this.leave(turn);
        await sleep(seconds);
      }
    }
  }

  /**
   * Follows the log from a position on, over broken connections, until the caller stops.
   *
   * Ends at `stopPosition`, or with a TiduError that a new connection cannot cure.
   */
  async *follow(options: FollowOptions = {}): AsyncGenerator<Batch, void, undefined> {
    const course = new Course(options);
    const { signal } = options;
    while (!signal?.aborted) {
      let error: TiduError;
      const turn = this.turn;
      try {
        for await (const message of this.attempt(course, turn, signal)) yield course.take(message);
        if (course.isDone) return;
        error = new TiduError('the stream ended');
      } catch (broken) {
        error = TiduError.from(broken);
      }
      if (signal?.aborted) return;
      const changed = course.scopeChanged(error);
      if (changed) yield changed;
      else this.leave(turn);
      await sleep(course.pause(error, this.nodes.length > 1), signal);
    }
  }

  private node(turn: number): () => Connection {
    return this.nodes[turn % this.nodes.length] ?? this.nodes[0];
  }

  /** Ends a turn, if it is still that one: several who find the same leave one node. */
  private leave(turn: number): void {
    if (this.turn === turn) this.turn++;
  }

  /** Does something at the node of a turn: on the own connection to the first, or on a new one. */
  private async at<T>(turn: number, act: (transport: Transport) => Promise<T>): Promise<T> {
    const open = this.node(turn);
    if (open === this.nodes[0]) return act(this.connection.transport);
    const connection = open();
    try {
      return await act(connection.transport);
    } finally {
      connection.close();
    }
  }

  /** The messages of one stream, on a connection of its own. */
  private async *attempt(
    course: Course,
    turn: number,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<SubscribeResponse, void, undefined> {
    const request = course.request();
    const connection = this.node(turn)();
    const ended = new AbortController();
    const end = () => ended.abort();
    signal?.addEventListener('abort', end);
    try {
      const stream = createClient(LedgerService, connection.transport).subscribe(request, {
        signal: ended.signal,
      });
      const messages = stream[Symbol.asyncIterator]();
      for (;;) {
        const { done, value } = await inTime(messages.next(), course, end);
        if (done) return;
        yield value;
      }
    } finally {
      signal?.removeEventListener('abort', end);
      end();
      connection.close();
    }
  }
}

/** Waits for a message, and gives up after too long a silence. */
async function inTime<T>(message: Promise<T>, course: Course, giveUp: () => void): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const silence = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(course.silence());
      giveUp();
    }, course.silenceSecondsMax * 1000);
  });
  try {
    return await Promise.race([message, silence]);
  } finally {
    clearTimeout(timer);
    message.catch(() => {}); // its failure after the silence is that of giving up
  }
}

function sleep(seconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const wake = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', wake);
      resolve();
    };
    const timer = setTimeout(wake, seconds * 1000);
    signal?.addEventListener('abort', wake);
  });
}

// crypto.randomUUID is not there on pages without TLS.
function randomId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
