// What is seen and chosen for a whole clinic, and a reading that was somebody else's, with real parts on both sides.
import { randomBytes } from 'node:crypto'
import { must, same, truth } from './ground.mjs'
import { looks, readOut } from './look.mjs'

const heading = (page, name) => page.getByRole('heading', { level: 1, name })
const draft = () => randomBytes(16).toString('hex')

/** REQ-CONSOLE-066: the patient says that a reading was not theirs: on the open record it is struck through with who said so
    and why, is read out as such, counts in no chart and is void for other systems; taken back, it counts again. */
export async function notMine(page, { phone, record, reading }) {
  const row = page.getByRole('row').filter({ has: page.locator('s') })
  const observation = async () => {
    const lines = await page.evaluate(async (path) => (await (await fetch(path)).text()).trim().split('\n'), `/api${new URL(record).pathname}/observations`)
    return JSON.parse(lines.find((line) => line.includes(`${reading.systolic}`)) ?? 'null')?.status
  }
  const id = await must('a reading comes that somebody else took', async () => {
    await page.goto(record)
    const made = await phone.ask({ do: 'reading', draft: draft(), ...reading })
    await page.getByRole('cell', { name: reading.systolic, exact: true }).waitFor()
    same(await observation(), 'final', 'for other systems')
    return made
  })
  await must('"it was not me": its row is struck through, says who, when and why, and is void for other systems', async () => {
    await phone.ask({ do: 'not_me', reading: id })
    await row.getByText('Not this patient’s', { exact: true }).waitFor()
    await row.getByText(/Not this patient’s: the patient said so, Kitchen phone, /).waitFor()
    for (const digits of [reading.systolic, reading.diastolic]) await row.locator('s', { hasText: digits }).waitFor()
    await page.getByText(/Not drawn, but in the table: .*1 somebody else’s/).waitFor()
    same(await observation(), 'entered-in-error', 'for other systems')
  })
  await looks(page, 'not-mine', row.getByText('Not this patient’s', { exact: true }))
  await must('a screen reader hears of each number that it is struck through, and whose it is not', async () => {
    const heard = await readOut(page, 'tr:has(s)')
    for (const text of ['Not this patient’s', `Struck through: ${reading.systolic}`, `Struck through: ${reading.diastolic}`, 'the patient said so, Kitchen phone']) truth(heard.includes(text), `${text} is not in: ${heard}`)
    const others = await readOut(page, 'tr:not(:has(s)):has(td)')
    truth(!others.includes('Struck through'), `a row that counts is read out as: ${others}`)
  })
  await must('taken back, it counts again', async () => {
    await phone.ask({ do: 'me', reading: id })
    await page.getByRole('cell', { name: reading.systolic, exact: true }).waitFor()
    same(await row.count(), 0, 'rows struck through')
    same(await observation(), 'final', 'for other systems')
    await page.getByText(/the patient said that it was they, Kitchen phone/).waitFor()
  })
}

/** REQ-CONSOLE-067: the unit of blood glucose is chosen once, for everybody; a value that was sent in the other one is
    converted, says so, and stands beside it. */
export async function glucoseUnit(page, elsewhere, { phone, record, glucose, converted }) {
  await must('a value is shown as it was sent while nobody has chosen a unit', async () => {
    await phone.ask({ do: 'glucose', draft: draft(), glucose })
    await page.goto(record)
    await page.getByRole('cell', { name: glucose, exact: true }).waitFor()
  })
  await must('the administrator chooses mmol/L, and another browser shows it too', async () => {
    await elsewhere.goto(record)
    await elsewhere.getByRole('cell', { name: glucose, exact: true }).waitFor()
    await page.getByRole('link', { name: 'Your settings' }).click()
    await page.getByRole('radio', { name: 'mmol/L' }).check()
    await page.getByRole('button', { name: 'Keep this unit' }).click()
    await page.getByText('The unit of blood glucose is chosen').waitFor()
    for (const open of [elsewhere, page]) {
      if (open === page) await open.goto(record)
      await open.getByRole('cell', { name: `${converted} converted from ${glucose} mg/dL` }).waitFor()
      await open.getByRole('columnheader', { name: 'Glucose mmol/L' }).waitFor()
    }
    const tips = await page.locator('.chart .point title').allTextContents()
    truth(tips.some((tip) => tip.endsWith(`: ${converted}\u00a0mmol/L, converted from ${glucose}\u00a0mg/dL`)), `tool tips: ${tips.join(' | ')}`)
  })
  await looks(page, 'glucose', page.getByRole('columnheader', { name: 'Glucose mmol/L' }))
}

/** REQ-CLINIC-082: an administrator adopts a newer table of device models in the browser: seen before it is done, kept under
    their name, refused when it is no table or an older one. */
export async function deviceTable(page, home, { name }) {
  const file = page.getByLabel('The file')
  const look = async (text) => {
    await file.setInputFiles({ name: 'models.json', mimeType: 'application/json', buffer: Buffer.from(typeof text === 'string' ? text : JSON.stringify(text)) })
    await page.getByRole('button', { name: 'See what it changes' }).click()
  }
  const row = (id, how) => ({ id, about: 'A cuff for this journey.', match: { name: [`${id}*`] }, behaviours: [{ do: 'pairing_mode', how }], proof: 'documented', sources: ['the maker\'s instructions for use'], frames: [] })
  await must('no table is in force; what is none, and one that would count for every device, is refused in words', async () => {
    await page.getByRole('link', { name: 'Device table' }).click()
    await heading(page, 'Device table').waitFor()
    await page.getByText('No table was adopted.').waitFor()
    for (const [text, why] of [['{', /EOF/], [{ v: 2, rows: [] }, /form 2/], [{ v: 1, rows: [{ ...row('Cuff', ''), match: {} }] }, /row Cuff names no device: it would count for all/]]) {
      await look(text)
      await page.getByRole('alert').getByText(why).waitFor()
    }
    same(await home.command('devices', 'show'), null, 'the table in force')
  })
  const first = { v: 1, issued: '2026-11-20', rows: [row('Cuff', 'Hold the round button.'), row('Scale', 'Step on it.')] }
  await must('the changes are shown before anything is done, and adopting keeps the name', async () => {
    await look(first)
    await page.getByText('2 added, 0 changed, 0 removed, 0 as before.').waitFor()
    same(await home.command('devices', 'show'), null, 'the table in force')
    await page.getByRole('button', { name: `Adopt as ${name}` }).click()
    await page.getByText('Adopted.', { exact: true }).waitFor()
    const kept = await home.command('devices', 'show')
    same([kept.adopted_by, kept.table], [name, first], 'the table in force')
    await page.getByRole('definition').filter({ hasText: name }).waitFor()
  })
  await must('a newer one says what it changes', async () => {
    await look({ ...first, issued: '2026-11-21', rows: [row('Cuff', 'Press twice.')] })
    await page.getByText('0 added, 1 changed, 1 removed, 0 as before.').waitFor()
    await page.getByText('Now: The patient is told how to pair: “Press twice.” Before: The patient is told how to pair: “Hold the round button.”').waitFor()
  })
  await looks(page, 'device-table', page.getByText('0 added, 1 changed, 1 removed, 0 as before.'))
  await must('an older one is refused with both dates', async () => {
    await page.getByRole('button', { name: 'Cancel' }).click()
    await look({ ...first, issued: '2026-11-19', rows: [] })
    await page.getByRole('alert').getByText(/issued on 2026-11-19, the one in force on 2026-11-20/).waitFor()
    same((await home.command('devices', 'show')).table, first, 'the table in force')
  })
}
