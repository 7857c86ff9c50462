// What callers of `@netlify/zip-it-and-ship-it` find under its names. The functions do not throw; they reject.

export declare const ARCHIVE_FORMAT: { readonly NONE: 'none'; readonly TAR: 'tar'; readonly ZIP: 'zip' }
export type ArchiveFormat = ValueOf<typeof ARCHIVE_FORMAT>

export declare const NODE_BUNDLER: {
  readonly ESBUILD: 'esbuild'
  readonly ESBUILD_ZISI: 'esbuild_zisi'
  readonly NFT: 'nft'
  readonly ZISI: 'zisi'
  readonly NONE: 'none'
}
export type NodeBundlerName = ValueOf<typeof NODE_BUNDLER>

export declare const RUNTIME: {
  readonly CONTAINER: 'container'
  readonly GO: 'go'
  readonly JAVASCRIPT: 'js'
  readonly RUST: 'rs'
}
export type RuntimeName = ValueOf<typeof RUNTIME>

export declare const MODULE_FORMAT: { readonly COMMONJS: 'cjs'; readonly ESM: 'esm' }
export type ModuleFormat = ValueOf<typeof MODULE_FORMAT>

/** Packs every function of one or more directories, and writes the manifest. */
export declare const zipFunctions: (
  input: MixedPaths,
  destFolder: string,
  options?: ZipFunctionsOptions,
) => Promise<FunctionResult[]>

/** Packs the function at a path; resolves to nothing if there is none. */
export declare const zipFunction: (
  path: string,
  destFolder: string,
  options?: ZipFunctionOptions,
) => Promise<FunctionResult | undefined>

/** Packs the server with the entry file at a path, and writes its manifest. */
export declare const zipServer: (
  path: string,
  destFolder: string,
  options?: ZipServerOptions,
) => Promise<ServerResult>

/** The entry file of the server in a directory; resolves to nothing if there is none, and rejects if there are many. */
export declare const findServerEntry: (directory: string) => Promise<string | undefined>

/** The functions of one or more directories. */
export declare const listFunctions: (input: MixedPaths, options?: ListFunctionsOptions) => Promise<ListedFunction[]>

/** The function at a path; resolves to nothing if there is none. */
export declare const listFunction: (
  path: string,
  options?: ListFunctionsOptions,
) => Promise<ListedFunction | undefined>

/** Every file of every function of one or more directories. */
export declare const listFunctionsFiles: (
  input: string | string[],
  options?: ListFunctionsOptions,
) => Promise<ListedFunctionFile[]>

/** Where functions are: one directory, several, or told apart by who made them. Relative paths are of the process. */
export type MixedPaths =
  | string
  | string[]
  | {
      /** By a plugin, an extension or a framework. */
      generated?: Partial<FunctionsCategory>
      user?: Partial<FunctionsCategory>
    }

export interface FunctionsBag {
  generated: FunctionsCategory
  user: FunctionsCategory
}

interface FunctionsCategory {
  /** Directories with functions in them. */
  directories: string[]
  /** Single functions: files, or the directories of one each. */
  functions: string[]
}

export interface ZipFunctionOptions {
  archiveFormat?: ArchiveFormat
  /** What names in archives, included files and tracing start from. */
  basePath?: string
  branch?: string
  config?: Config
  /** Says to the console what `systemLog` would get. */
  debug?: boolean
  featureFlags?: FeatureFlags
  /** A function inside it counts as generated. */
  internalSrcFolder?: string
  /** By default `basePath`. */
  repositoryRoot?: string
  systemLog?: LogFunction
  /** Of no effect, as there: `config` has one for each function. */
  zipGo?: boolean
}

export type ZipFunctionsOptions = ZipFunctionOptions & {
  /** Where functions may have a JSON file beside them. */
  configFileDirectories?: string[]
  /** By default `manifest.json` beside the archives. */
  manifest?: string
  parallelLimit?: number
}

export interface ZipServerOptions {
  basePath?: string
  debug?: boolean
  featureFlags?: FeatureFlags
  /** By default `manifest.json` beside the archive. */
  manifest?: string
  repositoryRoot?: string
  systemLog?: LogFunction
}

interface ListFunctionsOptions {
  basePath?: string
  config?: Config
  configFileDirectories?: string[]
  featureFlags?: FeatureFlags
  /** Reads the source of each function for what it says of itself. */
  parseISC?: boolean
}

type LogFunction = (...args: unknown[]) => void

type FeatureFlags = Partial<
  Record<
    | 'buildRustSource'
    | 'traceWithNft'
    | 'zisi_add_instrumentation_loader'
    | 'zisi_container_functions'
    | 'zisi_error_cjs_in_esm_scope'
    | 'zisi_esbuild_fail_double_glob'
    | 'zisi_netlify_play'
    | 'zisi_output_cjs_extension'
    | 'zisi_pure_esm'
    | 'zisi_pure_esm_mjs',
    boolean
  >
>

/** Settings by the name of a function, or by a pattern of names. */
export type Config = Record<string, FunctionConfig>

export interface FunctionConfig {
  background?: boolean | undefined
  externalNodeModules?: string[] | undefined
  generator?: string | undefined
  ignoredNodeModules?: string[] | undefined
  includedFiles?: string[] | undefined
  includedFilesBasePath?: string | undefined
  /** In megabytes. */
  memory?: number | undefined
  name?: string | undefined
  nodeBundler?: NodeBundlerName | undefined
  nodeModuleFormat?: ModuleFormat | undefined
  nodeSourcemap?: boolean | undefined
  nodeVersion?: string | undefined
  region?: Region | undefined
  rustTargetDirectory?: string | undefined
  schedule?: string | undefined
  /** In seconds. */
  timeout?: number | undefined
  vcpu?: number | undefined
  zipGo?: boolean | undefined
}

type Region = 'cmh' | 'dub' | 'fra' | 'gru' | 'iad' | 'lhr' | 'nrt' | 'pdx' | 'sfo' | 'sin' | 'syd' | 'yul'

/** A function that was built. */
export interface FunctionResult {
  bootstrapVersion?: string
  buildData?: { bootstrapVersion?: string; runtimeAPIVersion?: number }
  bundler?: NodeBundlerName
  bundlerErrors?: object[]
  bundlerReason?: BundlerReason
  bundlerWarnings?: object[]
  config: FunctionConfig
  displayName?: string
  entryFilename: string
  eventSubscriptions?: string[]
  excludedRoutes?: Route[]
  generator?: string
  includedFiles?: string[]
  /** Every file that the result depends on. */
  inputs?: string[]
  invocationMode?: InvocationMode
  mainFile: string
  memory?: number
  name: string
  nativeNodeModules?: object
  outputModuleFormat?: ModuleFormat
  path: string
  priority?: number
  region?: string
  routes?: ExtendedRoute[]
  runtime: RuntimeName
  runtimeAPIVersion?: number
  runtimeVersion?: string
  schedule?: string
  /** In bytes, of an archive. */
  size?: number
  timeout?: number
  trafficRules?: TrafficRules
  vcpu?: number
}

type InvocationMode = 'background' | 'buffer' | 'stream'

type BundlerReason =
  | 'config-override'
  | 'esbuild-ext'
  | 'esm-default'
  | 'flag-forced-nft'
  | 'mjs-pure-esm'
  | 'none-override'
  | 'v2-nft'
  | 'zisi-default'

/** A server that was built. */
export interface ServerResult {
  bundler?: string
  excludedRoutes?: Route[]
  mainFile: string
  memory?: number
  path: string
  region?: string
  routes?: ExtendedRoute[]
  runtime: RuntimeName
  runtimeVersion?: string
  size?: number
  vcpu?: number
}

export interface ServerOptions {
  /** The entry file. */
  path: string
}

/** A function that was found. Some is only known with `parseISC`. */
export interface ListedFunction {
  displayName?: string
  excludedRoutes?: Route[]
  extension: string
  generator?: string
  inputModuleFormat?: ModuleFormat
  mainFile: string
  name: string
  routes?: ExtendedRoute[]
  runtime: RuntimeName
  runtimeAPIVersion?: number
  schedule?: string
  srcDir?: string
  srcPath: string
  timeout?: number
}

/** One file of a function; `extension` is the file's. */
type ListedFunctionFile = ListedFunction & { srcFile: string }

/** Requests that a function answers: of one path, or of those that an expression fits. */
export type Route = { pattern: string } & ({ literal: string } | { expression: string })

export type ExtendedRoute = Route & { methods?: string[]; prefer_static?: boolean }

/** How often a function may be called, and what happens then. */
export interface TrafficRules {
  action: {
    type: string
    config: {
      aggregate: { keys: { type: string }[] }
      rateLimitConfig: { algorithm: string; windowLimit: number; windowSize: number }
      to?: string
    }
  }
}

/** `manifest.json` of functions. */
export interface FunctionsManifest extends ManifestBase {
  functions: ManifestFunction[]
  /** Only in manifests of old: a server has one of its own. */
  server?: ManifestServer
}

export type Manifest = FunctionsManifest

/** `manifest.json` of a server. */
export interface ServerManifest extends ManifestBase {
  server: ManifestServer
}

interface ManifestBase {
  system: { arch: string; platform: string }
  timestamp: number
  version: number
}

interface ManifestFunction {
  buildData?: Record<string, unknown>
  bundler?: string
  displayName?: string
  eventSubscriptions?: string[]
  excludedRoutes?: Route[]
  generator?: string
  invocationMode?: InvocationMode
  mainFile: string
  memory?: number
  name: string
  path: string
  priority?: number
  region?: string
  routes?: ExtendedRoute[]
  runtime: string
  runtimeVersion?: string
  schedule?: string
  timeout?: number
  trafficRules?: TrafficRules
  vcpu?: number
}

type ManifestServer = Omit<ServerResult, 'runtime' | 'size'> & { runtime: string }

type ValueOf<T> = T[keyof T]

// Only what is said to be exported is.
export {}
