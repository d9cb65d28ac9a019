import type { AlertChannel, ChannelKind, Delivery, DeliveryFault, Notice } from '@chatbox/core'
import { PrivateAddressError, toConnectionFault, toWords } from '../faults.ts'
import { parseRetryAfter } from '../../models/transport/retry-after.ts'
import type { ToSaid } from '../said.ts'
import { post, type HttpAnswer, type HttpPost } from './post.ts'

/** What a status means that is neither success nor a common failure. */
export interface Verdict {
  outcome: 'retry' | 'failed'
  fault: DeliveryFault
}

export interface HttpChannelOptions {
  kind: ChannelKind
  recipient: string
  /** Makes the request for a notice. */
  toPost(notice: Notice): HttpPost
  /** Judges an answer that is no success; `judgeStatus` by default. */
  judge?(answer: HttpAnswer): Verdict
  /** The server's words in a body; the whole body by default. */
  readWords?(text: string): string
  toSaid: ToSaid
  allowPrivate: boolean
  timeoutMs?: number
}

/** As the Standard Webhooks specification advises. */
export const HTTP_TIMEOUT_MS = 15_000
const MAX_RETRY_AFTER_MS = 86_400_000

/** Creates a channel that makes one request for a notice. Only a status of 2xx is success. */
export function createHttpChannel(options: HttpChannelOptions): AlertChannel {
  const { kind, recipient, timeoutMs = HTTP_TIMEOUT_MS } = options
  return {
    kind,
    recipient,
    async send(notice, signal) {
      const route = {}
      try {
        const bound = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])
        const answer = await post(options.toPost(notice), { ...options, route }, bound)
        return { ...toOutcome(answer, options), route }
      } catch (error) {
        signal.throwIfAborted()
        return { ...toFailure(error, options.toSaid), route }
      }
    },
  }
}

type Outcome = Delivery extends infer D ? (D extends Delivery ? Omit<D, 'route'> : never) : never

function toOutcome(answer: HttpAnswer, options: HttpChannelOptions): Outcome {
  const words = options.readWords?.(answer.text) ?? answer.text
  const said = options.toSaid(`status ${answer.status} ${words}`)
  if (answer.status >= 200 && answer.status < 300) return { outcome: 'delivered', said }
  const { outcome, fault } = (options.judge ?? judgeStatus)(answer)
  if (outcome === 'failed') return { outcome, fault, said }
  const waitMs = parseRetryAfter(answer.headers['retry-after'], new Date(), MAX_RETRY_AFTER_MS)
  return { outcome, fault, said, ...(waitMs === undefined ? {} : { retryAfterMs: waitMs }) }
}

/** A server that cannot take a notice now may take it later. What it refuses, it refuses again. */
export function judgeStatus({ status }: HttpAnswer): Verdict {
  if (status === 408 || status === 425 || status === 429 || status >= 500) {
    return { outcome: 'retry', fault: 'busy' }
  }
  if (status === 401 || status === 403) return { outcome: 'failed', fault: 'credentials' }
  if (status === 404) return { outcome: 'failed', fault: 'recipient' }
  return { outcome: 'failed', fault: status === 410 ? 'gone' : 'refused' }
}

function toFailure(error: unknown, toSaid: ToSaid): Outcome {
  const fault = toConnectionFault(error)
  const said = toSaid(toWords(error))
  // No answer says that the next attempt must fail, except our own one.
  const outcome = error instanceof PrivateAddressError ? 'failed' : 'retry'
  return { outcome, fault, said }
}
