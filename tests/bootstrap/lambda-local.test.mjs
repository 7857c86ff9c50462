// Functions of our own, in the shapes that the platform's documentation shows, laid out as an archive
// is (entry file, bootstrap, main file) and driven through npm's `lambda-local`, once streamed and
// once buffered. `lambda-local` is looked for in FNZIP_TEST_TOOLS, else in tests/tools.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const tools = process.env.FNZIP_TEST_TOOLS ?? fileURLToPath(new URL('../tools', import.meta.url))
const bootstrap = fileURLToPath(new URL('../../src/runtime/bootstrap.mjs', import.meta.url))

const lambdaLocal = loadLambdaLocal()
const skip = !lambdaLocal && 'lambda-local is not installed in the tools folder'
const streaming = globalThis.awslambda

/** Loading it also puts `awslambda` into the global scope, as Lambda's Node runtime does. */
function loadLambdaLocal() {
  try {
    return createRequire(join(tools, 'package.json'))('lambda-local')
  } catch (error) {
    if (error.code === 'MODULE_NOT_FOUND') return undefined
    throw error
  }
}

const folders = []
after(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true }))))

/** Lays a function out as its archive does, and returns the entry file. */
async function layOut(source) {
  const folder = await mkdtemp(join(tmpdir(), 'fnzip-bootstrap-'))
  folders.push(folder)
  const entry = join(folder, '___netlify-entry-point.mjs')
  await copyFile(bootstrap, join(folder, '___netlify-bootstrap.mjs'))
  await writeFile(join(folder, 'main.mjs'), source)
  await writeFile(
    entry,
    `import * as bootstrap from './___netlify-bootstrap.mjs'
export const handler = bootstrap.getLambdaHandler('./main.mjs')
`,
  )
  return entry
}

/** Runs a function once. Streamed, the result comes with the first write, and its body is a stream. */
async function run(source, event, { stream }) {
  globalThis.awslambda = stream ? streaming : undefined
  try {
    return await lambdaLocal.execute({
      event: { httpMethod: 'GET', headers: { host: 'site.example' }, rawUrl: 'https://site.example/', ...event },
      lambdaPath: await layOut(source),
      esm: true,
      timeoutMs: 5000,
      verboseLevel: -1, // Anything else either logs or mutes the whole process.
    })
  } finally {
    globalThis.awslambda = streaming
  }
}

/** The chunks of a streamed body with the time each came, in milliseconds after the call. */
async function arrivals(body) {
  const start = performance.now()
  const list = []
  for await (const chunk of body) list.push({ text: String(chunk), at: performance.now() - start })
  return list
}

const textOf = async ({ body }) => (typeof body === 'string' ? body : (await arrivals(body)).map(({ text }) => text).join(''))

for (const stream of [true, false]) {
  const options = { stream }
  describe(`${stream ? 'streamed' : 'buffered'} by lambda-local`, { skip }, () => {
    test('a JSON greeting takes its name from the query', async () => {
      const source = `
        export default async (request, context) => {
          const name = new URL(request.url).searchParams.get('name') ?? 'stranger'
          return Response.json({ greeting: 'Hello, ' + name, from: context.ip })
        }`
      const rawUrl = 'https://site.example/greet?name=Ada'
      const headers = { 'x-nf-client-connection-ip': '203.0.113.5' }
      const result = await run(source, { rawUrl, headers }, options)
      assert.equal(result.statusCode, 200)
      assert.equal(result.headers['content-type'], 'application/json')
      assert.deepEqual(JSON.parse(await textOf(result)), { greeting: 'Hello, Ada', from: '203.0.113.5' })
    })

    test('an HTML clock ticks through a ReadableStream and stops', async () => {
      const source = `
        export default async () => {
          let ticks = 0
          const clock = new ReadableStream({
            start(controller) {
              controller.enqueue('<ol>')
              const timer = setInterval(() => {
                controller.enqueue('<li>' + new Date(ticks * 1000).toISOString() + '</li>')
                if (++ticks < 3) return
                clearInterval(timer)
                controller.enqueue('</ol>')
                controller.close()
              }, 40)
            },
          })
          return new Response(clock, { headers: { 'content-type': 'text/html' } })
        }`
      const result = await run(source, {}, options)
      const list = stream ? await arrivals(result.body) : [{ text: result.body }]
      const [first, second, third] = [0, 1, 2].map((second) => `<li>1970-01-01T00:00:0${second}.000Z</li>`)
      assert.equal(list.map(({ text }) => text).join(''), `<ol>${first}${second}${third}</ol>`)
      if (!stream) return
      const [early, late] = [first, third].map((tick) => list.find(({ text }) => text.includes(tick)).at)
      assert.ok(late - early >= 40, `the ticks came ${late - early} ms apart`)
    })

    test('a proxy hands on the events of another service', async () => {
      const service = createServer(async (request, response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' })
        for (let word = 1; word <= 3; word++) {
          response.write(`data: ${JSON.stringify({ word, asked: request.headers['x-question'] })}\n\n`)
          await sleep(30)
        }
        response.end('data: [DONE]\n\n')
      }).listen(0, '127.0.0.1')
      await once(service, 'listening')
      const source = `
        export default async (request) => {
          const question = await request.text()
          const answer = await fetch('http://127.0.0.1:${service.address().port}/', { headers: { 'x-question': question } })
          return new Response(answer.body, { headers: { 'content-type': 'text/event-stream' } })
        }`
      try {
        const result = await run(source, { httpMethod: 'POST', body: 'why' }, options)
        assert.equal(result.headers['content-type'], 'text/event-stream')
        const events = (await textOf(result)).trim().split('\n\n')
        assert.deepEqual(events, [...[1, 2, 3].map((word) => `data: {"word":${word},"asked":"why"}`), 'data: [DONE]'])
      } finally {
        service.close()
        service.closeAllConnections()
      }
    })

    test('a background counter goes on after its response', async () => {
      const source = `
        export default async (request, context) => {
          const { counter } = globalThis.fnzipCounters
          context.waitUntil((async () => {
            while (counter.value < 5) {
              await new Promise((resolve) => setTimeout(resolve, 20))
              counter.value++
            }
            counter.finish()
          })())
          return new Response('counting from ' + counter.value, { status: 202 })
        }
        export const config = { background: true }`
      const counter = { value: 0 }
      const finished = new Promise((resolve) => void (counter.finish = resolve))
      globalThis.fnzipCounters = { counter }
      const result = await run(source, {}, options)
      assert.equal(result.statusCode, 202)
      assert.equal(await textOf(result), 'counting from 0')
      if (stream) assert.ok(counter.value < 5, 'the response waited for the counter')
      else assert.equal(counter.value, 5, 'the invocation ended before the counter')
      await finished
      assert.equal(counter.value, 5)
    })
  })
}

test('a reader of the stream that leaves stops the function behind it', { skip }, async () => {
  const source = `
    export default async () => new Response(new ReadableStream({
      async pull(controller) {
        await new Promise((resolve) => setTimeout(resolve, 10))
        controller.enqueue('tick')
      },
      cancel: globalThis.fnzipCancelled,
    }))`
  const cancelled = new Promise((resolve) => void (globalThis.fnzipCancelled = resolve))
  const { body } = await run(source, {}, { stream: true })
  await once(body, 'readable')
  body.destroy()
  assert.match(String(await cancelled), /client went away/)
})
