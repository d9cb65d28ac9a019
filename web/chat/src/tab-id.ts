import { createId } from '@chatbox/client'

/** The id of this tab, which survives a reload if the browser allows storage. */
const TAB_KEY = 'chatbox-tab'
/** The id that a page has taken last. The browser tells the pages in other tabs of each change. */
const TAKEN_KEY = 'chatbox-tab-taken'

interface TabId {
  tabId: string
  /** The tab was opened without a past. */
  isNewTab: boolean
  /** Calls `listener` with the tab's new id if another page has taken the former one. */
  onMove: (listener: (tabId: string) => void) => void
}

/**
 * Takes the id of this tab. While the page is shown, the id is not in the storage of the tab,
 * because a duplicate of the tab begins with a copy of that. A hidden page must put it back, because
 * it may be ended without another event. A duplicate of a hidden tab therefore takes the same id,
 * and the hidden page moves to another one.
 */
export function takeTabId(): TabId {
  const known = withStorage(() => sessionStorage.getItem(TAB_KEY)) ?? undefined
  let tabId = known ?? createId()
  const take = (): void => withStorage(() => sessionStorage.removeItem(TAB_KEY))
  const putBack = (): void => withStorage(() => sessionStorage.setItem(TAB_KEY, tabId))
  take()
  // Without a change the browser tells nothing, so the value is never twice the same.
  if (known !== undefined)
    withStorage(() => localStorage.setItem(TAKEN_KEY, `${known} ${createId()}`))
  window.addEventListener('pageshow', take)
  window.addEventListener('pagehide', putBack)
  document.addEventListener('visibilitychange', () => (document.hidden ? putBack() : take()))
  return {
    tabId,
    isNewTab: known === undefined,
    onMove: (listener) => {
      window.addEventListener('storage', ({ key, newValue }) => {
        if (key !== TAKEN_KEY || newValue?.split(' ')[0] !== tabId) return
        tabId = createId()
        if (document.hidden) putBack()
        listener(tabId)
      })
    },
  }
}

/** Returns undefined if the browser allows no storage. */
function withStorage<T>(use: () => T): T | undefined {
  try {
    return use()
  } catch {
    return undefined
  }
}
