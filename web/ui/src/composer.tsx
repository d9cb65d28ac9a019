import type { ChatClient } from '@chatbox/client'
import type { JSX, RefObject } from 'preact'
import { useLayoutEffect, useState } from 'preact/hooks'
import { IconButton } from './controls.tsx'
import { strings } from './strings.ts'

interface ComposerProps {
  actions: Pick<ChatClient, 'onInput' | 'send' | 'stop'>
  input: RefObject<HTMLTextAreaElement | null>
  maxLength: number
  /** A reply is awaited or being written. It can be stopped, and the next question can be sent. */
  isAnswering: boolean
}

export const COMPOSER_ID = 'message'
/** The used share of the limit from which the counter is shown. */
const NEAR_LIMIT = 0.9

export function Composer({ actions, input, maxLength, isAnswering }: ComposerProps): JSX.Element {
  const [text, setText] = useState('')
  useLayoutEffect(() => fitHeight(input.current), [text, input])
  const over = countCodePoints(text) - maxLength
  const canSend = /\S/u.test(text) && over <= 0
  const send = (): void => {
    if (!canSend || !actions.send(text.trim())) return
    setText('')
    input.current?.focus()
  }
  const onInput = (value: string): void => {
    setText(value)
    actions.onInput()
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
        {isAnswering && (
          <IconButton
            class="round round-stop"
            icon="stop"
            label={strings.stop}
            title={strings.stop}
            onClick={() => void actions.stop()}
          />
        )}
        {(!isAnswering || canSend) && (
          <IconButton
            type="submit"
            class="round"
            icon="send"
            label={strings.send}
            title={strings.send}
            aria-disabled={!canSend}
          />
        )}
      </div>
      <Hint over={over} maxLength={maxLength} />
    </form>
  )
}

/** Shows a counter near the limit. */
function Hint({ over, maxLength }: { over: number; maxLength: number }): JSX.Element {
  const length = over + maxLength
  const count = over > 0 ? strings.tooLong(over) : `${length} / ${maxLength}`
  return (
    <p class="hint" id="composer-hint">
      {length > maxLength * NEAR_LIMIT ? (
        <span class={over > 0 ? 'over' : undefined}>{count}</span>
      ) : (
        strings.hint
      )}
    </p>
  )
}

function onSubmit(send: () => void): (event: Event) => void {
  return (event) => {
    event.preventDefault()
    send()
  }
}

/** Ignores an Enter that ends a word of an input method. Browsers report it in different ways. */
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
