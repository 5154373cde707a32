/** What stands around every page: the bar with how old the data are, and the rail. */
import type { Finding, PatientRow, Status } from './api'
import { Go, useLoaded, useShell } from './app'
import { clock } from './time'
import { words } from './words'

export function Bar(props: { status: Status | null; connected: boolean; signOut: () => void; help: () => void }) {
  const { session, go, sought, seek } = useShell()
  const { status, connected } = props
  const relay = status?.relay
  const live = connected && relay?.state === 'ok'
  return (
    <header className="bar">
      <Go to="/" className="mark"><svg width="20" height="20" viewBox="0 0 20 20" aria-hidden="true"><path d="M3 10h3l2-5 3 10 2-5h4" fill="none" stroke="currentColor" strokeWidth="2" strokeLinecap="round" strokeLinejoin="round" /></svg>{words.product}</Go>
      <span className="soft nowrap">{session.clinic.name}</span>
      <span className="mode nowrap"><b>{live ? words.live : words.delayed}</b><span>{relay?.state === 'unreachable' ? words.relaySilent : relay ? words.relayOk : ''}</span>{status && <span className="soft">{words.asOf(clock(status.as_of, session.clinic.zone))}</span>}</span>
      <form className="find push" role="search" onSubmit={(event) => { event.preventDefault(); go('/') }}>
        <label className="sr" htmlFor="find">Find a patient</label>
        <input id="find" type="search" placeholder="Find a patient" value={sought} onChange={(event) => { seek(event.target.value) }} />
        <kbd aria-hidden="true">/</kbd>
      </form>
      <button className="b" type="button" onClick={props.help}>Keys <kbd>?</kbd></button>
      <span className="nowrap">{session.account.name}</span>
      <button className="b" type="button" onClick={props.signOut}>{words.signOut}</button>
    </header>
  )
}

export function Rail({ path }: { path: string }) {
  const { session } = useShell()
  const patients = useLoaded<{ patients: PatientRow[] }>('/api/patients').data?.patients
  const findings = useLoaded<{ findings: Finding[] }>('/api/findings').data?.findings
  const open = findings?.filter((finding) => finding.state === 'open').length
  return (
    <nav className="rail" aria-label="Pages">
      <ul>
        <li><Go to="/" current={path === '/'}><span>{words.patients}</span><span>{patients?.length ?? ''}</span></Go></li>
        <li><Go to="/findings" current={path === '/findings'}><span>{words.technical}</span><span>{open ?? ''}</span></Go></li>
        {session.account.role === 'administrator' && <li><Go to="/accounts" current={path === '/accounts'}><span>{words.accounts}</span></Go></li>}
        <li><Go to="/password" current={path === '/password'}><span>{words.password}</span></Go></li>
      </ul>
    </nav>
  )
}
