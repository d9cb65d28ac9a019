/** All texts that the parts of a page share. Another language is another table. */
export const strings = {
  conversation: 'Conversation',
  emptyTitle: 'How can we help?',
  emptyText: 'Ask anything. You can follow the answer as it is written.',
  messageLabel: 'Your message',
  placeholder: 'Write a message',
  hint: 'Enter sends, Shift + Enter starts a new line',
  send: 'Send',
  stop: 'Stop the answer',
  tooLong: (over: number): string =>
    over === 1 ? '1 character too long' : `${String(over)} characters too long`,
  you: 'You',
  assistant: 'Assistant',
  operator: 'Support',
  thinking: 'Writing an answer',
  typing: (name: string): string => `${name || 'Someone'} is typing`,
  stopped: 'Stopped',
  incomplete: 'This answer was cut off.',
  failed: 'There is no answer to this.',
  /** It may be the limit of a whole office or of the site, so it is not said whose it is. */
  limitReached: (time: string): string => `Today's limit is reached. You can go on at ${time}.`,
  limitReachedUntilTomorrow: (time: string): string =>
    `Today's limit is reached. You can go on tomorrow at ${time}.`,
  limitOver: 'The limit of that day was reached. You can go on now.',
  retry: 'Try again',
  copy: 'Copy',
  copied: 'Copied',
  copyCode: 'Copy code',
  table: 'Table',
  image: 'Image',
  waiting: 'Waiting to be sent',
  sending: 'Sending',
  seen: 'Seen',
  notSent: 'Not sent.',
  resend: 'Send again',
  discard: 'Discard',
  older: 'Show earlier messages',
  readingOlder: 'Reading earlier messages',
  latest: 'Jump to the latest message',
  today: 'Today',
  yesterday: 'Yesterday',
  sessionEnded: 'This chat has ended.',
  endedBy: {
    user: 'You ended this chat.',
    operator: 'Support ended this chat.',
    idle: 'This chat ended because nobody wrote for a while.',
    replaced: 'This chat ended when a new one was started.',
  } as Partial<Record<string, string>>,
  unknownEntry: 'This version of the chat cannot show this entry.',
  modelSelected: (name: string): string => `${name} answers from here on.`,
  helpRequested: 'You asked for a person.',
  helpResolved: 'The request for a person was closed.',
  takeoverStarted: (name: string): string => `${name || 'A person'} joined this chat.`,
  takeoverEnded: (name: string): string => `${name || 'The person'} left this chat.`,
  visitor: 'Visitor',
  /** What an operator reads instead, for whom it is not their own chat. */
  toOperator: {
    helpRequested: 'The visitor asked for a person.',
    endedBy: {
      user: 'The visitor ended this chat.',
      operator: 'A person of the team ended this chat.',
      idle: 'This chat ended because nobody wrote for a while.',
      replaced: 'This chat ended when the visitor began a new one.',
    } as Partial<Record<string, string>>,
  },
} as const

const timeFormat = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' })
const dayFormat = new Intl.DateTimeFormat(undefined, {
  weekday: 'long',
  day: 'numeric',
  month: 'long',
})
const shortFormat = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' })
const dayOfYearFormat = new Intl.DateTimeFormat(undefined, {
  weekday: 'long',
  day: 'numeric',
  month: 'long',
  year: 'numeric',
})
const shortOfYearFormat = new Intl.DateTimeFormat(undefined, {
  day: 'numeric',
  month: 'short',
  year: 'numeric',
})
const DAY_MS = 24 * 3600 * 1000

export function toTime(iso: string): string {
  return timeFormat.format(new Date(iso))
}

/** Formats a day in words, in the reader's time zone, with the year if it is not this year's. */
export function toDay(iso: string, now: Date): string {
  const date = new Date(iso)
  const days = daysBetween(date, now)
  if (days === 0) return strings.today
  if (days === 1) return strings.yesterday
  return (isSameYear(date, now) ? dayFormat : dayOfYearFormat).format(date)
}

/** Formats the time for today, else the date, with the year if it is not this year's. */
export function toShortTime(iso: string, now: Date): string {
  const date = new Date(iso)
  if (daysBetween(date, now) === 0) return toTime(iso)
  return (isSameYear(date, now) ? shortFormat : shortOfYearFormat).format(date)
}

/** Returns true if both are on one day of the reader's. */
export function isSameDay(a: Date, b: Date): boolean {
  return daysBetween(a, b) === 0
}

function isSameYear(a: Date, b: Date): boolean {
  return a.getFullYear() === b.getFullYear()
}

function daysBetween(from: Date, to: Date): number {
  return Math.round((startOfDay(to) - startOfDay(from)) / DAY_MS)
}

function startOfDay(date: Date): number {
  return new Date(date).setHours(0, 0, 0, 0)
}
