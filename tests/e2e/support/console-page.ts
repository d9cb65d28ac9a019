import type { Browser, BrowserContext, Locator, Page } from 'playwright-core'
import { recordBrowserCoverage } from '../../support/browser-coverage.ts'
import { waitUntil } from '../../environment/wait-until.ts'
import { watch, type Incidents } from './chat-page.ts'
import type { ChatServer } from './chat-server.ts'

/** The console in a browser, in the words of its operator. */
export interface ConsolePage {
  context: BrowserContext
  page: Page
  incidents: Incidents
  /** The link that has signed in. */
  link: string
  /** The chats of the shown view. */
  rows: Locator
  /** Who has the open chat. */
  who: Locator
  /** Opens the console anew, with this query. */
  show(query?: string): Promise<void>
  press(name: string): Promise<void>
  /** Opens the chat of this visitor from the shown view. */
  openChat(visitor: string): Promise<void>
  send(text: string): Promise<void>
  close(): Promise<void>
}

/** Who has not signed in is told so by the server, and Chromium writes that into its console. */
const EXPECTED = 'status of 401'

/** Asks for a link by the page's own form, and opens the one that the server prints. */
export async function signIn(
  { browser, server }: { browser: Browser; server: ChatServer },
  address: string,
  query = '',
): Promise<ConsolePage> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } })
  context.setDefaultTimeout(15_000)
  const page = await context.newPage()
  const saveCoverage = await recordBrowserCoverage(page)
  const incidents = await watch(page, server.url, false)
  await page.goto(`${server.url}console/`)
  await page.getByLabel('Your mail address').fill(address)
  const link = await nextLink(server, address, () =>
    page.getByRole('button', { name: 'Mail me a link' }).click(),
  )
  await page.goto('about:blank')
  await page.goto(`${server.url}console/${query}${new URL(link).hash}`)
  await page.locator('.views').waitFor()
  const { faults } = incidents
  faults.splice(0, Infinity, ...faults.filter((text) => !text.includes(EXPECTED)))
  const rows = page.locator('.chat-row')
  return {
    ...{ context, page, incidents, link, rows },
    who: page.getByTestId('who'),
    async show(more = '') {
      await page.goto(`${server.url}console/${more}`)
      await page.locator('.views').waitFor()
    },
    press: (name) => page.getByRole('button', { name, exact: true }).click(),
    openChat: (visitor) => rows.filter({ hasText: visitor }).click(),
    async send(text) {
      await page.getByLabel('Your message').fill(text)
      await page.getByLabel('Your message').press('Enter')
    },
    async close() {
      await saveCoverage()
      await context.close()
    },
  }
}

/** Returns the link that is printed because of `ask`. */
async function nextLink(
  server: ChatServer,
  address: string,
  ask: () => Promise<void>,
): Promise<string> {
  // Of a long output only the end is kept.
  const last = () =>
    server.output().split(`sign-in link for ${address}: `).slice(1).at(-1)?.split('\n')[0]
  const before = last()
  await ask()
  await waitUntil(async () => last() !== before)
  return last() ?? ''
}
