// Makes what npm installs: the program's package for this platform, and the package that calls it. Prints their paths.
// `node npm/pack.mjs --binary PATH --out DIR`; with `--bundled` the second has the first inside, for where no registry
// has it.

import { execFileSync } from 'node:child_process'
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { arch, env, exit, platform } from 'node:process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const OPTIONS = { binary: { type: 'string' }, out: { type: 'string' }, bundled: { type: 'boolean' } }

const SCOPE = '@fnzip/'
const NAME = `${SCOPE}${platform}-${arch}`
const PROGRAM = platform === 'win32' ? 'fnzip.exe' : 'fnzip'
const HERE = dirname(fileURLToPath(import.meta.url))

const main = JSON.parse(readFileSync(join(HERE, 'package.json'), 'utf8'))
const { version } = main

const pack = (binary, out, isBundled) => {
  const said = execFileSync(binary, ['--version'], { encoding: 'utf8' }).trim()
  if (said !== `fnzip ${version}`) throw new Error(`${binary} is ${said}, and the package is of version ${version}`)
  mkdirSync(out, { recursive: true })
  const scratch = mkdtempSync(join(tmpdir(), 'fnzip-pack-'))
  try {
    return packIn(scratch, binary, out, isBundled)
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

const packIn = (scratch, binary, out, isBundled) => {
  const caller = join(scratch, 'fnzip')
  const program = join(isBundled ? caller : scratch, 'node_modules', NAME)
  writeProgram(program, binary)
  writeCaller(caller, isBundled)
  return [program, caller].map((directory) => npmPack(directory, out))
}

const writeProgram = (directory, binary) => {
  const path = join(directory, PROGRAM)
  mkdirSync(directory, { recursive: true })
  copyFileSync(binary, path)
  chmodSync(path, 0o755)
  const description = `The program of fnzip for ${platform} on ${arch}`
  // Yarn runs no program inside an archive.
  const facts = { name: NAME, version, description, files: [PROGRAM], ...ofHere, preferUnplugged: true }
  writePackage(directory, facts)
}

const writeCaller = (directory, isBundled) => {
  mkdirSync(directory, { recursive: true })
  for (const file of ['README.md', ...main.files]) copyFileSync(join(HERE, file), join(directory, file))
  writePackage(directory, isBundled ? withProgram() : withoutProgram())
}

/** For this platform only: who installs it elsewhere learns of it then. */
const withProgram = () => ({
  ...main,
  ...ofHere,
  dependencies: { ...main.dependencies, [NAME]: version },
  bundleDependencies: [NAME],
  optionalDependencies: optional((name) => !name.startsWith(SCOPE)),
})

const withoutProgram = () => ({ ...main, optionalDependencies: optional(() => true) })

/** The programs are of the version of their caller. */
const optional = (isKept) =>
  Object.fromEntries(
    Object.entries(main.optionalDependencies)
      .filter(([name]) => isKept(name))
      .map(([name, range]) => [name, name.startsWith(SCOPE) ? version : range]),
  )

const ofHere = { os: [platform], cpu: [arch] }

const writePackage = (directory, facts) =>
  writeFileSync(join(directory, 'package.json'), `${JSON.stringify(facts, null, 2)}\n`)

const npmPack = (directory, out) => {
  const quiet = { ...env, npm_config_update_notifier: 'false' }
  const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', out]
  const said = execFileSync('npm', args, { cwd: directory, encoding: 'utf8', env: quiet, shell: platform === 'win32' })
  return join(out, JSON.parse(said)[0].filename)
}

try {
  const { binary, out, bundled } = parseArgs({ options: OPTIONS }).values
  if (!binary || !out) throw new Error('usage: node pack.mjs --binary PATH --out DIR [--bundled]')
  for (const path of pack(resolve(binary), resolve(out), bundled)) console.log(path)
} catch ({ message }) {
  console.error(`error: ${message}`)
  exit(2)
}
