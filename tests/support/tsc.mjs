// What tsc makes of some files. In: a directory, its sources, the kind of module. Out: the files written.
import { createRequire } from 'node:module'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'

const require = createRequire(new URL('../tools/package.json', import.meta.url))
const ts = require('typescript')
const { directory, files, module } = JSON.parse(await text(process.stdin))

const config = join(directory, 'tsconfig.json')
const said = existsSync(config) ? ts.readConfigFile(config, ts.sys.readFile).config.compilerOptions : {}
const { options } = ts.convertCompilerOptionsFromJson(
  {
    target: 'es2022',
    esModuleInterop: true,
    ...said,
    ...(/^es(3|5|6|201\d)$/i.test(said.target ?? '') && { target: 'es2022', useDefineForClassFields: said.useDefineForClassFields ?? false }),
    module,
    moduleResolution: 'bundler',
    allowJs: files.some((file) => /\.(jsx|mjs)$/.test(file)),
    rewriteRelativeImportExtensions: true,
    noEmitOnError: false,
    types: [],
    ...(module === 'commonjs' && { moduleResolution: 'node10', ignoreDeprecations: '5.0' }),
  },
  directory,
)
const program = ts.createProgram(files.map((file) => join(directory, file)), options)
const written = []
program.emit(undefined, (name, content) => {
  ts.sys.writeFile(name, content)
  written.push(name)
})
console.log(JSON.stringify(written))
