/** What an operator has chosen for this browser. */
export interface Preferences {
  sound: boolean
  notices: boolean
  keys: boolean
}

const KEY = 'chatbox-console'
const DEFAULTS: Preferences = { sound: true, notices: false, keys: true }

/** A browser may refuse a page its storage; then the choice lasts as long as the page. */
let chosen: Preferences | undefined

export function readPreferences(): Preferences {
  if (chosen) return chosen
  try {
    const stored = JSON.parse(localStorage.getItem(KEY) ?? '{}') as Partial<Preferences>
    const pick = (name: keyof Preferences): boolean =>
      typeof stored[name] === 'boolean' ? stored[name] : DEFAULTS[name]
    return { sound: pick('sound'), notices: pick('notices'), keys: pick('keys') }
  } catch {
    return DEFAULTS
  }
}

export function writePreferences(preferences: Preferences): void {
  chosen = preferences
  try {
    localStorage.setItem(KEY, JSON.stringify(preferences))
  } catch {
    // It lasts as long as the page.
  }
}
