import { describeSettings } from '@chatbox/kit'

/** What a limit is counted for. Each of these has the whole amount for itself. */
type Per =
  | 'address'
  | 'alert'
  | 'browser tab'
  | 'connection'
  | 'download'
  | 'draft'
  | 'key set'
  | 'mail address'
  | 'page of a log'
  | 'process'
  | 'provider'
  | 'reply'
  | 'request'
  | 'session'
  | 'site'
  | 'user'
  | 'visitor'

/** One row of docs/limits.md. */
interface Limit {
  what: string
  per: Per
  /** Made of the constant or the setting that the code uses, so that it cannot drift. */
  amount: string
  /** What happens beyond it. */
  then: string
  /**
   * The test that goes beyond it: its file, and its title as it stands there. The test names the
   * setting or the figure. If it does not, `says` is what it says instead.
   */
  test: readonly [file: string, title: string, says?: string]
}

export interface LimitGroup {
  title: string
  limits: readonly Limit[]
}

const SETTINGS = new Map(describeSettings().settings.map((setting) => [setting.name, setting]))

/** A setting with its default, or with a whole number of times its default. */
export function ofSetting(name: string, times = 1): string {
  const setting = SETTINGS.get(name)
  if (!setting) throw new Error(`there is no setting ${name}`)
  if (times === 1) return `\`${name}\` (${setting.default ?? setting.defaultNote})`
  return `${times} × \`${name}\` (${count(times * Number(setting.default))})`
}

export function count(amount: number): string {
  return amount.toLocaleString('en')
}

export function bytes(amount: number): string {
  return amount % 1024 ** 2 === 0
    ? `${count(amount / 1024 ** 2)} MiB`
    : `${count(amount / 1024)} KiB`
}

export function characters(amount: number): string {
  return `${count(amount)} characters`
}

export function time(ms: number): string {
  if (ms % 86_400_000 === 0) return `${ms / 86_400_000} days`
  if (ms % 60_000 === 0) return `${ms / 60_000} min`
  return `${ms / 1000} s`
}

export function inMinute(amount: number | string): string {
  return `${typeof amount === 'number' ? count(amount) : amount} a minute`
}
