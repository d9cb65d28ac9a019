import type { RefCallback } from 'preact'
import { useCallback, useEffect, useRef, useState } from 'preact/hooks'

/** The rows beyond the edges, so that a fast scroll finds some. */
const SPARE_ROWS = 8

interface Window {
  /** The first row that is in the page, and the one after the last. */
  start: number
  end: number
  scroller: RefCallback<HTMLElement>
  onScroll: () => void
}

/** Finds which of `count` rows of the same height are in sight. */
export function useWindow(count: number, rowPx: number): Window {
  const element = useRef<HTMLElement | null>(null)
  const [sight, setSight] = useState({ top: 0, height: 800 })
  const measure = useCallback(() => {
    const { scrollTop = 0, clientHeight = 0 } = element.current ?? {}
    const top = Math.floor(scrollTop / rowPx)
    setSight((known) =>
      known.top === top && known.height === clientHeight ? known : { top, height: clientHeight },
    )
  }, [rowPx])
  const scroller = useCallback(
    (found: HTMLElement | null) => {
      element.current = found
      if (found) measure()
    },
    [measure],
  )
  useEffect(() => {
    window.addEventListener('resize', measure)
    return () => window.removeEventListener('resize', measure)
  }, [measure])
  const start = Math.max(0, Math.min(sight.top, count) - SPARE_ROWS)
  const end = Math.min(count, sight.top + Math.ceil(sight.height / rowPx) + SPARE_ROWS)
  return { start, end, scroller, onScroll: measure }
}
