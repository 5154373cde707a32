/** Readings of one kind over time: honest points, no smoothing, a gap with a short bar where a day has nothing. What is
    not drawn is counted in words. The table below has the same numbers. */
import { useEffect, useRef, useState } from 'react'
import type { Reading } from './api'
import { type Axis, type Left, type Point, arrange } from './plot'
import { type Kind, type Drawn, measured, unitName, value, valueName } from './reading'
import { clock, day, shortDay } from './time'
import { words } from './words'

const [HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [232, 40, 132, 12, 28]
/** Below this width the chart scrolls sideways by itself, so that points do not run into one another. */
const NARROWEST = 560

export function Chart({ kind, drawn, readings, factor, zone, now }: { kind: Kind; drawn: Drawn; readings: Reading[]; factor: string; zone: string; now: number }) {
  const [place, width] = useWidth()
  const { points, missed, axis, left } = arrange(readings, drawn, zone, now)
  const last = points[points.length - 1]
  if (!last) return <p className="soft">No measured value to draw yet.{notDrawn(left)}</p>
  const x = (at: number) => LEFT + ((at - axis.from) / (axis.to - axis.from)) * (width - LEFT - RIGHT)
  const [low, high] = drawn.range
  const y = (value: number) => TOP + ((high - Math.min(high, Math.max(low, value))) / (high - low)) * (HEIGHT - TOP - BOTTOM)
  const iso = (at: number) => new Date(at).toISOString()
  const newest = drawn.series.map((name) => last.reading.values[name] ?? '').join(' over ')
  const lastSent = measured(last.reading)
  const label = `${kind.name}, ${String(points.length)} readings from ${day(iso(axis.from), zone)} to ${day(iso(axis.to), zone)}; newest ${newest} ${words.spoken[drawn.unit] ?? unitName(drawn.unit)}${lastSent === null ? '' : `, ${lastSent}`}`
  const floor = HEIGHT - BOTTOM
  const changed = points.filter(({ reading }) => measured(reading) !== null).length
  return (
    <div>
      <ul className="legend small soft" aria-label="Marks">
        {MARKS.filter(([mark]) => points.some((point) => point.mark === mark)).map(([mark, name]) => <li key={mark}><svg width="14" height="14" viewBox="0 0 14 14" aria-hidden="true" className="chart"><Mark x={7} y={7} mark={mark} /></svg>{name}</li>)}
        {missed.length > 0 && <li><svg width="14" height="14" viewBox="0 0 14 14" aria-hidden="true" className="chart"><line className="missed" x1="3" x2="11" y1="9" y2="9" /></svg>nothing that day</li>}
      </ul>
      <div className="scroll" tabIndex={0} role="region" aria-label={`Chart of ${kind.name}`} ref={place}>
        <svg className="chart" width={width} height={HEIGHT} viewBox={`0 0 ${String(width)} ${String(HEIGHT)}`} role="img" aria-label={label}>
          {drawn.lines.map((line) => (
            <g key={line}><line className="grid" x1={LEFT} x2={width - RIGHT} y1={y(Number(line))} y2={y(Number(line))} /><text x={LEFT - 8} y={y(Number(line)) + 4} textAnchor="end">{line}</text></g>
          ))}
          <line className="axis" x1={LEFT} x2={width - RIGHT} y1={floor} y2={floor} />
          {days(axis, zone).map(({ at, name, anchor }) => <text key={at} x={x(at)} y={HEIGHT - 8} textAnchor={anchor}>{name}</text>)}
          {missed.map((at) => <line key={at} className="missed" x1={x(at) - 4} x2={x(at) + 4} y1={floor - 6} y2={floor - 6} />)}
          {drawn.form === 'line' && drawn.series.map((_, i) => points.filter((point) => point.follows).map((point) => (
            <line key={`${String(i)} ${point.reading.id}`} className="stem" x1={x(points[point.n - 1]?.at ?? point.at)} y1={y(points[point.n - 1]?.values[i] ?? 0)} x2={x(point.at)} y2={y(point.values[i] ?? 0)} />
          )))}
          {points.map((point) => (
            <g key={point.reading.id} className="point"><title>{tip(point, zone)}</title>
              {drawn.form === 'pair' && <line className="stem" x1={x(point.at)} x2={x(point.at)} y1={y(Math.max(...point.values))} y2={y(Math.min(...point.values))} />}
              {point.values.map((value, i) => <g key={drawn.series[i]}><Mark x={x(point.at)} y={y(value)} mark={point.mark} large={point === last} />{point !== last && <Beyond value={value} text={point.reading.values[drawn.series[i] ?? ''] ?? ''} range={drawn.range} x={x(point.at)} y={y(value)} />}</g>)}
              {point.values.map((value, i) => <circle key={drawn.series[i]} className="reach" cx={x(point.at)} cy={y(value)} r="9" />)}
            </g>
          ))}
          {drawn.series.map((name, i) => <text key={name} className="k" x={width - RIGHT + 10} y={y(last.values[i] ?? low) + 4}>{`${valueName(name).toLowerCase()} ${arrow(last.values[i] ?? low, drawn.range)}${last.reading.values[name] ?? ''}`}</text>)}
        </svg>
      </div>
      <p className="small soft">{`Drawn: ${shortDay(iso(axis.from), zone)} to now, ${unitName(drawn.unit)}.`}{changed > 0 && words.convertedOf(changed, factor)}{notDrawn(left)}</p>
    </div>
  )
}

const MARKS = [['morning', 'morning'], ['evening', 'after noon'], ['irregular', 'irregular pulse'], ['typed', 'typed by hand']] as const

function Mark({ x, y, mark, large }: { x: number; y: number; mark: Point['mark']; large?: boolean }) {
  const r = large ? 4.5 : 3
  const side = large ? 10 : 7
  if (mark === 'typed') return <rect className="dot open" x={x - side / 2} y={y - side / 2} width={side} height={side} />
  if (mark === 'irregular') return <path className="dot open" d={`M${String(x)} ${String(y - r - 2)}l${String(r + 2)} ${String(r + 2)}-${String(r + 2)} ${String(r + 2)}-${String(r + 2)}-${String(r + 2)}z`} />
  return <circle className={mark === 'morning' ? 'dot open' : 'dot'} cx={x} cy={y} r={r} />
}

/** A value beyond the axis stands at its edge with its number, so that the edge is not taken for the value. */
function Beyond({ value, text, range: [low, high], x, y }: { value: number; text: string; range: readonly [number, number]; x: number; y: number }) {
  if (value >= low && value <= high) return null
  return <text className="k" x={x + 7} y={y + 4}>{`${arrow(value, [low, high])}${text}`}</text>
}

const arrow = (value: number, [low, high]: readonly [number, number]): string => (value > high ? '↑ ' : value < low ? '↓ ' : '')

/** What a pointer on a point is told: when, the value as the table has it, and what was sent where that was converted. */
function tip({ at, reading }: Point, zone: string): string {
  const iso = new Date(at).toISOString()
  const sent = measured(reading)
  return `${day(iso, zone)}, ${clock(iso, zone)}: ${value(reading)}${sent === null ? '' : `, ${sent}`}`
}

/** Four or five days to read the axis by. */
function days(axis: Axis, zone: string): { at: number; name: string; anchor: 'start' | 'middle' | 'end' }[] {
  const steps = 4
  return Array.from({ length: steps + 1 }, (_, i) => {
    const at = axis.from + ((axis.to - axis.from) * i) / steps
    return { at, name: i === steps ? 'now' : shortDay(new Date(at).toISOString(), zone), anchor: i === 0 ? 'start' : i === steps ? 'end' : 'middle' }
  })
}

function notDrawn(left: Left): string {
  const said = Object.entries(left).filter(([, n]) => n > 0).map(([why, n]) => `${String(n)} ${why}`)
  return said.length === 0 ? '' : ` Not drawn, but in the table: ${said.join(', ')}.`
}

/** The width that there is for the chart. */
function useWidth(): [(element: HTMLElement | null) => void, number] {
  const [width, setWidth] = useState(NARROWEST)
  const watch = useRef<ResizeObserver | null>(null)
  const at = useRef<HTMLElement | null>(null)
  // where it scrolls, the newest is what is shown first
  useEffect(() => { if (at.current) at.current.scrollLeft = at.current.scrollWidth }, [width])
  useEffect(() => () => { watch.current?.disconnect() }, [])
  const place = useRef((element: HTMLElement | null) => {
    watch.current?.disconnect()
    at.current = element
    if (!element) return
    const fit = () => { setWidth(Math.max(NARROWEST, Math.floor(element.clientWidth))) }
    fit()
    watch.current = new ResizeObserver(fit)
    watch.current.observe(element)
  })
  return [place.current, width]
}
