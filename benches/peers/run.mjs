// Times fnzip beside zip-it-and-ship-it on generated sites, in turns, and prints a table of the medians of each; what
// is measured, and how, is in ../README.md.
//
//   node benches/peers/run.mjs [--pairs N] [--only WORKLOAD,…] [--fnzip FILE] [--call]
//
// With --call, every function of both is unpacked and called before anything is timed.

import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { arch, availableParallelism, cpus, loadavg, platform, release, tmpdir, totalmem } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'

import { edit, workloads, writeWorkload } from './workloads.mjs'

const here = import.meta.dirname
const { values } = parseArgs({
  options: {
    pairs: { type: 'string', default: '5' },
    only: { type: 'string', default: workloads.join() },
    fnzip: { type: 'string', default: resolve(here, '../../target/release/fnzip') },
    call: { type: 'boolean', default: false },
  },
})
const pairs = Number(values.pairs)
const chosen = values.only.split(',')
const fnzip = resolve(values.fnzip)

/** The peer wants a newer Node than there may be. */
const node = join(here, 'node_modules/node24/bin/node')
const esbuild = join(here, `node_modules/@esbuild/${platform()}-${arch()}/bin/esbuild`)

/** fnzip takes a file that was written a moment ago for one that may still change. */
const settling = 2500

function check() {
  if (!(pairs >= 1)) throw new Error('--pairs takes a number from 1')
  const unknown = chosen.filter((name) => !workloads.includes(name))
  if (unknown.length > 0) throw new Error(`no workload ${unknown.join(', ')}; there are ${workloads.join(', ')}`)
  for (const [file, remedy] of [[fnzip, 'cargo build --release'], [node, `npm ci --ignore-scripts --prefix ${here}`], ['/usr/bin/time', 'install GNU time']]) {
    if (!existsSync(file)) throw new Error(`${file} is missing: ${remedy}`)
  }
}

/**
 * Runs a command and says what it took: seconds on the clock, seconds of processors, and the memory of its largest
 * process in KiB. Children that were waited for are in it; those that were not, the command itself must tell.
 */
function measure(command, scratch) {
  const memory = join(scratch, 'memory')
  const script = 'TIMEFORMAT="%3R %3U %3S"; time /usr/bin/time --quiet -f %M -o "$MEMORY" "$@" 2>"$MEMORY.stderr"'
  const { status, stdout, stderr } = spawnSync('bash', ['-c', script, 'bash', ...command], {
    encoding: 'utf8', maxBuffer: 1e9, env: { ...process.env, MEMORY: memory },
  })
  const words = readFileSync(`${memory}.stderr`, 'utf8')
  if (status !== 0) throw new Error(`${command.slice(0, 8).join(' ')}\n${words}`)
  const [wall, user, system] = stderr.trim().split('\n').at(-1).split(' ').map(Number)
  return { wall, cpu: user + system, peak: Number(readFileSync(memory, 'utf8')), stdout, words }
}

const empty = (directory) => {
  rmSync(directory, { recursive: true, force: true })
  mkdirSync(directory)
}

/** The archives by name, and their bytes. */
const archives = (directory) => new Map(
  readdirSync(directory).filter((file) => file.endsWith('.zip')).map((file) => [file.slice(0, -4), statSync(join(directory, file)).size]),
)
const sum = (numbers) => [...numbers].reduce((total, number) => total + number, 0)

function assertAll(who, directory, functions) {
  const built = archives(directory)
  const missing = functions.filter(({ name }) => !(built.get(name) > 0)).map(({ name }) => name)
  if (missing.length > 0 || built.size !== functions.length) throw new Error(`${who} built ${built.size} of ${functions.length} functions, not ${missing.join(', ')}`)
}

/** Unpacks and calls what both have built: answers that are wrong, or none, in words. */
function callAll(functions, directories, scratch) {
  const root = join(scratch, 'called')
  const call = (archive, name) => {
    const directory = join(root, 'function')
    empty(directory)
    const unzipped = spawnSync('unzip', ['-q', archive, '-d', directory], { encoding: 'utf8' })
    if (unzipped.status !== 0) return unzipped.stderr
    const { stdout, stderr } = spawnSync(node, [join(here, 'call.mjs'), directory, name], { encoding: 'utf8' })
    return stdout || (/^\w*Error.*$/m.exec(stderr)?.[0] ?? stderr)
  }

  // What the platform brings.
  mkdirSync(join(root, 'node_modules'), { recursive: true })
  symlinkSync(join(here, 'node_modules/@aws-sdk'), join(root, 'node_modules/@aws-sdk'))
  return functions.flatMap(({ name }) => {
    const [ours, theirs] = directories.map((directory) => call(join(directory, `${name}.zip`), name).trim())
    const right = (text) => text.startsWith(`{"name":"${name}","values":{"revision":`)
    if (right(ours) && ours === theirs) return []
    return [`${name}: fnzip's answers ${ours}`, `${name}: the peer's answers ${theirs}`]
  })
}

/** What can be run on a site: a command, where it writes, and what it says about itself added to what was measured. */
function contenders({ site, functions }, scratch) {
  const out = (name) => join(scratch, `out-${name}`)
  const mains = functions.map(({ main }) => main)

  const ours = (name, ...flags) => ({
    command: [fnzip, 'bundle', '--node-version', '24', '-C', site, '--out', out(name), ...flags],
    out: out(name),
    after: (sample) => sample,
  })
  const theirs = (name, ...bundler) => ({
    command: [node, join(here, 'peer.mjs'), site, out(name), ...bundler],
    out: out(name),
    after(sample) {
      const { leftovers } = JSON.parse(sample.stdout)
      const peak = Math.max(sample.peak, ...leftovers.map((each) => each.peak))
      return { ...sample, cpu: sample.cpu + sum(leftovers.map((each) => each.cpu)), peak }
    },
  })
  const alone = (name, command) => ({ command, out: out(name), after: (sample) => sample })

  return {
    listed: ours('listed', '--no-cache', '--json'),
    cold: ours('cold', '--no-cache', '--quiet'),
    coldNft: ours('cold-nft', '--no-cache', '--quiet', '--config', JSON.stringify({ '*': { nodeBundler: 'nft' } })),
    cached: ours('cached', '--cache-dir', join(scratch, 'cache'), '--quiet'),
    peer: theirs('peer'),
    peerNft: theirs('peer-nft', 'nft'),
    nft: alone('nft', [node, join(here, 'nft.mjs'), site, ...mains]),
    esbuild: alone('esbuild', [
      esbuild, ...mains, '--bundle', '--platform=node', '--format=cjs', '--target=node24', '--log-level=error',
      '--out-extension:.js=.cjs', `--outdir=${out('esbuild')}`, '--external:sharp', '--external:@aws-sdk/*',
    ]),
  }
}

/** All measurements of one workload, by the row of the table that they belong to. */
async function samplesOf(workload, scratch) {
  const written = writeWorkload(workload, scratch)
  const { functions } = written
  const { listed, cold, coldNft, cached, peer, peerNft, nft, esbuild } = contenders(written, scratch)
  const rows = []

  const once = ({ command, out, after }, keep = false) => {
    if (!keep) empty(out)
    return { ...after(measure(command, scratch)), bytes: sum(archives(out).values()) }
  }
  const row = (title) => {
    const samples = []
    rows.push({ title, samples })
    return (sample) => {
      samples.push(sample)
      console.error(`${workload}: ${title}: ${sample.cpu.toFixed(3)} s of processors, ${sample.wall.toFixed(3)} s`)
    }
  }
  const repeat = (title, contender) => {
    const add = row(title)
    for (let round = 0; round < pairs; round++) add(once(contender))
  }

  const first = once(listed)
  assertAll('fnzip', listed.out, functions)
  const words = first.words.split('\n').filter((line) => /^(error|warning)\b/.test(line))
  const inputs = join(scratch, 'inputs')
  const paths = new Set(JSON.parse(first.stdout).flatMap((each) => each.inputs))
  writeFileSync(inputs, [...paths].join('\0'))

  once(cold)
  once(peer)
  const answers = values.call ? callAll(functions, [cold.out, peer.out], scratch) : undefined
  const [addCold, addPeer] = [row('fnzip, no cache'), row('peer')]
  for (let round = 0; round < pairs; round++) {
    addCold(once(cold))
    addPeer(once(peer))
  }
  assertAll('fnzip', cold.out, functions)
  assertAll('peer', peer.out, functions)

  repeat('fnzip, no cache, `nft` for all', coldNft)
  assertAll('fnzip with nft', coldNft.out, functions)
  repeat('peer, `nft` for all', peerNft)
  assertAll('peer with nft', peerNft.out, functions)
  repeat('@vercel/nft alone', nft)
  repeat('esbuild alone', esbuild)

  const [addFirst, addSame, addEdited] = [row('fnzip, empty cache'), row('fnzip, nothing changed'), row('fnzip, one file edited')]
  for (let round = 1; round <= pairs; round++) {
    rmSync(join(scratch, 'cache'), { recursive: true, force: true })
    addFirst(once(cached))
    await sleep(settling)
    addSame(once(cached, true))
    edit(functions[0], round)
    await sleep(settling)
    addEdited(once(cached, true))
  }
  assertAll('fnzip with a cache', cached.out, functions)
  repeat('stat of the inputs', { command: ['xargs', '-0', '-a', inputs, 'stat', '-c', ''], out: join(scratch, 'out-stat'), after: (sample) => sample })

  return { rows, words, answers, functions: functions.length, inputs: paths.size, sizes: [cold.out, peer.out].map(archives) }
}

function middle(samples, key) {
  const numbers = samples.map((sample) => sample[key]).toSorted((a, b) => a - b)
  return (numbers[Math.floor((numbers.length - 1) / 2)] + numbers[Math.floor(numbers.length / 2)]) / 2
}
const megabytes = (bytes) => (bytes / 1e6).toFixed(bytes < 1e6 ? 3 : 1)

function print(workload, { rows, words, answers, functions, inputs, sizes }) {
  const base = rows[0].samples
  const ratio = (samples, key) => {
    const of = middle(samples, key)
    return of === 0 ? '' : (of / middle(base, key)).toFixed(2)
  }
  console.log(`\n## ${workload}: ${functions} functions, ${inputs} different files read\n`)
  console.log('| | CPU s (least–most) | wall s (least–most) | peak MB | output MB | CPU ratio | wall ratio | bytes ratio |')
  console.log('|---|--:|--:|--:|--:|--:|--:|--:|')
  for (const { title, samples } of rows) {
    const spread = (key) => {
      const numbers = samples.map((sample) => sample[key])
      return `${middle(samples, key).toFixed(3)} (${Math.min(...numbers).toFixed(3)}–${Math.max(...numbers).toFixed(3)})`
    }
    const bytes = middle(samples, 'bytes')
    const cells = [
      spread('cpu'), spread('wall'), (middle(samples, 'peak') * 1024 / 1e6).toFixed(0), bytes === 0 ? '' : megabytes(bytes),
      ...['cpu', 'wall', 'bytes'].map((key) => ratio(samples, key)),
    ]
    console.log(`| ${title} | ${cells.join(' | ')} |`)
  }

  const [ours, theirs] = sizes
  const unlike = [...ours].map(([name, size]) => ({ name, size, other: theirs.get(name) })).filter(({ size, other }) => Math.max(size, other) > 1e4 && (other > size * 2 || size > other * 1.1))
  if (unlike.length > 0) console.log('\nArchives whose sizes differ much, MB of fnzip and of the peer:\n')
  for (const { name, size, other } of unlike.slice(0, 12)) console.log(`- ${name}: ${megabytes(size)}, ${megabytes(other)}`)
  if (unlike.length > 12) console.log(`- and ${unlike.length - 12} more`)
  if (answers) console.log(answers.length === 0 ? '\nThe functions of both were called, and answer alike.' : `\nCalled:\n\n${answers.map((line) => `- ${line}`).join('\n')}`)
  if (words.length > 0) console.log(`\nfnzip said:\n\n${words.map((line) => `- ${line}`).join('\n')}`)
}

function printMachine() {
  const version = (name) => JSON.parse(readFileSync(join(here, 'node_modules', name, 'package.json'), 'utf8')).version
  const said = (command, ...parameters) => spawnSync(command, parameters, { encoding: 'utf8' }).stdout.trim()
  console.log([
    `- ${availableParallelism()} cores, ${cpus()[0].model}, ${(totalmem() / 1e9).toFixed(0)} GB of memory, ${platform()} ${release()}; load before: ${loadavg()[0].toFixed(2)}`,
    `- ${said(fnzip, '--version')}; peer: zip-it-and-ship-it ${version('@netlify/zip-it-and-ship-it')} on Node ${said(node, '--version')}; @vercel/nft ${version('@vercel/nft')}, esbuild ${version('esbuild')}`,
    `- medians of ${pairs}; ratios are to \`fnzip, no cache\``,
  ].join('\n'))
}

/** Also when the run is interrupted. */
let scratch
const clean = () => scratch && rmSync(scratch, { recursive: true, force: true })
process.on('exit', clean)
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1))

check()
printMachine()
for (const workload of chosen) {
  scratch = mkdtempSync(join(tmpdir(), 'peers-'))
  try {
    print(workload, await samplesOf(workload, scratch))
  } catch (error) {
    console.log(`\n## ${workload}: failed\n\n${error.message}`)
    process.exitCode = 1
  }
  clean()
}
