import type { ViewerEvent } from '../history.ts'
import { toSpans, type FaultSpan } from './fault-spans.ts'
import { measureTakeOvers } from './measure-take-overs.ts'
import type { RunIndex } from './run-index.ts'
import type { SendEnd, SendTry } from './sent-messages.ts'

type Ended = SendTry & { end: SendEnd }

/** Milliseconds, by what was waited for; names that nothing was measured for are left out. */
export function measureDurations(run: RunIndex): Record<string, number[]> {
  const tries = run.sessions.flatMap(({ sent }) => sent).flatMap((message) => message.tries)
  const ok = tries.filter(isAcknowledged)
  const acknowledgedAt = ok.map(({ end }) => end.at).sort((a, b) => a - b)
  const requestedAt = [...run.requests.values()].flat().map(({ at }) => at)
  const viewers = [...run.viewers.values()]
  const findSpans = (kinds: readonly string[]): FaultSpan[] =>
    toSpans(run.faults, kinds).filter(({ isDone }) => isDone)
  const [redisDead, storeAway] = [findSpans(REDIS_DEAD), findSpans(STORE_AWAY)]
  // How long a wait would have been that the next outage cut short cannot be told.
  const outages = toSpans(run.faults, [...REDIS_AWAY, ...STORE_AWAY]).map(({ from }) => from)
  const acknowledgedOrOut = [...acknowledgedAt, ...outages]
  const requestedOrOut = [...requestedAt, ...outages]
  const all = {
    acknowledge: ok.map(toDuration),
    acknowledgeWithoutRedis: ok.filter(isWithin(findSpans(REDIS_AWAY))).map(toDuration),
    gapWithoutRedis: redisDead.map((span) => longestGap(span, acknowledgedAt)),
    refuseWithoutStore: tries.filter(isRefused).filter(beginsWithin(storeAway)).map(toDuration),
    acknowledgeAfterStore: storeAway.flatMap(({ to }) => waitAfter(to, acknowledgedOrOut)),
    streamAfterRedis: redisDead.flatMap(({ to }) => waitAfter(to, requestedOrOut)),
    reconnect: viewers.flatMap((events) => measureSteps(events, 'lost', 'ready')),
    catchUp: viewers.flatMap((events) => measureSteps(events, 'ready', 'caught-up')),
    ...measureTakeOvers(run),
    endWhenAsked: measureEnds(run),
  }
  return Object.fromEntries(Object.entries(all).filter(([, durations]) => durations.length > 0))
}

const REDIS_DEAD = ['redis-kill', 'redis-away-long']
const REDIS_AWAY = [...REDIS_DEAD, 'redis-pause']
const STORE_AWAY = ['store-cut', 'store-refuse', 'store-pause', 'step-down', 'kill-primary']
const REFUSALS = new Set(['UNAVAILABLE', 'TIMEOUT'])

function isAcknowledged(tried: SendTry): tried is Ended {
  return tried.end?.phase === 'ok'
}

/** With a reason, or with nothing at all until the client gave up. */
function isRefused(tried: SendTry): tried is Ended {
  return tried.end !== undefined && tried.end.phase !== 'ok' && REFUSALS.has(tried.end.code)
}

function toDuration({ at, end }: Ended): number {
  return end.at - at
}

function isWithin(spans: readonly FaultSpan[]): (tried: Ended) => boolean {
  return ({ at, end }) => spans.some(({ from, to }) => at >= from && end.at <= to)
}

function beginsWithin(spans: readonly FaultSpan[]): (tried: Ended) => boolean {
  return ({ at }) => spans.some(({ from, to }) => at >= from && at <= to)
}

/** The longest time without any of these moments between the ends of a span. */
function longestGap({ from, to }: FaultSpan, sorted: readonly number[]): number {
  const marks = [from, ...sorted.filter((at) => at > from && at < to), to]
  return marks.reduce((gap, at, index) => Math.max(gap, at - (marks[index - 1] ?? at)), 0)
}

/** How long after a moment the next one of these others was. */
function waitAfter(moment: number, others: readonly number[]): number[] {
  let next = Infinity
  for (const at of others) {
    if (at >= moment && at < next) next = at
  }
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
