/** One reading in words. Its digits are shown as they came: nothing here turns them into a number. */
import type { Reading } from './api'
import { moment } from './time'
import { words } from './words'

/** "128/82 mmHg", or that the measurement failed. */
export function value(reading: Reading): string {
  const { systolic, diastolic } = reading.values
  if (systolic === null && diastolic === null) return words.failed
  const unit = reading.unit === 'mm[Hg]' ? 'mmHg' : reading.unit
  return `${systolic ?? '–'}/${diastolic ?? '–'}\u00a0${unit}`
}

/** Where it came from. */
export function origin(reading: Reading): string {
  if (reading.source === 'typed') return `${words.typed}, ${reading.link_label}`
  const device = [reading.device?.maker, reading.device?.model].filter(Boolean).join(' ')
  const tail = reading.device?.serial_tail ? ` …\u2060${reading.device.serial_tail}` : ''
  return `${device === '' ? 'a cuff' : device}${tail}, ${reading.link_label}`
}

/** When it was measured; without a time of its own, when it arrived, said so. */
export function when(reading: Reading, patientZone: string, clinicZone: string): string {
  if (reading.effective === null) return `time unknown; arrived ${moment(reading.received, patientZone, clinicZone)}`
  return moment(reading.effective, patientZone, clinicZone) + (reading.effective_sure ? '' : ` (${words.timeUnsure})`)
}

/** Everything that makes one look twice. */
export function remarks(reading: Reading): string[] {
  const said = reading.status.map((name) => words.status[name] ?? name.replaceAll('_', ' '))
  const more = [...said, ...reading.doubts.map((doubt) => doubt.replaceAll('_', ' '))]
  if (!reading.confirmed) more.push(words.notConfirmed)
  if (reading.possibly_same_as !== null) more.push(words.sameMeasurement)
  return more
}
