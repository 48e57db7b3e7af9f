// The error of every verb, and which errors a repeat can cure.

import { Code, ConnectError } from '@connectrpc/connect';
import { ErrorInfoSchema, RetryInfoSchema } from './gen/google/rpc/error_details_pb.js';

// Codes after which a repeat gives the same error. All others are repeated, because a broken
// connection has several.
const FINAL = new Set([
  Code.InvalidArgument, // a malformed event, an unknown programme in a filter
  Code.NotFound,
  Code.AlreadyExists,
  Code.PermissionDenied, // the rights do not reach so far, or not any more
  Code.FailedPrecondition, // a rule, or another log
  Code.OutOfRange, // a position beyond the log: it was restored to an older state
  Code.Unimplemented, // another API
  Code.DataLoss, // a damaged log
  Code.Unauthenticated,
]);

// Reasons of a node that takes no writes itself.
const ELSEWHERE = new Set(['FOLLOWER', 'LOOPED', 'RETIRED', 'STALE_EPOCH']);

export interface ErrorParts {
  reason?: string;
  metadata?: Record<string, string>;
  code?: Code;
  retryAfterSeconds?: number | undefined;
}

/** A refusal of the server, a broken connection, or a check of this client that failed. */
export class TiduError extends Error {
  /**
   * The reason of google.rpc.ErrorInfo (see error_reason.proto), or that of a check of this client;
   * empty without either.
   */
  readonly reason: string;
  /** The values of the reason. */
  readonly metadata: Record<string, string>;
  readonly code: Code;
  /** The pause that the server asks for. */
  readonly retryAfterSeconds: number | undefined;

  constructor(message: string, parts: ErrorParts = {}, options?: ErrorOptions) {
    super(message, options);
    this.name = 'TiduError';
    this.reason = parts.reason ?? '';
    this.metadata = parts.metadata ?? {};
    this.code = parts.code ?? Code.Unavailable;
    this.retryAfterSeconds = parts.retryAfterSeconds;
  }

  override toString(): string {
    return `${this.reason || codeName(this.code)}: ${this.message}`;
  }

  /** True if this node takes no writes: its leader, or its successor, does. */
  get isForAnotherNode(): boolean {
    return this.code === Code.FailedPrecondition && ELSEWHERE.has(this.reason);
  }

  /** True if a repeat gives the same error. */
  get isFinal(): boolean {
    if (this.reason === 'CREDENTIAL_EXPIRED') return false; // the file may have a new one
    // The request itself is too large.
    if (this.reason === 'LIMIT_EXCEEDED' && this.retryAfterSeconds === undefined) return true;
    return FINAL.has(this.code);
  }

  /** Decodes the error of a call. */
  static from(error: unknown): TiduError {
    if (error instanceof TiduError) return error;
    const broken = ConnectError.from(error);
    const info = broken.findDetails(ErrorInfoSchema).find((one) => one.domain === 'tidu');
    const delay = broken.findDetails(RetryInfoSchema)[0]?.retryDelay;
    const parts = {
      reason: info?.reason ?? '',
      metadata: info?.metadata ?? {},
      code: broken.code,
      retryAfterSeconds: delay && Number(delay.seconds) + delay.nanos / 1e9,
    };
    return new TiduError(broken.rawMessage || 'the connection broke', parts, { cause: error });
  }
}

/** The name of a code as gRPC writes it: `INVALID_ARGUMENT`. */
function codeName(code: Code): string {
  const name = code === Code.Canceled ? 'Cancelled' : (Code[code] ?? 'Unknown');
  return name.replace(/(?<=.)[A-Z]/g, '_$&').toUpperCase();
}

/** What the server sent contradicts what it promised, so going on would spoil the copy. */
export function brokenCheck(
  reason: string,
  message: string,
  metadata: Record<string, unknown> = {},
): TiduError {
  const texts = Object.entries(metadata).map(([name, value]) => [name, String(value)]);
  return new TiduError(message, {
    reason,
    metadata: Object.fromEntries(texts),
    code: Code.DataLoss,
  });
}
