// What `src/runtime/bootstrap.mjs` promises the event handlers of a default export. Each row is run
// through it and, where that is installed, through the platform's own bootstrap, which must agree. That
// one is looked for in FNZIP_TEST_TOOLS, else in tests/tools.

import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { describe, mock, test } from 'node:test'
import { fileURLToPath, pathToFileURL } from 'node:url'

import { getLambdaHandler } from '../../src/runtime/bootstrap.mjs'

// The other bootstrap puts its own in this place.
const { Netlify } = globalThis

const tools = process.env.FNZIP_TEST_TOOLS ?? fileURLToPath(new URL('../tools', import.meta.url))
const peerFile = join(tools, 'node_modules/@netlify/serverless-functions-api/dist/index.js')
const peer = existsSync(peerFile) && (await import(pathToFileURL(peerFile)))
const skip = !peer && 'serverless-functions-api is not installed in the tools folder'

globalThis.awslambda = {
  streamifyResponse: (handler) => handler,
  HttpResponseStream: { from: (out, head) => Object.assign(out, { head }) },
}

// ---- What the tests say it with ----------------------------------------------------------------

const own = { getLambdaHandler }
let calls = 0

/** Posts an event to a module that exports `handlers`: what is answered, or that the invocation failed. */
async function post(bootstrap, handlers, { body, ...headers }) {
  // The platform's bootstrap has event handlers only where it imports the module itself.
  globalThis.fnzipHandlers = handlers
  const handler = bootstrap.getLambdaHandler(`data:text/javascript,export default globalThis.fnzipHandlers//${++calls}`)
  const rawUrl = 'https://site.example/.netlify/functions/events'
  const event = { httpMethod: 'POST', rawUrl, headers: { host: 'site.example', ...headers }, body }
  const out = new PassThrough()
  const quiet = ['error', 'log'].map((method) => mock.method(console, method, () => {}))
  try {
    await handler(event, out, { awsRequestId: 'lambda-id', getRemainingTimeInMillis: () => 1000 })
  } catch (error) {
    return { failed: error.message }
  } finally {
    for (const spy of quiet) spy.mock.restore()
  }
  const text = Buffer.concat(await out.toArray()).toString()
  if (out.head.statusCode === 500) return { failed: text }
  const { headers: single, multiValueHeaders, statusCode } = out.head
  return { statusCode, type: [{ ...single, ...multiValueHeaders }['content-type']].flat()[0], text }
}

/** Runs a row: what the handler was called with, and what it was answered. */
async function run(bootstrap, { slug, handler, body, returns = () => {} }) {
  let given
  const handlers = {
    fetch: () => new Response('fetch'),
    [handler](...args) {
      given = args.map((event) => Object.fromEntries(Object.entries(event)))
      return returns(args[0])
    },
  }
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  const { failed, ...answer } = await post(bootstrap, handlers, { 'x-netlify-event': slug, body: text })
  return { given, answer, failed }
}

/** What two runs must have in common: the words of an error are each bootstrap's own. */
function comparable({ given, answer, failed }) {
  const values = given?.map(({ deny, ...event }) => ({ ...event, canDeny: typeof deny }))
  if (failed !== undefined) return { given: values, failed: true }
  const { text, ...head } = answer
  if (answer.statusCode !== 400) return { given: values, ...head, body: text && JSON.parse(text) }
  const { error, ...rest } = JSON.parse(text)
  return { given: values, ...head, body: { ...rest, error: typeof error } }
}

// ---- What the platform sends -------------------------------------------------------------------

const fullDeploy = {
  id: 'd1', site_id: 's1', build_id: 'b1', state: 'ready', error_message: 'none', url: 'http://a.example',
  ssl_url: 'https://a.example', deploy_ssl_url: 'https://d1--a.example', admin_url: 'https://admin.example/d1',
  context: 'production', branch: 'main', commit_ref: 'c0ffee', commit_url: 'https://git.example/c0ffee',
  commit_message: 'Brew', committer: 'ada', title: 'Coffee', created_at: '2024-05-01', published_at: '2024-05-02',
  deploy_time: 12, manual_deploy: true, framework: 'astro', links: { alias: 'dropped' },
}
const site = { id: 's1', name: 'a', url: 'http://a.example', admin_url: 'https://admin.example', plan: 'dropped' }
const bareDeploy = { id: 'd1', state: 'ready', created_at: '2024-05-01' }

const fullUser = {
  id: 'u1', email: 'ada@a.example', confirmed_at: '2024-05-02', created_at: '2024-05-01',
  updated_at: '2024-05-03', role: 'captain', invited_at: '2024-05-04', confirmation_sent_at: '2024-05-05',
  recovery_sent_at: '2024-05-06', new_email: 'lovelace@a.example', email_change_sent_at: '2024-05-07',
  last_sign_in_at: '2024-05-08',
  app_metadata: { provider: 'email', roles: ['crew', 'cook'], tier: 1 },
  user_metadata: { full_name: 'Ada', avatar_url: 'https://a.example/ada.png', ship: 'Vasa' },
}
const bareUser = { id: 'u1', email: 'ada@a.example', created_at: '2024-05-01' }

const DEPLOY = {
  id: 'd1', siteId: 's1', buildId: 'b1', state: 'ready', errorMessage: 'none', url: 'http://a.example',
  sslUrl: 'https://a.example', permalinkUrl: 'https://d1--a.example', adminUrl: 'https://admin.example/d1',
  context: 'production', branch: 'main', commitRef: 'c0ffee', commitUrl: 'https://git.example/c0ffee',
  commitMessage: 'Brew', committer: 'ada', title: 'Coffee', createdAt: '2024-05-01', publishedAt: '2024-05-02',
  time: 12, manual: true, framework: 'astro',
}
const SITE = { id: 's1', name: 'a', url: 'http://a.example', adminUrl: 'https://admin.example' }
const USER = {
  id: 'u1', email: 'ada@a.example', confirmedAt: '2024-05-02', createdAt: '2024-05-01', updatedAt: '2024-05-03',
  invitedAt: '2024-05-04', confirmationSentAt: '2024-05-05', recoverySentAt: '2024-05-06',
  pendingEmail: 'lovelace@a.example', emailChangeSentAt: '2024-05-07', lastSignInAt: '2024-05-08',
  role: 'captain', provider: 'email', name: 'Ada', pictureUrl: 'https://a.example/ada.png', roles: ['crew', 'cook'],
  userMetadata: fullUser.user_metadata,
  appMetadata: fullUser.app_metadata,
}

const BARE_USER = { id: 'u1', email: 'ada@a.example', createdAt: '2024-05-01', userMetadata: {}, appMetadata: {} }

// Rows without a title.
const deploy = (payload = fullDeploy, word = 'succeeded', handler = 'deploySucceeded') => ({
  slug: `deploy_${word}`, handler, body: { payload, site }, given: { deploy: DEPLOY, site: SITE },
})
const form = {
  slug: 'submission_created', handler: 'formSubmitted',
  body: { payload: { data: { name: 'Ada' }, number: 1 } }, given: { data: { name: 'Ada' } },
}
const identity = (word, handler) => ({ slug: `identity_${word}`, handler, body: { user: fullUser }, given: { user: USER } })
const signup = (user = fullUser, returns = undefined) => {
  const row = identity('signup', 'userSignup')
  return { ...row, body: { user }, returns, given: user === fullUser ? row.given : { user: BARE_USER } }
}
const KINDS = [
  deploy(fullDeploy, 'building', 'deployBuilding'),
  deploy(fullDeploy, 'succeeded', 'deploySucceeded'),
  deploy(fullDeploy, 'failed', 'deployFailed'),
  deploy(fullDeploy, 'deleted', 'deployDeleted'),
  deploy(fullDeploy, 'locked', 'deployLocked'),
  deploy(fullDeploy, 'unlocked', 'deployUnlocked'),
  form,
  identity('login', 'userLogin'),
  identity('signup', 'userSignup'),
  identity('validate', 'userValidate'),
  identity('usermodified', 'userModified'),
  identity('userdeleted', 'userDeleted'),
]

/** A user of no more than `over`, and what the handler sees of that. */
const withUser = (over, seen) => ({ ...signup({ ...bareUser, ...over }), given: { user: { ...BARE_USER, ...seen } } })
const withMetadata = (user_metadata, seen) => withUser({ user_metadata }, { ...seen, userMetadata: user_metadata })
const withAppMetadata = (app_metadata, seen) => withUser({ app_metadata }, { ...seen, appMetadata: app_metadata })
const changed = (change) => signup(fullUser, ({ user }) => ({ user: { ...user, ...change } }))
const deleted = KINDS.at(-1)

/**
 * Each row by what it shows: `given` is what the handler sees, the answer is `status`, by default 200,
 * with `answers` as JSON or nothing; `refusal` is what a 400 says, and `fails` what the invocation does.
 */
const ROWS = {
  ...Object.fromEntries(KINDS.map((row) => [`${row.slug} calls ${row.handler}`, row])),

  'what a deploy lacks is null, or not there at all': {
    ...deploy(bareDeploy),
    given: {
      deploy: {
        id: 'd1', buildId: null, state: 'ready', errorMessage: null, branch: null, commitRef: null, commitUrl: null,
        commitMessage: null, committer: null, title: null, createdAt: '2024-05-01', publishedAt: null, time: null,
        manual: false, framework: null,
      },
      site: SITE,
    },
  },
  'a deploy keeps 0 and the empty text': {
    ...deploy({ ...fullDeploy, title: '', deploy_time: 0, manual_deploy: 0 }),
    given: { deploy: { ...DEPLOY, title: '', time: 0, manual: false }, site: SITE },
  },
  'what a user lacks is not there': withUser(),
  'an empty text or another type is no value of a user':
    withUser({ role: '', confirmed_at: '', invited_at: 5, new_email: null }),
  'a user keeps any time of an update': withUser({ updated_at: null }, { updatedAt: null }),
  'metadata that is null is empty': withUser({ user_metadata: null, app_metadata: null }),
  'one role that is no text leaves none': withAppMetadata({ provider: 5, roles: ['crew', 7] }),
  'roles that are no list are none': withAppMetadata({ provider: '', roles: 'crew' }),
  'an empty list of roles is one': withAppMetadata({ roles: [] }, { roles: [] }),
  'a name comes from `name`': withMetadata({ name: 'Ada' }, { name: 'Ada' }),
  'a full name comes first': withMetadata({ name: 'Ada', full_name: 'Ada Lovelace' }, { name: 'Ada Lovelace' }),
  'a full name that is no text hides `name`': withMetadata({ name: 'Ada', full_name: 5 }),
  'an empty name and picture stay': withMetadata({ full_name: '', name: '', avatar_url: '' }, { name: '', pictureUrl: '' }),

  'what the handler of a deploy returns reaches nobody': { ...deploy(), returns: () => new Response('no', { status: 418 }) },
  'nor does what that of a form returns': { ...form, returns: () => ({ statusCode: 418 }) },
  'a user comes back as it was': { ...changed({}), answers: fullUser },
  'a bare user comes back with nulls': {
    ...signup(bareUser, async ({ user }) => ({ user })),
    answers: {
      ...bareUser, confirmed_at: null, invited_at: null, confirmation_sent_at: null, recovery_sent_at: null,
      new_email: null, email_change_sent_at: null, last_sign_in_at: null, app_metadata: {}, user_metadata: {},
    },
  },
  'a changed field changes the metadata': {
    ...changed({ role: 'cook', roles: [], provider: 'git', name: 'Bo', pictureUrl: '', pendingEmail: undefined }),
    answers: {
      ...fullUser, role: 'cook', new_email: null,
      app_metadata: { provider: 'git', roles: [], tier: 1 },
      user_metadata: { full_name: 'Bo', avatar_url: '', ship: 'Vasa' },
    },
  },
  'a field that is gone leaves the metadata': {
    ...changed({ role: undefined, roles: undefined, provider: undefined, name: undefined, pictureUrl: undefined }),
    answers: { ...fullUser, role: undefined },
  },
  'a field wins over changed metadata': {
    ...changed({ userMetadata: { full_name: 'Bo', ship: 'Mars' }, appMetadata: undefined }),
    answers: {
      ...fullUser,
      app_metadata: { provider: 'email', roles: ['crew', 'cook'] },
      user_metadata: { full_name: 'Ada', avatar_url: 'https://a.example/ada.png', ship: 'Mars' },
    },
  },
  'a null from the handler of a user is nothing': signup(fullUser, () => null),
  'a denial': { ...signup(fullUser, (event) => event.deny()), status: 401 },
  'a denial by `deny` alone': { ...signup(fullUser, ({ deny }) => deny()), status: 401 },
  'a denial after a while, and a user': {
    ...signup(fullUser, async ({ user, deny }) => (await null, deny(), { user })),
    status: 401,
  },
  'a deleted user cannot be denied': { ...deleted, returns: (event) => event.deny() },
  'a deleted user does not come back': { ...deleted, returns: ({ user }) => ({ user }) },

  'a Response is no user': { ...signup(fullUser, () => new Response('no')), fails: /`userSignup` must return nothing or/ },
  'an object without a user is none': { ...signup(fullUser, () => ({})), fails: /`userSignup` must return nothing or/ },
  'a handler that throws': { ...deploy(), returns: () => Promise.reject(new RangeError('too deep')), fails: /too deep/ },

  ...refused('no JSON', '{', 'is not JSON'),
  ...refused('an empty body', '', 'is not JSON'),
  ...refused('null', 'null', 'has no '),
  ...refused('a list', '[]', 'has no '),
  ...lacking(deploy(), 'site', 'payload', 'payload.id', 'payload.state', 'payload.created_at'),
  ...lacking(form, 'payload', 'payload.data'),
  ...lacking(signup(), 'user', 'user.id', 'user.email', 'user.created_at'),
  ...lacking(deleted, 'user', 'user.email'),
}

function refused(what, body, refusal) {
  const rows = [deploy(), form, signup(), deleted]
  return Object.fromEntries(rows.map((row) => [`${row.slug} whose body is ${what}`, { ...row, body, refusal }]))
}

/** Each field once away, once null, once a number. */
function lacking(row, ...paths) {
  const without = (path, value) => {
    const body = structuredClone(row.body)
    const [last, ...outer] = path.split('.').reverse()
    outer.reduceRight((inner, key) => inner[key], body)[last] = value
    return [`${row.slug} whose ${path} is ${value}`, { ...row, body, refusal: `has no ${path}` }]
  }
  return Object.fromEntries(paths.flatMap((path) => [undefined, null, 7].map((value) => without(path, value))))
}

// ---- The rules ---------------------------------------------------------------------------------

/** As JSON has it: without what is undefined. */
const plain = (value) => JSON.parse(JSON.stringify(value))

describe('an event and its answer', () => {
  for (const [title, row] of Object.entries(ROWS)) {
    test(title, async () => {
      const { given, answer, failed } = await run(own, row)
      if (row.fails) return assert.match(failed, row.fails)
      assert.equal(failed, undefined)
      if (row.refusal) return assertRefused(row, given, answer)
      assert.deepEqual(plain(given), plain([row.given]))
      const { status = 200, answers } = row
      assert.equal(answer.statusCode, status)
      assert.equal(answer.type, answers && 'application/json')
      assert.deepEqual(answer.text && JSON.parse(answer.text), answers ? plain(answers) : '')
    })
  }
})

function assertRefused({ slug, refusal }, given, { statusCode, type, text }) {
  assert.equal(given, undefined, 'the handler was called')
  assert.deepEqual([statusCode, type], [400, 'application/json'])
  const { error } = JSON.parse(text)
  assert.ok(error.startsWith(`the body of event ${slug} ${refusal}`), error)
}

describe('the platform\'s bootstrap does the same', { skip }, () => {
  for (const [title, row] of Object.entries(ROWS)) {
    test(title, async () => assert.deepEqual(comparable(await run(own, row)), comparable(await run(peer, row))))
  }
})

describe('which handler is called', () => {
  const handlers = {
    greeting: 'hi',
    fetch() {
      return new Response(`fetch says ${this.greeting}`)
    },
    deploySucceeded() {},
    splitTestActivated: (body) => assert.deepEqual(body, { any: ['thing'] }),
    // Not what the platform calls the event's handler.
    identityLogin: ({ user, deny }) => deny(user),
  }
  const { slug, body } = deploy()
  const statusOf = async (headers, payload = body) =>
    (await post(own, handlers, { ...headers, body: JSON.stringify(payload) })).statusCode
  const textOf = async (headers) => (await post(own, handlers, { ...headers, body: '{}' })).text

  test('HTTP goes to `fetch`, with its object as `this`', async () => assert.equal(await textOf({}), 'fetch says hi'))

  test('both headers name an event, and with hyphens and capitals, too', async () => {
    for (const name of ['x-netlify-event', 'x-nf-event']) {
      for (const kind of [slug, 'deploy-succeeded', 'Deploy-Succeeded']) {
        const { statusCode, text } = await post(own, handlers, { [name]: kind, body: JSON.stringify(body) })
        assert.deepEqual([statusCode, text], [200, ''], `${name}: ${kind}`)
      }
    }
  })

  test('an event without a handler goes to `fetch`, and so does the name of an inherited method', async () => {
    for (const kind of ['schedule', 'to-string', 'constructor', 'greeting', 'fetch']) {
      assert.equal(await textOf({ 'x-nf-event': kind }), 'fetch says hi', kind)
    }
  })

  test('an event that is none of the platform\'s brings its body as it is', async () => {
    assert.equal(await statusOf({ 'x-netlify-event': 'split_test_activated' }, { any: ['thing'] }), 200)
  })

  test('a handler may have its event\'s own name, but the documented one comes first', async () => {
    const event = { 'x-netlify-event': 'identity_login', body: JSON.stringify(signup().body) }
    assert.equal((await post(own, handlers, event)).statusCode, 401)
    assert.equal((await post(own, { ...handlers, userLogin() {} }, event)).statusCode, 200)
  })

  test('the handler has its object as `this`, and the context in `Netlify`', async () => {
    let seen
    const deploySucceeded = function () {
      seen = [this.greeting, Netlify.context.requestId]
    }
    await post(own, { ...handlers, deploySucceeded }, { 'x-netlify-event': slug, body: JSON.stringify(body) })
    assert.deepEqual(seen, ['hi', 'lambda-id'])
  })
})
