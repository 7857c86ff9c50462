// Calls the JavaScript API of a packager with a table of arguments, in a site that is made anew for each, and prints as
// JSON what came of each call: `node shapes.mjs PACKAGER API`, in an empty directory, with the packager's entry file, and
// the directory of the package that the platform runs version 2 on. (The directory is the same for all calls: what the
// peer starts with the first does not follow.)

import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import process, { argv } from 'node:process'
import { pathToFileURL } from 'node:url'

const handler = 'exports.handler = async () => ({ statusCode: 200 })\n'

const FILES = {
  'package.json': '{ "name": "site", "dependencies": { "dep": "1.0.0" } }',
  'node_modules/dep/package.json': '{ "name": "dep", "version": "1.0.0" }',
  'node_modules/dep/index.js': 'module.exports = 1\n',
  'functions/plain.js': handler,
  'functions/folder/index.js': `require('dep')\nrequire('./more')\n${handler}`,
  'functions/folder/more.js': '',
  'functions/named/named.js': handler,
  'functions/module.mjs': "import dep from 'dep'\nexport const handler = async () => ({ statusCode: dep })\n",
  'functions/typed.ts': "import dep from 'dep'\nexport const handler = async (event: unknown) => ({ statusCode: dep })\n",
  'functions/second.mjs':
    "export default async () => new Response('')\nexport const config = { path: ['/second/:id', '/other'], method: 'GET' }\n",
  'functions/nightly.mjs': "export default async () => {}\nexport const config = { schedule: '@daily', name: 'Nightly' }\n",
  'functions/old-schedule.js':
    "const { schedule } = require('@netlify/functions')\nexports.handler = schedule('@hourly', async () => ({ statusCode: 200 }))\n",
  'node_modules/@netlify/functions/package.json': '{ "name": "@netlify/functions", "version": "1.0.0" }',
  'node_modules/@netlify/functions/index.js': 'exports.schedule = (cron, handler) => handler\n',
  'functions/send-background.js': handler,
  'functions/notes.txt': 'not a function',
  'generated/made.mjs': "export default async () => {}\nexport const config = { generator: 'plugin@1' }\n",
  'generated/plain.js': handler,
  'more/other.js': handler,
  'data/one.txt': '1',
  'broken/missing.js': `require('./gone')\n${handler}`,
  'broken-package/missing.js': `require('gone')\n${handler}`,
  'broken-typed/missing.ts': "import './gone'\nexport const handler = async () => ({ statusCode: 200 })\n",
  'broken-syntax/wrong.js': 'exports.handler = (\n',
  'broken-config/wrong.mjs': "export default async () => {}\nexport const config = { path: 'no-slash' }\n",
  '.netlify/functions/built.zip': 'not read',
  'modules/package.json': '{ "type": "module" }',
  'modules/one.js': "import dep from 'dep'\nexport const handler = async () => ({ statusCode: dep })\n",
  'server/index.mjs': "import dep from 'dep'\nexport default { fetch: () => new Response(dep) }\n",
  'servers/index.js': handler,
  'servers/index.ts': '',
  'configs/plain.json': '{ "version": 1, "config": { "nodeVersion": "20", "generator": "file" } }',
  'beside/told.js': handler,
  'beside/told.json': '{ "version": 1, "config": { "name": "Told", "includedFiles": ["data/*"] } }',
}

const both = { directories: ['functions'], functions: [] }
const flags = { featureFlags: { some_flag: true, traceWithNft: undefined } }

/** Every call: a name, a method, and its arguments in the site at `at`. */
const CALLS = [
  ['a directory', 'listFunctions', () => ['functions']],
  ['an absolute directory', 'listFunctions', (at) => [join(at, 'functions')]],
  ['directories', 'listFunctions', () => [['functions', 'more']]],
  ['a directory that is not there', 'listFunctions', () => [['functions', 'gone']]],
  ['none that is there', 'listFunctions', () => ['gone']],
  ['no directory', 'listFunctions', () => [[]]],
  ['generated and user', 'listFunctions', () => [{ generated: { directories: ['generated'], functions: [] }, user: both }]],
  ['a generated function', 'listFunctions', (at) => [{ generated: { directories: [], functions: [join(at, 'generated/made.mjs')] }, user: both }]],
  ['archives', 'listFunctions', () => ['.netlify/functions']],
  ['analysed', 'listFunctions', () => ['functions', { parseISC: true }]],
  ['options that are undefined', 'listFunctions', () => ['functions', { config: undefined, parseISC: true, featureFlags: undefined }]],
  ['flags', 'listFunctions', () => ['functions', flags]],
  ['a configuration', 'listFunctions', () => ['functions', { config: { plain: { schedule: '@weekly', name: 'Plain' } } }]],
  ['a configuration in snake_case', 'listFunctions', () => ['functions', { config: { '*': { node_bundler: undefined, included_files: [] } } }]],
  ['configuration files', 'listFunctions', (at) => ['beside', { configFileDirectories: [join(at, 'beside')] }]],
  ['a file', 'listFunction', () => ['functions/plain.js']],
  ['an absolute file', 'listFunction', (at) => [join(at, 'functions/plain.js')]],
  ['a folder', 'listFunction', () => ['functions/folder']],
  ['a main file of a folder', 'listFunction', () => ['functions/folder/index.js']],
  ['analysed', 'listFunction', () => ['functions/second.mjs', { config: {}, featureFlags: {}, parseISC: true }]],
  ['a schedule', 'listFunction', () => ['functions/old-schedule.js', { parseISC: true }]],
  ['nothing', 'listFunction', () => ['functions/gone.js']],
  ['no function', 'listFunction', () => ['functions/notes.txt']],
  ['configured', 'listFunction', () => ['functions/plain.js', { config: { plain: { schedule: '@daily' } } }]],
  ['files', 'listFunctionsFiles', () => ['functions']],
  ['files of some', 'listFunctionsFiles', () => [['functions', 'more'], { parseISC: true }]],
  ['files that are included', 'listFunctionsFiles', (at) => ['more', { basePath: at, config: { other: { includedFiles: ['data/*'] } } }]],
  ['files of nothing', 'listFunctionsFiles', () => ['gone']],
  ['a directory', 'zipFunctions', () => ['functions', 'out']],
  ['an absolute place', 'zipFunctions', (at) => ['functions', join(at, 'out')]],
  ['a new place', 'zipFunctions', () => ['more', 'a/b/c']],
  ['directories', 'zipFunctions', () => [['functions', 'more', 'gone'], 'out']],
  ['generated and user', 'zipFunctions', () => [{ generated: { directories: ['generated'], functions: [] }, user: both }, 'out']],
  ['only generated', 'zipFunctions', () => [{ generated: { directories: ['generated'], functions: [] }, user: { directories: [], functions: [] } }, 'out']],
  ['single functions', 'zipFunctions', (at) => [{ generated: { directories: [], functions: [join(at, 'generated/made.mjs')] }, user: { directories: [], functions: [join(at, 'more/other.js')] } }, 'out']],
  ['with a base', 'zipFunctions', (at) => ['functions', 'out', { basePath: at, repositoryRoot: at, branch: 'main', featureFlags: {} }]],
  ['options that are undefined', 'zipFunctions', (at) => ['functions', 'out', { basePath: at, config: undefined, manifest: undefined, branch: undefined, systemLog: undefined, parallelLimit: undefined }]],
  ['a log', 'zipFunctions', () => ['more', 'out', { systemLog: () => {}, debug: true }]],
  ['a manifest elsewhere', 'zipFunctions', (at) => ['more', 'out', { manifest: join(at, 'elsewhere.json') }]],
  ['included files', 'zipFunctions', (at) => ['more', 'out', { basePath: at, config: { other: { includedFiles: ['data/*'] } } }]],
  ['included files with a base of their own', 'zipFunctions', (at) => ['more', 'out', { basePath: at, config: { '*': { includedFiles: ['*.txt'], includedFilesBasePath: join(at, 'data') } } }]],
  ['as build passes it', 'zipFunctions', (at) => ['functions', 'out', { basePath: at, repositoryRoot: at, branch: 'main', parallelLimit: 3, manifest: join(at, 'out/manifest.json'), configFileDirectories: [join(at, 'generated')], featureFlags: { zisi_golang_use_al2: true }, config: { '*': { externalNodeModules: undefined, includedFiles: [], includedFilesBasePath: at, ignoredNodeModules: undefined, nodeVersion: '22.23.3', nodeBundler: undefined, schedule: undefined, rustTargetDirectory: join(at, '.netlify/rust-functions-cache/[name]'), zipGo: false } } }]],
  ['esbuild', 'zipFunctions', () => ['more', 'out', { config: { '*': { nodeBundler: 'esbuild' } } }]],
  ['esbuild_zisi', 'zipFunctions', () => ['more', 'out', { config: { '*': { nodeBundler: 'esbuild_zisi' } } }]],
  ['nft', 'zipFunctions', () => ['more', 'out', { config: { '*': { nodeBundler: 'nft' } } }]],
  ['none', 'zipFunctions', () => ['more', 'out', { config: { '*': { nodeBundler: 'none' } } }]],
  ['external packages', 'zipFunctions', () => ['functions', 'out', { config: { typed: { externalNodeModules: ['dep'] } } }]],
  ['a Node version', 'zipFunctions', () => ['functions', 'out', { config: { '*': { nodeVersion: '20' } } }]],
  ['memory and a region', 'zipFunctions', () => ['functions', 'out', { config: { '*': { memory: 2048, region: 'cmh' } } }]],
  ['traced', 'zipFunctions', () => ['functions', 'out', { featureFlags: { traceWithNft: true } }]],
  ['pure modules', 'zipFunctions', () => ['functions', 'out', { featureFlags: { zisi_pure_esm_mjs: true } }]],
  ['one pure module', 'zipFunctions', () => ['functions', 'out', { config: { module: { nodeModuleFormat: 'esm' } } }]],
  ['pure modules of a project', 'zipFunctions', () => ['modules', 'out', { featureFlags: { zisi_pure_esm: true } }]],
  ['an extension for CommonJS', 'zipFunctions', () => ['functions', 'out', { featureFlags: { zisi_output_cjs_extension: true } }]],
  ['telemetry', 'zipFunctions', () => ['more', 'out', { featureFlags: { zisi_add_instrumentation_loader: true } }]],
  ['no telemetry', 'zipFunctions', () => ['more', 'out', { featureFlags: { zisi_add_instrumentation_loader: false } }]],
  ['directories as archives', 'zipFunctions', () => ['functions', 'out', { archiveFormat: 'none' }]],
  ['a format that there is not', 'zipFunctions', () => ['functions', 'out', { archiveFormat: 'gzip' }]],
  ['no function', 'zipFunctions', () => ['data', 'out']],
  ['configuration files', 'zipFunctions', (at) => ['beside', 'out', { basePath: at, configFileDirectories: [join(at, 'beside')] }]],
  ['a missing file', 'zipFunctions', () => ['broken', 'out']],
  ['a missing package', 'zipFunctions', () => ['broken-package', 'out']],
  ['a missing file of TypeScript', 'zipFunctions', () => ['broken-typed', 'out']],
  ['a syntax error', 'zipFunctions', () => ['broken-syntax', 'out']],
  ['a wrong configuration', 'zipFunctions', () => ['broken-config', 'out']],
  ['a file', 'zipFunction', () => ['functions/plain.js', 'out']],
  ['a folder', 'zipFunction', () => ['functions/folder', 'out']],
  ['TypeScript', 'zipFunction', (at) => [join(at, 'functions/typed.ts'), join(at, 'out')]],
  ['as serve does', 'zipFunction', (at) => [join(at, 'functions/second.mjs'), 'out', { archiveFormat: 'none', basePath: at, config: { '*': { nodeSourcemap: true } }, featureFlags: { zisi_pure_esm: true, zisi_pure_esm_mjs: true }, repositoryRoot: at }]],
  ['a generated one', 'zipFunction', (at) => [join(at, 'generated/made.mjs'), 'out', { internalSrcFolder: join(at, 'generated') }]],
  ['nothing', 'zipFunction', () => ['functions/gone.js', 'out']],
  ['a format that there is not', 'zipFunction', () => ['functions/plain.js', 'out', { archiveFormat: 'gzip' }]],
  ['a missing file', 'zipFunction', () => ['broken/missing.js', 'out']],
  ['a server', 'findServerEntry', () => ['server']],
  ['an absolute one', 'findServerEntry', (at) => [join(at, 'server')]],
  ['none', 'findServerEntry', () => ['functions']],
  ['no directory', 'findServerEntry', () => ['gone']],
  ['two', 'findServerEntry', () => ['servers']],
  ['a server', 'zipServer', () => ['server/index.mjs', 'out']],
  ['with a base', 'zipServer', (at) => [join(at, 'server/index.mjs'), join(at, 'out'), { basePath: at, repositoryRoot: at, featureFlags: {} }]],
  ['nothing', 'zipServer', () => ['server/gone.mjs', 'out']],
]

const [file, api] = argv.slice(2)
const at = process.cwd()

const makeSite = () => {
  for (const name of readdirSync(at)) rmSync(join(at, name), { recursive: true })
  for (const [name, text] of Object.entries(FILES)) {
    mkdirSync(dirname(join(at, name)), { recursive: true })
    writeFileSync(join(at, name), text)
  }
  symlinkSync(api, join(at, 'node_modules/@netlify/serverless-functions-api'))
}

/** Without the place of the site, and without what is another for good reason: sizes of archives. */
const plain = (value) => {
  const text = JSON.stringify(value, (key, value) => (key === 'size' && typeof value === 'number' ? value > 0 : value))
  return text === undefined ? undefined : JSON.parse(text.replaceAll(at, '<site>'))
}

const told = async (packager, [, method, args]) => {
  makeSite()
  try {
    const result = plain(await packager[method](...args(at)))
    const manifest = existsSync('out/manifest.json') && plain(JSON.parse(readFileSync('out/manifest.json', 'utf8')))
    return { result, manifest }
  } catch (error) {
    const { message, code, errors, customErrorInfo } = error
    return { error: plain({ message, code, errors: errors?.map(({ text }) => text), customErrorInfo }) }
  }
}

const packager = await import(pathToFileURL(file).href)
const rows = []
for (const call of CALLS) rows.push([`${call[1]}: ${call[0]}`, await told(packager, call)])
const exports = Object.keys(packager).sort()
process.stdout.write(JSON.stringify({ exports, rows }) + '\n', () => process.exit(0))
