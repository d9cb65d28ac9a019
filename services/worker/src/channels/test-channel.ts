import type { AlertChannel, ChannelKind, Clock, DeliveryFault } from '@chatbox/core'

/** What a person who tests a channel reads. */
export interface ChannelTest {
  kind: ChannelKind
  recipient: string
  outcome: 'delivered' | 'retry' | 'failed'
  fault?: DeliveryFault
  /** One sentence about the outcome. */
  meaning: string
  /** The server's own words, without our secrets. */
  said: string
  durationMs: number
  address?: string
  tls?: string
}

/** What to look at, for each fault. */
const MEANINGS: Readonly<Record<DeliveryFault, string>> = {
  host: 'The name of the server is not known.',
  connection: 'The server cannot be reached, or it broke the connection.',
  timeout: 'The server did not answer in time.',
  tls: 'The server does not speak TLS here.',
  certificate: 'The certificate of the server does not prove that it is the right one.',
  'private-address': 'The address leads into a private network, which is not allowed.',
  credentials: 'The server refused the user or the password.',
  recipient: 'The server refused the recipient.',
  busy: 'The server took nothing now, but may do so later.',
  refused: 'The server refused the message.',
  gone: 'The receiver wants no more messages.',
}

/**
 * Sends a notice that says that it is a test, with a new id, and tells what came of it. Makes one
 * attempt. Rejects as `AlertChannel.send` does.
 */
export async function testChannel(
  channel: AlertChannel,
  clock: Clock,
  { link, signal }: { link?: string; signal: AbortSignal },
): Promise<ChannelTest> {
  const time = clock.now()
  const notice = {
    id: clock.newId(),
    kind: 'test',
    subject: 'This is a test of chatbox alerts',
    time,
    ...(link === undefined ? {} : { link }),
  }
  const { said, route, ...result } = await channel.send(notice, signal)
  return {
    kind: channel.kind,
    recipient: channel.recipient,
    outcome: result.outcome,
    ...('fault' in result ? { fault: result.fault } : {}),
    meaning: 'fault' in result ? MEANINGS[result.fault] : 'The server accepted the message.',
    said,
    durationMs: +clock.now() - +time,
    ...route,
  }
}
