import { countStreams } from './count-streams.ts'
import { countZombies } from './count-zombies.ts'
import { countDeaths } from './measure-take-overs.ts'
import { isReply, isUserText, questionsOf } from './row-finder.ts'
import type { RunIndex } from './run-index.ts'
import { acknowledgements, type SendTry } from './sent-messages.ts'

/** How much there was to look at: a check that saw nothing has not passed. */
export function countLooked(run: RunIndex): Record<string, number> {
  const { sessions } = run
  const rows = sessions.flatMap(({ log }) => log)
  const sent = sessions.flatMap((session) => session.sent)
  const tries = sent.flatMap((message) => message.tries)
  const drafts = sessions.flatMap((session) => session.drafts)
  const requests = [...run.requests.values()].flat()
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
    faults: run.faults.filter(({ phase }) => phase === 'invoke').length,
  }
}

/** Times at which an answer was dropped and the next try went to another gateway. */
function countMoved(tries: readonly SendTry[]): number {
  return tries.filter(({ cause, gateway }, index) => {
    return cause === 'dropped' && gateway !== tries[index - 1]?.gateway
  }).length
}

function countEntries(seen: readonly { entries: readonly unknown[] }[]): number {
  return seen.reduce((sum, { entries }) => sum + entries.length, 0)
}
