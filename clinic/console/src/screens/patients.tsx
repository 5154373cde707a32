import { useEffect, useRef, useState } from 'react'
import { type PatientFields, type PatientRow, call, post } from '../api'
import { Field, Form } from '../form'
import { State } from '../glyph'
import { useKeys } from '../keys'
import { failed, measured, origin, remarks, valueAlone } from '../reading'
import { AsOf, useLoaded, useShell } from '../shell'
import { Cell, Head, Row, Table } from '../table'
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
      <div className="row wrap"><h1>{all.length === 0 ? words.noPatients : words.patients}</h1><AsOf at={data.as_of} />
        <button className={`b push${all.length === 0 ? ' go' : ''}`} type="button" onClick={() => { setAdding(true) }}>Add a patient</button></div>
      {error !== null && <p className="err" role="alert">{error}</p>}
      {all.length === 0 && <p className="soft">{words.noPatientsLead}</p>}
      {adding && <section className="panel" aria-labelledby="add"><h2 id="add">A new patient</h2><PatientForm cancel={() => { setAdding(false) }} done={(id) => { go(`/patients/${id}`) }} /></section>}
      {all.length === 0 && !adding && <FirstSteps />}
      {all.length > 0 && <section className="panel flush" aria-label="Patients">
        <Table className="list" columns={[{ name: 'Patient' }, { name: 'Newest reading' }, { name: 'Age' }, { name: 'From' }, { name: 'Not looked at' }, { name: 'Phone' }]}>
          {rows.map((patient, i) => (
            <Row key={patient.id} chosen={i === at}>
              <Head><a id={`row-${String(i)}`} href={`/patients/${patient.id}`} tabIndex={i === at ? 0 : -1} onFocus={() => { setChosen(i) }}
                onClick={(event) => { if (!event.ctrlKey && !event.metaKey) { event.preventDefault(); go(`/patients/${patient.id}`) } }}>{patient.name}</a>
                <div className="soft small">{years(patient.born, now, patient.zone)} · {patient.record_number}</div></Head>
              <Cell of="">{patient.latest ? <><span className={`value${failed(patient.latest) ? ' te' : ''}`}>{valueAlone(patient.latest)}</span><div className="small soft">{[measured(patient.latest), ...remarks(patient.latest)].filter((text) => text !== null).join(', ')}</div></> : <span className="soft">{words.noReading}</span>}</Cell>
              <Cell of="" className={patient.latest ? 'nowrap' : 'none'}>{patient.latest ? age(patient.latest.effective ?? patient.latest.received, now) : '–'}{patient.latest?.effective === null && <div className="small soft">arrived; time unknown</div>}</Cell>
              <Cell of="" className={patient.latest ? 'small' : 'none'}>{patient.latest ? origin(patient.latest) : '–'}</Cell>
              <Cell of="" className={patient.unseen > 0 ? undefined : 'none'}>{patient.unseen > 0 ? <b className="nowrap">{words.unseen(patient.unseen)}<span className="narrow"> not looked at</span></b> : <span className="soft">none</span>}</Cell>
              <Cell of=""><State name={patient.state} words={words.state[patient.state]} />
                <div className="small soft">{heard(patient, now)}{patient.findings > 0 ? `, ${words.findings(patient.findings)}` : ''}{patient.state !== 'ended' && patient.next_by !== null && Date.parse(patient.next_by) < now && <b className="te">, {words.overdue}</b>}</div></Cell>
            </Row>
          ))}
        </Table>
        <p className="small soft" role="status">{rows.length === all.length ? words.showingAll(all.length) : `${words.showing(rows.length, all.length)}: those that match “${sought}”.`}</p>
      </section>}
    </div>
  )
}

function heard(patient: PatientRow, now: number): string {
  if (patient.heard_at) return `heard ${age(patient.heard_at, now)}`
  return patient.state === 'no_phone' || patient.state === 'ended' ? 'nothing is expected' : 'not heard yet'
}

/** What an empty list means, and what makes it fill. */
function FirstSteps() {
  return (
    <section className="panel" aria-labelledby="first"><h2 id="first">Before the first reading</h2>
      <ol className="todo">{words.firstSteps.map(([what, how], i) => <li key={what}><span className="no" aria-hidden="true">{i + 1}</span><div><b>{what}</b><div className="soft">{how}</div></div></li>)}</ol>
    </section>
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
