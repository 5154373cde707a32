import { useState } from 'react'
import { type Account, post } from '../api'
import { useLoaded, useShell } from '../app'
import { Field, Form } from '../form'
import { age } from '../time'
import { words } from '../words'

const STATE = { active: 'Active', invited: 'Has not signed in yet', ended: 'Ended' }

export function Accounts() {
  const { now, session, attempt } = useShell()
  const { data, error, reload } = useLoaded<{ accounts: Account[] }>('/api/accounts')
  const [link, setLink] = useState<{ name: string; link: string } | null>(null)
  return (
    <div className="stack">
      <h1>{words.accounts}</h1>
      {error !== null && <p className="err" role="alert">{error}</p>}
      {link && <div className="note stack" role="status"><p><b>A link for {link.name}.</b> It signs in once. Give it to nobody else; it is not shown again.</p><p className="mono whole" id="one-time-link">{link.link.startsWith('/') ? location.origin + link.link : link.link}</p></div>}
      {data && <section className="panel" aria-label={words.accounts}><div className="scroll" tabIndex={0} role="region" aria-label="Table of accounts"><table className="data">
        <thead><tr><th scope="col">Name</th><th scope="col">May</th><th scope="col">State</th><th scope="col">Last signed in</th><th scope="col">Change</th></tr></thead>
        <tbody>{data.accounts.map((account) => (
          <tr key={account.id}><th scope="row">{account.name}</th><td>{account.role === 'administrator' ? 'everything' : 'see patients'}</td><td>{STATE[account.state]}</td><td>{account.last_sign_in ? age(account.last_sign_in, now) : 'never'}</td>
            <td><div className="acts">{account.state !== 'ended' && <button className="b" type="button" onClick={() => { attempt(post<{ link: string }>(`/api/accounts/${account.id}/reset`), (made) => { setLink({ name: account.name, link: made.link }); reload() }) }}>New link for {account.name}</button>}
              {account.state !== 'ended' && account.id !== session.account.id && <button className="b" type="button" onClick={() => { attempt(post(`/api/accounts/${account.id}/end`), reload) }}>End {account.name}</button>}</div></td></tr>
        ))}</tbody></table></div></section>}
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
