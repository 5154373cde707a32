import { describe, expect, it } from 'vitest'
import type { Reading } from './api'
import { converted, inClinicUnit, unitFor } from './glucose'
import { arrange } from './plot'
import { kindOf, measured, value } from './reading'

const reading = (text: string | null, unit: string, more: Partial<Reading> = {}): Reading => ({
  id: String(Math.random()), kind: 'glucose', effective: '2026-10-26T08:00:00.000Z', effective_sure: true, zone_offset: '+00:00', received: '2026-10-26T08:01:00.000Z', stored: '2026-10-26T08:01:00.000Z',
  source: 'device', device: null, link_label: 'Phone', values: { glucose: text }, units: { glucose: unit }, coded: [], absent: null, status: [], doubts: [], possibly_same_as: null, confirmed: true, seen: null, said: null, ...more,
})

// REQ-CONSOLE-062
describe('glucose in the other unit', () => {
  it('agrees with what guidelines say of both units', () => {
    // ADA, Standards of Care: 54, 70, 100, 126, 180, 200, 250 and 300 mg/dL are 3.0, 3.9, 5.6, 7.0, 10.0, 11.1, 13.9 and 16.7 mmol/L
    const pairs = [['54', '3.0'], ['70', '3.9'], ['100', '5.6'], ['126', '7.0'], ['180', '10.0'], ['200', '11.1'], ['250', '13.9'], ['300', '16.7']] as const
    for (const [mass, amount] of pairs) expect(converted(mass, 'mg/dL', 'mmol/L')).toBe(amount)
    for (const [mass, amount] of [['54', '3.0'], ['70', '3.9'], ['101', '5.6'], ['126', '7.0'], ['180', '10.0'], ['200', '11.1'], ['250', '13.9'], ['301', '16.7']] as const) expect(converted(amount, 'mmol/L', 'mg/dL')).toBe(mass)
  })
  it('rounds once, from the exact value, halves away from zero', () => {
    // 99.0858 / 18.0156 is 5.5 exactly; 5.55 × 18.0156 is 99.98658
    expect(converted('99.0858', 'mg/dL', 'mmol/L')).toBe('5.5')
    expect(converted('5.55', 'mmol/L', 'mg/dL')).toBe('100')
    // 0.90078 / 18.0156 is 0.05 exactly
    expect([converted('0.90078', 'mg/dL', 'mmol/L'), converted('0.90077', 'mg/dL', 'mmol/L'), converted('0', 'mg/dL', 'mmol/L')]).toEqual(['0.1', '0.0', '0.0'])
    expect(converted('123456789012345678901234567890', 'mmol/L', 'mg/dL')).toBe('2224148128130814812813081481279')
  })
  it('keeps the digits where the unit is the clinic’s already, and takes nothing that is no number', () => {
    expect(converted('5.80', 'mmol/L', 'mmol/L')).toBe('5.80')
    for (const text of ['', '5,8', '1e3', 'HI', '.5']) expect(converted(text, 'mg/dL', 'mmol/L')).toBeNull()
  })
})

// REQ-CONSOLE-063, HAZ-CLINIC-080
describe('a reading in the clinic’s unit', () => {
  it('shows the converted number and keeps what was sent beside it', () => {
    const shown = inClinicUnit(reading('105', 'mg/dL'), 'mmol/L')
    expect([value(shown), measured(shown)]).toEqual(['5.8\u00a0mmol/L', 'converted from 105\u00a0mg/dL'])
    expect(shown.sent).toEqual({ glucose: { value: '105', unit: 'mg/dL' } })
    const back = inClinicUnit(reading('5.80', 'mmol/L'), 'mg/dL')
    expect([value(back), measured(back)]).toEqual(['104\u00a0mg/dL', 'converted from 5.80\u00a0mmol/L'])
  })
  it('leaves a reading alone that is in the unit already, that has no number, or that is of another kind', () => {
    const own = reading('5.80', 'mmol/L')
    expect([value(inClinicUnit(own, 'mmol/L')), measured(inClinicUnit(own, 'mmol/L'))]).toEqual(['5.80\u00a0mmol/L', null])
    expect(inClinicUnit(own, null)).toBe(own)
    const high = inClinicUnit(reading(null, 'mg/dL', { absent: 'above_range' }), 'mmol/L')
    expect([value(high), measured(high), high.units]).toEqual(['HI: above what the device can measure', null, { glucose: 'mmol/L' }])
    const weight = reading(null, 'kg', { kind: 'weight', values: { weight: '80.0' }, units: { weight: 'kg' } })
    expect(inClinicUnit(weight, 'mmol/L')).toBe(weight)
  })
  it('draws all of them on one axis, in that unit, at the numbers that the table has', () => {
    const mixed = [reading('105', 'mg/dL'), reading('5.80', 'mmol/L'), reading('7.1', 'mmol/L', { kind: 'glucose' })]
    for (const [unit, heights, range] of [['mmol/L', [5.8, 5.8, 7.1], [2.2, 22.2]], ['mg/dL', [105, 104, 128], [40, 400]]] as const) {
      const shown = mixed.map((one) => inClinicUnit(one, unit))
      const drawn = kindOf(shown[0] ?? mixed[0] as Reading).drawn
      if (drawn === null) throw new Error('glucose is not drawn')
      const { points, left } = arrange(shown, drawn, 'Europe/London', Date.parse('2026-10-27T09:00:00Z'))
      expect([points.map((point) => point.values[0]), left, drawn.unit, drawn.range]).toEqual([heights, {}, unit, range])
    }
  })
  it('counts HI and LO among what is not drawn, and not as failed', () => {
    const none = (absent: string) => inClinicUnit(reading(null, 'mg/dL', { absent }), 'mmol/L')
    const drawn = kindOf(none('above_range')).drawn
    if (drawn === null) throw new Error('glucose is not drawn')
    const { left } = arrange([none('above_range'), none('below_range'), none('measurement_failed')], drawn, 'Europe/London', Date.parse('2026-10-27T09:00:00Z'))
    expect(left).toEqual({ 'beyond what the device measures': 2, failed: 1 })
  })
  it('goes by the newest reading’s own unit before the clinic has chosen one', () => {
    expect(unitFor([reading('105', 'mg/dL'), reading('5.8', 'mmol/L')], null)).toBe('mg/dL')
    expect(unitFor([reading('105', 'mg/dL')], 'mmol/L')).toBe('mmol/L')
    expect(unitFor([], null)).toBeNull()
  })
})
