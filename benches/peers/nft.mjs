// Traces main files by @vercel/nft and nothing else: what a packager cannot do without. Prints how many files it found.
//
//   node nft.mjs SITE MAIN…

import { readFile } from 'node:fs/promises'

import { nodeFileTrace } from '@vercel/nft'
import { transform } from 'esbuild'

const [site, ...mains] = process.argv.slice(2)

/** nft itself parses no types. */
async function read(path) {
  try {
    const text = await readFile(path, 'utf8')
    return path.endsWith('.ts') ? (await transform(text, { loader: 'ts' })).code : text
  } catch (error) {
    if (['ENOENT', 'EISDIR'].includes(error.code)) return null
    throw error
  }
}

const { fileList } = await nodeFileTrace(mains, { base: site, processCwd: site, ts: true, readFile: read, ignore: 'node_modules/@aws-sdk/**' })
console.log(JSON.stringify({ files: fileList.size }))
process.exit()
