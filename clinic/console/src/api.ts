/** The station's interface, as the console sees it. Numbers of a reading are text, to be shown as they stand: what is to be
    converted, the station has. */
import { inUse } from './presence'

export const GLUCOSE_UNITS = ['mmol/L', 'mg/dL'] as const
export type GlucoseUnit = typeof GLUCOSE_UNITS[number]
export type Role = 'administrator' | 'clinician'
export interface Session {
  account: { id: string; name: string; role: Role }
  clinic: { name: string; zone: string; phone: string; glucose_unit: GlucoseUnit | null }
  set_password: boolean
  now: string
}
export interface Reading {
  id: string
  kind: string
  effective: string | null
  effective_sure: boolean
  zone_offset: string | null
  received: string
  stored: string
  source: 'device' | 'typed'
  device: { maker: string | null; model: string | null; serial_tail: string | null } | null
  link_label: string
  /** By name, as this clinic reads them; null where the device sent no number. */
  values: Record<string, string | null>
  /** UCUM, by the same names. */
  units: Record<string, string>
  /** By the same names, as it was sent, where `values` holds a converted number. */
  sent: Record<string, { value: string; unit: string }>
  /** Of samples: heights of a picture of them, in thousandths from the lowest to the highest. */
  outline: number[] | null
  /** Coded statements beside the numbers: a meal, a body site; the word is the standard's meaning of the code. */
  coded: { name: string; code: string; word: string | null }[]
  absent: string | null
  status: string[]
  doubts: string[]
  possibly_same_as: string | null
  confirmed: boolean
  seen: { at: string; by: string } | null
  said: Said | null
}
/** In which unit a patient's glucose is read, by the kind of reading: the same for all of them, on every page. */
export interface Glucose { read_in: Record<string, GlucoseUnit>; mg_per_dl_in_1_mmol_per_l: string }
export interface ReadingsPage { as_of: string; readings: Reading[]; more: boolean; glucose: Glucose }
/** What the patient said about a reading afterwards; `not_me` voids it. `user` is the device's user that was spoken of. */
export interface Said { what: 'me' | 'not_me'; at: string; link_label: string; user: number | null; stored: string }
export type PatientState = 'no_phone' | 'invited' | 'pending' | 'confirmed' | 'ended'
export interface PatientRow {
  id: string
  name: string
  born: string
  record_number: string
  zone: string
  state: PatientState
  latest: Reading | null
  unseen: number
  findings: number
  heard_at: string | null
  next_by: string | null
}
export interface PatientFields { name: string; born: string; record_number: string; phone: string; zone: string }
export interface Link {
  up: string
  role: string
  label: string
  state: 'pending' | 'confirmed' | 'ended' | 'waiting'
  since: string
  confirmed_by: string | null
  confirmed_how: string | null
  /** Its invite went by letter or message. */
  words_only: boolean
  ended_by: string | null
  end_reason: string | null
  app: string | null
  heard_at: string | null
  next_by: string | null
  overdue: boolean
  queue: { depth: number; oldest: string | null; stuck: number } | null
  words: string[]
  digits: string
}
export interface Invite { id: string; state: 'open' | 'used' | 'expired' | 'withdrawn' | 'contested'; made_at: string; made_by: string; expires: string; by_letter: boolean }
export interface Finding {
  id: string
  code: string
  text: string
  next_step: string
  patient: { id: string; name: string } | null
  at: string
  state: 'open' | 'closed'
  closed_at: string | null
  closed_by: string | null
}
export interface PatientPage { as_of: string; patient: PatientFields & { id: string; state: PatientState }; links: Link[]; invites: Invite[]; findings: Finding[] }
export interface NewInvite { id: string; url: string; qr_svg: string; expires: string; note: string }
export interface Account { id: string; name: string; role: Role; state: 'active' | 'invited' | 'ended'; last_sign_in: string | null }
/** A row of the table of device models, as it stands in its file. */
export interface ModelRow { id: string; about: string; match: Partial<Record<'name' | 'maker' | 'model' | 'firmware' | 'service', string[]>>; behaviours: Behaviour[]; proof: string; sources: string[]; frames: unknown[] }
/** What models of a row do, by the names of the table's format, with what belongs to it. */
export interface Behaviour { do: string; how?: string; ms?: number; digits?: number; at_most?: number; characteristic?: string; code?: number; wrong_by_min?: number }
/** The table in force: adopted last. `issued` is the file's own date, where it has one. */
export interface DeviceTable { n: number; issued: string | null; at: string; adopted_by: string; rows: ModelRow[] }
/** What a file would change in the table with the number `over`. */
export interface TableChanges { over: number; issued: string | null; rows: number; changes: { added: ModelRow[]; changed: { before: ModelRow; after: ModelRow }[]; removed: ModelRow[]; same: number } }
export interface Status {
  relay: { url: string; state: 'ok' | 'unreachable'; since: string | null; last_contact: string | null }
  last_reading_at: string | null
  glucose_unit: GlucoseUnit | null
  roster_n: number
  version: string
  as_of: string
}
export interface Change { revision: number; patients: string[]; topics: string[] }

/** A refusal of the station, in its own words. */
export class Refused extends Error {
  constructor(readonly status: number, readonly code: string, text: string, readonly body: Record<string, unknown>) {
    super(text)
  }
}
/** No answer at all. */
export class Unreachable extends Error {}

export async function call<T>(method: 'GET' | 'POST' | 'PATCH' | 'DELETE', path: string, body?: unknown): Promise<T> {
  const headers: Record<string, string> = { ...inUse(), ...(method === 'GET' ? {} : { 'x-teleward': '1' }) }
  if (body !== undefined) headers['content-type'] = 'application/json'
  let answer: Response
  try {
    answer = await fetch(path, { method, headers, credentials: 'same-origin', cache: 'no-store', ...(body === undefined ? {} : { body: JSON.stringify(body) }) })
  } catch {
    throw new Unreachable('The station does not answer.')
  }
  const text = await answer.text()
  const parsed: unknown = text === '' ? null : parse(text)
  if (!answer.ok) {
    const error = (parsed ?? {}) as Record<string, unknown>
    const code = typeof error['code'] === 'string' ? error['code'] : 'unknown'
    const words = typeof error['text'] === 'string' ? error['text'] : `The station refused (${String(answer.status)}).`
    throw new Refused(answer.status, code, words, error)
  }
  return parsed as T
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

export const get = <T>(path: string) => call<T>('GET', path)
export const post = <T = null>(path: string, body: unknown = {}) => call<T>('POST', path, body)
