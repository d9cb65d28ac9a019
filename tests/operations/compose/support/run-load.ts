import { join } from 'node:path'
import type { BackendOptions } from '@chatbox/adapters'
import { checkHistory } from '../../../fault/checkers/check-history.ts'
import {
  openLines,
  openRecorder,
  readLines,
  type CheckReport,
  type FinalRead,
  type HistoryEvent,
  type NemesisCount,
} from '../../../fault/history.ts'
import { startRecordedModels } from '../../../fault/system/recorded-models.ts'
import type { Load } from '../../../fault/profiles.ts'
import { createRandom } from '../../../fault/random.ts'
import { runOn } from '../../../fault/run-on.ts'
import { openOnce, type SystemUnderTest } from '../../../fault/system/system-under-test.ts'
import { TEST_SECRET } from '../../../environment/tokens.ts'
import type { ComposeProject } from './compose-project.ts'
import { createKillNemesis } from './create-kill-nemesis.ts'
import { serveModels } from './serve-models.ts'

const LOAD: Load = {
  ask: { sessions: 5, everyMs: 1500 },
  talk: { sessions: 3, everyMs: 300 },
  dropShare: 0.3,
  longShare: 0.5,
  longTokens: [40, 160],
  tokenIntervalMs: 20,
  stopShare: 0.05,
  settleTimeoutMs: 90_000,
}
const FAULTS = { durationMs: 40_000, lanes: 2, pauseMs: 1500, maxHoldMs: 1000 }
const SEED = 1

export interface LoadOutcome {
  checks: CheckReport
  nemeses: NemesisCount[]
  notes: string[]
}

/**
 * Brings the project up with a model server of this machine, and lets the fault harness's own users
 * work on the published port while gateways and workers are killed. Leaves it up, and to the demo
 * from its next `up` on.
 */
export async function runLoad(project: ComposeProject): Promise<LoadOutcome> {
  const files = [
    join(project.folder, 'history.jsonl'),
    join(project.folder, 'reads.jsonl'),
  ] as const
  const recorder = openRecorder(files[0])
  const reads = openLines(files[1])
  const models = await startRecordedModels({ recorder, intervalMs: LOAD.tokenIntervalMs, doors: 1 })
  const served = await serveModels(project, models.ports[0] ?? 0)
  Object.assign(project.env, served.env, {
    JWT_SECRET: TEST_SECRET,
    RATE_LIMIT: '100000',
    MAX_CONNECTIONS_PER_USER: '100',
    MAX_CONNECTIONS_PER_ADDRESS: '100000',
    HANDSHAKES_PER_ADDRESS: '1000000',
    RECONNECT_TIMEOUT: '12h',
    SESSION_IDLE_TIMEOUT: '1d',
  })
  const stores = openOnce(recorder, () => findStores(project))
  const system: SystemUnderTest = {
    processes: [],
    links: [],
    models,
    // Each user twice: over one port, and the proxy decides which gateway it gets.
    gatewayPorts: [project.port, project.port],
    balancerPort: project.port,
    storeName: 'the one of compose',
    openStore: () => stores.openStore(),
    stop: async () => [],
  }
  try {
    await project.up()
    const { nemeses, notes } = await runOn(
      system,
      () => ['gateway', 'worker'].map((service) => createKillNemesis(project, service)),
      {
        profile: { ...LOAD, faults: FAULTS },
        recorder,
        random: createRandom(SEED),
        report: () => undefined,
        keepRead: (read) => reads.write(read),
      },
    )
    await Promise.all([recorder.close(), reads.close()])
    const checks = checkHistory(
      await readLines<HistoryEvent>(files[0]),
      await readLines<FinalRead>(files[1]),
    )
    return { checks, nemeses, notes }
  } finally {
    await stores.close()
    await served.stop()
    await models.stop()
    const kept = Object.entries(project.env).filter(([name]) => !(name in served.env))
    project.env = Object.fromEntries(kept)
  }
}

/** The stores past the product, from this machine: the engine's host has a way into each network. */
async function findStores(project: ComposeProject): Promise<BackendOptions> {
  const { REDIS_PASSWORD = '', MONGO_PASSWORD = '', ENCRYPTION_KEYS = '' } = project.env
  const [redis, mongo] = await Promise.all([
    project.address('redis', 'back'),
    project.address('mongo', 'back'),
  ])
  const [id = '', key = ''] = ENCRYPTION_KEYS.split(':')
  return {
    kind: 'cluster',
    redisUrl: `redis://default:${REDIS_PASSWORD}@${redis}:6379/0`,
    mongoUri: `mongodb://chatbox:${MONGO_PASSWORD}@${mongo}:27017/?authSource=admin&directConnection=true`,
    mongoDatabase: 'chatbox',
    encryptionKeys: [{ id, key: new Uint8Array(Buffer.from(key, 'base64')) }],
  }
}
