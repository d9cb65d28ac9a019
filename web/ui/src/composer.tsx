import type { ChatClient } from '@chatbox/client'
import type { JSX, RefObject } from 'preact'
import { useLayoutEffect, useState } from 'preact/hooks'
import { IconButton } from './controls.tsx'
import { useMedia } from './hooks.ts'
import { strings } from './strings.ts'

interface ComposerProps {
  actions: Pick<
    ChatClient,
    'onInput' | 'send' | 'stop' | 'subscribe' | 'toMessageText' | 'typedText'
  >
  input: RefObject<HTMLTextAreaElement | null>
  maxLength: number
  /** A reply is awaited or being written. It can be stopped, and the next question can be sent. */
  isAnswering: boolean
}

export const COMPOSER_ID = 'message'
/** The used share of the limit from which the counter is shown. */
const NEAR_LIMIT = 0.9
/** On-screen keyboards have no Shift + Enter, and a button to send is at hand. */
const COARSE_POINTER = '(pointer: coarse)'

export function Composer(props: ComposerProps): JSX.Element {
  const { actions, input, maxLength, isAnswering } = props
  const [text, setText] = useTypedText(actions)
  useLayoutEffect(() => fitHeight(input.current), [text, input])
  const isCoarse = useMedia(COARSE_POINTER)
  const content = actions.toMessageText(text)
  const over = countCodePoints(content) - maxLength
  const canSend = content !== '' && over <= 0
  const send = (): void => {
    if (canSend && actions.send(content)) input.current?.focus()
  }
  const onInput = (value: string): void => {
    setText(value)
    actions.onInput(value)
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
          dir="auto"
          placeholder={strings.placeholder}
          aria-describedby="composer-hint"
          aria-invalid={over > 0}
          enterkeyhint={isCoarse ? 'enter' : 'send'}
          onInput={({ currentTarget }) => onInput(currentTarget.value)}
          onKeyDown={onSendKey(send, isCoarse)}
        />
        {isAnswering && <StopButton actions={actions} />}
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
      <Hint over={over} maxLength={maxLength} keys={isCoarse ? '' : strings.hint} />
    </form>
  )
}

/**
 * Follows the text without waiting for a frame, unlike the rest of the page: a key that is pressed
 * until then would go to the former text and replace what was restored.
 */
function useTypedText(actions: ComposerProps['actions']): [string, (text: string) => void] {
  const [text, setText] = useState(actions.typedText)
  useLayoutEffect(() => {
    const show = (): void => setText(actions.typedText)
    show()
    return actions.subscribe(show)
  }, [actions])
  return [text, setText]
}

function StopButton({ actions }: Pick<ComposerProps, 'actions'>): JSX.Element {
  return (
    <IconButton
      class="round round-stop"
      icon="stop"
      label={strings.stop}
      title={strings.stop}
      onClick={() => void actions.stop()}
    />
  )
}

interface HintProps {
  over: number
  maxLength: number
  /** What the keys do; empty where there is only a keyboard on the screen. */
  keys: string
}

/** Shows a counter near the limit. */
function Hint({ over, maxLength, keys }: HintProps): JSX.Element {
  const length = over + maxLength
  const count = over > 0 ? strings.tooLong(over) : `${length} / ${maxLength}`
  return (
    <p class="hint" id="composer-hint">
      {length > maxLength * NEAR_LIMIT ? (
        <span class={over > 0 ? 'over' : undefined}>{count}</span>
      ) : (
        keys
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

/** `keyCode` of a key that an input method has handled. */
const HANDLED_BY_INPUT_METHOD = 229

/**
 * Ignores an Enter that ends a word of an input method. Chromium and Firefox send it during the
 * composition. WebKit sends it after `compositionend`, no longer as composing but with `keyCode`
 * 229 (https://bugs.webkit.org/show_bug.cgi?id=165004). A keyboard on the screen has no Ctrl and no
 * Cmd key, so with one of them a real keyboard at a touch screen sends too.
 */
function onSendKey(send: () => void, isCoarse: boolean): (event: KeyboardEvent) => void {
  return (event) => {
    const { key, shiftKey, ctrlKey, metaKey, altKey } = event
    const isMeant = isCoarse ? ctrlKey || metaKey : !ctrlKey
    if (key !== 'Enter' || shiftKey || altKey || !isMeant) return
    // No other property tells WebKit's Enter from one that is meant to send.
    // eslint-disable-next-line @typescript-eslint/no-deprecated
    if (event.isComposing || event.keyCode === HANDLED_BY_INPUT_METHOD) return
    event.preventDefault()
    send()
  }
}

/**
 * Keeps the box around it from shrinking while the text is measured. For that moment the log would
 * be higher, and its end would be moved out of view.
 */
function fitHeight(element: HTMLTextAreaElement | null): void {
  const box = element?.parentElement
  if (!element || !box) return
  box.style.minHeight = `${box.offsetHeight}px`
  element.style.height = 'auto'
  element.style.height = `${element.scrollHeight}px`
  box.style.minHeight = ''
}

function countCodePoints(text: string): number {
  return text.length - (text.match(/[\uD800-\uDBFF][\uDC00-\uDFFF]/g)?.length ?? 0)
}
