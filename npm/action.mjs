// What the GitHub Action does: packages a site, checks what came of it, and compares that with an earlier build, for the
// summary of the job and a comment on the pull request. Its argument is the program; what it is told is in the
// environment, as `action.yml` puts it there.

import { spawnSync } from 'node:child_process'
import { appendFileSync, cpSync, existsSync, readFileSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { argv, env, exit } from 'node:process'

/** By this line the comment of an earlier run is known. */
const MARK = '<!-- fnzip -->'

const [program] = argv.slice(2)
const words = (text) => (text ?? '').split(/\s+/).filter(Boolean)

const fnzip = (...args) => {
  const { status, error, stdout } = spawnSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
  if (error) throw error
  return { status, stdout }
}

const say = (file, text) => file && appendFileSync(file, text)

/** Writes the comment of this pull request, or changes the one that is there. */
const comment = async (body) => {
  const { pull_request: pull } = JSON.parse(readFileSync(env.GITHUB_EVENT_PATH, 'utf8'))
  if (!pull) return
  const issues = `${env.GITHUB_API_URL}/repos/${env.GITHUB_REPOSITORY}/issues`
  const ask = async (method, url, value) => {
    const headers = { accept: 'application/vnd.github+json', authorization: `Bearer ${env.TOKEN}` }
    const response = await fetch(url, { method, headers, body: value && JSON.stringify(value) })
    if (!response.ok) throw new Error(`${method} ${url}: ${response.status} ${await response.text()}`)
    return response.json()
  }
  const all = await ask('GET', `${issues}/${pull.number}/comments?per_page=100`)
  const earlier = all.find((one) => one.body?.startsWith(MARK))
  if (earlier) await ask('PATCH', `${issues}/comments/${earlier.id}`, { body })
  else await ask('POST', `${issues}/${pull.number}/comments`, { body })
}

const out = resolve(env.SITE, env.OUT)
const report = join(out, 'verify.xml')
say(env.GITHUB_OUTPUT, `out=${out}\nreport=${report}\n`)

const steps = [
  () => fnzip('bundle', '-C', env.SITE, '--out', out, ...words(env.BUNDLE_FLAGS)),
  () => fnzip('verify', out, '-C', env.SITE, '--junit', report, ...words(env.VERIFY_FLAGS)),
]
let status = 0
for (const step of steps) if (status === 0) ({ status } = step())

if (status === 0 && existsSync(join(env.BASE, 'manifest.json'))) {
  const budget = env.BUDGET ? ['--budget', env.BUDGET] : []
  const diff = fnzip('diff', env.BASE, out, '--markdown', ...budget)
  say(env.GITHUB_STEP_SUMMARY, diff.stdout)
  try {
    if (env.TOKEN && env.GITHUB_EVENT_PATH) await comment(`${MARK}\n${diff.stdout}`)
  } catch ({ message }) {
    // Who comes from a fork may not comment: that is no reason to fail.
    console.log(`::warning::fnzip cannot comment on the pull request: ${message}`)
  }
  status = diff.status
}
if (status === 0 && env.GITHUB_EVENT_NAME === 'push') {
  rmSync(env.BASE, { recursive: true, force: true })
  cpSync(out, env.BASE, { recursive: true, verbatimSymlinks: true })
}
exit(status)
