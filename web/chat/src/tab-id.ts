import { createId } from '@chatbox/client'

const KEY = 'chatbox-tab'

/** Stays the same over a reload of this tab, as far as the browser allows storage. */
export function readTabId(): string {
  try {
    const tabId = sessionStorage.getItem(KEY) ?? createId()
    sessionStorage.setItem(KEY, tabId)
    return tabId
  } catch {
    return createId()
  }
}
