// How long a reading takes from the cuff's frame to the clinician's screen, on this machine: a real companion on the scripted
// radio, a real relay, a real station, and Chromium with the patient's record open. One reading after the other.
// usage: node measure.mjs RUNS    prints one JSON line {"chromium","told_ms":[…],"painted_ms":[…]}, a number a reading.
//
// All times are of this machine's one clock. `told`: the console's live channel delivered the change to the page. `painted`: the
// first task after the frame in which the row stands. The first readings warm everything up and do not count.
import { browser, until } from './ground.mjs'
import { cuff, house } from './parts.mjs'

const RUNS = Number(process.argv[2])
if (!Number.isInteger(RUNS) || RUNS < 1) throw new Error('usage: node measure.mjs RUNS')
const WARM_UP = 5
const LIMIT = 20_000

const hex = (value, bytes) => Array.from({ length: bytes }, (_, i) => ((value >> (8 * i)) & 0xff).toString(16).padStart(2, '0')).join('')

/** A frame whose systolic value no other has, and how the console writes it. Each is a minute younger than the one before. */
function frame(n) {
  const tenths = 1001 + n
  const at = new Date(Date.now() - (RUNS + WARM_UP + 10 - n) * 60_000)
  const clock = hex(at.getUTCFullYear(), 2) + [at.getUTCMonth() + 1, at.getUTCDate(), at.getUTCHours(), at.getUTCMinutes(), at.getUTCSeconds()].map((part) => hex(part, 1)).join('')
  // Blood Pressure Measurement (BLS 3.1): flags time, pulse, status; SFLOAT, exponent -1 in the upper four bits
  return { bytes: ['16', hex(0xf000 | tenths, 2), hex(88, 2), hex(106, 2), clock, hex(73, 2), '0000'].join(''), shown: (tenths / 10).toFixed(1) }
}

/** Runs in the page before anything of its own: notes when a change is told, and when wanted digits are painted. */
function watch() {
  const clock = () => performance.timeOrigin + performance.now()
  const told = []
  globalThis.EventSource = class extends globalThis.EventSource {
    constructor(...words) {
      super(...words)
      this.addEventListener('message', (event) => { if (JSON.parse(event.data).topics.includes('readings')) told.push(clock()) })
    }
  }
  let wanted = null
  const look = () => {
    if (wanted === null || ![...document.querySelectorAll('table.data td.num')].some((cell) => cell.textContent === wanted)) return
    const shown = wanted
    wanted = null
    requestAnimationFrame(() => {
      const behind = new MessageChannel()
      behind.port1.onmessage = () => { globalThis.painted({ shown, at: clock(), told }) }
      behind.port2.postMessage(null)
    })
  }
  globalThis.await_digits = (digits) => { told.length = 0; wanted = digits }
  new MutationObserver(look).observe(document, { subtree: true, childList: true, characterData: true })
}

/** A call of the console's interface, as the console makes it. */
const call = (page, method, path, body) => page.evaluate(async ([method, path, body]) => {
  const answer = await fetch(path, { method, headers: { 'x-teleward': '1', 'content-type': 'application/json' }, ...(body && { body: JSON.stringify(body) }) })
  const text = await answer.text()
  return { status: answer.status, body: text === '' ? null : JSON.parse(text) }
}, [method, path, body])

async function good(page, method, path, body) {
  const answer = await call(page, method, path, body)
  if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`)
  return answer.body
}

/** A patient whose phone has joined and is confirmed; gives the record's address. */
async function patient(page, home, phone) {
  await page.goto(home.origin)
  await good(page, 'POST', '/api/session/link', { token: home.link.split('#')[1] })
  await good(page, 'POST', '/api/password', { new: 'harbour lantern maple' })
  const { id } = await good(page, 'POST', '/api/patients', { name: 'Test Patient', born: '1951-03-03', record_number: 'B-1', phone: '01632 960 147', zone: 'Europe/London' })
  // a relay that runs follows a new admission within half a second
  const invite = await until('an invite', async () => {
    const answer = await call(page, 'POST', `/api/patients/${id}/invites`, {})
    if (answer.status === 409 && answer.body.code === 'relay') return null
    if (answer.status >= 300) throw new Error(`no invite: ${JSON.stringify(answer)}`)
    return answer.body.url
  })
  await phone.ask({ do: 'join', invite, label: 'Kitchen phone' })
  const link = await until('a join to confirm', async () => (await good(page, 'GET', `/api/patients/${id}`)).links.find(({ state }) => state === 'pending'))
  await good(page, 'POST', `/api/links/${link.up}/confirm`, { how: 'words' })
  await phone.until('the confirmation', ({ link }) => link?.state === 'Confirmed')
  return `${home.origin}/patients/${id}`
}

const { context, close } = await browser()
const home = await house()
try {
  const phone = await home.phone('phone', { devices: cuff().devices.map((device) => ({ ...device, frames: [] })) })
  const page = await context.newPage()
  let paint
  await page.exposeFunction('painted', (notice) => { paint(notice) })
  const record = await patient(page, home, phone)
  await page.addInitScript(watch)
  await page.goto(record)
  await page.getByRole('heading', { level: 1 }).waitFor()
  await phone.ask({ do: 'begin_pairing' })

  const [told, painted] = [[], []]
  for (let n = 0; n < WARM_UP + RUNS; n += 1) {
    const { bytes, shown } = frame(n)
    const notice = new Promise((resolve, reject) => {
      const timer = setTimeout(() => { reject(new Error(`reading ${n} was not on the screen within ${LIMIT / 1000} s`)) }, LIMIT)
      paint = (found) => { clearTimeout(timer); resolve(found) }
    })
    await page.evaluate((digits) => { globalThis.await_digits(digits) }, shown)
    const { indicated_ms: indicated } = await phone.ask({ do: 'push', bytes })
    const found = await notice
    if (found.shown !== shown) throw new Error(`${found.shown} was painted where ${shown} was waited for`)
    // notices of the reading before have all come, since its *seen* had come back; the first one after the frame is this one's
    const heard = found.told.find((at) => at >= indicated)
    if (heard === undefined || heard > found.at) throw new Error(`reading ${n} was painted and never told`)
    if (n >= WARM_UP) {
      told.push(heard - indicated)
      painted.push(found.at - indicated)
    }
    await phone.journal(`reading ${n} is seen`, (held) => held.length === n + 1 && held.every(({ seen }) => seen))
  }
  console.log(JSON.stringify({ chromium: await version(page), told_ms: told, painted_ms: painted }))
} finally {
  await close()
  await home.stop()
}

/** A persistent context has no browser object to ask. */
async function version(page) {
  return /Chrome\/([\d.]+)/.exec(await page.evaluate(() => navigator.userAgent))?.[1] ?? 'unknown'
}
