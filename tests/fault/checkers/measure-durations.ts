import type { DraftEvent, ViewerEvent } from '../history.ts'
import {
  toRequestId,
  type Acknowledged,
  type FaultSpan,
  type ModelRequest,
  type RunIndex,
  type SendEnd,
  type SendTry,
} from './run-index.ts'

type Ended = SendTry & { end: SendEnd }

/** Milliseconds by what was waited for. Names without a measurement are missing. */
export function measureDurations(run: RunIndex): Record<string, number[]> {
  const tries = run.sessions.flatMap(({ sent }) => sent).flatMap((message) => message.tries)
  const ok = tries.filter(isAcknowledged)
  const acknowledgedAt = ok.map(({ end }) => end.at).sort((a, b) => a - b)
  const requestedAt = [...run.allRequests.values()].map(({ at }) => at)
  const viewers = [...run.viewers.values()]
  const findSpans = (kinds: readonly string[]): FaultSpan[] =>
    run.faults.filter(({ kind, isDone }) => isDone && kinds.includes(kind))
  const [redisDead, storeAway] = [findSpans(REDIS_DEAD), findSpans(STORE_AWAY)]
  // The next outage cuts this wait short, so its full length is unknown.
  const isOutage = ({ kind }: FaultSpan) => REDIS_AWAY.includes(kind) || STORE_AWAY.includes(kind)
  const outages = run.faults.filter(isOutage).map(({ from }) => from)
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

function isAcknowledged(tried: SendTry): tried is Acknowledged {
  return tried.end?.phase === 'ok'
}

/** Refused with a reason, or unanswered until the client gave up. */
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

/** Returns the longest time without any of these moments between the ends of a span. */
function longestGap({ from, to }: FaultSpan, sorted: readonly number[]): number {
  const marks = [from, ...sorted.filter((at) => at > from && at < to), to]
  return marks.reduce((gap, at, index) => Math.max(gap, at - (marks[index - 1] ?? at)), 0)
}

/** Returns the time from each moment to the next of the others. */
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

/** Measures from the signal to the end of a process that was asked to stop. */
function measureEnds({ faults, lives }: RunIndex): number[] {
  const asked = faults.filter(({ kind }) => kind.endsWith('-term'))
  return asked.flatMap(({ from: at, target }) => {
    const end = lives.find((life) => {
      return life.phase === 'ended' && life.process === target && life.at >= at
    })
    return end ? [end.at - at] : []
  })
}

/** Measures from a worker's death until the model server sees its connections end. */
const CUT_WITHIN_MS = 1500

/**
 * Measures from the death of the writing worker to the first text of the next attempt, both without
 * other faults and with other faults in that time.
 */
function measureTakeOvers(run: RunIndex): Record<'takeOver' | 'takeOverUnderFaults', number[]> {
  const shownAt = indexFirstText(run.sessions.flatMap(({ drafts }) => drafts))
  const spans = run.faults
  const measured = { takeOver: [] as number[], takeOverUnderFaults: [] as number[] }
  for (const kill of spans.filter(isWorkerKill)) {
    for (const requests of run.requests.values()) {
      const index = requests.findIndex((request) => isCutBy(request, kill))
      const next = index < 0 ? undefined : requests[index + 1]
      if (!next) continue
      const to = shownAt.get(next.id) ?? next.at
      const isAlone = spans.every((other) => other === kill || !overlaps(other, kill.from, to))
      measured[isAlone ? 'takeOver' : 'takeOverUnderFaults'].push(to - kill.from)
    }
  }
  return measured
}

/**
 * Counts workers that were killed while they wrote, and the attempts per reply. A worker that dies
 * between its claim and its request was not writing yet, but its attempt counts.
 */
export function countDeaths(run: RunIndex): Record<string, number> {
  const kills = run.faults.filter(isWorkerKill)
  const requests = [...run.allRequests.values()]
  const attempts = new Map<string, number>()
  for (const { replyId, attempt } of run.sessions.flatMap(({ drafts }) => drafts)) {
    attempts.set(replyId, Math.max(attempt, attempts.get(replyId) ?? 0))
  }
  const counts = [...attempts.values()]
  return {
    requestsCutByKills: requests.filter((one) => kills.some((kill) => isCutBy(one, kill))).length,
    mostAttemptsOfOneReply: counts.reduce((most, count) => Math.max(most, count), 0),
    repliesWithTwentyAttempts: counts.filter((count) => count >= 20).length,
  }
}

function isWorkerKill({ kind, target }: FaultSpan): boolean {
  return kind.includes('kill') && target.startsWith('worker')
}

function isCutBy({ end }: ModelRequest, { from }: FaultSpan): boolean {
  return end?.phase === 'fail' && end.at >= from && end.at - from < CUT_WITHIN_MS
}

function overlaps(span: FaultSpan, from: number, to: number): boolean {
  return span.from <= to && span.to >= from
}

/** By request, the time at which any viewer first showed part of it. */
function indexFirstText(drafts: readonly DraftEvent[]): Map<number, number> {
  const first = new Map<number, number>()
  for (const { text, since, at } of drafts) {
    const request = toRequestId(text)
    const shownAt = since ?? at
    if (!Number.isNaN(request) && shownAt < (first.get(request) ?? Infinity)) {
      first.set(request, shownAt)
    }
  }
  return first
}
