// A clinician in Chromium, with a real relay, a real station and real companions: from the one-time link to a reading that
// was looked at. Elements are found by role and name, as a screen reader finds them.
import { randomBytes } from 'node:crypto'
import { Stopped, axe, browser, check, finish, must, picture, same, truth, until, watched } from './ground.mjs'
import { cuff, house } from './parts.mjs'
import { looks, scanned } from './look.mjs'
import { byKeyboard } from './keyboard.mjs'
import { deviceTable, glucoseUnit, notMine } from './clinic.mjs'
import { SECRETS, accounts, lostPhone, onTheStation } from './people.mjs'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

const NAME = 'Dr Ash'
const SIGN_IN = 'Sign in to Tern Street Practice'
const PASSWORD = 'harbour lantern maple'
const SECOND_PASSWORD = 'orbit pencil saddle'
const THIRD_PASSWORD = 'copper meadow signal'
const PATIENT = { name: 'Wilhelmina Okonkwo-Baird', born: '1951-03-03', record: 'TS-558231', phone: '01632 960 147' }
const TYPED = { systolic: '163.5', diastolic: '97.5' }
const LATER = { systolic: '158.5', diastolic: '95.5' }
const AFTER = { systolic: '171.5', diastolic: '99.5' }
const PROOF = { systolic: '152.5', diastolic: '93.5' }
const NOT_HERS = { systolic: '118.5', diastolic: '71.5' }
const GLUCOSE = '105'
const OTHER = { name: 'Bartholomew Ruiz-Hallgren', record: 'TS-771904', phone: '01632 960 188' }
const MEASURED = { systolic: '141.0', diastolic: '88', mean: '106', pulse: '73' }

const first = await browser()
const { context } = first
let home, second
try {
  home = await must('relay and station come up', house)
  const { origin } = home
  const { page, troubles } = await watched(context, origin)
  const asked = []
  const note = (request) => { asked.push(request.url()) }
  context.on('request', note)
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
  await looks(page, 'invite-way', page.getByRole('heading', { name: 'How does the invite reach the patient?' }))
  await button('The patient is here: show it').click()
  const square = page.getByRole('img', { name: /The invite as a square code/ })
  await must('an invite is made from the record', () => square.waitFor())
  await looks(page, 'invite', square)
  const invite = await must('what a camera reads from the square code is the text beside it', async () => {
    const text = (await page.locator('#invite-text').textContent()).trim()
    same(await scanned(context, square), text, 'the square code')
    same(await scanned(context, page.getByRole('heading', { level: 1 })), null, 'what is no square code (negative)')
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
  await looks(page, 'patient', page.locator('td').getByText(MEASURED.systolic).first())

  // REQ-BROWSER-007
  const alert = page.getByRole('alert')
  const signIn = async (password, on = page) => {
    await on.getByRole('textbox', { name: 'User name' }).fill(NAME)
    await on.getByLabel('Password').fill(password)
    const answered = on.waitForResponse((answer) => answer.url().endsWith('/api/session') && answer.request().method() === 'POST')
    await on.getByRole('button', { name: 'Sign in', exact: true }).click()
    return (await answered).status()
  }
  await must('signing out leads to the sign-in, and nothing of the patient stays', async () => {
    await button('Sign out').click()
    await heading(SIGN_IN).waitFor()
    same((await page.content()).includes(PATIENT.name), false, 'the name is still on the page')
    const status = await page.evaluate(async () => (await fetch('/api/patients')).status)
    same(status, 401, 'what the station says to this browser')
  })
  await check('a wrong password is refused in words, and what was typed stays', async () => {
    same(await signIn('not the password'), 401)
    await alert.getByText('Name and password do not belong together.').waitFor()
    same(await field('User name').inputValue(), NAME)
  })
  await looks(page, 'sign-in-wrong', alert)
  await check('guessing is slowed down, in words with the time', async () => {
    await until('slowed down', async () => await signIn('not the password') === 429)
    await alert.getByText(/Too many tries\. Wait \d+ seconds/).waitFor()
  })
  await looks(page, 'sign-in-throttled', alert)
  await must('after the wait the right password leads back to the record', async () => {
    await until('let in', async () => await signIn(PASSWORD) === 204)
    await heading(PATIENT.name).waitFor()
    same(page.url(), record, 'address')
  })
  // REQ-BROWSER-008
  second = await browser()
  second.context.on('request', note)
  const { page: elsewhere, troubles: others } = await watched(second.context, origin)
  await must('a password changed on another computer ends the session on this one', async () => {
    await elsewhere.goto(`${origin}/settings`)
    same(await signIn(PASSWORD, elsewhere), 204)
    await elsewhere.getByLabel('Password until now').fill(PASSWORD)
    await elsewhere.getByLabel('New password').fill(SECOND_PASSWORD)
    await elsewhere.getByLabel('The same once more').fill(SECOND_PASSWORD)
    await elsewhere.getByRole('button', { name: 'Keep this password' }).click()
    await elsewhere.getByText('Your password is changed. Your other sessions have ended.').waitFor()
    await phone.ask({ do: 'reading', draft: randomBytes(16).toString('hex'), ...LATER })
    await page.getByText('You were signed out. Sign in again to go on.').waitFor()
    same((await page.content()).includes(PATIENT.name), false, 'the name is still on the page')
  })
  await looks(page, 'session-ended', page.getByText('You were signed out.'))
  await must('signing in again leads back to where one was, and to what came meanwhile', async () => {
    same(await signIn(SECOND_PASSWORD), 204)
    await heading(PATIENT.name).waitFor()
    same(page.url(), record, 'address')
    await cell(LATER.systolic).waitFor()
  })

  // REQ-BROWSER-009
  const another = await withoutMouse(elsewhere)

  await notMine(page, { phone, record, reading: NOT_HERS })
  await glucoseUnit(page, elsewhere, { phone, record, glucose: GLUCOSE, converted: '5.8' })
  await deviceTable(page, home, { name: NAME })
  await accounts(page, elsewhere)
  await lostPhone(page, { phone, other: another.phone, record, otherRecord: another.record, later: AFTER, proof: PROOF })
  await onTheStation(page, home, { name: NAME, old: SECOND_PASSWORD, next: THIRD_PASSWORD })
  await check('no fault, no refused script or style, no request elsewhere', () => { same([...troubles, ...others], []) })

  // REQ-BROWSER-010
  await check('axe refuses a page that is spoilt (negative)', async () => {
    same(await axe(page), [], 'before')
    await page.evaluate(() => {
      document.querySelector('main h1').style.color = '#e8e8e8'
      document.querySelector('main button').replaceChildren()
      document.documentElement.removeAttribute('lang')
    })
    const found = (await axe(page)).map((line) => line.split(' ')[0])
    for (const rule of ['color-contrast', 'button-name', 'html-has-lang']) truth(found.includes(rule), `${rule} was not found, only: ${found.join(', ')}`)
  })
  // REQ-BROWSER-011
  await check('no name, number, digit, password or invite in any address or log', async () => {
    const secrets = [...SECRETS, THIRD_PASSWORD, AFTER.systolic, PROOF.systolic, NOT_HERS.systolic, PATIENT.name, PATIENT.name.split(' ')[0], PATIENT.record, PATIENT.phone, PASSWORD, SECOND_PASSWORD, OTHER.name, OTHER.record, invite.split('#')[1],
      home.link.split('#')[1], TYPED.systolic, TYPED.diastolic, LATER.systolic, LATER.diastolic, MEASURED.systolic]
    const encoded = secrets.flatMap((secret) => [secret, encodeURIComponent(secret), secret.replaceAll(' ', '+')])
    const places = [...asked.map((url) => ['an address', url]), ...home.logs().map(({ name, logged }) => [`the log of ${name}`, logged])]
    truth(asked.length > 100, 'addresses were noted')
    for (const { name, logged } of home.logs().filter(({ name }) => name !== 'phone' && name !== 'another')) truth(logged.length > 0, `${name} logs nothing at the finest level`)
    const found = (among) => [...new Set(encoded)].flatMap((secret) => among.filter(([, text]) => text.includes(secret)).map(([place]) => `${place} holds a secret: ${secret}`))
    same(found(places), [])
    for (const planted of ['/?name=Wilhelmina+Okonkwo-Baird', 'at=163.5']) same(found([['negative', planted]]).length > 0, true, `finding ${planted} (negative)`)
  })
  await check('the relay\'s disk holds none of them either', async () => {
    const files = (await readdir(home.relayFolder, { recursive: true, withFileTypes: true })).filter((file) => file.isFile())
    truth(files.length > 0, 'the relay has files')
    for (const file of files) {
      const bytes = await readFile(join(file.parentPath ?? file.path, file.name))
      for (const secret of [PATIENT.name, PATIENT.record, PATIENT.phone, OTHER.name, OTHER.record]) truth(!bytes.includes(secret), `${file.name} holds a secret: ${secret}`)
    }
  })
} catch (error) {
  if (!(error instanceof Stopped)) await check('the run itself', () => { throw error })
  for (const [n, open] of context.pages().entries()) await picture(open, `journey-stopped-${n}`).catch(() => undefined)
} finally {
  await first.close().catch(() => undefined)
  await second?.close().catch(() => undefined)
  await home?.stop()
  finish()
}

/** The whole way once more, from the sign-in to a reading, with no pointer at all. */
async function withoutMouse(page) {
  const keys = await byKeyboard(page)
  const heading = (name) => page.getByRole('heading', { level: 1, name })
  const button = (name) => page.getByRole('button', { name, exact: true })
  const field = (name) => page.getByRole('textbox', { name, exact: true })
  const fill = async (target, text) => { await keys.to(target); await keys.type(text) }
  const go = async (target) => { await keys.to(target); await keys.press('Enter') }

  await must('keyboard: sign out, sign in', async () => {
    await go(button('Sign out'))
    await heading(SIGN_IN).waitFor()
    await fill(field('User name'), NAME)
    await fill(page.getByLabel('Password'), SECOND_PASSWORD)
    await keys.press('Enter')
    await heading('Your settings').waitFor()
    await go(page.getByRole('link', { name: /All patients/ }))
    await heading('All patients').waitFor()
  })
  await must('keyboard: a new patient', async () => {
    await go(button('Add a patient'))
    await fill(field('Name'), OTHER.name)
    // the day is the month, so that the order of the date's parts does not matter
    await fill(page.getByLabel('Born'), '04041960')
    same(await page.getByLabel('Born').inputValue(), '1960-04-04')
    await fill(field('Record number'), OTHER.record)
    await fill(field('Telephone'), OTHER.phone)
    await go(button('Add this patient'))
    await keys.given('the new record\'s heading', heading(OTHER.name))
  })
  const invite = await must('keyboard: an invite', async () => {
    await go(button('Invite a phone'))
    await go(button('The patient is here: show it'))
    await page.getByRole('img', { name: /The invite as a square code/ }).waitFor()
    return (await page.locator('#invite-text').textContent()).trim()
  })
  const phone = await home.phone('another')
  await must('keyboard: the words compared, confirmed in person', async () => {
    await phone.ask({ do: 'join', invite, label: 'Hall phone' })
    const { link } = await phone.until('the clinic\'s answer', ({ link }) => link?.state === 'Pending')
    const words = page.getByRole('list', { name: 'Check words' }).getByRole('listitem')
    await words.first().waitFor()
    same((await words.allTextContents()).map((text) => text.replace(/^\d/, '')), [link.words].flat().join(' ').split(/\s+/), 'words')
    await keys.to(page.getByRole('radio', { name: /By telephone or video/ }))
    await keys.press('ArrowDown')
    await keys.seen()
    truth(await page.getByRole('radio', { name: 'The patient is here with me' }).isChecked(), 'the arrow key chose nothing')
    await picture(page, 'journey-keyboard-focus')
    await go(button('The words are the same: confirm'))
    await page.getByText('in person').waitFor()
    await phone.until('the confirmation', ({ link }) => link?.state === 'Confirmed')
  })
  await must('keyboard: a reading comes to the record and is seen', async () => {
    await go(page.getByRole('link', { name: 'To the readings' }))
    await heading(OTHER.name).waitFor()
    await phone.ask({ do: 'reading', draft: randomBytes(16).toString('hex'), ...TYPED })
    await page.getByRole('cell', { name: TYPED.systolic, exact: true }).waitFor()
    await phone.journal('seen', ([first]) => first?.seen)
  })
  await must('keyboard: no pointer was used, and every stop of the focus could be seen', async () => {
    same(await keys.pointed(), 0, 'presses of a pointer')
    truth(keys.stops() > 20, 'stops were looked at')
  })
  await must('a focus that cannot be seen is found (negative)', async () => {
    await keys.to(page.getByRole('link', { name: /All patients/ }).first())
    await page.evaluate(() => { document.activeElement.style.outline = 'none'; document.activeElement.style.boxShadow = 'none' })
    truth(await keys.seen().then(() => false, () => true), 'an invisible focus was taken for a visible one')
    await page.mouse.click(2, 2)
    truth(await keys.pointed() > 0, 'a pointer was not noticed')
  })
  return { phone, record: page.url() }
}
