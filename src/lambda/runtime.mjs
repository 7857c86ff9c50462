// Lambda's runtime for Node: loads a function once, then asks the Runtime API for one event after another, and answers
// each. Its one argument is a job: `entry`, the file that the platform loads; `way`, `require` or `import`. Without one it
// waits, ready for it: then the job comes on its standard input, with `cwd` and `env`.

import { readFileSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { createRequire } from 'node:module'
import { Writable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { pathToFileURL } from 'node:url'

const { entry, way, cwd, env: more } = JSON.parse(process.argv[1] ?? readFileSync(0, 'utf8'))
const { env } = process
if (cwd) process.chdir(cwd)
Object.assign(env, more)
const [host, port] = env.AWS_LAMBDA_RUNTIME_API.split(':')
const agent = new Agent({ keepAlive: true })
const STREAMING = Symbol.for('aws.lambda.runtime.handler.streaming')
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

const describe = (error) => {
  const isError = error instanceof Error
  const [errorType, errorMessage] = isError ? [error.name, error.message] : [typeof error, String(error)]
  const stack = isError ? String(error.stack).split('\n') : []
  return JSON.stringify({ errorType, errorMessage, stackTrace: stack.filter((line) => !isOwn(line)) })
}

const fail = (error, id = current) =>
  post(id ? `invocation/${id}/error` : 'init/error', describe(error), { 'lambda-runtime-function-error-type': 'Unhandled' })

/** What nobody catches ends the process, as there. After an answer there is nobody left to tell but the log. */
let isLoaded = false
const uncaught = async (error) => {
  console.error(error)
  if (current || !isLoaded) await fail(error).catch(() => {})
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

// What the runtime has besides Node.
globalThis.awslambda = {
  /** Only marks the handler: it is then called with a stream between event and context. */
  streamifyResponse: (handler) => Object.assign(handler, { [STREAMING]: 'response' }),
  HttpResponseStream: {
    from(stream, prelude) {
      stream.setContentType('application/vnd.awslambda.http-integration-response')
      stream.open(prelude)
      return stream
    },
  },
}

/** A handler may return a promise, or nothing and use the callback. */
const returned = (handler, event, context) =>
  new Promise((resolve, reject) => {
    const settle = (error, value) => (error ? reject(error) : resolve(value))
    const value = handler(event, Object.assign(context, { done: settle, succeed: resolve, fail: reject }), settle)
    if (typeof value?.then === 'function') value.then(resolve, reject)
    // What is returned otherwise is no answer. Who takes no callback has no other way to give one.
    else if (handler.length < 3) resolve(value && null)
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
  const value = await returned(handler, event, context)
  await post(`invocation/${id}/response`, value === undefined ? '' : JSON.stringify(value))
}

const contextOf = (headers, id) => {
  const deadline = Number(headers['lambda-runtime-deadline-ms'])
  const client = headers['lambda-runtime-client-context']
  return {
    awsRequestId: id,
    callbackWaitsForEmptyEventLoop: true,
    clientContext: client ? JSON.parse(client) : {},
    functionName: env.AWS_LAMBDA_FUNCTION_NAME,
    functionVersion: env.AWS_LAMBDA_FUNCTION_VERSION,
    getRemainingTimeInMillis: () => deadline - Date.now(),
    invokedFunctionArn: headers['lambda-runtime-invoked-function-arn'],
    logGroupName: env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: env.AWS_LAMBDA_LOG_STREAM_NAME,
    memoryLimitInMB: env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
  }
}

const load = async () => {
  const module = way === 'require' ? createRequire(entry)(entry) : await import(pathToFileURL(entry).href)
  const handler = module?.handler ?? module?.default?.handler
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
    await run(handler, event, contextOf(headers, id), id)
  } catch (error) {
    // Whoever has gone wants to know nothing.
    await fail(error, id).catch(() => {})
  }
  current = undefined
}
