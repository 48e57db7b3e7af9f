// Keeps a copy of the log, or of a part of it, in SQLite. It may be killed at any moment: each
// event is stored exactly once.
//
//     node subscriber.js --server 127.0.0.1:50051 --db copy.db --programme little-giant

'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { parseArgs } = require('node:util');
const grpc = require('@grpc/grpc-js');
const protoLoader = require('@grpc/proto-loader');
const Database = require('better-sqlite3');

// The server sends a message at least every 10 s. After twice as long the program reconnects.
const SILENCE_MS_MAX = 20_000;
// First and longest pause before a reconnection. The pause doubles each time.
const PAUSE_MS_MIN = 100;
const PAUSE_MS_MAX = 5_000;
// Codes after which a retry cannot help. All others are retried, because a broken connection has several.
const FATAL = new Set([
  grpc.status.INVALID_ARGUMENT, // an unknown programme or region in the filter
  grpc.status.FAILED_PRECONDITION, // another log
  grpc.status.OUT_OF_RANGE, // a position beyond the log: it was restored to an older state
  grpc.status.UNIMPLEMENTED, // another API
  grpc.status.DATA_LOSS, // a damaged log
  grpc.status.PERMISSION_DENIED, // the rights do not reach so far, or not any more
]);
const CHANNEL_OPTIONS = {
  'grpc.keepalive_time_ms': 30_000,
  'grpc.keepalive_timeout_ms': 10_000,
  // gRPC pauses between connections too; by default its pause grows to two minutes.
  'grpc.initial_reconnect_backoff_ms': PAUSE_MS_MIN,
  'grpc.max_reconnect_backoff_ms': PAUSE_MS_MAX,
};
// Without OR IGNORE, an event that comes twice is an error and is not dropped silently.
const SCHEMA = `
  PRAGMA journal_mode = WAL;
  CREATE TABLE IF NOT EXISTS events (position INTEGER PRIMARY KEY, designee TEXT NOT NULL, leaf BLOB NOT NULL);
  CREATE TABLE IF NOT EXISTS place (only INTEGER PRIMARY KEY CHECK (only = 1), log_id TEXT NOT NULL,
    filter TEXT NOT NULL, next_position INTEGER NOT NULL)`;

const { values: args } = parseArgs({
  options: {
    server: { type: 'string', default: '127.0.0.1:50051' },
    db: { type: 'string', default: 'copy.db' },
    programme: { type: 'string', multiple: true, default: [] },
    region: { type: 'string', default: '' },
    'tls-ca': { type: 'string', default: process.env.TIDU_TLS_CA }, // CAs of the server, in PEM
    'tls-cert': { type: 'string', default: process.env.TIDU_CLIENT_CERT }, // client certificate, in PEM
    'tls-key': { type: 'string', default: process.env.TIDU_CLIENT_KEY }, // its key, in PEM
    'token-file': { type: 'string', default: process.env.TIDU_TOKEN_FILE },
  },
});
const secure = args.server.startsWith('https://');
const address = args.server.replace(/^https:\/\//, '');
requireSense();
const filter = { programmes: args.programme, region_under: args.region };
const wholeLog = args.programme.length === 0 && args.region === '';

// uint64 comes as a string. A position is below 2^32, so that a number holds it exactly.
const definition = protoLoader.loadSync(['tidu/v1/admin_service.proto', 'tidu/v1/ledger_service.proto'], {
  includeDirs: [path.join(__dirname, '../../proto')],
  keepCase: true,
  longs: String,
  oneofs: true,
});
const api = grpc.loadPackageDefinition(definition).tidu.v1;
const decode = definition['tidu.v1.RecordedEvent'].deserialize;

const db = new Database(args.db);
db.exec(SCHEMA);
const place = db.prepare('SELECT log_id, next_position, filter FROM place').get() ?? {
  log_id: '', // until the first connection to a server
  next_position: 0,
  filter: JSON.stringify(filter),
};
// next_position is valid for one filter: a wider one would miss the events passed over so far.
if (place.filter !== JSON.stringify(filter)) {
  fail(`the database holds ${place.filter}; take another for this filter`);
}
const insertEvent = db.prepare('INSERT INTO events (position, designee, leaf) VALUES (?, ?, ?)');
const setPlace = db.prepare(`INSERT INTO place (only, log_id, filter, next_position) VALUES (1, ?, ?, ?)
  ON CONFLICT (only) DO UPDATE SET next_position = excluded.next_position`);

// Stores events and position in one transaction: both or neither.
const store = db.transaction((leaves, next, withheld) => {
  let expected = place.next_position;
  if (withheld !== undefined) {
    check(withheld, expected, 'position');
    expected = withheld + 1;
  }
  for (const leaf of leaves) {
    const recorded = decode(leaf);
    const position = Number(recorded.position);
    check(position, expected, 'position');
    insertEvent.run(position, recorded.event.designee ?? '', leaf);
    expected = position + 1;
  }
  check(next, expected, 'next_position');
  setPlace.run(place.log_id, place.filter, next);
});

// With a filter, positions have gaps; they never decrease.
function check(found, expected, what) {
  if (found < expected || (found > expected && wholeLog)) {
    throw new Error(`${what} ${found} came, ${expected} was expected`);
  }
}

function receive(message) {
  const { raw_events: batch, progress, withheld } = message;
  const leaves = batch?.leaves ?? [];
  // The content of a withheld event is erased: only its place is left to pass.
  const passed = withheld && Number(withheld.position);
  const next = withheld ? passed + 1 : Number((batch ?? progress).next_position ?? 0);
  store(leaves, next, passed);
  place.next_position = next;
  if (leaves.length > 0) {
    console.log(`${leaves.length} events, next position ${next}`);
  }
}

// A token does not cross the network in plaintext, and certificates do not go unused.
function requireSense() {
  const refuse = (why) => {
    console.error(`subscriber: --server ${args.server}: ${why}`);
    process.exit(2);
  };
  if (address.includes('://')) refuse('give https://HOST:PORT, or HOST:PORT for plaintext');
  if (secure) return;
  const local = ['127.0.0.1', 'localhost', '[::1]'].includes(address.replace(/:\d+$/, ''));
  if (args['token-file'] && !local) refuse('everybody on the way could read the token; use https://HOST:PORT');
  if (args['tls-ca'] || args['tls-cert'] || args['tls-key']) {
    refuse('plaintext uses neither CAs nor certificates; use https://HOST:PORT');
  }
}

// Reads the files for each connection, so that a renewed certificate or token counts at once.
function connect() {
  const read = (option) => (args[option] ? fs.readFileSync(args[option]) : null);
  const credentials = secure
    ? grpc.credentials.createSsl(read('tls-ca'), read('tls-key'), read('tls-cert'))
    : grpc.credentials.createInsecure();
  const headers = new grpc.Metadata();
  // It comes from a file: everybody sees arguments.
  const token = read('token-file');
  if (token) headers.set('authorization', `Bearer ${token.toString('ascii').trim()}`);
  const ledger = new api.LedgerService(address, credentials, CHANNEL_OPTIONS);
  const admin = new api.AdminService(address, credentials, CHANNEL_OPTIONS);
  return { ledger, admin, headers };
}

// First, because batches do not name their log, and no position is stored without it.
function learnLog({ admin, headers }) {
  return new Promise((resolve, reject) => {
    const deadline = Date.now() + 10_000;
    admin.getStatus({}, headers, { deadline }, (error, status) => (error ? reject(error) : resolve(status.log_id)));
  });
}

// Follows until the connection breaks.
async function follow() {
  const server = connect();
  const { ledger, admin, headers } = server;
  let silence;
  try {
    place.log_id ||= await learnLog(server);
    const request = { from_position: place.next_position, log_id: place.log_id, filter, raw: true };
    const stream = ledger.subscribe(request, headers);
    silence = setTimeout(() => stream.cancel(), SILENCE_MS_MAX);
    for await (const message of stream) {
      silence.refresh();
      if (message.raw_events || message.progress || message.withheld) receive(message);
    }
  } finally {
    clearTimeout(silence);
    ledger.close();
    admin.close();
  }
  throw Object.assign(new Error('the stream ended'), { code: grpc.status.UNAVAILABLE });
}

function fail(why) {
  console.error(`subscriber: ${why}`);
  process.exit(1);
}

async function main() {
  let pause = PAUSE_MS_MIN;
  for (;;) {
    const before = place.next_position;
    const error = await follow().catch((error) => error);
    // An error without a gRPC code comes from the database or from this program.
    if (!Number.isInteger(error.code) || FATAL.has(error.code)) fail(error.message);
    if (place.next_position > before) pause = PAUSE_MS_MIN;
    // Jitter, so that the subscribers of a server do not all come back at once.
    const now = pause * (0.5 + Math.random() / 2);
    console.error(`${error.message}; connecting again in ${now.toFixed()} ms`);
    await new Promise((resolve) => setTimeout(resolve, now));
    pause = Math.min(pause * 2, PAUSE_MS_MAX);
  }
}

main();
