/** Sessions of a kind, and the mean of the time from one message of a session to its next. */
interface Rhythm {
  sessions: number
  everyMs: number
}

/** Who does how much. */
export interface Load {
  /** Every message wants an answer of the model. */
  ask: Rhythm
  /** A person has taken over. */
  talk: Rhythm
  /** How many of the messages have their answer dropped and are sent again. */
  dropShare: number
  /** How many questions want a long answer, and how long these are. */
  longShare: number
  longTokens: readonly [low: number, high: number]
  tokenIntervalMs: number
  /** How often a reply that is being written is stopped when its session's next message is due. */
  stopShare: number
  /** A session is over after so many messages, and another one takes its place. */
  retireAfter?: number
  /** For a session to come to rest at its end. */
  settleTimeoutMs: number
}

/** How long and how hard faults come. */
export interface FaultPlan {
  durationMs: number
  /** Faults that may be under way at once. */
  lanes: number
  /** Mean of the pauses between two faults of one lane. */
  pauseMs: number
  /** No fault lasts longer. */
  maxHoldMs: number
  /** Kinds of fault that come so many times as often as the others. */
  favour?: Readonly<Record<string, number>>
  /** The only kinds of fault; all of them when left out. */
  only?: readonly string[]
}

export interface StandaloneProfile extends Load {
  kind: 'standalone'
  /** What it is for, in a sentence or two of the report. */
  about: string
  faults: FaultPlan
}

export interface ClusterProfile extends Omit<StandaloneProfile, 'kind'> {
  kind: 'cluster'
  /** How long a worker sleeps in the middle of its replies, at least and at most. */
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
  // Longer than a lease and the time to find that it has run out.
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
    // Whatever has not come to rest by then is taken to stay as it is.
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
    // Over before the worker comes back, on its own and on whoever takes over.
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
    // One that is stopped would not live to see twenty.
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
