// A site as zip-it-and-ship-it packages it, and which of its archives Node loads. Standard input: JSON,
// { site, out, unpacked }: archives go to `out`; or, with a `node`, folders of unpacked archives are in `unpacked`.
// Standard output: JSON, the names that were built; or by name what Node says, empty if it loads.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { pathToFileURL } from 'node:url'

const { site, out, unpacked, node } = JSON.parse(await text(process.stdin))
console.log(JSON.stringify(node ? load() : await pack()))

async function pack() {
  const { zipFunctions } = await import('../tools/node_modules/@netlify/zip-it-and-ship-it/dist/main.js')
  const functions = await zipFunctions(join(site, 'netlify/functions'), out, {
    basePath: site,
    repositoryRoot: site,
    config: { '*': { includedFilesBasePath: site, nodeVersion: '24' } },
    manifest: join(out, 'manifest.json'),
  })
  return functions.map(({ name }) => name)
}

function load() {
  const names = readdirSync(unpacked)
  return Object.fromEntries(names.map((name) => {
    const entries = ['___netlify-entry-point.mjs', `${name}.js`, `${name}.mjs`, `${name}.cjs`]
    const entry = entries.map((entry) => join(unpacked, name, entry)).find((path) => existsSync(path))
    if (!entry) return [name, 'no entry']
    // What the platform's runtime has besides Node.
    const runtime = 'globalThis.awslambda = { streamifyResponse: (handler) => handler }'
    const script = `${runtime}; await import(${JSON.stringify(pathToFileURL(entry).href)}); process.exit(0)`
    const { status, stderr } = spawnSync(node, ['--input-type=module', '--eval', script], { encoding: 'utf8' })
    return [name, status === 0 ? '' : stderr.slice(-500) || `status ${status}`]
  }))
}
