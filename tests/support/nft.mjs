// What @vercel/nft finds. Standard input: JSON, an array of {entry, base, options}. Standard output:
// JSON, an array of lists of files, relative to the base.
import { nodeFileTrace } from '../tools/node_modules/@vercel/nft/out/index.js'

let input = ''
for await (const chunk of process.stdin) input += chunk
const lists = []
for (const { entry, base, options } of JSON.parse(input)) {
  // What it throws at it does not list.
  const { fileList } = await nodeFileTrace([entry], { base, processCwd: base, ...options }).catch(() => ({ fileList: [] }))
  lists.push([...fileList].sort())
}
console.log(JSON.stringify(lists))
