/** One reading in words. Its digits are shown as the station gives them: nothing here turns them into a number.

    What a kind of reading looks like stands here and nowhere else: screens ask `kindOf` and know no kind by name. A kind
    that the station learns before this page does is shown plainly, by the names and units that the station sends. */
import type { Reading } from './api'
import { moment, offset } from './time'
import { plain, words } from './words'

/** How a kind is drawn: `pair` joins two values of one measurement, `line` joins neighbours in time. */
export interface Drawn {
  form: 'pair' | 'line'
  series: readonly string[]
  /** The unit that the axis has; others are not drawn on it. */
  unit: string
  /** A fixed axis, so that two patients' charts compare, and where it has lines, as they are written there. */
  range: readonly [number, number]
  lines: readonly (number | string)[]
}
export interface Kind {
  name: string
  /** Values that stand in one line, joined by a stroke. */
  headline: readonly string[]
  columns: readonly string[]
  drawn: Drawn | null
}
/** A kind that can be read in two units says how it is drawn in each. */
interface Known extends Omit<Kind, 'name'> { otherwise?: Drawn }

/** The same curve at the same height in either unit; the lines are where guidelines have theirs: 70, 140, 180, 250 mg/dL are
    3.9, 7.8, 10.0, 13.9 mmol/L (ADA, Standards of Care). */
const MASS: Drawn = { form: 'line', series: ['glucose'], unit: 'mg/dL', range: [40, 400], lines: [70, 140, 180, 250, 350] }
const AMOUNT: Drawn = { form: 'line', series: ['glucose'], unit: 'mmol/L', range: [2.2, 22.2], lines: ['3.9', '7.8', '10.0', '13.9', '19.4'] }

const KINDS: Record<string, Known> = {
  blood_pressure: {
    headline: ['systolic', 'diastolic'],
    columns: ['systolic', 'diastolic', 'mean_arterial', 'pulse_rate'],
    drawn: { form: 'pair', series: ['systolic', 'diastolic'], unit: 'mm[Hg]', range: [40, 220], lines: [60, 80, 120, 160, 200] },
  },
  weight: {
    headline: ['weight'],
    columns: ['weight', 'bmi', 'height'],
    drawn: { form: 'line', series: ['weight'], unit: 'kg', range: [40, 160], lines: [60, 80, 100, 120, 140] },
  },
  temperature: {
    headline: ['temperature'],
    columns: ['temperature'],
    drawn: { form: 'line', series: ['temperature'], unit: 'Cel', range: [34, 42], lines: [35, 36, 37, 38, 39, 40, 41] },
  },
  spo2: {
    headline: ['spo2'],
    columns: ['spo2', 'pulse_rate', 'pulse_amplitude_index'],
    drawn: { form: 'line', series: ['spo2'], unit: '%', range: [80, 100], lines: [85, 90, 95, 100] },
  },
  glucose: {
    headline: ['glucose'],
    columns: ['glucose', 'carbohydrate', 'medication'],
    drawn: MASS,
    otherwise: AMOUNT,
  },
  glucose_cgm: {
    headline: ['glucose'],
    columns: ['glucose', 'trend'],
    drawn: MASS,
    otherwise: AMOUNT,
  },
  heart_rate: {
    headline: ['heart_rate'],
    columns: ['heart_rate'],
    drawn: { form: 'line', series: ['heart_rate'], unit: '/min', range: [40, 180], lines: [60, 80, 100, 120, 150] },
  },
  body_composition: {
    headline: ['fat_percent'],
    columns: ['fat_percent', 'muscle_percent', 'body_water_mass', 'weight'],
    drawn: { form: 'line', series: ['fat_percent'], unit: '%', range: [5, 55], lines: [10, 20, 30, 40, 50] },
  },
}

/** Samples are told by how many they are, how long they took, and from where to where they go. */
const SAMPLES = ['samples', 'duration', 'lowest', 'highest'] as const
/** The column of an observation that is one of several answers. */
const ANSWER = 'answer'

/** A coded statement of the reading, by the name of its code. */
function named(reading: Reading, name: string): string | null {
  const found = reading.coded.find((one) => one.name === name)
  return found ? found.word ?? `mdc_${found.code}` : null
}

/** What a health sensor observed that is no other kind, by the name of its code. */
const observed = (reading: Reading): string | null => named(reading, 'observation')

/** What stands in one table: readings of a kind, and of observations those of one code. */
export const groupOf = (reading: Reading): string => [reading.kind, observed(reading)].filter((part) => part !== null).join('-')

function observation(reading: Reading, code: string): Kind {
  const names = Object.keys(reading.values)
  const columns = names.includes('samples') ? SAMPLES.filter((name) => names.includes(name)) : named(reading, 'value') === null ? names : [ANSWER]
  return { name: valueName(code), headline: columns, columns, drawn: null }
}

export function kindOf(reading: Reading): Kind {
  const code = observed(reading)
  if (code !== null) return observation(reading, code)
  const known = KINDS[reading.kind]
  const names = Object.keys(reading.values)
  const { headline, columns, drawn, otherwise }: Known = known ?? { headline: names.slice(0, 1), columns: names, drawn: null }
  const inOther = otherwise !== undefined && otherwise.series.every((name) => reading.units[name] === otherwise.unit)
  return { headline, columns, drawn: inOther ? otherwise : drawn, name: words.kind[reading.kind] ?? plain(reading.kind) }
}

export const valueName = (name: string): string => words.value[name] ?? (name.startsWith('mdc_') ? words.observation(name.slice(4)) : plain(name))
export const unitName = (ucum: string): string => words.unit[ucum] ?? ucum

/** Nothing of what the kind is about was measured. */
export const failed = (reading: Reading): boolean => kindOf(reading).headline.every((name) => shown(reading, name) === null)

/** One of its values as it stands in a table: the digits that came, or the answer. */
export function shown(reading: Reading, name: string): string | null {
  const answer = name === ANSWER ? named(reading, 'value') : null
  return answer === null ? reading.values[name] ?? null : words.answer(answer)
}

/** Somebody else's: it stays, and is none of the patient's. */
export const isVoid = (reading: Reading): boolean => reading.said?.what === 'not_me'

/** Who said whose it is, when, and why. */
export function said(reading: Reading, patientZone: string, clinicZone: string): string | null {
  if (reading.said === null) return null
  const { what, at, link_label, user } = reading.said
  return (what === 'not_me' ? words.notTheirs : words.theirs)(link_label, moment(at, patientZone, clinicZone), user)
}

/** What stands where the main number would: that it failed, HI or LO, or that it is no patient's. */
export const nothing = (reading: Reading): string => words.nothing[reading.absent ?? ''] ?? words.failed

/** "128/82 mmHg", or why there is no number. */
export function value(reading: Reading): string {
  const { headline } = kindOf(reading)
  if (failed(reading)) return nothing(reading)
  if (observed(reading) !== null) return inWords(reading, headline)
  const unit = unitName(reading.units[headline[0] ?? ''] ?? '')
  return `${headline.map((name) => reading.values[name] ?? '–').join('/')}\u00a0${unit}`
}

/** An observation's value: a number, several with their names, how many samples, or the answer. */
function inWords(reading: Reading, names: readonly string[]): string {
  const withUnit = (name: string) => {
    const text = shown(reading, name)
    return text === null ? '–' : [text, unitName(reading.units[name] ?? '')].filter((part) => part !== '').join('\u00a0')
  }
  const [count, duration, low, high] = SAMPLES
  if (names.includes(count)) return words.samples(shown(reading, count) ?? '–', withUnit(duration), names.includes(high) ? [shown(reading, low) ?? '–', withUnit(high)] : null)
  if (names.length === 1) return names.map(withUnit).join()
  return names.map((name) => `${valueName(name)} ${withUnit(name)}`).join(', ')
}

/** The value where no heading says what it is: an observation says so itself. */
export const valueAlone = (reading: Reading): string => (observed(reading) === null ? value(reading) : `${kindOf(reading).name}: ${value(reading)}`)

/** One of its values as it was sent, where what is shown was converted. */
export function sentAs(reading: Reading, name: string): string | null {
  const sent = reading.sent[name]
  return sent === undefined ? null : words.convertedFrom(`${sent.value}\u00a0${unitName(sent.unit)}`)
}

/** That its main number was converted, and from what. */
export const measured = (reading: Reading): string | null =>
  kindOf(reading).headline.map((name) => sentAs(reading, name)).find((text) => text !== null) ?? null

/** Where it came from. */
export function origin(reading: Reading): string {
  if (reading.source === 'typed') return `${words.typed}, ${reading.link_label}`
  const device = [reading.device?.maker, reading.device?.model].filter(Boolean).join(' ')
  const tail = reading.device?.serial_tail ? ` …\u2060${reading.device.serial_tail}` : ''
  return `${device === '' ? words.aDevice : device}${tail}, ${reading.link_label}`
}

/** When it was measured; without a time of its own, when it arrived, said so. */
export function when(reading: Reading, patientZone: string, clinicZone: string): string {
  if (reading.effective === null) return `time unknown; arrived ${moment(reading.received, patientZone, clinicZone)}`
  return moment(reading.effective, patientZone, clinicZone) + (reading.effective_sure ? '' : ` (${words.timeUnsure})`)
}

/** Statements that go with a number wherever it is shown. */
const SAID: ReadonlySet<string> = new Set(['meal', 'site', 'health', 'carbohydrate_id', 'medication_id'])

/** Everything that makes one look twice. */
export function remarks(reading: Reading): string[] {
  const more = reading.status.map((name) => words.status[name] ?? plain(name))
  for (const { name, word } of reading.coded) if (word !== null && SAID.has(name)) more.push(plain(word))
  // why there is no number stands in the number's place
  for (const doubt of reading.doubts) if (doubt !== 'measurement_failed' && doubt !== reading.absent) more.push(words.doubt[doubt] ?? plain(doubt))
  if (reading.absent !== null && !failed(reading)) more.push(words.absent[reading.absent] ?? plain(reading.absent))
  if (!reading.confirmed) more.push(words.notConfirmed)
  if (reading.possibly_same_as !== null) more.push(words.sameMeasurement)
  return more
}

/** The phone's own offset from UTC at the measurement, where it was not the one of the patient's zone. */
export function elsewhere(reading: Reading, zone: string): string | null {
  if (reading.zone_offset === null || reading.effective === null) return null
  const at = /^GMT(?:([+-])(\d+)(?::(\d+))?)?$/.exec(offset(reading.effective, zone))
  if (!at) return null
  const home = `${at[1] ?? '+'}${(at[2] ?? '0').padStart(2, '0')}:${at[3] ?? '00'}`
  return home === reading.zone_offset ? null : words.elsewhere(`GMT${reading.zone_offset}`)
}
