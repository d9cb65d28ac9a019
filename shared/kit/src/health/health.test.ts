import { describe, expect, it } from '@jest/globals'
import { createHealth } from './health.ts'

const ok = () => Promise.resolve()
const broken = () => Promise.reject(new Error('away'))
const stuck = () => new Promise<void>(() => undefined)

describe('readiness', () => {
  it('is off until the process has started and from when it drains', async () => {
    const health = createHealth()
    expect(await health.isReady()).toMatchObject({ ready: false, failing: ['process'] })
    health.start({ store: ok })
    expect(await health.isReady()).toEqual({ ready: true, checks: { store: 'ok' }, failing: [] })
    health.drain()
    expect(await health.isReady()).toMatchObject({ ready: false, checks: { process: 'draining' } })
  })

  it('names what fails and what does not answer in time', async () => {
    const health = createHealth({ timeoutMs: 20 })
    health.start({ store: ok, redis: broken, queue: stuck })
    expect(await health.isReady()).toEqual({
      ready: false,
      checks: { store: 'ok', redis: 'failed', queue: 'failed' },
      failing: ['redis', 'queue'],
    })
  })

  it('asks once for many probes, and again once the answer is old', async () => {
    let asked = 0
    const health = createHealth({ timeoutMs: 50, cacheMs: 20 })
    health.start({
      store: async () => {
        asked++
        await Promise.resolve()
      },
    })
    await Promise.all(Array.from({ length: 100 }, () => health.isReady()))
    expect(asked).toBe(1)
    const deadline = performance.now() + 2000
    while (asked < 2 && performance.now() < deadline) await health.isReady()
    expect(asked).toBe(2)
  })
})
