// The bootstrap of version 2 functions: what stands between AWS Lambda and
// `export default async (request, context) => Response`.
//
// In:    a Lambda event in one of three shapes, namely API Gateway REST (payload 1.0, with
//        Netlify's `rawUrl`, `rawQuery` and `route`), HTTP API (payload 2.0), and function URL (2.0).
// Out:   the Lambda result in the shape of the same gateway; or, where the runtime offers
//        `awslambda.streamifyResponse`, the status and headers at once and each chunk as it comes.
// Also:  what happens to a site (a deploy, a form, a login) comes as a request, named in a header. Its
//        handler in the default export gets the body in the form that `@netlify/functions` types.
// Never: imports anything but Node's own modules, touches a file, retries, caches, reports to anyone,
//        changes the event, or shows a stack to a visitor (unless NETLIFY_DEV is `true`).
//
// It understands the entry file of `@netlify/serverless-functions-api`, but has none of its Blobs,
// Cache API, AI gateway or tracing. Read from the top: handler, function, event, request, context,
// response.

import { AsyncLocalStorage } from 'node:async_hooks'
import { inspect } from 'node:util'

const { env } = process
// `getContext()` of `@netlify/functions` looks here, too.
const scopes = (globalThis[Symbol.for('@netlify/functions/request-context-store')] ??= new AsyncLocalStorage())
const unreadable = new Set()

// Functions read `Netlify.env` while they load, so the global is there before any of them does.
globalThis.Netlify ??= {
  get context() {
    return scopes.getStore()?.context ?? null
  },
  env: {
    get: (key) => env[key],
    has: (key) => key in env,
    set: (key, value) => void (env[key] = value),
    delete: (key) => void delete env[key],
    toObject: () => ({ ...env }),
  },
}

/**
 * The Lambda handler of a function: of its module's namespace, its default export, or the path of
 * its main file relative to this one, which is then loaded by the first request. With `background`,
 * what it throws is no 500 but leaves the handler: a failed invocation is what makes Lambda try again.
 */
export function getLambdaHandler(func, { background = false } = {}) {
  const { awslambda } = globalThis
  const run = (event, lambda, delivery) => invoke({ func, background, event: event ?? {}, lambda, delivery })
  if (!awslambda?.streamifyResponse) return (event, lambda) => run(event, lambda, buffered)
  return awslambda.streamifyResponse((event, out, lambda) => run(event, lambda, streamed(awslambda, out)))
}

/** One invocation: request, function, response, and then whatever `waitUntil` was given. */
async function invoke({ func, background, event, lambda, delivery }) {
  const [idOfEdge] = valuesByName(event.headers)['x-nf-request-id'] ?? []
  const requestId = idOfEdge ?? event.requestContext?.requestId ?? lambda?.awsRequestId ?? ''
  const work = backgroundWork(requestId)
  // Only what `waitUntil` knows of keeps the invocation open; a pooled socket must not.
  if (lambda) lambda.callbackWaitsForEmptyEventLoop = false

  const scope = { context: null }
  // A body is opened while its failure can still become a 500.
  const open = async (response, setCookies) => [toHead(response, setCookies, event), await delivery.open(response.body)]
  const answer = async () => {
    const { target, config } = await load(func)
    const request = toRequest(event)
    const setCookies = []
    scope.context = toContext({ event, request, requestId, config, setCookies, waitUntil: work.add })
    return open(checked(await dispatch(target, request, scope.context)), setCookies)
  }
  return scopes.run(scope, async () => {
    try {
      const [head, body] = await answer().catch((error) => {
        logError(requestId, error)
        if (background) throw error
        return open(errorResponse(error), [])
      })
      return await delivery.send(head, body, { requestId, waitUntil: work.add })
    } finally {
      await work.settled()
    }
  })
}

/** The promises that outlive the response. Each may add more; one that fails is logged, no more. */
function backgroundWork(requestId) {
  const pending = new Set()
  return {
    add(promise) {
      const settling = Promise.resolve(promise)
        .catch((error) => logError(requestId, error))
        .finally(() => pending.delete(settling))
      pending.add(settling)
    },
    async settled() {
      while (pending.size > 0) await Promise.all(pending)
    },
  }
}

/** Unwraps the default export, twice for CommonJS, where the namespace's default is `exports`. */
async function load(func) {
  let target = typeof func === 'string' ? await import(func) : func
  let config = target?.config
  for (let depth = 0; depth < 2 && isObject(target) && 'default' in target; depth++) {
    target = target.default
    config ??= target?.config
  }
  return { target, config }
}

function dispatch(target, request, context) {
  if (typeof target === 'function') return target(request, context)
  const slug = toSlug(request.headers)
  const eventHandler = isObject(target) && eventHandlerFor(target, slug)
  if (eventHandler) return callEventHandler(target, eventHandler, slug, request)
  if (typeof target?.fetch === 'function') return target.fetch(request, context)
  throw complaint('the function has no default export that is a function or has a `fetch` method')
}

// The events whose handler is not named as the event is.
const EVENT_HANDLER_ALIASES = {
  submissionCreated: 'formSubmitted', identityValidate: 'userValidate', identitySignup: 'userSignup',
  identityLogin: 'userLogin', identityUsermodified: 'userModified', identityUserdeleted: 'userDeleted',
}

/** The event's name as the platform spells it: `deploy-succeeded` is `deploy_succeeded`. */
function toSlug(headers) {
  const event = headers.get('x-nf-event') ?? headers.get('x-netlify-event') ?? ''
  return event.toLowerCase().replace(/[-_]+/g, '_')
}

/** `deploy_succeeded` names the handler `deploySucceeded`. */
function eventHandlerFor(target, slug) {
  const name = slug.replace(/_([a-z])/g, (_, letter) => letter.toUpperCase())
  const isHandler = (key) => key !== 'fetch' && !(key in Object.prototype) && typeof target[key] === 'function'
  return [EVENT_HANDLER_ALIASES[name], name].find(isHandler)
}

/** An event's handler gets no context, and only Identity takes more from it than that it is done. */
async function callEventHandler(target, handler, slug, request) {
  const empty = (status) => new Response(null, { status })
  const refusal = (reason) => json({ error: `the body of event ${slug} ${reason}` }, { status: 400 })
  const [kind] = slug.split('_')
  const { needs, toEvent } = EVENTS[kind] ?? RAW_EVENT

  let body
  try {
    body = await request.json()
  } catch {
    return refusal('is not JSON')
  }
  const missing = Object.entries(needs).find(([path, type]) => !isOfType(type, valueAt(path, body)))
  if (missing) return refusal(`has no ${missing.join(' of type ')}`)

  let isDenied = false
  const deny = () => void (isDenied = true)
  const result = await target[handler](toEvent(body, deny))
  // Who is deleted is gone: neither a denial nor a changed user matters.
  if (kind !== 'identity' || slug === 'identity_userdeleted') return empty(200)
  if (isDenied) return empty(401)
  if (result == null) return empty(200)
  if (!isObject(result.user)) throw complaint(`\`${handler}\` must return nothing or \`{ user }\``)
  return json(fromUser(result.user))
}

const isOfType = (type, value) => typeof value === type && value !== null
const valueAt = (path, value) => path.split('.').reduce((inner, key) => inner?.[key], value)

// By the first word of the event's name: what the platform's body must have, and what the handler gets.
const EVENTS = {
  __proto__: null,
  deploy: {
    needs: { site: 'object', 'payload.id': 'string', 'payload.state': 'string', 'payload.created_at': 'string' },
    toEvent: ({ payload, site }) => ({
      deploy: { ...renamed(DEPLOY, payload, orNull), manual: Boolean(payload.manual_deploy) },
      site: renamed(DEPLOY_SITE, site),
    }),
  },
  submission: {
    needs: { 'payload.data': 'object' },
    toEvent: ({ payload: { data } }) => ({ data }),
  },
  identity: {
    needs: { 'user.id': 'string', 'user.email': 'string', 'user.created_at': 'string' },
    toEvent: ({ user }, deny) => ({ user: toUser(user), deny }),
  },
}
const RAW_EVENT = { needs: {}, toEvent: (body) => body }

// Handlers see camelCase where the platform writes snake_case; these names differ by more.
const PLATFORM_NAMES = { permalinkUrl: 'deploy_ssl_url', time: 'deploy_time', pendingEmail: 'new_email' }
const DEPLOY = fields(
  'id siteId buildId? state errorMessage? url sslUrl permalinkUrl adminUrl context branch? commitRef? ' +
    'commitUrl? commitMessage? committer? title? createdAt publishedAt? time? framework?',
)
const DEPLOY_SITE = fields('id name url adminUrl')
const USER = fields(
  'id email confirmedAt? createdAt updatedAt invitedAt? confirmationSentAt? recoverySentAt? ' +
    'pendingEmail? emailChangeSentAt? lastSignInAt?',
)
const CHANGED_USER = USER.map(([theirs, ours, isOptional]) => [ours, theirs, isOptional])

/** Each name as the platform writes it, as a handler sees it, and whether it ends in `?`: may be missing. */
function fields(names) {
  return names.split(' ').map((word) => {
    const name = word.replace('?', '')
    const snake = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
    return [PLATFORM_NAMES[name] ?? snake, name, name !== word]
  })
}

/** The fields of `source` under their other names; `optional` says what stands for a missing value. */
function renamed(table, source, optional) {
  const valueOf = (from, isOptional) => (isOptional ? optional(source[from]) : source[from])
  return Object.fromEntries(table.map(([from, to, isOptional]) => [to, valueOf(from, isOptional)]))
}

const orNull = (value) => value ?? null
const stringOf = (value) => (typeof value === 'string' ? value : undefined)
const filled = (value) => stringOf(value) || undefined

function toUser(user) {
  const userMetadata = user.user_metadata ?? {}
  const appMetadata = user.app_metadata ?? {}
  const { provider, roles } = appMetadata
  return {
    ...renamed(USER, user, filled),
    role: filled(user.role),
    provider: filled(provider),
    name: stringOf(userMetadata.full_name || userMetadata.name),
    pictureUrl: stringOf(userMetadata.avatar_url),
    roles: Array.isArray(roles) && roles.every((role) => typeof role === 'string') ? roles : undefined,
    userMetadata,
    appMetadata,
  }
}

/** A field wins over the metadata that it was read from. */
function fromUser(user) {
  const { role, provider, roles, name, pictureUrl, userMetadata, appMetadata } = user
  return {
    ...renamed(CHANGED_USER, user, orNull),
    role,
    app_metadata: { ...appMetadata, ...given({ provider, roles }) },
    user_metadata: { ...userMetadata, ...given({ full_name: name, avatar_url: pictureUrl }) },
  }
}

function toRequest(event) {
  const method = (event.httpMethod ?? event.requestContext?.http?.method ?? 'GET').toUpperCase()
  const headers = toHeaders(event)
  const hasBody = !['GET', 'HEAD'].includes(method) && event.body != null
  // Bytes rather than a string: for a string, `Request` makes up a content type.
  const body = hasBody ? Buffer.from(event.body, event.isBase64Encoded ? 'base64' : 'utf8') : undefined
  return new Request(toUrl(event, headers), { method, headers, body })
}

/** A name in `multiValueHeaders` replaces the same name in `headers`; its values keep their order. */
function toHeaders(event) {
  const lists = { ...valuesByName(event.headers), ...valuesByName(event.multiValueHeaders) }
  if (event.cookies?.length > 0) lists.cookie = event.cookies
  if (lists.cookie) lists.cookie = [lists.cookie.join('; ')]

  const headers = new Headers()
  for (const [name, values] of Object.entries(lists)) {
    try {
      for (const value of values) headers.append(name, value)
    } catch {
      console.warn(`dropped request header ${JSON.stringify(name)}: not valid in HTTP`)
    }
  }
  return headers
}

function valuesByName(headers) {
  const lists = Object.create(null)
  for (const [name, value] of Object.entries(headers ?? {})) {
    const values = [value].flat().filter((one) => one != null)
    if (values.length > 0) (lists[name.toLowerCase()] ??= []).push(...values)
  }
  return lists
}

function toUrl(event, headers) {
  const isPlain = headers.get('x-forwarded-proto')?.split(',')[0].trim() === 'http'
  const host = headers.get('host') ?? event.requestContext?.domainName ?? 'localhost'
  const url = new URL(`${isPlain ? 'http' : 'https'}://${host}`)
  if (event.rawUrl) return new URL(event.rawUrl, url)
  // Assigned part by part, so that neither `//` nor `?` in a path becomes something else.
  url.pathname = event.rawPath ?? event.path ?? '/'
  url.search = event.rawQueryString ?? event.rawQuery ?? toQuery(event)
  return url
}

/** API Gateway REST hands the parameters over decoded, and in two forms. */
function toQuery({ multiValueQueryStringParameters, queryStringParameters }) {
  const pairsOf = ([name, values]) => [values].flat().map((value) => [name, value ?? ''])
  const parameters = Object.entries(multiValueQueryStringParameters ?? queryStringParameters ?? {})
  return new URLSearchParams(parameters.flatMap(pairsOf)).toString()
}

function toContext({ event, request: { headers, url: href }, requestId, config, setCookies, waitUntil }) {
  const url = new URL(href)
  const caller = event.requestContext?.http ?? event.requestContext?.identity
  return {
    account: { id: headers.get('x-nf-account-id') ?? env.ACCOUNT_ID ?? '' },
    cookies: toCookies(headers, setCookies),
    deploy: {
      branch: headers.get('x-nf-branch') ?? env.BRANCH ?? '',
      context: headers.get('x-nf-deploy-context') ?? env.CONTEXT ?? '',
      id: headers.get('x-nf-deploy-id') ?? env.DEPLOY_ID ?? '',
      published: ['1', 'true'].includes(headers.get('x-nf-deploy-published')),
      skewProtectionToken: event.skewProtectionToken,
    },
    flags: { get: (key) => event.flags?.[key] },
    geo: toGeo(headers.get('x-nf-geo')),
    ip: headers.get('x-nf-client-connection-ip') ?? caller?.sourceIp ?? '',
    json,
    log: console.log,
    next() {
      throw new Error('`context.next` does not exist in serverless functions, only in edge functions')
    },
    ...matchRoute([event.route, config?.path].flat(), url.pathname),
    requestId,
    rewrite: async (target) => fetch(new URL(target, href)),
    server: { region: env.AWS_REGION },
    site: { id: env.SITE_ID ?? headers.get('x-nf-site-id') ?? undefined, name: env.SITE_NAME, url: env.URL },
    url,
    waitUntil,
  }
}

function json(data, init = {}) {
  const headers = new Headers(init.headers)
  if (!headers.has('content-type')) headers.set('content-type', 'application/json')
  return new Response(JSON.stringify(data), { ...init, headers })
}

function toGeo(header) {
  try {
    const { postal_code: postalCode, ...geo } = JSON.parse(Buffer.from(header, 'base64').toString())
    return postalCode === undefined ? geo : { ...geo, postalCode }
  } catch {
    return {}
  }
}

/** `get` sees the request's cookies, `set` and `delete` write to the response; values stay as they are. */
function toCookies(headers, setCookies) {
  const pairs = (headers.get('cookie') ?? '').split(';').map((pair) => pair.trim())
  return {
    get: (name) => pairs.findLast((pair) => pair.startsWith(`${name}=`))?.slice(name.length + 1),
    set: (cookie, value) => void setCookies.push(toSetCookie(isObject(cookie) ? cookie : { name: cookie, value })),
    delete(input) {
      const { name, domain, path = '/' } = isObject(input) ? input : { name: input }
      setCookies.push(toSetCookie({ name, value: '', domain, path, expires: 0 }))
    },
  }
}

function toSetCookie({ name, value, expires, maxAge, domain, path, secure, httpOnly, sameSite, unparsed = [] }) {
  if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name ?? '')) throw new TypeError(`invalid cookie name: ${name}`)
  if (!['string', 'number'].includes(typeof value)) throw new TypeError(`the value of cookie \`${name}\` must be a string`)
  // Browsers refuse these names without.
  if (/^__(Host|Secure)-/.test(name)) secure = true
  if (name.startsWith('__Host-')) path = '/'
  const attributes = [
    `${name}=${value}`,
    expires !== undefined && `Expires=${new Date(expires).toUTCString()}`,
    maxAge !== undefined && `Max-Age=${maxAge}`,
    ...[domain && `Domain=${domain}`, path && `Path=${path}`],
    ...[secure && 'Secure', httpOnly && 'HttpOnly', sameSite && `SameSite=${sameSite}`],
    ...unparsed,
  ].filter(Boolean)
  const broken = attributes.find((attribute) => /[^ -:<-~]/.test(attribute))
  if (broken) throw new TypeError(`cookie \`${name}\` cannot hold ${JSON.stringify(broken)}`)
  return attributes.join('; ')
}

/** The first pattern that matches, and its groups: `:city` as `city`, each `*` as `0`, `1`, … */
function matchRoute(patterns, pathname) {
  const withoutSlash = (path) => path.replace(/(.)\/$/, '$1')
  for (const path of patterns.filter((pattern) => typeof pattern === 'string')) {
    const match = matcher(withoutSlash(path))
    const groups = match(withoutSlash(pathname)) ?? match(pathname)
    if (groups) return { path, params: given(groups) }
  }
  return { params: {} }
}

/** A function from a path to the pattern's groups by name, or to nothing where it does not match. */
function matcher(pattern) {
  if (globalThis.URLPattern) {
    const compiled = new URLPattern({ pathname: pattern })
    return (pathname) => compiled.exec({ pathname })?.pathname.groups
  }
  if (/[{(\\]/.test(pattern)) {
    if (!unreadable.has(pattern)) console.warn(`no params from ${pattern}: Node.js can read it from version 24`)
    unreadable.add(pattern)
    return () => undefined
  }
  const names = []
  let wildcards = 0
  const source = pattern.replace(/(\/?):([\p{L}_$][\p{L}\p{N}_$]*)([?*+]?)|[^]/gu, (text, slash, name, modifier) => {
    if (!name && text !== '*') return encodeURI(text).replace('%25', '%').replace(/[$()+.?[\\\]^{|}]/, '\\$&')
    names.push(name ?? String(wildcards++))
    if (!name) return '(.*)'
    const value = /[*+]/.test(modifier) ? '([^/]+(?:/[^/]+)*)' : '([^/]+)'
    return /[?*]/.test(modifier) ? `(?:${slash}${value})?` : slash + value
  })
  return (pathname) => {
    const match = new RegExp(`^${source}$`, 'u').exec(pathname)
    return match && Object.fromEntries(names.map((name, index) => [name, match[index + 1]]))
  }
}

/** Status and headers as the event's gateway wants them. No name stands in two places. */
function toHead(response, setCookies, event) {
  const entries = [...response.headers]
  const headers = Object.fromEntries(entries)
  const cookies = entries.flatMap(([name, value]) => (name === 'set-cookie' ? [value] : [])).concat(setCookies)
  // Lambda frames the response itself.
  const stale = ['set-cookie', 'connection', 'keep-alive', 'transfer-encoding']
  // What came from `fetch` has been decoded on the way, whatever its headers still say.
  if (response.url && headers['content-encoding']) stale.push('content-encoding', 'content-length')
  for (const name of stale) delete headers[name]
  const isPayloadV2 = event.version === '2.0' || event.requestContext?.http
  const multiValueHeaders = cookies.length > 0 ? { 'set-cookie': cookies } : {}
  return { statusCode: response.status, headers, ...(isPayloadV2 ? { cookies } : { multiValueHeaders }) }
}

const buffered = {
  async open(body) {
    const chunks = []
    for await (const chunk of body ?? []) chunks.push(toBytes(chunk))
    return Buffer.concat(chunks)
  },
  send(head, bytes) {
    const text = toText(head.headers, bytes)
    return { ...head, body: text ?? bytes.toString('base64'), isBase64Encoded: text === undefined }
  },
}

const streamed = (awslambda, responseStream) => ({
  open: (body) => body?.getReader(),
  async send(head, reader, { requestId, waitUntil }) {
    const out = awslambda.HttpResponseStream.from(responseStream, head)
    const drained = () => new Promise((resolve) => out.once('drain', resolve))
    let isGone = false
    const gone = new Promise((resolve) => {
      const leave = () => {
        if (reader && !isGone && !out.writableFinished) waitUntil(reader.cancel(new Error('the client went away')))
        isGone = true
        resolve()
      }
      out.on('close', leave).on('error', leave)
      if (out.destroyed) leave()
    })
    if (isGone) return

    // The status and headers leave with the first write, be it an empty one.
    out.write('')
    try {
      for (let chunk; reader && !(chunk = await reader.read()).done && !isGone; ) {
        if (out.write(toBytes(chunk.value)) === false) await Promise.race([drained(), gone])
      }
    } catch (error) {
      // Too late for a 500: the visitor must see a broken response, the platform a failed invocation.
      logError(requestId, error)
      isGone = true
      reader.cancel(error).catch(() => {})
      out.destroy(error)
      throw error
    }
    if (!isGone) out.end()
  },
})

const TEXT = /^text\/|^application\/(json|javascript|xml|graphql|x-ndjson|x-www-form-urlencoded)$|\+(json|xml)$/

/** The body as text, if its type says so and nothing is lost: not compressed, and really UTF-8. */
function toText(headers, bytes) {
  const type = (headers['content-type'] ?? '').split(';')[0].trim().toLowerCase()
  if (bytes.length > 0 && (!TEXT.test(type) || headers['content-encoding'])) return undefined
  const text = bytes.toString()
  return Buffer.from(text).equals(bytes) ? text : undefined
}

/** Node's own `Response` refuses strings from a `ReadableStream`; Netlify sends them. */
function toBytes(chunk) {
  if (typeof chunk === 'string' || chunk instanceof ArrayBuffer) return Buffer.from(chunk)
  if (ArrayBuffer.isView(chunk)) return Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
  throw new TypeError(`a chunk of the response's body is of type ${typeof chunk}, not a Uint8Array or a string`)
}

const given = (values) => Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined))
const isObject = (value) => typeof value === 'object' && value !== null
// By its tag, for a `Response` may be of another copy of undici.
const isResponse = (value) => Object.prototype.toString.call(value) === '[object Response]'

function checked(result) {
  if (result === undefined) return new Response(null, { status: 204 })
  if (isResponse(result) && result.type !== 'error') return result
  const isVersion1 = isObject(result) && 'statusCode' in result
  const hint = isVersion1 ? ' (`{ statusCode, body }` is what version 1 returns, from `export const handler`)' : ''
  const given = isResponse(result) ? '`Response.error()`' : `a value of type ${result && typeof result}`
  throw complaint(`the function returned ${given}; it must return a Response or undefined${hint}`)
}

/** An error about the function as a whole, whose stack would only point into this file. */
const complaint = (message) => Object.assign(new TypeError(message), { stack: `TypeError: ${message}` })

function errorResponse(error) {
  const summary = `${error?.name ?? 'Error'}: ${error?.message ?? String(error)}`
  const text = (env.NETLIFY_DEV === 'true' && error?.stack) || summary
  return new Response(text, { status: 500, headers: { 'content-type': 'text/plain; charset=utf-8' } })
}

function logError(requestId, error) {
  console.error(`request ${requestId || 'without an id'}: ${inspect(error)}`)
}
