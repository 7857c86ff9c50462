// One Lambda sandbox: AWS Lambda's Node runtime as far as a function can see it. It asks the Runtime
// API at $AWS_LAMBDA_RUNTIME_API for an event, calls $_HANDLER in $LAMBDA_TASK_ROOT with it, posts the
// answer, at once or as it is written, and asks again; where a handler has not settled, it does not.
//
// The facts are those of npm's aws-lambda-ric, which speaks the same protocol.

import { existsSync, readFileSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'

const { AWS_LAMBDA_RUNTIME_API, LAMBDA_TASK_ROOT: taskRoot, _HANDLER } = process.env
const API = `http://${AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime`
const STREAMING = Symbol.for('aws.lambda.runtime.handler.streaming')
const PRELUDE_TYPE = 'application/vnd.awslambda.http-integration-response'
const require = createRequire(join(taskRoot, 'runtime.js'))

// What the runtime's stream has of a Writable; functions get no more of the request behind it.
const METHODS = [
  ...['write', 'end', 'destroy', 'cork', 'uncork', 'setContentType'],
  ...['on', 'once', 'off', 'addListener', 'prependListener', 'prependOnceListener', 'removeListener', 'removeAllListeners'],
  ...['emit', 'listeners', 'rawListeners', 'listenerCount', 'eventNames', 'setMaxListeners', 'getMaxListeners'],
]
const PROPERTIES = [
  ...['destroyed', 'writable', 'writableEnded', 'writableFinished', 'writableNeedDrain'],
  ...['writableCorked', 'writableHighWaterMark', 'writableLength', 'writableObjectMode'],
]

globalThis.awslambda = {
  /** Only marks the handler: the runtime then calls it with a stream between event and context. */
  streamifyResponse: (handler) => Object.assign(handler, { [STREAMING]: 'response' }),
  HttpResponseStream: {
    /** Status and headers go before the first write; a stream that ends without one has none. */
    from(stream, metadata) {
      stream.setContentType(PRELUDE_TYPE)
      const prelude = JSON.stringify(metadata)
      stream._onBeforeFirstWrite = (write) => [prelude, Buffer.alloc(8)].forEach((part) => write(part))
      return stream
    },
  },
}

await main()

async function main() {
  const handler = await load(_HANDLER).catch(async (error) => {
    await post('/init/error', describe(error))
    process.exit(1)
  })
  for (;;) {
    const { headers, body } = await exchange('GET', '/invocation/next')
    const id = headers['lambda-runtime-aws-request-id']
    const context = makeContext(id, Number(headers['lambda-runtime-deadline-ms']))
    await (handler[STREAMING] ? stream : buffer)(handler, JSON.parse(body), context)
  }
}

async function buffer(handler, event, context) {
  try {
    const result = await call(handler, event, context)
    await post(`/invocation/${context.awsRequestId}/response`, result ?? null)
  } catch (error) {
    await post(`/invocation/${context.awsRequestId}/error`, describe(error))
  }
}

/** A handler may return a promise, or nothing and use the callback. */
function call(handler, event, context) {
  return new Promise((resolve, reject) => {
    const returned = handler(event, context, (error, response) => (error ? reject(error) : resolve(response)))
    if (typeof returned?.then === 'function') returned.then(resolve, reject)
  })
}

/** The body of the answer is whatever the handler writes; a failure follows it in the trailers. */
async function stream(handler, event, context) {
  const { out, done, fail } = openResponse(`/invocation/${context.awsRequestId}/response`)
  try {
    const returned = handler(event, out, context)
    if (typeof returned?.then !== 'function') throw new Error('a streaming handler must be async')
    await returned
    await done
    if (!out.writableFinished) throw new Error('the response stream was not ended')
  } catch (error) {
    await fail(error)
  }
}

function openResponse(path) {
  const request = httpRequest(`${API}${path}`, {
    method: 'POST',
    headers: {
      'content-type': 'application/octet-stream',
      'lambda-runtime-function-response-mode': 'streaming',
      trailer: 'Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body',
      'transfer-encoding': 'chunked',
    },
  })
  const done = new Promise((resolve, reject) => {
    request.on('response', (response) => response.on('end', resolve).resume()).on('error', reject)
  })

  const write = request.write.bind(request)
  let hasBegun = false
  request.setContentType = (type) => request.setHeader('content-type', type)
  request.write = (chunk, ...rest) => {
    if (!hasBegun) out._onBeforeFirstWrite?.((part) => write(part))
    hasBegun = true
    const isRaw = typeof chunk === 'string' || chunk instanceof Uint8Array
    return write(isRaw ? chunk : JSON.stringify(chunk), ...rest)
  }
  const out = {}
  for (const name of METHODS) out[name] = request[name].bind(request)
  for (const name of PROPERTIES) Object.defineProperty(out, name, { get: () => request[name] })

  const fail = (error) => {
    const description = describe(error)
    request.addTrailers({
      'Lambda-Runtime-Function-Error-Type': description.errorType,
      'Lambda-Runtime-Function-Error-Body': Buffer.from(JSON.stringify(description)).toString('base64'),
    })
    // A stream that the handler destroyed has nothing to say any more.
    return request.destroyed ? undefined : new Promise((resolve) => request.end(resolve))
  }
  return { out, done, fail }
}

/** `<file>.<export>`; the file in the order of the runtime's own loader. */
async function load(handlerName) {
  const [, name, key] = /^([^.]+)\.(.+)$/.exec(handlerName)
  const module = await loadModule(name)
  const handler = module?.[key] ?? module?.default?.[key]
  if (typeof handler !== 'function') throw new Error(`${handlerName} is undefined or not a function`)
  return handler
}

async function loadModule(name) {
  const base = join(taskRoot, name)
  const isModule = nearestPackageType(dirname(base)) === 'module'
  if (isFile(base)) return require(base)
  if (existsSync(`${base}.js`)) return isModule ? importFile(`${base}.js`) : require(`${base}.js`)
  if (existsSync(`${base}.mjs`)) return importFile(`${base}.mjs`)
  if (existsSync(`${base}.cjs`)) return require(`${base}.cjs`)
  throw new Error(`cannot find module '${name}' in the task root`)
}

function makeContext(awsRequestId, deadline) {
  return {
    awsRequestId,
    callbackWaitsForEmptyEventLoop: true,
    clientContext: {},
    functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
    functionVersion: '$LATEST',
    getRemainingTimeInMillis: () => deadline - Date.now(),
    memoryLimitInMB: '1024',
  }
}

function nearestPackageType(folder) {
  const file = join(folder, 'package.json')
  if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8')).type
  return folder === taskRoot ? undefined : nearestPackageType(dirname(folder))
}

function isFile(path) {
  return existsSync(path) && !existsSync(join(path, '.'))
}

function importFile(path) {
  return import(pathToFileURL(path).href)
}

function describe(error) {
  const isError = error instanceof Error
  return {
    errorType: isError ? error.name : typeof error,
    errorMessage: isError ? error.message : String(error),
    trace: (isError && error.stack?.split('\n')) || [],
  }
}

// Node's own client, bound before any function could put another in its place.

function post(path, value) {
  return exchange('POST', path, JSON.stringify(value))
}

function exchange(method, path, body) {
  return new Promise((resolve, reject) => {
    const request = httpRequest(`${API}${path}`, { method }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (part) => (text += part))
      response.on('end', () => resolve({ headers: response.headers, body: text }))
    })
    request.on('error', reject).end(body)
  })
}
