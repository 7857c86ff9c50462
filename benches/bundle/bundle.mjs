// Times fnzip's bundling beside esbuild's, in turns, on the functions of fixtures/typescript that become one
// file each. Prints wall-clock and CPU seconds and their ratios; see ../README.md.
//
//   node benches/bundle/bundle.mjs [--rounds N] [--fnzip FILE]
//
// Out of scope: writing zip archives (`--format none`), and what ships beside a bundle.

import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { parseArgs } from 'node:util'

const repository = resolve(import.meta.dirname, '../..')
const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '10' },
    fnzip: { type: 'string', default: join(repository, 'target/release/fnzip') },
  },
})

const site = join(repository, 'fixtures/typescript/apps/web')
// The program itself: what npm puts in front of it starts Node first.
const esbuild = join(repository, `tests/tools/node_modules/@esbuild/${process.platform}-${process.arch}/bin/esbuild`)
const functions = [
  'aliases.ts', 'card.tsx', 'injection/injection.ts', 'local.ts', 'locale.ts', 'mixed-js.mjs', 'mixed-ts.ts',
  'page.tsx', 'plain.mjs', 'query.ts', 'syntax.ts', 'view.ts',
]
const name = (main) => basename(main).split('.')[0]
const scratch = mkdtempSync(join(tmpdir(), 'bundle-'))

/** Both do the same: bundle for Node 24, CommonJS, not minified, no source maps; each function its own file. */
const ours = (mains) => [
  values.fnzip, 'bundle', '--quiet', '--no-cache', '--format', 'none', '--node-version', '24', '-C', site, '--out', join(scratch, 'ours'),
  ...mains.flatMap((main) => ['--only', name(main)]),
]
const theirs = (mains) => [
  esbuild, ...mains.map((main) => join(site, 'netlify/functions', main)), '--bundle', '--platform=node', '--format=cjs',
  '--target=node24', '--log-level=error', `--outdir=${join(scratch, 'theirs')}`, '--out-extension:.js=.cjs',
]

/** Seconds that a command takes: on the clock, and of processors. */
function time(command) {
  const script = 'TIMEFORMAT="%R %U %S"; time "$@"'
  const { status, stderr } = spawnSync('bash', ['-c', script, 'bash', ...command], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${command.join(' ')}\n${stderr}`)
  const [wall, user, system] = stderr.trim().split('\n').at(-1).split(' ').map(Number)
  return { wall, cpu: user + system }
}

const median = (numbers) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)]

/** A B A B …, after one of each that does not count. */
function compare(title, mains) {
  const commands = [ours(mains), theirs(mains)]
  commands.forEach(time)
  const times = [[], []]
  for (let round = 0; round < Number(values.rounds); round++) commands.forEach((command, which) => times[which].push(time(command)))
  const [a, b] = times.map((list) => ({ wall: median(list.map(({ wall }) => wall)), cpu: median(list.map(({ cpu }) => cpu)) }))
  const cells = [a.wall, b.wall, a.wall / b.wall, a.cpu, b.cpu, a.cpu / b.cpu].map((number) => number.toFixed(2).padStart(8))
  console.log(`| ${title.padEnd(10)} | ${cells.join(' | ')} |`)
}

console.log('|            | wall: fnzip | esbuild | ratio | CPU: fnzip | esbuild | ratio |\n|---|---|---|---|---|---|---|')
try {
  compare('all', functions)
  for (const main of functions) compare(name(main), [main])
} finally {
  rmSync(scratch, { recursive: true })
}
