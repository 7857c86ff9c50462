// Rows of small sites, a few at once, each in a directory of its own. In: JSON on standard input, an
// array of rows. Out: JSON on standard output, an array of what `work` makes of each, in the same
// order. Leaves nothing on the disk, and never lets one row see the files of another.
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

/** Answers every row with `work(row, site)`, `lanes` of them at once; `site` is an empty directory. */
export async function answerRows(lanes, work) {
  const rows = JSON.parse(await readAll(process.stdin))
  // Without links, so that a path that is reported can be told from the one that was given.
  const scratch = await realpath(await mkdtemp(join(tmpdir(), 'rows-')))
  try {
    const answers = await inLanes(lanes, rows, (row, index) => inDirectory(join(scratch, String(index)), row, work))
    console.log(JSON.stringify(answers))
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}

/** Writes files by their paths below a directory. */
export async function writeFiles(directory, files) {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(directory, path)), { recursive: true })
    await writeFile(join(directory, path), content)
  }
}

async function readAll(stream) {
  let text = ''
  for await (const chunk of stream.setEncoding('utf8')) text += chunk
  return text
}

/** The results of `work` on each item, in the order of the items. */
async function inLanes(lanes, items, work) {
  const results = []
  let next = 0
  const lane = async () => {
    while (next < items.length) {
      const index = next++
      results[index] = await work(items[index], index)
    }
  }
  await Promise.all(Array.from({ length: lanes }, lane))
  return results
}

async function inDirectory(site, row, work) {
  await mkdir(site)
  try {
    return await work(row, site)
  } finally {
    await rm(site, { recursive: true, force: true })
  }
}
