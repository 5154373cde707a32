// What a person does to see whether a screen is right: reads a square code, looks at a screen in its several looks.
import { createRequire } from 'node:module'
import { accessible, check, picture, reflows } from './ground.mjs'

const require = createRequire(import.meta.url)
const LOOKS = [['light', 1440, 900, 'light'], ['dark', 1440, 900, 'dark'], ['320', 320, 800, 'light']]

/** A screen in light, in dark and on 320 px: nothing for axe to say, no sideways scrolling, a picture of each. */
export async function looks(page, name, ready) {
  await check(`screen ${name}: axe and reflow, light, dark, 320 px`, async () => {
    try {
      for (const [look, width, height, scheme] of LOOKS) {
        await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' })
        await page.setViewportSize({ width, height })
        await ready.waitFor()
        await accessible(page)
        await reflows(page)
        await picture(page, `journey-${name}-${look}`)
      }
    } finally {
      await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' })
      await page.setViewportSize({ width: 1440, height: 900 })
    }
  })
}

/** What a camera reads from the square code as it stands on the screen: pixels in, text out, by a decoder of other hands. */
export async function scanned(context, image) {
  const png = await image.screenshot()
  const page = await context.newPage()
  try {
    await page.addScriptTag({ path: require.resolve('jsqr/dist/jsQR.js') })
    return await page.evaluate(async (source) => {
      const picture = new Image()
      picture.src = source
      await picture.decode()
      const canvas = document.createElement('canvas')
      canvas.width = picture.width
      canvas.height = picture.height
      const draw = canvas.getContext('2d')
      draw.drawImage(picture, 0, 0)
      const pixels = draw.getImageData(0, 0, canvas.width, canvas.height)
      return globalThis.jsQR(pixels.data, pixels.width, pixels.height)?.data ?? null
    }, `data:image/png;base64,${png.toString('base64')}`)
  } finally {
    await page.close()
  }
}

/** What a screen reader is given for an element, in its order: the names of the text in Chromium's own accessibility tree. */
export async function readOut(page, selector) {
  const session = await page.context().newCDPSession(page)
  try {
    const { result } = await session.send('Runtime.evaluate', { expression: `document.querySelector(${JSON.stringify(selector)})` })
    if (result.objectId === undefined) throw new Error(`there is no ${selector}`)
    const { nodes } = await session.send('Accessibility.queryAXTree', { objectId: result.objectId })
    const texts = nodes.filter(({ role, ignored }) => !ignored && role?.value === 'StaticText')
    if (texts.length === 0) throw new Error(`nothing of ${selector} is read out`)
    return texts.map(({ name }) => name.value.trim()).filter((text) => text !== '').join(' ')
  } finally {
    await session.detach()
  }
}
