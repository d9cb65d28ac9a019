import { expect, it } from '@jest/globals'
import { sendStatus, streamPieces, streamReply, type Answer } from '../environment/model-server.ts'
import { encodeEvents, WIRES } from '../environment/model-wire.ts'
import { describeWithBrowser } from './support/browser.ts'
import type { ChatPage } from './support/chat-page.ts'
import { useAnsweredChats } from './support/chats.ts'
import { say } from './support/say.ts'

/** An answer that breaks off after its first words. */
const breakOff: Answer = streamPieces([
  encodeEvents(WIRES.openai.events({ pieces: ['We open at'] }).slice(0, 2)),
])
/** An answer that goes on until it is stopped. */
const goOn = streamReply({ pieces: Array(1000).fill('more '), intervalMs: 50 })

describeWithBrowser('the page about an answer that is not whole', () => {
  const chats = useAnsweredChats()

  const retries = (chat: ChatPage): Promise<number> =>
    chat.page.getByRole('button', { name: 'Try again' }).count()

  it('says what to do where it is too long for the model, and offers no second try', async () => {
    chats.model.answer(sendStatus(400, '{"error":{"code":"context_length_exceeded"}}'))
    const chat = await chats.open()
    await chat.ask('A long story')
    const text = await chat.waitForReply(1)
    expect(text).toContain('This is too long for the model. Write less, or start a new chat.')
    expect(text).not.toContain('There is no answer')
    expect(await retries(chat)).toBe(0)
    const spoken = chat.page.locator('[data-live-region]')
    await spoken.getByText('too long for the model').waitFor({ state: 'attached' })
    // A shorter one is answered.
    chats.model.answer(say('Yes.'))
    await chat.ask('Short?')
    expect(await chat.waitForReply(2)).toContain('Yes.')
  }, 30_000)

  it('offers no second try where the server refuses the question as such', async () => {
    chats.model.answer(sendStatus(401))
    const chat = await chats.open()
    await chat.ask('Hello?')
    expect(await chat.waitForReply(1)).toContain('The model could not answer.')
    expect(await retries(chat)).toBe(0)
  }, 30_000)

  it('says once that an answer was cut off, and lets it be tried again', async () => {
    chats.model.answer(breakOff)
    const chat = await chats.open()
    await chat.ask('When do you open?')
    const text = await chat.waitForReply(1)
    expect(text).toContain('We open at')
    expect(text.match(/cut off/g)).toHaveLength(1)
    expect(await retries(chat)).toBe(1)
  }, 30_000)

  it('lets a stopped text give way to its retry with the first word of that', async () => {
    chats.model.answer(goOn)
    const chat = await chats.open()
    await chat.ask('When do you open?')
    await chat.draft.getByText('more').waitFor()
    await chat.page.getByRole('button', { name: 'Stop the answer' }).click()
    expect(await chat.waitForReply(1)).toContain('Stopped')

    const gate = Promise.withResolvers<undefined>()
    const before = (at: number): Promise<unknown> | undefined =>
      at === 1 ? gate.promise : undefined
    chats.model.answer(streamReply({ pieces: ['At ', 'nine.'], before }))
    await chat.page.getByRole('button', { name: 'Try again' }).click()
    await chat.draft.getByText('At').waitFor()
    expect(await chat.page.locator('.row-reply').count()).toBe(1)
    gate.resolve(undefined)
    expect(await chat.waitForReply(1)).toContain('At nine.')
    await chat.page.reload()
    expect(await chat.waitForReply(1)).toContain('At nine.')
    expect(await chat.page.getByText('Stopped').count()).toBe(0)
  }, 30_000)
})
