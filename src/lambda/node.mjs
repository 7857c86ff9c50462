// Loads a function as the platform does, calls it with each event, and tells what happens, a line of JSON each in a file:
// whatever becomes of this process, what was told before is there. Its one argument is a job: `entry`, the file that the
// platform loads; `main`, the user's main module; `way`, `require` or `import`; `report`, the file to tell it in; `events`,
// a file of them; `seconds`, how long an answer may take.

import { appendFileSync, readFileSync } from 'node:fs'
import { Writable } from 'node:stream'
import { format } from 'node:util'

const { entry, main, way, report, events, seconds } = JSON.parse(process.argv[1])
const calls = JSON.parse(readFileSync(events, 'utf8'))
const { env, exit } = process
const MOST_KEPT = 1000

/** The event that is being answered. */
let call
/** What was logged as an error meanwhile. */
let logged

/** Variables that somebody asked for, and that nobody has set, in the order of asking; but not Node's own. */
const unset = new Set()

const tell = (event, facts) =>
  appendFileSync(report, JSON.stringify({ event, ...facts, call, unset: [...unset].slice(-3) }) + '\n')

process.env = new Proxy(env, {
  get: (variables, name) => {
    if (typeof name === 'string' && !(name in variables) && !/^(NODE|WATCH)_/.test(name)) unset.add(name)
    return variables[name]
  },
})

const text = (error) => {
  if (!(error instanceof Error)) return { message: String(error) }
  const { name, message, code, path, stack } = error
  return { name, message: String(message), code, path, stack: String(stack) }
}

process.exit = (code) => {
  tell('exit', { code: code ?? process.exitCode ?? 0, stack: new Error('process.exit').stack })
  exit(code)
}
const failed = (event) => (error) => {
  tell(event, text(error))
  exit(1)
}
process.on('uncaughtException', failed('threw'))
process.on('unhandledRejection', failed('rejected'))

const { error: logError } = console
console.error = (...words) => {
  if (call) logged = format(...words)
  logError(...words)
}

provide((stream, head) => Object.assign(stream, { head }))

/** What can be called: a function, or an object of them, as `{ fetch }`. */
const callable = (value) => {
  const isOfFunctions = value && typeof value === 'object' && Object.values(value).some((it) => typeof it === 'function')
  return isOfFunctions ? 'function' : typeof value
}

const ARN = `arn:aws:lambda:us-east-1:123456789012:function:${env.AWS_LAMBDA_FUNCTION_NAME}`

/** What a handler that streams writes, as an answer of the other kind. */
const streamOf = async (handler, event, context) => {
  const chunks = []
  let size = 0
  const stream = new Writable({
    write(chunk, _, done) {
      if (size < MOST_KEPT) chunks.push(Buffer.from(chunk))
      size += chunk.length
      done()
    },
  })
  const ended = new Promise((resolve, reject) => stream.on('finish', resolve).on('error', reject))
  stream.setContentType = () => {}
  await handler(event, stream, context)
  await ended
  return { statusCode: stream.head?.statusCode ?? 200, body: Buffer.concat(chunks).toString() }
}

const kept = (value) => {
  const { statusCode: status, body } = Object(value)
  const readable = typeof body?.pipe === 'function' ? 'string' : typeof body
  return {
    is: value === null ? 'null' : typeof value,
    status,
    bodyIs: body === null ? 'null' : readable,
    body: typeof body === 'string' ? body.slice(0, MOST_KEPT) : '',
    logged: logged?.slice(0, 4 * MOST_KEPT),
  }
}

const invoke = async (handler, { name, event }, index) => {
  call = name
  logged = undefined
  tell('calling')
  const tooLate = setTimeout(() => {
    tell('silent')
    exit(1)
  }, seconds * 1000).unref()
  const answer = handler[STREAMING] ? streamOf : answerOf
  try {
    const id = `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`
    const value = await answer(handler, event, contextOf(id, Date.now() + seconds * 1000, ARN))
    tell('answered', kept(value))
  } catch (error) {
    tell('threw', text(error))
  }
  clearTimeout(tooLate)
  call = undefined
}

try {
  const handler = handlerOf(await loadModule(entry, way))
  // What the platform's entry point hands on is looked at by itself.
  const handed = main === entry ? undefined : await loadModule(main, 'import')
  tell('loaded', { handler: typeof handler, default: handed && callable(handed.default?.default ?? handed.default) })
  for (const [index, event] of calls.entries()) if (typeof handler === 'function') await invoke(handler, event, index)
} catch (error) {
  failed('threw')(error)
}
// What fails at once, but not in between, is seen as well.
setTimeout(() => exit(0), 50)
