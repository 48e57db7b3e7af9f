// Keeps a copy of the log, or of a part of it, in SQLite or PostgreSQL. It may be killed at any
// moment: each event is stored exactly once.
//
//     node copy-log.js --sqlite copy.db --programme little-giant
//     node copy-log.js --postgres postgresql://localhost/copy

import { parseArgs } from 'node:util';
import { type Batch, connect, EMPTY_DIGEST, type Protocol, TiduError } from '@tidu/client';
import Sqlite from 'better-sqlite3';
import pg from 'pg';

// Without OR IGNORE, an event that comes twice is an error and is not dropped silently.
const TABLES = [
  `CREATE TABLE IF NOT EXISTS events (position NUMBER PRIMARY KEY, designee TEXT NOT NULL,
    kind TEXT NOT NULL, leaf BYTES NOT NULL)`,
  `CREATE TABLE IF NOT EXISTS place (id INTEGER PRIMARY KEY CHECK (id = 1),
    log_id TEXT NOT NULL, filter TEXT NOT NULL, next_position NUMBER NOT NULL,
    digest BYTES NOT NULL)`,
];
const INSERT = 'INSERT INTO events (position, designee, kind, leaf) VALUES ($1, $2, $3, $4)';
const MOVE = `INSERT INTO place (id, log_id, filter, next_position, digest)
  VALUES (1, $1, $2, $3, $4)
  ON CONFLICT (id) DO UPDATE SET next_position = excluded.next_position, digest = excluded.digest`;

type Value = string | bigint | Uint8Array;
interface Place {
  log_id: string;
  filter: string;
  next_position: bigint | number | string;
  digest: Uint8Array;
}

/** Both databases take the same statements; a transaction stores all rows and the place, or none. */
interface Database {
  place(): Promise<Place | undefined>;
  store(rows: Value[][], place: Value[]): Promise<void>;
  close(): Promise<void>;
}

function openSqlite(file: string): Database {
  const db = new Sqlite(file);
  db.pragma('journal_mode = WAL');
  for (const table of TABLES) {
    db.exec(table.replaceAll('NUMBER', 'INTEGER').replaceAll('BYTES', 'BLOB'));
  }
  const numbered = (text: string) => text.replaceAll(/\$\d/g, '?');
  const insert = db.prepare(numbered(INSERT));
  const move = db.prepare(numbered(MOVE));
  const store = db.transaction((rows: Value[][], place: Value[]) => {
    for (const row of rows) insert.run(...row);
    move.run(...place);
  });
  return {
    place: async () => db.prepare<[], Place>('SELECT * FROM place').get(),
    store: async (rows, place) => store(rows, place),
    close: async () => {
      db.close();
    },
  };
}

async function openPostgres(url: string): Promise<Database> {
  const db = new pg.Client(url);
  await db.connect();
  for (const table of TABLES) {
    await db.query(table.replaceAll('NUMBER', 'BIGINT').replaceAll('BYTES', 'BYTEA'));
  }
  return {
    place: async () => (await db.query<Place>('SELECT * FROM place')).rows[0],
    store: async (rows, place) => {
      await db.query('BEGIN');
      for (const values of rows) await db.query(INSERT, values);
      await db.query(MOVE, place);
      await db.query('COMMIT');
    },
    close: () => db.end(),
  };
}

const { values: args } = parseArgs({
  options: {
    sqlite: { type: 'string' },
    postgres: { type: 'string' },
    server: { type: 'string', default: process.env.TIDU_SERVER ?? '127.0.0.1:50051' },
    'ca-file': { type: 'string' },
    'cert-file': { type: 'string' },
    'key-file': { type: 'string' },
    'token-file': { type: 'string' },
    protocol: { type: 'string', default: 'grpc' },
    programme: { type: 'string', multiple: true, default: [] },
    authority: { type: 'string', multiple: true, default: [] },
    'log-id': { type: 'string', default: '' },
    heartbeat: { type: 'string', default: '10' },
    stop: { type: 'string' },
  },
});

function end(status: number, why: unknown): never {
  console.error(`copy-log: ${why instanceof Error ? why.message : why}`);
  process.exit(status);
}

function connected() {
  try {
    return connect({
      server: args.server,
      caFile: args['ca-file'],
      certFile: args['cert-file'],
      keyFile: args['key-file'],
      tokenFile: args['token-file'],
      protocol: args.protocol as Protocol,
    });
  } catch (error) {
    return end(2, error);
  }
}

async function open(): Promise<Database> {
  if (args.sqlite) return openSqlite(args.sqlite);
  if (args.postgres) return openPostgres(args.postgres);
  return end(2, 'give --sqlite FILE or --postgres URL');
}

const client = connected();
const database = await open();
const filter = { programmes: args.programme, authorities: args.authority };
const place = (await database.place()) ?? {
  log_id: '',
  filter: JSON.stringify(filter),
  next_position: 0,
  digest: EMPTY_DIGEST,
};
// A position is valid for one filter: a wider one would miss the events passed over so far.
if (place.filter !== JSON.stringify(filter)) {
  end(1, `the copy holds ${place.filter}: take another database for this filter`);
}

let { log_id: logId } = place;
let reached = BigInt(place.next_position);

async function store(batch: Batch): Promise<void> {
  if (batch.nextPosition === reached && logId !== '') return;
  const rows = batch.events.map(({ position, event }, index) => [
    position ?? 0n,
    event?.designee ?? '',
    event?.fact.case ?? '',
    batch.leaves[index] ?? new Uint8Array(),
  ]);
  const digest = batch.digest ?? EMPTY_DIGEST;
  await database.store(rows, [batch.logId, place.filter, batch.nextPosition, digest]);
  logId = batch.logId;
  reached = batch.nextPosition;
  if (rows.length > 0) console.log(`${rows.length} events, next position ${reached}`);
}

try {
  const options = {
    fromPosition: reached,
    logId: logId || args['log-id'],
    filter,
    digest: new Uint8Array(place.digest),
    heartbeatSeconds: Number(args.heartbeat),
    stopPosition: args.stop === undefined ? undefined : BigInt(args.stop),
  };
  for await (const batch of client.follow(options)) {
    await store(batch);
    if (batch.scopeChangedFrom !== undefined) {
      console.log(`SCOPE_CHANGED: more is to be read from position ${batch.scopeChangedFrom}`);
    }
  }
} catch (error) {
  if (!(error instanceof TiduError)) throw error;
  console.error(String(error));
  process.exitCode = 1;
}
client.close();
await database.close();
