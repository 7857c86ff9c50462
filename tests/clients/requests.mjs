// Sends requests to a server of functions, and prints what it answers as JSON: `node requests.mjs PORT`, where the
// functions of `tests/it/serve/peer.rs` are served. What differs from run to run is taken out.

import { once } from 'node:events'
import { Agent, request } from 'node:http'
import { argv } from 'node:process'
import { buffer } from 'node:stream/consumers'
import { gzipSync } from 'node:zlib'

const [port] = argv.slice(2)
const agent = new Agent({ keepAlive: false })

const token = (claims) => `Bearer e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.signature`
const json = { 'content-type': 'application/json' }
const text = { 'content-type': 'text/plain' }
const form = { 'content-type': 'application/x-www-form-urlencoded' }
const home = '/.netlify/functions'

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'HEAD']
const QUERIES = [
  ...['', '?', '?a', '?a=', '?a=1&a=2&b=3', '?a=1+2', '?a=%20b', '?a=b=c', '?&&a=1&', '?=x', '?a[]=1&a[]=2', '?a[b]=c'],
  ...['?%C3%A4=%F0%9F%98%80', '?a=%zz', '?a=%C3', '?a=1,2&a=3', '?A=1&a=2', '?a=%26%3D', '?constructor=1&__proto__=2'],
]
const PATHS = ['/', '/more', '/more/', '//double', '/a%20b', '/a%2Fb', '/%C3%A4', '/a;b=c', '/a:b@c', '/../echo/up', "/a'b(c)"]
const STATUSES = ['200', '204', '301', '304', '400', '418', '500', '599']
const BODIES = [
  [json, '{"a":1}'],
  [json, ''],
  [json, '{'],
  [{ 'content-type': 'application/json; charset=utf-8' }, '{"ä":"ö"}'],
  [{ 'content-type': 'application/ld+json' }, '{}'],
  [{ 'content-type': 'application/x-ndjson' }, '{}\n{}\n'],
  [text, 'plain'],
  [{ 'content-type': 'text/html;charset=UTF-8' }, '<p>ä</p>'],
  [form, 'a=1&b=2'],
  [{ 'content-type': 'multipart/form-data; boundary=x' }, '--x\r\ncontent-disposition: form-data; name="a"\r\n\r\n1\r\n--x--\r\n'],
  [{ 'content-type': 'application/octet-stream' }, Buffer.from([0, 1, 254, 255])],
  [{ 'content-type': 'image/png' }, Buffer.from('89504e47', 'hex')],
  [{ 'content-type': 'image/svg+xml' }, '<svg/>'],
  [{}, 'no type'],
  [{ ...json, 'content-encoding': 'gzip' }, gzipSync('{"zipped":true}')],
  [text, 'x'.repeat(300_000)],
]

const REQUESTS = [
  ...METHODS.map((method) => [method, `${home}/echo`]),
  ...QUERIES.map((query) => ['GET', `${home}/echo${query}`]),
  ...PATHS.map((path) => ['GET', `${home}/echo${path}`]),
  ...BODIES.map(([headers, body]) => ['POST', `${home}/echo`, headers, body]),
  ...STATUSES.map((status) => ['GET', `${home}/status?code=${status}`]),
  ['GET', `${home}/echo`, { 'x-two': ['a', 'b'], cookie: ['c=1', 'd=2'], 'x-Case': 'Kept' }],
  ['GET', `${home}/echo`, { accept: 'text/html', 'user-agent': 'someone', 'accept-language': 'de' }],
  ['GET', `${home}/echo`, { 'x-forwarded-for': '203.0.113.7', 'x-forwarded-proto': 'https' }],
  ['GET', `${home}/context`, { authorization: token({ sub: '1', email: 'ada@example.com', app_metadata: { roles: ['a'] } }) }],
  ['GET', `${home}/context`, { authorization: token({ name: 'Åse' }) }],
  ['GET', `${home}/context`, { authorization: 'Bearer nothing' }],
  ['GET', `${home}/context`, { authorization: 'Basic eA==' }],
  ['GET', `${home}/context`],
  ...['headers', 'multi', 'binary', 'empty', 'callback', 'nothing', 'nil', 'word', 'object', 'odd-header'].map((name) => ['GET', `${home}/${name}`]),
  ['HEAD', `${home}/headers`],
  ...['throws', 'rejects'].map((name) => ['GET', `${home}/${name}`]),
  ['POST', `${home}/late-background`, text, 'work'],
  ['GET', `${home}/none`],
  ['GET', `${home}/`],
  ['GET', '/nowhere'],
  ...METHODS.map((method) => [method, '/second/5?x=1&x=2', method === 'GET' ? { cookie: 'a=b' } : text, ['POST', 'PUT'].includes(method) ? 'text' : undefined]),
  ['GET', '/second/a%20b'],
  ['GET', '/Second/5/'],
  ['GET', '/second/none'],
  ['GET', '/second/5/6'],
  ['POST', '/second/5', { 'content-type': 'application/octet-stream' }, Buffer.from([0, 255])],
  ['GET', `${home}/third`],
  ['GET', '/about?x=1', { cookie: 'a=b; c=d' }],
  ['GET', '/about/one/two/three%20four'],
  ['POST', '/about', { ...json, authorization: token({ sub: '1' }), 'x-forwarded-for': '203.0.113.7' }, '{}'],
  ...['undefined', 'text', 'redirect', 'json', 'cookies', 'stream', 'empty', 'binary', 'teapot', 'late'].map((kind) => ['GET', `/kinds?kind=${kind}`]),
]

/** Headers that servers add as they like, and times. */
const OWN = ['connection', 'content-length', 'date', 'etag', 'keep-alive', 'transfer-encoding', 'vary', 'x-nf-start-timestamp', 'x-powered-by']

const send = async ([method, path, headers = {}, body]) => {
  const asked = request({ agent, host: '127.0.0.1', port, method, path, headers })
  if (body !== undefined) asked.setHeader('content-length', Buffer.byteLength(body))
  asked.end(body)
  const [response] = await once(asked, 'response')
  const bytes = await buffer(response)
  const kept = Object.fromEntries(Object.entries(response.headers).filter(([name]) => !OWN.includes(name)).sort())
  const said = bytes.toString('latin1').replaceAll(port, 'PORT')
  // Stacks are those of the server.
  const shown = response.statusCode === 500 ? said.split('\n')[0] : said
  // What a server says itself has a type or has none.
  if (response.statusCode >= 400 && kept['content-type'] === 'text/plain; charset=utf-8') delete kept['content-type']
  return { method, path, sent: headers, status: response.statusCode, headers: JSON.parse(JSON.stringify(kept).replaceAll(port, 'PORT')), body: shown }
}

const answers = []
for (const each of REQUESTS) answers.push(await send(each).catch(({ message }) => ({ method: each[0], path: each[1], failed: message })))
console.log(JSON.stringify(answers))
