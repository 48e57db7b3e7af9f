// The course of one follower, without any I/O: what to ask, what to expect, how long to pause.

import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { Code } from '@connectrpc/connect';
import { sha256 } from '@noble/hashes/sha2.js';
import { brokenCheck, TiduError } from './errors.js';
import { type RecordedEvent, RecordedEventSchema, type Withheld } from './gen/tidu/v1/event_pb.js';
import {
  EventFilterSchema,
  type Progress,
  type RawEventBatch,
  type SubscribeRequest,
  SubscribeRequestSchema,
  type SubscribeResponse,
} from './gen/tidu/v1/ledger_service_pb.js';

/** The digest of a copy that holds nothing. */
export const EMPTY_DIGEST: Uint8Array = new Uint8Array(32);
// The ceiling of the pause before a repeat doubles from the first to the second.
const PAUSE_SECONDS_MIN = 0.1;
const PAUSE_SECONDS_MAX = 10;
// A server that lives sends a message each heartbeat.
const HEARTBEATS_MISSED_MAX = 2;

/**
 * One message of the stream. Store its events and `nextPosition` in one transaction.
 *
 * Heartbeats come too, without events: they show that the connection lives.
 */
export interface Batch {
  /** The events, in order; may be empty. */
  events: RecordedEvent[];
  /** The stored bytes of the events, which are the Merkle leaves. */
  leaves: Uint8Array[];
  /** The place of an event whose content is not shown. */
  withheld: Withheld | undefined;
  /** Everything below was delivered or does not match. Resume here. */
  nextPosition: bigint;
  /** The history in which positions count. Store it with the position. */
  logId: string;
  /** The epoch of the node: a promotion raises it. Store it too, and give it to follow again. */
  epoch: bigint;
  /** The digest of the copy after this batch, if one was given to follow. Store it too. */
  digest: Uint8Array | undefined;
  /** Size of the log, as last reported. */
  logSize: bigint;
  /** Whether the stream has reached it, as last reported. */
  caughtUp: boolean;
  /** The rights reach further now: events from here on may match that did not before. */
  scopeChangedFrom: bigint | undefined;
}

export type OnRetry = (error: TiduError, pauseSeconds: number) => void;

/** The options of follow; none is required. */
export interface FollowOptions {
  /** The stored nextPosition, or 0. */
  fromPosition?: bigint | number;
  /** The log of the caller's copy. Empty: that of the first answer. */
  logId?: string;
  /** The highest epoch that was stored. A node of a lower one has been succeeded, and is left. */
  epoch?: bigint | number;
  /** The events to deliver. Absent: all. */
  filter?: MessageInitShape<typeof EventFilterSchema> | undefined;
  /** The digest of the copy below fromPosition, EMPTY_DIGEST for an empty one. Absent: no check. */
  digest?: Uint8Array | undefined;
  /** 1 to 300; by default 10. After twice as long without a message, follow connects again. */
  heartbeatSeconds?: number;
  /** End before this position. Absent: never. */
  stopPosition?: bigint | number | undefined;
  /** Positions may have gaps without a filter, too: some events are hidden from this reader. */
  gaps?: boolean;
  /** Called before each pause. By default a warning of the console. */
  onRetry?: OnRetry;
  /** Ends follow without an error. */
  signal?: AbortSignal;
}

/** Pauses with full jitter, so that all clients of a server do not come back at once. */
export class Backoff {
  private ceiling = PAUSE_SECONDS_MIN;

  constructor(private readonly onRetry: OnRetry = warn) {}

  reset(): void {
    this.ceiling = PAUSE_SECONDS_MIN;
  }

  /**
   * The seconds to wait before a repeat, at another node if there are others. Throws the error if a
   * repeat cannot help.
   */
  pause(error: TiduError, longest = Number.POSITIVE_INFINITY, hasOthers = false): number {
    const seconds = Math.max(Math.random() * this.ceiling, error.retryAfterSeconds ?? 0);
    const isFinal = error.isFinal && !(hasOthers && error.isForAnotherNode);
    if (isFinal || seconds >= longest) throw error;
    this.ceiling = Math.min(this.ceiling * 2, PAUSE_SECONDS_MAX);
    this.onRetry(error, seconds);
    return seconds;
  }
}

function warn(error: TiduError, seconds: number): void {
  console.warn(`${error}; connecting again in ${seconds.toFixed(1)} s`);
}

/** The place of a follower. It moves by messages, and outlives connections. */
export class Course {
  readonly silenceSecondsMax: number;
  private nextPosition: bigint;
  private logId: string;
  private epoch: bigint;
  private digest: Uint8Array | undefined;
  private readonly filter;
  private readonly stopPosition: bigint | undefined;
  private readonly gaps: boolean;
  private readonly heartbeatSeconds: number;
  private readonly backoff: Backoff;
  private logSize = 0n;
  private caughtUp = false;
  // Of the attempt: whether the log was named, when it began, and where.
  private named = false;
  private beganAt = 0;
  private beganFrom = 0n;

  constructor(options: FollowOptions) {
    this.nextPosition = BigInt(options.fromPosition ?? 0);
    this.logId = options.logId ?? '';
    this.epoch = BigInt(options.epoch ?? 0);
    this.digest = options.digest;
    this.filter = options.filter && create(EventFilterSchema, options.filter);
    const filtered = this.filter && toBinary(EventFilterSchema, this.filter).length > 0;
    this.gaps = options.gaps || filtered || false;
    this.stopPosition =
      options.stopPosition === undefined ? undefined : BigInt(options.stopPosition);
    this.heartbeatSeconds = options.heartbeatSeconds ?? 10;
    this.silenceSecondsMax = this.heartbeatSeconds * HEARTBEATS_MISSED_MAX;
    this.backoff = new Backoff(options.onRetry);
  }

  /** Begins an attempt. */
  request(): SubscribeRequest {
    this.named = false;
    this.beganAt = performance.now();
    this.beganFrom = this.nextPosition;
    const seconds = Math.floor(this.heartbeatSeconds);
    const nanos = Math.round((this.heartbeatSeconds - seconds) * 1e9);
    return create(SubscribeRequestSchema, {
      start: { case: 'fromPosition', value: this.nextPosition },
      logId: this.logId,
      ...(this.filter && { filter: this.filter }),
      ...(this.digest && { digest: this.digest }),
      ...(this.stopPosition !== undefined && { stopPosition: this.stopPosition }),
      heartbeatInterval: { seconds: BigInt(seconds), nanos },
      raw: true,
    });
  }

  /** Checks a message and moves past it. */
  take({ payload }: SubscribeResponse): Batch {
    if (payload.case === 'progress') return this.takeProgress(payload.value);
    if (!this.named) {
      throw brokenCheck('PROTOCOL', 'the stream did not begin with the name of its log');
    }
    if (payload.case === 'rawEvents') return this.takeEvents(payload.value);
    if (payload.case === 'withheld') {
      const withheld = payload.value;
      this.pass(withheld.position ?? 0n, withheld.leafHash);
      return this.batch(this.nextPosition, { withheld });
    }
    throw brokenCheck('PROTOCOL', `a message of an unknown kind came: ${payload.case}`);
  }

  private takeProgress(progress: Progress): Batch {
    if (this.logId !== '' && progress.logId !== this.logId) {
      const text = `the server has the log ${progress.logId}, not the one named, ${this.logId}`;
      throw brokenCheck('LOG_ID_MISMATCH', text, { log_id: progress.logId, expected: this.logId });
    }
    if (progress.epoch < this.epoch) {
      const [epoch, known] = [String(progress.epoch), String(this.epoch)];
      const text = `the node is of epoch ${epoch} and has been succeeded: epoch ${known} is known`;
      const metadata = { epoch, known_epoch: known };
      const code = Code.FailedPrecondition;
      throw new TiduError(text, { reason: 'STALE_EPOCH', metadata, code });
    }
    this.epoch = progress.epoch;
    this.logId = progress.logId;
    this.named = true;
    this.logSize = progress.logSize;
    this.caughtUp = progress.caughtUp;
    if (this.digest && hex(progress.digest) !== hex(this.digest)) {
      const text = `the copy differs from the log below position ${progress.nextPosition}`;
      throw brokenCheck('DIGEST_MISMATCH', text, {
        digest: hex(progress.digest),
        expected: hex(this.digest),
        next_position: progress.nextPosition,
      });
    }
    return this.batch(progress.nextPosition);
  }

  private takeEvents({ leaves, nextPosition }: RawEventBatch): Batch {
    const events = leaves.map((leaf) => {
      const recorded = this.decode(leaf);
      this.pass(recorded.position ?? 0n, sha256(joined(Uint8Array.of(0), leaf)));
      return recorded;
    });
    return this.batch(nextPosition, { events, leaves });
  }

  private decode(leaf: Uint8Array): RecordedEvent {
    try {
      return fromBinary(RecordedEventSchema, leaf);
    } catch {
      throw brokenCheck('PROTOCOL', `the event after position ${this.nextPosition} is damaged`);
    }
  }

  private pass(position: bigint, leafHash: Uint8Array): void {
    this.requireExpected(position);
    this.nextPosition = position + 1n;
    if (this.digest) this.digest = sha256(joined(this.digest, leafHash));
  }

  private requireExpected(position: bigint): void {
    const expected = this.nextPosition;
    if (position < expected || (position > expected && !this.gaps)) {
      const text = `position ${position} came, ${expected} was expected`;
      throw brokenCheck('POSITION_UNEXPECTED', text, { position, expected });
    }
  }

  private batch(nextPosition: bigint, parts: Partial<Batch> = {}): Batch {
    this.requireExpected(nextPosition);
    this.nextPosition = nextPosition;
    return {
      events: [],
      leaves: [],
      withheld: undefined,
      nextPosition,
      logId: this.logId,
      epoch: this.epoch,
      digest: this.digest,
      logSize: this.logSize,
      caughtUp: this.caughtUp,
      scopeChangedFrom: undefined,
      ...parts,
    };
  }

  /** True where a stream that ends without an error has ended as it should. */
  get isDone(): boolean {
    return this.stopPosition !== undefined && this.nextPosition >= this.stopPosition;
  }

  silence(): TiduError {
    const text = `no message came for ${this.silenceSecondsMax} s`;
    return new TiduError(text, { code: Code.DeadlineExceeded });
  }

  /** The batch that tells of wider rights. Narrower ones end the course. */
  scopeChanged(error: TiduError): Batch | undefined {
    if (error.reason !== 'SCOPE_CHANGED' || error.code !== Code.Aborted) return undefined;
    const from = error.metadata.from_position ?? this.nextPosition;
    return this.batch(this.nextPosition, { scopeChangedFrom: BigInt(from) });
  }

  /**
   * Ends an attempt: the seconds until the next one, at another node if there are others. Throws a
   * final error.
   */
  pause(error: TiduError, hasOthers = false): number {
    const lived = (performance.now() - this.beganAt) / 1000;
    if (this.nextPosition > this.beganFrom || lived >= PAUSE_SECONDS_MAX) this.backoff.reset();
    return this.backoff.pause(error, Number.POSITIVE_INFINITY, hasOthers);
  }
}

function joined(...parts: Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
