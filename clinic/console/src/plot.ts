/** Which readings a chart draws, where, and which it leaves out and why. Pure: readings and `now` in, points out. */
import type { Reading } from './api'
import { type Drawn, failed, isVoid } from './reading'
import { wall } from './time'

export interface Point {
  n: number
  at: number
  values: number[]
  mark: 'morning' | 'evening' | 'irregular' | 'typed'
  /** On the day of the point before, or on the day after it: the two may be joined. */
  follows: boolean
  reading: Reading
}
export interface Axis { from: number; to: number }
/** Readings that are not drawn, counted by why. */
export type Left = Record<string, number>

/** HI and LO are measurements without a number, and no failures. */
const BEYOND: ReadonlySet<string> = new Set(['above_range', 'below_range'])
const DAY = 86_400_000
/** The looks' time axis; a chart of older readings reaches back to the newest of them. */
const DAYS = 30

export function arrange(readings: Reading[], drawn: Drawn, zone: string, now: number): { points: Point[]; missed: number[]; axis: Axis; left: Left } {
  const left: Left = {}
  const leave = (why: string) => { left[why] = (left[why] ?? 0) + 1 }
  const shown = readings.flatMap((reading) => {
    const values = drawn.series.map((name) => Number(reading.values[name] ?? NaN))
    if (isVoid(reading)) { leave('somebody else’s'); return [] }
    if (failed(reading)) { leave(BEYOND.has(reading.absent ?? '') ? 'beyond what the device measures' : 'failed'); return [] }
    if (reading.effective === null) { leave('without a time'); return [] }
    if (reading.possibly_same_as !== null) { leave('possibly the same'); return [] }
    if (drawn.series.some((name) => reading.units[name] !== drawn.unit)) { leave('in another unit'); return [] }
    if (values.some(Number.isNaN)) { leave('with a value missing'); return [] }
    return [{ at: Date.parse(reading.effective), values, reading }]
  }).sort((a, b) => a.at - b.at)
  const newest = shown[shown.length - 1]?.at ?? now
  const axis = { from: Math.min(now - DAYS * DAY, newest - DAY), to: Math.max(now, newest) + DAY / 4 }
  const within = shown.filter(({ at }) => at >= axis.from)
  if (within.length < shown.length) left['older'] = shown.length - within.length
  const points = within.map(({ at, values, reading }, n): Point => {
    const before = within[n - 1]
    return { n, at, values, reading, mark: markOf(reading, at, zone), follows: before !== undefined && date(at, zone) - date(before.at, zone) <= DAY }
  })
  return { points, missed: missed(points, axis, now, zone), axis, left }
}

function markOf(reading: Reading, at: number, zone: string): Point['mark'] {
  if (reading.source === 'typed') return 'typed'
  if (reading.status.includes('irregular_pulse')) return 'irregular'
  return wall(at, zone).getUTCHours() < 12 ? 'morning' : 'evening'
}

/** The calendar day in the zone, as midnight of that date in UTC: days are counted by the calendar, not by 24 hours. */
function date(at: number, zone: string): number {
  const shown = wall(at, zone)
  return Date.UTC(shown.getUTCFullYear(), shown.getUTCMonth(), shown.getUTCDate())
}

/** The middle of each day without a point, from the first point's day to yesterday. */
function missed(points: Point[], axis: Axis, now: number, zone: string): number[] {
  const first = points[0]
  if (!first) return []
  const had = new Set(points.map(({ at }) => date(at, zone)))
  const found: number[] = []
  for (let day = date(Math.max(first.at, axis.from), zone); day < date(now, zone); day += DAY) {
    if (had.has(day)) continue
    const noon = day + DAY / 2
    found.push(noon - (wall(noon, zone).getTime() - noon))
  }
  return found
}
