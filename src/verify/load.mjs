// Loads a function as the platform does, and tells what happened, an event a line of JSON in a file: whatever becomes of
// this process, what was told before is there. Arguments: the entry file, the user's main module, `require` or `import`,
// the file to tell it in.

import { appendFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'

const [entry, main, way, report] = process.argv.slice(1)
const { exit } = process

// What the runtime has besides Node: streams are answers like others here.
globalThis.awslambda = {
  streamifyResponse: (handler) => handler,
  HttpResponseStream: { from: (stream) => stream },
}

/** Variables that somebody asked for, and that nobody has set, in the order of asking; but not Node's own. */
const unset = new Set()

const tell = (event) => appendFileSync(report, JSON.stringify({ ...event, unset: [...unset].slice(-3) }) + '\n')

process.env = new Proxy(process.env, {
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
  tell({ event: 'exit', code: code ?? process.exitCode ?? 0, stack: new Error('process.exit').stack })
  exit(code)
}
process.on('uncaughtException', (error) => {
  tell({ event: 'threw', late: true, ...text(error) })
  exit(1)
})
process.on('unhandledRejection', (error) => {
  tell({ event: 'rejected', ...text(error) })
  exit(1)
})

/** What can be called: a function, or an object of them, as `{ fetch }`. */
const callable = (value) => {
  const isOfFunctions = value && typeof value === 'object' && Object.values(value).some((it) => typeof it === 'function')
  return isOfFunctions ? 'function' : typeof value
}

const load = (file) => (way === 'require' ? createRequire(entry)(file) : import(pathToFileURL(file).href))

try {
  const module = await load(entry)
  const handler = typeof (module?.handler ?? module?.default?.handler)
  // What the platform's entry point hands on is looked at by itself.
  const handed = main === entry ? undefined : await import(pathToFileURL(main).href)
  tell({ event: 'loaded', handler, default: handed && callable(handed.default?.default ?? handed.default) })
} catch (error) {
  tell({ event: 'threw', ...text(error) })
  exit(1)
}
// What fails at once, but not in between, is seen as well.
setTimeout(() => exit(0), 50)
