/** Times in words. Every clock time says whose it is when the patient's zone is not the clinic's, and which of the two it
    is in the hour that autumn has twice. */

const parts = new Map<string, Intl.DateTimeFormat>()

function format(zone: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${zone} ${JSON.stringify(options)}`
  let made = parts.get(key)
  if (!made) {
    made = new Intl.DateTimeFormat('en-GB', { ...options, timeZone: zone })
    parts.set(key, made)
  }
  return made
}

/** "Sun 29 Mar 2026" in a zone. */
export const day = (iso: string, zone: string): string =>
  format(zone, { weekday: 'short', day: 'numeric', month: 'short', year: 'numeric' }).format(new Date(iso)).replace(',', '')

/** "29 Mar" in a zone. */
export const shortDay = (iso: string, zone: string): string => format(zone, { day: 'numeric', month: 'short' }).format(new Date(iso))

/** "03:10" in a zone, by the rules in force on that day. */
export const clock = (iso: string, zone: string): string =>
  format(zone, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }).format(new Date(iso))

/** "GMT+1", "GMT": the offset in force at that instant. */
export function offset(iso: string, zone: string): string {
  const named = format(zone, { timeZoneName: 'shortOffset' }).formatToParts(new Date(iso)).find((p) => p.type === 'timeZoneName')
  // engines differ in how they write no offset
  return named?.value.replace(/^GMT[+-]0$/, 'GMT') ?? zone
}

/** What a wall clock of the zone shows at an instant, as if it were UTC. */
export function wall(at: number, zone: string): Date {
  const read: Record<string, number> = {}
  const shown = format(zone, { year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric', hourCycle: 'h23' })
  for (const { type, value } of shown.formatToParts(new Date(at))) read[type] = Number(value)
  return new Date(Date.UTC(read['year'] ?? 0, (read['month'] ?? 1) - 1, read['day'], read['hour'], read['minute'], read['second']))
}

const HOUR = 3_600_000
/** Whether the zone's clocks show this time twice, because they are set back within some hours of it. */
export function twice(iso: string, zone: string): boolean {
  const at = Date.parse(iso)
  const ahead = (when: number) => wall(when, zone).getTime() - when
  const back = ahead(at - 6 * HOUR) - ahead(at + 6 * HOUR)
  const shows = wall(at, zone).getTime()
  return back > 0 && [at - back, at + back].some((other) => wall(other, zone).getTime() === shows)
}

const which = (iso: string, zone: string): string => (twice(iso, zone) ? ` (${offset(iso, zone)})` : '')

/** A moment in the patient's zone, and in the clinic's too where the two clocks differ at that moment. */
export function moment(iso: string, patientZone: string, clinicZone: string): string {
  const own = `${day(iso, patientZone)}, ${clock(iso, patientZone)}`
  if (offset(iso, patientZone) === offset(iso, clinicZone)) return own + which(iso, patientZone)
  const other = day(iso, patientZone) === day(iso, clinicZone) ? '' : `${day(iso, clinicZone)}, `
  return `${own} patient's time (${offset(iso, patientZone)}), ${other}${clock(iso, clinicZone)}${which(iso, clinicZone)} clinic's`
}

/** "8 min ago", "3 h ago", "2 days ago". What lies ahead says so: a clock is wrong. */
export function age(iso: string, now: number): string {
  const minutes = Math.floor((now - Date.parse(iso)) / 60_000)
  if (minutes < -1) return 'in the future: a clock is wrong'
  if (minutes < 1) return 'just now'
  if (minutes < 90) return `${String(minutes)} min ago`
  if (minutes < 48 * 60) return `${String(Math.floor(minutes / 60))} h ago`
  return `${String(Math.floor(minutes / 1440))} days ago`
}

/** Whole years, from a birth date to now, by the calendar of the zone. */
export function years(born: string, now: number, zone: string): number {
  const [year = 0, month = 1, date = 1] = born.split('-').map(Number)
  const today = wall(now, zone)
  const had = today.getUTCMonth() + 1 > month || (today.getUTCMonth() + 1 === month && today.getUTCDate() >= date)
  return today.getUTCFullYear() - year - (had ? 0 : 1)
}

/** "3 Feb 1952": a date that belongs to no zone. */
export const date = (plain: string): string => format('UTC', { day: 'numeric', month: 'short', year: 'numeric' }).format(new Date(`${plain}T00:00:00Z`))
