/** The table of device models: which is in force, what a newer file changes, and its adoption in one's own name. */
import { useRef, useState } from 'react'
import { type DeviceTable, type ModelRow, Refused, type TableChanges, post } from '../api'
import { Form } from '../form'
import { Here } from '../here'
import { differences, doing, whom } from '../models'
import { AsOf, useLoaded, useShell } from '../shell'
import { date, moment } from '../time'
import { modelWords, words } from '../words'

/** The station's own limit; a longer file is not sent. */
const MOST_BYTES = 256 * 1024

/** A file that was chosen and looked at, not adopted yet. */
interface Offer { name: string; text: string; found: TableChanges; note: string | null }

const changesOf = (table: string): Promise<TableChanges> => post<TableChanges>('/api/devices/table/changes', { table })

export function Devices() {
  const { data, error, reload } = useLoaded<{ as_of: string; in_force: DeviceTable | null }>('/api/devices/table')
  const [offer, setOffer] = useState<Offer | null>(null)
  const [adopted, setAdopted] = useState<string | null>(null)
  return (
    <div className="stack">
      <div className="row wrap"><h1>{words.devices}</h1>{data && <AsOf at={data.as_of} />}</div>
      <p className="soft">{modelWords.lead}</p>
      {error !== null && <p className="err" role="alert">{error}</p>}
      {data === null && error === null && <p role="status">Asking the station…</p>}
      {adopted !== null && <Here key={adopted} className="note"><b>Adopted.</b> {adopted}</Here>}
      {offer && <Offered key={`${String(offer.found.over)} ${offer.name}`} offer={offer} again={setOffer} cancel={() => { setOffer(null) }}
        done={(text) => { setOffer(null); setAdopted(text); reload() }} />}
      {data && <InForce table={data.in_force} />}
      {data && offer === null && <Choose begin={() => { setAdopted(null) }} chosen={setOffer} />}
    </div>
  )
}

function InForce({ table }: { table: DeviceTable | null }) {
  const { session } = useShell()
  return (
    <section className="panel stack" aria-labelledby="in-force"><h2 id="in-force">In force</h2>
      {table === null
        ? <p>{modelWords.none}</p>
        : <><dl className="facts">
          <div><dt>Number</dt><dd>{table.n}</dd></div>
          <div><dt>Issued</dt><dd>{table.issued === null ? 'the file does not say' : date(table.issued)}</dd></div>
          <div><dt>In force since</dt><dd>{moment(table.at, session.clinic.zone, session.clinic.zone)}</dd></div>
          <div><dt>Adopted by</dt><dd>{table.adopted_by}</dd></div>
          <div><dt>Rows</dt><dd>{table.rows.length}</dd></div>
        </dl>
        {table.rows.length > 0 && <details><summary>What it says</summary><Rows rows={table.rows} /></details>}</>}
    </section>
  )
}

function Choose({ begin, chosen }: { begin: () => void; chosen: (offer: Offer) => void }) {
  const file = useRef<HTMLInputElement>(null)
  return (
    <section className="panel stack" aria-labelledby="newer"><h2 id="newer">A newer table</h2>
      <Form button="See what it changes" submit={async () => {
        begin()
        const picked = file.current?.files?.[0]
        if (!picked) throw new Error(modelWords.notText)
        if (picked.size > MOST_BYTES) throw new Error(modelWords.tooLong)
        const text = await picked.text().catch(() => { throw new Error(modelWords.notText) })
        chosen({ name: picked.name, text, found: await changesOf(text), note: null })
      }}>
        <div className="field"><label htmlFor="table">The file</label>
          <span className="hint" id="table-hint">From your vendor or a colleague, as JSON. Nothing is adopted before you have seen what it changes.</span>
          <input id="table" type="file" accept=".json,application/json" required ref={file} aria-describedby="table-hint" /></div>
      </Form></section>
  )
}

function Offered(props: { offer: Offer; again: (offer: Offer) => void; cancel: () => void; done: (text: string) => void }) {
  const { offer, again, cancel, done } = props
  const { session } = useShell()
  const { over, issued, rows, changes: { added, changed, removed, same } } = offer.found
  const adopt = async () => {
    try {
      const made = await post<{ n: number; phones: number }>('/api/devices/table', { table: offer.text, over })
      done(modelWords.adopted(made.n, rows, made.phones))
    } catch (reason) {
      if (!(reason instanceof Refused) || reason.code !== 'meanwhile') throw reason
      again({ ...offer, found: await changesOf(offer.text), note: reason.message })
    }
  }
  return (
    <section className="panel now" aria-labelledby="offer"><Here className="stack"><h2 id="offer">What {offer.name} changes</h2>
      {offer.note !== null && <p className="err">{offer.note}</p>}
      <p>{modelWords.summary(added.length, changed.length, removed.length, same)} {added.length + changed.length + removed.length === 0 && modelWords.onlyWritten} {issued === null ? 'The file does not say when it was issued.' : `Issued ${date(issued)}.`}</p>
      {added.length > 0 && <><h3>Added: {modelWords.count(added.length)}</h3><Rows rows={added} /></>}
      {changed.length > 0 && <><h3>Changed: {modelWords.count(changed.length)}</h3><ul className="stack">{changed.map(({ before, after }) => (
        <li key={after.id} className="found"><p><b>{whom(after)}</b> <span className="small soft">row {after.id}</span></p><List of={differences(before, after)} /></li>
      ))}</ul></>}
      {removed.length > 0 && <><h3>Removed: {modelWords.count(removed.length)}</h3><p className="soft">{modelWords.goes}</p><Rows rows={removed} /></>}
      <p>It counts for every phone of this clinic from now on, and stands in the audit log in your name.</p>
      <Form button={`Adopt as ${session.account.name}`} cancel={cancel} submit={adopt}><></></Form>
    </Here></section>
  )
}

function Rows({ rows }: { rows: ModelRow[] }) {
  return (
    <ul className="stack">{rows.map((row) => (
      <li key={row.id} className="found"><p><b>{whom(row)}</b> <span className="small soft">row {row.id}, {modelWords.proven[row.proof] ?? row.proof}</span></p><p className="soft">{row.about}</p><List of={doing(row)} /></li>
    ))}</ul>
  )
}

function List({ of }: { of: string[] }) {
  return <ul className="dots">{of.map((text) => <li key={text}>{text}</li>)}</ul>
}
