// What `netlify-cli` does with the functions of a site, as JSON: `node cli.mjs NODE_MODULES`, in the site. It lists, builds
// and deploys them, the last against an API of Netlify's that is here, and serves them from their sources and from archives.
// Where fnzip is installed, archives that its command line has built are deployed as well.

import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readFileSync, readdirSync, renameSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import process, { argv, env, execPath } from 'node:process'
import { text } from 'node:stream/consumers'

const CLI = join(argv[2], 'netlify-cli/bin/run.js')
const FNZIP = join(argv[2], '.bin/fnzip')
const GO = 'netlify/functions/greeting'
const SITE = '11111111-1111-4111-8111-111111111111'

const start = (args, more, program = CLI) =>
  spawn(execPath, [program, ...args], { env: { ...env, ...more }, stdio: ['ignore', 'pipe', 'pipe'], detached: true })

const run = async (args, more, program) => {
  const child = start(args, more, program)
  const [out, err, [status]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')])
  return { status, out, err }
}

/** As much of Netlify's API as a deployment asks for; tells what is uploaded. */
const api = async () => {
  const uploads = []
  const site = { id: SITE, name: SITE, ssl_url: 'https://example.netlify.app', admin_url: 'https://app', account_id: 'a' }
  let deploy, hashes
  const answers = [
    ['GET', /^\/user$/, () => ({ id: 'u', email: 'ada@example.com', full_name: 'Ada' })],
    ['GET', /^\/accounts$/, () => [{ id: 'a', slug: 'team', name: 'Team' }]],
    ['GET', /^\/sites$/, () => [site]],
    ['GET', /^\/sites\/[^/]+$/, () => site],
    ['POST', /\/deploys$/, () => (deploy = { id: 'd', site_id: SITE, state: 'uploaded', ssl_url: site.ssl_url })],
    [
      'PUT',
      /\/deploys\/d$/,
      (body) => {
        const { files = {}, functions = {}, functions_config: config, function_schedules: schedules } = JSON.parse(body)
        const told = Object.fromEntries(Object.entries(config).sort())
        // The version is whichever npm has put there.
        for (const { build_data: data } of Object.values(told)) if (data.bootstrapVersion) data.bootstrapVersion = 'some'
        uploads.push({ files: Object.keys(files).sort(), functions: Object.keys(functions).sort(), told, schedules })
        hashes = functions
        const required = { required: Object.values(files), required_functions: Object.values(functions) }
        return (deploy = { ...deploy, ...required, state: 'prepared' })
      },
    ],
    ['PUT', /\/(files|functions)\//, () => ({})],
    ['GET', /\/deploys\/d$/, () => ({ ...deploy, state: uploads.length > 1 ? 'ready' : 'prepared' })],
  ]
  const server = createServer(async (request, response) => {
    const body = await text(request)
    const { pathname, search } = new URL(request.url, 'http://api')
    const path = pathname.replace('/api/v1', '')
    if (path.includes('/functions/')) uploads.push(`${path}${search}`)
    const answer = answers.find(([method, pattern]) => method === request.method && pattern.test(path))
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify(answer ? answer[2](body) : []))
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return { server, uploads, hashes: () => hashes, url: `http://127.0.0.1:${server.address().port}/api/v1` }
}

const freePort = async () => {
  const server = createServer()
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address()
  server.close()
  return port
}

const REQUESTS = [
  ...['plain', 'typed', 'bundled', 'folder', 'generated', 'nightly', 'work-background', 'none', 'second', 'not%20one'].flatMap(
    (name) => ['GET', 'POST'].map((method) => [method, `/.netlify/functions/${name}`]),
  ),
  ...['GET', 'POST', 'PUT', 'HEAD', 'OPTIONS'].map((method) => [method, '/items/5?x=1&x=2']),
  ...['PUT', 'DELETE', 'PATCH', 'HEAD', 'OPTIONS'].map((method) => [method, '/.netlify/functions/plain/more?a=b']),
  ...['?name=Ada', '/more?name=Bob&name=Eve', ''].map((rest) => ['GET', `/.netlify/functions/greeting${rest}`]),
  ['GET', '/items'],
  ['GET', '/items/a%20b'],
  ['GET', '/index.html'],
]

/** Headers that are another each time. */
const VOLATILE = ['date', 'etag', 'x-nf-request-id', 'x-nf-start-timestamp', 'x-nf-trace-span-id', 'connection', 'keep-alive']

const served = async (args, more) => {
  const port = await freePort()
  const child = start([...args, '--offline', '--port', String(port)], more)
  const printed = [text(child.stdout), text(child.stderr)]
  const ask = async ([method, path]) => {
    const body = method === 'POST' ? JSON.stringify({ hello: 'world' }) : undefined
    const headers = { 'x-two': 'a, b', ...(body && { 'content-type': 'application/json' }) }
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { method, headers, body })
    const kept = [...response.headers].filter(([name]) => !VOLATILE.includes(name))
    return { method, path, status: response.status, headers: kept, body: await response.text() }
  }
  const isUp = async () => (await ask(['GET', '/.netlify/functions/plain']).catch(() => ({}))).status === 200
  const until = Date.now() + 60_000
  while (!(await isUp()) && child.exitCode === null && Date.now() < until) await new Promise((done) => setTimeout(done, 200))
  const answers = []
  if (child.exitCode === null) for (const request of REQUESTS) answers.push(await ask(request))
  try {
    process.kill(-child.pid, 'SIGKILL')
  } catch {
    // It has ended by itself.
  }
  return answers.length > 0 ? answers : await Promise.all(printed)
}

/** Builds by the command line, and deploys what it wrote: what is uploaded, and what was built, by name. */
const byHand = async () => {
  const { status, err } = await run(['bundle'], {}, FNZIP)
  const { status: deployed, err: said } = await run(['deploy', '--no-build', '--dir', 'public', '--json'], online)
  const hash = (file) => createHash('sha256').update(readFileSync(join('.netlify/functions', file))).digest('hex')
  const archives = readdirSync('.netlify/functions').filter((file) => file.endsWith('.zip'))
  const built = Object.fromEntries(archives.map((file) => [file.slice(0, -4), hash(file)]).sort())
  return { status: [status, deployed], uploaded: Object.fromEntries(Object.entries(hashes()).sort()), built, err: err + said }
}

const { server, uploads, hashes, url } = await api()
const online = { NETLIFY_API_URL: url, NETLIFY_AUTH_TOKEN: 'fake', NETLIFY_SITE_ID: SITE }
const listed = await run(['functions:list', '--json'], online)
const buildTo = async (out) => {
  const { status, err } = await run(['functions:build', '--src', 'netlify/functions', '--functions', out])
  return { status, files: status === 0 ? readdirSync(out).sort() : err }
}
const all = await buildTo('all')
// The packager builds Go to the wrong place where the directory for the archives is relative, as it is here.
if (existsSync(GO)) renameSync(GO, 'greeting')
const built = await buildTo('built')
if (existsSync('greeting')) renameSync('greeting', GO)
const deployed = await run(['deploy', '--no-build', '--dir', 'public', '--functions', 'netlify/functions', '--json'], online)
const uploaded = uploads.splice(0)
const manual = existsSync(FNZIP) ? await byHand() : undefined
server.close()
const report = {
  listed: { status: listed.status, functions: listed.out.slice(Math.max(listed.out.indexOf('['), 0)) },
  all,
  built,
  deployed: { status: deployed.status, uploads: uploaded.map((upload) => JSON.stringify(upload)).sort(), err: deployed.status ? deployed.err : '' },
  manual,
  sources: await served(['functions:serve']),
  archives: await served(['serve', '--internal-disable-edge-functions']),
}
process.stdout.write(JSON.stringify(report) + '\n', () => process.exit(0))
