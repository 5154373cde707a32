import { useEffect, useRef, useState } from 'react'
import { type NewInvite, type PatientPage, post } from '../api'
import { Go, useLoaded, useShell } from '../app'
import { moment } from '../time'

/** Makes one invite when the page is opened, and shows it once: its code is a secret until it is used. */
export function InvitePage({ id }: { id: string }) {
  const { session, go } = useShell()
  const patient = useLoaded<PatientPage>(`/api/patients/${id}`).data
  const [invite, setInvite] = useState<NewInvite | null>(null)
  const [error, setError] = useState<string | null>(null)
  const asked = useRef(false)
  useEffect(() => {
    if (asked.current) return
    asked.current = true
    post<NewInvite>(`/api/patients/${id}/invites`).then(setInvite, (reason: unknown) => { setError(reason instanceof Error ? reason.message : 'No invite could be made.') })
  }, [id])
  const now = patient?.invites.find((made) => made.id === invite?.id)
  const used = now?.state === 'used' || now?.state === 'contested'
  return (
    <>
      <p className="small"><Go to={`/patients/${id}`}>Back to the patient</Go></p>
      <h1>Invite {patient?.patient.name ?? 'a patient'}</h1>
      {error !== null && <p className="err" role="alert">{error}</p>}
      {invite && <div className="two">
        <section className="panel stack" aria-labelledby="scan"><h2 id="scan">What the patient scans</h2>
          {used
            ? <p className="note" role="status"><b>Used.</b> The code works once. <Go to={`/patients/${id}`}>Compare the words now</Go>.</p>
            : <div className="qr"><img alt="The invite as a square code. The same stands as text beside it." src={`data:image/svg+xml;utf8,${encodeURIComponent(invite.qr_svg)}`} /></div>}
          <p>Open the app, choose <b>Join a clinic</b>, and point the phone here.</p>
          <p className="small soft">Ends {moment(invite.expires, session.clinic.zone, session.clinic.zone)}. A second phone needs its own invite.</p>
          <div className="row wrap"><button className="b" type="button" onClick={() => { void post(`/api/invites/${invite.id}/withdraw`).finally(() => { go(`/patients/${id}`) }) }}>Withdraw</button></div>
        </section>
        <section className="panel stack" aria-labelledby="text"><h2 id="text">No camera?</h2>
          <p>The same as text, to copy into the app:</p>
          <p className="mono small" id="invite-text">{invite.url}</p>
          <p className="note small">{invite.by_letter_note}</p>
          <p className="small soft">The code is a secret until it is used: show it to this patient only.</p>
        </section>
      </div>}
    </>
  )
}
