import type { ChatClient } from '@chatbox/client'
import type { JSX, RefObject } from 'preact'
import { useLayoutEffect, useState } from 'preact/hooks'
import { strings } from '../strings.ts'
import { Icon } from './icons.tsx'

interface ComposerProps {
  client: ChatClient
  input: RefObject<HTMLTextAreaElement | null>
  maxLength: number
  /** A reply is awaited or being written: it can be stopped, and the next question already asked. */
  isAnswering: boolean
}

export const COMPOSER_ID = 'message'
/** The counter appears when this much of the limit is used. */
const NEAR_LIMIT = 0.9

export function Composer({ client, input, maxLength, isAnswering }: ComposerProps): JSX.Element {
  const [text, setText] = useState('')
  useLayoutEffect(() => fitHeight(input.current), [text, input])
  const over = countCodePoints(text) - maxLength
  const canSend = /\S/u.test(text) && over <= 0
  const send = (): void => {
    if (!canSend || !client.send(text.trim())) return
    setText('')
    input.current?.focus()
  }
  const onInput = (value: string): void => {
    setText(value)
    client.onInput()
  }
  return (
    <form class="composer" onSubmit={onSubmit(send)}>
      <div class="composer-box">
        <label class="hidden" for={COMPOSER_ID}>
          {strings.messageLabel}
        </label>
        <textarea
          id={COMPOSER_ID}
          ref={input}
          rows={1}
          value={text}
          placeholder={strings.placeholder}
          aria-describedby="composer-hint"
          aria-invalid={over > 0}
          enterkeyhint="send"
          onInput={({ currentTarget }) => onInput(currentTarget.value)}
          onKeyDown={onSendKey(send)}
        />
        {isAnswering && <StopButton client={client} />}
        {(!isAnswering || canSend) && <SendButton canSend={canSend} />}
      </div>
      <p class="hint" id="composer-hint">
        {over + maxLength > maxLength * NEAR_LIMIT ? (
          <Counter over={over} maxLength={maxLength} />
        ) : (
          strings.hint
        )}
      </p>
    </form>
  )
}

function StopButton({ client }: Pick<ComposerProps, 'client'>): JSX.Element {
  return (
    <button
      type="button"
      class="round round-stop"
      aria-label={strings.stop}
      title={strings.stop}
      onClick={() => void client.stop()}
    >
      <Icon name="stop" />
    </button>
  )
}

function SendButton({ canSend }: { canSend: boolean }): JSX.Element {
  return (
    <button
      type="submit"
      class="round"
      aria-label={strings.send}
      title={strings.send}
      aria-disabled={!canSend}
    >
      <Icon name="send" />
    </button>
  )
}

function Counter({ over, maxLength }: { over: number; maxLength: number }): JSX.Element {
  if (over > 0) return <strong class="over">{strings.tooLong(over)}</strong>
  return (
    <span>
      {over + maxLength} / {maxLength}
    </span>
  )
}

function onSubmit(send: () => void): (event: Event) => void {
  return (event) => {
    event.preventDefault()
    send()
  }
}

/** Enter that ends a word of an input method is not Enter; browsers differ in how they say so. */
function onSendKey(send: () => void): (event: KeyboardEvent) => void {
  return (event) => {
    const { key, shiftKey, ctrlKey, altKey, isComposing } = event
    if (key !== 'Enter' || shiftKey || ctrlKey || altKey || isComposing) return
    event.preventDefault()
    send()
  }
}

function fitHeight(element: HTMLTextAreaElement | null): void {
  if (!element) return
  element.style.height = 'auto'
  element.style.height = `${element.scrollHeight}px`
}

function countCodePoints(text: string): number {
  return text.length - (text.match(/[\uD800-\uDBFF][\uDC00-\uDFFF]/g)?.length ?? 0)
}
