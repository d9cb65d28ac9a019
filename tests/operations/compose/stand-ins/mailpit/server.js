// Stands in for Mailpit: takes mails over SMTP, keeps the newest in memory and lists them over HTTP.
import { createServer as createHttp } from 'node:http'
import { createServer } from 'node:net'

const SMTP_PORT = 1025
const HTTP_PORT = 8025
const MAX_MESSAGES = 500
const MAX_BYTES = 1 << 20

if (process.argv[2] === 'readyz') {
  const ready = await globalThis
    .fetch(`http://127.0.0.1:${HTTP_PORT}/readyz`)
    .catch(() => undefined)
  process.exit(ready?.ok ? 0 : 1)
}

const messages = []

createServer((socket) => {
  let mail = { from: '', to: [] }
  let data
  let buffered = ''
  const say = (line) => socket.write(`${line}\r\n`)

  function onData(line) {
    if (line !== '.') {
      data.push(line)
      return
    }
    const subject =
      data
        .find((header) => /^subject:/i.test(header))
        ?.slice(8)
        .trim() ?? ''
    messages.unshift({ ...mail, subject, text: data.join('\n') })
    messages.length = Math.min(messages.length, MAX_MESSAGES)
    data = undefined
    say('250 ok')
  }

  function onCommand(line) {
    const address = /<([^>]*)>/.exec(line)?.[1] ?? ''
    const verb = line.slice(0, 4).toUpperCase()
    if (verb === 'MAIL') mail = { from: address, to: [] }
    if (verb === 'RCPT') mail.to.push(address)
    if (verb === 'DATA') data = []
    if (verb === 'DATA') say('354 go on')
    else if (verb === 'QUIT') socket.end('221 bye\r\n')
    else say('250 ok')
  }

  say('220 mailpit')
  socket.on('error', () => socket.destroy())
  socket.on('data', (chunk) => {
    buffered += chunk
    if (buffered.length > MAX_BYTES) socket.destroy()
    const lines = buffered.split('\r\n')
    buffered = lines.pop()
    for (const line of lines) (data ? onData : onCommand)(line)
  })
}).listen(SMTP_PORT)

createHttp((request, response) => {
  const body = request.url === '/api/v1/messages' ? { total: messages.length, messages } : {}
  response.writeHead(200, { 'content-type': 'application/json' })
  response.end(JSON.stringify(body))
}).listen(HTTP_PORT)
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => process.exit(0))
