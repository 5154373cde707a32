/** One phone (or hub) of a patient: who it is, whether it was confirmed, whether it is heard, and its end. */
import { useState } from 'react'
import { type Link, post } from '../api'
import { Form } from '../form'
import { State } from '../glyph'
import { Here } from '../here'
import { useShell } from '../shell'
import { age, moment } from '../time'
import { words } from '../words'

export function LinkPanel({ link, phone, zone, reload }: { link: Link; phone: string; zone: string; reload: () => void }) {
  const { session, now } = useShell()
  const [ending, setEnding] = useState<'lost' | 'words_differ' | null>(null)
  const [ended, setEnded] = useState<string | null>(null)
  const heading = `link-${link.up}`
  const waits = link.state === 'pending' || link.state === 'waiting'
  return (
    <section className={`panel stack${waits ? ' now' : ''}`} aria-labelledby={heading}>
      <div className="row wrap"><h2 id={heading}>{link.label === '' ? 'A phone' : link.label}</h2><span className="push"><State name={link.state} words={words.linkState[link.state]} /></span></div>
      {waits && ending === null && <Confirm link={link} phone={phone} reload={reload} differ={() => { setEnding('words_differ') }} />}
      <dl className="facts small">
        <div><dt>Used by</dt><dd>{words.role[link.role] ?? link.role}</dd></div>
        <div><dt>{link.state === 'ended' ? 'Ended' : 'Since'}</dt><dd>{moment(link.since, zone, session.clinic.zone)}{link.ended_by !== null && `, by ${link.ended_by}`}{link.end_reason !== null && link.end_reason !== '' && `: ${words.endReason[link.end_reason] ?? link.end_reason}`}</dd></div>
        {link.confirmed_by !== null && <div><dt>Confirmed</dt><dd>by {link.confirmed_by}, {link.confirmed_how === 'words' ? 'words compared' : 'in person'}</dd></div>}
        {link.app !== null && <div><dt>App</dt><dd>{link.app}</dd></div>}
        <div><dt>Heard</dt><dd>{link.heard_at ? age(link.heard_at, now) : 'not yet'}{link.overdue && <b className="te">, {words.overdue}</b>}</dd></div>
        {link.queue && link.state !== 'ended' && <div><dt>Its queue</dt><dd>{link.queue.depth === 0 ? 'nothing waited' : `${String(link.queue.depth)} waited${link.queue.oldest ? `, the oldest ${age(link.queue.oldest, now)}` : ''}`}{link.queue.stuck > 0 ? `, ${String(link.queue.stuck)} stuck` : ''}, when it was heard</dd></div>}
      </dl>
      {ended !== null && <Here className="note">{ended}</Here>}
      {link.state === 'ended' && ended === null && <p className="small soft">It can send nothing more. What it had sent before its end is kept; what came later from the post office is shown as “{words.notConfirmed}”.</p>}
      {link.state !== 'ended' && ending === null && <button className="b" type="button" onClick={() => { setEnding('lost') }}>This phone was lost…</button>}
      {ending !== null && link.state !== 'ended' && <Here><Form button="End this phone" cancel={() => { setEnding(null) }} submit={async (values) => {
        const answer = await post<{ under_way?: { text?: string } } | null>(`/api/links/${link.up}/end`, { reason: values['reason'] ?? '' })
        setEnded(answer?.under_way?.text ?? 'The phone is ended. What it had sent before is kept.')
        setEnding(null)
        reload()
      }}>
        <p>It can send nothing more from then on. What it had sent before stays, and is shown here; what is still on its way at the post office is taken in and shown as “{words.notConfirmed}”. The patient joins again with a new invite.</p>
        <fieldset className="field"><legend>What happened?</legend>
          {(waits ? ['words_differ', 'lost', 'replaced', 'left'] : ['lost', 'replaced', 'left']).map((reason) => (
            <label key={reason} className="choice"><input type="radio" name="reason" value={reason} defaultChecked={reason === ending} /> {sentence(words.endReason[reason] ?? reason)}</label>
          ))}</fieldset>
      </Form></Here>}
    </section>
  )
}

const sentence = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)

function Confirm({ link, phone, reload, differ }: { link: Link; phone: string; reload: () => void; differ: () => void }) {
  return (
    <div className="stack">
      {link.state === 'waiting' && <p className="note">This phone joined more than a week after its invite had ended. Confirm it only when you know why.</p>}
      <h3>Do both screens show the same six words?</h3>
      <p className="soft">Ask the patient to read them out. The phone shows them now.</p>
      <ol className="words" aria-label="Check words">{link.words.map((word, i) => <li key={word}><span>{i + 1}</span>{word}</li>)}</ol>
      <details><summary>As numbers</summary><p className="mono">{link.digits}</p></details>
      <Form button="The words are the same: confirm" other={{ button: 'Not the same', act: differ }} submit={async (values) => { await post(`/api/links/${link.up}/confirm`, { how: values['how'] ?? 'words' }); reload() }}>
        {link.words_only
          ? <p className="note">The invite went by letter or message, and somebody else may have read it on the way. Compare the words, whoever is in front of you. <input type="hidden" name="how" value="words" /></p>
          : <fieldset className="field"><legend>How did you compare?</legend>
            <label className="choice"><input type="radio" name="how" value="words" defaultChecked /> <span>By telephone or video, word by word{phone !== '' && <>: <bdi className="nowrap">{phone}</bdi>, the number from the record</>}</span></label>
            <label className="choice"><input type="radio" name="how" value="in_person" /> The patient is here with me</label></fieldset>}
      </Form>
      <p className="small soft">Until then the readings are kept and shown as “{words.notConfirmed}”. “Not the same” leads to ending this phone.</p>
    </div>
  )
}
