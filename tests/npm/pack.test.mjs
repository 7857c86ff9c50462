// The npm package as a site gets it: packed by `npm/pack.mjs`, installed from the tarball in place of the packager that
// a dependency asks for, without a network. `FNZIP_BINARY=… node --test tests/npm/pack.test.mjs`.

import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, copyFileSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import process, { arch, platform } from 'node:process'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'

const { FNZIP_BINARY: binary, ...env } = process.env
assert.ok(binary, 'FNZIP_BINARY names the program')

const PACK = fileURLToPath(new URL('../../npm/pack.mjs', import.meta.url))
const TOOLS = fileURLToPath(new URL('../tools/node_modules', import.meta.url))
const { version } = JSON.parse(readFileSync(new URL('../../npm/package.json', import.meta.url)))

const PEER = '@netlify/zip-it-and-ship-it'
const PROGRAM = `@fnzip/${platform}-${arch}`
const TARBALLS = [`fnzip-${platform}-${arch}-${version}.tgz`, `fnzip-${version}.tgz`]

const NAMES = [
  ...['ARCHIVE_FORMAT', 'MODULE_FORMAT', 'NODE_BUNDLER', 'RUNTIME', 'findServerEntry', 'listFunction', 'listFunctions'],
  ...['listFunctionsFiles', 'zipFunction', 'zipFunctions', 'zipServer'],
]

const root = realpathSync(mkdtempSync(join(tmpdir(), 'fnzip-package-')))
const temporary = join(root, 'tmp')
const site = join(root, 'site')
after(() => rmSync(root, { recursive: true, force: true }))

const write = (path, content) => {
  mkdirSync(dirname(join(root, path)), { recursive: true })
  writeFileSync(join(root, path), typeof content === 'string' ? content : JSON.stringify(content))
}

/** Nothing is read from the caller's home, nor left there. */
const apart = {
  ...env,
  HOME: root,
  TMPDIR: temporary,
  npm_config_cache: join(root, 'cache'),
  npm_config_userconfig: join(root, 'npmrc'),
}

const run = (command, args, cwd = site) =>
  execFileSync(command, args, { cwd, encoding: 'utf8', env: apart, stdio: ['ignore', 'pipe', 'pipe'] })

const node = (source) => JSON.parse(run(process.execPath, ['--input-type=module', '-e', source]))

const pack = (out, ...more) => run(process.execPath, [PACK, '--binary', 'mine', '--out', out, ...more], root)

const packageOf = (tarball) => JSON.parse(run('tar', ['-xOzf', tarball, 'package/package.json'], root))

const install = () => run('npm', ['install', '--offline', '--ignore-scripts', '--no-audit', '--no-fund'])

before(() => {
  mkdirSync(temporary)
  copyFileSync(binary, join(root, 'mine'))
  chmodSync(join(root, 'mine'), 0o700)
  pack('plain')
  pack('bundled', '--bundled')
  const dependencies = { [PEER]: '^16.0.0' }
  write('tool/package.json', { name: 'tool', version: '1.0.0', type: 'module', exports: './index.js', dependencies })
  write('tool/index.js', `export * from '${PEER}'\n`)
  run('npm', ['pack', '--pack-destination', root], join(root, 'tool'))
  write('site/package.json', {
    private: true,
    type: 'module',
    dependencies: { tool: 'file:../tool-1.0.0.tgz' },
    overrides: { [PEER]: `file:../bundled/${TARBALLS[1]}` },
  })
  write('site/functions/hello.mjs', "export default async () => new Response('hello')\n")
  install()
})

test('the packages are of one version, and nothing is left of making them', () => {
  for (const out of ['plain', 'bundled']) {
    assert.deepEqual(readdirSync(join(root, out)).sort(), [...TARBALLS].sort())
    const [program, main] = TARBALLS.map((name) => packageOf(join(root, out, name)))
    assert.deepEqual([program.name, program.version, program.os, program.cpu], [PROGRAM, version, [platform], [arch]])
    assert.deepEqual([main.name, main.version], ['fnzip', version])
  }
  assert.deepEqual(readdirSync(temporary), [])
})

test('the program is an optional dependency of its platform, or inside', () => {
  const [plain, bundled] = ['plain', 'bundled'].map((out) => packageOf(join(root, out, TARBALLS[1])))
  assert.equal(plain.optionalDependencies[PROGRAM], version)
  assert.equal(plain.bundleDependencies, undefined)
  assert.deepEqual(bundled.bundleDependencies, [PROGRAM])
  assert.deepEqual(Object.keys(bundled.optionalDependencies).filter((name) => name.startsWith('@fnzip/')), [])
})

test('a program of another version is not packed', () => {
  write('other', '#!/bin/sh\necho fnzip 9.8.7\n')
  chmodSync(join(root, 'other'), 0o755)
  const args = [PACK, '--binary', 'other', '--out', 'none']
  const { status, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' })
  assert.equal(status, 2)
  assert.match(stderr, new RegExp(`is fnzip 9\\.8\\.7, and the package is of version ${version}`))
})

test('an override puts it where a dependency looks for the packager', () => {
  const { name } = JSON.parse(readFileSync(join(site, 'node_modules', PEER, 'package.json')))
  assert.equal(name, 'fnzip')
  assert.deepEqual(node("console.log(JSON.stringify(Object.keys(await import('tool'))))"), NAMES)
})

test('its functions work under that name', () => {
  const [listed, zipped] = node(`
    import { listFunctions, zipFunctions } from 'tool'
    const names = (rows) => rows.map(({ name, runtime }) => [name, runtime])
    console.log(JSON.stringify([names(await listFunctions('functions')), names(await zipFunctions('functions', 'out'))]))`)
  assert.deepEqual([listed, zipped], [[['hello', 'js']], [['hello', 'js']]])
  assert.deepEqual(readdirSync(join(site, 'out')).sort(), ['hello.zip', 'manifest.json'])
})

test('the command line comes with it', () => {
  assert.equal(run(join(site, 'node_modules/.bin/fnzip'), ['--version']), `fnzip ${version}\n`)
  assert.equal(run('npx', ['--offline', 'fnzip', '--version']), `fnzip ${version}\n`)
})

test("the packager's own command does what it did", () => {
  run('npx', ['--offline', 'zip-it-and-ship-it', 'functions', 'by-command'])
  assert.deepEqual(readdirSync(join(site, 'by-command')).sort(), ['hello.zip', 'manifest.json'])
})

test('the program may be run by everyone', () => {
  const path = node(`
    import { createRequire } from 'node:module'
    const { resolve } = createRequire(createRequire(import.meta.url).resolve('${PEER}/package.json'))
    console.log(JSON.stringify(resolve('${PROGRAM}/fnzip')))`)
  assert.equal(statSync(path).mode & 0o777, 0o755)
})

test('its types are those of the packager, and sound by themselves', () => {
  const paths = { peer: [join(TOOLS, PEER, 'dist/main.d.ts')] }
  const strict = { module: 'nodenext', noEmit: true, skipLibCheck: true, strict: true, target: 'es2022', types: [] }
  copyFileSync(new URL('types.mts', import.meta.url), join(site, 'types.mts'))
  write('site/tsconfig.json', { compilerOptions: { ...strict, paths }, files: ['types.mts'] })
  const tsc = (...args) => run(process.execPath, [join(TOOLS, 'typescript/bin/tsc'), ...args])
  tsc()
  tsc('--noEmit', '--strict', `node_modules/${PEER}/index.d.ts`)
})
