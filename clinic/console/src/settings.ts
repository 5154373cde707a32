/** What one person set for this browser: which half of each colour, and whether single keys act. */

export type Look = 'system' | 'light' | 'dark'
const LOOK = 'teleward.look'
const KEYS = 'teleward.keys'

function read(name: string): string | null {
  // a browser may forbid storage: then nothing is remembered
  try {
    return localStorage.getItem(name)
  } catch {
    return null
  }
}
function write(name: string, value: string): void {
  try {
    localStorage.setItem(name, value)
  } catch {
    return
  }
}

export function look(): Look {
  const kept = read(LOOK)
  return kept === 'light' || kept === 'dark' ? kept : 'system'
}

/** Takes the look that was chosen, or what the system says. */
export function applyLook(chosen: Look = look()): void {
  if (chosen === 'system') delete document.documentElement.dataset['theme']
  else document.documentElement.dataset['theme'] = chosen
}

export function setLook(chosen: Look): void {
  write(LOOK, chosen)
  applyLook(chosen)
}

/** WCAG 2.1.4: shortcuts of a single character can be switched off. */
export const singleKeys = (): boolean => read(KEYS) !== 'off'
export const setSingleKeys = (state: 'on' | 'off'): void => { write(KEYS, state) }
