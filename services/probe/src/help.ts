import { PARTS } from './finding.ts'

const HEAD = `Asks whether chatbox works.

  probe --ready
      Whether this container's own process is ready: exit code 0 or 1, and what is not.

  probe [options] <address of the page>
      Makes a visitor's whole round trip, such as to http://gateway:8080/chatbox: token, websocket,
      question, streamed answer, log. Exit code 0, or a sentence with the part that is broken.

  --within 30s     the longest that all of it may take, 1s to 10m
  --until socket   stops once the websocket is up; no question is asked
  --until ack      stops once the question is acknowledged, and ends the session at once
  --retry          tries to reach the address again and again; nothing else is tried twice
  --verbose        a line for each step, with its milliseconds

The environment says who asks: PROBE_TOKEN is a token to show; without it the page's own visitor
token is taken, and where no visitors are let in, one signed with JWT_SECRET (JWT_ISSUER,
JWT_AUDIENCE). One PROBE_TOKEN is for one probe at a time: two would share a session. PROBE_ORIGIN
is the origin of the page, where it is not that of the address.

Exit codes:
`

export function toHelp(): string {
  const codes = Object.entries(PARTS).map(
    ([part, { code, means }]) => `  ${code}  ${part.padEnd(12)} ${means}`,
  )
  return `${HEAD}   0  ok\n${codes.join('\n')}\n`
}
