/** The few shapes that stand beside words. Never alone: the word says it, the shape helps to find it. */
import type { ReactNode } from 'react'

const line = (path: string): ReactNode => <path d={path} fill="none" stroke="currentColor" strokeWidth="1.7" strokeLinecap="round" strokeLinejoin="round" />
const PATHS = {
  ring: <circle cx="10" cy="10" r="7.5" fill="none" stroke="currentColor" strokeWidth="2" />,
  half: <><circle cx="10" cy="10" r="7.5" fill="none" stroke="currentColor" strokeWidth="2" /><path d="M10 2.5a7.5 7.5 0 0 1 0 15z" fill="currentColor" /></>,
  done: <><circle cx="10" cy="10" r="8.5" fill="currentColor" /><path d="m6 10.3 2.8 2.8L14 7.8" fill="none" stroke="var(--surface)" strokeWidth="2" /></>,
  dash: <path d="M4 10h12" stroke="currentColor" strokeWidth="2.2" />,
  gap: <rect x="3" y="3" width="14" height="14" fill="none" stroke="currentColor" strokeWidth="1.8" strokeDasharray="3 2.3" />,
  nut: <><path d="M5.5 2.2h9L19 10l-4.5 7.8h-9L1 10z" fill="none" stroke="currentColor" strokeWidth="2" strokeLinejoin="round" /><circle cx="10" cy="10" r="3" fill="none" stroke="currentColor" strokeWidth="2" /></>,
  people: <>{line('M1.500 16.500c.5-3.200 2.600-4.500 5.500-4.500s5 1.300 5.500 4.500M13.500 12.200c2.700 0 4.500 1.200 5 4')}<circle cx="7" cy="7" r="3" fill="none" stroke="currentColor" strokeWidth="1.7" /><path d="M13 4.200a2.8 2.8 0 0 1 0 5.500" fill="none" stroke="currentColor" strokeWidth="1.7" strokeLinecap="round" /></>,
  person: <>{line('M3 17.500c.6-4 3.400-5.500 7-5.500s6.400 1.500 7 5.500')}<circle cx="10" cy="6.5" r="3.5" fill="none" stroke="currentColor" strokeWidth="1.7" /></>,
  key: <>{line('m9.500 10.500 7-7M14 6l2.500 2.500')}<circle cx="6.500" cy="13.500" r="3.500" fill="none" stroke="currentColor" strokeWidth="1.7" /></>,
  sliders: line('M3 6h8M15 6h2M3 14h2M9 14h8M13 4v4M7 12v4'),
  cuff: <>{line('M12.500 4H5a2 2 0 0 0-2 2v8a2 2 0 0 0 2 2h10a2 2 0 0 0 2-2V8.500M3 8.500h9.500M6 12.500h4')}<circle cx="15.500" cy="4.500" r="2" fill="none" stroke="currentColor" strokeWidth="1.7" /></>,
  search: <>{line('m12.4 12.4 4.6 4.6')}<circle cx="8.500" cy="8.500" r="5" fill="none" stroke="currentColor" strokeWidth="1.7" /></>,
}
export type Shape = keyof typeof PATHS

export function Glyph({ shape, size = 16 }: { shape: Shape; size?: number }) {
  return <svg width={size} height={size} viewBox="0 0 20 20" aria-hidden="true" focusable="false">{PATHS[shape]}</svg>
}

/** The product's mark. */
export function Mark() {
  return (
    <svg width="22" height="22" viewBox="0 0 22 22" aria-hidden="true" focusable="false">
      <rect x="1" y="1" width="20" height="20" rx="4" fill="var(--action)" /><path d="M5 7h12M11 7v10" stroke="var(--on-action)" strokeWidth="2.4" strokeLinecap="round" /><circle cx="16.500" cy="15.500" r="1.700" fill="var(--on-action)" />
    </svg>
  )
}

/** The state of a phone or an invite, as shape and word. */
const SHAPES: Record<string, Shape> = { no_phone: 'gap', invited: 'ring', open: 'ring', pending: 'half', waiting: 'half', confirmed: 'done', used: 'done', contested: 'nut' }
export function State({ name, words }: { name: string; words: string }) {
  const hue = name === 'contested' ? ' te' : name === 'confirmed' || name === 'pending' || name === 'waiting' || name === 'used' ? '' : ' nd'
  return <span className={`state${hue}`}><Glyph shape={SHAPES[name] ?? 'dash'} />{words}</span>
}
