import type { RefObject } from 'preact'
import { useCallback, useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks'

/** Browsers round heights, so the end may be this far away. */
const END_PX = 2
const READ_OLDER_PX = 120

interface EndOfLog {
  scroller: RefObject<HTMLDivElement | null>
  /** The reader sees the end and whatever is added to it. */
  isFollowed: boolean
  onScroll: () => void
  onWheel: (event: WheelEvent) => void
  goToEnd: () => void
}

/** Where the log stood when it was last looked at. */
interface Place {
  firstKey: string
  top: number
  height: number
  /** The furthest that `top` can be. */
  maxTop: number
}

/**
 * Keeps the end of the log in view until the reader moves up, by whatever means and however little,
 * and again once the reader is back at the end. For others, keeps the position, even when older
 * entries are inserted above. The direction decides, not the distance: small steps of a touchpad
 * would otherwise be undone one by one.
 */
export function useEndOfLog(firstKey: string, onTop: () => void): EndOfLog {
  const scroller = useRef<HTMLDivElement>(null)
  const [isFollowed, setFollowed] = useState(true)
  const follows = useRef(true)
  const place = useRef<Place>({ firstKey, top: 0, height: 0, maxTop: 0 })
  const pressed = useRef(false)

  /** Learns whether the reader has moved. Less text and a higher window move the log up too. */
  const look = useCallback((element: HTMLElement, key = place.current.firstKey) => {
    const before = place.current
    const { top, maxTop } = (place.current = toPlace(element, key))
    const mayComeBack = top > before.top || maxTop < before.maxTop
    if (top < before.top && maxTop >= before.maxTop) follows.current = false
    else if (mayComeBack && maxTop - top < END_PX) follows.current = true
    setFollowed(follows.current)
    return before
  }, [])
  /** Follows new text, but holds still under a pressed pointer, which may be on a button. */
  const keepPlace = useCallback(
    (key?: string) => {
      const element = scroller.current
      if (!element) return
      const before = look(element, key)
      if (follows.current && !pressed.current) element.scrollTop = element.scrollHeight
      else if (!follows.current && before.firstKey !== place.current.firstKey) {
        element.scrollTop += element.scrollHeight - before.height
      }
      place.current = toPlace(element, place.current.firstKey)
    },
    [look],
  )
  const goToEnd = useCallback(() => {
    follows.current = true
    setFollowed(true)
    if (scroller.current) scroller.current.scrollTop = scroller.current.scrollHeight
  }, [])
  const onScroll = useCallback(() => {
    const element = scroller.current
    if (!element) return
    look(element)
    if (element.scrollTop < READ_OLDER_PX && !follows.current) onTop()
  }, [look, onTop])

  const onWheel = useCallback(({ deltaX, deltaY, ctrlKey, shiftKey }: WheelEvent) => {
    const isSideways = shiftKey || Math.abs(deltaX) > Math.abs(deltaY)
    // The smallest steps are animated, and following would end them before they are seen.
    if (deltaY < 0 && !ctrlKey && !isSideways && (scroller.current?.scrollTop ?? 0) > 0)
      follows.current = false
    setFollowed(follows.current)
  }, [])

  useLayoutEffect(() => keepPlace(firstKey))
  useEffect(() => {
    const element = scroller.current
    if (!element) return undefined
    // The list grows when a reply is rendered late, and an on-screen keyboard shrinks the window.
    const observer = new ResizeObserver(() => keepPlace())
    observer.observe(element)
    if (element.firstElementChild) observer.observe(element.firstElementChild)
    return () => observer.disconnect()
  }, [keepPlace])
  usePressed(scroller, pressed, keepPlace)
  return { scroller, isFollowed, onScroll, onWheel, goToEnd }
}

function toPlace(element: HTMLElement, firstKey: string): Place {
  const { scrollTop, scrollHeight: height, clientHeight } = element
  const maxTop = height - clientHeight
  // Safari lets a page bounce beyond its ends, and comes back by itself.
  return { firstKey, top: Math.max(0, Math.min(scrollTop, maxTop)), height, maxTop }
}

const POINTER_EVENTS = ['pointerdown', 'pointermove', 'pointerup', 'pointercancel'] as const

/**
 * Keeps in `pressed` whether a pointer is pressed within the element, and reports its release once
 * the click is over. Each movement tells it too, because the release of a scroll bar is not
 * reported everywhere.
 */
function usePressed(
  element: RefObject<HTMLElement | null>,
  pressed: RefObject<boolean>,
  onRelease: () => void,
): void {
  useEffect(() => {
    const onPointer = ({ type, buttons, target }: PointerEvent): void => {
      const isWithin = element.current?.contains(target as Node) ?? false
      const wasPressed = pressed.current
      pressed.current = (buttons & 1) === 1 && (type === 'pointerdown' ? isWithin : wasPressed)
      if (wasPressed && !pressed.current) requestAnimationFrame(() => onRelease())
    }
    for (const type of POINTER_EVENTS) window.addEventListener(type, onPointer, { passive: true })
    return () => {
      for (const type of POINTER_EVENTS) window.removeEventListener(type, onPointer)
    }
  }, [element, pressed, onRelease])
}
