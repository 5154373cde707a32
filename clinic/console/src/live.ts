/** The station's notices of change. They say that something changed, never what: the page asks again. */
import { useEffect, useState } from 'react'
import type { Change } from './api'

export function useChanges(): { revision: number; connected: boolean } {
  const [revision, setRevision] = useState(0)
  const [connected, setConnected] = useState(true)
  useEffect(() => {
    const source = new EventSource('/api/changes')
    let lost: ReturnType<typeof setTimeout> | undefined
    source.onopen = () => {
      clearTimeout(lost)
      setConnected(true)
      // what happened while the line was down
      setRevision((n) => n + 1)
    }
    source.onerror = () => {
      // the browser tries again by itself; two seconds are a blink, more is a state
      clearTimeout(lost)
      lost = setTimeout(() => { setConnected(false) }, 2000)
    }
    source.onmessage = (event: MessageEvent<string>) => {
      const change = JSON.parse(event.data) as Change
      if (change.topics.length > 0) setRevision((n) => n + 1)
    }
    return () => { clearTimeout(lost); source.close() }
  }, [])
  return { revision, connected }
}
