import { VIEWS, type Place } from './client/console-state.ts'

/** Reads which chats the address shows, so that a view can be shared. What it does not know is left out. */
export function readPlace(): Place {
  const { view, q = '', session } = Object.fromEntries(new URL(location.href).searchParams)
  return {
    view: VIEWS.find((known) => known === view) ?? 'help',
    text: q,
    sessionId: session !== undefined && /^[\w.~-]{1,64}$/.test(session) ? session : null,
  }
}

/** Writes it into the address; opening a chat is a step that the browser goes back from. */
export function writePlace({ view, text, sessionId }: Place, isStep: boolean): void {
  const url = new URL(location.href)
  url.search = ''
  url.searchParams.set('view', view)
  if (text !== '') url.searchParams.set('q', text)
  if (sessionId !== null) url.searchParams.set('session', sessionId)
  if (url.href === location.href) return
  if (isStep) history.pushState(null, '', url)
  else history.replaceState(null, '', url)
}
