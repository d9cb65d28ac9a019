import type { Usage } from '@chatbox/contract'
import {
  estimateTokens,
  toSpending,
  weighTokens,
  type LlmRequest,
  type Payer,
  type Prices,
} from '@chatbox/core'
import type { Context } from '../context.ts'

/** One request to a provider that has ended, well or not. */
export interface EndedAttempt {
  /** Unique for each attempt. */
  id: string
  payer: Payer | undefined
  prices: Prices | undefined
  request: LlmRequest
  /** What the provider has sent and was shown. */
  text: string
  /** An estimate of what it has written besides: reasoning, and text that it took back. */
  hiddenTokens: number
  isWhole: boolean
  /** False if the provider refused the request or was not reached, so that it charges nothing. */
  isTaken: boolean
  /** What the provider has reported, for a cut or stopped reply perhaps only a part. */
  usage: Usage | undefined
}

/** Counts an attempt in the budgets of its payer. Never rejects. */
export async function chargeAttempt({ budgets }: Context, attempt: EndedAttempt): Promise<void> {
  if (!budgets.isLimited || !attempt.isTaken) return
  const { id, payer, prices } = attempt
  await budgets.charge({ id, payer, spending: toSpending(prices, toUsage(attempt)) })
}

/** A provider bills what it wrote before a stop, a cut or a failure, but reports it at the end. */
function toUsage({ isWhole, usage, request, text, hiddenTokens }: EndedAttempt): Usage {
  if (isWhole && usage) return usage
  const written = Math.ceil(weighTokens(text) + hiddenTokens)
  const completionTokens = Math.max(usage?.completionTokens ?? 0, written)
  // Some endpoints always report zero.
  const isReported = usage !== undefined && usage.promptTokens > 0
  const promptTokens = isReported ? usage.promptTokens : estimatePrompt(request)
  return { promptTokens, completionTokens, totalTokens: promptTokens + completionTokens }
}

function estimatePrompt({ system, messages }: LlmRequest): number {
  return messages.reduce(
    (sum, { content }) => sum + estimateTokens(content),
    estimateTokens(system),
  )
}
