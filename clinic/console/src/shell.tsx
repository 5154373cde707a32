/** What every part of a signed-in page may ask for. */
import { type ReactNode, createContext, useCallback, useContext, useEffect, useState } from 'react'
import { type GlucoseUnit, Refused, type Session, get } from './api'
import { clock, day } from './time'
import { words } from './words'

export interface Shell {
  session: Session
  go: (path: string) => void
  /** Grows whenever something changed at the station. */
  revision: number
  /** Now, by the station's clock. */
  now: number
  say: (text: string) => void
  /** Waits for a request and goes on with its answer; says in words when it was refused. */
  attempt: <T>(request: Promise<T>, then: (answer: T) => void) => void
  signOut: () => void
  refresh: () => void
  /** The unit in which this clinic reads blood glucose, where it has chosen one. */
  glucoseUnit: GlucoseUnit | null
  /** What stands in the search field. */
  sought: string
  seek: (text: string) => void
}
export const ShellContext = createContext<Shell | null>(null)

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

/** How old what stands on the page is, by the station's clock. */
export function AsOf({ at }: { at: string }) {
  const { session, now } = useShell()
  const { zone } = session.clinic
  const today = day(new Date(now).toISOString(), zone)
  return <span className="small soft nowrap">{words.asOf(`${day(at, zone) === today ? '' : `${day(at, zone)}, `}${clock(at, zone)}`)}</span>
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
