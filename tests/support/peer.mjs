// What zip-it-and-ship-it makes of small functions. Standard input: JSON, an array of
// { file, source, more?, config? } as in fixtures/config/rows.json. Standard output: JSON, one
// { made: {fields} } or { error: "message" } per row, in the same order.
import { readFile } from 'node:fs/promises'
import { basename, extname, join } from 'node:path'
import { zipFunctions } from '../tools/node_modules/@netlify/zip-it-and-ship-it/dist/main.js'
import { answerRows, writeFiles } from './lanes.mjs'

/** Rows that are packaged at once. */
const LANES = 4

/** The fields of a manifest that tell how a file and its configuration were read. */
const FIELDS = [
  'displayName',
  'generator',
  'timeout',
  'invocationMode',
  'runtimeAPIVersion',
  'memory',
  'name',
  'priority',
  'region',
  'trafficRules',
  'runtimeVersion',
  'schedule',
  'vcpu',
  'eventSubscriptions',
  'routes',
  'excludedRoutes',
]

await answerRows(LANES, pack)

async function pack({ file, source, more, config }, site) {
  const functions = join(site, 'functions')
  const made = join(site, 'made')
  try {
    await writeFiles(functions, { ...more, [file]: source })
    await zipFunctions(functions, made, { archiveFormat: 'zip', basePath: site, config })
    const manifest = JSON.parse(await readFile(join(made, 'manifest.json'), 'utf8'))
    const found = manifest.functions.find(({ name }) => name === functionName(file))
    return found ? { made: fieldsOf(found) } : { error: `no function ${functionName(file)} in the manifest` }
  } catch (error) {
    return { error: error.message }
  }
}

/** `hello.js`, `hello/index.js` and `hello.d/index.js` are all `hello`. */
function functionName(file) {
  const [child] = file.split('/')
  return basename(child, extname(child))
}

function fieldsOf({ buildData, ...rest }) {
  const known = { ...rest, ...buildData }
  return Object.fromEntries(FIELDS.filter((field) => field in known).map((field) => [field, known[field]]))
}
