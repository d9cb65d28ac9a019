import { Icon } from '@chatbox/ui'
import type { ComponentProps, JSX } from 'preact'
import { useId, useLayoutEffect, useRef, useState } from 'preact/hooks'

interface AskFirstProps {
  icon: ComponentProps<typeof Icon>['name']
  label: string
  question: string
  confirmLabel: string
  /** What is done instead. */
  keepLabel: string
  onConfirm: () => void
}

/** A button whose action is confirmed in the same place. */
export function AskFirst({ icon, label, ...asked }: AskFirstProps): JSX.Element {
  const [isAsking, setAsking] = useState(false)
  const button = useRef<HTMLButtonElement>(null)
  const wasAsking = useRef(false)
  useLayoutEffect(() => {
    if (wasAsking.current && !isAsking) button.current?.focus()
    wasAsking.current = isAsking
  }, [isAsking])
  if (isAsking) {
    const onConfirm = (): void => {
      setAsking(false)
      asked.onConfirm()
    }
    return <Confirm {...asked} onConfirm={onConfirm} onKeep={() => setAsking(false)} />
  }
  return (
    <button type="button" class="chat-action" ref={button} onClick={() => setAsking(true)}>
      <Icon name={icon} />
      {label}
    </button>
  )
}

interface ConfirmProps extends Omit<AskFirstProps, 'icon' | 'label'> {
  onKeep: () => void
}

/** The harmless button has the focus, so that a held key does no damage. */
function Confirm(props: ConfirmProps): JSX.Element {
  const { question, keepLabel, confirmLabel, onConfirm, onKeep } = props
  const id = useId()
  const keep = useRef<HTMLButtonElement>(null)
  useLayoutEffect(() => keep.current?.focus(), [])
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key !== 'Escape') return
    // Esc must neither close the surrounding dialog nor stop an answer.
    event.preventDefault()
    event.stopPropagation()
    onKeep()
  }
  return (
    <div class="end-confirm" role="group" aria-labelledby={id} onKeyDown={onKeyDown}>
      <p id={id}>{question}</p>
      <button type="button" class="small-button" ref={keep} onClick={onKeep}>
        {keepLabel}
      </button>
      <button type="button" class="small-button small-button-danger" onClick={onConfirm}>
        {confirmLabel}
      </button>
    </div>
  )
}
