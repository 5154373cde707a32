// What people do at a clinic besides looking at readings: make and end accounts, forget passwords, lose phones.
import { randomBytes } from 'node:crypto'
import { must, same, truth, until } from './ground.mjs'
import { looks } from './look.mjs'

const NURSE = 'Nurse Bell'
const PASSWORDS = ['ladder ocean violin', 'tulip anchor bridge']
export const SECRETS = [NURSE, ...PASSWORDS]
// a session's end is noticed at the next question, at the latest after 15 seconds
const NOTICED = { timeout: 40_000 }

const signedOut = (page) => page.getByText('You were signed out. Sign in again to go on.').waitFor(NOTICED)
const heading = (page, name) => page.getByRole('heading', { level: 1, name })

async function choose(page, link, password) {
  await page.goto(link)
  await heading(page, /Choose a password/).waitFor()
  await page.getByLabel('New password').fill(password)
  await page.getByLabel('The same once more').fill(password)
  await page.getByRole('button', { name: 'Keep this password' }).click()
  await heading(page, 'All patients').waitFor()
}

/** REQ-BROWSER-020: an administrator makes an account, forgets its password, ends it; each is felt at the other's browser.
    `page` is the administrator's, `elsewhere` is signed in too and becomes the nurse's. */
export async function accounts(page, elsewhere) {
  const shownLink = async () => (await page.locator('#one-time-link').textContent()).trim()
  await must('an account is made, and its link signs in once', async () => {
    await page.getByRole('link', { name: 'Accounts' }).click()
    await heading(page, 'Accounts').waitFor()
    await page.getByLabel('Name', { exact: true }).fill(NURSE)
    await page.getByRole('button', { name: 'Make the account' }).click()
    await page.getByText(`A link for ${NURSE}.`).waitFor()
    await elsewhere.getByRole('button', { name: 'Sign out' }).click()
    await elsewhere.getByRole('heading', { name: /^Sign in/ }).waitFor()
    await choose(elsewhere, await shownLink(), PASSWORDS[0])
  })
  await looks(page, 'accounts', page.getByText(`A link for ${NURSE}.`))
  await must('a clinician has no page of accounts or of the device table, and chooses nothing for the clinic', async () => {
    for (const [name, path] of [['Accounts', '/accounts'], ['Device table', '/devices']]) {
      same(await elsewhere.getByRole('link', { name }).count(), 0)
      await elsewhere.goto(new URL(path, elsewhere.url()).href)
      await elsewhere.getByRole('alert').getByText('Only an administrator may do this.').waitFor()
    }
    const table = JSON.stringify({ v: 1, rows: [] })
    for (const [path, body] of [['/api/devices/table', { table, over: 0 }], ['/api/devices/table/changes', { table }], ['/api/shown', { glucose_unit: 'mg/dL' }]]) {
      same(await elsewhere.evaluate(async ([path, body]) => (await fetch(path, { method: 'POST', headers: { 'x-teleward': '1' }, body })).status, [path, JSON.stringify(body)]), 403, path)
    }
  })
  await must('a forgotten password: the old one and the sessions end, a new link asks for another', async () => {
    await page.getByRole('button', { name: `Password forgotten… for ${NURSE}` }).click()
    await page.getByRole('heading', { name: `A new link for ${NURSE}?` }).waitFor()
    const before = await shownLink()
    await page.getByRole('button', { name: 'Forget the password, make a link' }).click()
    await until('another link', async () => await shownLink() !== before)
    await signedOut(elsewhere)
    same(await status(elsewhere, NURSE, PASSWORDS[0]), 401, 'the old password')
    await choose(elsewhere, await shownLink(), PASSWORDS[1])
  })
  await must('an account that was ended is out at once and for good', async () => {
    await page.getByRole('button', { name: `End… ${NURSE}` }).click()
    await looks(page, 'account-end', page.getByRole('heading', { name: `End ${NURSE}?` }))
    await page.getByRole('button', { name: `End ${NURSE}`, exact: true }).click()
    await page.getByRole('cell', { name: 'Ended' }).waitFor()
    await signedOut(elsewhere)
    same(await status(elsewhere, NURSE, PASSWORDS[1]), 401, 'the password')
  })
}

const status = (page, name, password) => page.evaluate(async (body) => (await fetch('/api/session', { method: 'POST', headers: { 'x-teleward': '1' }, body })).status, JSON.stringify({ name, password }))

/** REQ-BROWSER-021: a lost phone's link is ended from its patient's record: what is under way is said, and what it sends
    afterwards never stands there. `other` is the phone of another patient, at `record`. */
export async function lostPhone(page, { phone, other, record, otherRecord, later, proof }) {
  await must('a lost phone is ended, and what happens to mail under way is said', async () => {
    await page.goto(record)
    await page.getByRole('button', { name: 'This phone was lost…' }).click()
    await looks(page, 'link-end', page.getByText('What happened?'))
    await page.getByRole('button', { name: 'End this phone' }).click()
    await page.getByText(/The relay takes nothing more from this phone\./).waitFor()
    await page.getByText(/by Dr Ash: lost or stolen/).waitFor()
  })
  await looks(page, 'link-ended', page.getByText(/The relay takes nothing more/))
  await must('what it sends afterwards never comes, and others go on', async () => {
    await phone.ask({ do: 'reading', draft: randomBytes(16).toString('hex'), ...later })
    await other.ask({ do: 'reading', draft: randomBytes(16).toString('hex'), ...proof })
    await page.goto(otherRecord)
    await page.getByRole('cell', { name: proof.systolic, exact: true }).waitFor()
    const held = await phone.ask({ do: 'history' })
    const kept = held.find((reading) => reading.values.systolic === later.systolic)
    truth(kept && !kept.seen && kept.stage !== 'at the clinic', `the phone keeps it and does not call it stored: ${JSON.stringify(kept?.stage)}`)
    await page.goto(record)
    await page.getByRole('rowheader').first().waitFor()
    same(await page.getByRole('cell', { name: later.systolic, exact: true }).count(), 0, 'readings of an ended phone')
  })
}

/** REQ-BROWSER-022: when nobody can sign in, the station's own command line gives a link, and the old password is gone. */
export async function onTheStation(page, home, { name, old, next }) {
  await must('a password forgotten by the only administrator: the station\'s command line makes a link', async () => {
    const listed = await home.command('account', 'list')
    truth(listed.some((account) => account.name === name && account.role === 'administrator'), `the list names ${name}`)
    const { sign_in: link } = await home.command('account', 'reset', name)
    await signedOut(page)
    same(await status(page, name, old), 401, 'the old password')
    await choose(page, link, next)
    await must('and an account that is not there is refused in words', async () => {
      const refused = await home.command('account', 'reset', 'Nobody').then(() => null, (error) => String(error.stderr))
      truth(refused?.includes('account list'), `what the command said: ${refused}`)
    })
  })
}
