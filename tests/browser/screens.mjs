// Every screen of the console in every state, in light, dark and on 320 px, against a station made of memory.
import { people, start } from '../../clinic/console/dev/fake-station.mjs'
import { readOut } from './look.mjs'
import { Stopped, accessible, axe, browser, check, finish, must, picture, reflows, same, truth, until, watched } from './ground.mjs'

const LOOKS = [['light', 1440, 900, 'light'], ['dark', 1440, 900, 'dark'], ['320', 320, 800, 'light'], ['tablet', 820, 1100, 'light']]
// beside these, the last width of one arrangement of the page and the first of the next (console.css), and one between
const WIDTHS = [900, 901, 1024, 1180, 1181, 1439]
const PASSWORD = 'harbour lantern maple'
const fake = await start()
const { context, close } = await browser()
const { page, troubles } = await watched(context, fake.url)
const heading = (name) => page.getByRole('heading', { level: 1, name })

async function screen(name, ready) {
  for (const [look, width, height, scheme] of LOOKS) {
    await check(`${name}, ${look}`, async () => {
      await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' })
      await page.setViewportSize({ width, height })
      await ready.waitFor()
      await accessible(page)
      await reflows(page)
      await picture(page, `screen-${name}-${look}`)
    })
  }
  await check(`${name}, at every turn of the page`, async () => {
    await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' })
    for (const width of WIDTHS) {
      await page.setViewportSize({ width, height: 900 })
      await ready.waitFor()
      await reflows(page)
    }
  })
  await page.setViewportSize({ width: 1440, height: 900 })
}

try {
  // REQ-CONSOLE-001
  await page.goto(fake.url)
  await screen('sign-in', heading(/^Sign in to Harbour Road/))
  await check('axe finds what is wrong (negative)', async () => {
    await page.evaluate(() => { const bad = document.createElement('img'); bad.src = '/mark.svg'; bad.id = 'bad'; document.body.append(bad) })
    const found = await axe(page)
    truth(found.some((line) => line.startsWith('image-alt')), `an image without words was not found: ${found.join(', ')}`)
    await page.evaluate(() => document.getElementById('bad').remove())
  })
  await check('a page that is too wide is found (negative)', async () => {
    await page.evaluate(() => { const bad = document.createElement('p'); bad.textContent = 'x'.repeat(2000); bad.id = 'bad'; document.body.append(bad) })
    await fails('reflow', () => reflows(page))
    await page.evaluate(() => document.getElementById('bad').remove())
    await reflows(page)
  })
  await check('a table that sticks out of its card is found, though the page does not grow by it (negative)', async () => {
    for (const display of ['table', 'block']) {
      await page.evaluate((display) => {
        const [card, table, cell] = ['section', 'table', 'td'].map((name) => document.createElement(name))
        card.id = 'bad'
        card.className = 'panel'
        card.style.width = '300px'
        table.style.display = display
        cell.textContent = 'x'.repeat(60)
        table.insertRow().append(cell)
        card.append(table)
        document.body.append(card)
      }, display)
      const refused = await reflows(page).then(() => 'nothing', (error) => error.message)
      truth(/a table is \d+ px wider than its card: xxx/.test(refused) && !refused.includes('the page'), `found: ${refused}`)
      await page.evaluate(() => document.getElementById('bad').remove())
      await reflows(page)
    }
  })
  await check('a fault, a refused style and a request elsewhere are noted (negative)', async () => {
    const spoilt = await watched(context, fake.url)
    await spoilt.page.goto(`${fake.url}/sign-in`)
    await spoilt.page.evaluate(() => {
      setTimeout(() => { throw new Error('on purpose') })
      const style = document.createElement('style')
      style.textContent = 'body { color: red }'
      document.head.append(style)
    })
    // the policy stops a page's own requests before they are made; a page that leads elsewhere makes one
    await spoilt.page.goto('http://127.0.0.1:9/elsewhere').catch(() => undefined)
    await until('all three', () => ['fault:', 'console:', 'request elsewhere:'].every((what) => spoilt.troubles.some((line) => line.startsWith(what))))
    await spoilt.page.close()
  })
  await page.goto(`${fake.url}/sign-in#not-a-token`)
  await screen('sign-in-link-used', page.getByText('This link was used or is too old.'))
  await page.getByLabel('User name').fill('A. Lindqvist')
  await page.getByLabel('Password').fill('wrong')
  for (let i = 0; i < 4; i += 1) await Promise.all([page.waitForResponse(/api\/session$/), page.getByRole('button', { name: 'Sign in' }).click()])
  await screen('sign-in-throttled', page.getByText(/Too many tries\. Wait \d+ seconds/))
  await check('what was typed is kept after a refusal, and the focus is on the words', async () => {
    same(await page.getByLabel('User name').inputValue(), 'A. Lindqvist')
    await until('focus', () => page.evaluate(() => document.activeElement?.getAttribute('role') === 'alert'))
  })

  await page.goto(`${fake.url}${fake.link()}`)
  await screen('password-first', heading(/Choose a password/))
  await page.getByLabel('New password').fill('short')
  await page.getByLabel('The same once more').fill('short')
  await page.getByRole('button', { name: 'Keep this password' }).click()
  await screen('password-weak', page.getByRole('alert'))
  await page.getByLabel('New password').fill(PASSWORD)
  await page.getByLabel('The same once more').fill(PASSWORD)
  await page.getByRole('button', { name: 'Keep this password' }).click()
  await must('a first password leads to the patients', () => heading(/0 patients/).waitFor())
  await screen('patients-none', heading(/0 patients/))
  await page.getByRole('button', { name: 'Add a patient' }).click()
  await screen('patient-new', page.getByRole('heading', { name: 'A new patient' }))
  await page.getByRole('button', { name: 'Cancel' }).click()

  const who = people(fake)
  await screen('patients', page.getByRole('link', { name: 'Margaret Adeyemi' }))
  await check('the list says how many of how many, and every state has words', async () => {
    await page.getByText('Showing all 5 of 5.').waitFor()
    for (const words of ['Confirmed', 'Pending: words not compared', 'No phone yet', 'Ended', 'Measurement failed']) await page.getByText(words).first().waitFor()
  })
  await check('keys: j, k, Enter, /, g t, ?', async () => {
    await page.locator('main').focus()
    await page.keyboard.press('j')
    same(await page.evaluate(() => document.activeElement?.id), 'row-1', 'after j')
    await page.keyboard.press('j')
    await page.keyboard.press('k')
    same(await page.evaluate(() => document.activeElement?.id), 'row-1', 'after j k')
    const name = await page.evaluate(() => document.activeElement?.textContent)
    await page.keyboard.press('Enter')
    await heading(name).waitFor()
    await until('focus on the heading', () => page.evaluate(() => document.activeElement?.tagName === 'H1'))
    await page.keyboard.press('g')
    await page.keyboard.press('t')
    await heading('All patients').waitFor()
    await page.keyboard.press('/')
    same(await page.evaluate(() => document.activeElement?.id), 'find', 'after /')
    await page.keyboard.type('20991')
    await page.getByText('Showing 1 of 5').waitFor()
    await page.keyboard.press('Enter')
    await page.getByRole('link', { name: 'Dilip Raman' }).waitFor()
    await page.getByLabel('Find a patient').fill('')
    await page.locator('main').focus()
    await page.keyboard.press('?')
    await page.getByRole('dialog').waitFor()
  })
  await screen('keys', page.getByRole('dialog'))
  await page.keyboard.press('Escape')
  await check('the skip link is first, and leads to the content', async () => {
    await page.goto(fake.url)
    await heading('All patients').waitFor()
    await page.evaluate(() => document.activeElement?.blur())
    await page.keyboard.press('Tab')
    same(await page.evaluate(() => document.activeElement?.textContent), 'Skip to the content')
    await page.keyboard.press('Enter')
    await until('focus', () => page.evaluate(() => document.activeElement?.id === 'main'))
  })

  await page.getByRole('link', { name: 'Margaret Adeyemi' }).click()
  await screen('patient', heading('Margaret Adeyemi'))
  await check('a new reading comes by itself, is announced, and is told as seen', async () => {
    const reading = fake.arrive(who.margaret, { values: { systolic: '141', diastolic: '88', mean_arterial: '106', pulse_rate: '70' } })
    await page.getByRole('cell', { name: '141', exact: true }).waitFor()
    await page.locator('p.sr[role=status]', { hasText: '1 new reading arrived.' }).waitFor({ state: 'attached' })
    await until('seen', () => reading.seen?.by === 'A. Lindqvist')
  })
  await page.getByRole('button', { name: 'This phone was lost…' }).click()
  await screen('link-end', page.getByText('What happened?'))
  await page.getByRole('button', { name: 'End this phone' }).click()
  await screen('link-ended', page.getByText('What the phone had handed over before now'))
  await check('who ended it, and why, stays after the page is loaded again', async () => {
    await page.reload()
    await page.getByText(/by A\. Lindqvist: lost or stolen/).waitFor()
  })
  await summerTime()
  await onlyAPersonLooks()
  await page.goto(`${fake.url}/patients/${who.dilip}`)
  await screen('patient-pending', page.getByText('Do both screens show the same six words?'))
  await page.getByRole('button', { name: 'Not the same' }).click()
  await screen('patient-words-differ', page.getByRole('radio', { name: 'The words were not the same', checked: true }))
  await page.goto(`${fake.url}/patients/${who.ingrid}`)
  await screen('patient-late', page.getByText(/overdue/))
  await page.goto(`${fake.url}/patients/${who.joan}`)
  await screen('patient-none', page.getByText('No reading yet'))
  await page.goto(`${fake.url}/patients/${who.dilip}/invite`)
  await screen('invite-way', page.getByText('How does the invite reach the patient?'))
  await page.getByRole('button', { name: 'The patient is here: show it' }).click()
  await screen('invite', page.locator('#invite-text'))
  fake.join(who.dilip)
  await screen('invite-used', page.getByText('Used.'))
  await page.goto(`${fake.url}/findings`)
  await screen('findings', heading('Findings'))
  await check('what was closed stays to be read, with who and when', async () => {
    await page.getByRole('button', { name: 'Done with this' }).first().click()
    await page.getByText('Closed: 1').click()
    await page.getByText(/done, A\. Lindqvist/).waitFor()
  })
  await page.goto(`${fake.url}/accounts`)
  await page.getByLabel('Name').fill('Dr Osborne')
  await page.getByRole('button', { name: 'Make the account' }).click()
  await screen('accounts', page.getByText('A link for Dr Osborne.'))
  await page.getByRole('button', { name: 'End… Dr Osborne' }).click()
  await screen('account-end', page.getByRole('heading', { name: 'End Dr Osborne?' }))
  await check('ending an account asks first, and one\'s own has no such button', async () => {
    same(await page.getByRole('button', { name: 'End… A. Lindqvist' }).count(), 0)
    await page.getByRole('button', { name: 'End Dr Osborne', exact: true }).click()
    await page.getByRole('cell', { name: 'Ended' }).waitFor()
  })
  await deviceTable()
  await page.goto(`${fake.url}/settings`)
  await screen('settings', heading('Your settings'))
  await glucose()
  await observations()
  await unitChanges()
  await struckThrough()
  await page.goto(`${fake.url}/nowhere`)
  await screen('no-such-page', heading('There is no such page'))
  fake.relayGone()
  await page.goto(fake.url)
  await screen('delayed', page.getByText('DELAYED'))
  fake.endSessions()
  fake.changed([], ['status'])
  await screen('session-ended', page.getByText('You were signed out. Sign in again to go on.'))
  await page.getByLabel('User name').fill('A. Lindqvist')
  await page.getByLabel('Password').fill(PASSWORD)
  fake.state.throttled = 0
  await page.getByRole('button', { name: 'Sign in' }).click()
  await must('after a session has ended, signing in leads back', () => page.getByRole('link', { name: 'Margaret Adeyemi' }).waitFor())
  await fake.stop()
  await screen('station-gone', page.getByText(/^The station does not answer\. What you see is older/))
  await check('no fault, no refused script or style, no request elsewhere', () => { same(troubles, []) })
} catch (error) {
  if (!(error instanceof Stopped)) await check('the run itself', () => { throw error })
  await picture(page, 'screen-stopped').catch(() => undefined)
} finally {
  await close()
  await fake.stop().catch(() => undefined)
  finish()
}

/** A checker must be able to fail. */
async function fails(what, body) {
  const refused = await Promise.resolve().then(body).then(() => false, () => true)
  truth(refused, `${what} finds nothing wrong`)
}

/** REQ-CONSOLE-061: an administrator sees which table of device models is in force and what a file would change, in words,
    before it is adopted; what is no table, and what is older, is refused beside the file. */
async function deviceTable() {
  const file = page.getByLabel('The file')
  const look = async (name, text) => {
    await file.setInputFiles({ name, mimeType: 'application/json', buffer: Buffer.from(text) })
    await page.getByRole('button', { name: 'See what it changes' }).click()
  }
  await page.goto(`${fake.url}/devices`)
  await screen('devices-none', page.getByText('No table was adopted.'))
  await look('broken.json', '{')
  await screen('devices-no-table', page.getByRole('alert'))
  await check('a file that is no table is refused in words, and the focus is on them', async () => {
    await page.getByRole('alert').getByText(/This is no table of devices/).waitFor()
    await until('focus', () => page.evaluate(() => document.activeElement?.getAttribute('role') === 'alert'))
  })
  await check('a file that is too long is not even sent', async () => {
    await look('long.json', ' '.repeat(256 * 1024 + 1))
    await page.getByRole('alert').getByText(/more than 256 KiB/).waitFor()
  })
  await look('first.json', JSON.stringify(models('2026-11-01')))
  const offer = page.getByRole('heading', { level: 2, name: /^What .* changes$/ })
  await screen('devices-first', offer)
  await page.getByRole('button', { name: 'Adopt as A. Lindqvist' }).click()
  await screen('devices-adopted', page.getByText('Adopted.', { exact: true }))
  await check('what is in force says its number, its date, since when and by whom', async () => {
    for (const text of ['1764000001', '1 Nov 2026', 'A. Lindqvist']) await page.getByRole('definition').filter({ hasText: text }).first().waitFor()
  })
  const next = models('2026-11-20')
  next.rows[0].behaviours = [{ do: 'pairing_mode', how: 'Hold START until Pr blinks.' }, { do: 'no_instant_reconnect' }, { do: 'settle', ms: 800 }]
  next.rows = [next.rows[0], { ...next.rows[1], id: 'scale-2', match: { maker: ['Test*'], model: ['S-2', 'S-3'] } }, next.rows[2]]
  await look('next.json', JSON.stringify(next))
  await screen('devices-changes', offer)
  await check('what a newer file changes stands there row by row, in words', async () => {
    await page.getByText('1 added, 1 changed, 1 removed, 1 as before.').waitFor()
    for (const text of ['Devices made by “Test*”, of the model “S-2” or “S-3”', 'Now: The patient is told how to pair: “Hold START until Pr blinks.” Before: The patient is told how to pair: “Hold START until Pr stands there.”', 'New: They are given 800 milliseconds after connecting.', 'No longer: Their pairing must not be removed.', 'Devices called “Old Scale*”']) await page.getByText(text).first().waitFor()
    same(fake.state.table.issued, '2026-11-01', 'in force before anything was adopted')
  })
  await check('what another administrator adopted meanwhile is not overwritten unseen', async () => {
    fake.adopt(models('2026-11-10'), 'Dr Osborne')
    await page.getByRole('button', { name: 'Adopt as A. Lindqvist' }).click()
    await page.getByText(/Another table was adopted since you looked/).waitFor()
    same(fake.state.table.adopted_by, 'Dr Osborne', 'in force')
    await page.getByRole('button', { name: 'Adopt as A. Lindqvist' }).click()
    await page.getByText('Adopted.', { exact: true }).waitFor()
    same([fake.state.table.issued, fake.state.table.adopted_by], ['2026-11-20', 'A. Lindqvist'], 'in force')
  })
  await look('older.json', JSON.stringify(models('2026-11-19')))
  await screen('devices-older', page.getByRole('alert'))
  await check('an older file is refused with both dates', async () => {
    await page.getByRole('alert').getByText(/issued on 2026-11-19, the one in force on 2026-11-20/).waitFor()
    same(fake.state.table.issued, '2026-11-20', 'in force')
  })
  await page.getByText('What it says').click()
  await screen('devices-rows', page.getByText('What it says'))
}

/** REQ-CONSOLE-068: what a health sensor observed stands under its own name: a number, several, samples with their picture,
    an answer, and one that nobody has a name for. */
async function observations() {
  const ada = fake.addPatient({ name: 'Ada Whitlock', born: '1949-08-12', record_number: 'HR-5' })
  fake.join(ada, { state: 'confirmed' })
  const sent = (code, word, values, units, more = {}) => fake.arrive(ada, { kind: 'observation', device: { maker: 'Test', model: 'Sensor', serial_tail: '31' }, values, units, ...more, coded: [{ name: 'observation', code, word }, ...more.coded ?? []] })
  sent('184327', null, {}, {}, { coded: [{ name: 'value', code: '147232', word: null }] })
  sent('147457', null, { mdc_147457: '84.2' }, { mdc_147457: 'kg' })
  sent('188928', 'fvc', { fev1: '2.85', fev1_fvc: null, peak_flow: '412' }, { fev1: 'L', fev1_fvc: '%', peak_flow: 'L/min' })
  const beat = [500, 520, 500, 480, 1000, 0, 470, 500, 560, 600, 560, 500]
  sent('131329', 'ecg_lead_i', { duration: '3.000', highest: '1.250', lowest: '-0.310', samples: '750' }, { duration: 's', highest: 'mV', lowest: 'mV', samples: '1' }, { outline: Array.from({ length: 120 }, (_, n) => beat[n % beat.length]) })
  sent('151562', 'respiratory_rate', { respiratory_rate: null }, { respiratory_rate: '/min' }, { absent: 'measurement_failed', doubts: ['measurement_failed'] })
  sent('151562', 'respiratory_rate', { respiratory_rate: '14.0' }, { respiratory_rate: '/min' })
  await page.goto(`${fake.url}/patients/${ada}`)
  await screen('observations', page.getByRole('heading', { name: 'Breathing rate' }))
  await check('each code has a heading and a table of its own, samples have their picture, and words say the same', async () => {
    for (const name of ['Breathing rate', 'ECG, lead I', 'FVC', 'Observation (MDC 147457)', 'Observation (MDC 184327)']) await page.getByRole('region', { name, exact: true }).waitFor()
    await page.getByRole('img', { name: 'ECG, lead I: 750 samples over 3.000\u00a0s, from -0.310 to 1.250\u00a0mV' }).waitFor()
    await page.getByRole('cell', { name: 'Measurement failed' }).waitFor()
    await page.getByRole('cell', { name: 'MDC 147232' }).waitFor()
    await page.getByRole('region', { name: 'FVC', exact: true }).getByText('FEV1 2.85\u00a0L').waitFor()
  })
  await page.goto(fake.url)
  await check('the list of patients says what was observed', async () => {
    await page.getByRole('row').filter({ hasText: 'Ada Whitlock' }).getByText('Breathing rate: 14.0\u00a0/min').waitFor()
  })
}

/** REQ-CONSOLE-064: blood glucose stands in the unit that the clinic chose, in chart, table, tool tip and list alike, and
    each value that was converted has what was sent beside it. */
async function glucose() {
  const grace = fake.addPatient({ name: 'Grace Sugden', born: '1958-04-01', record_number: 'HR-4' })
  fake.join(grace, { state: 'confirmed' })
  const day = 24 * 3_600_000
  const sent = (days, text, unit, more = {}) => fake.arrive(grace, { kind: 'glucose', effective: new Date(Date.now() - days * day).toISOString(), device: { maker: 'Test', model: 'Meter', serial_tail: '77' }, values: { glucose: text, carbohydrate: null, medication: null }, units: { glucose: unit, carbohydrate: 'g', medication: 'mg' }, ...more })
  for (let days = 9; days > 3; days -= 1) sent(days, String(96 + 11 * days), 'mg/dL')
  sent(3, '5.80', 'mmol/L')
  sent(2, null, 'mg/dL', { absent: 'above_range', doubts: ['above_range'] })
  sent(1.5, '100', 'mg/dL', { coded: [{ name: 'meal', code: '3', word: 'fasting' }] })
  sent(1, '423', 'mg/dL')
  const table = () => page.getByRole('region', { name: 'Blood glucose', exact: true })
  const tips = () => page.locator('.chart .point title').allTextContents()
  await page.goto(`${fake.url}/patients/${grace}`)
  await screen('glucose-as-sent', page.getByText('mg/dL').first())
  await check('before the clinic has chosen, the newest reading\'s unit counts, and what is in the other is converted', async () => {
    await page.getByRole('cell', { name: '104 converted from 5.80 mmol/L' }).waitFor()
    truth((await tips()).some((tip) => tip.endsWith(': 104\u00a0mg/dL, converted from 5.80\u00a0mmol/L')), `tool tips: ${(await tips()).join(' | ')}`)
  })
  await page.goto(`${fake.url}/settings`)
  await page.getByRole('radio', { name: 'mmol/L' }).check()
  await page.getByRole('button', { name: 'Keep this unit' }).click()
  await screen('settings-unit-kept', page.getByText('The unit of blood glucose is chosen'))
  await page.goto(`${fake.url}/patients/${grace}`)
  await screen('glucose-mmol', page.getByText('23.5').first())
  await check('axis, table, tool tip and the sentence agree, and what was sent stands beside each', async () => {
    await page.getByRole('columnheader', { name: 'Glucose mmol/L' }).waitFor()
    await page.getByRole('cell', { name: '23.5 converted from 423 mg/dL' }).waitFor()
    await page.getByRole('cell', { name: '5.6 converted from 100 mg/dL' }).waitFor()
    await page.getByRole('cell', { name: '5.80', exact: true }).waitFor()
    await page.getByRole('cell', { name: /^HI/ }).waitFor()
    const found = await tips()
    same(found.length, 9, 'points')
    for (const end of [': 23.5\u00a0mmol/L, converted from 423\u00a0mg/dL', ': 5.80\u00a0mmol/L']) truth(found.some((tip) => tip.endsWith(end)), `no tool tip ends with ${end}: ${found.join(' | ')}`)
    same(await page.locator('.chart text').filter({ hasText: /^(3\.9|7\.8|10\.0|13\.9|19\.4)$/ }).count(), 5, 'lines of the axis')
    await page.getByText('↑ 23.5').waitFor()
    await table().getByText(/Newest: 23\.5\u00a0mmol\/L \(converted from 423\u00a0mg\/dL\)/).waitFor()
    await page.getByText(/Converted: 8 values, 1 mmol\/L = 18\.0156 mg\/dL/).waitFor()
    const label = await page.getByRole('img', { name: /^Blood glucose, 9 readings/ }).getAttribute('aria-label')
    truth(label.endsWith('newest 23.5 millimoles a litre, converted from 423\u00a0mg/dL'), label)
  })
  await page.goto(fake.url)
  await check('the list of patients has the same', async () => {
    const row = page.getByRole('row').filter({ hasText: 'Grace Sugden' })
    await row.getByText('23.5\u00a0mmol/L').waitFor()
    await row.getByText(/converted from 423/).waitFor()
  })
  await check('a clinician is offered no choice for the clinic, and the station takes none (negative)', async () => {
    const account = fake.state.accounts[0]
    account.role = 'clinician'
    await page.goto(`${fake.url}/settings`)
    await heading('Your settings').waitFor()
    same(await page.getByRole('button', { name: 'Keep this unit' }).count(), 0)
    same(await page.getByRole('link', { name: 'Device table' }).count(), 0)
    const refused = await page.evaluate(() => Promise.all(['/api/shown', '/api/devices/table', '/api/devices/table/changes'].map(async (path) => (await fetch(path, { method: 'POST', headers: { 'x-teleward': '1' }, body: '{"table":"{}","over":0,"glucose_unit":null}' })).status)))
    same(refused, [403, 403, 403])
    await page.goto(`${fake.url}/devices`)
    await page.getByRole('alert').getByText('Only an administrator may do this.').waitFor()
    account.role = 'administrator'
  })
}

/** REQ-CONSOLE-069: the page converts nothing itself, so rows that were read in a unit that counts no more are asked for anew:
    however far one has gone back, no table has two units of one value. */
async function unitChanges() {
  const otto = fake.addPatient({ name: 'Otto Marsh', born: '1961-09-09', record_number: 'HR-6' })
  fake.join(otto, { state: 'confirmed' })
  const hour = 3_600_000
  for (let n = 130; n > 0; n -= 1) fake.arrive(otto, { kind: 'glucose', effective: new Date(Date.now() - n * 4 * hour).toISOString(), values: { glucose: String(90 + (n % 40)), carbohydrate: null, medication: null }, units: { glucose: 'mg/dL', carbohydrate: 'g', medication: 'mg' } })
  const rows = page.locator('table.cards tbody tr')
  const converted = page.getByRole('cell', { name: /converted from/ })
  const older = page.getByRole('button', { name: 'Older readings' })
  const all = async () => {
    await older.click()
    await until('all rows', async () => await rows.count() === 130)
  }
  await page.goto(`${fake.url}/patients/${otto}`)
  await check('a unit that another administrator chooses counts for the rows of all pages, also for older ones', async () => {
    await page.getByRole('columnheader', { name: 'Glucose mmol/L' }).waitFor()
    await all()
    same(await converted.count(), 130, 'converted')
    fake.state.glucoseUnit = 'mg/dL'
    fake.changed([], ['status'])
    await page.getByRole('columnheader', { name: 'Glucose mg/dL' }).waitFor()
    same([await rows.count(), await converted.count()], [100, 0], 'rows, and converted ones')
    await all()
    same([await converted.count(), await page.getByText('in mmol/L').count()], [0, 0], 'in the other unit')
  })
  await check('so does the unit of a newer reading where none is chosen', async () => {
    fake.state.glucoseUnit = null
    fake.arrive(otto, { kind: 'glucose', effective: new Date().toISOString(), values: { glucose: '6.2', carbohydrate: null, medication: null }, units: { glucose: 'mmol/L', carbohydrate: 'g', medication: 'mg' } })
    await page.getByRole('columnheader', { name: 'Glucose mmol/L' }).waitFor()
    same([await rows.count(), await converted.count()], [100, 99], 'rows, and converted ones')
  })
}

/** REQ-CONSOLE-065: a reading that was somebody else's is read out as such, number by number, by what Chromium itself gives
    to a screen reader; the line alone says nothing there. */
async function struckThrough() {
  const rosa = fake.addPatient({ name: 'Rosa Struck', born: '1949-01-01', record_number: 'HR-5' })
  fake.join(rosa, { state: 'confirmed', label: 'Hall phone' })
  fake.arrive(rosa, { effective: new Date(Date.now() - 7_200_000).toISOString() })
  fake.arrive(rosa, { values: { systolic: '163', diastolic: '97', mean_arterial: null, pulse_rate: '88' }, said: { what: 'not_me', at: new Date(Date.now() - 60_000).toISOString(), link_label: 'Hall phone', user: 2, stored: new Date().toISOString() } })
  await page.goto(`${fake.url}/patients/${rosa}`)
  await screen('struck-through', page.getByText('Not this patient’s', { exact: true }))
  await check('its row is read out with what it is, each number with it, and who said so and why', async () => {
    const heard = await readOut(page, 'tr:has(s)')
    for (const text of ['Not this patient’s', 'Struck through: 163', 'Struck through: 97', 'Struck through: 88', 'user 2 of the device is somebody else', 'Hall phone']) truth(heard.includes(text), `${text} is not in: ${heard}`)
    truth(!(await readOut(page, 'tr:not(:has(s)):has(td)')).includes('Struck through'), 'a row that counts is read out as struck through')
  })
  await check('a line without words is found (negative)', async () => {
    await page.evaluate(() => { for (const words of document.querySelectorAll('tr:has(s) .sr')) words.remove() })
    truth(!(await readOut(page, 'tr:has(s)')).includes('Struck through: 163'), 'the line itself was taken for words')
  })
}

/** A table of three models. */
function models(issued) {
  const row = (id, about, match, behaviours) => ({ id, about, match, behaviours, proof: 'reported', sources: ['the maker\'s instructions for use'], frames: [] })
  return { v: 1, issued, rows: [
    row('and', 'A&D cuffs pair in pairing mode only, and rest after a connection.', { name: ['A&D_*'] }, [{ do: 'pairing_mode', how: 'Hold START until Pr stands there.' }, { do: 'no_instant_reconnect' }, { do: 'keep_bond' }]),
    row('old-scale', 'An old scale that sends its whole memory each time.', { name: ['Old Scale*'] }, [{ do: 'sends_all_each_time' }]),
    row('own-cuff', 'A cuff whose frames are no standard ones.', { maker: ['Own'], service: ['1810'] }, [{ do: 'own_layout', characteristic: '2a35' }]),
  ] }
}

/** REQ-CONSOLE-002: times stand right, and are told apart, on both sides of a change of the clocks, here and there. */
async function summerTime() {
  const london = fake.addPatient({ name: 'Spring Autumn', born: '1950-01-01', record_number: 'HR-1' })
  fake.join(london, { state: 'confirmed' })
  for (const at of ['2026-03-29T00:59:00.000Z', '2026-03-29T01:00:00.000Z', '2026-10-25T00:30:00.000Z', '2026-10-25T01:30:00.000Z', '2026-10-25T02:30:00.000Z']) fake.arrive(london, { effective: at, zone_offset: at > '2026-03-29T01' && at < '2026-10-25T01' ? '+01:00' : '+00:00' })
  await page.goto(`${fake.url}/patients/${london}`)
  await screen('summer-time', heading('Spring Autumn'))
  await check('the doubled hour is told apart, and the lost hour is not shown', async () => {
    same(await page.getByRole('rowheader').allTextContents(), ['Sun 25 Oct 2026, 02:30', 'Sun 25 Oct 2026, 01:30 (GMT)', 'Sun 25 Oct 2026, 01:30 (GMT+1)', 'Sun 29 Mar 2026, 02:00', 'Sun 29 Mar 2026, 00:59'])
  })
  const york = fake.addPatient({ name: 'Over There', born: '1950-01-01', record_number: 'HR-2', zone: 'America/New_York' })
  fake.join(york, { state: 'confirmed' })
  // New York's clocks go forward on 8 March and back on 1 November, London's on 29 March and 25 October
  for (const [at, zone_offset] of [['2026-03-20T12:00:00.000Z', '-04:00'], ['2026-10-25T01:30:00.000Z', '-04:00'], ['2026-11-01T05:30:00.000Z', '-04:00'], ['2026-11-01T06:30:00.000Z', '+09:00']]) fake.arrive(york, { effective: at, zone_offset })
  await page.goto(`${fake.url}/patients/${york}`)
  await screen('two-zones', heading('Over There'))
  await check('both clocks stand there, each right for its day, and a phone that was elsewhere is told', async () => {
    same(await page.getByRole('rowheader').allTextContents(), [
      'Sun 1 Nov 2026, 01:30 patient\'s time (GMT-5), 06:30 clinic\'s', 'Sun 1 Nov 2026, 01:30 patient\'s time (GMT-4), 05:30 clinic\'s',
      'Sat 24 Oct 2026, 21:30 patient\'s time (GMT-4), Sun 25 Oct 2026, 01:30 (GMT) clinic\'s', 'Fri 20 Mar 2026, 08:00 patient\'s time (GMT-4), 12:00 clinic\'s'])
    await page.getByText('the phone\'s clock was at GMT+09:00').waitFor()
  })
}

/** REQ-CONSOLE-003, REQ-CONSOLE-004: only a person makes a reading seen, and only a person keeps a session. */
async function onlyAPersonLooks() {
  const ada = fake.addPatient({ name: 'Ada Quiet', born: '1950-01-01', record_number: 'HR-3' })
  fake.join(ada, { state: 'confirmed' })
  for (let i = 1; i <= 60; i += 1) fake.arrive(ada, { effective: new Date(Date.now() - (61 - i) * 3_600_000).toISOString() })
  await page.clock.install()
  await page.goto(`${fake.url}/patients/${ada}`)
  await heading('Ada Quiet').waitFor()
  const all = fake.state.readings.get(ada)
  await check('rows that nobody scrolled to are not told as seen', async () => {
    await until('the first are', () => all[0].seen !== null)
    same(all[59].seen, null, 'the last row, far below')
    await page.getByRole('row').last().scrollIntoViewIfNeeded()
    await until('the last is', () => all[59].seen !== null)
    await page.mouse.wheel(0, -20_000)
    await until('at the top', () => page.evaluate(() => scrollY === 0))
  })
  await page.clock.fastForward('03:00')
  const alone = fake.arrive(ada, { values: { systolic: '149', diastolic: '91', mean_arterial: '110', pulse_rate: '77' } })
  await screen('nobody-looks', page.getByText(/Nobody is at the console/))
  await check('what arrives while nobody is there is shown and not told as seen', async () => {
    await page.getByRole('cell', { name: '149', exact: true }).waitFor()
    same(alone.seen, null)
    const uses = fake.used.length
    await page.clock.fastForward('10:00')
    same(fake.used.length, uses, 'requests that claim somebody is there')
  })
  await page.clock.fastForward('20:00')
  await screen('soon-signed-out', page.getByText(/In two minutes it signs out/))
  await check('a movement makes it seen, and is told to the station as use', async () => {
    const uses = fake.used.length
    await page.mouse.move(300, 300)
    await page.mouse.move(310, 310)
    await until('seen', () => alone.seen !== null)
    await page.clock.runFor('00:16')
    await until('use', () => fake.used.length > uses)
    await until('the warning is gone', async () => await page.getByText(/In two minutes it signs out/).count() === 0)
  })
  await page.clock.resume()
}
