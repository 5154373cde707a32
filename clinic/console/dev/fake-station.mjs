// A station made of memory, for work on the console: the same interface, invented people, and a hand that makes things
// happen (`fake.arrive()`, `fake.join()`, …). `node dev/fake-station.mjs [port]` serves `dist` with the real station's
// policy and prints the address and a one-time link. Nothing of this is in the product.
import { createServer } from 'node:http'
import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { extname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'

const DIST = fileURLToPath(new URL('../dist', import.meta.url))
const MEDIA = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript; charset=utf-8', '.css': 'text/css; charset=utf-8', '.svg': 'image/svg+xml' }
const POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
const id = () => randomBytes(16).toString('hex')
const HOUR = 3_600_000
const ago = (ms) => new Date(Date.now() - ms).toISOString()
const WORDS = ['harbour', 'lantern', 'maple', 'orbit', 'pencil', 'saddle']

export class Refusal extends Error {
  constructor(status, code, text, more = {}) { super(text); Object.assign(this, { status, code, more }) }
}

export async function start({ port = 0 } = {}) {
  const state = {
    accounts: [{ id: id(), name: 'A. Lindqvist', role: 'administrator', state: 'invited', last_sign_in: null, password: null }],
    sessions: new Map(), links: new Map(), patients: [], findings: [], readings: new Map(), patientLinks: new Map(), invites: new Map(),
    table: null, glucoseUnit: null, relay: { url: 'https://post.example', state: 'ok', since: null, last_contact: ago(4000) }, wrong: 0, throttled: 0, revision: 0, listeners: new Set(), withheld: false,
  }
  const link = (account) => { const token = id(); state.links.set(token, account.id); return `/sign-in#${token}` }
  const changed = (patients, topics) => {
    state.revision += 1
    for (const out of state.listeners) out.write(`data: ${JSON.stringify({ revision: state.revision, patients, topics })}\n\n`)
  }
  const need = (list, wanted) => list.find((one) => one.id === wanted) ?? (() => { throw new Refusal(404, 'unknown', 'There is no such thing at this station.') })()
  const readings = (patient) => state.readings.get(patient) ?? []
  const linksOf = (patient) => state.patientLinks.get(patient) ?? []
  const invitesOf = (patient) => state.invites.get(patient) ?? []
  const patientState = (patient) => {
    const links = linksOf(patient)
    if (links.some((l) => l.state === 'confirmed')) return 'confirmed'
    if (links.some((l) => l.state === 'pending')) return 'pending'
    if (links.length > 0) return 'ended'
    return invitesOf(patient).some((i) => i.state === 'open') ? 'invited' : 'no_phone'
  }

  // ---- what the hand can do -------------------------------------------------------------------------------------------
  const fake = {
    state, changed, link: () => link(state.accounts[0]),
    addPatient: (fields) => { const made = { id: id(), zone: 'Europe/London', phone: '01632 960 147', ...fields }; state.patients.push(made); changed([made.id], ['links']); return made.id },
    join: (patient, more = {}) => {
      const made = { up: id(), role: 'patient', label: 'Phone', state: 'pending', since: ago(60_000), confirmed_by: null, confirmed_how: null, app: 'Teleward 0.1.0', heard_at: ago(30_000), next_by: ago(-24 * HOUR), overdue: false, queue: { depth: 0, oldest: null, stuck: 0 }, words: WORDS, words_only: invitesOf(patient).some((i) => i.state === 'open' && i.by_letter), ended_by: null, end_reason: null, digits: '01234 56789 01234 56789 01234 56789', ...more }
      state.patientLinks.set(patient, [...linksOf(patient), made])
      state.invites.set(patient, invitesOf(patient).map((i) => (i.state === 'open' ? { ...i, state: 'used' } : i)))
      changed([patient], ['links'])
      return made
    },
    arrive: (patient, more = {}) => {
      const at = more.effective ?? ago(8 * 60_000)
      const made = { id: id(), kind: 'blood_pressure', effective: at, effective_sure: true, zone_offset: new Intl.DateTimeFormat('en-GB', { timeZone: state.patients.find((p) => p.id === patient)?.zone ?? 'UTC', timeZoneName: 'longOffset' }).formatToParts(new Date(at ?? Date.now())).find((p) => p.type === 'timeZoneName').value.slice(3) || '+00:00', received: ago(5000), stored: ago(4000), source: 'device', device: { maker: 'A&D', model: 'UA-651BLE', serial_tail: '0147' }, link_label: 'Phone', values: { systolic: '128', diastolic: '82', mean_arterial: '97', pulse_rate: '64' }, units: { systolic: 'mm[Hg]', diastolic: 'mm[Hg]', mean_arterial: 'mm[Hg]', pulse_rate: '/min' }, sent: {}, outline: null, coded: [], absent: null, status: [], doubts: [], possibly_same_as: null, confirmed: linksOf(patient).some((l) => l.state === 'confirmed'), seen: null, said: null, ...more }
      state.readings.set(patient, [made, ...readings(patient)])
      changed([patient], ['readings'])
      return made
    },
    find: (patient, more = {}) => {
      const named = state.patients.find((p) => p.id === patient)
      state.findings.push({ id: id(), code: 'gap', text: 'One message of this phone has not arrived.', next_step: 'Nothing to do yet: the phone is asked to send it again. If this stays for a day, telephone the patient.', patient: named ? { id: named.id, name: named.name } : null, at: ago(2 * HOUR), state: 'open', closed_at: null, closed_by: null, ...more })
      changed(patient ? [patient] : [], ['findings'])
    },
    relayGone: () => { state.relay = { ...state.relay, state: 'unreachable', since: ago(26 * 60_000) }; changed([], ['status']) },
    used: [],
    endSessions: () => { state.sessions.clear() },
    stop: () => new Promise((done) => { for (const out of state.listeners) out.end(); server.close(done); server.closeAllConnections() }),
  }

  /** Glucose as the station gives it: in the chosen unit, or that of the newest reading of the kind, with what was sent beside it. */
  const readIn = (patient) => Object.fromEntries(['glucose', 'glucose_cgm'].flatMap((kind) => {
    const unit = state.glucoseUnit ?? readings(patient).find((r) => r.kind === kind && r.said?.what !== 'not_me')?.units.glucose
    return unit === undefined ? [] : [[kind, unit]]
  }))
  const shown = (reading, unit) => {
    const [text, from] = [reading.values.glucose, reading.units.glucose]
    if (from === undefined || unit === undefined || from === unit) return reading
    const read = unit === 'mmol/L' ? (Number(text) / 18.0156).toFixed(1) : (Number(text) * 18.0156).toFixed(0)
    return { ...reading, values: { ...reading.values, glucose: text === null ? null : read }, units: { ...reading.units, glucose: unit }, sent: text === null ? {} : { glucose: { value: text, unit: from } } }
  }

  const administrator = (who) => { if (who.role !== 'administrator') throw new Refusal(403, 'administrator', 'Only an administrator may do this.') }
  /** The station's own rules in short: JSON with rows that name a device, no older than the table in force. */
  const tableOf = (text) => {
    const refuse = (why) => { throw new Refusal(400, 'no_table', `This is no table of devices: ${why}. Nothing was adopted; ask whoever made the file for a new one.`) }
    let table
    try { table = JSON.parse(text) } catch { refuse('expected value at line 1 column 1') }
    if (!Array.isArray(table.rows)) refuse('missing field `rows`')
    const nameless = table.rows.find((row) => Object.keys(row.match).length === 0)
    if (nameless) refuse(`row ${nameless.id} names no device: it would count for all`)
    const held = state.table
    if (held && held.issued !== null && table.issued < held.issued) throw new Refusal(409, 'older', `This table was issued on ${table.issued}, the one in force on ${held.issued}: it is older. Nothing was adopted; to go back on purpose, give the file today's date as \`issued\`.`)
    return table
  }
  const tableChanges = (table) => {
    const held = new Map((state.table?.rows ?? []).map((row) => [row.id, row]))
    const changes = { added: [], changed: [], removed: [], same: 0 }
    for (const row of table.rows) {
      const was = held.get(row.id)
      held.delete(row.id)
      if (!was) changes.added.push(row)
      else if (JSON.stringify(was) === JSON.stringify(row)) changes.same += 1
      else changes.changed.push({ before: was, after: row })
    }
    changes.removed = [...held.values()]
    return { over: state.table?.n ?? 0, issued: table.issued ?? null, rows: table.rows.length, changes }
  }
  fake.adopt = (table, name) => { state.table = { n: (state.table?.n ?? 1_764_000_000) + 1, issued: table.issued ?? null, at: ago(0), adopted_by: name, rows: table.rows }; changed([], ['devices']); return state.table.n }

  // ---- the interface --------------------------------------------------------------------------------------------------
  const routes = [
    ['GET', /^\/api\/session$/, ({ who }) => ({ account: { id: who.id, name: who.name, role: who.role }, clinic: { name: 'Harbour Road Heart & Lung Clinic', zone: 'Europe/London', phone: '+44 1632 960 000', glucose_unit: state.glucoseUnit }, set_password: who.password === null, now: ago(0) })],
    ['POST', /^\/api\/session$/, ({ body, response }) => {
      if (state.throttled > Date.now()) throw new Refusal(429, 'slow_down', 'Too many wrong attempts.', { retry_after: Math.ceil((state.throttled - Date.now()) / 1000) })
      const found = state.accounts.find((a) => a.name === body.name && a.password !== null && a.password === body.password)
      if (!found) {
        state.wrong += 1
        if (state.wrong >= 3) state.throttled = Date.now() + 30_000
        throw new Refusal(401, 'wrong', 'Name and password do not belong together.')
      }
      state.wrong = 0
      signIn(found, response)
    }, 'open'],
    ['POST', /^\/api\/session\/link$/, ({ body, response }) => {
      const account = state.accounts.find((a) => a.id === state.links.get(body.token))
      if (!account) throw new Refusal(410, 'used', 'This link was used or is too old.')
      state.links.delete(body.token)
      account.password = null
      signIn(account, response)
    }, 'open'],
    ['DELETE', /^\/api\/session$/, ({ token }) => { state.sessions.delete(token) }, 'open'],
    ['POST', /^\/api\/password$/, ({ who, body }) => {
      if ([...String(body.new)].length < 12) throw new Refusal(400, 'weak', 'This password is too short: take at least 12 characters.')
      if (who.password !== null && body.old !== who.password) throw new Refusal(403, 'wrong', 'The old password is another one.')
      who.password = body.new
      who.state = 'active'
    }],
    ['GET', /^\/api\/accounts$/, () => ({ as_of: ago(0), accounts: state.accounts.map(({ password: _, ...rest }) => rest) })],
    ['POST', /^\/api\/accounts$/, ({ body }) => { const made = { id: id(), name: body.name, role: body.role, state: 'invited', last_sign_in: null, password: null }; state.accounts.push(made); return { id: made.id, link: link(made) } }],
    ['POST', /^\/api\/accounts\/(\w+)\/reset$/, ({ match, who }) => { const account = need(state.accounts, match[1]); if (account === who) throw new Refusal(409, 'own_account', 'This is your own account: change its password in your settings.'); account.password = null; account.state = 'invited'; return { link: link(account) } }],
    ['POST', /^\/api\/accounts\/(\w+)\/end$/, ({ match }) => { need(state.accounts, match[1]).state = 'ended' }],
    ['GET', /^\/api\/patients$/, () => ({ as_of: ago(0), patients: state.patients.map((p) => ({ id: p.id, name: p.name, born: p.born, record_number: p.record_number, zone: p.zone, state: patientState(p.id), latest: readings(p.id).slice(0, 1).map((r) => shown(r, state.glucoseUnit ?? undefined))[0] ?? null, unseen: readings(p.id).filter((r) => r.seen === null).length, findings: state.findings.filter((f) => f.patient?.id === p.id && f.state === 'open').length, heard_at: linksOf(p.id)[0]?.heard_at ?? null, next_by: linksOf(p.id)[0]?.next_by ?? null })) })],
    ['POST', /^\/api\/patients$/, ({ body }) => {
      if (/^\d{4}-\d\d-\d\d$/.test(body.born) === false) throw new Refusal(400, 'born', 'The date of birth is not a date.')
      return { id: fake.addPatient(body) }
    }],
    ['GET', /^\/api\/patients\/(\w+)$/, ({ match }) => { const p = need(state.patients, match[1]); return { as_of: ago(0), patient: { ...p, state: patientState(p.id) }, links: linksOf(p.id), invites: invitesOf(p.id), findings: state.findings.filter((f) => f.patient?.id === p.id) } }],
    ['GET', /^\/api\/patients\/(\w+)\/readings$/, ({ match, url }) => {
      if (state.withheld) throw new Refusal(503, 'busy', 'The station is busy. Try again in a moment.')
      const all = readings(match[1])
      const before = url.searchParams.get('before')
      const from = before === null ? 0 : all.findIndex((r) => r.id === before) + 1
      const limit = Number(url.searchParams.get('limit') ?? 100)
      const read_in = readIn(match[1])
      return { as_of: ago(0), readings: all.slice(from, from + limit).map((r) => shown(r, read_in[r.kind])), more: all.length > from + limit, glucose: { read_in, mg_per_dl_in_1_mmol_per_l: '18.0156' } }
    }],
    ['POST', /^\/api\/patients\/(\w+)\/invites$/, ({ match, who, body }) => {
      const made = { id: id(), state: 'open', made_at: ago(0), made_by: who.name, expires: ago(-72 * HOUR), by_letter: body.way === 'letter' }
      state.invites.set(match[1], [made, ...invitesOf(match[1])])
      changed([match[1]], ['links'])
      return { id: made.id, url: `https://teleward.example/join#${randomBytes(160).toString('base64url')}`, qr_svg: square(), expires: made.expires, note: made.by_letter ? 'Somebody else may read this invite on its way. The phone that joins with it can be confirmed only by comparing the six check words, also when the patient comes in later.' : 'This invite is for the patient in front of you. To send one by letter or message, make it as such: the phone that joins with it is then confirmed by the check words only.' }
    }],
    ['POST', /^\/api\/invites\/(\w+)\/withdraw$/, ({ match }) => { for (const [patient, all] of state.invites) state.invites.set(patient, all.map((i) => (i.id === match[1] ? { ...i, state: 'withdrawn' } : i))) }],
    ['POST', /^\/api\/links\/(\w+)\/confirm$/, ({ match, body, who }) => { for (const [patient, all] of state.patientLinks) for (const l of all) if (l.up === match[1]) { Object.assign(l, { state: 'confirmed', confirmed_by: who.name, confirmed_how: body.how }); for (const r of readings(patient)) r.confirmed = true; changed([patient], ['links', 'readings']) } }],
    ['POST', /^\/api\/links\/(\w+)\/end$/, ({ match, body, who }) => { for (const [patient, all] of state.patientLinks) for (const l of all) if (l.up === match[1]) { Object.assign(l, { state: 'ended', since: ago(0), ended_by: who.name, end_reason: body.reason }); changed([patient], ['links']) } return { under_way: { text: 'What the phone had handed over before now is still fetched and shown.' } } }],
    ['POST', /^\/api\/seen$/, ({ body, who }) => { for (const all of state.readings.values()) for (const r of all) if (body.readings.includes(r.id) && r.seen === null) r.seen = { at: ago(0), by: who.name }; changed([], ['readings']) }],
    ['POST', /^\/api\/shown$/, ({ who, body }) => { administrator(who); state.glucoseUnit = body.glucose_unit; changed([], ['status']) }],
    ['GET', /^\/api\/devices\/table$/, ({ who }) => { administrator(who); return { as_of: ago(0), in_force: state.table } }],
    ['POST', /^\/api\/devices\/table\/changes$/, ({ who, body }) => { administrator(who); return tableChanges(tableOf(body.table)) }],
    ['POST', /^\/api\/devices\/table$/, ({ who, body }) => {
      administrator(who)
      const table = tableOf(body.table)
      if (body.over !== (state.table?.n ?? 0)) throw new Refusal(409, 'meanwhile', 'Another table was adopted since you looked. Nothing was adopted now; look again at what this one changes.')
      return { n: fake.adopt(table, who.name), phones: 3 }
    }],
    ['GET', /^\/api\/findings$/, () => ({ as_of: ago(0), findings: state.findings })],
    ['POST', /^\/api\/findings\/(\w+)\/close$/, ({ match, who }) => { Object.assign(need(state.findings, match[1]), { state: 'closed', closed_at: ago(0), closed_by: who.name }); changed([], ['findings']) }],
    ['GET', /^\/api\/status$/, () => ({ relay: state.relay, last_reading_at: null, glucose_unit: state.glucoseUnit, roster_n: 1, disk_free_mb: 81_920, version: '0.1.0', as_of: ago(3000) })],
  ]
  const signIn = (account, response) => {
    const token = id()
    state.sessions.set(token, account.id)
    account.last_sign_in = ago(0)
    response.setHeader('set-cookie', `tw_session=${token}; Path=/; HttpOnly; SameSite=Strict`)
  }

  const server = createServer(async (request, response) => {
    const url = new URL(request.url, 'http://station')
    response.setHeader('content-security-policy', POLICY)
    try {
      if (!url.pathname.startsWith('/api/')) { await file(url.pathname, response); return }
      const token = /tw_session=(\w+)/.exec(request.headers.cookie ?? '')?.[1]
      if (request.headers['x-teleward-use'] === '1') fake.used.push(Date.now())
      const who = state.accounts.find((a) => a.id === state.sessions.get(token) && a.state !== 'ended')
      if (request.method !== 'GET' && request.headers['x-teleward'] !== '1') throw new Refusal(403, 'csrf', 'Only the console may ask for changes.')
      const signedOut = new Refusal(401, 'signed_out', 'Sign in first.', { clinic: 'Harbour Road Heart & Lung Clinic', first_start: state.accounts.length === 1 && state.accounts[0].state === 'invited' })
      if (url.pathname === '/api/changes') {
        if (!who) throw signedOut
        response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
        response.write(': ready\n\n')
        state.listeners.add(response)
        response.on('close', () => state.listeners.delete(response))
        return
      }
      const chunks = []
      for await (const chunk of request) chunks.push(chunk)
      const body = chunks.length === 0 ? {} : JSON.parse(Buffer.concat(chunks).toString('utf8'))
      for (const [method, pattern, handle, open] of routes) {
        const match = pattern.exec(url.pathname)
        if (method !== request.method || !match) continue
        if (!who && open !== 'open') throw signedOut
        const answer = handle({ who, body, match, url, response, token })
        response.statusCode = answer === undefined ? 204 : 200
        response.setHeader('content-type', 'application/json')
        response.end(answer === undefined ? undefined : JSON.stringify(answer))
        return
      }
      throw new Refusal(404, 'unknown', 'The station knows no such request.')
    } catch (error) {
      response.statusCode = error.status ?? 500
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify({ code: error.code ?? 'fault', text: error.message, ...error.more }))
    }
  })
  await new Promise((done) => server.listen(port, '127.0.0.1', done))
  fake.url = `http://127.0.0.1:${server.address().port}`
  return fake
}

async function file(path, response) {
  const wanted = normalize(path).replace(/^[/\\]+/, '')
  const bytes = await readFile(join(DIST, wanted)).catch(() => null)
  response.setHeader('content-type', MEDIA[bytes === null ? '.html' : extname(wanted)] ?? 'application/octet-stream')
  response.end(bytes ?? await readFile(join(DIST, 'index.html')))
}

// looks like a code; is none
function square() {
  let path = ''
  for (let y = 0; y < 41; y += 1) for (let x = 0; x < 41; x += 1) if ((x * 7 + y * 13 + x * y) % 3 === 0) path += `M${x + 4} ${y + 4}h1v1h-1z`
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 49 49" shape-rendering="crispEdges"><rect width="49" height="49" fill="#fff"/><path d="${path}"/></svg>`
}

/** A house full of invented people, every state there is. */
export function people(fake) {
  const add = (name, born, record_number, zone) => fake.addPatient({ name, born, record_number, ...(zone ? { zone } : {}) })
  const margaret = add('Margaret Adeyemi', '1952-02-03', 'HR-20417')
  fake.join(margaret, { state: 'confirmed', confirmed_by: 'A. Lindqvist', confirmed_how: 'words', label: 'Her phone' })
  for (let i = 40; i >= 1; i -= 1) {
    if (i === 12 || i === 13 || i === 25) continue
    const high = 128 + Math.round(7 * Math.sin(i * 1.7)) + (i < 6 ? 9 : 0)
    const reading = fake.arrive(margaret, { effective: ago(i * 24 * HOUR - 8 * 60_000 * (i % 3)), stored: ago(i * 24 * HOUR - 9 * 60_000), received: ago(i * 24 * HOUR - 9 * 60_000), link_label: 'Her phone', values: { systolic: String(high), diastolic: String(78 + Math.round(5 * Math.cos(i))), mean_arterial: String(95 + (i % 4)), pulse_rate: String(62 + (i % 7)) }, ...(i === 20 ? { source: 'typed', device: null, values: { systolic: '131', diastolic: '79', mean_arterial: null, pulse_rate: null } } : {}), ...(i === 9 ? { status: ['irregular_pulse'] } : {}) })
    if (i > 2) reading.seen = { at: ago(i * 24 * HOUR - HOUR), by: 'A. Lindqvist' }
  }
  fake.arrive(margaret, { values: { systolic: null, diastolic: null, mean_arterial: null, pulse_rate: null }, absent: 'error', status: ['cuff_too_loose', 'body_movement'] })
  fake.find(margaret)
  const dilip = add('Dilip Raman', '1960-07-19', 'HR-20991')
  fake.join(dilip)
  fake.arrive(dilip, { values: { systolic: '172', diastolic: '98', mean_arterial: '122', pulse_rate: '81' }, effective: null, effective_sure: false, doubts: ['device_time_unusable'] })
  const ingrid = add('Ingrid Solheim', '1945-11-30', 'HR-18002', 'Europe/Oslo')
  fake.join(ingrid, { state: 'confirmed', confirmed_by: 'Dr Osborne', confirmed_how: 'in_person', heard_at: ago(50 * HOUR), next_by: ago(24 * HOUR), overdue: true, queue: { depth: 4, oldest: ago(51 * HOUR), stuck: 1 } })
  fake.arrive(ingrid, { effective: ago(51 * HOUR), effective_sure: false })
  add('Tomasz Kowalczyk', '1967-05-04', 'HR-21110')
  const joan = add('Joan Pritchard-Featherstonehaugh of the Old Lighthouse', '1942-01-09', 'HR-11408')
  fake.join(joan, { state: 'ended' })
  fake.find(null, { code: 'relay_silent', text: 'The post office has given no receipt for three letters.', next_step: 'Look at the post office\'s own status page, then tell its keeper.' })
  return { margaret, dilip, ingrid, joan }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const fake = await start({ port: Number(process.argv[2] ?? 8441) })
  people(fake)
  process.stdout.write(`${fake.url}${fake.link()}\n`)
}
