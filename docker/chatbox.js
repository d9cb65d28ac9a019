// What the image runs: the first argument is the command, the others are the command's own.
import { readFileSync } from 'node:fs'

const COMMANDS = ['gateway', 'worker', 'standalone', 'migrate', 'probe', 'audit']
/** `EX_USAGE` of sysexits. */
const EXIT_USAGE = 64

const [command = ''] = process.argv.splice(2, 1)

if (COMMANDS.includes(command)) {
  await import(`./services/${command}/dist/main.js`)
} else if (command === '--version') {
  const { version } = JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8'))
  process.stdout.write(`${version}\n`)
} else {
  process.stderr.write(
    `chatbox: ${command || 'nothing'} is no command; there are ${COMMANDS.join(', ')}\n`,
  )
  process.exitCode = EXIT_USAGE
}
