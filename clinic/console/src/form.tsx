/** A form that keeps what was typed, says beside itself what is wrong, and puts the focus there. */
import { type FormEvent, type ReactNode, useEffect, useId, useRef, useState } from 'react'

export function Form(props: { submit: (values: Record<string, string>) => Promise<void>; button: string; cancel?: () => void; other?: { button: string; act: () => void }; children: ReactNode }) {
  const [error, setError] = useState<string | null>(null)
  const [busy, setBusy] = useState(false)
  const place = useRef<HTMLParagraphElement>(null)
  useEffect(() => { if (error !== null) place.current?.focus() }, [error])
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    if (busy) return
    const form = event.currentTarget
    const values: Record<string, string> = {}
    for (const [name, entry] of new FormData(form)) if (typeof entry === 'string') values[name] = entry
    setBusy(true)
    setError(null)
    // what was typed stays after a refusal, and goes after a success
    props.submit(values).then(() => { form.reset() }).catch((reason: unknown) => { setError(reason instanceof Error ? reason.message : 'That had no success.') }).finally(() => { setBusy(false) })
  }
  return (
    <form className="stack" onSubmit={submit}>
      {props.children}
      {error !== null && <p className="err" role="alert" tabIndex={-1} ref={place}>{error}</p>}
      <div className="acts"><button className="b go" type="submit" aria-disabled={busy}>{props.button}</button>
        {props.other && <button className="b" type="button" onClick={props.other.act}>{props.other.button}</button>}
        {props.cancel && <button className="b" type="button" onClick={props.cancel}>Cancel</button>}</div>
    </form>
  )
}

export function Field(props: { name: string; label: string; hint?: string; type?: string; value?: string | undefined; autoComplete?: string; required?: boolean }) {
  const id = useId()
  return (
    <div className="field">
      <label htmlFor={id}>{props.label}</label>
      {props.hint !== undefined && <span className="hint" id={`${id}-hint`}>{props.hint}</span>}
      <input id={id} name={props.name} type={props.type ?? 'text'} defaultValue={props.value ?? ''} autoComplete={props.autoComplete ?? 'off'}
        required={props.required ?? true} aria-describedby={props.hint === undefined ? undefined : `${id}-hint`} />
    </div>
  )
}
