// The TypeScript client in a browser: bundled as an application would, on a page of another origin than
// the server's. Usage: node browser.mjs TIDU ESBUILD CHROMIUM PROTOCOL...

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import http from 'node:http';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import readline from 'node:readline';
import { fileURLToPath } from 'node:url';
import { connect } from '../../clients/typescript/dist/node.js';

const [binary, esbuild, chromium, ...protocols] = process.argv.slice(2);
const { build } = createRequire(import.meta.url)(esbuild);
const examples = fileURLToPath(new URL('../../clients/typescript/examples', import.meta.url));
const EVENTS = 5;
const SECONDS_MAX = 60;

const PAGE = `
  import { connect, EMPTY_DIGEST } from '@tidu/client';

  async function follow(server, protocol) {
    const client = connect({ server, protocol });
    const stop = new AbortController();
    const found = [];
    const options = { digest: EMPTY_DIGEST, signal: stop.signal };
    for await (const batch of client.follow(options)) {
      found.push(...batch.events.map(({ position }) => Number(position)));
      // Live: the last event is recorded once the page has caught up.
      if (batch.caughtUp && found.length === ${EVENTS - 1}) await fetch('/caught-up');
      if (found.length === ${EVENTS}) stop.abort();
    }
    const refused = { filter: { programmes: ['no-such-programme'] } };
    const error = await client.follow(refused).next().catch((error) => error);
    return { found, reason: error.reason, field: error.metadata?.field };
  }
  const { server, protocol } = Object.fromEntries(new URLSearchParams(location.search));
  follow(server, protocol)
    .catch((error) => ({ error: String(error) }))
    .then((result) => fetch('/result', { method: 'POST', body: JSON.stringify(result) }));
`;

function event(number) {
  return {
    authority: '440000',
    designee: `provisional:440000/甲${number}`,
    effectiveDate: { year: 2024, month: 1, day: 1 },
    fact: {
      case: 'designated',
      value: { programme: 'specialised-sme', batch: '2024-1', profile: { name: `甲${number}` } },
    },
  };
}

async function look(protocol, script, work) {
  let client;
  let tell;
  const result = new Promise((resolve) => {
    tell = resolve;
  });
  const site = http.createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    if (request.url === '/result') tell(JSON.parse(body));
    if (request.url === '/caught-up') await client.append([event(EVENTS - 1)]);
    const types = { '/script.js': ['text/javascript', script] };
    const page = '<!doctype html><meta charset="utf-8"><script src="script.js"></script>';
    const [type, text] = types[request.url] ?? ['text/html', page];
    response.setHeader('content-type', type).end(text);
  });
  await once(site.listen(0, '127.0.0.1'), 'listening');
  const origin = `http://localhost:${site.address().port}`;

  const data = path.join(work, `data-${protocol}`);
  const listen = ['--listen', '127.0.0.1:0', '--operations-listen', 'off', '--data-dir', data];
  const serve = ['serve', ...listen, '--web-origin', origin];
  const server = spawn(binary, serve, { stdio: ['ignore', 'pipe', 'ignore'] });
  let browser;
  try {
    const [line] = await once(readline.createInterface(server.stdout), 'line');
    const url = /http:\/\/\S+/.exec(line)[0];
    client = connect({ server: url });
    await client.append(Array.from({ length: EVENTS - 1 }, (_, number) => event(number)));
    const profile = `--user-data-dir=${path.join(work, `profile-${protocol}`)}`;
    const options = ['--headless', '--no-sandbox', '--disable-gpu', profile];
    const address = `${origin}/?server=${encodeURIComponent(url)}&protocol=${protocol}`;
    browser = spawn(chromium, [...options, address], { stdio: 'ignore' });
    const late = setTimeout(() => tell({ error: `no result in ${SECONDS_MAX} s` }), SECONDS_MAX * 1000);
    assert.deepEqual(await result, {
      found: Array.from({ length: EVENTS }, (_, number) => number),
      reason: 'PROGRAMME_UNKNOWN',
      field: 'filter.programmes[0]',
    });
    clearTimeout(late);
  } finally {
    client?.close();
    for (const one of [browser, server]) {
      if (one && one.exitCode === null && one.kill()) await once(one, 'exit');
    }
    site.close();
    site.closeAllConnections();
  }
}

const bundled = await build({
  stdin: { contents: PAGE, resolveDir: examples },
  bundle: true,
  format: 'esm',
  platform: 'browser',
  write: false,
});
const script = bundled.outputFiles[0].text;
const work = await mkdtemp(path.join(os.tmpdir(), 'tidu-browser-'));
try {
  for (const protocol of protocols) {
    await look(protocol, script, work);
    console.log(`typescript: a page in a browser follows the log: ${protocol}`);
  }
} finally {
  await rm(work, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
}
