import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { describeAlertRecords } from './alerts.contract.ts'
import { describeAuditLog } from './audit-log.contract.ts'
import { describeConversationRefs } from './conversation-refs.contract.ts'
import { describeDeskLog } from './desk-log.contract.ts'
import { describeInbox } from './inbox.contract.ts'
import { describeMessageLog } from './message-log.contract.ts'
import { describeReplyClaims } from './reply-claims.contract.ts'
import { describeRevocations } from './revocations.contract.ts'
import { describeSessions } from './sessions.contract.ts'
import { describeSignInTickets } from './sign-in-tickets.contract.ts'
import { newId, userEntry, type StoreHarness } from './store.support.ts'

const unavailable = expect.objectContaining({ code: 'UNAVAILABLE', retryable: true })

/** The suites of all ports of a store, and the end of it. */
export function describeStore(open: () => Promise<StoreHarness>): void {
  describeSessions(open)
  describeMessageLog(open)
  describeReplyClaims(open)
  describeConversationRefs(open)
  describeInbox(open)
  describeDeskLog(open)
  describeRevocations(open)
  describeSignInTickets(open)
  describeAlertRecords(open)
  describeAuditLog(open)

  describe('a store', () => {
    let harness: StoreHarness
    beforeAll(async () => {
      harness = await open()
    })
    afterAll(() => harness.close())

    it('is closed once, and refuses every later call of each port', async () => {
      const third = await harness.openSecond()
      await third.ping()
      await Promise.all([third.close(), third.close()])
      await third.close()
      await expect(third.ping()).rejects.toEqual(unavailable)
      await expect(third.sessions.find(newId())).rejects.toEqual(unavailable)
      await expect(third.messages.append(userEntry(newId()))).rejects.toEqual(unavailable)
      await harness.store.ping()
    })
  })
}
