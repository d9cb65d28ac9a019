import type { CheckName, FinalMessage, FinalRead, FinalReply } from '../history.ts'
import type { SampleSession, SampleViewer, SampleWorld } from './sample-world.ts'

/** A fault that exactly one checker must find. */
export interface Plant {
  check: CheckName
  name: string
  /** A fault in the middle of a run. */
  during?: (world: SampleWorld, session: SampleSession) => void
  /** A fault after everything has settled. */
  after?: (world: SampleWorld, session: SampleSession) => void
  /** A fault in what a reader has at the end. */
  reads?: (reads: FinalRead[], session: SampleSession) => void
}

export function listPlants(plants: readonly Plant[]): readonly Plant[] {
  return plants
}

export const PLAN = { cut: [], tokens: 5, sent: 5, ending: 'complete', joinsAt: 0 } as const

/** Also returns the session to the model. */
export function answerAll(world: SampleWorld, session: SampleSession): void {
  world.giveBack(session)
  while (world.openReplies(session).length > 0) world.answer(session, { ...PLAN, cut: [] })
}

interface Asked {
  question: FinalMessage
  answer: FinalMessage
  reply: FinalReply
}

/** A question that was just answered, and its answer. */
export function ask(world: SampleWorld, session: SampleSession, cut: number[] = []): Asked {
  answerAll(world, session)
  const question = world.sendWell(session)
  world.answer(session, { ...PLAN, cut })
  return { question, answer: lastOf(session), reply: given(session.replies.get(question.id)) }
}

function lastOf(session: SampleSession): FinalMessage {
  return given(session.rows.at(-1))
}

export function watcher(world: SampleWorld, session: SampleSession): SampleViewer {
  const viewer = given(session.viewers[0])
  world.comeBack(session, viewer)
  return viewer
}

export function given<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('nothing there')
  return value
}

export function readOf(
  reads: FinalRead[],
  session: SampleSession,
  source: FinalRead['source'],
): FinalRead {
  return given(reads.find((read) => read.sessionId === session.id && read.source === source))
}
