import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { openBackend } from '@chatbox/adapters'
import {
  startGateway,
  type Gateway,
  type GatewayOptions,
  type GatewayPorts,
} from '@chatbox/gateway'
import { createClock, createLogger, createMetrics, readSettings } from '@chatbox/kit'
import { TEST_SECRET } from '../environment/tokens.ts'

export type TestPorts = Omit<GatewayPorts, 'socketAdapter'>

/** The real embedded adapters in a folder of their own, for one or more gateways. */
export interface TestBackend {
  ports: TestPorts
  close(): Promise<void>
}

export async function openTestBackend(): Promise<TestBackend> {
  const dataDir = await mkdtemp(path.join(tmpdir(), 'chatbox-gateway-'))
  const hooks = {
    onError: () => undefined,
    onPublishFailed: () => undefined,
    onGap: () => undefined,
    onPayloadRefused: () => undefined,
  }
  const encryptionKeys = [{ id: 'test', key: randomBytes(32) }]
  const backend = await openBackend({ kind: 'embedded', dataDir, encryptionKeys }, hooks)
  const { sessions, messages, replies, queue, bus, limiter, presence, ledger, pseudonym } = backend
  const { inbox, desks, revocations, signInTickets } = backend
  const { operatorTokenKey, audit, queueInspectors } = backend
  return {
    ports: {
      ...{ sessions, messages, replies, queue, bus, limiter, presence, ledger, pseudonym },
      ...{ inbox, desks, revocations, signInTickets, operatorTokenKey, audit, queueInspectors },
      clock: createClock(),
      logger: createLogger('test-gateway', 'silent'),
      metrics: createMetrics(),
      isReady: () => Promise.resolve({ ready: true, checks: { store: 'ok' }, failing: [] }),
    },
    async close() {
      await backend.close()
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}

const TEST_MODELS: GatewayOptions['models'] = [
  { id: 'demo', name: 'Demo' },
  { id: 'other', name: 'Other' },
]

const DEFAULTS = readSettings({
  JWT_SECRET: TEST_SECRET,
  ALLOWED_ORIGINS: 'https://shop.example',
  ALLOW_VISITORS: 'false',
  RATE_LIMIT: '100000',
  VISITOR_RATE_LIMIT: '100000',
  NEW_VISITORS_PER_ADDRESS: '100000',
  MAX_CONNECTIONS_PER_USER: '100',
  MAX_CONNECTIONS_PER_ADDRESS: '100000',
  HANDSHAKES_PER_ADDRESS: '1000000',
})

export type TestGateway = Gateway & { url: string }

type Group = 'server' | 'auth' | 'sessions' | 'limits' | 'budgets' | 'operators'
/** What differs from the options of the other tests. */
export type OptionChanges = Partial<Omit<GatewayOptions, Group>> & {
  [G in Group]?: Partial<GatewayOptions[G]>
}

/** A gateway on a free port of 127.0.0.1, with limits that no test meets by accident. */
export async function startTestGateway(
  ports: GatewayPorts,
  { server, auth, sessions, limits, budgets, operators, ...others }: OptionChanges = {},
): Promise<TestGateway> {
  const gateway = await startGateway(ports, {
    server: { ...DEFAULTS.server, port: 0, ...server },
    auth: { ...DEFAULTS.auth, ...auth },
    sessions: { ...DEFAULTS.sessions, ...sessions },
    limits: { ...DEFAULTS.limits, ...limits },
    budgets: { ...DEFAULTS.budgets, ...budgets },
    operators: { ...DEFAULTS.operators, ...operators },
    models: TEST_MODELS,
    webRoot: undefined,
    consoleRoot: undefined,
    ...others,
  })
  return { ...gateway, url: `http://127.0.0.1:${gateway.port}` }
}
