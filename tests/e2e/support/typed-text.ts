import { expect } from '@jest/globals'
import type { Page } from 'playwright-core'

/** Waits until the message box has this text. */
export async function holds(page: Page, text: string): Promise<void> {
  await page.getByLabel('Your message').waitFor()
  await page
    .waitForFunction(
      (wanted) => document.querySelector<HTMLTextAreaElement>('#message')?.value === wanted,
      text,
      { timeout: 10_000 },
    )
    .catch(async () => {
      expect(await page.getByLabel('Your message').inputValue()).toBe(text)
    })
}

/** Waits until the browser has stored these texts. */
export async function expectStored(page: Page, texts: readonly string[]): Promise<void> {
  const deadline = Date.now() + 5000
  while (JSON.stringify(await readStored(page)) !== JSON.stringify(texts)) {
    if (Date.now() > deadline) break
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  expect(await readStored(page)).toEqual(texts)
}

/** The texts that the browser has stored. */
export async function readStored(page: Page): Promise<string[]> {
  return page.evaluate(
    () =>
      new Promise<string[]>((resolve, reject) => {
        const request = indexedDB.open('chatbox-outbox')
        request.onerror = () => reject(new Error('no database'))
        request.onsuccess = () => {
          const all = request.result.transaction('messages').objectStore('messages').getAll()
          all.onsuccess = () =>
            resolve(all.result.map((item: { text?: string; content?: string }) => item.text ?? ''))
        }
      }),
  )
}
