import { describe, expect, it } from 'vitest'
import { age, clock, day, moment, offset } from './time'

describe('times right across the change to summer time', () => {
  // Europe/London: 29 March 2026, 01:00 UTC
  it('shows the wall clock that hung there', () => {
    expect(clock('2026-03-29T00:59:00.000Z', 'Europe/London')).toBe('00:59')
    expect(clock('2026-03-29T01:00:00.000Z', 'Europe/London')).toBe('02:00')
    expect(offset('2026-03-29T00:59:00.000Z', 'Europe/London')).toMatch(/^GMT(\+0)?$/)
    expect(offset('2026-03-29T01:00:00.000Z', 'Europe/London')).toBe('GMT+1')
  })
  it('tells the two hours apart that are called 01:30 in autumn', () => {
    const first = '2026-10-25T00:30:00.000Z'
    const second = '2026-10-25T01:30:00.000Z'
    expect(clock(first, 'Europe/London')).toBe(clock(second, 'Europe/London'))
    expect(offset(first, 'Europe/London')).not.toBe(offset(second, 'Europe/London'))
  })
  it('says whose clock it is only where they differ at that moment', () => {
    // New York changes three weeks before London: the difference is 4 h in between
    expect(moment('2026-03-20T12:00:00.000Z', 'America/New_York', 'Europe/London')).toContain("08:00 patient's time (GMT-4), 12:00 clinic's")
    expect(moment('2026-03-01T12:00:00.000Z', 'America/New_York', 'Europe/London')).toContain("07:00 patient's time (GMT-5), 12:00 clinic's")
    expect(moment('2026-03-20T12:00:00.000Z', 'Europe/London', 'Europe/London')).toBe('Fri 20 Mar 2026, 12:00')
    expect(moment('2026-01-10T12:00:00.000Z', 'Europe/Lisbon', 'Europe/London')).not.toContain('clinic')
  })
  it('names the other day too', () => {
    expect(moment('2026-06-01T03:00:00.000Z', 'America/New_York', 'Europe/London')).toContain('Mon 1 Jun 2026, 04:00 clinic')
    expect(day('2026-06-01T03:00:00.000Z', 'America/New_York')).toBe('Sun 31 May 2026')
  })
})

describe('ages', () => {
  const now = Date.parse('2026-11-24T12:00:00Z')
  it.each([
    ['2026-11-24T11:59:40Z', 'just now'], ['2026-11-24T11:52:00Z', '8 min ago'], ['2026-11-24T09:00:00Z', '3 h ago'],
    ['2026-11-20T12:00:00Z', '4 days ago'], ['2026-11-24T13:00:00Z', 'in the future: a clock is wrong'],
  ])('%s is %s', (iso, words) => { expect(age(iso, now)).toBe(words) })
})
