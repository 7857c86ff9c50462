// What it takes to import the packager and to list a site's functions once, in a Node that is new every time: the npm
// package of fnzip and zip-it-and-ship-it in turns. Prints a Markdown table of medians.
//
//   node benches/peers/start.mjs [--pairs N] [--fnzip FILE]

import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'

import { writeWorkload } from './workloads.mjs'

const here = import.meta.dirname

/** Nanoseconds that all threads of the processes that were started, and still run, have had: fnzip stays for more calls. */
const ofChildren = () => {
  const children = readdirSync('/proc/self/task').flatMap((thread) =>
    readFileSync(`/proc/self/task/${thread}/children`, 'utf8').split(' ').filter(Boolean),
  )
  const threads = children.flatMap((child) => readdirSync(`/proc/${child}/task`).map((thread) => `/proc/${child}/task/${thread}`))
  return threads.reduce((sum, thread) => sum + Number(readFileSync(`${thread}/schedstat`, 'utf8').split(' ')[0]), 0)
}

const once = async (packager, site) => {
  const start = process.hrtime.bigint()
  const { listFunctions } = await import(pathToFileURL(packager))
  const functions = await listFunctions(join(site, 'netlify/functions'))
  const wall = Number(process.hrtime.bigint() - start) / 1e6
  const { userCPUTime, systemCPUTime } = process.resourceUsage()
  const [node, program] = [(userCPUTime + systemCPUTime) / 1e3, ofChildren() / 1e6]
  console.log(JSON.stringify({ functions: functions.map(({ name }) => name).sort(), node, program, cpu: node + program, wall }))
}

const median = (numbers) => {
  const sorted = numbers.toSorted((a, b) => a - b)
  return (sorted[Math.floor((sorted.length - 1) / 2)] + sorted[Math.floor(sorted.length / 2)]) / 2
}

const compare = (pairs, fnzip) => {
  const node = join(here, 'node_modules/node24/bin/node')
  const scratch = mkdtempSync(join(tmpdir(), 'start-'))
  try {
    const { site } = writeWorkload('small', scratch)
    const packagers = [resolve(here, '../../npm/index.js'), join(here, 'node_modules/@netlify/zip-it-and-ship-it/dist/main.js')]
    const run = (packager) => {
      const env = { ...process.env, FNZIP_BINARY: fnzip }
      const { status, stdout, stderr } = spawnSync(node, [import.meta.filename, '--once', packager, site], { encoding: 'utf8', env })
      if (status !== 0) throw new Error(stderr)
      return JSON.parse(stdout)
    }
    // What is read first comes from memory afterwards.
    const [ours, theirs] = packagers.map(run)
    if (ours.functions.join() !== theirs.functions.join()) throw new Error(`${ours.functions} and ${theirs.functions}`)
    const samples = packagers.map(() => [])
    for (let round = 0; round < pairs; round++) packagers.forEach((packager, index) => samples[index].push(run(packager)))
    print(samples)
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

const print = (samples) => {
  const rows = samples.map((runs) => ['cpu', 'node', 'program', 'wall'].map((key) => median(runs.map((run) => run[key]))))
  console.log(`Medians of ${samples[0].length}, in ms:\n`)
  console.log('| | CPU | of it Node | of it programs | wall |\n|---|--:|--:|--:|--:|')
  for (const [index, name] of ['fnzip', 'peer'].entries()) {
    console.log(`| ${name} | ${rows[index].map((value) => value.toFixed(1)).join(' | ')} |`)
  }
  console.log(`| ratio | ${rows[1].map((value, index) => (rows[0][index] > 0 ? (value / rows[0][index]).toFixed(1) : '')).join(' | ')} |`)
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    pairs: { type: 'string', default: '5' },
    fnzip: { type: 'string', default: resolve(here, '../../target/release/fnzip') },
    once: { type: 'boolean', default: false },
  },
})
if (values.once) await once(...positionals)
else compare(Number(values.pairs), resolve(values.fnzip))
