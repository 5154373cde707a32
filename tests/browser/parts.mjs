// The real parts of the journey as processes of their own: relay, station, phones. They speak JSON lines; what they log
// is kept, so that it can be searched; they are ended by their own id, whatever happens to the test.
import { execFile, spawn } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { until } from './ground.mjs'

const TARGET = process.env.CARGO_TARGET_DIR ?? fileURLToPath(new URL('../../target', import.meta.url))
export const TELEWARD = process.env.TELEWARD_BIN ?? join(TARGET, 'debug/teleward')
const PATIENT = join(dirname(TELEWARD), 'teleward-patient')
const READY = 30_000

const running = new Set()
const endAll = () => { for (const child of running) child.kill('SIGKILL') }
process.on('exit', endAll)
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => { endAll(); process.exit(1) })

/** A program that speaks JSON lines. `logged` is everything that it said apart from answers, at the finest level unless TELEWARD_LOG is set. */
class Part {
  constructor(name, program, words) {
    this.name = name
    this.logged = ''
    this.answers = []
    this.waiting = []
    this.ended = false
    this.child = spawn(program, words, { stdio: ['pipe', 'pipe', 'pipe'], env: { TELEWARD_LOG: 'trace', ...process.env } })
    running.add(this.child)
    this.child.stderr.on('data', (bytes) => { this.logged += bytes })
    this.child.on('error', (error) => { this.logged += String(error); this.#end() })
    this.child.on('close', () => { this.#end() })
    // a line for one that has just ended is answered by its end
    this.child.stdin.on('error', () => undefined)
    createInterface({ input: this.child.stdout }).on('line', (line) => { this.#take(line) })
  }

  #take(line) {
    let value
    try {
      value = JSON.parse(line)
    } catch {
      this.logged += `${line}\n`
      return
    }
    const next = this.waiting.shift()
    if (next) next.give(value)
    else this.answers.push(value)
  }

  #end() {
    this.ended = true
    running.delete(this.child)
    for (const next of this.waiting.splice(0)) next.fail(new Error(`${this.name} ended: ${this.logged.slice(-2000)}`))
  }

  /** The next line that is JSON. */
  next(limit = READY) {
    if (this.answers.length > 0) return Promise.resolve(this.answers.shift())
    if (this.ended) return Promise.reject(new Error(`${this.name} has ended: ${this.logged.slice(-2000)}`))
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => { reject(new Error(`${this.name} said nothing for ${limit / 1000} s`)) }, limit)
      this.waiting.push({ give: (value) => { clearTimeout(timer); resolve(value) }, fail: (error) => { clearTimeout(timer); reject(error) } })
    })
  }

  tell(line) { this.child.stdin.write(`${JSON.stringify(line)}\n`) }

  async stop() {
    if (this.ended) return
    const gone = new Promise((resolve) => { this.child.once('close', resolve) })
    this.child.kill('SIGKILL')
    await gone
  }
}

async function teleward(...words) {
  const { stdout } = await promisify(execFile)(TELEWARD, words)
  return JSON.parse(stdout)
}

/** A clinic from nothing: relay, root sheets, an administrator without a password, admission, station. */
export async function house() {
  const folder = await mkdtemp(join(tmpdir(), 'teleward-journey-'))
  const at = (name) => join(folder, name)
  const parts = []
  const start = (name, program, words) => { const part = new Part(name, program, words); parts.push(part); return part }
  const stop = async () => {
    for (const part of parts) await part.stop()
    await rm(folder, { recursive: true, force: true })
  }
  try {
    const relay = start('relay', TELEWARD, ['relay', '--json', '--dir', at('relay'), '--listen', '127.0.0.1:0'])
    const post = await relay.next()
    const made = await teleward('clinic', 'init', '--json', '--dir', at('station'), '--name', 'Tern Street Practice', '--phone', '01632 960 100',
      '--emergency', '999', '--language', 'en', '--zone', 'Europe/London', '--relay', post.relay,
      '--relay-receipt', post.receipt, '--relay-receipt', post.reserve, '--sheets', at('sheets'), '--account', 'Dr Ash')
    await teleward('relay', 'tenant', 'add', '--json', '--dir', at('relay'), '--name', 'tern-street', '--root', made.root, '--auth', made.auth)
    const station = start('station', TELEWARD, ['clinic', '--json', '--dir', at('station'), '--listen', '127.0.0.1:0', '--collect-every-ms', '100'])
    const { console: address, sign_in: link } = await station.next()
    const phone = async (name, script) => {
      await mkdir(at(name))
      if (script) await writeFile(at(`${name}.json`), JSON.stringify(script))
      const part = start(name, PATIENT, [at(name), ...(script ? [at(`${name}.json`)] : [])])
      await part.next()
      return new Phone(part)
    }
    return { origin: address.replace(/\/$/, ''), link, phone, stop, command: (...words) => teleward('clinic', ...words, '--json', '--dir', at('station')), logs: () => parts.map(({ name, logged }) => ({ name, logged })), relayFolder: at('relay') }
  } catch (error) {
    await stop()
    throw error
  }
}

/** A companion, asked one thing after the other. */
class Phone {
  #last = Promise.resolve()

  constructor(part) { this.part = part }

  ask(line, limit = READY) {
    const turn = this.#last.then(async () => {
      this.part.tell(line)
      const answer = await this.part.next(limit)
      if ('error' in answer) throw new Error(`the phone says: ${answer.error}`)
      return answer.ok
    })
    this.#last = turn.catch(() => undefined)
    return turn
  }

  /** Asks for its status until `enough` is content with it. */
  until(what, enough) {
    return until(what, async () => { const status = await this.ask({ do: 'status' }); return enough(status) ? status : null })
  }

  /** Asks for its journal until `enough` is content with it. */
  journal(what, enough) {
    return until(what, async () => { const held = await this.ask({ do: 'history' }); return enough(held) ? held : null })
  }
}

/** A cuff with one measurement, taken now: 141.0 over 88, mean 106, pulse 73; its systolic value is sent with a decimal. */
export function cuff() {
  const hex = (value, bytes) => Array.from({ length: bytes }, (_, i) => ((value >> (8 * i)) & 0xff).toString(16).padStart(2, '0')).join('')
  const now = new Date()
  const clock = hex(now.getUTCFullYear(), 2) + [now.getUTCMonth() + 1, now.getUTCDate(), now.getUTCHours(), now.getUTCMinutes(), now.getUTCSeconds()].map((n) => hex(n, 1)).join('')
  // Blood Pressure Measurement (BLS 3.1): flags time, pulse, status; values as IEEE 11073 SFLOAT, 0xf582 = 1410 × 10⁻¹
  const bytes = ['16', '82f5', hex(88, 2), hex(106, 2), clock, hex(73, 2), '0000'].join('')
  return { devices: [{ device: 'cuff', name: 'Test Cuff', address: 'c4c4c4c4c4c4', needs_pairing: true, clock_behind_s: 0,
    values: { '180a/2a29': '41636d65', '180a/2a24': '4250', '180a/2a25': '3132' }, frames: [{ after_ms: 50, bytes }] }] }
}
