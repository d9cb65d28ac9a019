import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from '@jest/globals'
import type { Store } from '@chatbox/adapters'
import { toEntryAlertId, type Alert, type AlertDelivery } from '@chatbox/core'
import {
  eventEntry,
  newId,
  startSession,
  userEntry,
  useStores,
  type StoreHarness,
} from './store.support.ts'

const LEASE_MS = 60_000

/** Every promise of `Alerts`. */
export function describeAlertRecords(open: () => Promise<StoreHarness>): void {
  let store: Store
  let second: Store
  useStores(open, (opened) => ({ store, second } = opened))

  async function openOne(rule = 'model.failing', about = 'demo'): Promise<string> {
    const id = `${rule}~${newId()}`
    expect(await store.alerts.open({ id, rule, about })).toBe(true)
    return id
  }

  async function claim(id: string, leaseMs = LEASE_MS): Promise<Alert> {
    const alert = await store.alerts.claim(id, leaseMs)
    if (!alert) throw new Error('the alert is not due')
    return alert
  }

  /** Settles what other tests have left due. */
  async function clear(): Promise<void> {
    for (const alert of await store.alerts.claimDue(1000, LEASE_MS)) {
      await store.alerts.save(alert, { state: 'suppressed' })
    }
  }

  const delivery: AlertDelivery = {
    kind: 'mail',
    recipient: 'ops@site.org',
    outcome: 'delivered',
    attempts: 1,
    at: '2026-01-01T00:00:00.000Z',
    said: '250 ok',
  }

  describe('Alerts', () => {
    it('opens one for each occurrence, and gives it to one claim', async () => {
      const id = await openOne()
      expect(await second.alerts.open({ id, rule: 'model.failing' })).toBe(false)
      const claims = await Promise.all(
        Array.from({ length: 20 }, (_, i) => (i % 2 ? store : second).alerts.claim(id, LEASE_MS)),
      )
      const [got, ...others] = claims.filter((alert) => alert !== undefined)
      expect(others).toEqual([])
      expect(got).toMatchObject({ id, rule: 'model.failing', about: 'demo', state: 'claimed' })
      expect(got).toMatchObject({ epoch: 1, size: 0, deliveries: [] })
      expect(await second.alerts.find(id)).toEqual(got)
      expect(await second.alerts.find(newId())).toBeUndefined()
    })

    it('opens those of an entry with it, once', async () => {
      await clear()
      const sessionId = await startSession(store)
      const entry = eventEntry(sessionId, { type: 'help_requested', note: 'a canary' })
      await store.messages.append(entry)
      await second.messages.append(entry)
      const due = await second.alerts.claimDue(10, LEASE_MS)
      const ids = (['help.requested', 'help.unanswered'] as const).map((rule) =>
        toEntryAlertId(rule, entry.message.id),
      )
      expect(due.map(({ id }) => id).sort()).toEqual(ids)
      expect(due.every((alert) => alert.sessionId === sessionId)).toBe(true)
      await store.messages.append(userEntry(sessionId))
      expect(await second.alerts.claimDue(10, LEASE_MS)).toEqual([])
    })

    it('opens one for the first words that wait for an operator', async () => {
      await clear()
      const sessionId = await startSession(store)
      const by = { id: 'olga', name: 'Olga' }
      await store.messages.append(eventEntry(sessionId, { type: 'takeover_started', by }))
      const words = [userEntry(sessionId), userEntry(sessionId)]
      for (const entry of words) await store.messages.append(entry)
      const due = await store.alerts.claimDue(10, LEASE_MS)
      const first = words[0]?.message.id ?? ''
      expect(due.map(({ id }) => id)).toEqual([toEntryAlertId('reply.unread', first)])
    })

    it('gives one whose lease has expired to the next, and refuses what the former one writes', async () => {
      const id = await openOne()
      const former = await claim(id, 20)
      await sleep(60)
      const next = await second.alerts.claim(id, LEASE_MS)
      expect(next).toMatchObject({ epoch: 2 })
      expect(await store.alerts.save(former, { state: 'sent', deliveries: [delivery] })).toBe(false)
      expect(await second.alerts.find(id)).toMatchObject({ state: 'claimed', deliveries: [] })
    })

    it('keeps what a claim writes, and renews its lease', async () => {
      const id = await openOne()
      const alert = await claim(id, 20)
      const kept = { size: 3, deliveries: [delivery] }
      const change = { state: 'claimed', leaseMs: LEASE_MS, ...kept } as const
      expect(await store.alerts.save(alert, change)).toBe(true)
      await sleep(60)
      expect(await second.alerts.claim(id, LEASE_MS)).toBeUndefined()
      await store.alerts.save(alert, { state: 'queued', reason: 'retry', dueInMs: 2000 })
      expect(await second.alerts.claim(id, LEASE_MS)).toBeUndefined()
      await sleep(2060)
      const again = await second.alerts.claim(id, LEASE_MS)
      expect(again).toMatchObject({ size: 3, reason: 'retry', deliveries: [delivery], epoch: 2 })
    })

    it.each(['sent', 'failed', 'suppressed'] as const)('is over once it is %s', async (state) => {
      const id = await openOne()
      const alert = await claim(id)
      await store.alerts.save(alert, { state, reason: 'cap', toldBy: 'other' })
      expect(await store.alerts.save(alert, { state: 'sent' })).toBe(false)
      expect(await second.alerts.claim(id, LEASE_MS)).toBeUndefined()
      expect(await second.alerts.find(id)).toMatchObject({ state, reason: 'cap', toldBy: 'other' })
    })

    it('gives each that is due to one of two sweeps', async () => {
      await clear()
      const ids = await Promise.all(Array.from({ length: 30 }, () => openOne()))
      const taken = await Promise.all([
        store.alerts.claimDue(20, LEASE_MS),
        second.alerts.claimDue(20, LEASE_MS),
        store.alerts.claimDue(20, LEASE_MS),
      ])
      const rest = await store.alerts.claimDue(100, LEASE_MS)
      const all = [...taken.flat(), ...rest].map(({ id }) => id)
      expect(all.sort()).toEqual(ids.sort())
    })

    it('lists the latest first, by state and rule, page by page', async () => {
      const rule = `later.${newId()}`
      const ids: string[] = []
      for (let i = 0; i < 5; i++) ids.unshift(await openOne(rule))
      await store.alerts.save(await claim(ids[0] ?? ''), { state: 'failed' })
      const read = async (after?: string): Promise<string[]> => {
        const page = await second.alerts.list({ rule, after, limit: 2 })
        const last = page.at(-1)
        return last ? [...page.map(({ id }) => id), ...(await read(last.id))] : []
      }
      const listed = await read()
      expect([...listed].sort()).toEqual([...ids].sort())
      expect(await second.alerts.list({ rule, state: 'failed', limit: 5 })).toMatchObject([
        { id: ids[0] },
      ])
      expect(await second.alerts.list({ rule, after: newId(), limit: 5 })).toEqual([])
    })

    it('counts those of a rule that are open', async () => {
      const rule = `later.${newId()}`
      const ids = [await openOne(rule), await openOne(rule), await openOne(rule)]
      await store.alerts.save(await claim(ids[0] ?? ''), { state: 'sent' })
      await claim(ids[1] ?? '')
      expect(await second.alerts.countOpen(rule, new Date(Date.now() + 60_000))).toBe(2)
      expect(await second.alerts.countOpen(rule, new Date(Date.now() - 60_000))).toBe(0)
    })

    it('lets one of 20 lead, also again, and tells the others by whom they are told', async () => {
      const rule = newId()
      const readyAt = new Date(Date.now() - 1000)
      const query = (id: string) => ({ id, rule, readyAt, windowMs: 60_000 })
      const ids = Array.from({ length: 20 }, () => newId())
      const groupings = await Promise.all(
        ids.map((id, i) => (i % 2 ? store : second).alerts.group(query(id))),
      )
      const leaders = ids.filter((_, i) => groupings[i]?.type === 'lead')
      expect(leaders).toHaveLength(1)
      const by = leaders[0] ?? ''
      const others = groupings.filter(({ type }) => type !== 'lead')
      expect(others).toEqual(Array.from({ length: 19 }, () => ({ type: 'told', by })))
      expect(await second.alerts.group(query(by))).toEqual({ type: 'lead' })
      const passed = newId()
      expect(await second.alerts.group({ ...query(passed), passOver: by })).toEqual({
        type: 'lead',
      })
    })

    it('lets what comes later wait for the window, and then lead', async () => {
      const rule = newId()
      const windowMs = 1000
      const soon = () => new Date(Date.now() + 1000)
      await store.alerts.group({ id: newId(), rule, readyAt: new Date(), windowMs })
      const late = { id: newId(), rule, readyAt: soon(), windowMs }
      const waits = await second.alerts.group(late)
      expect(waits).toMatchObject({ type: 'wait' })
      // Each process has measured the store's clock for itself.
      expect((waits as { forMs: number }).forMs).toBeLessThanOrEqual(windowMs + 10)
      await sleep(windowMs + 50)
      expect(await second.alerts.group(late)).toEqual({ type: 'lead' })
    })

    it('gives each place to one of 20, and the same one again', async () => {
      const bucket = newId()
      const ids = Array.from({ length: 20 }, () => newId())
      const take = (id: string, i: number) =>
        (i % 2 ? store : second).alerts.takePlace(bucket, id, 4)
      const places = await Promise.all(ids.map(take))
      expect(places.filter((place) => place !== undefined).sort()).toEqual([0, 1, 2, 3])
      expect(await Promise.all(ids.map(take))).toEqual(places)
      expect(await store.alerts.takePlace(newId(), ids[0] ?? '', 1)).toBe(0)
    })

    it('knows the channels that were noted last', async () => {
      await store.alerts.noteChannels([{ kind: 'sms', recipient: '+4915112345678' }])
      await second.alerts.noteChannels([{ kind: 'mail', recipient: 'ops@site.org' }])
      expect(await store.alerts.listChannels()).toEqual([
        { kind: 'mail', recipient: 'ops@site.org' },
      ])
    })

    it('forgets what is settled and old, and nothing else', async () => {
      const [settled, waiting] = [await openOne(), await openOne()]
      await store.alerts.save(await claim(settled), { state: 'sent' })
      await store.alerts.forget(new Date(Date.now() - 60_000))
      expect(await store.alerts.find(settled)).toBeDefined()
      await store.alerts.forget(new Date(Date.now() + 60_000))
      expect(await store.alerts.find(settled)).toBeUndefined()
      expect(await store.alerts.find(waiting)).toBeDefined()
    })
  })
}
