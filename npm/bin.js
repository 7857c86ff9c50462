#!/usr/bin/env node
// The command line: the program itself, with the same arguments, streams and status.

import { spawn } from 'node:child_process'
import process from 'node:process'

import { findBinary } from './binary.js'

const run = (path) => {
  let program
  // Whoever ends us ends it, as soon as it is there. From a terminal it hears that twice, and minds it once.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => program.kill(signal))
  program = spawn(path, process.argv.slice(2), { stdio: 'inherit' })
  program.on('error', ({ message }) => refuse(`${path}: ${message}`))
  program.on('exit', (code, signal) => (signal ? endBy(signal) : process.exit(code)))
}

const endBy = (signal) => {
  process.removeAllListeners(signal)
  process.kill(process.pid, signal)
}

const refuse = (message) => {
  console.error(`error: ${message}`)
  process.exit(2)
}

try {
  run(findBinary())
} catch ({ message }) {
  refuse(message)
}
