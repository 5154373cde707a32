// A clinician in Chromium, with a real relay, a real station and real companions: from the one-time link to a reading that
// was looked at. Elements are found by role and name, as a screen reader finds them.
import { randomBytes } from 'node:crypto'
import { Stopped, browser, check, finish, must, picture, same, truth, until, watched } from './ground.mjs'
import { cuff, house } from './parts.mjs'
import { looks, scanned } from './look.mjs'

const PASSWORD = 'harbour lantern maple'
const PATIENT = { name: 'Wilhelmina Okonkwo-Baird', born: '1951-03-03', record: 'TS-558231', phone: '01632 960 147' }
const TYPED = { systolic: '163.5', diastolic: '97.5' }
const MEASURED = { systolic: '141.0', diastolic: '88', mean: '106', pulse: '73' }

const { context, close } = await browser()
let home
try {
  home = await must('relay and station come up', house)
  const { origin } = home
  const { page, troubles } = await watched(context, origin)
  const asked = []
  context.on('request', (request) => { asked.push(request.url()) })
  const heading = (name, level = 1) => page.getByRole('heading', { level, name })
  const button = (name) => page.getByRole('button', { name, exact: true })
  const field = (name) => page.getByRole('textbox', { name })
  const cell = (text) => page.getByRole('cell', { name: text, exact: true })

  // REQ-BROWSER-001
  await must('the one-time link signs in and asks for a password', async () => {
    await page.goto(home.link)
    await heading(/Choose a password/).waitFor()
    truth(!page.url().includes('#'), 'the token stands in the address bar')
  })
  await looks(page, 'password', heading(/Choose a password/))
  await must('a first password leads to the patients, and the station is live', async () => {
    await page.getByLabel('New password').fill(PASSWORD)
    await page.getByLabel('The same once more').fill(PASSWORD)
    await button('Keep this password').click()
    await heading(/0 patients/).waitFor()
    await page.getByText('LIVE').waitFor()
  })
  await looks(page, 'patients-none', heading(/0 patients/))
  await check('the same link a second time is refused in words', async () => {
    const other = await context.newPage()
    await other.goto(home.link)
    await other.getByRole('alert').getByText('This link was used or is too old.').waitFor()
    await other.close()
  })

  // REQ-BROWSER-002
  await must('a new patient is added', async () => {
    await button('Add a patient').click()
    await field('Name').fill(PATIENT.name)
    await page.getByLabel('Born').fill(PATIENT.born)
    await field('Record number').fill(PATIENT.record)
    await field('Telephone').fill(PATIENT.phone)
    same(await field('Time zone').inputValue(), 'Europe/London')
    await button('Add this patient').click()
    await heading(PATIENT.name).waitFor()
  })
  const record = page.url()
  await looks(page, 'patient-none', heading(PATIENT.name))

  // REQ-BROWSER-003
  await button('Invite a phone').click()
  const square = page.getByRole('img', { name: /The invite as a square code/ })
  await must('an invite is made from the record', () => square.waitFor())
  await looks(page, 'invite', square)
  const invite = await must('what a camera reads from the square code is the text beside it', async () => {
    const text = (await page.locator('#invite-text').textContent()).trim()
    same(await scanned(context, square), text, 'the square code')
    return text
  })

  // REQ-BROWSER-004
  const phone = await must('a phone starts', () => home.phone('phone', cuff()))
  await must('it joins with that text; both screens show the same six words', async () => {
    await phone.ask({ do: 'join', invite, label: 'Kitchen phone' })
    const { link } = await phone.until('the clinic\'s answer', ({ link }) => link?.state === 'Pending')
    const words = page.getByRole('list', { name: 'Check words' }).getByRole('listitem')
    await words.first().waitFor()
    const shown = (await words.allTextContents()).map((text) => text.replace(/^\d/, ''))
    same(shown.length, 6, 'words on the screen')
    same(shown, [link.words].flat().join(' ').split(/\s+/), 'words')
  })
  await looks(page, 'invite-pending', page.getByRole('list', { name: 'Check words' }))
  await must('confirmed at the clinic, and the phone knows it', async () => {
    await page.getByRole('radio', { name: /By telephone or video/ }).check()
    await button('The words are the same: confirm').click()
    await page.getByText('words compared').waitFor()
    await phone.until('the confirmation', ({ link }) => link?.state === 'Confirmed')
  })
  await looks(page, 'invite-confirmed', page.getByRole('link', { name: 'To the readings' }))

  // REQ-BROWSER-005
  await page.getByRole('link', { name: 'All patients' }).first().click()
  await heading('All patients').waitFor()
  await page.evaluate(() => { globalThis.neverLoadedAgain = true })
  await must('a typed reading arrives in the list by itself, not looked at', async () => {
    await phone.ask({ do: 'reading', draft: randomBytes(16).toString('hex'), ...TYPED })
    await page.getByText(`${TYPED.systolic}/${TYPED.diastolic}`).waitFor()
    await cell('1 reading').waitFor()
  })
  await looks(page, 'patients', page.getByText(`${TYPED.systolic}/${TYPED.diastolic}`))

  // REQ-BROWSER-006
  await must('the phone knows it stored, and not seen', () => phone.journal('stored', ([first]) => first?.stage && first.seen === false))
  await must('opening it marks it seen, here and on the phone', async () => {
    await page.getByRole('link', { name: PATIENT.name }).click()
    await cell(TYPED.systolic).waitFor()
    await page.getByRole('cell', { name: /Dr Ash/ }).waitFor()
    await phone.journal('seen', ([first]) => first.seen)
  })
  await must('the cuff\'s reading arrives on the open record, with the digits that the cuff sent', async () => {
    await phone.ask({ do: 'pair' })
    for (const digits of Object.values(MEASURED)) await cell(digits).waitFor()
    await phone.journal('both seen', (held) => held.length === 2 && held.every(({ seen }) => seen))
    truth(await page.evaluate(() => globalThis.neverLoadedAgain), 'the page was loaded again')
  })
  await looks(page, 'patient', cell(MEASURED.systolic))

  await check('no fault, no refused script or style, no request elsewhere', () => { same(troubles, []) })
} catch (error) {
  if (!(error instanceof Stopped)) await check('the run itself', () => { throw error })
  for (const [n, open] of context.pages().entries()) await picture(open, `journey-stopped-${n}`).catch(() => undefined)
} finally {
  await close()
  await home?.stop()
  finish()
}
