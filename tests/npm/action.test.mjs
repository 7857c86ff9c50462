// The script of the GitHub Action, with a program that is real and an API of GitHub's that is not.
// `FNZIP_BINARY=… node --test tests/npm/action.test.mjs`.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import process from 'node:process'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, test } from 'node:test'
import { fileURLToPath } from 'node:url'

const SCRIPT = fileURLToPath(new URL('../../npm/action.mjs', import.meta.url))
const { FNZIP_BINARY: program, PATH, HOME } = process.env

let scratch
let api
/** What was asked of the API, and the comments that it has. */
let asked
let comments

const write = (name, content) => {
  mkdirSync(dirname(join(scratch, name)), { recursive: true })
  writeFileSync(join(scratch, name), content)
}

beforeEach(async () => {
  scratch = mkdtempSync(join(realpathSync(tmpdir()), 'action-'))
  write('site/netlify.toml', '')
  write('site/netlify/functions/hello.js', 'exports.handler = async () => ({ statusCode: 200 })\n')
  write('event.json', JSON.stringify({ pull_request: { number: 7 } }))
  asked = []
  comments = [{ id: 1, body: 'somebody else' }]
  api = createServer(async (request, response) => {
    const body = await text(request)
    asked.push([request.method, request.url, request.headers.authorization, body && JSON.parse(body).body])
    response.end(JSON.stringify(request.method === 'GET' ? comments : {}))
  })
  await once(api.listen(0, '127.0.0.1'), 'listening')
})

afterEach(() => {
  api.close()
  rmSync(scratch, { recursive: true, force: true })
})

const run = async (more = {}) => {
  const env = {
    ...{ PATH, HOME, SITE: join(scratch, 'site'), OUT: 'out', BASE: join(scratch, 'base'), TOKEN: 'secret' },
    ...{ GITHUB_API_URL: `http://127.0.0.1:${api.address().port}`, GITHUB_REPOSITORY: 'me/site' },
    ...{ GITHUB_EVENT_PATH: join(scratch, 'event.json'), GITHUB_EVENT_NAME: 'pull_request' },
    ...{ GITHUB_OUTPUT: join(scratch, 'output'), GITHUB_STEP_SUMMARY: join(scratch, 'summary') },
    ...more,
  }
  const child = spawn(process.execPath, [SCRIPT, program], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  const [out, err, [status]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')])
  return { status, out, err }
}

const push = { GITHUB_EVENT_NAME: 'push' }

test('a push is built, verified and kept; a pull request is compared with it, and told', async () => {
  const pushed = await run(push)
  assert.equal(pushed.status, 0, pushed.err)
  assert.deepEqual(asked, [])
  write('site/netlify/functions/more.js', 'exports.handler = async () => ({ statusCode: 200 })\n')
  const { status, err } = await run()
  assert.equal(status, 0, err)
  const [listed, [method, url, token, body]] = asked
  assert.deepEqual(listed.slice(0, 2), ['GET', '/repos/me/site/issues/7/comments?per_page=100'])
  assert.deepEqual([method, url, token], ['POST', '/repos/me/site/issues/7/comments', 'Bearer secret'])
  assert.match(body, /^<!-- fnzip -->\n/)
  assert.match(body, /more/)
  assert.equal(`<!-- fnzip -->\n${readFileSync(join(scratch, 'summary'), 'utf8')}`, body)
  assert.match(readFileSync(join(scratch, 'output'), 'utf8'), /^out=.*\/site\/out\nreport=.*\/verify\.xml$/m)
  assert.match(readFileSync(join(scratch, 'site/out/verify.xml'), 'utf8'), /<testsuite/)
})

test('a second run changes its comment', async () => {
  await run(push)
  comments.push({ id: 2, body: '<!-- fnzip -->\nearlier' })
  assert.equal((await run()).status, 0)
  assert.deepEqual(asked[1].slice(0, 2), ['PATCH', '/repos/me/site/issues/comments/2'])
})

test('without a build to compare with, nothing is said', async () => {
  assert.equal((await run()).status, 0)
  assert.deepEqual(asked, [])
})

test('without a token, or where it may not, nobody comments, and nothing fails', async () => {
  await run(push)
  assert.equal((await run({ TOKEN: '' })).status, 0)
  assert.deepEqual(asked, [])
  const { status, out } = await run({ GITHUB_API_URL: 'http://127.0.0.1:1' })
  assert.equal(status, 0)
  assert.match(out, /^::warning::fnzip cannot comment/m)
})

test('what fails fails the job, and is not kept', async () => {
  write('site/netlify/functions/hello.js', "require('gone')\n")
  assert.equal((await run(push)).status, 1)
  write('site/netlify/functions/hello.js', 'exports.handler = async () => ({ statusCode: 200 })\n')
  const refused = await run({ ...push, VERIFY_FLAGS: '--node-version' })
  assert.equal(refused.status, 2, refused.err)
  await run()
  assert.deepEqual(asked, [])
})

test('growth above the budget fails the job, and is told first', async () => {
  await run(push)
  write('site/netlify/functions/more.js', `exports.handler = async () => '${'0123456789abcdef'.repeat(64)}'\n`)
  const { status, err } = await run({ BUDGET: '10b' })
  assert.equal(status, 1, err)
  assert.equal(asked.length, 2)
})
