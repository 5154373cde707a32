import { type Finding, post } from '../api'
import { Go, useLoaded, useShell } from '../app'
import { Glyph } from '../glyph'
import { age } from '../time'
import { words } from '../words'

export function Findings() {
  const { data, error, reload } = useLoaded<{ findings: Finding[] }>('/api/findings')
  return (
    <div className="stack">
      <h1>{words.technical}</h1>
      <p className="soft">What is wrong with the mail, in words, and what to do about it.</p>
      {error !== null && <p className="err" role="alert">{error}</p>}
      {data && <section className="panel" aria-label={words.technical}><FindingList findings={data.findings} empty="Nothing is wrong with the mail, as far as the station can see." reload={reload} /></section>}
    </div>
  )
}

export function FindingList({ findings, empty, reload }: { findings: Finding[]; empty: string; reload: () => void }) {
  const { now, attempt } = useShell()
  const open = findings.filter((finding) => finding.state === 'open')
  if (open.length === 0) return <p className="soft">{empty}</p>
  return (
    <ul className="stack">{open.map((finding) => (
      <li key={finding.id} className="note stack">
        <p className="row wrap"><span className="state te"><Glyph shape="nut" />Technical</span><span className="small soft">{age(finding.at, now)}{finding.patient && <>, <Go to={`/patients/${finding.patient.id}`}>{finding.patient.name}</Go></>}</span></p>
        <p><b>{finding.text}</b></p>
        <p>{finding.next_step}</p>
        <button className="b" type="button" onClick={() => { attempt(post(`/api/findings/${finding.id}/close`), reload) }}>Done with this</button>
      </li>
    ))}</ul>
  )
}
