// status and append of the TypeScript client, and the entry for browsers on the fetch of Node, against
// the real server. Usage: node verbs.mjs TIDU PROTOCOL...

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import readline from 'node:readline';
import * as forNode from '../../clients/typescript/dist/node.js';
import * as forWeb from '../../clients/typescript/dist/web.js';

const { Code, EMPTY_DIGEST, TiduError } = forNode;
const [binary, ...protocols] = process.argv.slice(2);

async function serve(directory) {
  const listen = ['--listen', '127.0.0.1:0', '--operations-listen', 'off'];
  const options = ['serve', '--data-dir', directory, ...listen, '--web-origin', 'http://localhost'];
  const server = spawn(binary, options, { stdio: ['ignore', 'pipe', 'ignore'] });
  const [line] = await once(readline.createInterface(server.stdout), 'line');
  return { server, address: /http:\/\/(\S+)/.exec(line)[1] };
}

function designation(name) {
  const fact = { programme: 'specialised-sme', batch: '2024-1', profile: { name } };
  return {
    authority: '440000',
    designee: `provisional:440000/${name}`,
    effectiveDate: { year: 2024, month: 1, day: 1 },
    fact: { case: 'designated', value: fact },
  };
}

// A listener that ends two connections once the server has recorded, and before the answer.
async function losingTwoAnswers(target, recorded) {
  let connections = 0;
  const listener = net.createServer(async (near) => {
    connections += 1;
    const [host, port] = target.split(':');
    const far = net.connect(Number(port), host);
    for (const one of [near, far]) one.on('error', () => {});
    near.pipe(far);
    if (connections > 2) {
      far.pipe(near);
      return;
    }
    far.resume();
    while (!(await recorded())) await new Promise(setImmediate);
    near.destroy();
    far.destroy();
  });
  await once(listener.listen(0, '127.0.0.1'), 'listening');
  const seen = () => connections;
  return { listener, seen, address: `127.0.0.1:${listener.address().port}` };
}

async function appends(address, protocol, size) {
  const client = forNode.connect({ server: address, protocol });
  assert.equal((await client.status()).logSize, size);
  const requestId = `${protocol}/1`;
  const first = await client.append([designation(`甲 ${protocol}`)], { requestId });
  const again = await client.append([designation(`甲 ${protocol}`)], { requestId });
  assert.deepEqual([first.nextPosition, first.replayed], [size + 1n, false]);
  assert.deepEqual([again.nextPosition, again.replayed], [size + 1n, true]);
  await assert.rejects(client.append([{ authority: '440000' }]), (error) => {
    assert(error instanceof TiduError && error.isFinal && error.reason !== '', String(error));
    assert.equal(error.code, Code.InvalidArgument);
    assert.notEqual(error.metadata.field, undefined);
    return true;
  });

  const recorded = async () => (await client.status()).logSize === size + 2n;
  const losing = await losingTwoAnswers(address, recorded);
  const unsure = forNode.connect({ server: losing.address, protocol });
  const answer = await unsure.append([designation(`乙 ${protocol}`)]);
  assert.deepEqual([answer.nextPosition, answer.replayed], [size + 2n, true]);
  assert.equal(losing.seen(), 3);
  unsure.close();
  losing.listener.close();

  const nobody = forNode.connect({ server: losing.address, protocol });
  await assert.rejects(nobody.append([designation('丙')], { timeoutSeconds: 0.5 }), (error) => {
    assert(error instanceof TiduError && !error.isFinal, String(error));
    return true;
  });
  nobody.close();
  client.close();
  return size + 2n;
}

async function followsInABrowser(address, protocol, size) {
  const client = forWeb.connect({ server: `http://${address}`, protocol });
  assert.equal((await client.status()).logSize, size);
  const positions = [];
  let reached = 0n;
  for await (const batch of client.follow({ stopPosition: size, digest: EMPTY_DIGEST })) {
    positions.push(...batch.events.map((recorded) => recorded.position));
    reached = batch.nextPosition;
  }
  assert.deepEqual([positions.length, reached], [Number(size), size]);
  const wrong = client.follow({ filter: { programmes: ['no-such-programme'] } });
  await assert.rejects(wrong.next(), (error) => {
    assert.equal(error.reason, 'PROGRAMME_UNKNOWN');
    return true;
  });

  // It is live, and ends when it is told to.
  const stop = new AbortController();
  const live = client.follow({ fromPosition: size, signal: stop.signal });
  assert.equal((await live.next()).value.caughtUp, true);
  const rest = live.next();
  stop.abort();
  assert.deepEqual(await rest, { value: undefined, done: true });

  // A server that accepts and says nothing.
  const silent = net.createServer((socket) => socket.on('error', () => {}).resume());
  await once(silent.listen(0, '127.0.0.1'), 'listening');
  const waiting = forWeb.connect({ server: `http://127.0.0.1:${silent.address().port}`, protocol });
  const enough = new AbortController();
  const said = [];
  const onRetry = (error) => {
    said.push(String(error));
    enough.abort();
  };
  const options = { heartbeatSeconds: 1, onRetry, signal: enough.signal };
  for await (const batch of waiting.follow(options)) assert.fail(`a batch came: ${batch}`);
  assert.match(said[0], /no message came for 2 s/);
  silent.close();
}

// Two nodes with one log: the client moves when one dies, and misses nothing.
async function moves(first, second, protocol, size) {
  const client = forNode.connect({ server: `${first.address}, ${second.address}`, protocol });
  const positions = [];
  const onRetry = () => {};
  for await (const batch of client.follow({ stopPosition: size + 1n, onRetry })) {
    positions.push(...batch.events.map((recorded) => recorded.position));
    if (batch.nextPosition === size && !first.server.killed) {
      first.server.kill('SIGKILL');
      await once(first.server, 'exit');
      const answer = await client.append([designation('戊')], { requestId: 'one' });
      assert.deepEqual([answer.nextPosition, answer.replayed], [size + 1n, false]);
      const again = await client.append([designation('戊')], { requestId: 'one' });
      assert.equal(again.replayed, true);
      assert.equal((await client.status()).logSize, size + 1n);
    }
  }
  const expected = Array.from({ length: Number(size) + 1 }, (_, i) => BigInt(i));
  assert.deepEqual(positions, expected);
  client.close();
}

function tidu(...words) {
  const { status, stderr } = spawnSync(binary, words, { encoding: 'utf8' });
  assert.equal(status, 0, `tidu ${words.join(' ')}: ${stderr}`);
}

const directory = await mkdtemp(path.join(os.tmpdir(), 'tidu-verbs-'));
const first = await serve(path.join(directory, 'first'));
const { server, address } = first;
try {
  let size = 0n;
  for (const protocol of protocols) {
    size = await appends(address, protocol, size);
    if (protocol !== 'grpc') await followsInABrowser(address, protocol, size);
    console.log(`typescript: status, append and the entry for browsers: ${protocol}`);
  }
  const [backup, restored] = ['backup', 'second'].map((name) => path.join(directory, name));
  tidu('backup', backup, '--server', address);
  tidu('restore', backup, '--data-dir', restored);
  const second = await serve(restored);
  try {
    await moves(first, second, protocols[0], size);
    console.log('typescript: a client of two nodes');
  } finally {
    second.server.kill();
    await once(second.server, 'exit');
  }
} finally {
  if (server.exitCode === null && server.signalCode === null) {
    server.kill();
    await once(server, 'exit');
  }
  await rm(directory, { recursive: true });
}
