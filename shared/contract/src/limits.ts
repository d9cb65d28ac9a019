/** Numbers that both sides of the wire agree on. Lengths are Unicode code points unless a name says bytes. */
export const LIMITS = {
  idLength: 64,
  userIdLength: 255,
  nameLength: 100,
  sessionNameLength: 60,
  contentLength: 10_000,
  /** A model's reply may be longer than what a person types. */
  replyLength: 200_000,
  noteLength: 1000,
  commentLength: 1000,
  tokenLength: 8192,
  cursorLength: 256,
  errorMessageLength: 300,
  attachments: 10,
  historyPage: 200,
  historyPageDefault: 50,
} as const
