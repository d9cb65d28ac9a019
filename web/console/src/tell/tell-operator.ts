import type { ConsoleClient } from '../client/console-client.ts'
import { readPreferences } from '../preferences.ts'
import { strings } from '../strings.ts'
import { NewsFinder, type News } from './find-news.ts'
import { playSound } from './play-sound.ts'

/** The notices of one moment. */
const MAX_NOTICES = 3

/**
 * Tells the operator what they would miss otherwise: each tab by its title, and by a sound and a
 * notice of the browser exactly one tab of all. Where there are no locks, on plain http, each tab
 * tells for itself.
 */
export function tellOperator(client: ConsoleClient): void {
  let finder: NewsFinder | undefined
  let isTeller = false
  const locks = navigator.locks as LockManager | undefined
  if (locks) {
    void locks.request('chatbox-console-teller', async () => {
      isTeller = true
      // Held until the tab is closed; then another one tells.
      await new Promise(() => undefined)
    })
  } else isTeller = true

  client.subscribe(() => {
    const help = client.state.inbox.counts?.help ?? 0
    document.title = help > 0 ? `(${String(help)}) ${strings.title}` : strings.title
  })
  client.onRows = (rows, why) => {
    const { began } = client.state.inbox
    if (began === null) return
    finder ??= new NewsFinder(new Date(began))
    if (why === 'listed') {
      finder.note(rows)
      return
    }
    const open = client.state.chat?.log.session.id
    const found = finder.find(rows)
    const news = found.filter(({ row }) => !isWatched() || row.session.id !== open)
    if (isTeller && news.length > 0) tell(news)
  }
}

function isWatched(): boolean {
  return document.visibilityState === 'visible' && document.hasFocus()
}

function tell(news: ReturnType<NewsFinder['find']>): void {
  const { sound, notices } = readPreferences()
  if (sound) playSound()
  if (!notices || isWatched()) return
  for (const { news: kind, row } of news.slice(0, MAX_NOTICES)) showNotice(kind, row.session.id)
}

/** Without a visitor's words or name, which others may see on a screen. */
function showNotice(news: News, sessionId: string): void {
  if (!('Notification' in window) || Notification.permission !== 'granted') return
  const text = news === 'help' ? strings.somebodyAsks : strings.somebodyWrote
  const notice = new Notification(text, { tag: `chatbox-${sessionId}` })
  notice.onclick = () => window.focus()
}
