import { useEffect, useRef, useState } from 'react'
import { type NewInvite, type PatientPage, post } from '../api'
import { Go, useLoaded, useShell } from '../app'
import { Glyph } from '../glyph'
import { moment } from '../time'
import { LinkPanel } from './patient'

/** Makes one invite when the page is opened, and shows it once: its code is a secret until it is used. */
export function InvitePage({ id }: { id: string }) {
  const { session, go, attempt } = useShell()
  const { data: patient, reload } = useLoaded<PatientPage>(`/api/patients/${id}`)
  const [before, setBefore] = useState<string[] | null>(null)
  const [invite, setInvite] = useState<NewInvite | null>(null)
  const [error, setError] = useState<string | null>(null)
  const asked = useRef(false)
  useEffect(() => {
    if (asked.current) return
    asked.current = true
    post<NewInvite>(`/api/patients/${id}/invites`).then(setInvite, (reason: unknown) => { setError(reason instanceof Error ? reason.message : 'No invite could be made.') })
  }, [id])
  const now = patient?.invites.find((made) => made.id === invite?.id)
  // phones that were there before this invite do not belong to its steps
  useEffect(() => { if (patient !== null) setBefore((held) => held ?? patient.links.map((link) => link.up)) }, [patient])
  const joined = patient?.links.filter((link) => before !== null && !before.includes(link.up)) ?? []
  const step = joined.some((link) => link.state === 'confirmed') ? 3 : joined.length > 0 ? 2 : invite ? 1 : 0
  const used = step >= 2 || now?.state === 'used' || now?.state === 'contested'
  return (
    <>
      <p className="small"><Go to={`/patients/${id}`}>Back to the patient</Go></p>
      <h1>Invite {patient?.patient.name ?? 'a patient'}</h1>
      <ol className="steps" aria-label="Steps">{['Shown', 'Pending: compare the words', 'Confirmed'].map((name, i) => (
        <li key={name} aria-current={i + 1 === step ? 'step' : undefined}><Glyph shape={i + 1 < step || step === 3 ? 'done' : i + 1 === step ? 'half' : 'ring'} />{i + 1} {name}</li>
      ))}</ol>
      {error !== null && <p className="err" role="alert">{error}</p>}
      {invite && <div className="two">
        <section className="panel stack" aria-labelledby="scan"><h2 id="scan">What the patient scans</h2>
          {used
            ? <p className="note" role="status"><b>Used.</b> The code works once. {step === 3 ? <Go to={`/patients/${id}`}>To the readings</Go> : 'Compare the words now.'}</p>
            : <div className="qr"><img alt="The invite as a square code. The same stands as text beside it." src={`data:image/svg+xml;utf8,${encodeURIComponent(invite.qr_svg)}`} /></div>}
          <p>Open the app, choose <b>Join a clinic</b>, and point the phone here.</p>
          <p className="small soft">Ends {moment(invite.expires, session.clinic.zone, session.clinic.zone)}. A second phone needs its own invite.</p>
          {!used && <button className="b" type="button" onClick={() => { attempt(post(`/api/invites/${invite.id}/withdraw`), () => { go(`/patients/${id}`) }) }}>Withdraw</button>}
        </section>
        {joined.map((link) => <LinkPanel key={link.up} link={link} zone={patient?.patient.zone ?? session.clinic.zone} reload={reload} />)}
        {!used && <section className="panel stack" aria-labelledby="text"><h2 id="text">No camera?</h2>
          <p>The same as text, to copy into the app:</p>
          <p className="mono small whole" id="invite-text">{invite.url}</p>
          <p className="note small">{invite.by_letter_note}</p>
          <p className="small soft">The code is a secret until it is used: show it to this patient only.</p>
        </section>}
      </div>}
    </>
  )
}
