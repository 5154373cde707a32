/** Single keys, only outside fields; `g t` is one after the other. */
import { useEffect, useRef } from 'react'
import { setSingleKeys, singleKeys } from './settings'
import { words } from './words'

export function useKeys(keys: Record<string, () => void>): void {
  const held = useRef(keys)
  useEffect(() => { held.current = keys })
  useEffect(() => {
    let before = ''
    const press = (event: KeyboardEvent) => {
      const target = event.target as HTMLElement | null
      if (event.ctrlKey || event.metaKey || event.altKey || target?.closest('input, select, textarea, dialog')) return
      // a modifier is a part of its key, not a key before it
      if (event.key === 'Shift' || !singleKeys()) return
      const action = held.current[`${before} ${event.key}`] ?? held.current[event.key]
      before = event.key
      if (action) {
        event.preventDefault()
        action()
      }
    }
    addEventListener('keydown', press)
    return () => { removeEventListener('keydown', press) }
  }, [])
}

export function KeysHelp({ close }: { close: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null)
  useEffect(() => { dialog.current?.showModal() }, [])
  return (
    <dialog ref={dialog} className="panel" aria-labelledby="keys" onClose={close}>
      <h2 id="keys">Keys</h2>
      <table className="data"><tbody>{words.keys.map(([key, what]) => <tr key={key}><th scope="row"><kbd>{key}</kbd></th><td>{what}</td></tr>)}</tbody></table>
      <label className="choice"><input type="checkbox" defaultChecked={singleKeys()} onChange={(event) => { setSingleKeys(event.target.checked ? 'on' : 'off') }} /> Single keys act</label>
      <form method="dialog"><button className="b" type="submit">Close</button></form>
    </dialog>
  )
}
