// Compiles if the package has the types of the packager that it stands in for, neither more nor less strict.

import * as ours from '@netlify/zip-it-and-ship-it'
import type * as theirs from 'peer'

/** Each can be used where the other is wanted, and neither has a field that the other lacks. */
type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? SameKeys<A, B> : false) : false
type SameKeys<A, B> = [keyof A] extends [keyof B] ? ([keyof B] extends [keyof A] ? true : false) : false

type All<T extends true[]> = T

type Values = Pick<typeof theirs, keyof typeof ours>

/** What no caller ever finds in a result. */
type Result = Omit<theirs.FunctionResult, 'staticAnalysisResult'>

export const values: Values = ours

export type Types = All<[
  Same<typeof ours, Values>,
  Same<typeof ours.ARCHIVE_FORMAT, typeof theirs.ARCHIVE_FORMAT>,
  Same<typeof ours.NODE_BUNDLER, typeof theirs.NODE_BUNDLER>,
  Same<typeof ours.RUNTIME, typeof theirs.RUNTIME>,
  Same<typeof ours.MODULE_FORMAT, typeof theirs.MODULE_FORMAT>,
  Same<ours.ArchiveFormat, theirs.ArchiveFormat>,
  Same<ours.NodeBundlerName, theirs.NodeBundlerName>,
  Same<ours.RuntimeName, theirs.RuntimeName>,
  Same<ours.ModuleFormat, theirs.ModuleFormat>,
  Same<ours.MixedPaths, theirs.MixedPaths>,
  Same<ours.FunctionsBag, theirs.FunctionsBag>,
  Same<ours.Config, theirs.Config>,
  Same<ours.FunctionConfig, theirs.FunctionConfig>,
  Same<ours.ZipFunctionOptions, theirs.ZipFunctionOptions>,
  Same<ours.ZipFunctionsOptions, theirs.ZipFunctionsOptions>,
  Same<ours.ZipServerOptions, theirs.ZipServerOptions>,
  Same<ours.ServerOptions, theirs.ServerOptions>,
  Same<ours.ServerResult, theirs.ServerResult>,
  Same<ours.FunctionResult, Result>,
  Same<ours.ListedFunction, theirs.ListedFunction>,
  Same<ours.Route, theirs.Route>,
  Same<ours.ExtendedRoute, theirs.ExtendedRoute>,
  Same<ours.TrafficRules, theirs.TrafficRules>,
  Same<ours.Manifest, theirs.Manifest>,
  Same<ours.FunctionsManifest, theirs.FunctionsManifest>,
  Same<ours.FunctionsManifest['functions'][0], theirs.FunctionsManifest['functions'][0]>,
  Same<ours.ServerManifest, theirs.ServerManifest>,
  Same<ours.ServerManifest['server'], theirs.ServerManifest['server']>,
]>

/** As a site would write it. */
export const use = async (options: ours.ZipFunctionsOptions): Promise<(string | undefined)[]> => {
  const input: ours.MixedPaths = { user: { directories: ['functions'] } }
  const config: ours.Config = { '*': { nodeBundler: ours.NODE_BUNDLER.ESBUILD, schedule: undefined } }
  const listed = await ours.listFunctions(input, { config, parseISC: true })
  const zipped = await ours.zipFunctions(input, 'out', { ...options, archiveFormat: ours.ARCHIVE_FORMAT.NONE })
  const one = await ours.zipFunction('functions/one.js', 'out', { systemLog: console.log })
  const files = await ours.listFunctionsFiles('functions')
  const found = await ours.listFunction('functions/one.js')
  const entry = await ours.findServerEntry('server')
  const server = entry && (await ours.zipServer(entry, 'out'))
  // @ts-expect-error: nothing may be found
  found.name
  // @ts-expect-error: there is no such format
  await ours.zipFunctions(input, 'out', { archiveFormat: 'gzip' })
  const sources = [...listed.map(({ srcPath }) => srcPath), ...files.map(({ srcFile }) => srcFile)]
  return [...sources, ...zipped.map(({ path }) => path), one?.path, found?.mainFile, server && server.path]
}

declare const console: { log: (...said: unknown[]) => void }
