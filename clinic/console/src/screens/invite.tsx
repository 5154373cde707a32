import { useEffect, useState } from 'react'
import { type NewInvite, type PatientPage, post } from '../api'
import { Glyph } from '../glyph'
import { AsOf, Go, useLoaded, useShell } from '../shell'
import { moment } from '../time'
import { LinkPanel } from './link'

type Way = 'hand' | 'letter'

/** One invite, from the choice of its way to the confirmed phone. It is shown once: its code is a secret until it is used. */
export function InvitePage({ id }: { id: string }) {
  const { session, attempt, go } = useShell()
  const { data: patient, error, reload } = useLoaded<PatientPage>(`/api/patients/${id}`)
  const [before, setBefore] = useState<string[] | null>(null)
  const [invite, setInvite] = useState<NewInvite | null>(null)
  const now = patient?.invites.find((made) => made.id === invite?.id)
  // phones that were there before this invite do not belong to its steps
  useEffect(() => { if (patient !== null) setBefore((held) => held ?? patient.links.map((link) => link.up)) }, [patient])
  const joined = invite === null ? [] : patient?.links.filter((link) => before !== null && !before.includes(link.up)) ?? []
  const step = joined.some((link) => link.state === 'confirmed') ? 3 : joined.length > 0 ? 2 : invite ? 1 : 0
  const used = step >= 2 || (now !== undefined && now.state !== 'open')
  const make = (way: Way) => { attempt(post<NewInvite>(`/api/patients/${id}/invites`, { way }), setInvite) }
  return (
    <>
      <p className="small"><Go to={`/patients/${id}`}>Back to the patient</Go></p>
      <div className="row wrap"><h1>Invite {patient?.patient.name ?? 'a patient'}</h1>{patient && <AsOf at={patient.as_of} />}</div>
      {error !== null && <p className="err" role="alert">{error}</p>}
      <ol className="steps" aria-label="Steps">{['Shown', 'Pending: compare the words', 'Confirmed'].map((name, i) => (
        <li key={name} aria-current={i + 1 === step ? 'step' : undefined}><Glyph shape={i + 1 < step || step === 3 ? 'done' : i + 1 === step ? 'half' : 'ring'} />{i + 1} {name}</li>
      ))}</ol>
      {invite === null && <Ways make={make} />}
      {invite && <div className="two">
        <section className="panel stack" aria-labelledby="scan"><h2 id="scan">What the patient scans</h2>
          {used
            ? <p className="note" role="status">{step === 3 ? <><b>Used and confirmed.</b> The code works once. <Go to={`/patients/${id}`}>To the readings</Go></> : step === 2 || now?.state === 'used' ? <><b>Used.</b> The code works once. Compare the words now.</> : now?.state === 'contested' ? <><b>Two phones tried this code.</b> Compare the words with care, or make another invite.</> : <><b>This invite counts no more.</b> Make another one.</>}</p>
            : <div className="scan"><div className="qr"><img alt="The invite as a square code. The same stands as text beside it." src={`data:image/svg+xml;utf8,${encodeURIComponent(invite.qr_svg)}`} /></div>
              <div className="stack"><p>Open the app, choose <b>Join a clinic</b>, and point the phone here.</p>
                <p className="small soft">Ends {moment(invite.expires, session.clinic.zone, session.clinic.zone)}, the clinic&apos;s time. A second phone needs its own invite.</p>
                <button className="b" type="button" onClick={() => { attempt(post(`/api/invites/${invite.id}/withdraw`), () => { go(`/patients/${id}`) }) }}>Withdraw</button></div></div>}
        </section>
        {joined.map((link) => <LinkPanel key={link.up} link={link} phone={patient?.patient.phone ?? ''} zone={patient?.patient.zone ?? session.clinic.zone} reload={reload} />)}
        {!used && <section className="panel stack" aria-labelledby="text"><h2 id="text">No camera?</h2>
          <p>The same as text, to copy into the app:</p>
          <p className="mono small whole" id="invite-text">{invite.url}</p>
          <p className="note small">{invite.note}</p>
          <p className="small soft">The code is a secret until it is used: show it to this patient only.</p>
        </section>}
      </div>}
    </>
  )
}

function Ways({ make }: { make: (way: Way) => void }) {
  return (
    <section className="panel stack" aria-labelledby="way"><h2 id="way">How does the invite reach the patient?</h2>
      <div className="two">
        <div className="stack"><button className="b go" type="button" onClick={() => { make('hand') }}>The patient is here: show it</button>
          <p className="soft">As a square code to scan, and as text. Confirmed afterwards by the six words or in person.</p></div>
        <div className="stack"><button className="b" type="button" onClick={() => { make('letter') }}>It goes by letter or message</button>
          <p className="soft">As text and code to send. Somebody may read it on the way, so it can be confirmed by the six words only.</p></div>
      </div>
    </section>
  )
}
