// Calls a function that was unpacked into a directory, and prints what it answers.
//
//   node call.mjs DIRECTORY NAME

import { existsSync, globSync } from 'node:fs'
import { join } from 'node:path'

const [directory, name] = process.argv.slice(2)

/** What a bootstrap expects of the platform, to be loaded. */
globalThis.awslambda = { streamifyResponse: (handler) => handler }

/** The platform's events are not the point here: of a version 2 function, its own module is called. */
async function answer() {
  if (existsSync(join(directory, '___netlify-entry-point.mjs'))) {
    await import(join(directory, '___netlify-entry-point.mjs'))
    const [main] = globSync(`**/${name}.{mjs,cjs,js}`, { cwd: directory, exclude: (path) => path === 'node_modules' })
    const loaded = await import(join(directory, main))
    const respond = loaded.default.default ?? loaded.default
    return (await respond(new Request('http://localhost/'))).text()
  }
  const entry = ['js', 'mjs', 'cjs'].map((extension) => join(directory, `${name}.${extension}`)).find(existsSync)
  const { handler } = await import(entry)
  return (await handler({}, {})).body
}

console.log(await answer())
process.exit()
