import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals'
import type { Message } from '@chatbox/contract'
import {
  hang,
  sendStatus,
  startModelServer,
  streamPieces,
  type Answer,
  type ModelServer,
} from '../environment/model-server.ts'
import { encodeEvents, WIRES } from '../environment/model-wire.ts'
import { openModel, type ModelUnderTest } from '../support/model-client.ts'
import {
  atMost,
  gemma,
  mistral,
  noSystem,
  refusalOf,
  say,
  type SentMessage,
  strict,
  type Template,
} from './strict-templates.ts'
import { openRig, type TestWorker, type WorkerRig } from './worker-rig.ts'

jest.setTimeout(30_000)

interface Side {
  model: ModelUnderTest
  worker: TestWorker
}

describe('two workers and a model server that refuses', () => {
  let rig: WorkerRig
  let server: ModelServer
  let sessionId: string
  /** The next to answer is the first one. */
  let sides: [Side, Side]

  beforeEach(async () => {
    rig = await openRig()
    server = await startModelServer()
    const openSide = (at: WorkerRig): Side => {
      const model = openModel({ type: 'openai', endpoint: server.url })
      return { model, worker: at.createWorker({ llm: model.llm }) }
    }
    sides = [openSide(rig), openSide(await rig.openAnother())]
    sessionId = await rig.createSession()
  })
  afterEach(async () => {
    await Promise.all(sides.map(({ model }) => model.close()))
    await server.stop()
    await rig.close()
  })

  /** Asks, and lets the two workers answer in turns. */
  async function ask(content: string): Promise<void> {
    const { question } = await rig.ask(sessionId, content)
    await sides[0].worker.answer(question)
    sides = [sides[1], sides[0]]
  }
  const sent = (): SentMessage[][] =>
    server.requests.map(({ body }) => (body as { messages: SentMessage[] }).messages)
  const lastSent = () =>
    sent()
      .at(-1)
      ?.map(({ role, content }) => `${role}: ${content}`)
  const story = async (): Promise<string[]> => (await rig.story(sessionId)).slice(-1)

  /** Writes an entry as another process would. */
  async function append(more: Partial<Message>): Promise<void> {
    await rig.messages.append({ message: toEntry(more) })
  }

  const toEntry = (more: Partial<Message>): Omit<Message, 'seq'> => ({
    id: rig.clock.newId(),
    sessionId,
    kind: 'text',
    sender: { type: 'admin', id: 'eve', name: 'Eve' },
    content: '',
    attachments: [],
    status: 'complete',
    createdAt: rig.clock.now().toISOString(),
    ...more,
  })
  const by = { id: 'eve', name: 'Eve' }

  describe.each([
    { name: 'Mistral', template: mistral, before: ['system: Be kind.'], prefix: '' },
    { name: 'Gemma', template: gemma, before: [], prefix: 'Be kind.\n\n' },
  ])('where roles must alternate ($name)', ({ template, before, prefix }) => {
    it('is asked after an answer that failed', async () => {
      server.answer(sendStatus(400, refusalOf('not today')))
      await ask('My order is 7.')
      expect(await story()).toEqual(['ai failed LLM_UNAVAILABLE: '])
      server.answer(strict(template))
      for (const content of ['Where is it?', 'And when?']) {
        await ask(content)
        expect(await story()).toEqual(['ai complete: fine'])
      }
      expect(lastSent()).toEqual([
        ...before,
        `user: ${prefix}My order is 7.\n\nWhere is it?`,
        'assistant: fine',
        'user: And when?',
      ])
    })

    it('is asked after an answer that was stopped before its first word, or in the middle', async () => {
      server.answer(hang())
      const { question, replyId } = await rig.ask(sessionId, 'First?')
      const answering = sides[0].worker.answer(question)
      await server.received(1)
      await rig.replies.requestStop(sessionId, replyId)
      sides[0].worker.context.running.stop(replyId)
      await answering
      expect(await story()).toEqual(['ai stopped: '])
      const begun = WIRES.openai.events({ pieces: ['half'] }).slice(0, 2)
      server.answer(strict(template, streamPieces([encodeEvents(begun)])))
      await ask('Second?')
      expect(await story()).toEqual(['ai incomplete LLM_TRUNCATED: half'])
      server.answer(strict(template))
      await ask('Third?')
      expect(await story()).toEqual(['ai complete: fine'])
      expect(lastSent()).toEqual([
        ...before,
        `user: ${prefix}First?\n\nSecond?`,
        'assistant: half',
        'user: Third?',
      ])
    })

    it('is asked after a takeover with two messages of each side in a row', async () => {
      server.answer(strict(template))
      await ask('A person, please.')
      await append({ kind: 'event', event: { type: 'takeover_started', by } })
      await append({ sender: { type: 'user', id: 'ada', name: 'Ada' }, content: 'Hello?' })
      await append({ sender: { type: 'user', id: 'ada', name: 'Ada' }, content: 'Anybody?' })
      await append({ content: 'I am Eve.' })
      await append({ content: 'How can I help?' })
      await append({ kind: 'event', event: { type: 'takeover_ended', by } })
      await append({ kind: 'event', event: { type: 'help_requested', note: 'Or not' } })
      await append({ kind: 'event', event: { type: 'help_resolved' } })
      await ask('It works now. Thanks!')
      expect(await story()).toEqual(['ai complete: fine'])
      expect(lastSent()).toEqual([
        ...before,
        `user: ${prefix}A person, please.`,
        'assistant: fine',
        'user: Hello?\n\nAnybody?',
        [
          'assistant: [Eve, a person of the support team, wrote:]\nI am Eve.',
          '[Eve, a person of the support team, wrote:]\nHow can I help?',
          '[Eve has left the chat.]',
        ].join('\n\n'),
        'user: It works now. Thanks!',
      ])
    })

    it('answers at a hand-back what the user wrote last', async () => {
      server.answer(strict(template))
      await append({ kind: 'event', event: { type: 'takeover_started', by } })
      await append({ content: 'I am Eve.' })
      await append({
        sender: { type: 'user', id: 'ada', name: 'Ada' },
        content: 'Thanks. And Bob?',
      })
      const message = toEntry({ kind: 'event', event: { type: 'takeover_ended', by } })
      await rig.messages.append({ message, replyId: rig.clock.newId() })
      await sides[0].worker.answer({ sessionId })
      expect(await story()).toEqual(['ai complete: fine'])
      expect((await rig.log(sessionId)).at(-1)?.replyTo).toBe(message.id)
      expect(lastSent()).toEqual([
        ...before,
        [
          `user: ${prefix}[Eve, a person of the support team, wrote:]\nI am Eve.`,
          '[Eve has left the chat.]',
          'Thanks. And Bob?',
        ].join('\n\n'),
      ])
    })

    it('is asked again on demand, without what came after the question', async () => {
      server.answer(strict(template, sendStatus(400, refusalOf('not today'))))
      await ask('First?')
      server.answer(strict(template))
      await ask('Second?')
      const [, failed] = await rig.log(sessionId)
      await rig.replies.retry({
        sessionId,
        messageId: failed?.id ?? '',
        replyId: rig.clock.newId(),
        modelId: 'model-1',
        askedAt: rig.clock.now().toISOString(),
      })
      await sides[1].worker.answer({ sessionId })
      expect(await story()).toEqual(['ai complete: fine'])
      expect(lastSent()).toEqual([...before, `user: ${prefix}First?`])
    })
  })

  it('learns once a worker that the role system is refused', async () => {
    server.answer(strict(noSystem))
    for (const content of ['1', '2', '3', '4']) await ask(content)
    expect(await rig.story(sessionId)).toHaveLength(8)
    expect(
      (await rig.story(sessionId)).filter((line) => line === 'ai complete: fine'),
    ).toHaveLength(4)
    const refused = sent().filter((messages) => noSystem(messages) !== undefined)
    expect([refused.length, server.requests.length]).toEqual([2, 6])
    expect(sent().at(-1)?.[0]).toEqual({ role: 'user', content: 'Be kind.\n\n1' })
  })

  it('takes refusals of questions that were asked at once for one lesson', async () => {
    server.answer(strict(noSystem))
    const sessions = await Promise.all(Array.from({ length: 6 }, () => rig.createSession()))
    await Promise.all(
      sessions.map(async (id) => sides[0].worker.answer((await rig.ask(id, 'At once?')).question)),
    )
    for (const id of sessions) expect(await rig.story(id)).toContain('ai complete: fine')
  })

  it('asks with less history where it is too long, and remembers that', async () => {
    server.answer(say('fine'))
    for (const content of ['1', '2', '3', '4']) await ask(content)
    server.requests.splice(0)
    server.answer(strict(atMost(4)))
    for (const content of ['5', '6', '7', '8', '9']) {
      await ask(content)
      expect(await story()).toEqual(['ai complete: fine'])
    }
    const refused = sent().filter((messages) => atMost(4)(messages) !== undefined)
    // Each worker is refused at most twice, and keeps to it.
    expect(refused.length).toBeLessThanOrEqual(4)
    expect(
      sent()
        .at(-1)
        ?.map(({ content }) => content),
    ).toEqual(['Be kind.', '8', 'fine', '9'])
    // Another session keeps its whole history.
    const other = await rig.createSession()
    server.answer(say('fine'))
    for (const content of ['a', 'b', 'c', 'd']) {
      await sides[0].worker.answer((await rig.ask(other, content)).question)
    }
    expect(sent().at(-1)).toHaveLength(8)
  })

  it.each([
    ['400', 400, refusalOf('no', 'context_length_exceeded')],
    ['413 of a proxy', 413, '<html>413 Request Entity Too Large</html>'],
    ['500 of llama.cpp', 500, refusalOf('too long', 'exceed_context_size_error')],
  ])('says what to do where nothing shorter is taken: %s', async (_what, status, body) => {
    server.answer(say('fine'))
    for (const content of ['1', '2', '3']) await ask(content)
    server.requests.splice(0)
    server.answer(sendStatus(status, body))
    await ask('4')
    const reply = (await rig.log(sessionId)).at(-1)
    expect(reply).toMatchObject({
      status: 'failed',
      error: {
        code: 'LLM_TOO_LONG',
        retryable: false,
        message: 'This is too long for the model. Write less, or start a new chat.',
      },
    })
    expect(sent().map((messages) => messages.length)).toEqual([8, 4, 2])
    // The refusal of the one question is no lesson for the next.
    server.answer(say('fine'))
    await ask('5')
    expect(sent().at(-1)).toHaveLength(8)
  })

  it('is not spoilt by one message that was too long', async () => {
    const tooLong: Template = (messages) =>
      messages.some(({ content }) => content.includes('#'.repeat(50)))
        ? refusalOf('prompt is too long: 9 tokens > 8 maximum')
        : undefined
    server.answer(strict(tooLong))
    await ask('Hello?')
    await ask('#'.repeat(50))
    expect(await story()).toEqual(['ai failed LLM_TOO_LONG: '])
    for (const content of ['Shorter?', 'And this?', 'And that?']) {
      await ask(content)
      expect(await story()).toEqual(['ai complete: fine'])
    }
  })

  it('is not spoilt by one message against the rules of the provider', async () => {
    const ruled: Template = (messages) =>
      messages.some(({ content }) => content.includes('forbidden'))
        ? refusalOf('The prompt triggered the content management policy.', 'content_filter')
        : undefined
    server.answer(strict(ruled))
    await ask('Hello?')
    await ask('Something forbidden')
    expect(await story()).toEqual(['ai failed LLM_UNAVAILABLE: '])
    for (const content of ['Something else?', 'And this?', 'And that?']) {
      await ask(content)
      expect(await story()).toEqual(['ai complete: fine'])
    }
  })

  it('asks with less history where the server says so in its stream', async () => {
    server.answer(say('fine'))
    for (const content of ['1', '2', '3']) await ask(content)
    const inStream: Answer = ({ response }) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.end(`data: ${refusalOf('no', 'context_length_exceeded')}\n\n`)
    }
    server.answer(inStream, say('fine'))
    await ask('4')
    expect(await story()).toEqual(['ai complete: fine'])
    expect(sent().at(-1)).toHaveLength(4)
  })
})
