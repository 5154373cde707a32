import { type Finding, post } from '../api'
import { Glyph } from '../glyph'
import { AsOf, Go, useLoaded, useShell } from '../shell'
import { age } from '../time'
import { words } from '../words'

export function Findings() {
  const { data, error, reload } = useLoaded<{ as_of: string; findings: Finding[] }>('/api/findings')
  return (
    <div className="stack">
      <div className="row wrap"><h1>{words.technical}</h1>{data && <AsOf at={data.as_of} />}</div>
      <p className="soft">What is wrong with the mail, in words, and what to do about it.</p>
      {error !== null && <p className="err" role="alert">{error}</p>}
      {data === null && error === null && <p role="status">Asking the station…</p>}
      {data && <section className="panel" aria-label={words.technical}><FindingList findings={data.findings} named empty="Nothing is wrong with the mail, as far as the station can see." reload={reload} /></section>}
    </div>
  )
}

export function FindingList({ findings, named, empty, reload }: { findings: Finding[]; named?: boolean; empty: string; reload: () => void }) {
  const { now, attempt } = useShell()
  const open = findings.filter((finding) => finding.state === 'open')
  const closed = findings.filter((finding) => finding.state === 'closed')
  return (
    <div className="stack">
      {open.length === 0 && <p className="soft">{empty}</p>}
      {open.length > 0 && <ul className="stack">{open.map((finding) => (
        <li key={finding.id} className="found stack">
          <p className="row wrap"><span className="state te"><Glyph shape="nut" />Technical</span><span className="small soft">{age(finding.at, now)}{named && finding.patient && <>, <Go to={`/patients/${finding.patient.id}`}>{finding.patient.name}</Go></>}</span></p>
          <p><b>{finding.text}</b></p>
          <p>{finding.next_step}</p>
          <button className="b" type="button" onClick={() => { attempt(post(`/api/findings/${finding.id}/close`), reload) }}>Done with this</button>
        </li>
      ))}</ul>}
      {closed.length > 0 && <details><summary>Closed: {closed.length}</summary>
        <ul className="stack">{closed.map((finding) => (
          <li key={finding.id} className="small"><span className="soft">{finding.closed_at && age(finding.closed_at, now)}, {finding.closed_by === 'station' ? 'mended by itself' : `done, ${finding.closed_by ?? ''}`}{named && finding.patient && <>, <Go to={`/patients/${finding.patient.id}`}>{finding.patient.name}</Go></>}: </span>{finding.text}</li>
        ))}</ul></details>}
    </div>
  )
}
