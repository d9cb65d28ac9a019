import type { RefObject } from 'preact'
import { useCallback, useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks'

/** Closer to the end than this, a reader follows what is being written. */
const NEAR_PX = 64
const READ_OLDER_PX = 120

export interface EndOfLog {
  scroller: RefObject<HTMLDivElement | null>
  isAtEnd: boolean
  onScroll: () => void
  goToEnd: () => void
}

/**
 * Keeps the end of the log in view for whoever is at the end, and the lines that are being read in
 * their place for everybody else, also when older entries come in above them.
 */
export function useEndOfLog(firstKey: string, onTop: () => void): EndOfLog {
  const scroller = useRef<HTMLDivElement>(null)
  const [isAtEnd, setAtEnd] = useState(true)
  const follow = useRef(true)
  const before = useRef({ firstKey, height: 0 })

  const goToEnd = useCallback(() => {
    follow.current = true
    setAtEnd(true)
    scrollToEnd(scroller.current)
  }, [])
  const onScroll = useCallback(() => {
    const element = scroller.current
    if (!element) return
    follow.current = element.scrollHeight - element.scrollTop - element.clientHeight < NEAR_PX
    setAtEnd(follow.current)
    if (element.scrollTop < READ_OLDER_PX && !follow.current) onTop()
  }, [onTop])

  useLayoutEffect(() => {
    const element = scroller.current
    if (!element) return
    if (follow.current) scrollToEnd(element)
    else if (before.current.firstKey !== firstKey) {
      element.scrollTop += element.scrollHeight - before.current.height
    }
    before.current = { firstKey, height: element.scrollHeight }
  })
  useEffect(() => {
    const element = scroller.current
    if (!element) return undefined
    // The list grows by itself while a reply is rendered late; the window shrinks for a keyboard.
    const observer = new ResizeObserver(() => {
      if (follow.current) scrollToEnd(element)
    })
    observer.observe(element)
    if (element.firstElementChild) observer.observe(element.firstElementChild)
    return () => observer.disconnect()
  }, [])
  return { scroller, isAtEnd, onScroll, goToEnd }
}

function scrollToEnd(element: HTMLElement | null): void {
  if (element) element.scrollTop = element.scrollHeight
}
