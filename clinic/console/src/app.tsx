/** The shell: who is signed in, which page is shown, whether the station is live. State lives here and nowhere else. */
import { type ReactNode, type RefObject, createContext, useCallback, useContext, useEffect, useRef, useState } from 'react'
import { Refused, type Session, type Status, Unreachable, get, call } from './api'
import { useChanges } from './live'
import { Bar, Rail } from './frame'
import { KeysHelp, useKeys } from './keys'
import { Accounts } from './screens/accounts'
import { Findings } from './screens/findings'
import { InvitePage } from './screens/invite'
import { Password } from './screens/password'
import { Patient } from './screens/patient'
import { Patients } from './screens/patients'
import { SignIn } from './screens/signin'
import { age } from './time'
import { words } from './words'

interface Shell {
  session: Session
  go: (path: string) => void
  /** Grows whenever something changed at the station. */
  revision: number
  now: number
  say: (text: string) => void
  /** Waits for a request and goes on with its answer; says in words when it was refused. */
  attempt: <T>(request: Promise<T>, then: (answer: T) => void) => void
  signOut: () => void
  refresh: () => void
  /** What stands in the search field. */
  sought: string
  seek: (text: string) => void
}
const ShellContext = createContext<Shell | null>(null)

export function useShell(): Shell {
  const shell = useContext(ShellContext)
  if (!shell) throw new Error('outside the shell')
  return shell
}

/** Loads a path now and at each change; keeps the last answer while there is no new one. */
export function useLoaded<T>(path: string): { data: T | null; error: string | null; reload: () => void } {
  const { revision, signOut } = useShell()
  const [held, setHeld] = useState<{ path: string; data: T } | null>(null)
  const [error, setError] = useState<string | null>(null)
  const [again, setAgain] = useState(0)
  useEffect(() => {
    let live = true
    get<T>(path).then(
      (data) => { if (live) { setHeld({ path, data }); setError(null) } },
      (reason: unknown) => {
        if (!live) return
        if (reason instanceof Refused && reason.status === 401) signOut()
        else setError(reason instanceof Error ? reason.message : words.stationGone)
      },
    )
    return () => { live = false }
  }, [path, revision, again, signOut])
  return { data: held?.path === path ? held.data : null, error, reload: useCallback(() => { setAgain((n) => n + 1) }, []) }
}

export function App() {
  const [session, setSession] = useState<Session | null | undefined>(undefined)
  const [path, setPath] = useState(location.pathname)
  const [expired, setExpired] = useState(false)
  const [gone, setGone] = useState(false)

  const load = useCallback(() => {
    get<Session>('/api/session').then(
      (found) => { setSession(found); setGone(false); setExpired(false) },
      (reason: unknown) => { if (reason instanceof Unreachable) setGone(true); else setSession(null) },
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

  if (gone && !session) return <main className="card panel stack"><h1>{words.product}</h1><p className="err" role="alert">{words.stationGone}</p><button type="button" className="b" onClick={load}>Try again</button></main>
  if (session === undefined) return <main className="card"><p>Loading…</p></main>
  if (session === null || path === '/sign-in') {
    return <SignIn expired={expired} done={() => { if (path === '/sign-in') go('/'); load() }} />
  }
  if (session.set_password) return <main id="main" className="card panel"><Password first name={session.account.name} done={load} /></main>
  return <SignedIn session={session} path={path} go={go} end={() => { setExpired(true); setSession(null) }} refresh={load} />
}

function SignedIn(props: { session: Session; path: string; go: (path: string) => void; end: () => void; refresh: () => void }) {
  const { session, path, go, end, refresh } = props
  const changes = useChanges()
  const [now, setNow] = useState(Date.now())
  const [said, setSaid] = useState('')
  const [status, setStatus] = useState<Status | null>(null)
  const [help, setHelp] = useState(false)
  const [sought, seek] = useState('')
  const [refused, setRefused] = useState<string | null>(null)
  const main = useRef<HTMLElement>(null)
  useEffect(() => {
    const timer = setInterval(() => { setNow(Date.now()) }, 15_000)
    return () => { clearInterval(timer) }
  }, [])
  useEffect(() => {
    get<Status>('/api/status').then(setStatus, (reason: unknown) => { if (reason instanceof Refused && reason.status === 401) end() })
  }, [changes.revision, now, end])
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
  const shell: Shell = { session, go, revision: changes.revision, now, say: setSaid, attempt, signOut: end, refresh, sought, seek }
  return (
    <ShellContext.Provider value={shell}>
      <a className="skip" href="#main">{words.skip}</a>
      <Bar status={status} connected={changes.connected} signOut={signOut} help={() => { setHelp(true) }} />
      {!changes.connected && <p className="band" role="status">{words.stationGone}</p>}
      {changes.connected && relay?.state === 'unreachable' && <p className="band" role="status">{relay.last_contact ? words.relayGone(age(relay.last_contact, now)) : words.relayNever}</p>}
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

/** A new page begins at its heading, for a keyboard and a screen reader; so does a page whose focused part went away. */
function useHeadingFocus(main: RefObject<HTMLElement | null>, path: string): void {
  const first = useRef(true)
  useEffect(() => {
    const within = main.current
    if (!within) return
    let last: Element | null = null
    const toHeading = () => {
      const heading = within.querySelector('h1')
      if (!heading) { within.focus(); return }
      heading.tabIndex = -1
      heading.focus()
    }
    const note = (event: FocusEvent) => { last = event.target instanceof Element ? event.target : null }
    document.addEventListener('focusin', note)
    // what loads later may put another heading in the place of the first
    const watch = new MutationObserver(() => { if (last !== null && !last.isConnected && document.activeElement === document.body) toHeading() })
    watch.observe(within, { childList: true, subtree: true })
    if (first.current) first.current = false
    else { scrollTo(0, 0); toHeading() }
    return () => { watch.disconnect(); document.removeEventListener('focusin', note) }
  }, [main, path])
}

/** Names the page without naming a person: titles stand in the browser's history. */
function title(path: string): string {
  const first = path.split('/')[1] ?? ''
  const names: Record<string, string> = { '': words.patients, patients: path.endsWith('/invite') ? 'An invite' : 'A patient', findings: words.technical, accounts: words.accounts, password: words.password }
  return names[first] ?? 'No such page'
}

function page(path: string): ReactNode {
  const pieces = path.split('/').filter((piece) => piece !== '')
  if (pieces.length === 0) return <Patients />
  if (pieces[0] === 'patients' && pieces[1] && pieces[2] === 'invite') return <InvitePage id={pieces[1]} />
  if (pieces[0] === 'patients' && pieces[1]) return <Patient key={pieces[1]} id={pieces[1]} />
  if (pieces[0] === 'findings') return <Findings />
  if (pieces[0] === 'accounts') return <Accounts />
  if (pieces[0] === 'password') return <PasswordPage />
  return <><h1>There is no such page</h1><p><Go to="/">All patients</Go></p></>
}

function PasswordPage() {
  const { session, go, say } = useShell()
  return <div className="panel card"><Password first={false} name={session.account.name} done={() => { go('/'); say('Your password is changed.') }} /></div>
}

/** A link within the console. */
export function Go(props: { to: string; children: ReactNode; className?: string; current?: boolean; id?: string }) {
  const { go } = useShell()
  return (
    <a href={props.to} id={props.id} className={props.className} aria-current={props.current ? 'page' : undefined}
      onClick={(event) => {
        if (event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return
        event.preventDefault()
        go(props.to)
      }}>{props.children}</a>
  )
}
