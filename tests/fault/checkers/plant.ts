import type { CheckName, FinalMessage, FinalRead, FinalReply } from '../history.ts'
import type { SampleSession, SampleViewer, SampleWorld } from './sample-world.ts'

/** A fault that one checker has to find, and no other. */
export interface Plant {
  check: CheckName
  name: string
  /** What the system does wrong in the middle of a run. */
  during?: (world: SampleWorld, session: SampleSession) => void
  /** What is wrong once everything has come to rest. */
  after?: (world: SampleWorld, session: SampleSession) => void
  /** What is wrong with what somebody reads in the end. */
  reads?: (reads: FinalRead[], session: SampleSession) => void
}

export function listPlants(plants: readonly Plant[]): readonly Plant[] {
  return plants
}

export const PLAN = { cut: [], tokens: 5, sent: 5, ending: 'complete', joinsAt: 0 } as const

/** Also gives the session back to the model. */
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
