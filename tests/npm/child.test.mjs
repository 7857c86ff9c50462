// How the npm package keeps its program: one child that stays, ends with its caller, and is replaced once when it
// crashes. `FNZIP_BINARY=… node --test tests/npm/child.test.mjs`. Each test is a script in a Node of its own, which
// prints JSON; the programs that misbehave are a few lines of shell.

import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { chmodSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { text } from 'node:stream/consumers'
import { after, afterEach, beforeEach, test } from 'node:test'
import { fileURLToPath } from 'node:url'

const REAL = process.env.FNZIP_BINARY
assert.ok(REAL, 'FNZIP_BINARY names the program')

const PACKAGE = new URL('../../npm/', import.meta.url)
const BIN = fileURLToPath(new URL('bin.js', PACKAGE))
const GREETING = '{"protocol":1,"version":"0.1.0"}'
const QUICK = { timeout: 60_000 }

const root = realpathSync(mkdtempSync(join(tmpdir(), 'fnzip-child-')))
after(() => rmSync(root, { recursive: true, force: true }))

/** What a test that fails has left running. */
const callers = []
afterEach(() => callers.splice(0).forEach((caller) => caller.kill('SIGKILL')))

let scratch
let count = 0
beforeEach(() => {
  scratch = join(root, String((count += 1)))
  write('functions/hello.js', 'exports.handler = async () => ({ statusCode: 200 })\n')
  write('functions/other.js', 'exports.handler = async () => ({ statusCode: 200 })\n')
})

const write = (name, content) => {
  const path = join(scratch, name)
  mkdirSync(join(path, '..'), { recursive: true })
  writeFileSync(path, content)
  return path
}

/** A program in shell, that first notes its number. `$n` is how often it was started. */
const program = (source) => {
  const path = write('program', `#!/bin/sh\necho $$ >> '${scratch}/starts'\nn=$(wc -l < '${scratch}/starts')\n${source}\n`)
  chmodSync(path, 0o755)
  return path
}

/** The numbers of all that were started. */
const starts = () => {
  try {
    return readFileSync(join(scratch, 'starts'), 'utf8').trim().split('\n').map(Number)
  } catch {
    return []
  }
}

const real = `exec '${REAL}' "$@"`

/** Starts a script that has the package as `api`, and `say` to print. Whoever inherits its stderr is part of it. */
const start = (source, { env } = {}) => {
  const prelude = `import * as api from '${new URL('index.js', PACKAGE)}'
    const say = (value) => console.log(JSON.stringify(value))
    const told = (promise) => promise.then((result) => ({ result }), ({ message, code }) => ({ message, code }))\n`
  const caller = spawn(process.execPath, [write('script.mjs', prelude + source)], {
    cwd: scratch,
    env: { ...process.env, FNZIP_BINARY: join(scratch, 'program'), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  callers.push(caller)
  return Promise.all([text(caller.stdout), text(caller.stderr), once(caller, 'exit')])
}

/** What a script has printed, when it and its child have ended by themselves. */
const run = async (source, options) => {
  const [stdout, stderr, [code]] = await start(source, options)
  assert.equal(code, 0, stderr)
  return stdout.trim() === '' ? undefined : JSON.parse(stdout)
}

test('200 calls at once start one program', QUICK, async () => {
  program(real)
  const paths = await run(`
    const pack = (_, i) => api.zipFunction('functions/hello.js', 'out/' + i)
    say((await Promise.all(Array.from({ length: 200 }, pack))).map(({ path }) => path))`)
  assert.equal(new Set(paths).size, 200)
  assert.equal(starts().length, 1)
})

test('calls after one another share the program, and Node ends while it lives', QUICK, async () => {
  program(real)
  const alive = await run(`
    import { readFileSync } from 'node:fs'
    await api.listFunctions('functions')
    await new Promise((resolve) => setImmediate(resolve))
    await api.listFunctions('functions')
    say(process.kill(Number(readFileSync('starts', 'utf8')), 0))`)
  assert.equal(alive, true)
  assert.equal(starts().length, 1)
})

test('importing the package starts nothing', QUICK, async () => {
  program(real)
  await run('')
  assert.deepEqual(starts(), [])
})

for (const [name, end, code, signal] of [
  ['exits', 'process.exit(3)', 3, null],
  ['throws', "setImmediate(() => { throw new Error('boom') })", 1, null],
  ['ends by SIGTERM', "process.kill(process.pid, 'SIGTERM')", null, 'SIGTERM'],
  ['ends by SIGKILL', "process.kill(process.pid, 'SIGKILL')", null, 'SIGKILL'],
]) {
  test(`the program ends with a caller that ${name}, calls open or not`, QUICK, async () => {
    program(real)
    const [, , ended] = await start(`
      await api.listFunctions('functions')
      api.zipFunctions('functions', 'out')
      ${end}`)
    assert.deepEqual(ended, [code, signal])
    assert.equal(starts().length, 1)
  })
}

test('a caller that is killed leaves whole archives or none', QUICK, async () => {
  program(real)
  write('large/large.js', 'exports.handler = async () => ({ statusCode: 200 })\n')
  for (let i = 0; i < 24; i += 1) write(`large/data/${i}`, randomBytes(1 << 20))
  const [, stderr, [, signal]] = await start(`
    import { mkdirSync, watch } from 'node:fs'
    mkdirSync('out')
    watch('out', (event) => event === 'change' && process.kill(process.pid, 'SIGKILL'))
    await api.zipFunctions('large', 'out', { config: { '*': { includedFiles: ['large/data/*'] } } })`)
  assert.equal(signal, 'SIGKILL', stderr)
  for (const name of readdirSync(join(scratch, 'out'))) {
    const end = readFileSync(join(scratch, 'out', name)).subarray(-22)
    assert.equal(end.toString('latin1', 0, 4), 'PK\x05\x06', `${name} is no whole archive`)
  }
})

test('a crash is survived: what is open is answered by another program', QUICK, async () => {
  program(`if [ $n = 1 ]; then read -r line; kill -9 $$; fi\n${real}`)
  const names = await run(`
    const rows = await Promise.all(Array.from({ length: 20 }, () => api.listFunctions('functions')))
    say(rows.map((row) => row.map(({ name }) => name).join()))`)
  assert.deepEqual(names, Array(20).fill('hello,other'))
  assert.equal(starts().length, 2)
})

test('a crash in the middle of an answer is survived', QUICK, async () => {
  const whole = `echo '${GREETING}'; read -r line; echo '{"id":1,"result":["whole"]}'; exec cat > /dev/null`
  program(`if [ $n = 1 ]; then echo '${GREETING}'; read -r line; printf '{"id":1,"resu'; kill -9 $$; fi\n${whole}`)
  assert.deepEqual(await run("say(await api.listFunctions('functions'))"), ['whole'])
  assert.equal(starts().length, 2)
})

test('what a program has said is read after its end', QUICK, async () => {
  const late = `{ sleep 0.3; echo '{"id":2,"result":["late"]}'; } & exit 0`
  program(`echo '${GREETING}'; read -r line; echo '{"id":1,"result":["early"]}'; read -r line; ${late}`)
  assert.deepEqual(await run("say([await api.listFunctions('a'), await api.listFunctions('b')])"), [['early'], ['late']])
  assert.equal(starts().length, 1)
})

test('a program that hears nothing any more is replaced when it ends', QUICK, async () => {
  const deaf = `echo '${GREETING}'; read -r line; exec 0<&-; echo '{"id":1,"log":"deaf"}'; sleep 0.3; exit 1`
  program(`if [ $n = 1 ]; then ${deaf}; fi\n${real}`)
  const lengths = await run(`
    let first
    await new Promise((systemLog) => (first = api.zipFunctions('functions', 'out', { systemLog })))
    say((await Promise.all([first, api.listFunctions('functions')])).map(({ length }) => length))`)
  assert.deepEqual(lengths, [2, 2])
  assert.equal(starts().length, 2)
})

test('a crash without another program to go to rejects what is open', QUICK, async () => {
  program('read -r line; kill -9 $$')
  const told = await run(`
    const calls = ['a', 'b'].map((input) => told(api.listFunctions(input)))
    await new Promise((resolve) => setImmediate(() => resolve(delete process.env.FNZIP_BINARY)))
    say(await Promise.all(calls))`)
  for (const { message } of told) assert.match(message, /@fnzip.*is not installed/)
})

test('what was answered before a crash is not asked again', QUICK, async () => {
  const answers = `while read -r line; do id=\${line#*:}; echo "{\\"id\\":\${id%%,*},\\"result\\":[$n]}"; done`
  const first = `read -r line; read -r line; echo '{"id":1,"result":[1]}'; kill -9 $$`
  program(`echo '${GREETING}'\nif [ $n = 1 ]; then ${first}; fi\n${answers}`)
  assert.deepEqual(await run("say(await Promise.all([api.listFunctions('a'), api.listFunctions('b')]))"), [[1], [2]])
})

test('a second crash rejects what it leaves open, and nothing that comes later', QUICK, async () => {
  const path = program(`if [ $n -le 2 ]; then read -r line; kill -9 $$; fi\n${real}`)
  const told = await run(`
    const first = await Promise.all(['functions', 'functions'].map((input) => told(api.listFunctions(input))))
    say([first, (await api.listFunctions('functions')).length])`)
  const message = `fnzip (${path}) was ended by SIGKILL`
  assert.deepEqual(told, [[{ message }, { message }], 2])
  assert.equal(starts().length, 3)
})

test('a program that was killed while nothing was open is started again', QUICK, async () => {
  program(real)
  const lengths = await run(`
    import { readFileSync } from 'node:fs'
    const list = async () => (await api.listFunctions('functions')).length
    const before = await list()
    process.kill(Number(readFileSync('starts', 'utf8')), 'SIGKILL')
    say([before, await list()])`)
  assert.deepEqual(lengths, [2, 2])
  assert.equal(starts().length, 2)
})

for (const [name, source, message, times = 1] of [
  ['prints what is no JSON', 'echo garbage; exec cat > /dev/null', /says what is not understood: garbage$/],
  ['prints it later', `echo '${GREETING}'; read -r line; echo garbage; exec cat > /dev/null`, /not understood: garbage$/],
  ['prints JSON that is no answer', `echo '${GREETING}'; echo null; exec cat > /dev/null`, /not understood: null$/],
  ['did not understand a call', `echo '${GREETING}'; echo '{"id":null,"error":{}}'; exec cat > /dev/null`, /"id":null/],
  ['answers without a greeting', `exec cat`, /says what is not understood: {"id":1,/],
  ['prints without end', 'exec yes', /says what is not understood: y$/],
  ['is of another version', `echo '{"protocol":2,"version":"9.8.7"}'; exec cat > /dev/null`, /version 9\.8\.7.*be of one$/],
  ['only ends', 'exit 3', /ended with status 3$/, 2],
]) {
  test(`a program that ${name} is refused`, QUICK, async () => {
    const path = program(source)
    const told = await run("say(await Promise.all(['a', 'b'].map((input) => told(api.listFunctions(input)))))")
    for (const { message: said } of told) {
      assert.match(said, message)
      assert.ok(said.startsWith(`fnzip (${path}) `), said)
    }
    assert.equal(starts().length, times)
  })
}

test('a program that is refused is ended, and another answers', QUICK, async () => {
  execFileSync('mkfifo', [join(scratch, 'pipe')])
  program(`if [ $n = 1 ]; then exec 9> '${scratch}/pipe'; echo garbage; exec cat > /dev/null; fi\n${real}`)
  const [first, ...lengths] = await run(`
    import { createReadStream } from 'node:fs'
    import { once } from 'node:events'
    const ended = once(createReadStream('pipe').resume(), 'end')
    const list = async () => (await api.listFunctions('functions')).length
    say([await told(list()), await list(), await ended && await list()])`)
  assert.match(first.message, /garbage$/)
  assert.deepEqual(lengths, [2, 2])
  assert.equal(starts().length, 2)
})

test('a program that is refused and does not end holds up nobody', QUICK, async () => {
  program(`if [ $n = 1 ]; then trap '' TERM; echo garbage; exec cat > /dev/null; fi\n${real}`)
  const [first, length] = await run(`
    const list = async () => (await api.listFunctions('functions')).length
    say([await told(list()), await list()])`)
  assert.match(first.message, /garbage$/)
  assert.equal(length, 2)
})

test('a program that is not there or cannot be run is told by its path', QUICK, async () => {
  const script = "say(await Promise.all(['a', 'b'].map((input) => told(api.listFunctions(input)))))"
  for (const [path, reason] of [
    [join(scratch, 'gone'), 'ENOENT'],
    [write('plain', ''), 'EACCES'],
  ]) {
    const message = `fnzip (${path}) cannot be started: spawn ${path} ${reason}`
    assert.deepEqual(await run(script, { env: { FNZIP_BINARY: path } }), [{ message }, { message }])
  }
})

test('without a program the package that is missing is named', QUICK, async () => {
  const told = await run("say(await told(api.listFunctions('a')))", { env: { FNZIP_BINARY: '' } })
  assert.match(told.message, new RegExp(`the package @fnzip/${process.platform}-${process.arch} is not installed`))
})

test('too many open files reject a call, and the next is answered', QUICK, async () => {
  program(real)
  const caller = write(
    'files.mjs',
    `import { closeSync, openSync } from 'node:fs'
    import { listFunctions } from '${new URL('index.js', PACKAGE)}'
    const files = []
    try { for (;;) files.push(openSync('/dev/null')) } catch {}
    const { message } = await listFunctions('functions').catch((error) => error)
    files.forEach((file) => closeSync(file))
    console.log(JSON.stringify([message, (await listFunctions('functions')).length]))`,
  )
  const env = { ...process.env, FNZIP_BINARY: join(scratch, 'program') }
  const limited = ['-c', 'ulimit -n 64; exec "$0" "$@"', process.execPath, caller]
  const [message, length] = JSON.parse(execFileSync('/bin/sh', limited, { cwd: scratch, env }))
  assert.match(message, /cannot be started: too many files are open$/)
  assert.equal(length, 2)
})

test('each thread has a program of its own, which ends with the thread', QUICK, async () => {
  execFileSync('mkfifo', [join(scratch, 'pipe')])
  program(`[ -n "$WORKER" ] && exec 9> '${scratch}/pipe'\n${real}`)
  write(
    'worker.mjs',
    `import { parentPort } from 'node:worker_threads'
    import { listFunctions } from '${new URL('index.js', PACKAGE)}'
    parentPort.postMessage((await listFunctions('functions')).length)
    setInterval(() => {}, 1000)`,
  )
  const lengths = await run(`
    import { createReadStream } from 'node:fs'
    import { once } from 'node:events'
    import { Worker } from 'node:worker_threads'
    const ended = once(createReadStream('pipe').resume(), 'end')
    const here = (await api.listFunctions('functions')).length
    const workers = ['1', '2'].map((WORKER) => new Worker('./worker.mjs', { env: { ...process.env, WORKER } }))
    const there = await Promise.all(workers.map(async (worker) => (await once(worker, 'message'))[0]))
    await Promise.all(workers.map((worker) => worker.terminate()))
    await ended
    say([here, ...there, (await api.listFunctions('functions')).length])`)
  assert.deepEqual(lengths, [2, 2, 2, 2])
  assert.equal(starts().length, 3)
})

test('calls and answers of several megabytes arrive whole', QUICK, async () => {
  program(real)
  const lengths = await run(`
    const sizes = [1, 2, 3, 4].map((size) => size * 1_000_000)
    const long = (size) => 'é\\u2028'.repeat(size / 2)
    const list = (size) => api.listFunctions('functions', { config: { '*': { generator: long(size) } } })
    const answers = await Promise.all(sizes.map(list))
    say(answers.map((rows, i) => rows.map(({ generator }) => generator === long(sizes[i]))))`)
  assert.deepEqual(lengths, Array(4).fill([true, true]))
})

test('answers wait for a caller that is busy', QUICK, async () => {
  program(`echo '${GREETING}'; read -r line; head -c 9000000 /dev/zero | tr '\\0' x | sed 's/.*/{"id":1,"result":["&"]}/'
    echo; touch told; exec cat > /dev/null`)
  const told = await run(`
    import { existsSync } from 'node:fs'
    const called = api.listFunctions('functions')
    while (!existsSync('starts')) {}
    const until = Date.now() + 200
    while (Date.now() < until) {}
    const early = existsSync('told')
    say([early, (await called)[0].length])`)
  assert.deepEqual(told, [false, 9_000_000])
})

test('the log gets what is said, and a log that throws rejects its own call only', QUICK, async () => {
  program(`echo '${GREETING}'; read -r line; read -r line; echo '{"id":1,"log":"one"}'; echo '{"id":2,"log":"two"}'
    echo '{"id":1,"result":[1]}'; echo '{"id":2,"result":[2]}'; exec cat > /dev/null`)
  const said = await run(`
    const logged = []
    const throws = () => { throw new Error('no log') }
    const calls = [throws, (line) => logged.push(line)].map((systemLog) => api.zipFunctions('a', 'b', { systemLog }))
    say([...await Promise.all(calls.map(told)), logged])`)
  assert.deepEqual(said, [{ message: 'no log' }, { result: [2] }, ['two']])
})

test('without a log, only `debug` has what is said printed', QUICK, async () => {
  program(real)
  const zip = (options) => `await api.zipFunctions(['functions', 'gone'], 'out', ${options})`
  const [quiet] = await start(zip('{ debug: false }'))
  const [loud] = await start(zip('{ debug: true }'))
  const [logged] = await start(zip('{ debug: true, systemLog: () => {} }'))
  assert.deepEqual([quiet, logged], ['', ''])
  assert.match(loud, /gone/)
})

test('an error is an Error, with what callers read of it', QUICK, async () => {
  const errors = [{ text: 'Could not resolve "x"' }]
  const error = { message: 'wrong', code: 'MODULE_NOT_FOUND', errors, customErrorInfo: { type: 'functionsBundling' } }
  program(`echo '${GREETING}'; read -r line; echo '${JSON.stringify({ id: 1, error })}'; exec cat > /dev/null`)
  const [isError, keys, told] = await run(`
    const error = await api.zipFunction('a', 'b').catch((error) => error)
    say([error instanceof Error, Object.keys(error), { ...error, message: error.message }])`)
  assert.equal(isError, true)
  assert.deepEqual(keys, ['code', 'errors', 'customErrorInfo'])
  assert.deepEqual(told, error)
})

test('nothing is undefined', QUICK, async () => {
  program(real)
  assert.equal(await run("say((await api.listFunction('.')) === undefined)"), true)
})

test('what is no path is refused at once, without a program', QUICK, async () => {
  program(real)
  const told = await run(`
    const calls = [
      () => api.listFunctions(),
      () => api.listFunctions([undefined]),
      () => api.listFunctions({ user: { directories: [3] } }),
      () => api.listFunction(),
      () => api.listFunctionsFiles(null),
      () => api.findServerEntry(),
      () => api.zipFunctions(undefined, 'out'),
      () => api.zipFunctions('functions'),
      () => api.zipFunctions('functions', 'out', null),
      () => api.zipFunction(new URL('file:///a.js'), 'out'),
      () => api.zipFunction('a.js'),
      () => api.zipServer('a.js'),
    ]
    const kind = ({ constructor, code }) => [constructor.name, code].join(' ').trim()
    say(await Promise.all(calls.map((call) => call().then(() => 'answered', kind))))`)
  const [plain, path] = ['TypeError', 'TypeError ERR_INVALID_ARG_TYPE']
  assert.deepEqual(told, [plain, path, path, path, plain, path, plain, path, plain, path, path, path])
  assert.deepEqual(starts(), [])
})

test('options that are no data are as if they were absent', QUICK, async () => {
  program(real)
  const odd = `{ basePath: undefined, config: { '*': { name: undefined, schedule: undefined } }, parseISC: undefined,
    featureFlags: { call() {}, at: new URL('file:///'), map: new Map([[1, 1]]), sign: Symbol('sign') }, call() {},
    at: new URL('file:///'), when: new Date() }`
  const [odds, plain] = await run(`
    const input = { generated: undefined, user: { directories: ['functions'], functions: undefined } }
    say([await api.listFunctions(input, ${odd}), await api.listFunctions(input)])`)
  assert.deepEqual(odds, plain)
  assert.equal(odds.length, 2)
})

test('an option of another type is named', QUICK, async () => {
  program(real)
  const calls = "[{ branch: 5 }, { config: 'all' }].map((options) => told(api.listFunctions('functions', options)))"
  const [branch, config] = await run(`say(await Promise.all(${calls}))`)
  assert.match(branch.message, /`options\.branch`: invalid type: integer `5`, expected a string/)
  assert.match(config.message, /`options\.config`: invalid type/)
})

test('options that cannot be sent reject their call only', QUICK, async () => {
  program(real)
  const told = await run(`
    const round = {}
    round.round = round
    say(await Promise.all([{ round }, { big: 1n }, {}].map((options) => told(api.listFunctions('functions', options)))))`)
  assert.match(told[0].message, /circular/)
  assert.match(told[1].message, /BigInt/)
  assert.equal(told[2].result.length, 2)
})

test('calls are of the directory and environment at their time', QUICK, async () => {
  program(real)
  write('elsewhere/functions/third.js', '')
  const names = await run(`
    const list = async () => (await api.listFunctions('functions')).map(({ name }) => name)
    const first = list()
    process.chdir('elsewhere')
    say([await first, await list()])`)
  assert.deepEqual(names, [['hello', 'other'], ['third']])
})

test('the command line passes on arguments, streams and status', QUICK, async () => {
  program('cat; echo "$@" >&2; exit 7')
  const env = { ...process.env, FNZIP_BINARY: join(scratch, 'program') }
  const command = spawn(process.execPath, [BIN, 'a b', '--c'], { env })
  command.stdin.end('input')
  const all = await Promise.all([text(command.stdout), text(command.stderr), once(command, 'exit')])
  assert.deepEqual(all, ['input', 'a b --c\n', [7, null]])
})

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  test(`the command line passes on ${signal}, and ends as its program does`, QUICK, async () => {
    const env = { ...process.env, FNZIP_BINARY: join(scratch, 'program') }
    const ended = async (source) => {
      program(source)
      const command = spawn(process.execPath, [BIN], { env })
      await once(command.stdout, 'data')
      command.kill(signal)
      return once(command, 'exit')
    }
    assert.deepEqual(await ended(`trap 'exit 9' ${signal.slice(3)}; echo ready; while :; do read -r line; done`), [9, null])
    assert.deepEqual(await ended('echo ready; exec cat'), [null, signal])
  })
}

test('the command line without a program says so', QUICK, async () => {
  for (const [FNZIP_BINARY, reason] of [
    ['', /^error: .*package @fnzip\//],
    [join(scratch, 'gone'), /^error: .*gone.*ENOENT/],
  ]) {
    const command = spawn(process.execPath, [BIN], { env: { ...process.env, FNZIP_BINARY } })
    const [stderr, [code]] = await Promise.all([text(command.stderr), once(command, 'exit')])
    assert.match(stderr, reason)
    assert.equal(code, 2)
  }
})
