/** A part that appears because of what somebody did, in the place of what they did it with: the focus goes there, so that
    a keyboard and a screen reader go on from it. */
import { type ReactNode, useLayoutEffect, useRef } from 'react'

export function Here({ className, children }: { className?: string; children: ReactNode }) {
  const place = useRef<HTMLDivElement>(null)
  // before the browser notices that what had the focus is gone
  useLayoutEffect(() => { place.current?.focus() }, [])
  return <div tabIndex={-1} ref={place} className={className}>{children}</div>
}
