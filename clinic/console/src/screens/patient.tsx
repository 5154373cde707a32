import { useEffect, useRef, useState } from 'react'
import { type Link, type PatientPage, type Reading, get, post } from '../api'
import { Go, useLoaded, useShell } from '../app'
import { Chart } from '../chart'
import { Form } from '../form'
import { origin, remarks, value, when } from '../reading'
import { age, moment, years } from '../time'
import { words } from '../words'
import { State } from '../glyph'
import { FindingList } from './findings'
import { PatientForm } from './patients'

export function Patient({ id }: { id: string }) {
  const { session, now, go, attempt } = useShell()
  const [changing, setChanging] = useState(false)
  const page = useLoaded<PatientPage>(`/api/patients/${id}`)
  if (page.data === null) return <><h1>Patient</h1>{page.error !== null ? <p className="err" role="alert">{page.error}</p> : <p role="status">Asking the station…</p>}</>
  const { patient, links, invites, findings } = page.data
  return (
    <>
      <p className="small"><Go to="/">{words.patients}</Go></p>
      <div className="row wrap"><div><h1>{patient.name}</h1>
        <p className="soft">{years(patient.born, now)}, born {patient.born} · {patient.record_number} · <bdi>{patient.phone}</bdi> · {words.state[patient.state]}</p></div>
        <span className="push" /><button className="b" type="button" onClick={() => { setChanging(true) }}>Change details</button>
        <button className="b go" type="button" onClick={() => { go(`/patients/${id}/invite`) }}>Invite a phone</button></div>
      <p className="small soft">Times are the patient&apos;s ({patient.zone}){patient.zone === session.clinic.zone ? ', which are the clinic\'s too' : `; where the clinic's clock (${session.clinic.zone}) differs, both are shown`}.</p>
      {page.error !== null && <p className="err" role="alert">{page.error}</p>}
      {changing && <section className="panel stack" aria-labelledby="details"><h2 id="details">Details</h2><PatientForm now={patient} cancel={() => { setChanging(false) }} done={() => { setChanging(false); page.reload() }} /></section>}
      <div className="cols">
        <div><Readings id={id} zone={patient.zone} /></div>
        <div>
          {links.map((link) => <LinkPanel key={link.up} link={link} zone={patient.zone} reload={page.reload} />)}
          {links.length === 0 && <section className="panel" aria-labelledby="phones"><h2 id="phones">{words.state.no_phone}</h2><p>Make an invite; the patient scans it once.</p></section>}
          {invites.length > 0 && <section className="panel stack" aria-labelledby="invites"><h2 id="invites">Invites</h2>
            <ul className="stack">{invites.map((invite) => (
              <li key={invite.id} className="row wrap"><span><State name={invite.state} words={words.inviteState[invite.state]} /> <span className="small soft">made {age(invite.made_at, now)} by {invite.made_by}, ends {moment(invite.expires, session.clinic.zone, session.clinic.zone)}</span></span>
                {invite.state === 'open' && <button className="b push" type="button" onClick={() => { attempt(post(`/api/invites/${invite.id}/withdraw`), page.reload) }}>Withdraw</button>}</li>
            ))}</ul></section>}
          <section className="panel stack" aria-labelledby="findings"><h2 id="findings">{words.technical}</h2><FindingList findings={findings} empty="Nothing is wrong with this patient's mail, as far as the station can see." reload={page.reload} /></section>
        </div>
      </div>
    </>
  )
}

function Readings({ id, zone }: { id: string; zone: string }) {
  const { session, now, say, attempt } = useShell()
  const path = `/api/patients/${id}/readings?limit=100`
  const { data, error } = useLoaded<{ readings: Reading[]; more: boolean }>(path)
  // every row shown so far: what a new arrival pushes out of the newest page stays on the screen
  const [readings, setReadings] = useState<Reading[]>([])
  const [olderMore, setOlderMore] = useState<boolean | null>(null)
  const visible = useVisible()
  const told = useRef(new Set<string>())
  useEffect(() => { if (data) setReadings((held) => joined(data.readings, held)) }, [data])
  useEffect(() => {
    // opening a reading marks it seen: it stands on the screen, and the tab is in front
    const unseen = readings.filter((reading) => reading.seen === null && !told.current.has(reading.id)).map((reading) => reading.id)
    if (unseen.length === 0 || !visible) return
    unseen.forEach((reading) => told.current.add(reading))
    say(words.arrived(unseen.length))
    post('/api/seen', { readings: unseen }).then(() => {
      const seen = { at: new Date().toISOString(), by: session.account.name }
      setReadings((held) => held.map((reading) => (reading.seen === null && unseen.includes(reading.id) ? { ...reading, seen } : reading)))
    }, () => { unseen.forEach((reading) => told.current.delete(reading)) })
  }, [readings, visible, say, session.account.name])
  if (data === null) return <section className="panel"><h2>Blood pressure</h2>{error !== null ? <p className="err" role="alert">{error}</p> : <p role="status">Asking the station…</p>}</section>
  const more = olderMore ?? data.more
  const last = readings[readings.length - 1]
  const newest = readings[0]
  return (
    <section className="panel stack" aria-labelledby="bp">
      <div className="row wrap"><h2 id="bp">Blood pressure</h2><span className="push small soft">● measured ◇ irregular pulse □ typed by hand</span></div>
      {newest ? <p><b>{value(newest)}</b>, {age(newest.effective ?? newest.received, now)}, {origin(newest)}.</p> : <p className="soft">{words.noReading}. The first one appears here by itself.</p>}
      {readings.length > 0 && <>
        <Chart readings={readings} zone={zone} />
        <div className="scroll" tabIndex={0} role="region" aria-label="Table of readings">
          <table className="data"><caption className="small soft">{more ? `The newest ${String(readings.length)}.` : words.showingAll(readings.length)}</caption>
            <thead><tr><th scope="col">Measured</th><th scope="col" className="num">Systolic</th><th scope="col" className="num">Diastolic</th><th scope="col" className="num">Mean</th><th scope="col" className="num">Pulse</th><th scope="col">From</th><th scope="col">Remarks</th><th scope="col">Looked at</th></tr></thead>
            <tbody>{readings.map((reading) => (
              <tr key={reading.id}>
                <th scope="row" className="when">{when(reading, zone, session.clinic.zone)}</th>
                {reading.values.systolic === null && reading.values.diastolic === null
                  ? <td colSpan={4}><b>{words.failed}</b></td>
                  : <><td className="num">{reading.values.systolic ?? '–'}</td><td className="num">{reading.values.diastolic ?? '–'}</td><td className="num">{reading.values.mean_arterial ?? '–'}</td><td className="num">{reading.values.pulse_rate ?? '–'}</td></>}
                <td className="small nowrap">{origin(reading)}<div className="soft">at the clinic {age(reading.stored, now)}</div></td>
                <td className="small">{remarks(reading).join(', ')}</td>
                <td className="small nowrap">{reading.seen ? <>{reading.seen.by}<div className="soft">{age(reading.seen.at, now)}</div></> : 'not yet'}</td>
              </tr>
            ))}</tbody></table>
        </div>
        {more && last && <button className="b" type="button" onClick={() => {
          attempt(get<{ readings: Reading[]; more: boolean }>(`${path}&before=${last.id}`), (page) => { setReadings((held) => joined(held, page.readings)); setOlderMore(page.more) })
        }}>Older readings</button>}
      </>}
    </section>
  )
}

/** The first rows as they are, then those of the rest that are not among them. */
function joined(first: Reading[], rest: Reading[]): Reading[] {
  const known = new Set(first.map((reading) => reading.id))
  return [...first, ...rest.filter((reading) => !known.has(reading.id))]
}

/** Whether the tab is in front: nobody looks at a reading in a tab behind another. */
function useVisible(): boolean {
  const [visible, setVisible] = useState(document.visibilityState === 'visible')
  useEffect(() => {
    const look = () => { setVisible(document.visibilityState === 'visible') }
    document.addEventListener('visibilitychange', look)
    return () => { document.removeEventListener('visibilitychange', look) }
  }, [])
  return visible
}

export function LinkPanel({ link, zone, reload }: { link: Link; zone: string; reload: () => void }) {
  const { session, now } = useShell()
  const [ending, setEnding] = useState(false)
  const [ended, setEnded] = useState<string | null>(null)
  const heading = `link-${link.up}`
  return (
    <section className="panel stack" aria-labelledby={heading}>
      <div className="row"><h2 id={heading}>{link.label === '' ? 'A phone' : link.label}</h2><span className="push"><State name={link.state} words={words.linkState[link.state]} /></span></div>
      {(link.state === 'pending' || link.state === 'waiting') && <Confirm link={link} reload={reload} />}
      <dl className="facts small">
        <div><dt>For</dt><dd>{link.role}</dd></div>
        <div><dt>Since</dt><dd>{moment(link.since, zone, session.clinic.zone)}</dd></div>
        {link.confirmed_by !== null && <div><dt>Confirmed</dt><dd>by {link.confirmed_by}, {link.confirmed_how === 'words' ? 'words compared' : 'in person'}</dd></div>}
        {link.app !== null && <div><dt>App</dt><dd>{link.app}</dd></div>}
        <div><dt>Heard</dt><dd>{link.heard_at ? age(link.heard_at, now) : 'not yet'}{link.overdue && <b className="te">, {words.overdue}</b>}</dd></div>
        {link.queue && <div><dt>Its queue</dt><dd>{link.queue.depth === 0 ? 'nothing waits' : `${String(link.queue.depth)} waiting${link.queue.oldest ? `, the oldest ${age(link.queue.oldest, now)}` : ''}`}{link.queue.stuck > 0 ? `, ${String(link.queue.stuck)} stuck` : ''}</dd></div>}
      </dl>
      {ended !== null && <p className="note" role="status">{ended}</p>}
      {link.state !== 'ended' && !ending && <button className="b" type="button" onClick={() => { setEnding(true) }}>This phone was lost…</button>}
      {ending && link.state !== 'ended' && <Form button="End this phone" cancel={() => { setEnding(false) }} submit={async (values) => {
        const answer = await post<{ under_way?: { text?: string } } | null>(`/api/links/${link.up}/end`, { reason: values['reason'] ?? '' })
        setEnded(answer?.under_way?.text ?? 'The phone is ended. What it had sent before is kept.')
        setEnding(false)
        reload()
      }}>
        <p>It can send nothing more from then on. What it had sent before stays, and is shown here. The patient joins again with a new invite.</p>
        <fieldset className="field"><legend>What happened?</legend>
          {[['lost', 'Lost or stolen'], ['replaced', 'Replaced by another phone'], ['left', 'The patient leaves the programme']].map(([reason, label], i) => (
            <label key={reason} className="choice"><input type="radio" name="reason" value={reason} defaultChecked={i === 0} /> {label}</label>
          ))}</fieldset>
      </Form>}
    </section>
  )
}

function Confirm({ link, reload }: { link: Link; reload: () => void }) {
  return (
    <div className="stack">
      <h3>Do both screens show the same six words?</h3>
      <p className="soft">Ask the patient to read them out. The phone shows them now.</p>
      <ol className="words" aria-label="Check words">{link.words.map((word, i) => <li key={word}><span>{i + 1}</span>{word}</li>)}</ol>
      <details><summary>As numbers</summary><p className="mono">{link.digits}</p></details>
      <Form button="The words are the same: confirm" submit={async (values) => { await post(`/api/links/${link.up}/confirm`, { how: values['how'] ?? 'words' }); reload() }}>
        <fieldset className="field"><legend>How did you compare?</legend>
          <label className="choice"><input type="radio" name="how" value="words" defaultChecked /> By telephone or video, word by word</label>
          <label className="choice"><input type="radio" name="how" value="in_person" /> The patient is here with me</label></fieldset>
      </Form>
      <p className="small soft">Until then the readings are kept and shown as “{words.notConfirmed}”. If the words differ, end this phone.</p>
    </div>
  )
}
