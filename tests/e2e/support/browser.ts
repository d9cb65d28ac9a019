import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { chromium, type Browser } from 'playwright-core'
import { describeUnless, type Describe } from '../../support/describe-unless.ts'

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome']
const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

const executablePath = findBrowser()

/** Why no browser can be driven here; undefined where one can. */
export const browserSkipReason =
  executablePath === undefined ? 'no Chromium or Chrome on PATH' : undefined

/** For suites that drive a real browser. */
export const describeWithBrowser: Describe = describeUnless(browserSkipReason)

/** A browser with a new profile. */
export async function openBrowser(): Promise<Browser> {
  if (executablePath === undefined) throw new Error('there is no browser')
  return chromium.launch({ executablePath, args: FLAGS })
}

function findBrowser(): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter)
  const paths = NAMES.flatMap((name) => folders.map((folder) => join(folder, name)))
  return paths.find(isExecutable)
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
