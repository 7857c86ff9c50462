// The other side of a Lambda sandbox: Lambda's Runtime API, and the gateway that makes an HTTP
// response of what a function answers.

import { spawn } from 'node:child_process'
import { createServer } from 'node:http'

const TIME_LIMIT = 30_000
const REQUEST_ID = '00000000-0000-4000-8000-000000000000'
const PRELUDE_TYPE = 'application/vnd.awslambda.http-integration-response'

/**
 * Runs one invocation in a process of its own, `command` with LAMBDA_TASK_ROOT as its folder:
 *   response  statusCode, headers (lower case), setCookies, body (as it was handed over), bytes, and
 *             of a streamed one chunks: [{ bytes, at }] with the milliseconds since the event
 *   error     the failure that stands in the place of a response
 *   broken    the failure that cut a response off
 *   answered  when the response was complete, in the milliseconds of performance.now()
 *   stdout, stderr
 * It ends when the sandbox asks for the next event, as a function is then frozen.
 */
export async function invoke({ command, handler, event, env }) {
  const outcome = { error: 'it ended without an answer', stdout: '', stderr: '' }
  let child
  let began
  const server = createServer(async (request, response) => {
    const step = request.url.replace('/2018-06-01/runtime', '')
    if (step === '/invocation/next') {
      if (began !== undefined) return child.kill('SIGKILL')
      began = performance.now()
      const head = { 'lambda-runtime-aws-request-id': REQUEST_ID, 'lambda-runtime-deadline-ms': Date.now() + TIME_LIMIT }
      response.writeHead(200, { ...head, 'lambda-runtime-invoked-function-arn': `arn:aws:lambda:local:0:function:${env.AWS_LAMBDA_FUNCTION_NAME}` })
      return response.end(JSON.stringify(event))
    }
    const { chunks, aborted } = await receive(request, began)
    Object.assign(outcome, understand(step, request, chunks, aborted), { answered: performance.now() })
    response.writeHead(202).end()
  })
  await new Promise((ready) => server.listen(0, '127.0.0.1', ready))

  const api = `127.0.0.1:${server.address().port}`
  child = spawn(process.execPath, command, {
    cwd: env.LAMBDA_TASK_ROOT,
    env: { ...env, _HANDLER: handler, AWS_LAMBDA_RUNTIME_API: api },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const timer = setTimeout(() => {
    outcome.error = `no answer in ${TIME_LIMIT / 1000} s`
    child.kill('SIGKILL')
  }, TIME_LIMIT)
  child.stdout.on('data', (text) => (outcome.stdout += text))
  child.stderr.on('data', (text) => (outcome.stderr += text))
  await new Promise((closed) => child.on('close', closed))
  clearTimeout(timer)
  server.closeAllConnections()
  await new Promise((closed) => server.close(closed))
  return outcome
}

async function receive(request, began) {
  const chunks = []
  try {
    for await (const bytes of request) chunks.push({ bytes, at: performance.now() - began })
    return { chunks, aborted: false }
  } catch {
    return { chunks, aborted: true }
  }
}

function understand(step, request, chunks, aborted) {
  const bytes = Buffer.concat(chunks.map((chunk) => chunk.bytes))
  if (step.endsWith('/error')) return { error: failure(JSON.parse(bytes)) }
  if (request.headers['lambda-runtime-function-response-mode'] !== 'streaming') {
    return { error: undefined, response: fromResult(JSON.parse(bytes)) }
  }
  const told = request.trailers['lambda-runtime-function-error-body']
  const broken = told ? failure(JSON.parse(Buffer.from(told, 'base64'))) : aborted ? 'the response was cut off' : undefined
  const response = broken && bytes.length === 0 ? undefined : fromStream(request.headers['content-type'], chunks)
  if (response) return { error: undefined, response, broken }
  return { error: broken ?? 'the stream ended without status and headers: nothing was ever written to it' }
}

function failure({ errorType, errorMessage, trace }) {
  const head = `${errorType}: ${errorMessage}`
  return [head, ...(trace ?? []).filter((line) => line !== head)].join('\n')
}

/** What a buffered function returns. */
function fromResult(result) {
  if (result === null) return null
  const { statusCode, body, isBase64Encoded } = result
  return { ...fromHead(result), statusCode, body, bytes: Buffer.from(body ?? '', isBase64Encoded ? 'base64' : 'utf8') }
}

/** What a streaming function writes: JSON, eight NUL bytes, body. */
function fromStream(type, chunks) {
  if (type !== PRELUDE_TYPE) return fromBody({ statusCode: 200, headers: { 'content-type': type } }, chunks)
  const all = Buffer.concat(chunks.map(({ bytes }) => bytes))
  const end = all.indexOf(Buffer.alloc(8))
  if (end < 0) return undefined
  let before = end + 8
  const body = []
  for (const { bytes, at } of chunks) {
    const rest = bytes.subarray(Math.min(before, bytes.length))
    before -= bytes.length - rest.length
    if (rest.length > 0) body.push({ bytes: rest, at })
  }
  return fromBody(JSON.parse(all.subarray(0, end)), body)
}

function fromBody(head, chunks) {
  const bytes = Buffer.concat(chunks.map((chunk) => chunk.bytes))
  return { ...fromHead(head), statusCode: head.statusCode, body: bytes.toString(), bytes, chunks }
}

/** The headers of every gateway's form in one; cookies apart, for they cannot be joined. */
function fromHead({ headers, multiValueHeaders, cookies = [] }) {
  const lists = {}
  for (const [name, value] of [...Object.entries(headers ?? {}), ...Object.entries(multiValueHeaders ?? {})]) {
    lists[name.toLowerCase()] = [value].flat().map(String)
  }
  const { 'set-cookie': setCookies = [], ...others } = lists
  const joined = Object.entries(others).map(([name, values]) => [name, values.join(', ')])
  return { headers: Object.fromEntries(joined), setCookies: [...cookies, ...setCookies] }
}
