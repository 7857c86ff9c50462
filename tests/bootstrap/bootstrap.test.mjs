// What `src/runtime/bootstrap.mjs` promises, one test a rule. Run with `node --test tests/bootstrap/*.mjs`.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { Writable } from 'node:stream'
import { describe, mock, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'

import { getLambdaHandler } from '../../src/runtime/bootstrap.mjs'

// ---- What the tests say it with ----------------------------------------------------------------

const restEvent = (over = {}) => ({
  httpMethod: 'GET',
  path: '/',
  headers: { host: 'site.example' },
  body: null,
  isBase64Encoded: false,
  ...over,
})

const httpEvent = ({ method = 'GET', ...over } = {}) => ({
  version: '2.0',
  rawPath: '/',
  rawQueryString: '',
  headers: { host: 'site.example' },
  requestContext: { http: { method, path: '/', sourceIp: '203.0.113.9' }, requestId: 'gateway-id' },
  isBase64Encoded: false,
  ...over,
})

const lambdaContext = () => ({ awsRequestId: 'lambda-id', callbackWaitsForEmptyEventLoop: true })

/** Calls a function once, outside streaming. */
const call = (func, event = restEvent(), lambda = lambdaContext()) => getLambdaHandler(func)(event, lambda)

/** What the function sees: the request, its body as text, and the context. */
async function seen(event, { config, lambda } = {}) {
  let result
  const func = async (request, context) => {
    result = { request, context, text: await request.clone().text(), bytes: Buffer.from(await request.arrayBuffer()) }
  }
  const answer = await call({ default: func, config }, event, lambda)
  assert.equal(answer.statusCode, 204, answer.body)
  return result
}

/** Runs `body` with console[method] kept quiet, and returns the lines it was given. */
async function captured(method, body) {
  const lines = []
  const spy = mock.method(console, method, (...args) => lines.push(args.join(' ')))
  try {
    await body()
  } finally {
    spy.mock.restore()
  }
  return lines
}

async function withEnvironment(values, body) {
  const before = Object.fromEntries(Object.keys(values).map((key) => [key, process.env[key]]))
  const apply = (set) => {
    for (const [key, value] of Object.entries(set)) {
      if (value === undefined) delete process.env[key]
      else process.env[key] = value
    }
  }
  apply(values)
  try {
    await body()
  } finally {
    apply(before)
  }
}

async function withoutURLPattern(body) {
  const original = Object.getOwnPropertyDescriptor(globalThis, 'URLPattern')
  delete globalThis.URLPattern
  try {
    await body()
  } finally {
    if (original) Object.defineProperty(globalThis, 'URLPattern', original)
  }
}

const base64Json = (value) => Buffer.from(JSON.stringify(value)).toString('base64')
const header = (name, value, over = {}) => restEvent({ headers: { host: 'site.example', [name]: value }, ...over })
const decoded = (result) => Buffer.from(result.body, result.isBase64Encoded ? 'base64' : 'utf8')

/**
 * Lambda's streaming runtime as far as a handler can see it: a Writable that takes `delay` ms a chunk
 * and holds `highWaterMark` bytes, and a log of what happened in what order.
 */
function fakeLambda({ highWaterMark = 16_384, delay = 0 } = {}) {
  const log = []
  const heads = []
  const out = new Writable({
    highWaterMark,
    async write(chunk, _encoding, done) {
      if (delay) await sleep(delay)
      log.push(`sent ${chunk}`)
      done()
    },
  })
  const awslambda = {
    streamifyResponse: (handler) => (event, lambda) => handler(event, out, lambda),
    HttpResponseStream: {
      from(stream, head) {
        heads.push(head)
        log.push(`head ${head.statusCode}`)
        return stream
      },
    },
  }
  const handlerOf = (func, options) => {
    globalThis.awslambda = awslambda
    try {
      return getLambdaHandler(func, options)
    } finally {
      delete globalThis.awslambda
    }
  }
  const body = () => log.filter((line) => line.startsWith('sent ')).map((line) => line.slice(5)).join('')
  return { log, heads, out, handlerOf, body }
}

// ---- The rules ---------------------------------------------------------------------------------

describe('request of an API Gateway REST event', () => {
  test('method, path and host make the request', async () => {
    const { request } = await seen(restEvent({ httpMethod: 'DELETE', path: '/a/b' }))
    assert.equal(request.method, 'DELETE')
    assert.equal(request.url, 'https://site.example/a/b')
  })

  test('`rawUrl` wins over the parts', async () => {
    const { request } = await seen(restEvent({ rawUrl: 'http://localhost:8888/x?y=1', path: '/other' }))
    assert.equal(request.url, 'http://localhost:8888/x?y=1')
  })

  test('`rawQuery` is kept as it was written', async () => {
    const { request } = await seen(restEvent({ rawQuery: 'a=%20b+c&a=2&flag' }))
    assert.equal(new URL(request.url).search, '?a=%20b+c&a=2&flag')
  })

  test('decoded parameters are encoded again, each of several values', async () => {
    const multiValueQueryStringParameters = { tag: ['a&b', 'c d'], q: ['ü'] }
    const { request } = await seen(restEvent({ multiValueQueryStringParameters, queryStringParameters: { tag: 'c d' } }))
    const { searchParams } = new URL(request.url)
    assert.deepEqual(searchParams.getAll('tag'), ['a&b', 'c d'])
    assert.equal(searchParams.get('q'), 'ü')
  })

  test('single parameters serve where there are no multiple ones', async () => {
    const { request } = await seen(restEvent({ queryStringParameters: { q: '1' }, multiValueQueryStringParameters: null }))
    assert.equal(new URL(request.url).search, '?q=1')
  })

  test('a header of several values keeps them all, in order', async () => {
    const multiValueHeaders = { 'X-Tag': ['one', 'two'] }
    const { request } = await seen(restEvent({ headers: { Host: 'site.example', 'X-Tag': 'two' }, multiValueHeaders }))
    assert.equal(request.headers.get('x-tag'), 'one, two')
  })

  test('a header that only `headers` has is not lost beside `multiValueHeaders`', async () => {
    const { request } = await seen(header('x-single', 'yes', { multiValueHeaders: { 'x-multi': ['1'] } }))
    assert.equal(request.headers.get('x-single'), 'yes')
  })

  test('several cookie headers become one, joined as cookies are', async () => {
    const { request } = await seen(restEvent({ multiValueHeaders: { Cookie: ['a=1', 'b=2'] } }))
    assert.equal(request.headers.get('cookie'), 'a=1; b=2')
  })

  test('a header that HTTP does not allow is dropped with a warning, the request goes on', async () => {
    const warnings = await captured('warn', async () => {
      const { request } = await seen(header('x-name', '東京'))
      assert.equal(request.headers.has('x-name'), false)
    })
    assert.equal(warnings.length, 1)
    assert.match(warnings[0], /x-name/)
  })

  test('`x-forwarded-proto` gives the scheme', async () => {
    const { request } = await seen(header('x-forwarded-proto', 'http'))
    assert.equal(new URL(request.url).protocol, 'http:')
  })

  test('neither `//` nor `?` in a path changes the host or the query', async () => {
    const { request } = await seen(restEvent({ path: '//evil.example/a?b' }))
    const url = new URL(request.url)
    assert.equal(url.host, 'site.example')
    assert.equal(url.search, '')
  })

  test('an event without anything is a GET of the root', async () => {
    const { request } = await seen(undefined, { lambda: {} })
    assert.equal(`${request.method} ${request.url}`, 'GET https://site.example/')
    assert.equal((await getLambdaHandler((request) => new Response(request.url))(null)).body, 'https://localhost/')
  })
})

describe('request of an HTTP API or function URL event', () => {
  test('method, path and query make the request', async () => {
    const { request } = await seen(httpEvent({ method: 'PATCH', rawPath: '/a/b', rawQueryString: 'x=1&x=2' }))
    assert.equal(request.method, 'PATCH')
    assert.equal(request.url, 'https://site.example/a/b?x=1&x=2')
  })

  test('the `cookies` list becomes the cookie header', async () => {
    const { request } = await seen(httpEvent({ cookies: ['a=1', 'b=2'] }))
    assert.equal(request.headers.get('cookie'), 'a=1; b=2')
  })

  test('without a host header the domain of the request context serves', async () => {
    const requestContext = { http: { method: 'GET' }, domainName: 'id.lambda-url.us-east-1.on.aws' }
    const { request } = await seen(httpEvent({ headers: {}, requestContext }))
    assert.equal(request.url, 'https://id.lambda-url.us-east-1.on.aws/')
  })

  test('a percent-encoded path is not encoded twice', async () => {
    const { request } = await seen(httpEvent({ rawPath: '/caf%C3%A9/ü' }))
    assert.equal(new URL(request.url).pathname, '/caf%C3%A9/%C3%BC')
  })
})

describe('request body', () => {
  test('text arrives as UTF-8', async () => {
    const { text } = await seen(restEvent({ httpMethod: 'POST', body: 'grüße' }))
    assert.equal(text, 'grüße')
  })

  test('base64 is decoded to its bytes', async () => {
    const body = Buffer.from([0, 255, 254, 10]).toString('base64')
    const { bytes } = await seen(httpEvent({ method: 'POST', body, isBase64Encoded: true }))
    assert.deepEqual([...bytes], [0, 255, 254, 10])
  })

  test('GET and HEAD have none, whatever the event says', async () => {
    for (const httpMethod of ['GET', 'HEAD']) {
      const { request } = await seen(restEvent({ httpMethod, body: 'ignored' }))
      assert.equal(request.body, null)
    }
  })

  test('no content type is made up', async () => {
    const { request } = await seen(restEvent({ httpMethod: 'POST', body: 'x' }))
    assert.equal(request.headers.has('content-type'), false)
  })

  test('a scheduled event is an ordinary POST for a function', async () => {
    const event = header('x-nf-event', 'schedule', { httpMethod: 'POST', body: '{"next_run":"2030-01-01T00:00:00.000Z"}' })
    const { request, text } = await seen(event)
    assert.equal(request.headers.get('x-nf-event'), 'schedule')
    assert.deepEqual(JSON.parse(text), { next_run: '2030-01-01T00:00:00.000Z' })
  })
})

describe('buffered result', () => {
  test('status, headers and text', async () => {
    const result = await call(() => new Response('hello', { status: 201, headers: { 'x-a': '1' } }))
    assert.deepEqual(result, {
      statusCode: 201,
      headers: { 'content-type': 'text/plain;charset=UTF-8', 'x-a': '1' },
      multiValueHeaders: {},
      body: 'hello',
      isBase64Encoded: false,
    })
  })

  test('each text type stays text', async () => {
    const types = ['text/css', 'application/json', 'application/ld+json; charset=utf-8', 'image/svg+xml', 'application/javascript']
    for (const type of types) {
      const result = await call(() => new Response('é', { headers: { 'content-type': type } }))
      assert.deepEqual([result.body, result.isBase64Encoded], ['é', false], type)
    }
  })

  test('everything else is base64', async () => {
    for (const headers of [{ 'content-type': 'image/png' }, {}]) {
      const result = await call(() => new Response(new Uint8Array([137, 80, 0]), { headers }))
      assert.deepEqual([result.body, result.isBase64Encoded], ['iVAA', true])
    }
  })

  test('text that is not UTF-8 is base64, so that no byte is lost', async () => {
    const latin1 = Buffer.from('caf\xe9', 'latin1')
    const result = await call(() => new Response(latin1, { headers: { 'content-type': 'text/plain; charset=iso-8859-1' } }))
    assert.equal(result.isBase64Encoded, true)
    assert.deepEqual(decoded(result), latin1)
  })

  test('compressed text is base64', async () => {
    const headers = { 'content-type': 'text/html', 'content-encoding': 'gzip' }
    // Bytes that would pass for text: it is the header that counts.
    const result = await call(() => new Response('abc', { headers }))
    assert.deepEqual([result.body, result.isBase64Encoded], ['YWJj', true])
    assert.equal(result.headers['content-encoding'], 'gzip')
  })

  test('a body of null is an empty string', async () => {
    const result = await call(() => new Response(null, { status: 304 }))
    assert.deepEqual([result.statusCode, result.body, result.isBase64Encoded], [304, '', false])
  })

  test('cookies are never merged (REST: `multiValueHeaders`)', async () => {
    const result = await call(() => new Response('', { headers: [['set-cookie', 'a=1; Path=/'], ['set-cookie', 'b=2']] }))
    assert.deepEqual(result.multiValueHeaders, { 'set-cookie': ['a=1; Path=/', 'b=2'] })
    assert.equal('set-cookie' in result.headers, false)
  })

  test('cookies are never merged (payload 2.0: `cookies`)', async () => {
    const func = () => new Response('', { headers: [['set-cookie', 'a=1'], ['set-cookie', 'b=2'], ['vary', 'x'], ['vary', 'y']] })
    const result = await call(func, httpEvent())
    assert.deepEqual(result.cookies, ['a=1', 'b=2'])
    assert.equal(result.headers.vary, 'x, y')
    assert.equal('multiValueHeaders' in result, false)
  })

  test('a stream is collected, strings among its chunks included', async () => {
    const chunks = ['one ', new TextEncoder().encode('two')]
    const stream = new ReadableStream({ pull: (c) => (chunks.length ? c.enqueue(chunks.shift()) : c.close()) })
    const result = await call(() => new Response(stream, { headers: { 'content-type': 'text/plain' } }))
    assert.equal(result.body, 'one two')
  })

  test('a response of `fetch` loses the encoding that fetching undid', async () => {
    const server = createServer((_, response) => {
      response.writeHead(200, { 'content-type': 'text/plain', 'content-encoding': 'gzip', 'x-up': '1' })
      response.end(gzipSync('plain again'))
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const result = await call(() => fetch(`http://127.0.0.1:${server.address().port}/`))
    server.close()
    server.closeAllConnections()
    assert.equal(result.body, 'plain again')
    assert.equal(result.headers['x-up'], '1')
    for (const name of ['content-encoding', 'transfer-encoding', 'connection']) assert.equal(name in result.headers, false)
  })

  test('undefined is 204', async () => {
    const result = await call(() => undefined)
    assert.deepEqual([result.statusCode, result.body], [204, ''])
  })
})

describe('streamed result', () => {
  const streamOf = (source) => () => new Response(new ReadableStream(source), { headers: { 'x-kind': 'stream' } })

  test('status and headers leave before the first chunk is there', async () => {
    const lambda = fakeLambda()
    let controller
    const handling = lambda.handlerOf(streamOf({ start: (c) => void (controller = c) }))(restEvent(), {})
    await sleep(20)
    assert.deepEqual(lambda.log, ['head 200', 'sent '])
    controller.close()
    await handling
  })

  test('each chunk leaves when it comes, in order', async () => {
    const lambda = fakeLambda()
    const chunks = ['one', 'two', 'three']
    const handler = lambda.handlerOf(
      streamOf({
        async pull(controller) {
          await sleep(10)
          if (chunks.length === 0) return controller.close()
          lambda.log.push(`made ${chunks[0]}`)
          controller.enqueue(Buffer.from(chunks.shift()))
        },
      }),
    )
    await handler(restEvent(), {})
    const order = lambda.log.filter((line) => !/^(head|sent $)/.test(line))
    assert.deepEqual(order, ['made one', 'sent one', 'made two', 'sent two', 'made three', 'sent three'])
    assert.equal(lambda.out.writableEnded, true)
  })

  test('a slow client holds the source back', async () => {
    const lambda = fakeLambda({ highWaterMark: 1, delay: 5 })
    let made = 0
    let lead = 0
    const sent = () => lambda.log.filter((line) => line.startsWith('sent x')).length
    const handler = lambda.handlerOf(
      streamOf({
        pull(controller) {
          if (made === 20) return controller.close()
          made++
          lead = Math.max(lead, made - sent())
          controller.enqueue(Buffer.from(`x${made};`))
        },
      }),
    )
    await handler(restEvent(), {})
    await once(lambda.out, 'finish')
    assert.equal(sent(), 20)
    assert.ok(lead <= 3, `the source was ${lead} chunks ahead`)
  })

  test('a client that goes away while the source is silent cancels it', async () => {
    const lambda = fakeLambda()
    let reason
    const handler = lambda.handlerOf(streamOf({ pull: () => new Promise(() => {}), cancel: (why) => void (reason = why) }))
    const handling = handler(restEvent(), {})
    await sleep(10)
    lambda.out.destroy()
    await handling
    assert.match(String(reason), /client went away/)
  })

  test('a client that goes away under back-pressure cancels the source', async () => {
    const lambda = fakeLambda({ highWaterMark: 1, delay: 60_000 })
    lambda.out._write = () => {} // Never done with its first chunk.
    let isCancelled = false
    const source = { pull: (c) => c.enqueue(Buffer.from('x')), cancel: () => void (isCancelled = true) }
    const handling = lambda.handlerOf(streamOf(source))(restEvent(), {})
    await sleep(10)
    lambda.out.destroy()
    await handling
    assert.equal(isCancelled, true)
  })

  test('a client that went away before the response cancels it without a write', async () => {
    const lambda = fakeLambda()
    let isCancelled = false
    const handler = lambda.handlerOf(streamOf({ cancel: () => void (isCancelled = true) }))
    lambda.out.destroy()
    await once(lambda.out, 'close')
    await handler(restEvent(), {})
    assert.equal(isCancelled, true)
    assert.equal(lambda.body(), '')
  })

  test('the cleaning up of a cancelled source is waited for', async () => {
    const lambda = fakeLambda()
    let isClean = false
    const cancel = () => sleep(20).then(() => void (isClean = true))
    const handling = lambda.handlerOf(streamOf({ cancel }))(restEvent(), {})
    await sleep(5)
    lambda.out.destroy()
    await handling
    assert.equal(isClean, true)
  })

  test('no body still sends the status', async () => {
    const lambda = fakeLambda()
    await lambda.handlerOf(() => undefined)(restEvent(), {})
    assert.deepEqual(lambda.log, ['head 204', 'sent '])
    assert.equal(lambda.out.writableEnded, true)
  })

  test('cookies are kept apart in either shape', async () => {
    const func = () => new Response('', { headers: [['set-cookie', 'a=1'], ['set-cookie', 'b=2']] })
    const rest = fakeLambda()
    await rest.handlerOf(func)(restEvent(), {})
    assert.deepEqual(rest.heads[0].multiValueHeaders, { 'set-cookie': ['a=1', 'b=2'] })
    const http = fakeLambda()
    await http.handlerOf(func)(httpEvent(), {})
    assert.deepEqual(http.heads[0].cookies, ['a=1', 'b=2'])
  })

  test('a throw before the response is a 500 with the message', async () => {
    const lambda = fakeLambda()
    const lines = await captured('error', () =>
      lambda.handlerOf(() => {
        throw new RangeError('too far')
      })(restEvent(), {}),
    )
    assert.equal(lambda.heads[0].statusCode, 500)
    assert.equal(lambda.body(), 'RangeError: too far')
    assert.equal(lines.length, 1)
  })

  test('a source that fails half-way breaks the response and the invocation, logged once', async () => {
    const lambda = fakeLambda()
    let pulls = 0
    const pull = (c) => (pulls++ === 0 ? c.enqueue(Buffer.from('half')) : c.error(new Error('source broke')))
    const lines = await captured('error', async () => {
      await assert.rejects(lambda.handlerOf(streamOf({ pull }))(restEvent(), lambdaContext()), /source broke/)
      await sleep(5)
    })
    assert.equal(lambda.out.destroyed, true)
    assert.equal(lambda.out.writableFinished, false)
    assert.equal(lines.length, 1)
    assert.match(lines[0], /lambda-id/)
  })

  test('promises of `waitUntil` are waited for after the response has ended', async () => {
    const lambda = fakeLambda()
    const handler = lambda.handlerOf((_, context) => {
      context.waitUntil(sleep(30).then(() => lambda.log.push(`done, ended ${lambda.out.writableEnded}`)))
      return new Response('body')
    })
    await handler(restEvent(), {})
    assert.deepEqual(lambda.log, ['head 200', 'sent ', 'sent body', 'done, ended true'])
  })
})

describe('context', () => {
  test('`requestId` is the edge\'s, else the gateway\'s, else Lambda\'s', async () => {
    assert.equal((await seen(header('X-Nf-Request-Id', 'edge-id'))).context.requestId, 'edge-id')
    assert.equal((await seen(httpEvent())).context.requestId, 'gateway-id')
    assert.equal((await seen(restEvent())).context.requestId, 'lambda-id')
  })

  test('`url` is the request\'s as a URL', async () => {
    const { context } = await seen(restEvent({ path: '/x', rawQuery: 'y=1' }))
    assert.ok(context.url instanceof URL)
    assert.equal(context.url.href, 'https://site.example/x?y=1')
  })

  test('`ip` is the header\'s, else the gateway\'s', async () => {
    assert.equal((await seen(header('x-nf-client-connection-ip', '198.51.100.1'))).context.ip, '198.51.100.1')
    assert.equal((await seen(httpEvent())).context.ip, '203.0.113.9')
    const requestContext = { identity: { sourceIp: '192.0.2.4' } }
    assert.equal((await seen(restEvent({ requestContext }))).context.ip, '192.0.2.4')
  })

  test('`geo` is read from its header, the postal code under its documented name', async () => {
    const sent = {
      city: 'Köln',
      country: { code: 'DE', name: 'Germany' },
      subdivision: { code: 'NW', name: 'North Rhine-Westphalia' },
      timezone: 'Europe/Berlin',
      latitude: 50.9,
      longitude: 6.9,
      postal_code: '50667',
    }
    const { postal_code: postalCode, ...rest } = sent
    assert.deepEqual((await seen(header('x-nf-geo', base64Json(sent)))).context.geo, { ...rest, postalCode })
  })

  test('`geo` is empty without a header and with one that cannot be read', async () => {
    assert.deepEqual((await seen(restEvent())).context.geo, {})
    assert.deepEqual((await seen(header('x-nf-geo', '%%%'))).context.geo, {})
    assert.deepEqual((await seen(header('x-nf-geo', base64Json(null)))).context.geo, {})
  })

  test('`site`, `server`, `account` and `deploy` come from the environment', async () => {
    const environment = { SITE_ID: 's1', SITE_NAME: 'shop', URL: 'https://shop.example', AWS_REGION: 'eu-west-1' }
    await withEnvironment({ ...environment, ACCOUNT_ID: 'a1', DEPLOY_ID: 'd1', CONTEXT: 'branch-deploy' }, async () => {
      const { context } = await seen(restEvent())
      assert.deepEqual(context.site, { id: 's1', name: 'shop', url: 'https://shop.example' })
      assert.deepEqual(context.server, { region: 'eu-west-1' })
      assert.deepEqual(context.account, { id: 'a1' })
      assert.deepEqual([context.deploy.id, context.deploy.context, context.deploy.published], ['d1', 'branch-deploy', false])
    })
  })

  test('headers of the edge win over the environment for `deploy` and `account`', async () => {
    await withEnvironment({ DEPLOY_ID: 'd1', CONTEXT: 'dev' }, async () => {
      const headers = {
        'x-nf-deploy-id': 'd2',
        'x-nf-deploy-context': 'production',
        'x-nf-deploy-published': '1',
        'x-nf-account-id': 'a2',
      }
      const { context } = await seen(restEvent({ headers }))
      assert.deepEqual([context.deploy.id, context.deploy.context, context.deploy.published], ['d2', 'production', true])
      assert.deepEqual(context.account, { id: 'a2' })
    })
  })

  test('`flags` answers from the event', async () => {
    const { context } = await seen(restEvent({ flags: { on: true } }))
    assert.deepEqual([context.flags.get('on'), context.flags.get('off')], [true, undefined])
  })

  test('`json` makes a response, with the given status and headers', async () => {
    const result = await call((_, context) => context.json({ a: 1 }, { status: 202, headers: { 'x-b': '2' } }))
    assert.deepEqual([result.statusCode, result.body], [202, '{"a":1}'])
    assert.deepEqual(result.headers, { 'content-type': 'application/json', 'x-b': '2' })
  })

  test('`next` throws and says why', async () => {
    const { context } = await seen(restEvent())
    assert.throws(() => context.next(), /edge functions/)
  })

  test('`rewrite` fetches an address relative to the request', async () => {
    const server = createServer((request, response) => response.end(`at ${request.url}`)).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const rawUrl = `http://127.0.0.1:${server.address().port}/from`
    const result = await call((_, context) => context.rewrite('/to?q=1'), restEvent({ rawUrl }))
    server.close()
    server.closeAllConnections()
    assert.equal(decoded(result).toString(), 'at /to?q=1')
  })

  test('`getContext()` of `@netlify/functions` finds the context where it looks for it', async () => {
    const store = globalThis[Symbol.for('@netlify/functions/request-context-store')]
    const result = await call((_, context) => new Response(String(store.getStore().context === context)))
    assert.equal(result.body, 'true')
  })

  test('`Netlify.context` is the context of the call it is asked in, `Netlify.env` the environment', async () => {
    const func = async (_, context) => {
      await sleep(5)
      return new Response(String(globalThis.Netlify.context === context))
    }
    const results = await Promise.all([call(func), call(func)])
    assert.deepEqual(results.map(({ body }) => body), ['true', 'true'])
    assert.equal(globalThis.Netlify.context, null)
    await withEnvironment({ FNZIP_TEST: 'v' }, () => assert.equal(globalThis.Netlify.env.get('FNZIP_TEST'), 'v'))
  })
})

describe('params', () => {
  const rows = [
    { path: '/travel/:city/:country', at: '/travel/rome/italy', params: { city: 'rome', country: 'italy' } },
    { path: '/travel/:city', at: '/travel/rome/', params: { city: 'rome' } },
    { path: '/files/*', at: '/files/a/b.txt', params: { 0: 'a/b.txt' } },
    { path: '/*/x/*', at: '/a/x/b', params: { 0: 'a', 1: 'b' } },
    { path: '/files/*', at: '/files/', params: { 0: '' } },
    { path: '/opt/:name?', at: '/opt', params: {} },
    { path: '/opt/:name?', at: '/opt/x', params: { name: 'x' } },
    { path: '/deep/:rest+', at: '/deep/a/b', params: { rest: 'a/b' } },
    { path: '/all/:rest*', at: '/all', params: {} },
    { path: '/v1.0/:id.json', at: '/v1.0/7.json', params: { id: '7' } },
    { path: '/v1.0/:id', at: '/v1x0/7', params: {} },
    { path: '/straße/:nr', at: '/stra%C3%9Fe/5', params: { nr: '5' } },
    { path: '/a/:x', at: '/a/b%2Fc', params: { x: 'b%2Fc' } },
    { path: ['/one/:a', '/two/:b'], at: '/two/z', params: { b: 'z' } },
    { path: undefined, at: '/any', params: {} },
  ]
  const check = async () => {
    for (const { path, at, params } of rows) {
      const { context } = await seen(restEvent({ path: at }), { config: { path } })
      assert.deepEqual(context.params, params, `${path} at ${at}`)
    }
  }

  test('named groups and wildcards, by the small matcher', () => withoutURLPattern(check))

  test('the same by URLPattern', { skip: !globalThis.URLPattern && 'this Node.js has no URLPattern' }, check)

  test('a pattern beyond the small matcher is named in a warning and gives none', async () => {
    await withoutURLPattern(async () => {
      const warnings = await captured('warn', async () => {
        const { context } = await seen(restEvent({ path: '/a/1' }), { config: { path: '/a/:id(\\d+)' } })
        assert.deepEqual(context.params, {})
        await seen(restEvent({ path: '/a/2' }), { config: { path: '/a/:id(\\d+)' } })
      })
      assert.equal(warnings.length, 1)
      assert.match(warnings[0], /\/a\/:id\(\\d\+\)/)
    })
  })

  test('the route that the platform matched comes first', async () => {
    const event = restEvent({ path: '/a/b', route: '/:first/:second' })
    const { context } = await seen(event, { config: { path: '/a/:other' } })
    assert.deepEqual([context.path, context.params], ['/:first/:second', { first: 'a', second: 'b' }])
  })
})

describe('cookies', () => {
  test('`get` reads the request\'s, as they were sent', async () => {
    const { context } = await seen(header('cookie', 'a=1; token=x%3D=y; empty='))
    assert.deepEqual(['a', 'token', 'empty', 'none'].map(context.cookies.get), ['1', 'x%3D=y', '', undefined])
  })

  test('`set` adds to the response\'s own, with attributes', async () => {
    const result = await call((_, { cookies }) => {
      cookies.set('a', '1')
      cookies.set({
        name: 'b',
        value: '2',
        expires: new Date(0),
        maxAge: 60,
        domain: 'site.example',
        path: '/x',
        secure: true,
        httpOnly: true,
        sameSite: 'Lax',
      })
      return new Response('', { headers: { 'set-cookie': 'own=0' } })
    })
    assert.deepEqual(result.multiValueHeaders['set-cookie'], [
      'own=0',
      'a=1',
      'b=2; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=60; Domain=site.example; Path=/x; Secure; HttpOnly; SameSite=Lax',
    ])
  })

  test('`delete` lets the cookie expire on its path', async () => {
    const result = await call((_, { cookies }) => {
      cookies.delete('a')
      cookies.delete({ name: 'b', path: '/x', domain: 'site.example' })
    }, httpEvent())
    assert.deepEqual(result.cookies, [
      'a=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Path=/',
      'b=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Domain=site.example; Path=/x',
    ])
  })

  test('of a cookie that was sent twice, the last counts', async () => {
    const { context } = await seen(header('cookie', 'a=1; a=2'))
    assert.equal(context.cookies.get('a'), '2')
  })

  test('a number is written as text', async () => {
    const result = await call((_, { cookies }) => cookies.set({ name: 'a', value: 5 }), httpEvent())
    assert.deepEqual(result.cookies, ['a=5'])
  })

  test('names with a prefix get what browsers want of them', async () => {
    const result = await call((_, { cookies }) => {
      cookies.set('__Secure-a', '1')
      cookies.set({ name: '__Host-b', value: '2', path: '/x' })
    }, httpEvent())
    assert.deepEqual(result.cookies, ['__Secure-a=1; Secure', '__Host-b=2; Path=/; Secure'])
  })

  test('a cookie may be set on a response whose headers cannot change', async () => {
    const result = await call((_, { cookies }) => {
      cookies.set('a', '1')
      return Response.redirect('https://site.example/next')
    })
    assert.equal(result.headers.location, 'https://site.example/next')
    assert.deepEqual(result.multiValueHeaders['set-cookie'], ['a=1'])
  })

  test('a name or value that would break the header is refused', async () => {
    const { context } = await seen(restEvent())
    for (const [name, value] of [['a b', '1'], [undefined, '1'], ['a', '1; Path=/'], ['a', 'x\r\ny'], ['a', undefined]]) {
      assert.throws(() => context.cookies.set(name, value), TypeError)
    }
  })
})

describe('waitUntil', () => {
  test('the handler resolves after the promise', async () => {
    let isDone = false
    const result = await call((_, context) => {
      context.waitUntil(sleep(20).then(() => void (isDone = true)))
      return new Response('early')
    })
    assert.deepEqual([result.body, isDone], ['early', true])
  })

  test('a promise that adds another is waited for with it', async () => {
    const done = []
    await call((_, { waitUntil }) => {
      waitUntil(sleep(5).then(() => waitUntil(sleep(5).then(() => done.push('second')))).then(() => done.push('first')))
    })
    assert.deepEqual(done, ['first', 'second'])
  })

  test('one that fails is logged with the request id and changes nothing', async () => {
    const lines = await captured('error', async () => {
      const result = await call((_, context) => {
        context.waitUntil(Promise.reject(new Error('later')))
        return new Response('ok')
      })
      assert.equal(result.statusCode, 200)
    })
    assert.equal(lines.length, 1)
    assert.match(lines[0], /lambda-id[^]*Error: later/)
  })

  test('is honoured although the function throws', async () => {
    let isDone = false
    await captured('error', () =>
      call((_, context) => {
        context.waitUntil(sleep(10).then(() => void (isDone = true)))
        throw new Error('no')
      }),
    )
    assert.equal(isDone, true)
  })

  test('only it holds the invocation open, not what is left in the event loop', async () => {
    const lambda = lambdaContext()
    await call(() => undefined, restEvent(), lambda)
    assert.equal(lambda.callbackWaitsForEmptyEventLoop, false)
  })
})

describe('failure', () => {
  const failing = () => {
    throw new TypeError('bad input')
  }

  test('a throw is a 500 of name and message, without the stack', async () => {
    await withEnvironment({ NETLIFY_DEV: undefined }, async () => {
      await captured('error', async () => {
        const result = await call(failing)
        assert.deepEqual([result.statusCode, result.body], [500, 'TypeError: bad input'])
        assert.match(result.headers['content-type'], /^text\/plain/)
      })
    })
  })

  test('with NETLIFY_DEV the body has the stack', async () => {
    await withEnvironment({ NETLIFY_DEV: 'true' }, async () => {
      await captured('error', async () => assert.match((await call(failing)).body, /bad input\n +at failing/))
    })
  })

  test('the stack is logged once, with the request id and the cause', async () => {
    const lines = await captured('error', () =>
      call(async () => {
        throw new Error('outer', { cause: new Error('inner') })
      }),
    )
    assert.equal(lines.length, 1)
    assert.match(lines[0], /lambda-id[^]*Error: outer\n +at [^]*inner/)
  })

  test('a thrown value that is no error is a 500 too', async () => {
    await captured('error', async () => {
      const result = await call(() => Promise.reject('plain words'))
      assert.deepEqual([result.statusCode, result.body], [500, 'Error: plain words'])
      assert.equal((await call(() => Promise.reject(null))).statusCode, 500)
    })
  })

  test('a returned value that is no Response is a 500 with one clear line', async () => {
    for (const [value, words] of [['text', 'string'], [{ a: 1 }, 'object'], [null, 'null'], [Response.error(), 'Response.error']]) {
      const lines = await captured('error', async () => assert.equal((await call(() => value)).statusCode, 500))
      assert.equal(lines.length, 1)
      assert.match(lines[0], /the function returned .* must return a Response or undefined/)
      assert.ok(lines[0].includes(words), lines[0])
      assert.equal(lines[0].includes('\n'), false)
    }
  })

  test('a version 1 result is recognised', async () => {
    const lines = await captured('error', () => call(() => ({ statusCode: 200, body: '' })))
    assert.match(lines[0], /version 1/)
  })

  test('a body that fails while it is collected is a 500', async () => {
    const pull = (controller) => controller.error(new Error('source broke'))
    await captured('error', async () => {
      const result = await call(() => new Response(new ReadableStream({ pull })))
      assert.deepEqual([result.statusCode, result.body], [500, 'Error: source broke'])
    })
  })

  test('a background function\'s throw fails the invocation, logged once', async () => {
    const lines = await captured('error', () =>
      assert.rejects(getLambdaHandler(failing, { background: true })(restEvent(), {}), /bad input/),
    )
    assert.equal(lines.length, 1)
  })

  test('one failed request leaves the next one alone', async () => {
    let calls = 0
    const handler = getLambdaHandler(() => (calls++ === 0 ? failing() : new Response('fine')))
    await captured('error', () => handler(restEvent(), {}))
    assert.equal((await handler(restEvent(), {})).body, 'fine')
  })
})

describe('what is handed to getLambdaHandler', () => {
  const hello = () => new Response('hello')

  test('a namespace, its default, and a CommonJS namespace are the same function', async () => {
    for (const func of [{ default: hello }, hello, { default: { __esModule: true, default: hello } }]) {
      assert.equal((await call(func)).body, 'hello')
    }
  })

  test('the config of a CommonJS namespace is found', async () => {
    const func = (_, context) => context.json(context.params)
    const namespace = { default: { default: func, config: { path: '/:id' } } }
    assert.equal((await call(namespace, restEvent({ path: '/7' }))).body, '{"id":"7"}')
  })

  test('a path is imported by the first request', async () => {
    const source = 'globalThis.fnzipLoads = (globalThis.fnzipLoads ?? 0) + 1; export default () => new Response("lazy")'
    const handler = getLambdaHandler(`data:text/javascript,${encodeURIComponent(source)}`)
    assert.equal(globalThis.fnzipLoads, undefined)
    assert.equal((await handler(restEvent(), {})).body, 'lazy')
    await handler(restEvent(), {})
    assert.equal(globalThis.fnzipLoads, 1)
  })

  test('a module that fails to load is a 500 that says so', async () => {
    await captured('error', async () => {
      const result = await call('data:text/javascript,throw new Error("at load")')
      assert.deepEqual([result.statusCode, result.body], [500, 'Error: at load'])
    })
  })

  test('a module without a default export is a 500 that says so', async () => {
    await captured('error', async () => assert.match((await call({ other: hello })).body, /no default export/))
  })
})
