// What @netlify/config makes of netlify.toml files, as far as functions are concerned. Standard
// input: JSON, an array of { toml?, more?, context?, branch?, environment?, cwd?, packagePath?,
// function? } as in fixtures/config/toml.json. Standard output: JSON, one
// { made: { functions, functionsDirectory?, base?, environment, told? } } or { error: "message" } per row, in
// the same order.
import { join, relative } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { resolveConfig } from '../tools/node_modules/@netlify/config/lib/index.js'
import { getConfigForFunction } from '../tools/node_modules/@netlify/zip-it-and-ship-it/dist/config.js'
import { answerRows, writeFiles } from './lanes.mjs'

/** Rows that are resolved at once. */
const LANES = 8

// Where the tests run must not matter: a context that is set there, the branch that git is on.
Object.assign(process.env, { CONTEXT: 'production', BRANCH: 'main' })

await answerRows(LANES, resolve)

async function resolve({ toml, more, context, branch, environment, cwd, packagePath, function: name }, site) {
  try {
    await writeFiles(site, { ...more, ...(toml === undefined ? {} : { 'netlify.toml': toml }) })
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
    return { made: { ...found(config, site), told: await told(name, config) } }
  } catch (error) {
    return { error: stripVTControlCharacters(error.message).replaceAll(`${site}/`, '') }
  }
}

/** What a function of this name is told in the end, by the packager, if a row asks for one. */
async function told(name, { functions }) {
  return name && getConfigForFunction({ config: functions, func: { name } })
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
