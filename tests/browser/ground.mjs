// What every browser check stands on: a Chromium of its own, pictures, axe, and one line a check.
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright-core'

const require = createRequire(import.meta.url)
const AXE = await readFile(require.resolve('axe-core/axe.min.js'), 'utf8')
const PICTURES = fileURLToPath(new URL('../../target/artefacts/browser', import.meta.url))
await mkdir(PICTURES, { recursive: true })
const CHROMIUM = process.env.TELEWARD_CHROMIUM ?? '/usr/bin/chromium'
const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage', '--lang=en-GB']

const tally = { passed: 0, failed: 0 }

/** One check: passes, or says why not. A failed check does not stop those after it; `must` does. */
export async function check(name, body) {
  try {
    const value = await body()
    tally.passed += 1
    console.log(`ok    ${name}`)
    return value
  } catch (error) {
    tally.failed += 1
    console.log(`FAIL  ${name}\n      ${String(error.message ?? error).split('\n').slice(0, 12).join('\n      ')}`)
    return undefined
  }
}

/** As `check`, for a step without which the rest means nothing. */
export async function must(name, body) {
  const before = tally.failed
  const value = await check(name, body)
  if (tally.failed > before) throw new Stopped(name)
  return value
}
export class Stopped extends Error {}

/** The last line, and the exit status. */
export function finish() {
  console.log(`${tally.passed} passed, ${tally.failed} failed`)
  process.exitCode = tally.failed === 0 && tally.passed > 0 ? 0 : 1
}

export function same(found, wanted, what = 'value') {
  const [a, b] = [JSON.stringify(found), JSON.stringify(wanted)]
  if (a !== b) throw new Error(`${what}: found ${a}, wanted ${b}`)
}
export function truth(found, what) {
  if (!found) throw new Error(what)
}

/** Waits until `ask` gives something true: asked again and again, with a limit. */
export async function until(what, ask, limit = 20_000) {
  const end = Date.now() + limit
  for (;;) {
    const found = await ask()
    if (found) return found
    if (Date.now() > end) throw new Error(`${what}: not within ${limit / 1000} s`)
    await new Promise((next) => { setTimeout(next, 50) })
  }
}

/** A browser with an empty profile that goes away with it. */
export async function browser() {
  const profile = await mkdtemp(join(tmpdir(), 'teleward-browser-'))
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: CHROMIUM, headless: true, args: FLAGS, viewport: { width: 1440, height: 900 }, colorScheme: 'light', reducedMotion: 'reduce', locale: 'en-GB', timezoneId: 'Europe/London',
  })
  context.setDefaultTimeout(10_000)
  return { context, close: async () => { await context.close(); await rm(profile, { recursive: true, force: true }) } }
}

/** A page that notes what must never happen: faults in the console, scripts or styles that the policy refused, requests elsewhere. */
export async function watched(context, origin) {
  const page = await context.newPage()
  const troubles = []
  page.on('pageerror', (error) => troubles.push(`fault: ${error.message}`))
  page.on('console', (line) => {
    if (line.type() !== 'error' && line.type() !== 'warning') return
    // the browser notes every answer of 400 and more; those are checked where they belong
    if (/Failed to load resource/.test(line.text())) return
    troubles.push(`console: ${line.text()}`)
  })
  page.on('request', (request) => {
    const url = request.url()
    if (!url.startsWith(origin) && !url.startsWith('data:')) troubles.push(`request elsewhere: ${url}`)
  })
  return { page, troubles }
}

export const picture = (page, name) => page.screenshot({ path: join(PICTURES, `${name}.png`), fullPage: true })

/** Everything axe has to say against this page. */
export async function axe(page) {
  await page.evaluate(AXE)
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }))
  return violations.map((v) => `${v.id} (${v.impact}): ${v.nodes.map((n) => `${n.target.join(' ')} ${n.any[0]?.message ?? n.failureSummary ?? ''}`).join(' | ')}`)
}
export async function accessible(page) {
  const found = await axe(page)
  if (found.length > 0) throw new Error(found.join('\n'))
}

/** No sideways scrolling of the page itself (WCAG 1.4.10, reflow), and no table that sticks out of its card: that one is drawn
    over the card's edge and over what stands beside it, and the page need not grow by it. */
export async function reflows(page) {
  const found = await page.evaluate(() => {
    const wide = document.documentElement.scrollWidth - document.documentElement.clientWidth
    const faults = wide > 0 ? [`the page is ${wide} px wider than the screen`] : []
    for (const table of document.querySelectorAll('table')) {
      const card = table.closest('.panel') ?? table.parentElement
      const [box, style, at] = [card.getBoundingClientRect(), getComputedStyle(card), table.getBoundingClientRect()]
      const end = box.right - parseFloat(style.borderRightWidth) - parseFloat(style.paddingRight)
      const over = Math.round(Math.max(at.right, at.left + table.scrollWidth) - end)
      if (over > 1) faults.push(`a table is ${over} px wider than its card: ${(table.textContent ?? '').slice(0, 40)}`)
    }
    return faults
  })
  if (found.length > 0) throw new Error(`at ${page.viewportSize()?.width} px: ${found.join('; ')}`)
}

/** A shown screen: heading there, nothing for axe to say, a picture. */
export async function shown(page, name, heading) {
  await check(`screen ${name}`, async () => {
    await page.getByRole('heading', { level: 1, name: heading }).waitFor()
    await accessible(page)
    await reflows(page)
    await picture(page, name)
  })
}
