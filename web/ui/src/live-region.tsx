import type { SessionLog } from '@chatbox/client'
import type { Message, Model } from '@chatbox/contract'
import type { JSX } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { toLimitText } from './failure-text.ts'
import { toPlainText } from './markdown/render-markdown.ts'
import { isFaulty, isText, toEventText, toFaultText, toSenderName, type Reader } from './rows.ts'

/** Longer texts are not announced. Listeners read them in the log at their own pace. */
const MAX_SPOKEN = 1500

interface LiveRegionProps {
  log: SessionLog | null
  models: readonly Model[]
  /** Defaults to the user. */
  reader?: Reader
}

/**
 * Announces to screen readers, once and when it is complete, each entry of others and the end of
 * the chat. Entries that are there at first are not announced.
 */
export function LiveRegion({ log, models, reader = 'user' }: LiveRegionProps): JSX.Element {
  const [text, setText] = useState('')
  const said = useRef({ sessionId: '', seq: 0 })
  useEffect(() => {
    if (!log) return
    const { session, lastSeq } = log
    const before = said.current
    said.current = { sessionId: session.id, seq: lastSeq }
    if (before.sessionId !== session.id || before.seq >= lastSeq) return
    const news = toNews(log, before.seq, { models, reader })
    if (news !== '') setText(news)
  }, [log?.session.id, log?.lastSeq])
  return (
    <div class="hidden" role="status" data-live-region>
      {text === '' ? null : text}
    </div>
  )
}

function toNews(
  { messages }: SessionLog,
  afterSeq: number,
  { models, reader }: Required<Omit<LiveRegionProps, 'log'>>,
): string {
  const own = reader === 'user' ? 'user' : 'admin'
  return messages
    .filter(({ seq }) => seq > afterSeq)
    .filter(({ sender, event }) => sender.type !== own || event !== undefined)
    .map((message) =>
      isText(message)
        ? `${toSenderName(message.sender, reader)}: ${toSpoken(message)}`
        : toEventText(message, models, reader),
    )
    .join(' ')
    .slice(-2 * MAX_SPOKEN)
}

/** The text, and after a reply that is not whole, why. */
function toSpoken(message: Message): string {
  const text = toPlainText(message.content).slice(0, MAX_SPOKEN)
  if (!isFaulty(message)) return text
  const why = toLimitText(message, new Date()) ?? toFaultText(message)
  return `${text} ${why}`.trim()
}
