// Runs packaged functions as AWS Lambda would and compares what they answer.
//
//   node invoke.mjs UNPACKED_DIR CASES_JSON [--only NAME] [--no-require-esm]
//
// UNPACKED_DIR has one folder per function, the content of its archive. CASES_JSON maps each
// function's name to { event, env, serve, expect }:
//   env     extra variables; `{{server}}` stands for the local server's address
//   serve   the functions that the local server offers under /.netlify/functions/
//   expect  statusCode and one of body | json | bodyMatches; stdoutMatches, servedMatches
//           (the output of the served functions), mailMatches (the raw message that the fake
//           Mailgun got); no statusCode means that the function answers nothing
// --no-require-esm: a runtime that neither `require`s ES modules nor detects them by their syntax.
//
// Prints `ok NAME` or `FAIL NAME: why`, then {"passed":n,"failed":n}; exits 1 on any failure.

import { fork } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { basename, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isDeepStrictEqual, parseArgs } from 'node:util'

const TIME_LIMIT = 30_000
const SANDBOX = fileURLToPath(new URL('lambda.mjs', import.meta.url))

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { only: { type: 'string' }, 'no-require-esm': { type: 'boolean' } },
})
if (positionals.length !== 2) {
  console.error('usage: node invoke.mjs UNPACKED_DIR CASES_JSON [--only NAME] [--no-require-esm]')
  process.exit(2)
}
const root = resolve(positionals[0])
const cases = JSON.parse(readFileSync(positionals[1], 'utf8'))
const nodeFlags = values['no-require-esm'] ? ['--no-experimental-require-module', '--no-experimental-detect-module'] : []

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

/** Every case and every unpacked function: one without the other is a failure. */
function allNames() {
  const folders = readdirSync(root, { withFileTypes: true }).filter((entry) => entry.isDirectory())
  return [...new Set([...Object.keys(cases), ...folders.map((entry) => entry.name)])].sort()
}

/** What went wrong, or undefined. */
async function runCase(name) {
  const test = cases[name]
  if (!test) return 'it has no case'
  const server = await startServer(test)
  try {
    const outcome = await invoke(name, test.event, environment(test, server.url))
    return compare(outcome, await server.finish(), test.expect)
  } finally {
    server.close()
  }
}

function environment(test, url) {
  const own = Object.entries(test.env ?? {}).map(([key, value]) => [key, value.replaceAll('{{server}}', url)])
  return { URL: url, ...Object.fromEntries(own) }
}

/** Calls one function in a process of its own: { response } or { error }, with its output. */
function invoke(name, event, env) {
  const taskRoot = join(root, name)
  if (!existsSync(taskRoot)) return Promise.reject(new Error(`no folder ${name} among the unpacked functions`))
  const child = fork(SANDBOX, {
    cwd: taskRoot,
    env: { PATH: process.env.PATH, TZ: 'UTC', LANG: 'en_US.UTF-8', LAMBDA_TASK_ROOT: taskRoot, AWS_LAMBDA_FUNCTION_NAME: name, ...env },
    execArgv: nodeFlags,
    silent: true,
  })
  return new Promise((done) => {
    const outcome = { error: 'it ended without an answer', stdout: '', stderr: '' }
    const timer = setTimeout(() => {
      outcome.error = `no answer in ${TIME_LIMIT / 1000} s`
      child.kill('SIGKILL')
    }, TIME_LIMIT)
    child.stdout.on('data', (text) => (outcome.stdout += text))
    child.stderr.on('data', (text) => (outcome.stderr += text))
    child.on('message', ({ response, error }) => Object.assign(outcome, { response, error }))
    child.on('close', () => {
      clearTimeout(timer)
      done(outcome)
    })
    child.send({ name, event: fullEvent(name, event) })
  })
}

/** A version 1 event as Netlify sends it. */
function fullEvent(name, event) {
  const path = `/.netlify/functions/${name}`
  return {
    rawUrl: `https://example.com${path}`,
    rawQuery: new URLSearchParams(event.queryStringParameters).toString(),
    path,
    httpMethod: 'GET',
    headers: {},
    multiValueHeaders: {},
    queryStringParameters: {},
    multiValueQueryStringParameters: {},
    body: null,
    isBase64Encoded: false,
    ...event,
  }
}

// The local server: other functions, an echo, and a Mailgun that keeps what it is sent.

async function startServer(test) {
  const served = []
  const mails = []
  const server = createServer(async (request, response) => {
    const body = await readAll(request)
    const url = new URL(request.url, 'http://localhost')
    const query = Object.fromEntries(url.searchParams)
    const { method, headers } = request
    const name = basename(url.pathname)

    if (url.pathname === '/echo') {
      const json = headers['content-type']?.includes('json')
      answer(response, 200, JSON.stringify({ method, headers, query, body: json ? JSON.parse(body) : body.toString() }))
    } else if (/^\/v\d\/[^/]+\/messages$/.test(url.pathname)) {
      mails.push(`${method} ${url.pathname}\nauthorization: ${headers.authorization}\n${body.toString('latin1')}`)
      answer(response, 200, JSON.stringify({ id: `<${mails.length}@mailgun.test>`, message: 'Queued. Thank you.' }))
    } else if (test.serve?.includes(name)) {
      const event = { path: url.pathname, httpMethod: method, headers, queryStringParameters: query, body: body.toString() }
      const outcome = invoke(name, event, environment(test, address()))
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
    finish: async () => ({ mails, served: await Promise.all(served) }),
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  }
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

function compare(outcome, { mails, served }, expect) {
  if (outcome.error) return firstLines(outcome.error)
  const failure = served.find(({ error }) => error)
  if (failure) return `served function: ${firstLines(failure.error)}`

  const body = outcome.response?.body
  if (outcome.response?.statusCode !== expect.statusCode) {
    return `status ${outcome.response?.statusCode}, not ${expect.statusCode}: ${quote(body)}`
  }
  if ('body' in expect && body !== expect.body) return `body ${quote(body)}, not ${quote(expect.body)}`
  if ('json' in expect && !isDeepStrictEqual(JSON.parse(body), expect.json)) return `json ${body}, not ${JSON.stringify(expect.json)}`
  return (
    mismatch('body', body, expect.bodyMatches) ??
    mismatch('stdout', outcome.stdout, expect.stdoutMatches) ??
    mismatch('served', served.map(({ stdout }) => stdout).join(''), expect.servedMatches) ??
    mismatch('mail', mails.join('\n'), expect.mailMatches)
  )
}

function mismatch(what, text, pattern) {
  if (pattern === undefined || new RegExp(pattern).test(text ?? '')) return undefined
  return `${what} ${quote(text)} does not match ${JSON.stringify(pattern)}`
}

function quote(text) {
  return JSON.stringify(text ?? null).slice(0, 500)
}

function firstLines(stack) {
  return stack.split('\n').slice(0, 3).map((line) => line.trim()).join(' | ')
}
