import type { FinalMessage } from '../history.ts'
import { countDeaths } from './measure-durations.ts'
import {
  acknowledgements,
  isReply,
  isUserText,
  questionsOf,
  toRequestId,
  type FaultSpan,
  type ModelRequest,
  type RunIndex,
  type SendTry,
} from './run-index.ts'

/** Counts what was checked, because a check that saw nothing has not passed. */
export function countLooked(run: RunIndex): Record<string, number> {
  const { sessions } = run
  const rows = sessions.flatMap(({ log }) => log)
  const sent = sessions.flatMap((session) => session.sent)
  const tries = sent.flatMap((message) => message.tries)
  const drafts = sessions.flatMap((session) => session.drafts)
  const requests = [...run.allRequests.values()]
  const replies = rows.filter(isReply)
  return {
    sessions: sessions.length,
    sent: sent.length,
    acknowledged: sent.filter((message) => acknowledgements(message).length > 0).length,
    resends: tries.filter(({ resend }) => resend > 0).length,
    resendsAfterDroppedAnswer: tries.filter(({ cause }) => cause === 'dropped').length,
    resendsOverAnotherGateway: sent.reduce((sum, { tries: own }) => sum + countMoved(own), 0),
    unknownSends: tries.filter(({ end }) => end === undefined || end.phase === 'unknown').length,
    refusedSends: tries.filter(({ end }) => end?.phase === 'fail').length,
    rows: rows.length,
    messages: rows.filter(isUserText).length,
    questions: sessions.flatMap(({ log }) => questionsOf(log)).length,
    repliesComplete: replies.filter(({ status }) => status === 'complete').length,
    repliesStopped: replies.filter(({ status }) => status === 'stopped').length,
    repliesIncomplete: replies.filter(({ status }) => status === 'incomplete').length,
    repliesFailed: replies.filter(({ status }) => status === 'failed').length,
    ...countStreams(run),
    ...countZombies(run),
    ...countDeaths(run),
    requests: requests.length,
    requestsCut: requests.filter(({ end }) => end?.phase === 'fail').length,
    frames: drafts.reduce((sum, { from, to }) => sum + to - from + 1, 0),
    attemptsReplaced: drafts.filter(({ attempt, from }) => attempt > 1 && from === 0).length,
    entriesShown: sessions.reduce((sum, { seen }) => sum + countEntries(seen), 0),
    reads: sessions.reduce((sum, session) => sum + session.reads.length, 0),
    viewersThatLeft: run.viewers.size,
    returns: [...run.viewers.values()].flat().filter(({ phase }) => phase === 'caught-up').length,
    ends: run.lives.filter(({ phase }) => phase === 'ended').length,
    faults: run.faults.length,
  }
}

/** Counts the tries that went to another gateway after an answer was dropped. */
function countMoved(tries: readonly SendTry[]): number {
  return tries.filter(({ cause, gateway }, index) => {
    return cause === 'dropped' && gateway !== tries[index - 1]?.gateway
  }).length
}

function countEntries(seen: readonly { entries: readonly unknown[] }[]): number {
  return seen.reduce((sum, { entries }) => sum + entries.length, 0)
}

/** Counts the answers that faults could have damaged, and those that a worker finished too late. */
function countStreams(run: RunIndex): Record<string, number> {
  const faults = run.faults
  const asked = [...run.requests.values()]
  return {
    streams: asked.length,
    streamsUnderFault: asked.filter((requests) => isStruck(requests, faults)).length,
    streamsWithSeveralAttempts: asked.filter((requests) => requests.length > 1).length,
    /** Streams that ended for a worker after another one had restarted its reply. */
    attemptsSuperseded: asked.flatMap(findSuperseded).length,
  }
}

function isStruck(requests: readonly ModelRequest[], faults: readonly FaultSpan[]): boolean {
  return requests.some(({ at, end }) =>
    faults.some(({ from, to }) => from <= (end?.at ?? Infinity) && to >= at),
  )
}

/** A cut stream belongs to a worker that died or gave up. Only a complete stream can conflict. */
function findSuperseded(requests: readonly ModelRequest[]): ModelRequest[] {
  return requests.slice(0, -1).filter(({ end }) => end?.phase === 'ok')
}

const PAUSES = ['worker-zombie', 'worker-pause']

/**
 * Counts the attempts whose worker slept while another one finished the answer, and then woke up
 * with its own complete answer. Also counts how many of those were refused.
 */
function countZombies(run: RunIndex): Record<string, number> {
  const pauses = run.faults.filter(({ kind }) => PAUSES.includes(kind))
  const zombies = [...run.requests.values()].flatMap((requests) =>
    requests.filter((request, index) => {
      const rivals = requests.slice(index + 1)
      return pauses.some((pause) => isZombie(request, rivals, pause))
    }),
  )
  const whole = run.sessions.flatMap(({ log }) => log.filter(isWhole))
  const stored = new Set(whole.map(({ content }) => toRequestId(content)))
  return {
    zombies: zombies.length,
    zombiesRefused: zombies.filter(({ id }) => !stored.has(id)).length,
  }
}

/** Excludes stopped replies, which keep what their viewers saw, whichever worker stores them. */
function isWhole(row: FinalMessage): boolean {
  return isReply(row) && row.status === 'complete'
}

function isZombie(
  { at, process, end }: ModelRequest,
  rivals: readonly ModelRequest[],
  { target, from, to }: FaultSpan,
): boolean {
  if (process.replace('model', 'worker') !== target) return false
  // The stream began before the pause and ended during it, so the rest waits in the worker's
  // socket.
  if (at > from || end?.phase !== 'ok' || end.at < from || end.at > to) return false
  return rivals.some((rival) => rival.end?.phase === 'ok' && rival.end.at <= to)
}
