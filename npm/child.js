// The program as a child that stays: many calls cost one start. It speaks lines of JSON (`fnzip api`), and ends when its
// input does, which is when we end, however that comes about. If it crashes, it is started once more for what it has not
// answered.

import { spawn } from 'node:child_process'
import process from 'node:process'

import { findApi, findBinary } from './binary.js'

const PROTOCOL = 1

/** The child that takes calls, if there is one. */
let current
let last = 0

/** Calls a method of the program. What it says meanwhile goes to `log`. */
export const call = (method, facts, log) =>
  new Promise((resolve, reject) => {
    const id = (last += 1)
    const line = JSON.stringify({ id, method, cwd: process.cwd(), env: process.env, api: findApi(), ...facts }) + '\n'
    send({ id, line, log, resolve, reject, isSentAgain: false })
  })

/** What is sent keeps Node running until it is answered. */
const send = (waiting) => {
  try {
    current ??= start()
  } catch (error) {
    return waiting.reject(error)
  }
  const { program, open } = current
  open.set(waiting.id, waiting)
  for (const part of [program, program.stdout]) part.ref()
  program.stdin.write(waiting.line)
}

/** A child that waits for nothing keeps nobody running. */
const release = ({ program, open }) => {
  if (open.size > 0) return
  for (const part of [program, program.stdout]) part?.unref()
}

const start = () => {
  const path = findBinary()
  const program = spawn(path, ['api'], { stdio: ['pipe', 'pipe', 'inherit'], windowsHide: true })
  const child = { name: `fnzip (${path})`, program, open: new Map(), isGreeted: false }
  program.on('error', ({ message }) => refuse(child, `cannot be started: ${message}`))
  // Without a file to spare, Node makes no pipes, and says so only later.
  if (!program.stdin) throw new Error(`${child.name} cannot be started: too many files are open`)
  // Who writes to what has ended learns of it by its end.
  program.stdin.on('error', () => {})
  program.on('close', (code, signal) => again(child, signal ? `was ended by ${signal}` : `ended with status ${code}`))
  readLines(program.stdout, (line) => take(child, line))
  return child
}

/** Calls back with each line that is whole: a crash leaves half of one. */
const readLines = (stream, onLine) => {
  let parts = []
  stream.setEncoding('utf8').on('data', (chunk) => {
    const [end, ...more] = chunk.split('\n')
    parts.push(end)
    for (const start of more) {
      onLine(parts.join(''))
      parts = [start]
    }
  })
}

const take = (child, line) => {
  const said = read(line)
  if (child.isGreeted && typeof said.id === 'number') return answer(child, said)
  if (child.isGreeted || said.protocol === undefined) {
    return refuse(child, `says what is not understood: ${line.slice(0, 200)}`)
  }
  if (said.protocol !== PROTOCOL) {
    return refuse(child, `is version ${said.version}, which this package cannot speak with: both must be of one`)
  }
  child.isGreeted = true
}

const read = (line) => {
  try {
    return Object(JSON.parse(line))
  } catch {
    return {}
  }
}

/** Nobody waits any more for a call that was refused. */
const answer = (child, { id, log, result, error }) => {
  const waiting = child.open.get(id)
  if (!waiting) return
  try {
    if (log !== undefined) return waiting.log?.(log)
    if (error) waiting.reject(Object.assign(new Error(error.message), error))
    else waiting.resolve(result ?? undefined)
  } catch (thrown) {
    waiting.reject(thrown)
  }
  child.open.delete(id)
  release(child)
}

/** With this child nobody can speak, nor with another of the same program. */
const refuse = (child, reason) => {
  leave(child)
  for (const { reject } of child.open.values()) reject(new Error(`${child.name} ${reason}`))
  child.open.clear()
  release(child)
  child.program.kill()
}

/** The calls that a child has left open go to another, but only once. */
const again = (child, reason) => {
  leave(child)
  for (const waiting of child.open.values()) {
    if (waiting.isSentAgain) waiting.reject(new Error(`${child.name} ${reason}`))
    else send(Object.assign(waiting, { isSentAgain: true }))
  }
}

const leave = (child) => {
  if (current === child) current = undefined
}
