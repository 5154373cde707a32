import { useState } from 'react'
import { GLUCOSE_UNITS, post } from '../api'
import { Field, Form } from '../form'
import { Mark } from '../glyph'
import { Here } from '../here'
import { type Look, look, setLook, setSingleKeys, singleKeys } from '../settings'
import { useShell } from '../shell'
import { words } from '../words'

const LOOKS: [Look, string][] = [['system', 'As this computer has it'], ['light', 'Light'], ['dark', 'Dark']]

export function Settings() {
  const { session, say } = useShell()
  const [kept, setKept] = useState(0)
  return (
    <div className="stack">
      <h1>{words.settings}</h1>
      <div className="two">
        <section className="panel stack" aria-labelledby="password"><h2 id="password">Change your password</h2>
          {kept > 0 && <p className="note" role="status">Your password is changed. Your other sessions have ended.</p>}
          <PasswordForm key={kept} name={session.account.name} old done={() => { setKept((n) => n + 1); say('Your password is changed.') }} /></section>
        <section className="panel stack" aria-labelledby="screen"><h2 id="screen">This browser</h2>
          <fieldset className="field"><legend>Colours</legend>{LOOKS.map(([name, what]) => (
            <label key={name} className="choice"><input type="radio" name="look" defaultChecked={look() === name} onChange={() => { setLook(name) }} /> {what}</label>
          ))}</fieldset>
          <fieldset className="field"><legend>Keyboard</legend>
            <label className="choice"><input type="checkbox" defaultChecked={singleKeys()} onChange={(event) => { setSingleKeys(event.target.checked ? 'on' : 'off') }} /> Single keys act (press Keys above to see which)</label></fieldset>
        </section>
        {session.account.role === 'administrator' && <Clinic />}
      </div>
    </div>
  )
}

/** What is chosen for everybody at this clinic. */
function Clinic() {
  const { glucoseUnit } = useShell()
  const [kept, setKept] = useState(0)
  return (
    <section className="panel stack" aria-labelledby="clinic"><h2 id="clinic">This clinic</h2>
      {kept > 0 && <Here key={kept} className="note">{words.glucoseChosen}</Here>}
      <Form key={glucoseUnit} button="Keep this unit" submit={async (values) => {
        const unit = GLUCOSE_UNITS.find((name) => name === values['unit']) ?? null
        await post('/api/shown', { glucose_unit: unit })
        setKept((n) => n + 1)
      }}>
        <fieldset className="field" aria-describedby="unit-hint"><legend>{words.glucoseUnit}</legend>
          <span className="hint" id="unit-hint">{words.glucoseHint}</span>
          {([...GLUCOSE_UNITS, 'as_sent'] as const).map((name) => (
            <label key={name} className="choice"><input type="radio" name="unit" value={name} defaultChecked={(glucoseUnit ?? 'as_sent') === name} /> {words.glucoseUnits[name]}</label>
          ))}</fieldset>
      </Form>
    </section>
  )
}

/** After a one-time link: nothing else is shown before there is a password. */
export function FirstPassword({ name, done }: { name: string; done: () => void }) {
  return (
    <main id="main" className="card panel stack"><p className="mark"><Mark />{words.product}</p><h1>{`Welcome, ${name}. Choose a password`}</h1><PasswordForm name={name} done={done} /></main>
  )
}

function PasswordForm({ name, old, done }: { name: string; old?: boolean; done: () => void }) {
  return (
    <>
      <p className="soft">At least 12 characters. Three or four words that do not belong together are good, and easy to keep in mind.</p>
      <Form button="Keep this password" submit={async (values) => {
        if (values['new'] !== values['again']) throw new Error('The two passwords differ. Type the same twice.')
        await post('/api/password', old ? { old: values['old'], new: values['new'] } : { new: values['new'] })
        done()
      }}>
        <input type="text" name="username" value={name} autoComplete="username" readOnly hidden />
        {old && <Field name="old" label="Password until now" type="password" autoComplete="current-password" />}
        <Field name="new" label="New password" type="password" autoComplete="new-password" />
        <Field name="again" label="The same once more" type="password" autoComplete="new-password" />
      </Form>
    </>
  )
}
