import { useEffect, useState } from 'preact/hooks'

/** A hidden page gets no animation frames, but its title must still follow. */
const HIDDEN_DELAY_MS = 250

interface Source<T> {
  readonly state: T
  subscribe(listener: () => void): () => void
}

/** Returns the state of a client or a view, updated at most once per frame. */
export function useLatest<T>(source: Source<T>): T {
  const [state, setState] = useState(source.state)
  useEffect(() => {
    let cancel: (() => void) | undefined
    const show = (): void => {
      cancel = undefined
      setState(source.state)
    }
    const unsubscribe = source.subscribe(() => (cancel ??= onNextFrame(show)))
    show()
    return () => {
      unsubscribe()
      cancel?.()
    }
  }, [source])
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

/** Returns true if a media query matches. */
export function useMedia(query: string): boolean {
  const [matches, setMatches] = useState(() => matchMedia(query).matches)
  useEffect(() => {
    const list = matchMedia(query)
    const onChange = (): void => setMatches(list.matches)
    list.addEventListener('change', onChange)
    onChange()
    return () => list.removeEventListener('change', onChange)
  }, [query])
  return matches
}
