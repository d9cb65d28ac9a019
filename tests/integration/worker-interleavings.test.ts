import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { LlmError } from '@chatbox/core'
import { createMortal } from './worker-mortal.ts'
import { CUT, openRig, scriptLlm, MODEL, type Step, type WorkerRig } from './worker-rig.ts'

const RETRYABLE = new LlmError('LLM_UNAVAILABLE', '503', { retryable: true })
const FINAL = new LlmError('LLM_UNAVAILABLE', '401', { retryable: false })

/** What a model may do with one request: the texts tell which script a reply is from. */
const SCRIPTS: Step[][] = [
  ['All ', 'of it.'],
  ['Cut', CUT],
  ['Broken', RETRYABLE],
  [RETRYABLE],
  [FINAL],
  [],
]
const OUTCOMES =
  /^(complete: All of it\.|(incomplete LLM_\w+|stopped): (All |All of it\.|Cut|Broken)|(failed LLM_\w+|failed INTERNAL|stopped): )$/

const action = fc.oneof(
  { weight: 3, arbitrary: fc.record({ type: fc.constant('ask' as const) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      type: fc.constant('answer' as const),
      scripts: fc.array(fc.nat(SCRIPTS.length - 1), { minLength: 1, maxLength: 3 }),
      waits: fc.boolean(),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant('die' as const),
      at: fc.nat(16),
      moment: fc.constantFrom('before' as const, 'after' as const),
    }),
  },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('stop' as const), reply: fc.nat(9) }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('retry' as const), reply: fc.nat(9) }) },
)
type Action = typeof action extends fc.Arbitrary<infer T> ? T : never

/** One session, and everything that was ever asked for in it. */
class Story {
  readonly replyIds: string[] = []
  readonly #rig: WorkerRig
  readonly #sessionId: string
  readonly #work: Promise<unknown>[] = []

  constructor(rig: WorkerRig, sessionId: string) {
    this.#rig = rig
    this.#sessionId = sessionId
  }

  async play(next: Action): Promise<void> {
    switch (next.type) {
      case 'ask': {
        const { replyId } = await this.#rig.ask(this.#sessionId, 'Hello?')
        this.replyIds.push(replyId)
        return
      }
      case 'answer':
        return this.#answer(next)
      case 'die':
        return this.#die(next)
      case 'stop': {
        const replyId = at(this.replyIds, next.reply)
        if (replyId) await this.#rig.replies.requestStop(this.#sessionId, replyId)
        return
      }
      case 'retry':
        return this.#retry(next.reply)
    }
  }

  async settle(): Promise<void> {
    await Promise.all(this.#work)
    const llm = scriptLlm(['All ', 'of it.'])
    await this.#rig.settle(this.#sessionId, this.#rig.createWorker({ llm }))
  }

  async #answer({ scripts, waits }: Extract<Action, { type: 'answer' }>): Promise<void> {
    const llm = scriptLlm(...scripts.map((script) => SCRIPTS[script] ?? []))
    const worker = this.#rig.createWorker({ llm, timing: { leaseMs: 60 } })
    const work = worker.answer({ sessionId: this.#sessionId })
    if (waits) await work
    else this.#work.push(work)
  }

  async #die({ at, moment }: Extract<Action, { type: 'die' }>): Promise<void> {
    const { parts, dead } = createMortal(this.#rig, { at, moment })
    const llm = scriptLlm(['All ', 'of it.'])
    const timing = { leaseMs: 15, replyTimeoutMs: 100 }
    const dying = this.#rig.createWorker({ llm, ...parts, timing })
    await Promise.race([dying.answer({ sessionId: this.#sessionId }), dead])
  }

  async #retry(reply: number): Promise<void> {
    const messageId = at(this.replyIds, reply)
    if (!messageId) return
    const replyId = this.#rig.clock.newId()
    const askedAt = this.#rig.clock.now().toISOString()
    const sessionId = this.#sessionId
    const retried = await this.#rig.replies.retry({
      sessionId,
      messageId,
      replyId,
      modelId: MODEL,
      askedAt,
    })
    if (retried?.replyId === replyId) this.replyIds.push(replyId)
  }
}

function at<T>(values: T[], index: number): T | undefined {
  return values[index % Math.max(1, values.length)]
}

describe('any interleaving of questions, answers, stops, retries and deaths', () => {
  let rig: WorkerRig

  beforeEach(async () => {
    rig = await openRig()
  })
  afterEach(() => rig.close())

  it('settles every question with exactly one reply for each time it was asked', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(action, { minLength: 4, maxLength: 24 }), async (actions) => {
        const sessionId = await rig.createSession()
        const story = new Story(rig, sessionId)
        await story.play({ type: 'ask' })
        for (const next of actions) await story.play(next)
        await story.settle()

        const log = await rig.log(sessionId)
        expect(log.map(({ seq }) => seq)).toEqual(log.map((_, index) => index + 1))
        const replies = log.filter(({ sender }) => sender.type === 'ai').map(({ id }) => id)
        expect(replies.toSorted()).toEqual(story.replyIds.toSorted())
        for (const line of await rig.story(sessionId)) {
          if (line.startsWith('ai ')) expect(line.slice(3)).toMatch(OUTCOMES)
        }
        const session = await rig.sessions.find(sessionId)
        expect(session?.messageCount).toBe(log.length)
      }),
      { numRuns: 60, endOnFailure: true },
    )
  }, 60_000)
})
