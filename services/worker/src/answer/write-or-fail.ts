import { toAppError, toErrorInfo, type ReplyOutcome, type ReplyTask } from '@chatbox/core'
import type { Context } from '../context.ts'

interface Unwritten {
  reply: Pick<ReplyTask, 'sessionId' | 'replyId'>
  outcome: ReplyOutcome
}

interface Written<T> {
  result: T
  /** What was written: the reply, or its failure. */
  outcome: ReplyOutcome
}

/**
 * Writes a reply. If the store cannot take it as it is (`INVALID_FORMAT`), writes that the reply has
 * failed, without anything that came from the provider. The same reply would be refused for ever,
 * and each new one would be paid for.
 */
export async function writeOrFail<T>(
  { logger }: Context,
  { reply, outcome }: Unwritten,
  write: (outcome: ReplyOutcome) => Promise<T>,
): Promise<Written<T>> {
  try {
    return { result: await write(outcome), outcome }
  } catch (thrown) {
    const error = toAppError(thrown)
    if (error.code !== 'INVALID_FORMAT') throw thrown
    const { sessionId, replyId } = reply
    logger.warn({ sessionId, replyId, err: error }, 'reply cannot be stored as it is')
    const failed = toFailed(outcome)
    return { result: await write(failed), outcome: failed }
  }
}

function toFailed({ modelId, finishedAt, error }: ReplyOutcome): ReplyOutcome {
  const info = toErrorInfo(toAppError('a reply that cannot be stored'), error?.requestId)
  return { status: 'failed', content: '', modelId, finishedAt, error: info }
}
