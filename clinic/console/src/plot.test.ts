import { describe, expect, it } from 'vitest'
import type { Reading } from './api'
import { arrange } from './plot'
import { elsewhere, failed, groupOf, isVoid, kindOf, measured, remarks, said, shown, value, valueAlone, valueName } from './reading'

const units = { systolic: 'mm[Hg]', diastolic: 'mm[Hg]', mean_arterial: 'mm[Hg]', pulse_rate: '/min' }
const reading = (effective: string | null, more: Partial<Reading> = {}): Reading => ({
  id: String(Math.random()), kind: 'blood_pressure', effective, effective_sure: true, zone_offset: '+00:00', received: '2026-10-26T12:00:00.000Z', stored: '2026-10-26T12:00:00.000Z',
  source: 'device', device: null, link_label: 'Phone', values: { systolic: '141.0', diastolic: '88', mean_arterial: null, pulse_rate: '73' }, units, sent: {}, outline: null, coded: [], absent: null, status: [], doubts: [],
  possibly_same_as: null, confirmed: true, seen: null, said: null, ...more,
})
const now = Date.parse('2026-10-27T09:00:00Z')
const pressure = kindOf(reading(null)).drawn
if (!pressure) throw new Error('blood pressure is not drawn')

// REQ-CONSOLE-005
describe('what a chart draws', () => {
  it('counts days by the calendar, also when one of them has 25 hours', () => {
    // Europe/London: 25 October 2026 has 25 hours; both its half past ones are the same day
    const both = [reading('2026-10-24T08:00:00.000Z'), reading('2026-10-25T00:30:00.000Z'), reading('2026-10-25T01:30:00.000Z'), reading('2026-10-26T23:30:00.000Z')]
    const { points, missed } = arrange(both, pressure, 'Europe/London', now)
    expect(points.map((point) => point.follows)).toEqual([false, true, true, true])
    expect(missed).toEqual([])
  })
  it('leaves a gap and a bar where a day has nothing', () => {
    const { points, missed } = arrange([reading('2026-10-23T22:30:00.000Z'), reading('2026-10-26T08:00:00.000Z')], pressure, 'Europe/London', now)
    expect(points[1]?.follows).toBe(false)
    // noon by the clocks there: British Summer Time on the first, Greenwich time on the second
    expect(missed.map((at) => new Date(at).toISOString())).toEqual(['2026-10-24T11:00:00.000Z', '2026-10-25T12:00:00.000Z'])
  })
  it('says morning by the clock of the patient', () => {
    const mark = (zone: string) => arrange([reading('2026-10-26T13:00:00.000Z')], pressure, zone, now).points[0]?.mark
    expect([mark('Europe/London'), mark('America/New_York')]).toEqual(['evening', 'morning'])
  })
  it('draws nothing that would not be true, and counts it', () => {
    const left = arrange([
      reading('2026-10-26T08:00:00.000Z', { values: { systolic: null, diastolic: null } }), reading(null), reading('2026-10-26T08:00:00.000Z', { possibly_same_as: 'x' }),
      reading('2026-10-26T08:00:00.000Z', { units: { ...units, systolic: 'kPa', diastolic: 'kPa' } }), reading('2026-10-26T08:00:00.000Z', { values: { systolic: '120', diastolic: null } }),
    ], pressure, 'Europe/London', now)
    expect(left.points).toEqual([])
    expect(left.left).toEqual({ failed: 1, 'without a time': 1, 'possibly the same': 1, 'in another unit': 1, 'with a value missing': 1 })
  })
})

// REQ-CONSOLE-010
describe('a reading that was somebody else’s', () => {
  const told = (what: 'me' | 'not_me', user: number | null = null) => reading('2026-10-26T08:00:00.000Z', { said: { what, at: '2026-10-26T09:00:00.000Z', link_label: 'Rosa’s phone', user, stored: '2026-10-26T09:00:01.000Z' } })
  it('is drawn no more, and counted', () => {
    const { points, left } = arrange([told('not_me'), told('me')], pressure, 'Europe/London', now)
    expect([points.length, points[0]?.reading.said?.what, left]).toEqual([1, 'me', { 'somebody else’s': 1 }])
  })
  it('says who said so, when and why', () => {
    expect([isVoid(told('not_me')), isVoid(told('me')), isVoid(reading(null))]).toEqual([true, false, false])
    const words = said(told('not_me'), 'Europe/London', 'Europe/London') ?? ''
    expect(words).toContain('Not this patient’s: the patient said so, Rosa’s phone, ')
    expect(words).toContain('09:00')
    expect(said(told('not_me', 2), 'Europe/London', 'Europe/London')).toContain('user 2 of the device is somebody else')
    expect(said(told('me'), 'Europe/London', 'Europe/London')).toContain('that it was they')
    expect(said(reading(null), 'Europe/London', 'Europe/London')).toBeNull()
  })
})

// REQ-CONSOLE-063, HAZ-CLINIC-080
describe('a reading whose glucose was converted', () => {
  const glucose = (text: string | null, unit: string, sent: Reading['sent'] = {}, more: Partial<Reading> = {}) => reading('2026-10-26T08:00:00.000Z', { kind: 'glucose', values: { glucose: text }, units: { glucose: unit }, sent, ...more })
  const drawn = (of: Reading) => {
    const found = kindOf(of).drawn
    if (found === null) throw new Error('glucose is not drawn')
    return found
  }
  it('shows what was sent beside the number, and nothing beside one that has the unit already', () => {
    const mass = glucose('5.8', 'mmol/L', { glucose: { value: '105', unit: 'mg/dL' } })
    expect([value(mass), measured(mass)]).toEqual(['5.8\u00a0mmol/L', 'converted from 105\u00a0mg/dL'])
    const amount = glucose('104', 'mg/dL', { glucose: { value: '5.80', unit: 'mmol/L' } })
    expect([value(amount), measured(amount)]).toEqual(['104\u00a0mg/dL', 'converted from 5.80\u00a0mmol/L'])
    const own = glucose('5.80', 'mmol/L')
    expect([value(own), measured(own)]).toEqual(['5.80\u00a0mmol/L', null])
    const high = glucose(null, 'mmol/L', {}, { absent: 'above_range' })
    expect([value(high), measured(high)]).toEqual(['HI: above what the device can measure', null])
  })
  it('is drawn on the axis of its unit, at the number that the table has', () => {
    for (const [unit, texts, range] of [['mmol/L', ['5.8', '5.80', '7.1'], [2.2, 22.2]], ['mg/dL', ['105', '104', '128'], [40, 400]]] as const) {
      const shown = texts.map((text) => glucose(text, unit))
      const { points, left } = arrange(shown, drawn(glucose('1', unit)), 'Europe/London', now)
      expect([points.map((point) => point.values[0]), left]).toEqual([texts.map(Number), {}])
      expect([drawn(glucose('1', unit)).unit, drawn(glucose('1', unit)).range]).toEqual([unit, range])
    }
  })
  it('counts HI and LO among what is not drawn, and not as failed', () => {
    const none = (absent: string) => glucose(null, 'mmol/L', {}, { absent })
    const { left } = arrange([none('above_range'), none('below_range'), none('measurement_failed')], drawn(none('')), 'Europe/London', now)
    expect(left).toEqual({ 'beyond what the device measures': 2, failed: 1 })
  })
})

// REQ-CONSOLE-068
describe('what a health sensor observed', () => {
  const observed = (code: string, word: string | null, more: Partial<Reading>) => reading(null, { kind: 'observation', values: {}, units: {}, ...more, coded: [{ name: 'observation', code, word }, ...more.coded ?? []] })
  const rate = (text: string | null) => observed('151562', 'respiratory_rate', { values: { respiratory_rate: text }, units: { respiratory_rate: '/min' } })
  it('is named by its code, in words or by its number, and stands in a table of its own', () => {
    const unknown = observed('147457', null, { values: { mdc_147457: '84.2' }, units: { mdc_147457: 'kg' } })
    expect([kindOf(rate('14.0')).name, value(rate('14.0')), valueAlone(rate('14.0'))]).toEqual(['Breathing rate', '14.0\u00a0/min', 'Breathing rate: 14.0\u00a0/min'])
    expect([kindOf(unknown).name, value(unknown), kindOf(unknown).columns.map(valueName)]).toEqual(['Observation (MDC 147457)', '84.2\u00a0kg', ['Observation (MDC 147457)']])
    expect([groupOf(rate('14')), groupOf(unknown), groupOf(reading(null))]).toEqual(['observation-respiratory_rate', 'observation-mdc_147457', 'blood_pressure'])
    expect(valueAlone(reading(null))).toBe(value(reading(null)))
  })
  it('says each number of several, and that it failed only when none is one', () => {
    const of = (fev1: string | null) => observed('188928', 'fvc', { values: { fev1, fev1_fvc: null }, units: { fev1: 'L', fev1_fvc: '%' } })
    expect(value(of('2.85'))).toBe('FEV1 2.85\u00a0L, FEV1/FVC –')
    expect([failed(of('2.85')), failed(of(null)), failed(rate(null))]).toEqual([false, true, true])
    expect(value(of(null))).toBe('Measurement failed')
  })
  it('tells samples by how many, how long and from where to where', () => {
    const units = { samples: '1', duration: 's', lowest: 'mV', highest: 'mV' }
    const ecg = observed('131329', 'ecg_lead_i', { values: { duration: '0.032', highest: '2.500', lowest: '-1.100', samples: '8' }, units, outline: [0, 1000] })
    expect(value(ecg)).toBe('8 samples over 0.032\u00a0s, from -1.100 to 2.500\u00a0mV')
    expect(kindOf(ecg).columns).toEqual(['samples', 'duration', 'lowest', 'highest'])
    expect(value(observed('131329', null, { values: { samples: '8', duration: '1' }, units }))).toBe('8 samples over 1\u00a0s')
  })
  it('shows an answer, and no number beside it', () => {
    const answer = observed('184327', null, { coded: [{ name: 'value', code: '147232', word: null }] })
    expect([value(answer), failed(answer), kindOf(answer).columns.map((name) => shown(answer, name))]).toEqual(['MDC 147232', false, ['MDC 147232']])
  })
})

describe('one reading in words', () => {
  it('keeps the digits and the unit', () => {
    expect(value(reading(null))).toBe('141.0/88\u00a0mmHg')
    expect(value(reading(null, { values: { systolic: null, diastolic: null } }))).toBe('Measurement failed')
  })
  it('shows a kind that it has no words for, by the names that came', () => {
    const other = reading(null, { kind: 'peak_flow', values: { flow: '355' }, units: { flow: 'L/min' }, doubts: ['a_new_doubt'] })
    expect([kindOf(other).name, value(other), remarks(other)]).toEqual(['peak flow', '355\u00a0L/min', ['a new doubt']])
  })
  it('says where the phone was only when it was elsewhere', () => {
    const at = (zone_offset: string, zone: string) => elsewhere(reading('2026-07-01T12:00:00.000Z', { zone_offset }), zone)
    expect(at('+01:00', 'Europe/London')).toBeNull()
    expect(at('+05:30', 'Asia/Kolkata')).toBeNull()
    expect(at('+00:00', 'Europe/London')).toContain('GMT+00:00')
    expect(elsewhere(reading('2026-12-01T12:00:00.000Z'), 'Europe/London')).toBeNull()
  })

  it('says why there is no number in the number\'s place, and shows every kind by its own unit', () => {
    const glucose = (more: Partial<Reading>) => reading(null, { kind: 'glucose', values: { glucose: null }, units: { glucose: 'mmol/L' }, ...more })
    expect(value(glucose({ absent: 'above_range', doubts: ['above_range'] }))).toMatch(/^HI/)
    expect(value(glucose({ absent: 'control_solution' }))).toMatch(/no patient/)
    expect(value(glucose({ absent: 'measurement_failed' }))).toBe('Measurement failed')
    expect(remarks(glucose({ absent: 'above_range', doubts: ['above_range'] })).join()).not.toContain('above')
    expect(value(glucose({ values: { glucose: '5.80' } }))).toBe('5.80\u00a0mmol/L')
    expect(remarks(glucose({ values: { glucose: '5.80' }, coded: [{ name: 'meal', code: '3', word: 'fasting' }] }))).toContain('fasting')
    expect(value(reading(null, { kind: 'temperature', values: { temperature: '36.40' }, units: { temperature: 'Cel' } }))).toBe('36.40\u00a0°C')
  })
})
