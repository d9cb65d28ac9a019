import type { Payer, ReplyKey } from '@chatbox/core'
import type { Context } from '../../context.ts'

/**
 * Throws `BUDGET_EXCEEDED` if a question would only be stored to be refused by a worker, so that its
 * text stays with its author. The worker decides exactly: it knows what other gateways have let
 * through. A message for a person uses no budget, and a message that is stored already is not
 * refused afterwards. Without the counts every message is let through.
 */
export async function checkBudget(
  { budgets, sessions, messages, logger }: Context,
  payer: Payer | undefined,
  { sessionId, messageId }: ReplyKey,
): Promise<void> {
  if (!budgets.isLimited) return
  const spent = await budgets.findSpent(payer).catch((error: unknown) => {
    logger.warn({ err: error }, 'budget not checked')
    return undefined
  })
  if (!spent) return
  const session = await sessions.find(sessionId)
  if (session?.assistedBy || (await messages.find(sessionId, messageId))) return
  throw budgets.refuse(spent, { retryable: false })
}
