// Visits a server of functions with Chromium, as a person would. Standard input: JSON, { url }, where the functions of
// `tests/it/serve/browser.rs` are served. Standard output: JSON, what was to be seen.
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { chromium } from '../tools/node_modules/playwright-core/index.mjs'

const { url } = JSON.parse(await text(process.stdin))
const list = `${url}/.netlify/functions`
const places = process.env.PATH.split(delimiter).map((directory) => join(directory, 'chromium'))
const browser = await chromium.launch({ executablePath: places.find((place) => existsSync(place)) })
const page = await browser.newPage({ viewport: { width: 1024, height: 768 } })
/** What the browser itself complains of, and what it asks for. */
const [complaints, asked] = [[], []]
page.on('pageerror', (error) => complaints.push(error.message))
page.on('dialog', (dialog) => complaints.push(dialog.message()) && dialog.dismiss())
page.on('request', (request) => asked.push(request.url().replace(url, '')))

/** The rows of the table below a title, cell by cell. */
const rows = async (title) => {
  const table = page.locator(`:is(h1, h2):text-is("${title}") + table tbody tr`)
  return Promise.all((await table.all()).map((row) => row.locator('td').allInnerTexts()))
}
const isWide = () => page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth)

try {
  await page.goto(list)
  const listed = { title: await page.title(), heading: await page.locator('h1').innerText(), functions: await rows('Functions') }
  listed.links = await page.locator('table a').evaluateAll((links) => links.map((link) => link.getAttribute('href')))

  await page.click('a[href="/.netlify/functions/hello"]')
  const called = { url: page.url().replace(url, ''), text: await page.locator('body').innerText() }

  await page.goto(list)
  await page.click('a[href="/.netlify/functions/fails"]')
  const failed = { title: await page.title(), text: await page.locator('pre').innerText(), scripts: await page.locator('script').count() }

  await page.goto(list)
  await page.click('a[href="/.netlify/functions/count-background"]')
  await page.goto(list)
  while ((await rows('In the background')).every((row) => row[2] !== 'done')) await page.reload()
  const after = { calls: await rows('Last calls'), jobs: await rows('In the background') }

  await page.setViewportSize({ width: 360, height: 640 })
  const narrow = { isWide: await isWide() }
  await page.emulateMedia({ colorScheme: 'dark' })
  narrow.background = await page.evaluate(() => getComputedStyle(document.body).backgroundColor)
  console.log(JSON.stringify({ listed, called, failed, after, narrow, complaints, asked }))
} finally {
  await browser.close()
}
