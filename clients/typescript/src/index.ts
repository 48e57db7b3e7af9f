// What the entries for Node and for browsers have in common.

export { Code } from '@connectrpc/connect';
export { type AppendOptions, Client } from './client.js';
export { type Batch, EMPTY_DIGEST, type FollowOptions, type OnRetry } from './course.js';
export { TiduError } from './errors.js';
export {
  type Event,
  EventSchema,
  type RecordedEvent,
  type Withheld,
} from './gen/tidu/v1/event_pb.js';
export { type EventFilter, EventFilterSchema } from './gen/tidu/v1/ledger_service_pb.js';
