import { type RefObject, useEffect, useRef } from 'react'

/** A new page begins at its heading, for a keyboard and a screen reader; so does a page whose focused part went away. */
export function useHeadingFocus(main: RefObject<HTMLElement | null>, path: string): void {
  const first = useRef(true)
  useEffect(() => {
    const within = main.current
    if (!within) return
    let last: Element | null = null
    const toHeading = () => {
      const heading = within.querySelector('h1')
      if (!heading) { within.focus(); return }
      heading.tabIndex = -1
      heading.focus()
      // it may have had the focus already, and then nothing tells so
      last = heading
    }
    const note = (event: FocusEvent) => { last = event.target instanceof Element ? event.target : null }
    document.addEventListener('focusin', note)
    // what loads later may put another heading in the place of the first
    const watch = new MutationObserver(() => { if (last !== null && !last.isConnected && document.activeElement === document.body) toHeading() })
    watch.observe(within, { childList: true, subtree: true })
    if (first.current) first.current = false
    else { scrollTo(0, 0); toHeading() }
    return () => { watch.disconnect(); document.removeEventListener('focusin', note) }
  }, [main, path])
}
