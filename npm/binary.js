// Where the program is, and the platform's package that version 2 functions run on. The program comes in a package of its
// own for each platform, of which npm installs the one that fits.

import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import { arch, env, platform } from 'node:process'

const { resolve } = createRequire(import.meta.url)

/** The path of the program: `FNZIP_BINARY`, else that of this platform's package. */
export const findBinary = () => {
  if (env.FNZIP_BINARY) return env.FNZIP_BINARY
  const name = `@fnzip/${platform}-${arch}`
  try {
    return resolve(`${name}/fnzip${platform === 'win32' ? '.exe' : ''}`)
  } catch {
    throw new Error(
      `fnzip has no program for this machine: the package ${name} is not installed. ` +
        'Install without --no-optional and --omit=optional; if node_modules came from another platform, install again; ' +
        'or name a program of your own in FNZIP_BINARY.',
    )
  }
}

/** The directory of the platform's package, for projects that have none; nothing, if it was left out. */
export const findApi = () => {
  try {
    return dirname(resolve('@netlify/serverless-functions-api/package.json'))
  } catch {
    return undefined
  }
}
