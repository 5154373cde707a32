/** The few shapes that stand beside words. Never alone: the word says it, the shape helps to find it. */
const PATHS = {
  ring: <circle cx="10" cy="10" r="7.5" fill="none" stroke="currentColor" strokeWidth="2" />,
  half: <><circle cx="10" cy="10" r="7.5" fill="none" stroke="currentColor" strokeWidth="2" /><path d="M10 2.500a7.5 7.5 0 0 1 0 15z" fill="currentColor" /></>,
  done: <><circle cx="10" cy="10" r="8.5" fill="currentColor" /><path d="m6 10.3 2.8 2.800L14 7.8" fill="none" stroke="var(--surface)" strokeWidth="2" /></>,
  dash: <path d="M4 10h12" stroke="currentColor" strokeWidth="2.2" />,
  gap: <rect x="3" y="3" width="14" height="14" fill="none" stroke="currentColor" strokeWidth="1.8" strokeDasharray="3 2.3" />,
  nut: <><path d="M10 1.6 17.3 5.800v8.400L10 18.4 2.7 14.200V5.800z" fill="none" stroke="currentColor" strokeWidth="2" /><circle cx="10" cy="10" r="3" fill="none" stroke="currentColor" strokeWidth="2" /></>,
}
export type Shape = keyof typeof PATHS

export function Glyph({ shape }: { shape: Shape }) {
  return <svg width="16" height="16" viewBox="0 0 20 20" aria-hidden="true">{PATHS[shape]}</svg>
}

/** The state of a phone or an invite, as shape and word. */
const SHAPES: Record<string, Shape> = { no_phone: 'gap', invited: 'ring', open: 'ring', pending: 'half', waiting: 'half', confirmed: 'done', used: 'done', contested: 'nut' }
export function State({ name, words }: { name: string; words: string }) {
  const hue = name === 'contested' ? ' te' : name === 'confirmed' || name === 'pending' || name === 'waiting' || name === 'used' ? '' : ' nd'
  return <span className={`state${hue}`}><Glyph shape={SHAPES[name] ?? 'dash'} />{words}</span>
}
