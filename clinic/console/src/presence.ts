/** Whether a person is at the console. Only a person makes a reading *seen*, and only a person keeps a session alive:
    what a page does by itself is neither. */
import { useEffect, useState } from 'react'

const MINUTE = 60_000
/** So long after the last movement somebody is still taken to look. */
const LOOKING = 2 * MINUTE
/** The station notes the use of a session once a minute. */
const USING = MINUTE
/** The station ends a session after half an hour without use; two minutes before, the console says so. */
export const WARN_AFTER = 28 * MINUTE

// opening the page was an act
let last = Date.now()
const hands = new Set<() => void>()
for (const name of ['pointerdown', 'pointermove', 'wheel', 'keydown', 'touchstart'] as const) {
  addEventListener(name, () => { last = Date.now(); hands.forEach((tell) => { tell() }) }, { capture: true, passive: true })
}

/** How long nobody has touched anything. */
export const idle = (): number => Date.now() - last

/** What goes with a request while somebody is at it. */
export const inUse = (): Record<string, string> => (idle() <= USING ? { 'x-teleward-use': '1' } : {})

/** True while somebody looks at this tab. */
export function useLooking(): boolean {
  const look = () => document.visibilityState === 'visible' && idle() <= LOOKING
  const [looking, setLooking] = useState(look)
  useEffect(() => {
    const again = () => { setLooking(look()) }
    const timer = setInterval(again, 5000)
    hands.add(again)
    document.addEventListener('visibilitychange', again)
    return () => { clearInterval(timer); hands.delete(again); document.removeEventListener('visibilitychange', again) }
  }, [])
  return looking
}
