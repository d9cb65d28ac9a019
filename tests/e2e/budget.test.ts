import { expect, it } from '@jest/globals'
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
    const chat = await chats.open(INDIA)
    await chat.ask('the first question')
    await chat.waitForReply(1)
    await chat.ask('the second question')
    await chat.unsent.getByText(SENTENCE).waitFor()
    expect(await chat.unsent.innerText()).toContain('the second question')

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
    await chat.replies.getByRole('button', { name: 'Try again' }).click()
    await chat.page.locator('.notices').getByText(SENTENCE).waitFor()
  }, 60_000)
})
