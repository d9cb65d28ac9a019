import { describeAppend } from './chat-store.append.contract.ts'
import { describeClaims } from './chat-store.claims.contract.ts'
import { describeOutcomes } from './chat-store.outcomes.contract.ts'
import { describeReading } from './chat-store.reading.contract.ts'
import { describeSessions } from './chat-store.sessions.contract.ts'
import type { StoreHarness } from './chat-store.support.ts'

/** Every promise of the `ChatStore` port, whatever is behind it. */
export function describeChatStore(open: () => Promise<StoreHarness>): void {
  describeSessions(open)
  describeAppend(open)
  describeReading(open)
  describeClaims(open)
  describeOutcomes(open)
}
