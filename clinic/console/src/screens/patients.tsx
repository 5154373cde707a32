import { useEffect, useRef, useState } from 'react'
import { type PatientFields, type PatientRow, call, post } from '../api'
import { useLoaded, useShell } from '../app'
import { Field, Form } from '../form'
import { useKeys } from '../keys'
import { State } from '../glyph'
import { origin, remarks, value } from '../reading'
import { age, years } from '../time'
import { words } from '../words'

export function Patients() {
  const { now, go, sought, say } = useShell()
  const { data, error } = useLoaded<{ as_of: string; patients: PatientRow[] }>('/api/patients')
  const [adding, setAdding] = useState(false)
  const [chosen, setChosen] = useState(0)
  const unseen = data?.patients.reduce((sum, patient) => sum + patient.unseen, 0)
  const before = useRef<number | null>(null)
  useEffect(() => {
    if (unseen === undefined) return
    if (before.current !== null && unseen > before.current) say(words.arrived(unseen - before.current))
    before.current = unseen
  }, [unseen, say])
  const all = data?.patients ?? []
  const rows = all.filter((patient) => `${patient.name} ${patient.record_number}`.toLowerCase().includes(sought.trim().toLowerCase()))
  const at = Math.min(chosen, Math.max(0, rows.length - 1))
  const move = (to: number) => {
    const next = Math.min(rows.length - 1, Math.max(0, to))
    setChosen(next)
    document.getElementById(`row-${String(next)}`)?.focus()
  }
  useKeys({ j: () => { move(at + 1) }, k: () => { move(at - 1) } })

  if (data === null) return <><h1>{words.patients}</h1>{error !== null ? <p className="err" role="alert">{error}</p> : <p role="status">Asking the station…</p>}</>
  return (
    <div className="stack">
      <div className="row wrap"><h1>{all.length === 0 ? words.noPatients : words.patients}</h1>
        <button className={`b push${all.length === 0 ? ' go' : ''}`} type="button" onClick={() => { setAdding(true) }}>Add a patient</button></div>
      {error !== null && <p className="err" role="alert">{error}</p>}
      {all.length === 0 && <p className="soft">{words.noPatientsLead}</p>}
      {adding && <section className="panel" aria-labelledby="add"><h2 id="add">A new patient</h2><PatientForm cancel={() => { setAdding(false) }} done={(id) => { go(`/patients/${id}`) }} /></section>}
      {all.length > 0 && <section className="panel" aria-label="Patients">
        <table className="data list">
          <thead><tr><th scope="col">Patient</th><th scope="col">Newest reading</th><th scope="col">Age</th><th scope="col">From</th><th scope="col">Not looked at</th><th scope="col">Phone</th></tr></thead>
          <tbody>{rows.map((patient, i) => (
            <tr key={patient.id} aria-selected={i === at}>
              <th scope="row"><a id={`row-${String(i)}`} href={`/patients/${patient.id}`} tabIndex={i === at ? 0 : -1} onFocus={() => { setChosen(i) }}
                onClick={(event) => { if (!event.ctrlKey && !event.metaKey) { event.preventDefault(); go(`/patients/${patient.id}`) } }}>{patient.name}</a>
                <div className="soft small">{years(patient.born, now)} · {patient.record_number}</div></th>
              <td>{patient.latest ? <><span className="value">{value(patient.latest)}</span> <span className="small soft">{remarks(patient.latest).join(', ')}</span></> : <span className="soft">{words.noReading}</span>}</td>
              <td className={patient.latest ? 'nowrap' : 'none'}>{patient.latest ? age(patient.latest.effective ?? patient.latest.received, now) : '–'}</td>
              <td className={patient.latest ? 'small' : 'none'}>{patient.latest ? origin(patient.latest) : '–'}</td>
              <td className={patient.unseen > 0 ? undefined : 'none'}>{patient.unseen > 0 ? <b>{words.unseen(patient.unseen)}<span className="narrow"> not looked at</span></b> : <span className="soft">none</span>}</td>
              <td><State name={patient.state} words={words.state[patient.state]} />
                <div className="small soft">{patient.heard_at ? `heard ${age(patient.heard_at, now)}` : 'not heard yet'}{patient.findings > 0 ? `, ${words.findings(patient.findings)}` : ''}{patient.state !== 'ended' && patient.next_by !== null && Date.parse(patient.next_by) < now && <b className="te">, {words.overdue}</b>}</div></td>
            </tr>
          ))}</tbody>
        </table>
        <p className="small soft" role="status">{rows.length === all.length ? words.showingAll(all.length) : `Showing ${String(rows.length)} of ${String(all.length)}: those that match “${sought}”.`}</p>
      </section>}
    </div>
  )
}

/** The patient's own facts: for a new patient, or to be put right. */
export function PatientForm({ now, cancel, done }: { now?: PatientFields & { id: string }; cancel: () => void; done: (id: string) => void }) {
  const { session } = useShell()
  return (
    <Form button={now ? 'Keep these' : 'Add this patient'} cancel={cancel} submit={async (values) => {
      const fields = { name: values['name'], born: values['born'], record_number: values['record_number'], phone: values['phone'], zone: values['zone'] }
      if (now) await call('PATCH', `/api/patients/${now.id}`, fields)
      done(now ? now.id : (await post<{ id: string }>('/api/patients', fields)).id)
    }}>
      <div className="two">
        <Field name="name" label="Name" value={now?.name} />
        <Field name="born" label="Born" type="date" value={now?.born} />
        <Field name="record_number" label="Record number" value={now?.record_number} />
        <Field name="phone" label="Telephone" hint="For comparing the words: a number from your own record." type="tel" value={now?.phone} />
        <Field name="zone" label="Time zone" hint="Where the patient lives, such as Europe/London." value={now?.zone ?? session.clinic.zone} />
      </div>
    </Form>
  )
}
