import { isText, type ChatState, type SessionLog } from '@chatbox/client'
import type { JSX } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { toPlainText } from '../markdown/markdown-renderer.ts'
import { toEventText } from './event-row.tsx'
import { toSenderName } from './message-rows.tsx'

/** Longer texts are read in the log itself, at the listener's own pace. */
const MAX_SPOKEN = 1500

/**
 * Says each entry that others add, and the end of the chat whoever ended it, once, when it is whole.
 * What is there at first is not news.
 */
export function Announcer({ state }: { state: ChatState }): JSX.Element {
  const [text, setText] = useState('')
  const said = useRef({ sessionId: '', seq: 0 })
  const { log } = state
  useEffect(() => {
    if (!log) return
    const { session, lastSeq } = log
    const before = said.current
    said.current = { sessionId: session.id, seq: lastSeq }
    if (before.sessionId !== session.id || before.seq >= lastSeq) return
    const news = toNews(log, before.seq, state)
    if (news !== '') setText(news)
  }, [log?.session.id, log?.lastSeq])
  return (
    <div class="hidden" role="status" data-announcer>
      {text === '' ? null : text}
    </div>
  )
}

function toNews(log: SessionLog, afterSeq: number, { models }: ChatState): string {
  return log.messages
    .filter(({ seq }) => seq > afterSeq)
    .filter(({ sender, event }) => sender.type !== 'user' || event?.type === 'session_ended')
    .map((message) =>
      isText(message)
        ? `${toSenderName(message.sender)}: ${toPlainText(message.content).slice(0, MAX_SPOKEN)}`
        : toEventText(message, models),
    )
    .join(' ')
    .slice(-2 * MAX_SPOKEN)
}
