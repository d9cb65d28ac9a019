/** The number of sessions of a kind, and the mean time between two messages of a session. */
interface Rhythm {
  sessions: number
  everyMs: number
}

/** The load. */
export interface Load {
  /** The model must answer every message. */
  ask: Rhythm
  /** A person has taken over. */
  talk: Rhythm
  /** The share of messages whose answer is dropped, so that they are sent again. */
  dropShare: number
  /** The share of questions with a long answer, and its length. */
  longShare: number
  longTokens: readonly [low: number, high: number]
  tokenIntervalMs: number
  /** How often a reply in progress is stopped when its session's next message is due. */
  stopShare: number
  /** A session ends after this many messages, and a new one replaces it. */
  retireAfter?: number
  /** The time for a session to settle at its end. */
  settleTimeoutMs: number
}

/** The duration and intensity of the faults. */
export interface FaultPlan {
  durationMs: number
  /** The number of simultaneous faults. */
  lanes: number
  /** The mean pause between two faults of one lane. */
  pauseMs: number
  /** The maximum duration of a fault. */
  maxHoldMs: number
  /** How many times more often than the others some kinds come. */
  favour?: Readonly<Record<string, number>>
  /** The only kinds of faults; all by default. */
  only?: readonly string[]
}

export interface StandaloneProfile extends Load {
  kind: 'standalone'
  /** Its purpose, in one or two sentences for the report. */
  about: string
  faults: FaultPlan
}

export interface ClusterProfile extends Omit<StandaloneProfile, 'kind'> {
  kind: 'cluster'
  /** The minimum and maximum time that a worker sleeps during its replies. */
  zombieMs: readonly [low: number, high: number]
  gateways: number
  workers: number
}

export type Profile = ClusterProfile | StandaloneProfile

const MINUTE_MS = 60_000

const LOAD = {
  dropShare: 0.4,
  longShare: 0.3,
  longTokens: [40, 160],
  tokenIntervalMs: 20,
  stopShare: 0.06,
} as const
const CLUSTER = {
  ...LOAD,
  kind: 'cluster',
  gateways: 3,
  workers: 2,
  // Longer than a lease plus the time to notice its end.
  zombieMs: [9000, 13_000],
} as const

export const PROFILES = {
  smoke: {
    about: 'A minute with all kinds of fault; part of every test run.',
    ...CLUSTER,
    ask: { sessions: 4, everyMs: 2000 },
    talk: { sessions: 3, everyMs: 300 },
    settleTimeoutMs: 60_000,
    faults: { durationMs: 60_000, lanes: 2, pauseMs: 1000, maxHoldMs: 5000 },
  },
  ci: {
    about: 'Some minutes with all kinds of fault; part of every build.',
    ...CLUSTER,
    ask: { sessions: 8, everyMs: 2500 },
    talk: { sessions: 6, everyMs: 250 },
    settleTimeoutMs: 90_000,
    faults: { durationMs: 3.5 * MINUTE_MS, lanes: 2, pauseMs: 1500, maxHoldMs: 15_000 },
  },
  control: {
    about:
      'Long answers, and the faults that one safety or another is there for: once as the product is, and once for each negative control.',
    ...CLUSTER,
    ask: { sessions: 8, everyMs: 1500 },
    talk: { sessions: 3, everyMs: 400 },
    longShare: 0.8,
    longTokens: [200, 400],
    // What has not settled by then counts as stuck.
    settleTimeoutMs: 45_000,
    faults: {
      durationMs: MINUTE_MS,
      lanes: 2,
      pauseMs: 1000,
      maxHoldMs: 14_000,
      only: [
        ...['gateway-kill', 'worker-kill', 'worker-zombie', 'link-reset'],
        ...['redis-kill', 'redis-flush', 'redis-drop-subscribers'],
      ],
      favour: { 'worker-zombie': 2 },
    },
  },
  soak: {
    about:
      'An hour and a quarter with all kinds of fault; once before a release. A session is over after 150 messages: it comes to rest and is read by everybody while the others go on, and a new one takes its place.',
    ...CLUSTER,
    workers: 3,
    ask: { sessions: 12, everyMs: 2200 },
    talk: { sessions: 40, everyMs: 420 },
    dropShare: 0.45,
    retireAfter: 150,
    settleTimeoutMs: 180_000,
    faults: { durationMs: 75 * MINUTE_MS, lanes: 2, pauseMs: 6000, maxHoldMs: 20_000 },
  },
  zombies: {
    about:
      'Workers sleep in the middle of their answers for longer than a lease, and come back when others have answered.',
    ...CLUSTER,
    workers: 3,
    ask: { sessions: 54, everyMs: 1000 },
    talk: { sessions: 0, everyMs: 1000 },
    longShare: 1,
    // Ends before the worker returns, alone and on the worker that takes over.
    longTokens: [20, 24],
    tokenIntervalMs: 200,
    zombieMs: [15_000, 17_000],
    stopShare: 0,
    settleTimeoutMs: 90_000,
    faults: {
      durationMs: 10 * MINUTE_MS,
      lanes: 1,
      pauseMs: 300,
      maxHoldMs: 20_000,
      only: ['worker-zombie'],
    },
  },
  deaths: {
    about:
      'Every worker that begins an answer is killed, so that one question has many workers die on it.',
    ...CLUSTER,
    ask: { sessions: 6, everyMs: 2000 },
    talk: { sessions: 0, everyMs: 1000 },
    longShare: 1,
    longTokens: [300, 400],
    // A stopped session would not reach twenty.
    stopShare: 0,
    settleTimeoutMs: 90_000,
    faults: {
      durationMs: 4 * MINUTE_MS,
      lanes: 1,
      pauseMs: 200,
      maxHoldMs: 1000,
      only: ['worker-kill-busy'],
    },
  },
  terms: {
    about: 'Gateways and workers are asked to end, several at once, under load.',
    ...CLUSTER,
    workers: 3,
    ask: { sessions: 8, everyMs: 2000 },
    talk: { sessions: 6, everyMs: 400 },
    settleTimeoutMs: 90_000,
    faults: {
      durationMs: 7 * MINUTE_MS,
      lanes: 3,
      pauseMs: 300,
      maxHoldMs: 1000,
      only: ['gateway-term', 'worker-term'],
    },
  },
  away: {
    about: 'Redis and the store are away, one at a time, for a moment and for long.',
    ...CLUSTER,
    ask: { sessions: 8, everyMs: 1500 },
    talk: { sessions: 4, everyMs: 400 },
    settleTimeoutMs: 90_000,
    faults: {
      durationMs: 8 * MINUTE_MS,
      lanes: 1,
      pauseMs: 6000,
      maxHoldMs: 60_000,
      only: ['redis-kill', 'redis-away-long', 'store-pause', 'store-cut', 'store-refuse'],
      favour: { 'redis-kill': 3, 'store-pause': 2, 'store-cut': 2, 'store-refuse': 2 },
    },
  },
  standalone: {
    about:
      'One process on SQLite: killed, killed again while it starts, on a full disk and on a folder that it may not write to.',
    ...LOAD,
    kind: 'standalone',
    ask: { sessions: 4, everyMs: 2000 },
    talk: { sessions: 4, everyMs: 250 },
    settleTimeoutMs: 60_000,
    faults: { durationMs: 3 * MINUTE_MS, lanes: 1, pauseMs: 4000, maxHoldMs: 4000 },
  },
} satisfies Record<string, Profile>

export type ProfileName = keyof typeof PROFILES
