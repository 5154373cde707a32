import { describe, expect, it } from 'vitest'
import { age, clock, day, moment, offset, twice, years } from './time'

// REQ-CONSOLE-002
describe('times right across the change to summer time', () => {
  // Europe/London: 29 March 2026, 01:00 UTC
  it('shows the wall clock that hung there', () => {
    expect(clock('2026-03-29T00:59:00.000Z', 'Europe/London')).toBe('00:59')
    expect(clock('2026-03-29T01:00:00.000Z', 'Europe/London')).toBe('02:00')
    expect(offset('2026-03-29T00:59:00.000Z', 'Europe/London')).toBe('GMT')
    expect(offset('2026-03-29T01:00:00.000Z', 'Europe/London')).toBe('GMT+1')
  })
  it('tells the two hours apart that are called 01:30 in autumn', () => {
    const first = '2026-10-25T00:30:00.000Z'
    const second = '2026-10-25T01:30:00.000Z'
    expect(clock(first, 'Europe/London')).toBe(clock(second, 'Europe/London'))
    expect(moment(first, 'Europe/London', 'Europe/London')).toBe('Sun 25 Oct 2026, 01:30 (GMT+1)')
    expect(moment(second, 'Europe/London', 'Europe/London')).toBe('Sun 25 Oct 2026, 01:30 (GMT)')
  })
  it.each([
    // the first and the last minute that are there twice, and their neighbours; Lord Howe goes back by half an hour
    ['2026-10-24T23:59:00.000Z', 'Europe/London', false], ['2026-10-25T00:00:00.000Z', 'Europe/London', true], ['2026-10-25T00:59:00.000Z', 'Europe/London', true],
    ['2026-10-25T01:00:00.000Z', 'Europe/London', true], ['2026-10-25T01:59:00.000Z', 'Europe/London', true], ['2026-10-25T02:00:00.000Z', 'Europe/London', false],
    ['2026-03-29T00:30:00.000Z', 'Europe/London', false], ['2026-03-29T01:30:00.000Z', 'Europe/London', false], ['2026-10-25T01:30:00.000Z', 'UTC', false],
    ['2026-04-04T14:45:00.000Z', 'Australia/Lord_Howe', true], ['2026-04-04T15:15:00.000Z', 'Australia/Lord_Howe', true], ['2026-04-04T15:45:00.000Z', 'Australia/Lord_Howe', false],
  ])('%s in %s is there twice: %s', (iso, zone, there) => { expect(twice(iso, zone)).toBe(there) })
  it('tells the clinic\'s doubled hour apart too', () => {
    expect(moment('2026-10-25T01:30:00.000Z', 'America/New_York', 'Europe/London')).toBe("Sat 24 Oct 2026, 21:30 patient's time (GMT-4), Sun 25 Oct 2026, 01:30 (GMT) clinic's")
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
  it('counts years by the calendar where the patient lives', () => {
    const eve = Date.parse('2026-02-02T23:30:00Z')
    expect([years('1952-02-03', eve, 'Europe/London'), years('1952-02-03', eve, 'Europe/Berlin')]).toEqual([73, 74])
  })
  const now = Date.parse('2026-11-24T12:00:00Z')
  it.each([
    ['2026-11-24T11:59:40Z', 'just now'], ['2026-11-24T11:52:00Z', '8 min ago'], ['2026-11-24T09:00:00Z', '3 h ago'],
    ['2026-11-20T12:00:00Z', '4 days ago'], ['2026-11-24T13:00:00Z', 'in the future: a clock is wrong'],
  ])('%s is %s', (iso, words) => { expect(age(iso, now)).toBe(words) })
})
