/** Times in words. Every clock time says whose it is when the patient's zone is not the clinic's. */

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

/** "03:10" in a zone, by the rules in force on that day. */
export const clock = (iso: string, zone: string): string =>
  format(zone, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }).format(new Date(iso))

/** "GMT+1": the offset in force at that instant. */
export function offset(iso: string, zone: string): string {
  const named = format(zone, { timeZoneName: 'shortOffset' }).formatToParts(new Date(iso)).find((p) => p.type === 'timeZoneName')
  return named?.value ?? zone
}

/** A moment in the patient's zone, and in the clinic's too where the two clocks differ at that moment. */
export function moment(iso: string, patientZone: string, clinicZone: string): string {
  const own = `${day(iso, patientZone)}, ${clock(iso, patientZone)}`
  if (offset(iso, patientZone) === offset(iso, clinicZone)) return own
  const other = day(iso, patientZone) === day(iso, clinicZone) ? '' : `${day(iso, clinicZone)}, `
  return `${own} patient's time (${offset(iso, patientZone)}), ${other}${clock(iso, clinicZone)} clinic's`
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

/** Whole years, from a birth date to now. */
export function years(born: string, now: number): number {
  const [year = 0, month = 1, date = 1] = born.split('-').map(Number)
  const today = new Date(now)
  const had = today.getMonth() + 1 > month || (today.getMonth() + 1 === month && today.getDate() >= date)
  return today.getFullYear() - year - (had ? 0 : 1)
}
