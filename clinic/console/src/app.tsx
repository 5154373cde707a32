/** The shell: who is signed in, which page is shown, whether the station is live. State lives here and nowhere else. */
import { type ReactNode, useCallback, useEffect, useRef, useState } from 'react'
import { Refused, type Session, type Status, Unreachable, call, get } from './api'
import { Bar, Rail } from './frame'
import { useHeadingFocus } from './focus'
import { KeysHelp, useKeys } from './keys'
import { useChanges } from './live'
import { WARN_AFTER, idle } from './presence'
import { Accounts } from './screens/accounts'
import { Devices } from './screens/devices'
import { Findings } from './screens/findings'
import { InvitePage } from './screens/invite'
import { FirstPassword, Settings } from './screens/settings'
import { Patient } from './screens/patient'
import { Patients } from './screens/patients'
import { SignIn } from './screens/signin'
import { Go, type Shell, ShellContext } from './shell'
import { age } from './time'
import { words } from './words'

export function App() {
  const [session, setSession] = useState<Session | null | undefined>(undefined)
  const [path, setPath] = useState(location.pathname)
  const [expired, setExpired] = useState(false)
  const [gone, setGone] = useState(false)
  const [stranger, setStranger] = useState<Record<string, unknown>>({})

  const load = useCallback(() => {
    get<Session>('/api/session').then(
      (found) => { setSession(found); setGone(false); setExpired(false) },
      (reason: unknown) => {
        if (reason instanceof Unreachable) { setGone(true); return }
        if (reason instanceof Refused) setStranger(reason.body)
        setGone(false)
        setSession(null)
      },
    )
  }, [])
  useEffect(load, [load])
  const go = useCallback((to: string) => { history.pushState(null, '', to); setPath(to) }, [])
  useEffect(() => {
    const back = () => { setPath(location.pathname) }
    // a second one-time link pasted over the first changes only what stands behind the #
    const link = () => { if (location.pathname === '/sign-in' && location.hash !== '') location.reload() }
    addEventListener('popstate', back)
    addEventListener('hashchange', link)
    return () => { removeEventListener('popstate', back); removeEventListener('hashchange', link) }
  }, [])
  const end = useCallback(() => { setExpired(true); setSession(null); load() }, [load])

  if (gone && !session) {
    return (
      <main className="card panel stack"><h1>{words.product}</h1>
        <p className="err" role="alert">The station does not answer.</p><p>{words.stationCure}</p>
        <button type="button" className="b go" onClick={load}>Try again</button></main>
    )
  }
  if (session === undefined) return <main className="card"><p role="status">Asking the station…</p></main>
  if (session === null || path === '/sign-in') {
    return <SignIn expired={expired} stranger={stranger} done={() => { if (path === '/sign-in') go('/'); load() }} />
  }
  if (session.set_password) return <FirstPassword name={session.account.name} done={load} />
  return <SignedIn session={session} path={path} go={go} end={end} refresh={load} />
}

function SignedIn(props: { session: Session; path: string; go: (path: string) => void; end: () => void; refresh: () => void }) {
  const { session, path, go, end, refresh } = props
  const changes = useChanges()
  const [clock, setClock] = useState({ now: Date.now(), alone: false })
  const [skew, setSkew] = useState(Date.parse(session.now) - Date.now())
  const [said, setSaid] = useState('')
  const [status, setStatus] = useState<Status | null>(null)
  const [help, setHelp] = useState(false)
  const [sought, seek] = useState('')
  const [refused, setRefused] = useState<string | null>(null)
  const main = useRef<HTMLElement>(null)
  useEffect(() => {
    const timer = setInterval(() => { setClock({ now: Date.now(), alone: idle() > WARN_AFTER }) }, 15_000)
    return () => { clearInterval(timer) }
  }, [])
  useEffect(() => {
    get<Status>('/api/status').then(
      (found) => { setStatus(found); setSkew(Date.parse(found.as_of) - Date.now()) },
      (reason: unknown) => { if (reason instanceof Refused && reason.status === 401) end() },
    )
  }, [changes.revision, clock, end])
  useHeadingFocus(main, path)
  useEffect(() => {
    setSaid('')
    setRefused(null)
    document.title = `${title(path)} – ${words.product}`
  }, [path])
  useKeys({ '/': () => { document.getElementById('find')?.focus() }, '?': () => { setHelp(true) }, 'g t': () => { go('/') }, 'g n': () => { go('/findings') } })

  const signOut = useCallback(() => {
    call('DELETE', '/api/session').then(end, end)
  }, [end])
  const attempt = useCallback(<T,>(request: Promise<T>, then: (answer: T) => void) => {
    request.then((answer) => { setRefused(null); then(answer) }, (reason: unknown) => {
      if (reason instanceof Refused && reason.status === 401) end()
      else setRefused(reason instanceof Error ? reason.message : words.stationGone)
    })
  }, [end])
  const relay = status?.relay
  // ages go by the station's clock: the one of this computer may be wrong
  const now = clock.now + skew
  const shell: Shell = { session, go, revision: changes.revision, now, say: setSaid, attempt, signOut: end, refresh, sought, seek, glucoseUnit: status === null ? session.clinic.glucose_unit : status.glucose_unit }
  return (
    <ShellContext.Provider value={shell}>
      <a className="skip" href="#main">{words.skip}</a>
      <Bar status={status} connected={changes.connected} signOut={signOut} help={() => { setHelp(true) }} />
      {!changes.connected && <p className="band" role="status"><b>{words.stationGone}</b> {words.stationCure}</p>}
      {changes.connected && relay?.state === 'unreachable' && <p className="band" role="status">{relay.last_contact ? words.relayGone(age(relay.last_contact, now)) : words.relayNever}</p>}
      {clock.alone && idle() > WARN_AFTER && <p className="band" role="alert">{words.soonOut}</p>}
      <div className="house">
        <Rail path={path} />
        <main id="main" className="page" tabIndex={-1} ref={main}>
          {refused !== null && <p className="err" role="alert">{refused}</p>}
          {page(path)}
        </main>
      </div>
      <p className="sr" role="status" aria-live="polite">{said}</p>
      {help && <KeysHelp close={() => { setHelp(false) }} />}
    </ShellContext.Provider>
  )
}

/** Names the page without naming a person: titles stand in the browser's history. */
function title(path: string): string {
  const first = path.split('/')[1] ?? ''
  const names: Record<string, string> = { '': words.patients, patients: path.endsWith('/invite') ? 'An invite' : 'A patient', findings: words.technical, accounts: words.accounts, devices: words.devices, settings: words.settings }
  return names[first] ?? 'No such page'
}

function page(path: string): ReactNode {
  const pieces = path.split('/').filter((piece) => piece !== '')
  if (pieces.length === 0) return <Patients />
  if (pieces[0] === 'patients' && pieces[1] && pieces[2] === 'invite') return <InvitePage key={pieces[1]} id={pieces[1]} />
  if (pieces[0] === 'patients' && pieces[1]) return <Patient key={pieces[1]} id={pieces[1]} />
  if (pieces[0] === 'findings') return <Findings />
  if (pieces[0] === 'accounts') return <Accounts />
  if (pieces[0] === 'devices') return <Devices />
  if (pieces[0] === 'settings') return <Settings />
  return <><h1>There is no such page</h1><p><Go to="/">All patients</Go></p></>
}
