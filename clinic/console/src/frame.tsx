/** What stands around every page: the bar with how old the data are, and the rail. */
import type { Finding, PatientRow, Status } from './api'
import { Glyph, Mark, type Shape } from './glyph'
import { Go, useLoaded, useShell } from './shell'
import { clock } from './time'
import { words } from './words'

export function Bar(props: { status: Status | null; connected: boolean; signOut: () => void; help: () => void }) {
  const { session, go, sought, seek } = useShell()
  const { status, connected } = props
  const relay = status?.relay
  const live = connected && relay?.state === 'ok'
  const why = !connected ? words.stationSilent : relay?.state === 'unreachable' ? words.relaySilent : relay ? words.relayOk : ''
  return (
    <header className="bar">
      <Go to="/" className="mark"><Mark />{words.product}</Go>
      <span className="soft">{session.clinic.name}</span>
      <span className="mode"><b>{live ? words.live : words.delayed}</b><span>{why}</span>{status && <span className="soft nowrap">{words.asOf(clock(status.as_of, session.clinic.zone))}</span>}</span>
      <form className="find push" role="search" onSubmit={(event) => { event.preventDefault(); go('/') }}>
        <label className="sr" htmlFor="find">Find a patient</label>
        <Glyph shape="search" size={18} />
        <input id="find" type="search" placeholder="Find a patient" value={sought} onChange={(event) => { seek(event.target.value) }} />
        <kbd aria-hidden="true">/</kbd>
      </form>
      <button className="b" type="button" onClick={props.help}>Keys <kbd aria-hidden="true">?</kbd></button>
      <span className="row"><Glyph shape="person" size={18} />{session.account.name}</span>
      <button className="b" type="button" onClick={props.signOut}>{words.signOut}</button>
    </header>
  )
}

export function Rail({ path }: { path: string }) {
  const { session } = useShell()
  const patients = useLoaded<{ patients: PatientRow[] }>('/api/patients').data?.patients
  const findings = useLoaded<{ findings: Finding[] }>('/api/findings').data?.findings
  const open = findings?.filter((finding) => finding.state === 'open').length
  const link = (to: string, shape: Shape, name: string, n?: number) => (
    <li><Go to={to} current={path === to}><Glyph shape={shape} size={18} /><span>{name}</span><span className="n">{n ?? ''}</span></Go></li>
  )
  return (
    <nav className="rail" aria-label="Pages">
      <h2>Patients</h2>
      <ul>{link('/', 'people', words.patients, patients?.length)}{link('/findings', 'nut', words.technical, open)}</ul>
      <h2>Clinic</h2>
      <ul>{session.account.role === 'administrator' && <>{link('/accounts', 'key', words.accounts)}{link('/devices', 'cuff', words.devices)}</>}{link('/settings', 'sliders', words.settings)}</ul>
    </nav>
  )
}
