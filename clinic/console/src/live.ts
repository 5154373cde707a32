/** The station's notices of change. They say that something changed, never what: the page asks again. */
import { useEffect, useState } from 'react'
import type { Change } from './api'

export function useChanges(): { revision: number; connected: boolean } {
  const [revision, setRevision] = useState(0)
  const [connected, setConnected] = useState(true)
  useEffect(() => {
    let lost: ReturnType<typeof setTimeout> | undefined
    let again: ReturnType<typeof setTimeout> | undefined
    let source = listen()
    function listen(): EventSource {
      const source = new EventSource('/api/changes')
      source.onopen = () => {
        clearTimeout(lost)
        setConnected(true)
        // what happened while the line was down
        setRevision((n) => n + 1)
      }
      source.onerror = () => {
        // two seconds are a blink, more is a state
        clearTimeout(lost)
        lost = setTimeout(() => { setConnected(false) }, 2000)
        // the browser tries again by itself after a broken line, but not after an answer that is none (HTML 9.2.3)
        if (source.readyState === EventSource.CLOSED) {
          clearTimeout(again)
          again = setTimeout(relisten, 3000)
        }
      }
      source.onmessage = (event: MessageEvent<string>) => {
        const change = JSON.parse(event.data) as Change
        if (change.topics.length > 0) setRevision((n) => n + 1)
      }
      return source
    }
    function relisten() {
      // whoever is signed out is told so by the next question
      setRevision((n) => n + 1)
      source = listen()
    }
    return () => { clearTimeout(lost); clearTimeout(again); source.close() }
  }, [])
  return { revision, connected }
}
