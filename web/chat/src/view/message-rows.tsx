import type { ChatClient, Draft, UnsentMessage } from '@chatbox/client'
import type { Message, Sender } from '@chatbox/contract'
import type { ComponentChildren, JSX } from 'preact'
import { useState } from 'preact/hooks'
import { toTime } from '../format-time.ts'
import { strings } from '../strings.ts'
import { Icon, Logo } from './icons.tsx'
import { copyText, Markdown } from './markdown.tsx'

const COPIED_MS = 1500

export function DayRow({ text }: { text: string }): JSX.Element {
  return (
    <div class="day">
      <span>{text}</span>
    </div>
  )
}

interface QuestionRowProps {
  message: Message
  /** A person has read it. */
  isSeen: boolean
}

export function QuestionRow({ message, isSeen }: QuestionRowProps): JSX.Element {
  return (
    <article class="row row-user" aria-label={`${strings.you}, ${toTime(message.createdAt)}`}>
      <div class="bubble">{message.content}</div>
      <footer class="meta">
        <Time iso={message.createdAt} />
        {isSeen && (
          <span class="seen">
            <Icon name="seen" />
            {strings.seen}
          </span>
        )}
      </footer>
    </article>
  )
}

interface UnsentRowProps {
  unsent: UnsentMessage
  client: ChatClient
  isOnline: boolean
}

export function UnsentRow({ unsent, client, isOnline }: UnsentRowProps): JSX.Element {
  const { failure, clientMessageId, content } = unsent
  return (
    <article
      class={`row row-user row-unsent ${failure ? 'row-refused' : ''}`}
      aria-label={strings.you}
    >
      <div class="bubble">{content}</div>
      {failure ? (
        <div class="meta meta-error" role="alert">
          <Icon name="alert" />
          <span>
            {strings.notSent} {failure.message}
          </span>
          <button type="button" class="link" onClick={() => client.resend(clientMessageId)}>
            {strings.resend}
          </button>
          <button type="button" class="link" onClick={() => client.discard(clientMessageId)}>
            {strings.discard}
          </button>
        </div>
      ) : (
        <footer class="meta">
          <Icon name="clock" />
          {isOnline ? strings.sending : strings.waiting}
        </footer>
      )}
    </article>
  )
}

export function AwaitingRow(): JSX.Element {
  return (
    <Reply label={strings.assistant}>
      <Thinking />
    </Reply>
  )
}

export function DraftRow({ draft }: { draft: Draft }): JSX.Element {
  const { text } = draft
  return (
    <Reply label={strings.assistant} isLive>
      {text === '' ? <Thinking /> : <Markdown text={text} live />}
    </Reply>
  )
}

interface ReplyRowProps {
  message: Message
  canRetry: boolean
  client: ChatClient
}

export function ReplyRow({ message, canRetry, client }: ReplyRowProps): JSX.Element {
  const { content, sender, status, createdAt, id } = message
  const name = toSenderName(sender)
  return (
    <Reply label={`${name}, ${toTime(createdAt)}`} sender={sender}>
      {content !== '' && <Markdown text={content} live={false} />}
      {(status === 'failed' || status === 'incomplete') && <Fault message={message} />}
      <footer class="meta">
        <Time iso={createdAt} />
        {status === 'stopped' && <span>{strings.stopped}</span>}
        {content !== '' && <CopyButton text={content} />}
        {canRetry && (
          <button type="button" class="link" onClick={() => void client.retry(id)}>
            <Icon name="retry" />
            {strings.retry}
          </button>
        )}
      </footer>
    </Reply>
  )
}

interface ReplyProps {
  label: string
  sender?: Sender
  isLive?: boolean
  children: ComponentChildren
}

function Reply({ label, sender, isLive = false, children }: ReplyProps): JSX.Element {
  const isPerson = sender?.type === 'admin'
  return (
    <article class={`row row-reply ${isLive ? 'row-live' : ''}`} aria-label={label}>
      <div class="avatar">{isPerson ? toInitial(sender.name) : <Logo />}</div>
      <div class="reply">
        {isPerson && <div class="reply-name">{toSenderName(sender)}</div>}
        {children}
      </div>
    </article>
  )
}

function Fault({ message: { status, error } }: { message: Message }): JSX.Element {
  const text = status === 'failed' ? strings.failed : strings.incomplete
  return (
    <p class="fault">
      <Icon name="alert" />
      <span>
        {text} {error?.message}
        {error?.requestId !== undefined && <small> ({error.requestId})</small>}
      </span>
    </p>
  )
}

function Thinking(): JSX.Element {
  return (
    <div class="thinking">
      <span class="hidden">{strings.thinking}</span>
      <i />
      <i />
      <i />
    </div>
  )
}

function CopyButton({ text }: { text: string }): JSX.Element {
  const [copied, setCopied] = useState(false)
  const onClick = async (): Promise<void> => {
    if (!(await copyText(text))) return
    setCopied(true)
    setTimeout(() => setCopied(false), COPIED_MS)
  }
  return (
    <button type="button" class="link" onClick={() => void onClick()}>
      <Icon name="copy" />
      {copied ? strings.copied : strings.copy}
    </button>
  )
}

function Time({ iso }: { iso: string }): JSX.Element {
  return <time dateTime={iso}>{toTime(iso)}</time>
}

export function toSenderName({ type, name }: Sender): string {
  if (type === 'user') return strings.you
  if (type === 'admin') return name || strings.operator
  return name || strings.assistant
}

function toInitial(name: string): string {
  return Array.from(name.trim())[0]?.toUpperCase() ?? '?'
}
