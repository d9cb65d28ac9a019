import { randomUUID } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import type { Browser } from 'playwright-core'
import { buildWeb } from '../../scripts/build-web.ts'
import { newSession, userEntry } from '../contract/store.support.ts'
import { findFreePort } from '../environment/servers/ports.ts'
import { waitUntil } from '../environment/wait-until.ts'
import {
  openTestBackend,
  startTestGateway,
  type TestBackend,
  type TestGateway,
} from '../support/test-gateway.ts'
import { describeWithBrowser, openBrowser } from './support/browser.ts'

const CONSOLE = fileURLToPath(new URL('../../web/console/dist/', import.meta.url))
const SESSIONS = 2000
/** Those in sight, and some beyond the edges. */
const MOST_ROWS = 40

describeWithBrowser('the console of a site with many chats', () => {
  let backend: TestBackend
  let gateway: TestGateway
  let browser: Browser

  beforeAll(async () => {
    await buildWeb()
    backend = await openTestBackend()
    const { sessions, messages } = backend.ports
    for (let index = 0; index < SESSIONS; index++) {
      const { session } = await sessions.create(newSession(randomUUID()))
      await messages.append(userEntry(session.id, { content: `Question ${index}` }))
    }
    const port = await findFreePort()
    gateway = await startTestGateway(
      { ...backend.ports, signInLinks: { deliver: async () => undefined } },
      {
        server: { port, allowedOrigins: [`http://127.0.0.1:${port}`] },
        operators: { list: [{ address: 'olga@site.org', role: 'admin' }] },
        consoleRoot: CONSOLE,
      },
    )
  }, 120_000)

  afterAll(async () => {
    await browser.close()
    await gateway.stop()
    await backend.close()
  })

  it('has the rows in sight alone in the page, however far it is scrolled', async () => {
    browser = await openBrowser()
    const page = await browser.newPage({ viewport: { width: 1280, height: 800 } })
    const link = new URL((await gateway.createSignInLink()) ?? '')
    const startedAt = performance.now()
    await page.goto(`${gateway.url}/chatbox/console/?view=assistant${link.hash}`)
    const rows = page.locator('.chat-row')
    await rows.first().waitFor()
    const tookMs = Math.round(performance.now() - startedAt)
    process.stdout.write(
      `time to the list of ${SESSIONS} sessions, with the sign-in: ${tookMs} ms\n`,
    )
    expect(await page.locator('.view-assistant .view-count').textContent()).toBe(String(SESSIONS))
    const first = await rows.first().textContent()
    const list = page.locator('#chats')
    const lengthOf = () => page.locator('#chats ul').evaluate((list) => list.clientHeight)
    for (let pages = 0; pages < 4; pages++) {
      const before = await lengthOf()
      await list.evaluate((element) => element.scrollTo(0, element.scrollHeight))
      await waitUntil(async () => (await lengthOf()) > before)
      expect(await rows.count()).toBeLessThanOrEqual(MOST_ROWS)
    }
    expect(await rows.first().textContent()).not.toBe(first)
    await list.evaluate((element) => element.scrollTo(0, 0))
    await waitUntil(async () => (await rows.first().textContent()) === first)
  }, 60_000)
})
