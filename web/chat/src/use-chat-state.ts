import type { ChatClient, ChatState } from '@chatbox/client'
import { useEffect, useState } from 'preact/hooks'

/** A hidden page gets no frames; what arrives is still shown in its title soon enough. */
const HIDDEN_DELAY_MS = 250

/** The client's state, read at most once a frame however many events arrive in it. */
export function useChatState(client: ChatClient): ChatState {
  const [state, setState] = useState(client.state)
  useEffect(() => {
    let cancel: (() => void) | undefined
    const show = (): void => {
      cancel = undefined
      setState(client.state)
    }
    const unsubscribe = client.subscribe(() => (cancel ??= onNextFrame(show)))
    show()
    return () => {
      unsubscribe()
      cancel?.()
    }
  }, [client])
  return state
}

function onNextFrame(callback: () => void): () => void {
  if (document.hidden) {
    const timer = setTimeout(callback, HIDDEN_DELAY_MS)
    return () => clearTimeout(timer)
  }
  const frame = requestAnimationFrame(callback)
  return () => cancelAnimationFrame(frame)
}
