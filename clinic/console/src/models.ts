/** The table of device models in words: for which devices a row counts, what they do, and what another row says otherwise.
    Pure: rows in, sentences out. A behaviour that this console has no words for is told by its name. */
import type { Behaviour, ModelRow } from './api'
import { modelWords as say, plain } from './words'

const PLACES = ['name', 'maker', 'model', 'firmware', 'service'] as const

/** "Devices called “A&D_*”". */
export function whom(row: ModelRow): string {
  const parts = PLACES.flatMap((place) => {
    const patterns = row.match[place] ?? []
    if (patterns.length === 0) return []
    return [`${say.match[place]} ${patterns.map((pattern) => (place === 'service' ? say.service[pattern.toLowerCase()] ?? pattern : `“${pattern}”`)).join(' or ')}`]
  })
  return `Devices ${parts.join(', ')}`
}

export const behaviour = (one: Behaviour): string => say.behaviour[one.do]?.(one) ?? say.unknown(plain(one.do))

/** What the row makes of these devices, one sentence each; a row that takes one away says so. */
export const doing = (row: ModelRow): string[] => (row.behaviours.length === 0 ? [say.takenAway] : row.behaviours.map(behaviour))

/** What `after` says otherwise than `before`, one sentence each. */
export function differences(before: ModelRow, after: ModelRow): string[] {
  const found: string[] = []
  if (whom(before) !== whom(after)) found.push(say.counts(whom(after), whom(before)))
  const key = (one: Behaviour) => JSON.stringify(one)
  const held = new Set(before.behaviours.map(key))
  const kept = new Set(after.behaviours.map(key))
  const gone = before.behaviours.filter((one) => !kept.has(key(one)))
  for (const one of after.behaviours.filter((one) => !held.has(key(one)))) {
    const at = gone.findIndex((other) => other.do === one.do)
    const was = at < 0 ? undefined : gone.splice(at, 1)[0]
    found.push(was === undefined ? say.more(behaviour(one)) : say.other(behaviour(one), behaviour(was)))
  }
  found.push(...gone.map((one) => say.less(behaviour(one))))
  if (after.behaviours.length === 0 && before.behaviours.length > 0) found.push(say.takenAway)
  if (before.about !== after.about) found.push(say.about(after.about))
  if (before.proof !== after.proof) found.push(say.proof(say.proven[after.proof] ?? plain(after.proof), say.proven[before.proof] ?? plain(before.proof)))
  if (JSON.stringify(before.sources) !== JSON.stringify(after.sources)) found.push(say.sources)
  if (JSON.stringify(before.frames) !== JSON.stringify(after.frames)) found.push(say.frames)
  // what is none of these, such as the order of the behaviours or a member of a later version
  return found.length === 0 ? [say.otherwise] : found
}
