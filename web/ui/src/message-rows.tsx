import type { ChatClient, Draft, UnsentMessage } from '@chatbox/client'
import type { Message } from '@chatbox/contract'
import type { JSX } from 'preact'
import { CopyButton, Icon, LinkButton, Logo } from './controls.tsx'
import { toFailureText, toLimitText } from './failure-text.ts'
import { Markdown } from './markdown/markdown.tsx'
import { isFaulty, toFaultText, toSenderName, type Reader } from './rows.ts'
import { strings, toTime } from './strings.ts'

interface MessageRowProps {
  message: Message
  /** A person has read the message. */
  isSeen: boolean
  reader?: Reader
}

/** What the user wrote. */
export function MessageRow({ message, isSeen, reader }: MessageRowProps): JSX.Element {
  const name = toSenderName(message.sender, reader)
  return (
    <article class="row row-user" aria-label={`${name}, ${toTime(message.createdAt)}`}>
      <div class="bubble" dir="auto">
        {message.content}
      </div>
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
      <div class="bubble" dir="auto">
        {content}
      </div>
      {failure ? (
        <div class="meta meta-error" role="alert">
          <span class="reason">
            <Icon name="alert" />
            <span>
              {strings.notSent} {toFailureText(failure, new Date())}
            </span>
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

interface ReplyRowProps {
  /** The reply's text so far, while it is being written. Without both, a reply is awaited. */
  draft?: Draft
  message?: Message
  canRetry?: boolean
  actions: Pick<ChatClient, 'retry'>
}

/**
 * A reply, before, while and after it is written. One component throughout, because another one
 * would make all of its nodes anew under the reader's hands when the last word arrives.
 */
export function ReplyRow({
  draft,
  message,
  canRetry = false,
  actions,
}: ReplyRowProps): JSX.Element {
  const text = (message ?? { content: draft?.text ?? '' }).content
  return (
    <article class={`row row-reply ${draft ? 'row-live' : ''}`} aria-label={toLabel(message)}>
      <div class="avatar">{isPerson(message) ? toInitial(message.sender.name) : <Logo />}</div>
      <div class="reply">
        {isPerson(message) && (
          <div class="reply-name" dir="auto">
            {toSenderName(message.sender)}
          </div>
        )}
        <ReplyText text={text} isLive={!message} />
        {message && <ReplyEnd message={message} canRetry={canRetry} actions={actions} />}
      </div>
    </article>
  )
}

function ReplyText({ text, isLive }: { text: string; isLive: boolean }): JSX.Element | null {
  if (text !== '') return <Markdown text={text} live={isLive} />
  return isLive ? <Thinking /> : null
}

function isPerson(message: Message | undefined): message is Message {
  return message?.sender.type === 'admin'
}

function toLabel(message: Message | undefined): string {
  if (!message) return strings.assistant
  return `${toSenderName(message.sender)}, ${toTime(message.createdAt)}`
}

type ReplyEndProps = Required<Omit<ReplyRowProps, 'draft'>>

/** What stands below a finished reply. */
function ReplyEnd({ message, canRetry, actions }: ReplyEndProps): JSX.Element {
  const { content, status, createdAt, id } = message
  return (
    <>
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
    </>
  )
}

/** Shows the id by which a fault is found in the log. A limit is no fault, so nobody looks for it. */
function Fault({ message }: { message: Message }): JSX.Element {
  const requestId = message.error?.requestId
  const limit = toLimitText(message, new Date())
  return (
    <p class="fault">
      <Icon name="alert" />
      <span>
        {limit ?? toFaultText(message)}
        {limit === undefined && requestId !== undefined && <small> ({requestId})</small>}
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
