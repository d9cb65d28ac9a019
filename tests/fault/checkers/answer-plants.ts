import { answerAll, ask, given, listPlants, PLAN, watcher } from './plant.ts'
import { textOf } from './run-index.ts'
import type { SampleSession, SampleWorld } from './sample-world.ts'

/** Faults in answers and their drafts. */
export const ANSWER_PLANTS = listPlants([
  {
    check: 'answers',
    name: 'never answers',
    during: (world, session) => {
      world.giveBack(session)
      given(session.replies.get(world.sendWell(session).id)).state = 'running'
    },
  },
  {
    check: 'answers',
    name: 'answers twice',
    during: (world, session) => {
      const { question } = ask(world, session)
      const second = { sender: 'ai', replyTo: question.id, status: 'failed', content: '' } as const
      world.addRow(session, { id: `r${world.nextId()}`, ...second })
    },
  },
  {
    check: 'answers',
    name: 'puts an answer into the log and leaves the question open',
    during: (world, session) => void (ask(world, session).reply.state = 'committed'),
  },
  {
    check: 'answer-text',
    name: 'glues two attempts',
    during: (world, session) => {
      const { answer } = ask(world, session, [2])
      const request = world.stream(answer, { tokens: 5, sent: 5, phase: 'ok' })
      answer.content = answer.content.slice(0, 8) + textOf(request, 5)
    },
  },
  {
    check: 'answer-text',
    name: 'calls a cut answer complete',
    during: (world, session) => {
      const { answer } = ask(world, session)
      answer.content = answer.content.slice(
        0,
        answer.content.lastIndexOf(' ', answer.content.length - 2) + 1,
      )
    },
  },
  {
    check: 'answer-text',
    name: 'commits the text of another attempt than the one that won',
    during: (world, session) => {
      watcher(world, session)
      const { question, answer } = ask(world, session)
      const request = world.stream(question, { tokens: 5, sent: 5, phase: 'ok' })
      answer.content = textOf(request, 5)
    },
  },
  {
    check: 'answer-text',
    name: 'commits the text of an attempt after which another one was shown',
    during: (world, session) => {
      watcher(world, session)
      answerAll(world, session)
      const question = world.sendWell(session)
      const early = world.stream(question, { tokens: 5, sent: 5, phase: 'ok' })
      world.answer(session, { ...PLAN, cut: [] })
      given(session.rows.at(-1)).content = textOf(early, 5)
    },
    reads: (reads) => {
      for (const read of reads) delete read.replies
    },
  },
  {
    check: 'answer-text',
    name: 'shows a draft of two attempts',
    during: (world, session) => {
      const { question } = ask(world, session)
      const requests = [1, 2].map(() => world.stream(question, { tokens: 5, sent: 5, phase: 'ok' }))
      const text = requests.map((request) => textOf(request, 1)).join('')
      const place = { process: 'third', sessionId: session.id, replyId: 'r-glued' }
      world.record({ op: 'draft', ...place, attempt: 1, from: 0, to: 1, text })
    },
  },
  {
    check: 'attempts',
    name: 'takes a lower attempt after a higher one',
    during: (world, session) =>
      showRows(world, session, [
        [2, 0, 3],
        [1, 4, 4],
      ]),
  },
  {
    check: 'attempts',
    name: 'takes a frame after a hole',
    during: (world, session) =>
      showRows(world, session, [
        [1, 0, 1],
        [1, 3, 4],
      ]),
  },
  {
    check: 'attempts',
    name: 'takes a frame twice',
    during: (world, session) =>
      showRows(world, session, [
        [1, 0, 2],
        [1, 2, 4],
      ]),
  },
])

/** The runs of frames that a viewer takes: attempt, first and last frame. */
function showRows(
  world: SampleWorld,
  session: SampleSession,
  rows: [attempt: number, from: number, to: number][],
): void {
  const replyId = `r${world.nextId()}`
  for (const [attempt, from, to] of rows) {
    const place = { process: 'third', sessionId: session.id, replyId }
    world.record({ op: 'draft', ...place, attempt, from, to })
  }
}
