/** Blood glucose in the unit that the clinic reads. Pure: a reading in, the same reading with its numbers in that unit out,
    and with what was sent beside them, digit by digit. Arithmetic is exact, in whole numbers; only the last step rounds. */
import type { Reading } from './api'

export type GlucoseUnit = 'mmol/L' | 'mg/dL'
export const UNITS: readonly GlucoseUnit[] = ['mmol/L', 'mg/dL']

/** mg/dL in 1 mmol/L: glucose, C6H12O6, has a molar mass of 180.156 g/mol (IUPAC's conventional atomic weights: C 12.011,
    H 1.008, O 15.999), so 1 mmol is 180.156 mg, and a litre has ten decilitres. */
export const FACTOR = '18.0156'

/** Decimals of a converted value: what meters show in that unit, and no more than the conversion is good for. */
const DECIMALS: Record<GlucoseUnit, number> = { 'mmol/L': 1, 'mg/dL': 0 }
/** Values that carry a concentration of glucose; a trend is one a minute, and stays as it was sent. */
const CONCENTRATIONS = ['glucose'] as const
const KINDS: ReadonlySet<string> = new Set(['glucose', 'glucose_cgm'])

const isUnit = (ucum: string | undefined): ucum is GlucoseUnit => ucum === 'mmol/L' || ucum === 'mg/dL'

/** A decimal text as a whole number of 10⁻ⁿ; null when it is none. */
function exact(text: string): { whole: bigint; scale: number } | null {
  const read = /^(-?)(\d+)(?:\.(\d+))?$/.exec(text)
  if (!read) return null
  const [, sign = '', before = '0', after = ''] = read
  return { whole: BigInt(`${sign}${before}${after}`), scale: after.length }
}

/** A decimal text of one unit in the other: one decimal in mmol/L, none in mg/dL, halves away from zero. */
export function converted(text: string, from: GlucoseUnit, to: GlucoseUnit): string | null {
  const value = exact(text)
  const factor = exact(FACTOR)
  if (value === null || factor === null) return null
  if (from === to) return text
  const ten = (power: number) => 10n ** BigInt(power)
  const [above, below] = to === 'mg/dL'
    ? [value.whole * factor.whole, ten(value.scale + factor.scale)]
    : [value.whole * ten(factor.scale), ten(value.scale) * factor.whole]
  const scaled = above * ten(DECIMALS[to])
  const size = scaled < 0n ? -scaled : scaled
  const rounded = (2n * size + below) / (2n * below)
  const digits = String(rounded).padStart(DECIMALS[to] + 1, '0')
  const at = digits.length - DECIMALS[to]
  const sign = scaled < 0n && rounded > 0n ? '-' : ''
  return `${sign}${digits.slice(0, at)}${DECIMALS[to] === 0 ? '' : `.${digits.slice(at)}`}`
}

/** The reading as this clinic reads it. Where a number was converted, `sent` holds it as it came. */
export function inClinicUnit(reading: Reading, unit: GlucoseUnit | null): Reading {
  if (unit === null || !KINDS.has(reading.kind)) return reading
  const [values, units] = [{ ...reading.values }, { ...reading.units }]
  const sent: NonNullable<Reading['sent']> = {}
  for (const name of CONCENTRATIONS) {
    const [text, from] = [values[name] ?? null, units[name]]
    if (!isUnit(from) || from === unit) continue
    // HI and LO have no number; the column's unit is the clinic's all the same
    const now = text === null ? null : converted(text, from, unit)
    if (text !== null && now === null) continue
    if (text !== null && now !== null) sent[name] = { value: text, unit: from }
    values[name] = now
    units[name] = unit
  }
  return { ...reading, values, units, ...(Object.keys(sent).length > 0 ? { sent } : {}) }
}

/** The unit for one patient's readings: the clinic's; before it has chosen one, the newest reading's own, so that a chart
    leaves nothing out. */
export function unitFor(readings: Reading[], chosen: GlucoseUnit | null): GlucoseUnit | null {
  if (chosen !== null) return chosen
  const newest = readings.find(({ kind, units }) => KINDS.has(kind) && isUnit(units['glucose']))
  const own = newest?.units['glucose']
  return isUnit(own) ? own : null
}
