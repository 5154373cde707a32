import { useState } from 'react'
import { type Account, post } from '../api'
import { Field, Form } from '../form'
import { Here } from '../here'
import { AsOf, Go, useLoaded, useShell } from '../shell'
import { Cell, Head, Row, Table } from '../table'
import { age } from '../time'
import { words } from '../words'

const STATE = { active: 'Active', invited: 'Has not set a password yet', ended: 'Ended' }
/** What is asked once more before it is done. */
interface Sure { account: Account; what: 'reset' | 'end' }

export function Accounts() {
  const { now, session, attempt } = useShell()
  const { data, error, reload } = useLoaded<{ as_of: string; accounts: Account[] }>('/api/accounts')
  const [link, setLink] = useState<{ name: string; link: string } | null>(null)
  const [sure, setSure] = useState<Sure | null>(null)
  return (
    <div className="stack">
      <div className="row wrap"><h1>{words.accounts}</h1>{data && <AsOf at={data.as_of} />}</div>
      {error !== null && <p className="err" role="alert">{error}</p>}
      {link && <Here key={link.link} className="note stack"><p><b>A link for {link.name}.</b> It signs in once, within three days, and asks for a new password. Give it to nobody else; it is not shown again.</p><p className="mono whole" id="one-time-link">{link.link.startsWith('/') ? location.origin + link.link : link.link}</p></Here>}
      {sure && <Ask sure={sure} keep={() => { setSure(null) }} done={(made) => { setSure(null); setLink(made); reload() }} />}
      {data && <section className="panel flush" aria-label={words.accounts}><Table className="cards" caption={words.showingAll(data.accounts.length)} columns={[{ name: 'Name' }, { name: 'May' }, { name: 'State' }, { name: 'Last signed in' }, { name: 'Change' }]}>
        {data.accounts.map((account) => (
          <Row key={account.id}><Head>{account.name}</Head><Cell of="May">{account.role === 'administrator' ? 'everything' : 'see patients'}</Cell><Cell of="State">{STATE[account.state]}</Cell><Cell of="Last signed in">{account.last_sign_in ? age(account.last_sign_in, now) : 'never'}</Cell>
            <Cell of="">{account.id === session.account.id ? <span className="soft">You: <Go to="/settings">your settings</Go></span> : account.state !== 'ended' && <span className="acts">
              <button className="b" type="button" onClick={() => {
                // whoever never set a password has none to lose
                if (account.state === 'active') setSure({ account, what: 'reset' })
                else attempt(post<{ link: string }>(`/api/accounts/${account.id}/reset`), (made) => { setLink({ name: account.name, link: made.link }); reload() })
              }}>{account.state === 'active' ? 'Password forgotten…' : 'New link'}<span className="sr"> for {account.name}</span></button>
              <button className="b" type="button" onClick={() => { setSure({ account, what: 'end' }) }}>End…<span className="sr"> {account.name}</span></button></span>}</Cell></Row>
        ))}</Table></section>}
      <section className="panel stack" aria-labelledby="new"><h2 id="new">A new account</h2>
        <Form button="Make the account" submit={async (values) => {
          const made = await post<{ id: string; link: string }>('/api/accounts', { name: values['name'], role: values['role'] })
          setLink({ name: values['name'] ?? '', link: made.link })
          reload()
        }}>
          <Field name="name" label="Name" />
          <fieldset className="field"><legend>May</legend>
            <label className="choice"><input type="radio" name="role" value="clinician" defaultChecked /> see patients, invite, confirm</label>
            <label className="choice"><input type="radio" name="role" value="administrator" /> that, and make accounts</label></fieldset>
        </Form></section>
    </div>
  )
}

function Ask({ sure, keep, done }: { sure: Sure; keep: () => void; done: (link: { name: string; link: string } | null) => void }) {
  const { name, id } = sure.account
  return (
    <section className="panel now" aria-labelledby="sure"><Here className="stack"><h2 id="sure">{sure.what === 'end' ? `End ${name}?` : `A new link for ${name}?`}</h2>
      <p>{sure.what === 'end' ? 'They are signed out at once and cannot sign in again. What they did stays in the record.' : 'Their password is forgotten and they are signed out everywhere. The link signs in once and asks for a new password.'}</p>
      <Form button={sure.what === 'end' ? `End ${name}` : 'Forget the password, make a link'} cancel={keep} submit={async () => {
        if (sure.what === 'end') { await post(`/api/accounts/${id}/end`); done(null); return }
        done({ name, link: (await post<{ link: string }>(`/api/accounts/${id}/reset`)).link })
      }}><></></Form>
    </Here></section>
  )
}
