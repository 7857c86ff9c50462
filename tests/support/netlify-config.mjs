// What @netlify/config makes of netlify.toml files, as far as functions are concerned. Standard
// input: JSON, an array of { toml?, more?, context?, branch?, environment?, cwd?, packagePath? } as
// in fixtures/config/toml.json. Standard output: JSON, one { functions, functionsDirectory?, base?,
// environment } or { error: "message" } per row, in the same order.
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { resolveConfig } from '../tools/node_modules/@netlify/config/lib/index.js'

/** Rows that are resolved at once. */
const LANES = 8

// Where the tests run must not matter: a context that is set there, the branch that git is on.
Object.assign(process.env, { CONTEXT: 'production', BRANCH: 'main' })

const rows = JSON.parse(await readAll(process.stdin))
const scratch = await realpath(await mkdtemp(join(tmpdir(), 'netlify-config-')))
try {
  console.log(JSON.stringify(await inLanes(rows, resolve)))
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

async function resolve({ toml, more, context, branch, environment, cwd, packagePath }, index) {
  const site = join(scratch, String(index))
  try {
    await writeSite(site, { ...more, ...(toml === undefined ? {} : { 'netlify.toml': toml }) })
    const { config } = await resolveConfig({
      offline: true,
      mode: 'cli',
      buffer: true,
      repositoryRoot: site,
      cwd: join(site, cwd ?? ''),
      packagePath,
      context,
      branch,
      env: environment,
    })
    return found(config, site)
  } catch (error) {
    return { error: stripVTControlCharacters(error.message).replaceAll(`${site}/`, '') }
  } finally {
    await rm(site, { recursive: true, force: true })
  }
}

async function writeSite(site, files) {
  await mkdir(site, { recursive: true })
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(site, path)), { recursive: true })
    await writeFile(join(site, path), content)
  }
}

function found({ functions, functionsDirectory, build: { base, environment } }, site) {
  return {
    functions: inSite(functions, site),
    functionsDirectory: inSite(functionsDirectory, site),
    base: inSite(base, site),
    environment,
  }
}

/** The same value, with each path inside of the site relative to it: its own path is `.`. */
function inSite(value, site) {
  if (typeof value === 'string') {
    return value === site || value.startsWith(`${site}/`) ? relative(site, value) || '.' : value
  }
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map((item) => inSite(item, site))
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, inSite(item, site)]))
}
