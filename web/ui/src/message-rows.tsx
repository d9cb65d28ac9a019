import type { ChatClient, Draft, UnsentMessage } from '@chatbox/client'
import type { Message, Sender } from '@chatbox/contract'
import type { ComponentChildren, JSX } from 'preact'
import { CopyButton, Icon, LinkButton, Logo } from './controls.tsx'
import { toFailureText, toLimitText } from './failure-text.ts'
import { Markdown } from './markdown.tsx'
import { isFaulty, toFaultText, toSenderName } from './rows.ts'
import { strings, toTime } from './strings.ts'

interface MessageRowProps {
  message: Message
  /** A person has read the message. */
  isSeen: boolean
}

/** What the user wrote. */
export function MessageRow({ message, isSeen }: MessageRowProps): JSX.Element {
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
  isOnline: boolean
  actions: Pick<ChatClient, 'discard' | 'resend'>
}

export function UnsentRow({ unsent, isOnline, actions }: UnsentRowProps): JSX.Element {
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
            {strings.notSent} {toFailureText(failure, new Date())}
          </span>
          <LinkButton onClick={() => actions.resend(clientMessageId)}>{strings.resend}</LinkButton>
          <LinkButton onClick={() => actions.discard(clientMessageId)}>
            {strings.discard}
          </LinkButton>
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

/** A reply that is being written; without a draft, a reply that is awaited. */
export function DraftRow({ draft }: { draft?: Draft }): JSX.Element {
  return (
    <Reply label={strings.assistant} isLive={draft !== undefined}>
      {draft?.text ? <Markdown text={draft.text} live /> : <Thinking />}
    </Reply>
  )
}

interface ReplyRowProps {
  message: Message
  canRetry: boolean
  actions: Pick<ChatClient, 'retry'>
}

export function ReplyRow({ message, canRetry, actions }: ReplyRowProps): JSX.Element {
  const { content, sender, status, createdAt, id } = message
  return (
    <Reply label={`${toSenderName(sender)}, ${toTime(createdAt)}`} sender={sender}>
      {content !== '' && <Markdown text={content} live={false} />}
      {isFaulty(message) && <Fault message={message} />}
      <footer class="meta">
        <Time iso={createdAt} />
        {status === 'stopped' && <span>{strings.stopped}</span>}
        {content !== '' && <CopyButton text={content} />}
        {canRetry && (
          <LinkButton icon="retry" onClick={() => void actions.retry(id)}>
            {strings.retry}
          </LinkButton>
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

function Fault({ message }: { message: Message }): JSX.Element {
  const requestId = message.error?.requestId
  return (
    <p class="fault">
      <Icon name="alert" />
      <span>
        {toLimitText(message, new Date()) ?? toFaultText(message)}
        {requestId !== undefined && <small> ({requestId})</small>}
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

function Time({ iso }: { iso: string }): JSX.Element {
  return <time dateTime={iso}>{toTime(iso)}</time>
}

function toInitial(name: string): string {
  return Array.from(name.trim())[0]?.toUpperCase() ?? '?'
}
