import type { FaultEvent, ViewerEvent } from '../history.ts'
import { measureTakeOvers } from './measure-take-overs.ts'
import type { RunIndex } from './run-index.ts'
import type { SendEnd, SendTry } from './sent-messages.ts'

type Ended = SendTry & { end: SendEnd }

interface Span {
  from: number
  to: number
}

/** Milliseconds, by what was waited for; names that nothing was measured for are left out. */
export function measureDurations(run: RunIndex): Record<string, number[]> {
  const tries = run.sessions.flatMap(({ sent }) => sent).flatMap((message) => message.tries)
  const ok = tries.filter(endsWith('ok'))
  const acknowledgedAt = ok.map(({ end }) => end.at)
  const requestedAt = [...run.requests.values()].flat().map(({ at }) => at)
  const viewers = [...run.viewers.values()]
  const [redisAway, storeAway] = [findSpans(run, REDIS_AWAY), findSpans(run, STORE_AWAY)]
  const all = {
    acknowledge: ok.map(toDuration),
    acknowledgeWithoutRedis: ok.filter(isWithin(redisAway)).map(toDuration),
    refuseWithoutStore: tries.filter(endsWith('fail')).filter(isWithin(storeAway)).map(toDuration),
    acknowledgeAfterStore: storeAway.flatMap(({ to }) => waitAfter(to, acknowledgedAt)),
    streamAfterRedis: findSpans(run, REDIS_DEAD).flatMap(({ to }) => waitAfter(to, requestedAt)),
    reconnect: viewers.flatMap((events) => measureSteps(events, 'lost', 'ready')),
    catchUp: viewers.flatMap((events) => measureSteps(events, 'ready', 'caught-up')),
    takeOver: measureTakeOvers(run),
    endWhenAsked: measureEnds(run),
  }
  return Object.fromEntries(Object.entries(all).filter(([, durations]) => durations.length > 0))
}

const REDIS_DEAD = ['redis-kill']
const REDIS_AWAY = ['redis-kill', 'redis-pause']
const STORE_AWAY = ['store-cut', 'store-refuse', 'store-pause']

/** From the beginning of each such fault to its end. */
function findSpans({ faults }: RunIndex, kinds: readonly string[]): Span[] {
  const begun = new Map<number, FaultEvent>()
  const spans: Span[] = []
  for (const fault of faults.filter(({ kind }) => kinds.includes(kind))) {
    const from = begun.get(fault.id)?.at
    if (fault.phase === 'invoke') begun.set(fault.id, fault)
    else if (fault.phase === 'ok' && from !== undefined) spans.push({ from, to: fault.at })
  }
  return spans
}

function endsWith(phase: SendEnd['phase']): (tried: SendTry) => tried is Ended {
  return (tried): tried is Ended => tried.end?.phase === phase
}

function toDuration({ at, end }: Ended): number {
  return end.at - at
}

function isWithin(spans: readonly Span[]): (tried: Ended) => boolean {
  return ({ at, end }) => spans.some(({ from, to }) => at >= from && end.at <= to)
}

/** How long after a moment the next one of these others was. */
function waitAfter(moment: number, others: readonly number[]): number[] {
  let next = Infinity
  for (const at of others) if (at >= moment && at < next) next = at
  return next === Infinity ? [] : [next - moment]
}

function measureSteps(
  events: readonly ViewerEvent[],
  from: ViewerEvent['phase'],
  to: ViewerEvent['phase'],
): number[] {
  const durations: number[] = []
  let since: number | undefined
  for (const { phase, at } of events) {
    if (phase === from) since ??= at
    if (phase !== to || since === undefined) continue
    durations.push(at - since)
    since = undefined
  }
  return durations
}

/** From the signal to the end of a process that was asked to end. */
function measureEnds({ faults, lives }: RunIndex): number[] {
  const asked = faults.filter(({ phase, kind }) => phase === 'invoke' && kind.endsWith('-term'))
  return asked.flatMap(({ at, target }) => {
    const end = lives.find((life) => {
      return life.phase === 'ended' && life.process === target && life.at >= at
    })
    return end ? [end.at - at] : []
  })
}
