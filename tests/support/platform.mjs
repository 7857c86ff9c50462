// Loads unpacked functions as the platform does, many in one process, and calls each once.
//
//   node platform.mjs JOBS_JSON
//
// JOBS_JSON names a file with [{ id, directory, handler, event }]; `handler` is as Lambda has it, `file.export`.
// Prints a line of JSON for each: { id, status, body }, or { id, error }.

import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'

const jobs = JSON.parse(readFileSync(process.argv[2], 'utf8'))
let stray
process.on('unhandledRejection', (error) => (stray = error))
process.on('uncaughtException', (error) => (stray = error))

for (const { id, directory, handler, event } of jobs) {
  stray = undefined
  const outcome = await run(directory, handler, event).catch((error) => ({ error: inWords(error) }))
  // What is thrown besides is told between two turns.
  await new Promise((resolve) => setImmediate(resolve))
  if (stray && !outcome.error) outcome.error = `besides: ${inWords(stray)}`
  console.log(JSON.stringify({ id, ...outcome }))
}
process.exit(0)

async function run(directory, handler, event) {
  refuseLeaks(directory)
  const [file, name] = handler.split('.')
  const module = await load(join(directory, file))
  if (typeof module[name] !== 'function') throw new Error(`${handler} is ${typeof module[name]}`)
  const { statusCode, body, isBase64Encoded } = await module[name](event, {})
  return { status: statusCode, body: isBase64Encoded ? Buffer.from(body, 'base64').toString() : body }
}

/** Lambda's order: `.js` as the package around it says, then `.mjs`, then `.cjs`. */
async function load(path) {
  const require = createRequire(`${path}.js`)
  if (existsSync(`${path}.js`)) {
    return isInModulePackage(path) ? import(pathToFileURL(`${path}.js`)) : require(`${path}.js`)
  }
  if (existsSync(`${path}.mjs`)) return import(pathToFileURL(`${path}.mjs`))
  if (existsSync(`${path}.cjs`)) return require(`${path}.cjs`)
  throw new Error(`there is no ${path}.js, .mjs or .cjs`)
}

function isInModulePackage(path) {
  for (const folder of above(path)) {
    const file = join(folder, 'package.json')
    if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8')).type === 'module'
  }
  return false
}

/** Nothing around an archive may help it. */
function refuseLeaks(directory) {
  for (const folder of above(directory)) {
    for (const name of ['node_modules', 'package.json']) {
      if (existsSync(join(folder, name))) throw new Error(`${join(folder, name)} can be seen from ${directory}`)
    }
  }
}

function* above(path) {
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    yield folder
    if (folder === dirname(folder)) return
  }
}

function inWords(error) {
  return `${error?.code ?? ''} ${error?.stack ?? error}`.split('\n').slice(0, 4).join(' | ').trim()
}
