// What `@netlify/zip-it-and-ship-it` exports, over fnzip. Everything is decided in the program: here arguments become a
// call, and its answer becomes what callers expect.

import { normalize } from 'node:path'

import { call } from './child.js'

export const ARCHIVE_FORMAT = { NONE: 'none', TAR: 'tar', ZIP: 'zip' }

export const NODE_BUNDLER = { ESBUILD: 'esbuild', ESBUILD_ZISI: 'esbuild_zisi', NFT: 'nft', ZISI: 'zisi', NONE: 'none' }

export const RUNTIME = { CONTAINER: 'container', GO: 'go', JAVASCRIPT: 'js', RUST: 'rs' }

export const MODULE_FORMAT = { COMMONJS: 'cjs', ESM: 'esm' }

/** Packs every function of one or more directories, and writes the manifest. */
export const zipFunctions = async (input, dest, { systemLog, debug, ...options } = {}) =>
  call('zipFunctions', { input: places(input), dest: path(dest), options }, logOf(systemLog, debug))

/** Packs one function; resolves to nothing if there is none at the path. */
export const zipFunction = async (input, dest, { systemLog, debug, ...options } = {}) =>
  call('zipFunction', { input: path(input), dest: path(dest), options }, logOf(systemLog, debug))

/** Packs the server, and writes its manifest. */
export const zipServer = async (input, dest, { systemLog, debug, ...options } = {}) =>
  call('zipServer', { input: path(input), dest: path(dest), options }, logOf(systemLog, debug))

/** The main file of the server in a directory; resolves to nothing if there is none. */
export const findServerEntry = async (directory) => call('findServerEntry', { input: path(directory) })

/** The functions of one or more directories. */
export const listFunctions = async (input, options = {}) => call('listFunctions', { input: places(input), options })

/** The function at a path; resolves to nothing if there is none. */
export const listFunction = async (input, options = {}) => call('listFunction', { input: path(input), options })

/** Every file of every function. */
export const listFunctionsFiles = async (input, options = {}) =>
  call('listFunctionsFiles', { input: places(input), options })

/** Directories and single functions, of the user and generated. */
const places = (input) => {
  if (typeof input === 'string') return places([input])
  if (Array.isArray(input)) return places({ user: { directories: input } })
  return { generated: category(input.generated), user: category(input.user) }
}

const category = (of) => ({
  directories: (of?.directories ?? []).map(path),
  functions: (of?.functions ?? []).map(path),
})

/** A path as it is; of what is none, Node's own error. */
const path = (value) => {
  normalize(value)
  return value
}

const logOf = (systemLog, debug) => systemLog ?? (debug ? console.log : undefined)
