// Runs packaged functions as AWS Lambda would and compares what they answer.
//
//   node invoke.mjs UNPACKED_DIR CASES_JSON [--only NAME] [--no-require-esm]
//                   [--event netlify|rest|url] [--runtime FILE] [--trace]
//
// UNPACKED_DIR has one folder per function, the content of its archive; where one has the entry file
// of version 2, that is loaded. CASES_JSON maps each case's name to { function, event, env, serve, expect }:
//   function  whose name is not the case's
//   event     a visit, see events.mjs
//   env       extra variables; `{{server}}` stands for the local server's address
//   serve     the functions that the local server offers under /.netlify/functions/
//   expect    statusCode, headers (each of these), setCookies (all, attributes in any order), and one of
//             body | json | bodyMatches | base64; of a streamed body `streamed`: { chunks, over }, the
//             fewest chunks and milliseconds between the first and the last; stdoutMatches,
//             servedMatches (the output of the served functions), mailMatches (the raw message that
//             the fake Mailgun got), reports (what was posted to /report), reportsAfterResponse.
//             No statusCode: what the function answers, if anything, reaches no one.
//             fails: the invocation fails, or answers 500, and says this. breaks: a response was cut off.
// --no-require-esm: a runtime that neither `require`s ES modules nor detects them by their syntax.
// --event: the gateway that the event comes from. --runtime: Lambda's own runtime client.
// --trace: prints what each function answered, to compare two runs.
//
// Prints `ok NAME` or `FAIL NAME: why`, then {"passed":n,"failed":n}; exits 1 on any failure.

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { basename, dirname, join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { isDeepStrictEqual, parseArgs } from 'node:util'

import { SHAPES, toEvent } from './events.mjs'
import { invoke } from './runtime-api.mjs'

const USAGE = `usage: node invoke.mjs UNPACKED_DIR CASES_JSON [--only NAME] [--no-require-esm]
                      [--event ${Object.keys(SHAPES).join('|')}] [--runtime FILE] [--trace]`
const ENTRY = '___netlify-entry-point'

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    only: { type: 'string' },
    'no-require-esm': { type: 'boolean' },
    event: { type: 'string', default: 'netlify' },
    runtime: { type: 'string', default: fileURLToPath(new URL('lambda.mjs', import.meta.url)) },
    trace: { type: 'boolean' },
  },
})
if (positionals.length !== 2 || !(values.event in SHAPES)) {
  console.error(USAGE)
  process.exit(2)
}
const root = resolve(positionals[0])
const cases = JSON.parse(readFileSync(positionals[1], 'utf8'))
const nodeFlags = values['no-require-esm'] ? ['--no-experimental-require-module', '--no-experimental-detect-module'] : []
const command = [...nodeFlags, resolve(values.runtime)]

await main()

async function main() {
  refuseLeaks()
  const names = values.only ? [values.only] : allNames()
  let failed = 0
  for (const name of names) {
    const problem = await runCase(name).catch((error) => error.message)
    if (problem) failed += 1
    console.log(problem ? `FAIL ${name}: ${problem}` : `ok ${name}`)
  }
  console.log(JSON.stringify({ passed: names.length - failed, failed }))
  process.exit(failed ? 1 : 0)
}

/** A node_modules above the unpacked functions would hide what an archive lacks. */
function refuseLeaks() {
  for (let folder = root; folder !== dirname(folder); folder = dirname(folder)) {
    if (!existsSync(join(folder, 'node_modules'))) continue
    console.error(`${join(folder, 'node_modules')} can be seen from the functions: unpack them elsewhere`)
    process.exit(2)
  }
}

/** Every case, and every unpacked function that has none: one without the other is a failure. */
function allNames() {
  const covered = new Set(Object.entries(cases).map(([name, test]) => test.function ?? name))
  const folders = readdirSync(root, { withFileTypes: true }).filter((entry) => entry.isDirectory())
  return [...Object.keys(cases), ...folders.map((entry) => entry.name).filter((name) => !covered.has(name))].sort()
}

/** What went wrong, or undefined. */
async function runCase(name) {
  const test = cases[name]
  if (!test) return 'it has no case'
  const server = await startServer(test)
  try {
    const outcome = await run(test.function ?? name, test.event, environment(test, server.url))
    if (values.trace) console.log(trace(name, outcome))
    return compare(outcome, await server.finish(), test.expect)
  } finally {
    server.close()
  }
}

function environment(test, url) {
  const own = Object.entries(test.env ?? {}).map(([key, value]) => [key, value.replaceAll('{{server}}', url)])
  return { URL: url, ...Object.fromEntries(own) }
}

/** Calls one function, as the platform does, in a process of its own. */
async function run(name, visit, env) {
  const taskRoot = join(root, name)
  if (!existsSync(taskRoot)) throw new Error(`no folder ${name} among the unpacked functions`)
  const entry = existsSync(join(taskRoot, `${ENTRY}.mjs`)) ? ENTRY : name
  const ofLambda = {
    LAMBDA_TASK_ROOT: taskRoot,
    AWS_LAMBDA_FUNCTION_NAME: name,
    AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '1024',
    AWS_REGION: 'us-east-2',
  }
  return invoke({
    command,
    handler: `${entry}.handler`,
    event: toEvent(values.event, name, visit),
    env: { PATH: process.env.PATH, TZ: 'UTC', LANG: 'en_US.UTF-8', ...ofLambda, ...env },
  })
}

// The local server: other functions, an echo, an event stream, a log, and a Mailgun; the last two keep
// what they are sent.

async function startServer(test) {
  const served = []
  const mails = []
  const reports = []
  const server = createServer(async (request, response) => {
    const body = await readAll(request)
    const url = new URL(request.url, 'http://localhost')
    const query = Object.fromEntries(url.searchParams)
    const { method, headers } = request
    const name = basename(url.pathname)

    if (url.pathname === '/echo') {
      const json = headers['content-type']?.includes('json')
      answer(response, 200, JSON.stringify({ method, headers, query, body: json ? JSON.parse(body) : body.toString() }))
    } else if (url.pathname === '/events') {
      await sendEvents(response, query.topic)
    } else if (url.pathname === '/report') {
      reports.push({ entry: JSON.parse(body), at: performance.now() })
      answer(response, 200, '{}')
    } else if (/^\/v\d\/[^/]+\/messages$/.test(url.pathname)) {
      mails.push(`${method} ${url.pathname}\nauthorization: ${headers.authorization}\n${body.toString('latin1')}`)
      answer(response, 200, JSON.stringify({ id: `<${mails.length}@mailgun.test>`, message: 'Queued. Thank you.' }))
    } else if (test.serve?.includes(name)) {
      const event = { path: url.pathname, httpMethod: method, headers, queryStringParameters: query, body: body.toString() }
      const outcome = run(name, event, environment(test, address()))
      served.push(outcome)
      if (name.endsWith('-background')) return answer(response, 202, '')
      const { response: result, error } = await outcome
      answer(response, error ? 502 : (result?.statusCode ?? 200), error ?? result?.body)
    } else {
      answer(response, 404, `nothing at ${url.pathname}`)
    }
  })
  const address = () => `http://127.0.0.1:${server.address().port}`
  await new Promise((ready) => server.listen(0, '127.0.0.1', ready))
  return {
    url: address(),
    /** Waits for background functions that are still at work. */
    finish: async () => ({ mails, served: await Promise.all(served), reports }),
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}

async function sendEvents(response, topic) {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'x-powered-by': 'upstream' })
  for (let number = 1; number <= 4; number++) {
    response.write(`id: ${number}\nevent: word\ndata: ${JSON.stringify({ number, topic })}\n\n`)
    await sleep(60)
  }
  response.end('event: end\ndata: bye\n\n')
}

async function readAll(stream) {
  const chunks = []
  for await (const chunk of stream) chunks.push(chunk)
  return Buffer.concat(chunks)
}

function answer(response, status, body) {
  response.writeHead(status, { 'content-type': 'application/json' }).end(body)
}

// Comparing.

function compare(outcome, { mails, served, reports }, expect) {
  if (expect.fails !== undefined) return compareFailure(outcome, expect.fails)
  if (outcome.error) return firstLines(outcome.error)
  if (Boolean(outcome.broken) !== Boolean(expect.breaks)) return outcome.broken ?? 'the response was not cut off'
  const failure = served.find(({ error }) => error)
  if (failure) return `served function: ${firstLines(failure.error)}`

  const { response } = outcome
  return (
    ('statusCode' in expect ? compareResponse(response, expect) : undefined) ??
    mismatch('stdout', outcome.stdout, expect.stdoutMatches) ??
    mismatch('served', served.map(({ stdout }) => stdout).join(''), expect.servedMatches) ??
    mismatch('mail', mails.join('\n'), expect.mailMatches) ??
    difference('reports', reports.map(({ entry }) => entry), expect.reports) ??
    (expect.reportsAfterResponse && !(reports[0]?.at > outcome.answered) ? 'a report came before the response was complete' : undefined)
  )
}

function compareFailure({ error, response }, pattern) {
  const said = error ?? (response?.statusCode === 500 ? response.body : undefined)
  if (said === undefined) return `it answered ${response?.statusCode}: ${quote(response?.body)}`
  return mismatch('failure', said, pattern)
}

function compareResponse(response, expect) {
  const { statusCode, headers = {}, setCookies = [], body, bytes } = response ?? {}
  if (statusCode !== expect.statusCode) return `status ${statusCode}, not ${expect.statusCode}: ${quote(body)}`
  const named = Object.fromEntries(Object.keys(expect.headers ?? {}).map((name) => [name, headers[name]]))
  return (
    difference('headers', named, expect.headers) ??
    difference('cookies', setCookies.map(sortedCookie), expect.setCookies?.map(sortedCookie)) ??
    difference('body', body, expect.body) ??
    ('json' in expect ? difference('json', JSON.parse(body), expect.json) : undefined) ??
    difference('bytes', bytes?.toString('base64'), expect.base64) ??
    mismatch('body', body, expect.bodyMatches) ??
    compareStream(response, expect.streamed)
  )
}

function compareStream({ chunks }, expected) {
  if (!expected) return undefined
  if (!chunks) return 'it answered at once and did not stream'
  const over = Math.round(chunks.length > 0 ? chunks.at(-1).at - chunks[0].at : 0)
  if (chunks.length >= expected.chunks && over >= expected.over) return undefined
  return `${chunks.length} chunks over ${over} ms, not at least ${expected.chunks} over ${expected.over} ms`
}

function sortedCookie(cookie) {
  const [pair, ...attributes] = cookie.split(/; ?/)
  return [pair, ...attributes.sort()].join('; ')
}

function difference(what, found, expected) {
  if (expected === undefined || isDeepStrictEqual(found, expected)) return undefined
  return `${what} ${quote(found)}, not ${quote(expected)}`
}

function mismatch(what, text, pattern) {
  if (pattern === undefined || new RegExp(pattern).test(text ?? '')) return undefined
  return `${what} ${quote(text)} does not match ${JSON.stringify(pattern)}`
}

function quote(text) {
  return JSON.stringify(text ?? null).slice(0, 500)
}

function trace(name, { error, broken, response, stdout, stderr }) {
  const { bytes: _, chunks, ...rest } = response ?? {}
  const parts = chunks?.map(({ bytes, at }) => `${Math.round(at)} ms: ${bytes}`)
  return JSON.stringify({ name, error, broken, ...rest, chunks: parts, stdout, stderr })
}

function firstLines(stack) {
  return stack.split('\n').slice(0, 3).map((line) => line.trim()).join(' | ')
}
