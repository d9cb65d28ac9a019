import { afterAll, afterEach, beforeAll, expect } from '@jest/globals'
import type { Browser, BrowserContextOptions, Locator, Page } from 'playwright-core'
import { recordBrowserCoverage } from '../../support/browser-coverage.ts'
import { openBrowser } from './browser.ts'

/** What a page did that it must never do. */
export interface Incidents {
  /** Violations of the content security policy, errors of scripts, and what the console complained of. */
  faults: string[]
  /** Requests to anywhere but the page's own server. */
  foreignRequests: string[]
}

/** The chat page in a browser, in the words of its user. */
export interface ChatPage {
  page: Page
  incidents: Incidents
  input: Locator
  /** Finished replies. */
  replies: Locator
  /** The reply that is being written. */
  draft: Locator
  questions: Locator
  unsent: Locator
  ask(text: string): Promise<void>
  /** Waits until so many replies are finished, and answers the text of the last one. */
  waitForReply(count: number): Promise<string>
  close(): Promise<void>
}

interface ChatPages {
  browser: Browser
  /** Opens the chat in a context of its own, so as a visitor of its own unless `storageState` says else. */
  open(url: string, options?: ChatPageOptions): Promise<ChatPage>
}

export interface ChatPageOptions extends BrowserContextOptions {
  /** Network faults of the test's own making show up in the console. */
  allowNetworkErrors?: boolean
}

const TIMEOUT_MS = 15_000
const DESKTOP = { width: 1200, height: 800 }

/** A suite's pages in one browser. Each is closed after its test, and did nothing that it must never do. */
export function useChatPages(): ChatPages {
  let browser: Browser
  const opened: ChatPage[] = []
  beforeAll(async () => {
    browser = await openBrowser()
  }, 60_000)
  afterEach(async () => {
    const pages = opened.splice(0)
    for (const page of pages) await page.close()
    for (const { incidents } of pages) {
      expect(incidents).toEqual({ faults: [], foreignRequests: [] })
    }
  })
  afterAll(async () => {
    await browser.close()
  })
  return {
    get browser() {
      return browser
    },
    async open(url, options) {
      const page = await openChatPage(browser, url, options)
      opened.push(page)
      return page
    },
  }
}

async function openChatPage(
  browser: Browser,
  url: string,
  { allowNetworkErrors = false, ...options }: ChatPageOptions = {},
): Promise<ChatPage> {
  const context = await browser.newContext({ viewport: DESKTOP, ...options })
  context.setDefaultTimeout(TIMEOUT_MS)
  const page = await context.newPage()
  const saveCoverage = await recordBrowserCoverage(page)
  const incidents = await watch(page, url, allowNetworkErrors)
  await page.goto(url)
  const input = page.getByLabel('Your message')
  await input.waitFor()
  const replies = page.locator('.row-reply:has(.meta)')
  return {
    page,
    incidents,
    input,
    replies,
    draft: page.locator('.row-live'),
    questions: page.locator('.row-user:not(.row-unsent)'),
    unsent: page.locator('.row-unsent'),
    async ask(text) {
      await input.fill(text)
      // On a touch screen Enter is a new line.
      if (options.hasTouch) await page.getByRole('button', { name: 'Send', exact: true }).tap()
      else await input.press('Enter')
    },
    async waitForReply(count) {
      await replies.nth(count - 1).waitFor()
      return (await replies.nth(count - 1).textContent()) ?? ''
    },
    async close() {
      await saveCoverage()
      await context.close()
    },
  }
}

/** Notes what a page does that it must never do. */
export async function watch(
  page: Page,
  url: string,
  allowNetworkErrors: boolean,
): Promise<Incidents> {
  const incidents: Incidents = { faults: [], foreignRequests: [] }
  const { host } = new URL(url)
  await page.exposeFunction('reportViolation', (text: string) => incidents.faults.push(text))
  await page.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (event) => {
      const report = Reflect.get(window, 'reportViolation') as (text: string) => void
      report(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`)
    })
  })
  page.on('pageerror', (error) => incidents.faults.push(error.message))
  page.on('console', (message) => {
    if (message.type() !== 'error' && message.type() !== 'warning') return
    const isNetwork = /net::ERR_|WebSocket/.test(message.text())
    if (!isNetwork || !allowNetworkErrors) incidents.faults.push(message.text())
  })
  page.on('request', (request) => {
    if (new URL(request.url()).host !== host) incidents.foreignRequests.push(request.url())
  })
  return incidents
}

/** Runs in the page: whether its reader is at the end of the log. */
export function isAtEnd(): boolean {
  const log = document.querySelector('[role=log]')
  return log !== null && log.scrollHeight - log.scrollTop - log.clientHeight < 2
}
