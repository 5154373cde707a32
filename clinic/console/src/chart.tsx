/** Blood pressure over time: honest points, no smoothing, a gap where nothing was measured. The table below has the same numbers. */
import type { Reading } from './api'
import { day } from './time'

const [WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [640, 240, 44, 92, 14, 28]
const [LOW, HIGH] = [40, 220] // mmHg, fixed, so that two patients' charts compare
const DAY = 86_400_000

export function Chart({ readings, zone }: { readings: Reading[]; zone: string }) {
  const shown = readings
    .filter((r) => r.effective !== null && r.possibly_same_as === null && r.unit === 'mm[Hg]' && r.values.systolic !== null && r.values.diastolic !== null)
    .map((r) => ({ at: Date.parse(r.effective ?? ''), high: Number(r.values.systolic), low: Number(r.values.diastolic), reading: r }))
    .sort((a, b) => a.at - b.at)
  const first = shown[0]
  const last = shown[shown.length - 1]
  if (!first || !last) return <p className="soft">No measured value to draw yet.</p>
  const [from, to] = [first.at - DAY / 2, Math.max(last.at, first.at + DAY) + DAY / 2]
  const x = (at: number) => LEFT + ((at - from) / (to - from)) * (WIDTH - LEFT - RIGHT)
  const y = (mmhg: number) => TOP + ((HIGH - Math.min(HIGH, Math.max(LOW, mmhg))) / (HIGH - LOW)) * (HEIGHT - TOP - BOTTOM)
  const label = `Blood pressure, ${String(shown.length)} readings from ${day(new Date(first.at).toISOString(), zone)} to ${day(new Date(last.at).toISOString(), zone)}; newest ${last.reading.values.systolic ?? ''} over ${last.reading.values.diastolic ?? ''} millimetres of mercury`
  return (
    <div className="scroll" tabIndex={0} role="region" aria-label="Chart, scroll sideways on a narrow screen">
      <svg className="chart" width={WIDTH} height={HEIGHT} viewBox={`0 0 ${String(WIDTH)} ${String(HEIGHT)}`} role="img" aria-label={label}>
        {[60, 90, 120, 140, 180].map((mmhg) => (
          <g key={mmhg}><line className="grid" x1={LEFT} x2={WIDTH - RIGHT} y1={y(mmhg)} y2={y(mmhg)} /><text x={LEFT - 8} y={y(mmhg) + 4} textAnchor="end">{mmhg}</text></g>
        ))}
        <line className="axis" x1={LEFT} x2={WIDTH - RIGHT} y1={HEIGHT - BOTTOM} y2={HEIGHT - BOTTOM} />
        <text x={x(first.at)} y={HEIGHT - 8} textAnchor="start">{day(new Date(first.at).toISOString(), zone)}</text>
        {last.at > first.at + 3 * DAY && <text x={x(last.at)} y={HEIGHT - 8} textAnchor="end">{day(new Date(last.at).toISOString(), zone)}</text>}
        {shown.map((point, i) => {
          const before = shown[i - 1]
          const joined = before !== undefined && point.at - before.at <= 1.6 * DAY
          const typed = point.reading.source === 'typed'
          const irregular = point.reading.status.includes('irregular_pulse')
          return (
            <g key={point.reading.id}>
              {joined && <line className="stem" x1={x(before.at)} y1={y(before.high)} x2={x(point.at)} y2={y(point.high)} />}
              {joined && <line className="stem" x1={x(before.at)} y1={y(before.low)} x2={x(point.at)} y2={y(point.low)} />}
              {[point.high, point.low].map((mmhg, j) => <Mark key={j} x={x(point.at)} y={y(mmhg)} typed={typed} irregular={irregular} />)}
            </g>
          )
        })}
        <text x={x(last.at) + 12} y={y(last.high) + 4}>{`systolic ${last.reading.values.systolic ?? ''}`}</text>
        <text x={x(last.at) + 12} y={y(last.low) + 4}>{`diastolic ${last.reading.values.diastolic ?? ''}`}</text>
      </svg>
    </div>
  )
}

function Mark({ x, y, typed, irregular }: { x: number; y: number; typed: boolean; irregular: boolean }) {
  if (typed) return <rect className="dot open" x={x - 3.5} y={y - 3.5} width="7" height="7" />
  if (irregular) return <path className="dot open" d={`M${String(x)} ${String(y - 5)}l5 5-5 5-5-5z`} />
  return <circle className="dot" cx={x} cy={y} r="3" />
}
