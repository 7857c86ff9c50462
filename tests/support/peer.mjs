// What zip-it-and-ship-it makes of small functions. Standard input: JSON, an array of
// { file, source, more?, config? } as in fixtures/config/rows.json. Standard output: JSON, one
// { manifest: {fields} } or { error: "message" } per row, in the same order.
import { mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, extname, join } from 'node:path'
import { zipFunctions } from '../tools/node_modules/@netlify/zip-it-and-ship-it/dist/main.js'

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

const rows = JSON.parse(await readAll(process.stdin))
const scratch = await realpath(await mkdtemp(join(tmpdir(), 'peer-')))
try {
  console.log(JSON.stringify(await inLanes(rows, pack)))
} finally {
  await rm(scratch, { recursive: true, force: true })
}

async function readAll(stream) {
  let text = ''
  for await (const chunk of stream.setEncoding('utf8')) text += chunk
  return text
}

/** The results of `work` on each item, in the order of the items. */
async function inLanes(items, work) {
  const results = []
  let next = 0
  const lane = async () => {
    while (next < items.length) {
      const index = next++
      results[index] = await work(items[index], index)
    }
  }
  await Promise.all(Array.from({ length: LANES }, lane))
  return results
}

async function pack({ file, source, more, config }, index) {
  const site = join(scratch, String(index))
  const functions = join(site, 'functions')
  const made = join(site, 'made')
  try {
    for (const [path, content] of Object.entries({ ...more, [file]: source })) {
      await mkdir(dirname(join(functions, path)), { recursive: true })
      await writeFile(join(functions, path), content)
    }
    await zipFunctions(functions, made, { archiveFormat: 'zip', basePath: site, config })
    const manifest = JSON.parse(await readFile(join(made, 'manifest.json'), 'utf8'))
    const found = manifest.functions.find(({ name }) => name === functionName(file))
    return found ? { manifest: fieldsOf(found) } : { error: `no function ${functionName(file)} in the manifest` }
  } catch (error) {
    return { error: error.message }
  } finally {
    await rm(site, { recursive: true, force: true })
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
