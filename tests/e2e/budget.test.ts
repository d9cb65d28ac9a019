import { expect, it } from '@jest/globals'
import type { Locator } from 'playwright-core'
import { describeWithBrowser } from './support/browser.ts'
import { useChats } from './support/chats.ts'

/** Where midnight in UTC is half past five in the morning, in summer and in winter. */
const INDIA = { timezoneId: 'Asia/Kolkata', locale: 'en-GB' }
/** Before half past six in the evening in UTC, it is not yet the day on which it goes on. */
const SENTENCE = /Today's limit is reached\. You can go on (tomorrow )?at 05:30\./u

describeWithBrowser('a visitor who has used the budget of a day', () => {
  const chats = useChats({
    LLM_PROVIDER_1_ID: 'demo',
    LLM_PROVIDER_1_TYPE: 'demo',
    BUDGET_USER_TOKENS: '1',
  })

  it('reads when it goes on, and keeps every word', async () => {
    const chat = await chats.open({ ...INDIA, viewport: { width: 390, height: 844 } })
    await chat.ask('the first question')
    await chat.waitForReply(1)
    await chat.ask('the second question')
    await chat.unsent.getByText(SENTENCE).waitFor()
    expect(await chat.unsent.innerText()).toContain('the second question')
    expect(
      await standsBefore(chat.unsent.locator('.meta .icon'), chat.unsent.getByText(SENTENCE)),
    ).toBe(true)

    await chat.ask('the third question')
    await chat.page.locator('.notices').getByText(SENTENCE).waitFor()
    expect(await chat.input.inputValue()).toBe('the third question')

    await chat.page.reload()
    await chat.unsent.getByText(SENTENCE).waitFor()
    await chat.unsent.getByText('Send again').click()
    await chat.unsent.getByText(SENTENCE).waitFor()
    expect(await chat.unsent.innerText()).toContain('the second question')
    expect(await chat.questions.count()).toBe(1)
  }, 60_000)

  it('reads it in place of an answer to a question that was asked before', async () => {
    const chat = await chats.open(INDIA)
    await chat.ask('the first question')
    await chat.ask('and one more before the answer')
    await chat.replies.getByText(SENTENCE).waitFor()
    expect(await chat.questions.count()).toBe(2)
    expect(await chat.replies.last().locator('small').count()).toBe(0)
    await chat.replies.getByRole('button', { name: 'Try again' }).click()
    await chat.page.locator('.notices').getByText(SENTENCE).waitFor()
  }, 60_000)
})

/** Whether the icon is at the beginning of the text and not on a line of its own. */
async function standsBefore(icon: Locator, text: Locator): Promise<boolean> {
  const [first, second] = await Promise.all([icon.boundingBox(), text.boundingBox()])
  if (!first || !second) return false
  return first.x + first.width <= second.x && first.y + first.height > second.y
}
