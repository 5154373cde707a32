// Hands that have no mouse: Tab to a thing, type, press. At every stop of the focus it looks whether the focus can be seen.
import { until } from './ground.mjs'

const STOPS = 120

/** What has the focus: its words, whether it shows that it has it, and whether it stands within the window. */
function focused() {
  const at = document.activeElement
  if (at === null || at === document.body) return null
  const style = getComputedStyle(at)
  const ring = (style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2) || style.boxShadow !== 'none'
  const box = at.getBoundingClientRect()
  const within = box.width > 0 && box.height > 0 && box.top < innerHeight && box.bottom > 0 && box.left < innerWidth && box.right > 0
  return { words: `${at.tagName.toLowerCase()} "${(at.getAttribute('aria-label') ?? at.labels?.[0]?.textContent ?? at.textContent ?? '').trim().slice(0, 40)}"`, ring, within, marked: at.matches(':focus-visible') || (at.type === 'date' && at.matches(':focus-within')) }
}

export async function byKeyboard(page) {
  // a click that Enter or the space bar makes has no pointer before it
  await page.evaluate(() => {
    globalThis.pointed = 0
    for (const name of ['pointerdown', 'mousedown', 'touchstart']) addEventListener(name, () => { globalThis.pointed += 1 }, { capture: true })
  })
  let stops = 0
  const seen = async () => {
    const at = await page.evaluate(focused)
    if (at === null) return
    stops += 1
    if (!at.ring || !at.within || !at.marked) throw new Error(`the focus on ${at.words} cannot be seen: ${JSON.stringify(at)}`)
  }
  const has = (target) => target.evaluate((element) => element === document.activeElement)
  return {
    /** Presses Tab until `target` has the focus. */
    async to(target, key = 'Tab') {
      await target.waitFor()
      for (let stop = 0; stop < STOPS && !(await has(target)); stop += 1) {
        await page.keyboard.press(key)
        await seen()
      }
      if (!(await has(target))) throw new Error(`${STOPS} times ${key} do not lead to ${target}`)
    },
    type: (text) => page.keyboard.type(text),
    press: (key) => page.keyboard.press(key),
    seen,
    /** Waits until the page itself has put the focus there, as after a change of page. */
    given: (what, target) => until(`focus on ${what}`, () => has(target)),
    stops: () => stops,
    pointed: () => page.evaluate(() => globalThis.pointed),
  }
}
