import { useState } from 'react'
import { type Invite, type PatientPage, post } from '../api'
import { State } from '../glyph'
import { AsOf, Go, useLoaded, useShell } from '../shell'
import { age, date, moment, years } from '../time'
import { words } from '../words'
import { FindingList } from './findings'
import { LinkPanel } from './link'
import { PatientForm } from './patients'
import { Readings } from './readings'

export function Patient({ id }: { id: string }) {
  const { session, now, go } = useShell()
  const [changing, setChanging] = useState(false)
  const page = useLoaded<PatientPage>(`/api/patients/${id}`)
  if (page.data === null) return <><h1>Patient</h1>{page.error !== null ? <p className="err" role="alert">{page.error}</p> : <p role="status">Asking the station…</p>}</>
  const { patient, links, invites, findings } = page.data
  const waits = links.some((link) => link.state === 'pending' || link.state === 'waiting')
  const phones = links.map((link) => <LinkPanel key={link.up} link={link} phone={patient.phone} zone={patient.zone} reload={page.reload} />)
  return (
    <>
      <p className="small"><Go to="/">{words.patients}</Go></p>
      <div className="row wrap top"><div className="grow"><h1>{patient.name}</h1>
        <p className="soft">{years(patient.born, now, patient.zone)}, born {date(patient.born)} · {patient.record_number} · <bdi className="nowrap">{patient.phone}</bdi> · {words.state[patient.state]} · <AsOf at={page.data.as_of} /></p>
        <p className="small soft">Times are the patient&apos;s ({patient.zone}){patient.zone === session.clinic.zone ? ', which are the clinic\'s too' : `; where the clinic's clock (${session.clinic.zone}) differs, both are shown`}.</p></div>
        <div className="acts"><button className="b" type="button" onClick={() => { setChanging(true) }}>Change details</button>
          <button className="b go" type="button" onClick={() => { go(`/patients/${id}/invite`) }}>Invite a phone</button></div></div>
      {page.error !== null && <p className="err" role="alert">{page.error}</p>}
      {changing && <section className="panel stack" aria-labelledby="details"><h2 id="details">Details</h2><PatientForm now={patient} cancel={() => { setChanging(false) }} done={() => { setChanging(false); page.reload() }} /></section>}
      <div className="cols">
        <div><Readings id={id} zone={patient.zone} /></div>
        <div className={waits ? 'before' : undefined}>
          {phones}
          {links.length === 0 && <section className="panel" aria-labelledby="phones"><h2 id="phones">{words.state.no_phone}</h2><p>Make an invite; the patient scans it once.</p></section>}
          {invites.length > 0 && <Invites invites={invites} reload={page.reload} />}
          <section className="panel stack" aria-labelledby="findings"><h2 id="findings">{words.technical}</h2><FindingList findings={findings} empty="Nothing is wrong with this patient's mail, as far as the station can see." reload={page.reload} /></section>
        </div>
      </div>
    </>
  )
}

function Invites({ invites, reload }: { invites: Invite[]; reload: () => void }) {
  const { session, now, attempt } = useShell()
  return (
    <section className="panel stack" aria-labelledby="invites"><h2 id="invites">Invites</h2>
      <ul className="stack">{invites.map((invite) => (
        <li key={invite.id} className="row wrap"><span><State name={invite.state} words={words.inviteState[invite.state]} /><span className="small soft block">made {age(invite.made_at, now)} by {invite.made_by}{invite.by_letter && ', to go by letter or message'}{invite.state === 'open' && `, ends ${moment(invite.expires, session.clinic.zone, session.clinic.zone)}`}</span></span>
          {invite.state === 'open' && <button className="b push" type="button" onClick={() => { attempt(post(`/api/invites/${invite.id}/withdraw`), reload) }}>Withdraw</button>}</li>
      ))}</ul></section>
  )
}
