// One Lambda sandbox: loads `<name>.handler` from the working directory as AWS Lambda's Node
// runtime does, calls it with the event the parent sends, and answers with its result.

import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'

const taskRoot = process.cwd()
const require = createRequire(join(taskRoot, 'runtime.js'))

process.once('message', async ({ name, event }) => {
  const result = await run(name, event).catch((error) => ({ error: error?.stack ?? String(error) }))
  process.send(result, () => process.exit())
})

async function run(name, event) {
  const { handler } = await load(name)
  if (typeof handler !== 'function') throw new Error(`${name}.handler is undefined or not a function`)
  const response = await call(handler, event, makeContext(name))
  return { response: response ?? null }
}

/** The order of the runtime's own loader: `name`, `name.js`, `name.mjs`, `name.cjs`. */
async function load(name) {
  const base = join(taskRoot, name)
  const isModule = nearestPackageType(dirname(base)) === 'module'
  if (isFile(base)) return require(base)
  if (existsSync(`${base}.js`)) return isModule ? importFile(`${base}.js`) : require(`${base}.js`)
  if (existsSync(`${base}.mjs`)) return importFile(`${base}.mjs`)
  if (existsSync(`${base}.cjs`)) return require(`${base}.cjs`)
  throw new Error(`cannot find module '${name}' in the task root`)
}

/** A handler may return a promise, or nothing and use the callback. */
function call(handler, event, context) {
  return new Promise((resolve, reject) => {
    const returned = handler(event, context, (error, response) => (error ? reject(error) : resolve(response)))
    if (typeof returned?.then === 'function') returned.then(resolve, reject)
  })
}

function makeContext(name) {
  return {
    awsRequestId: '00000000-0000-4000-8000-000000000000',
    callbackWaitsForEmptyEventLoop: true,
    clientContext: {},
    functionName: name,
    functionVersion: '$LATEST',
    getRemainingTimeInMillis: () => 10_000,
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
