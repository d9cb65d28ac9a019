import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { StorePorts } from '@chatbox/adapters'
import { signToken } from '../../environment/tokens.ts'
import { BareViewer } from '../clients/bare-viewer.ts'
import { CoreViewer } from '../clients/core-viewer.ts'
import type { Viewer } from '../clients/viewer.ts'
import type { Recorder } from '../history.ts'
import type { Random } from '../random.ts'
import type { DrivenSession } from './session-driver.ts'

export interface WorkloadOptions {
  /** The addresses of the gateways, each over its own link. */
  gatewayPorts: readonly number[]
  balancerPort: number
  store: Pick<StorePorts, 'messages'>
  recorder: Recorder
  random: Random
}

const TOKEN_TTL_S = 24 * 3600
const OPERATOR = { id: 'operator', name: 'Operator' }
/** Used while the store is briefly down. */
const STORE_TRIES = 60

export function viewersOf({ bares, core }: DrivenSession): Viewer[] {
  return [...bares, core]
}

/**
 * Opens a session with three viewers: two bare ones on two gateways, and one of the client core.
 */
export async function openSession(
  options: WorkloadOptions,
  index: number,
  kind: DrivenSession['kind'],
): Promise<DrivenSession> {
  const { gatewayPorts: ports, recorder, random } = options
  const name = `s${index}`
  const exp = Math.floor(Date.now() / 1000) + TOKEN_TTL_S
  const token = await signToken({ sub: `user-${index}`, exp })
  const bares = [0, 1].map((number) => {
    const viewer = `${name}-bare-${number}`
    const gateway = (index + number) % ports.length
    const own = { name: viewer, gateway, random: random.fork(viewer) }
    return new BareViewer({ ...own, ports, token, recorder })
  })
  // Open one first. The others find the session that it creates.
  for (const bare of bares) await bare.open()
  const sessionId = bares[0]?.sessionId ?? ''
  if (kind === 'talk') {
    const entryId = randomUUID()
    await tryOften(STORE_TRIES, () => takeOver(options.store, sessionId, entryId))
  }
  const core = createCore(options, { index, name: `${name}-core`, token })
  await core.open()
  return { kind, name, sessionId, bares, core }
}

/** Every second viewer uses the balancer; the others always stay with one gateway. */
function createCore(
  { gatewayPorts, balancerPort, recorder }: WorkloadOptions,
  { index, name, token }: { index: number; name: string; token: string },
): CoreViewer {
  const fixed = (index + 2) % gatewayPorts.length
  const gateway = index % 2 === 0 ? -1 : fixed
  const port = gateway === -1 ? balancerPort : (gatewayPorts[fixed] ?? 0)
  return new CoreViewer({ name, port, gateway, token, recorder })
}

/** Writes straight to the store, because the log itself enforces these rules. */
async function takeOver(
  store: Pick<StorePorts, 'messages'>,
  sessionId: string,
  id: string,
): Promise<void> {
  await store.messages.append({
    message: {
      id,
      sessionId,
      kind: 'event',
      sender: { type: 'admin', ...OPERATOR },
      content: '',
      attachments: [],
      status: 'complete',
      event: { type: 'takeover_started', by: OPERATOR },
      createdAt: new Date().toISOString(),
    },
  })
}

const PAUSE_MS = 1000

/** Retries every second while it rejects, up to a limit, because a fault may be active. */
export async function tryOften<T>(times: number, work: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await work()
    } catch (error) {
      if (tries >= times) throw error
      await sleep(PAUSE_MS)
    }
  }
}
