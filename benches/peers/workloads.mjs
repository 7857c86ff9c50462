// Writes the sites that run.mjs has packaged. The same call writes the same site: nothing here is random, and the
// packages are those of package-lock.json. See ../README.md.

import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

const here = import.meta.dirname
const installed = JSON.parse(readFileSync(join(here, 'package.json'), 'utf8')).dependencies

/** By what a function calls a package: what it imports of it, from where, and an expression that needs it. */
const uses = {
  lodash: ['_', 'lodash', '_.chunk([1, 2, 3], 2).length'],
  axios: ['axios', 'axios', "axios.getUri({ url: '/a', params: { b: 1 } })"],
  express: ['express', 'express', 'typeof express().use'],
  serverless: ['serverless', 'serverless-http', 'typeof serverless'],
  zod: ['{ z }', 'zod', "z.string().safeParse('a').success"],
  stripe: ['Stripe', 'stripe', "typeof new Stripe('sk_test_1').charges.create"],
  pg: ['{ Pool }', 'pg', 'new Pool().totalCount'],
  jsonwebtoken: ['jwt', 'jsonwebtoken', "jwt.verify(jwt.sign({ a: 1 }, 'secret'), 'secret').a"],
  dateFns: ['{ addDays, formatISO }', 'date-fns', "formatISO(addDays(new Date(0), 1)).length"],
  uuid: ['{ v4 }', 'uuid', 'v4().length'],
  nodemailer: ['nodemailer', 'nodemailer', 'typeof nodemailer.createTransport({ jsonTransport: true }).sendMail'],
  dayjs: ['dayjs', 'dayjs', "dayjs(0).add(1, 'day').valueOf()"],

  awsSdk: ['AWS', 'aws-sdk', "typeof new AWS.S3({ region: 'us-east-1' }).getObject"],
  s3: ['{ S3Client }', '@aws-sdk/client-s3', "typeof new S3Client({ region: 'us-east-1' }).send"],
  dynamodb: ['{ DynamoDBClient }', '@aws-sdk/client-dynamodb', "typeof new DynamoDBClient({ region: 'us-east-1' }).send"],
  sqs: ['{ SQSClient }', '@aws-sdk/client-sqs', "typeof new SQSClient({ region: 'us-east-1' }).send"],
  googleapis: ['{ google }', 'googleapis', "typeof google.sheets('v4').spreadsheets.get"],
  firebaseApp: ['{ getApps }', 'firebase-admin/app', 'getApps().length'],
  firestore: ['{ Timestamp }', 'firebase-admin/firestore', 'Timestamp.fromMillis(1).toMillis()'],
  mongodb: ['{ MongoClient }', 'mongodb', "new MongoClient('mongodb://localhost').options.hosts.length"],
  sharp: ['sharp', 'sharp', 'typeof sharp.versions.vips'],
  puppeteer: ['puppeteer', 'puppeteer-core', 'typeof puppeteer.launch'],
  apollo: ['{ ApolloServer }', '@apollo/server', "typeof new ApolloServer({ typeDefs: 'type Query { a: Int }' }).start"],
  graphql: ['{ parse }', 'graphql', "parse('{ a }').definitions.length"],
}

const shared = ['lodash', 'axios', 'express', 'serverless', 'zod', 'stripe', 'pg', 'jsonwebtoken', 'dateFns', 'uuid', 'nodemailer', 'dayjs']

/** The ways to write a function; `local` is the module of the site that it imports. */
const kinds = {
  cjs: { extension: 'js', local: 'lib/respond.cjs' },
  esm: { extension: 'js', local: 'lib/respond.js' },
  mjs: { extension: 'mjs', local: 'lib/respond.js' },
  ts: { extension: 'ts', local: 'lib/respond-typed' },
  mjs2: { extension: 'mjs', local: 'lib/respond.js' },
  ts2: { extension: 'ts', local: 'lib/respond-typed' },
}

const library = {
  'lib/respond.cjs': `exports.describe = (name, values) => JSON.stringify({ name, values })\n`,
  'lib/respond.js': `export const describe = (name, values) => JSON.stringify({ name, values })\n`,
  'lib/respond-typed.ts': [
    `import type { Values } from './values'`,
    `export const describe = (name: string, values: Values): string => JSON.stringify({ name, values })\n`,
  ].join('\n\n'),
  'lib/values.ts': `export type Values = Record<string, unknown>\n`,
}

const fn = (name, kind, packages = []) => ({ name, kind, packages })

const typical = [
  fn('api', 'cjs', ['express', 'serverless', 'lodash']),
  fn('login', 'cjs', ['jsonwebtoken', 'pg']),
  fn('contact', 'cjs', ['nodemailer', 'lodash']),
  fn('weather', 'cjs', ['axios']),
  fn('calendar', 'cjs', ['dayjs', 'lodash']),
  fn('ping', 'cjs'),
  fn('search', 'esm', ['axios', 'dayjs']),
  fn('tokens', 'esm', ['jsonwebtoken', 'uuid']),
  fn('users', 'mjs', ['pg', 'zod']),
  fn('status', 'mjs'),
  fn('checkout', 'ts', ['stripe', 'zod']),
  fn('invoice-background', 'ts', ['dateFns', 'nodemailer']),
  fn('orders', 'ts', ['pg', 'uuid']),
  fn('echo', 'ts'),
  fn('products', 'ts2', ['pg', 'zod']),
  fn('webhook', 'ts2', ['stripe', 'dateFns']),
  fn('session', 'ts2', ['jsonwebtoken', 'uuid']),
  fn('proxy', 'ts2', ['axios']),
  fn('feed', 'mjs2', ['dayjs', 'lodash']),
  fn('version', 'mjs2'),
]

const heavy = [
  fn('archive', 'cjs', ['awsSdk']),
  fn('upload', 'cjs', ['s3', 'sqs']),
  fn('queue', 'ts2', ['dynamodb', 'sqs']),
  fn('sheets', 'cjs', ['googleapis']),
  fn('drive', 'mjs2', ['googleapis']),
  fn('push', 'esm', ['firebaseApp', 'firestore']),
  fn('documents', 'ts', ['mongodb', 'zod']),
  fn('thumbnail', 'mjs2', ['sharp']),
  fn('screenshot', 'cjs', ['puppeteer', 'sharp']),
  fn('graph', 'ts2', ['apollo', 'graphql', 'mongodb', 'firebaseApp']),
]

/** Many functions, every one with four of the twelve packages; twelve choices in five ways to write them. */
const sharing = (count) => Array.from({ length: count }, (_, index) => {
  const kind = ['cjs', 'ts2', 'ts', 'mjs2', 'esm'][index % 5]
  return fn(`fn-${String(index).padStart(3, '0')}`, kind, [0, 1, 4, 6].map((step) => shared[(index + step) % shared.length]))
})

const sites = {
  small: [fn('hello', 'cjs'), fn('greeting', 'mjs2'), fn('report', 'ts')],
  typical,
  heavy,
  'shared-50': sharing(50),
  'shared-200': sharing(200),
  pnpm: typical,
}

export const workloads = Object.keys(sites)

/** The revision is what an edit changes; the answer holds it, so that no bundler can drop it. */
function source({ name, kind, packages }) {
  const chosen = packages.map((use) => uses[use])
  const imports = [...chosen.map(([binding, from]) => [binding, from]), ['{ describe }', `../../${kinds[kind].local}`]]
  const lines = imports.map(([binding, from]) => kind === 'cjs' ? `const ${binding} = require('${from}')` : `import ${binding} from '${from}'`)
  const values = packages.map((use, index) => `  ${use}: ${chosen[index][2]},`)
  const typed = kinds[kind].extension === 'ts'
  return [
    ...lines, '',
    `const revision${typed ? ': number' : ''} = 0`, '',
    `const values = ()${typed ? ': Record<string, unknown>' : ''} => ({`, '  revision,', ...values, '})', '',
    ...body[kind](name),
  ].join('\n')
}

const answer = (name) => `{ statusCode: 200, body: describe('${name}', values()) }`
const handler = (name) => [`export const handler = async () => (${answer(name)})`, '']
const response = (name, typed) => [
  `export default async (request${typed ? ': Request): Promise<Response>' : ')'} => new Response(describe('${name}', values()))`, '',
  `export const config = { path: '/${name}' }`, '',
]
const body = {
  cjs: (name) => [`exports.handler = async () => (${answer(name)})`, ''],
  esm: handler,
  mjs: handler,
  ts: handler,
  mjs2: (name) => response(name, false),
  ts2: (name) => response(name, true),
}

function write(file, text) {
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, text)
}

function run(command, ...parameters) {
  const { status, stdout, stderr, error } = spawnSync(command, parameters, { encoding: 'utf8', env: { ...process.env, CI: 'true' } })
  if (status !== 0) throw error ?? new Error(`${command} ${parameters.join(' ')}\n${stdout}${stderr}`)
}

/** Hard links where the file system lets them be: both packagers would see where a symbolic link leads. */
function link(site) {
  const from = join(here, 'node_modules')
  try {
    run('cp', '-al', from, site)
  } catch {
    run('rm', '-rf', join(site, 'node_modules'))
    run('cp', '-a', from, site)
  }
}

/**
 * pnpm takes the versions of package-lock.json, and fetches the packages into a store of its own. All packages are
 * hoisted, as Netlify tells users of pnpm to do: without, the peer cannot build the CommonJS functions.
 */
function pnpm(site, scratch) {
  const program = join(here, 'node_modules/pnpm/bin/pnpm.cjs')
  const call = (...parameters) => run(process.execPath, program, '--dir', site, `--config.cache-dir=${join(scratch, 'pnpm-cache')}`, ...parameters)
  run('cp', join(here, 'package-lock.json'), site)
  call('import')
  run('rm', join(site, 'package-lock.json'))
  call('install', '--frozen-lockfile', '--ignore-scripts', '--shamefully-hoist', '--store-dir', join(scratch, 'pnpm-store'))
}

/** Writes a workload into `scratch`: where its site is, and of every function its name and main file. */
export function writeWorkload(workload, scratch) {
  const site = join(scratch, 'site')
  const packages = new Set(sites[workload].flatMap((each) => each.packages.map((use) => packageOf(uses[use][1]))))
  const dependencies = Object.fromEntries([...packages].toSorted().map((name) => [name, installed[name]]))
  const bootstrap = '@netlify/serverless-functions-api'
  const manifest = { name: workload, private: true, dependencies, devDependencies: { [bootstrap]: installed[bootstrap] } }

  write(join(site, 'package.json'), `${JSON.stringify(manifest, undefined, 2)}\n`)
  write(join(site, 'netlify.toml'), '[functions]\ndirectory = "netlify/functions"\n')
  for (const [file, text] of Object.entries(library)) write(join(site, file), text)
  const functions = sites[workload].map((each) => {
    const main = join(site, 'netlify/functions', `${each.name}.${kinds[each.kind].extension}`)
    write(main, source(each))
    return { name: each.name, main }
  })

  if (workload === 'pnpm') pnpm(site, scratch)
  else link(site)
  return { site, functions }
}

const packageOf = (specifier) => specifier.split('/').slice(0, specifier.startsWith('@') ? 2 : 1).join('/')

/** Edits a function, so that what it answers changes. */
export function edit({ main }, revision) {
  const text = readFileSync(main, 'utf8')
  writeFileSync(main, text.replace(/(revision(?:: number)? =) \d+/, `$1 ${revision}`))
}
