import { useEffect, useRef, useState } from 'react'
import { Refused, post } from '../api'
import { Field, Form } from '../form'
import { Mark } from '../glyph'
import { words } from '../words'

/** Sign in with a name and a password, or by a link that works once. */
export function SignIn({ expired, stranger, done }: { expired: boolean; stranger: Record<string, unknown>; done: () => void }) {
  const token = location.pathname === '/sign-in' ? location.hash.slice(1) : ''
  const [link, setLink] = useState<'none' | 'trying' | 'used'>(token === '' ? 'none' : 'trying')
  const tried = useRef(false)
  useEffect(() => {
    if (token === '' || tried.current) return
    tried.current = true
    // the token leaves the address bar before anything else happens
    history.replaceState(null, '', '/sign-in')
    post('/api/session/link', { token }).then(done, () => { setLink('used') })
  }, [token, done])
  const clinic = typeof stranger['clinic'] === 'string' ? stranger['clinic'] : null
  if (link === 'trying') return <main className="card panel"><p role="status">Signing in…</p></main>
  return (
    <main id="main" className="card panel stack">
      <p className="mark"><Mark />{words.product}</p>
      <h1>{clinic === null ? 'Sign in' : `Sign in to ${clinic}`}</h1>
      {stranger['first_start'] === true && link === 'none' && <p className="note">Nobody has signed in here yet. The station printed a link when it started: open that one. It works once.</p>}
      {link === 'used' && <p className="err" role="alert">This link was used or is too old. Sign in with your name and password, or ask an administrator for a new link.</p>}
      {expired && <p className="note" role="status">You were signed out. Sign in again to go on.</p>}
      <Form button="Sign in" submit={async (values) => {
        setLink('none')
        try {
          await post('/api/session', { name: values['name'], password: values['password'] })
        } catch (reason) {
          if (reason instanceof Refused && reason.status === 429) throw new Error(`Too many tries. Wait ${String(reason.body['retry_after'] ?? 60)} seconds, then try again.`, { cause: reason })
          if (reason instanceof Refused && reason.status === 401) throw new Error('Name and password do not belong together.', { cause: reason })
          throw reason
        }
        if (location.pathname === '/sign-in') history.replaceState(null, '', '/')
        done()
      }}>
        <Field name="name" label="User name" autoComplete="username" />
        <Field name="password" label="Password" type="password" autoComplete="current-password" />
      </Form>
      <details className="small"><summary>I cannot get in</summary><p>Ask an administrator for a new link. If nobody can sign in: on the station itself, <span className="mono">teleward clinic account reset NAME</span> prints one.</p></details>
      <p className="small soft">No names or numbers of patients are shown on this page.</p>
    </main>
  )
}
