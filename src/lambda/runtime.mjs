// Lambda's runtime for Node: loads a function once, then asks the Runtime API for one event after another, and answers
// each. Its one argument is a job: `entry`, the file that the platform loads; `way`, `require` or `import`. Without one it
// waits, ready for it: then the job comes on its standard input, with `cwd` and `env`.

import { readFileSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { Writable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { inspect } from 'node:util'

const { entry, way, cwd, env: more } = JSON.parse(process.argv[1] ?? readFileSync(0, 'utf8'))
const { env } = process
if (cwd) process.chdir(cwd)
Object.assign(env, more)
const [host, port] = env.AWS_LAMBDA_RUNTIME_API.split(':')
const agent = new Agent({ keepAlive: true })
const RUNTIME = '/2018-06-01/runtime/'

/** The number of the event that is being answered. */
let current

const ask = (method, path, headers = {}) => request({ agent, host, port, method, path: RUNTIME + path, headers })

const answerTo = (asked) =>
  new Promise((resolve, reject) => asked.on('error', reject).on('response', (response) => resolve(response)))

const post = async (path, body, headers) => {
  const asked = ask('POST', path, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body), ...headers })
  const answered = answerTo(asked)
  asked.end(body)
  await text(await answered)
}

/** Nobody is helped by the lines that lead here. */
const isOwn = (line) => /^ +at (new Promise \(<anonymous>\)$|.*(\[eval1?\]|node:internal\/process\/task_queues))/.test(line)
const withoutOwn = (stack) => String(stack).split('\n').filter((line) => !isOwn(line))

const describe = (error) => {
  const isError = error instanceof Error
  const [errorType, errorMessage] = isError ? [error.name, error.message] : [typeof error, String(error)]
  return JSON.stringify({ errorType, errorMessage, stackTrace: isError ? withoutOwn(error.stack) : [] })
}

const fail = (error, id = current) =>
  post(id ? `invocation/${id}/error` : 'init/error', describe(error), { 'lambda-runtime-function-error-type': 'Unhandled' })

/** What nobody catches ends the process, as there. After an answer there is nobody left to tell but the log. */
let isLoaded = false
const uncaught = async (error) => {
  if (current || !isLoaded) await fail(error).catch(() => {})
  else console.error(withoutOwn(inspect(error)).join('\n'))
  process.exit(1)
}
process.on('uncaughtException', uncaught)
process.on('unhandledRejection', uncaught)

/** What a handler that streams writes to. Each chunk goes out as it comes, and waits for who reads. */
class ResponseStream extends Writable {
  #id
  #asked
  #answered
  #type = 'application/octet-stream'

  constructor(id) {
    super()
    this.#id = id
  }

  setContentType(type) {
    this.#type = type
  }

  /** Status and headers go first, before there is anything else. */
  open(prelude) {
    if (this.#asked) return
    const headers = { 'content-type': this.#type, 'lambda-runtime-function-response-mode': 'streaming' }
    this.#asked = ask('POST', `invocation/${this.#id}/response`, { ...headers, 'transfer-encoding': 'chunked' })
    this.#answered = answerTo(this.#asked)
    // Who asked is gone: so is the reason to go on.
    this.#answered.catch((error) => this.destroy(error))
    if (prelude) this.#asked.write(Buffer.concat([Buffer.from(JSON.stringify(prelude)), Buffer.alloc(8)]))
    else this.#asked.flushHeaders()
  }

  _write(chunk, encoding, done) {
    this.open()
    if (this.#asked.write(chunk, encoding)) done()
    else this.#asked.once('drain', done)
  }

  _final(done) {
    this.open()
    this.#asked.end()
    this.#answered.then(text).then(() => done(), done)
  }

  _destroy(error, done) {
    if (error) this.#asked?.destroy()
    done(error)
  }
}

provide((stream, prelude) => {
  stream.setContentType('application/vnd.awslambda.http-integration-response')
  stream.open(prelude)
  return stream
})

const stream = async (handler, event, context, id) => {
  const out = new ResponseStream(id)
  const ended = new Promise((resolve, reject) => out.on('close', resolve).on('error', reject))
  // The handler may fail first.
  ended.catch(() => {})
  await handler(event, out, context)
  if (!out.writableEnded) out.end()
  await ended
}

const answer = async (handler, event, context, id) => {
  const value = await answerOf(handler, event, context)
  await post(`invocation/${id}/response`, value === undefined ? '' : JSON.stringify(value))
}

const contextFrom = (headers, id) => {
  const client = headers['lambda-runtime-client-context']
  const [deadline, arn] = ['deadline-ms', 'invoked-function-arn'].map((name) => headers[`lambda-runtime-${name}`])
  return contextOf(id, Number(deadline), arn, client && JSON.parse(client))
}

const load = async () => {
  const handler = handlerOf(await loadModule(entry, way))
  if (typeof handler === 'function') return handler
  throw Object.assign(new Error(`${env._HANDLER} is undefined or not exported`), { name: 'Runtime.HandlerNotFound' })
}

const next = async () => {
  const asked = ask('GET', 'invocation/next')
  const answered = answerTo(asked)
  asked.end()
  const response = await answered
  return { headers: response.headers, event: JSON.parse(await text(response)) }
}

const handler = await load().catch(uncaught)
isLoaded = true
for (;;) {
  const { headers, event } = await next()
  const id = headers['lambda-runtime-aws-request-id']
  current = id
  const run = handler[STREAMING] ? stream : answer
  try {
    await run(handler, event, contextFrom(headers, id), id)
  } catch (error) {
    // Whoever has gone wants to know nothing.
    await fail(error, id).catch(() => {})
  }
  current = undefined
}
