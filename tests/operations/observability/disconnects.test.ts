import type { Socket } from 'node:net'
import { describe, expect, it } from '@jest/globals'
import { createMetrics, type Metrics } from '@chatbox/kit'
import { useGateway } from '../../support/gateway-harness.ts'
import type { OptionChanges } from '../../support/test-gateway.ts'
import { signToken } from '../../environment/tokens.ts'
import { waitUntil } from '../../environment/wait-until.ts'

const h = useGateway()

/** What has been counted since its start, by reason. */
async function countsOf({ registry }: Metrics): Promise<Record<string, number>> {
  const metric = await registry.getSingleMetric('chatbox_disconnects_total')?.get()
  return Object.fromEntries(
    (metric?.values ?? []).map(({ labels, value }) => [String(labels.reason), value]),
  )
}

/** A gateway with metrics of its own, and the wait for what it is to have counted. */
async function startCounting(options: OptionChanges = {}) {
  const metrics = createMetrics()
  const gateway = await h.startOther(options, { metrics })
  return {
    gateway,
    waitFor: async (expected: Record<string, number>) => {
      let counts: Record<string, number> = {}
      const isThere = async () => {
        counts = await countsOf(metrics)
        return Object.keys(counts).length > 0
      }
      await waitUntil(isThere)
      expect(counts).toEqual(expected)
    },
  }
}

describe('chatbox_disconnects_total', () => {
  it('tells a client that leaves from one whose connection breaks', async () => {
    const leaving = await startCounting()
    const user = await h.connect({ url: leaving.gateway.url })
    user.close()
    await leaving.waitFor({ 'client-left': 1 })
    const breaking = await startCounting()
    const raw = await h.connectRaw({ url: breaking.gateway.url })
    await raw.login(await signToken({ sub: 'raw' }))
    raw.end()
    await breaking.waitFor({ 'connection-lost': 1 })
  })

  it('names a token that ended', async () => {
    const { gateway, waitFor } = await startCounting()
    const exp = Math.floor(Date.now() / 1000) + 2
    const user = await h.connect({ url: gateway.url, token: await signToken({ sub: 'goes', exp }) })
    await user.waitForClose()
    await waitFor({ 'token-expired': 1 })
  })

  it('names a packet that is none', async () => {
    const { gateway, waitFor } = await startCounting()
    const raw = await h.connectRaw({ url: gateway.url })
    await raw.login(await signToken({ sub: 'raw' }))
    raw.socket.send('4nonsense')
    await raw.closed
    await waitFor({ 'protocol-error': 1 })
  })

  it('names a message that is longer than allowed', async () => {
    const { gateway, waitFor } = await startCounting({ limits: { maxMessageBytes: 1024 } })
    const raw = await h.connectRaw({ url: gateway.url })
    await raw.login(await signToken({ sub: 'raw' }))
    raw.socket.send('x'.repeat(1025))
    await raw.closed
    await waitFor({ 'protocol-error': 1 })
  })

  it('names a connection that is reset', async () => {
    const { gateway, waitFor } = await startCounting()
    const raw = await h.connectRaw({ url: gateway.url })
    await raw.login(await signToken({ sub: 'raw' }))
    const connection = Reflect.get(raw.socket, '_socket') as Socket
    connection.resetAndDestroy()
    await waitFor({ 'connection-lost': 1 })
  })

  it('names a drain', async () => {
    const { gateway, waitFor } = await startCounting()
    // This one does not do as it is told.
    const raw = await h.connectRaw({ url: gateway.url })
    await raw.login(await signToken({ sub: 'raw' }))
    await gateway.drain({ deadlineMs: 100 })
    await waitFor({ drain: 1 })
  })
})
