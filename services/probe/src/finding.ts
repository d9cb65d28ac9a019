/** The parts that can be broken, with the exit code and the text of the help. */
export const PARTS = {
  unreachable: { code: 10, means: 'nothing answers there, or a proxy that finds no gateway' },
  address: { code: 11, means: 'something answers, but no chatbox: the path, most often' },
  redis: { code: 12, means: 'the gateway cannot use Redis' },
  store: { code: 13, means: 'the gateway cannot use the store' },
  gateway: { code: 14, means: 'the gateway is starting or being stopped' },
  token: { code: 20, means: 'there is no token, or the gateway refuses it' },
  origin: { code: 21, means: 'the gateway does not allow the origin' },
  socket: { code: 22, means: 'the websocket is refused, or breaks' },
  session: { code: 30, means: 'the gateway refuses an event, or does not answer it' },
  worker: { code: 31, means: 'no worker takes the question' },
  model: { code: 32, means: 'the model failed; its error code is named' },
  reply: { code: 33, means: 'the answer began and did not come to its end' },
  live: { code: 34, means: 'the answer is in the log and was not seen as it was written' },
  log: { code: 35, means: 'the answer is not in the log, or is another one there' },
  usage: { code: 64, means: 'the command was not understood' },
} as const

export type Part = keyof typeof PARTS

/** The broken part, with a sentence for a person. Never contains a token or a secret. */
export class Finding extends Error {
  override readonly name = 'Finding'
  readonly part: Part

  constructor(part: Part, sentence: string) {
    super(sentence)
    this.part = part
  }
}

/** Probes with the same token share a session, and each ends it when done. */
export function endedByAnother(): Finding {
  return new Finding(
    'session',
    'somebody else ended the session: another probe with the same PROBE_TOKEN, most often',
  )
}
