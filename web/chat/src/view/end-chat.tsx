import type { JSX } from 'preact'
import { useLayoutEffect, useRef, useState } from 'preact/hooks'
import { strings } from '../strings.ts'
import { Icon } from './icons.tsx'

/** Ends the chat that is shown, after one more question in the same place. */
export function EndChat({ onEnd }: { onEnd: () => void }): JSX.Element {
  const [isAsking, setAsking] = useState(false)
  const button = useRef<HTMLButtonElement>(null)
  const wasAsking = useRef(false)
  useLayoutEffect(() => {
    if (wasAsking.current && !isAsking) button.current?.focus()
    wasAsking.current = isAsking
  }, [isAsking])
  if (isAsking) return <Question onEnd={onEnd} onKeep={() => setAsking(false)} />
  return (
    <button type="button" class="end-chat" ref={button} onClick={() => setAsking(true)}>
      <Icon name="end" />
      {strings.endChat}
    </button>
  )
}

interface QuestionProps {
  onEnd: () => void
  onKeep: () => void
}

/** The answer that changes nothing has the focus, so a key that is held down does no harm. */
function Question({ onEnd, onKeep }: QuestionProps): JSX.Element {
  const keep = useRef<HTMLButtonElement>(null)
  useLayoutEffect(() => keep.current?.focus(), [])
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key !== 'Escape') return
    // Neither closes the dialog around this nor stops an answer.
    event.preventDefault()
    event.stopPropagation()
    onKeep()
  }
  return (
    <div class="end-question" role="group" aria-labelledby="end-question" onKeyDown={onKeyDown}>
      <p id="end-question">{strings.endQuestion}</p>
      <button type="button" class="small-button" ref={keep} onClick={onKeep}>
        {strings.keepChat}
      </button>
      <button type="button" class="small-button small-button-danger" onClick={onEnd}>
        {strings.endChat}
      </button>
    </div>
  )
}
