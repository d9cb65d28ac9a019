/** How long and how hard a run is. */
export interface ClusterProfile {
  kind: 'cluster'
  gateways: number
  workers: number
  askSessions: number
  talkSessions: number
  /** Mean of the time from one message of a session to its next. */
  askEveryMs: number
  talkEveryMs: number
  dropShare: number
  longShare: number
  longTokens: readonly [low: number, high: number]
  tokenIntervalMs: number
  /** While faults happen. */
  durationMs: number
  lanes: number
  pauseMs: number
  maxHoldMs: number
  settleTimeoutMs: number
}

export interface StandaloneProfile {
  kind: 'standalone'
  sessions: number
  everyMs: number
  tokenIntervalMs: number
  durationMs: number
  /** Mean of the time from one fault to the next. */
  pauseMs: number
  settleTimeoutMs: number
}

export type Profile = ClusterProfile | StandaloneProfile

const MINUTE_MS = 60_000

const CLUSTER = {
  kind: 'cluster',
  gateways: 3,
  workers: 2,
  dropShare: 0.4,
  longShare: 0.3,
  longTokens: [40, 160],
  tokenIntervalMs: 20,
} as const

export const PROFILES = {
  /** Part of every test run. */
  smoke: {
    ...CLUSTER,
    askSessions: 4,
    talkSessions: 3,
    askEveryMs: 2000,
    talkEveryMs: 300,
    durationMs: 60_000,
    lanes: 2,
    pauseMs: 1000,
    maxHoldMs: 5000,
    settleTimeoutMs: 60_000,
  },
  /** Part of every build. */
  ci: {
    ...CLUSTER,
    askSessions: 8,
    talkSessions: 6,
    askEveryMs: 2500,
    talkEveryMs: 250,
    durationMs: 6 * MINUTE_MS,
    lanes: 2,
    pauseMs: 1500,
    maxHoldMs: 15_000,
    settleTimeoutMs: 90_000,
  },
  /** Once before a release. */
  soak: {
    ...CLUSTER,
    workers: 3,
    askSessions: 10,
    talkSessions: 16,
    askEveryMs: 2500,
    talkEveryMs: 230,
    dropShare: 0.6,
    durationMs: 60 * MINUTE_MS,
    lanes: 2,
    pauseMs: 4000,
    maxHoldMs: 20_000,
    settleTimeoutMs: 180_000,
  },
  /** One process on SQLite. */
  standalone: {
    kind: 'standalone',
    sessions: 6,
    everyMs: 300,
    tokenIntervalMs: 20,
    durationMs: 2 * MINUTE_MS,
    pauseMs: 3000,
    settleTimeoutMs: 60_000,
  },
} satisfies Record<string, Profile>

export type ProfileName = keyof typeof PROFILES
