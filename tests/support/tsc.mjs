// What tsc makes of some files. In: for each case a directory, its sources, the kind of module. Out: for
// each case the files that were written.
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'

const ts = createRequire(new URL('../tools/package.json', import.meta.url))('typescript')

// The declarations of the language itself are read once.
const libraries = new Map()

const cases = JSON.parse(await text(process.stdin))
console.log(JSON.stringify(cases.map(compile)))

function compile({ directory, files, module }) {
  const options = optionsOf(directory, files, module)
  const host = ts.createCompilerHost(options)
  const { getSourceFile } = host
  host.getSourceFile = (name, ...rest) => {
    if (!name.includes('/typescript/lib/')) return getSourceFile(name, ...rest)
    if (!libraries.has(name)) libraries.set(name, getSourceFile(name, ...rest))
    return libraries.get(name)
  }
  const written = []
  const program = ts.createProgram(files.map((file) => join(directory, file)), options, host)
  program.emit(undefined, (name, content) => {
    ts.sys.writeFile(name, content)
    written.push(name)
  })
  return written
}

function optionsOf(directory, files, module) {
  const config = join(directory, 'tsconfig.json')
  const said = existsSync(config) ? ts.readConfigFile(config, ts.sys.readFile).config.compilerOptions : {}
  const older = /^es(3|5|6|201\d|202[01])$/i.test(said.target ?? '')
  const options = {
    esModuleInterop: true,
    jsx: 'react',
    ...said,
    // What an older target means for fields, and no more: we lower nothing else either.
    target: 'es2022',
    useDefineForClassFields: said.useDefineForClassFields ?? !older,
    module,
    moduleResolution: module === 'commonjs' ? 'node10' : 'bundler',
    allowJs: files.some((file) => /\.(jsx|mjs)$/.test(file)),
    rewriteRelativeImportExtensions: true,
    sourceMap: true,
    types: [],
  }
  return ts.convertCompilerOptionsFromJson(options, directory).options
}
