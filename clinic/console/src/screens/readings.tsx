/** A patient's readings, kind by kind: the newest in words, a chart, a table. They come by themselves, and are told as
    seen once a row has stood on the screen in front of somebody. */
import { useCallback, useEffect, useRef, useState } from 'react'
import { type Glucose, type Reading, type ReadingsPage, get, post } from '../api'
import { Chart } from '../chart'
import { useLooking } from '../presence'
import { type Kind, elsewhere, failed, groupOf, isVoid, kindOf, measured, nothing, origin, remarks, said, sentAs, shown as cell, unitName, value, valueName, when } from '../reading'
import { AsOf, useLoaded, useShell } from '../shell'
import { Cell, Head, Row, Table } from '../table'
import { age } from '../time'
import { Wave } from '../wave'
import { words } from '../words'

export function Readings({ id, zone }: { id: string; zone: string }) {
  const { say, session, attempt } = useShell()
  const path = `/api/patients/${id}/readings?limit=100`
  const { data, error, reload } = useLoaded<ReadingsPage>(path)
  // every row shown so far: what a new arrival pushes out of the newest page stays on the screen
  const [readings, setReadings] = useState<Reading[]>([])
  const [olderMore, setOlderMore] = useState<boolean | null>(null)
  const known = useRef<Set<string> | null>(null)
  const units = useRef('')
  useEffect(() => {
    if (!data) return
    // rows that were shown in a unit that counts no more are asked for anew: no table has two units of one value
    const same = units.current === unitsOf(data.glucose)
    units.current = unitsOf(data.glucose)
    setReadings((held) => (same ? joined(data.readings, held) : data.readings))
    if (!same) setOlderMore(null)
    const before = known.current
    known.current = new Set([...before ?? [], ...data.readings.map((reading) => reading.id)])
    const arrived = before === null ? 0 : data.readings.filter((reading) => !before.has(reading.id)).length
    if (arrived > 0) say(words.arrived(arrived))
  }, [data, say])
  const seen = useCallback((ids: string[]) => {
    const mark = { at: new Date().toISOString(), by: session.account.name }
    setReadings((held) => held.map((reading) => (reading.seen === null && ids.includes(reading.id) ? { ...reading, seen: mark } : reading)))
  }, [session.account.name])
  const looking = useLooking()
  const shown = useSeen(readings, looking, seen)
  if (data === null) return <section className="panel"><h2>Readings</h2>{error !== null ? <p className="err" role="alert">{error}</p> : <p role="status">Asking the station…</p>}</section>
  const more = olderMore ?? data.more
  const last = readings[readings.length - 1]
  const unseen = readings.filter((reading) => reading.seen === null).length
  const groups = [...new Set(readings.map(groupOf))]
  return (
    <>
      {error !== null && <p className="err" role="alert">{error}</p>}
      {!looking && unseen > 0 && <p className="note" role="status">{words.notLooking(unseen)}</p>}
      {readings.length === 0 && <section className="panel stack" aria-labelledby="none"><h2 id="none">Readings</h2><p className="soft">{words.noReading}. It appears here by itself when it arrives. <AsOf at={data.as_of} /></p></section>}
      {groups.map((group) => <OfOneKind key={group} readings={readings.filter((reading) => groupOf(reading) === group)} more={more} asOf={data.as_of} factor={data.glucose.mg_per_dl_in_1_mmol_per_l} zone={zone} shown={shown} />)}
      {more && last && <p><button className="b" type="button" onClick={() => {
        attempt(get<ReadingsPage>(`${path}&before=${last.id}`), (page) => {
          if (unitsOf(page.glucose) !== units.current) { reload(); return }
          page.readings.forEach((reading) => known.current?.add(reading.id))
          setReadings((held) => joined(held, page.readings))
          setOlderMore(page.more)
        })
      }}>Older readings</button></p>}
    </>
  )
}

function OfOneKind({ readings, more, asOf, factor, zone, shown }: { readings: Reading[]; more: boolean; asOf: string; factor: string; zone: string; shown: (id: string) => (row: HTMLElement | null) => void }) {
  const { now, session } = useShell()
  const newest = readings[0]
  const own = readings.find((reading) => !isVoid(reading))
  if (!newest) return null
  const kind = kindOf(newest)
  const heading = `kind-${groupOf(newest)}`
  return (
    <section className="panel stack" aria-labelledby={heading}>
      <div className="row wrap"><h2 id={heading}>{kind.name}</h2><span className="push"><AsOf at={asOf} /></span></div>
      {own === undefined
        ? <p className="lead">{words.noneTheirs}</p>
        : <p className="lead">Newest: <b className={failed(own) ? 'te' : undefined}>{value(own)}</b>{measured(own) !== null && ` (${measured(own) ?? ''})`}, {own.effective === null ? `arrived ${age(own.received, now)}, time unknown` : age(own.effective, now)}, {origin(own)}{remarks(own).length > 0 ? `; ${remarks(own).join(', ')}` : ''}.</p>}
      {own?.outline && own.outline.length > 1 && <Wave outline={own.outline} label={`${kind.name}: ${value(own)}`} />}
      {kind.drawn && <Chart kind={kind} drawn={kind.drawn} readings={readings} factor={factor} zone={zone} now={now} />}
      <Table className="cards" caption={more ? `The newest ${String(readings.length)}.` : words.showingAll(readings.length)} columns={columns(kind, newest)}>
        {readings.map((reading) => (
          <Row key={reading.id} mark={shown(reading.id)}>
            <Head className="when">{when(reading, zone, session.clinic.zone)}{isVoid(reading) && <span className="small soft block">{words.void}</span>}</Head>
            {failed(reading)
              ? <Cell of="" span={kind.columns.length}><b className="te">{nothing(reading)}</b></Cell>
              : kind.columns.map((name) => <Cell key={name} of={valueName(name)} className={`num${cell(reading, name) === null ? ' none' : ''}`}><Struck is={isVoid(reading) && cell(reading, name) !== null}>{cell(reading, name) ?? '–'}</Struck>{sentAs(reading, name) !== null && <span className="small soft block">{sentAs(reading, name)}</span>}</Cell>)}
            <Cell of="From" className="small from"><span>{origin(reading)}<span className="soft block">at the clinic {age(reading.stored, now)}</span></span></Cell>
            <Cell of="Remarks" className={`small remark${noted(reading, kind, newest, zone, session.clinic.zone).length > 0 ? '' : ' none'}`}>{noted(reading, kind, newest, zone, session.clinic.zone).join(', ')}</Cell>
            <Cell of="Looked at" className="small by">{reading.seen ? <span>{reading.seen.by}<span className="soft block">{age(reading.seen.at, now)}</span></span> : 'not yet'}</Cell>
          </Row>
        ))}
      </Table>
    </section>
  )
}

function columns(kind: Kind, newest: Reading) {
  const unit = (name: string) => { const ucum = newest.units[name]; return ucum === undefined || unitName(ucum) === '' ? '' : ` ${unitName(ucum)}` }
  return [{ name: 'Measured' }, ...kind.columns.map((name) => ({ name: `${valueName(name)}${unit(name)}`, number: true })), { name: 'From' }, { name: 'Remarks' }, { name: 'Looked at' }]
}

/** A number that does not count any more, struck through. A screen reader that passes over the line hears the words. */
function Struck({ is, children }: { is: boolean; children: string }) {
  return is ? <><span className="sr">{words.struck} </span><s>{children}</s></> : children
}

/** What was said of it, the remarks, where the phone was elsewhere, and a unit that is not the column's. */
function noted(reading: Reading, kind: Kind, newest: Reading, zone: string, clinicZone: string): string[] {
  const away = elsewhere(reading, zone)
  const differs = (ucum: string | undefined, of: string | undefined) => ucum !== undefined && of !== undefined && ucum !== of
  const other = kind.columns.filter((name) => differs(reading.units[name], newest.units[name])).map((name) => reading.units[name] ?? '')
  const told = said(reading, zone, clinicZone)
  return [...(told === null ? [] : [told]), ...remarks(reading), ...[...new Set(other)].map((ucum) => `in ${unitName(ucum)}`), ...(away === null ? [] : [away])]
}

/** Two pages may stand in one table when these are the same. */
const unitsOf = (glucose: Glucose): string => JSON.stringify(glucose.read_in)

/** The first rows as they are, then those of the rest that are not among them. */
function joined(first: Reading[], rest: Reading[]): Reading[] {
  const known = new Set(first.map((reading) => reading.id))
  return [...first, ...rest.filter((reading) => !known.has(reading.id))]
}

/** Tells the station what was seen: rows that stood within the window while somebody was there. Returns what each row is
    to be marked with. */
function useSeen(readings: Reading[], looking: boolean, done: (ids: string[]) => void): (id: string) => (row: HTMLElement | null) => void {
  const [inView, setInView] = useState<ReadonlySet<string>>(new Set())
  const told = useRef(new Set<string>())
  const ids = useRef(new WeakMap<Element, string>())
  const watch = useRef<IntersectionObserver | null>(null)
  const marks = useRef(new Map<string, (row: HTMLElement | null) => void>())
  watch.current ??= new IntersectionObserver((entries) => {
    setInView((before) => {
      const now = new Set(before)
      for (const entry of entries) {
        const id = ids.current.get(entry.target)
        if (id === undefined) continue
        if (entry.isIntersecting) now.add(id)
        else now.delete(id)
      }
      return now
    })
  }, { threshold: 0.5 })
  useEffect(() => {
    const due = readings.filter((reading) => reading.seen === null && inView.has(reading.id) && !told.current.has(reading.id)).map((reading) => reading.id)
    if (due.length === 0 || !looking) return
    due.forEach((id) => told.current.add(id))
    // a refusal is tried again at the next change
    post('/api/seen', { readings: due }).then(() => { done(due) }, () => { due.forEach((id) => told.current.delete(id)) })
  }, [readings, inView, looking, done])
  return useCallback((id: string) => {
    const kept = marks.current.get(id)
    if (kept) return kept
    let at: HTMLElement | null = null
    const mark = (row: HTMLElement | null) => {
      if (at) watch.current?.unobserve(at)
      at = row
      if (row) { ids.current.set(row, id); watch.current?.observe(row) }
    }
    marks.current.set(id, mark)
    return mark
  }, [])
}
