// Packages a site by zip-it-and-ship-it, called as @netlify/build calls it, but without the telemetry that it would
// add to every archive: fnzip adds none, either. Prints what was built, and the processor time and memory of the
// processes that it leaves behind: nobody waits for esbuild's service, so that no parent is told what it took.
//
//   node peer.mjs SITE OUT [NODE_BUNDLER]

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

import { zipFunctions } from '@netlify/zip-it-and-ship-it'

const [site, out, nodeBundler] = process.argv.slice(2)
const functions = await zipFunctions(join(site, 'netlify/functions'), out, {
  basePath: site,
  repositoryRoot: site,
  config: { '*': { includedFilesBasePath: site, nodeBundler, nodeVersion: '24', zipGo: true } },
  featureFlags: { zisi_add_instrumentation_loader: false },
  manifest: join(out, 'manifest.json'),
})

const tick = 1 / 100
const leftovers = readdirSync('/proc/self/task')
  .flatMap((thread) => readFileSync(`/proc/self/task/${thread}/children`, 'utf8').split(' ').filter(Boolean))
  .map((child) => {
    const fields = readFileSync(`/proc/${child}/stat`, 'utf8').split(') ').at(-1).split(' ')
    const peak = Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${child}/status`, 'utf8'))[1])
    return { cpu: (Number(fields[11]) + Number(fields[12])) * tick, peak }
  })

console.log(JSON.stringify({ functions: functions.map(({ name, bundler }) => ({ name, bundler })), leftovers }))
