// This needs only Node 20 and no packages, because people who use compose need nothing else.
import { randomBytes } from 'node:crypto'
import { chmod, writeFile } from 'node:fs/promises'
import { relative, resolve } from 'node:path'
import process from 'node:process'
import { ROOT } from './runtime/npm.js'

const USAGE = `npm run env -- [FILE]

Writes the .env that docker compose up asks for, or FILE, with secrets of its own. A file that is there
already stays as it is.
`

const SECRET_BYTES = 32
/** Readable and writable only by its owner. */
const MODE = 0o600

/**
 * Each secret's value and its purpose. Passwords are part of an address, so they are in base64url.
 */
const SECRETS = {
  JWT_SECRET: { about: 'signs the tokens of users', make: () => random('base64') },
  ENCRYPTION_KEYS: {
    about: 'encrypts texts at rest; keep a copy, because without the key the texts are lost',
    make: () => `k1:${random('base64')}`,
  },
  REDIS_PASSWORD: { about: 'of the Redis in docker-compose.yml', make: () => random('base64url') },
  MONGO_PASSWORD: {
    about: 'of the MongoDB in docker-compose.yml',
    make: () => random('base64url'),
  },
  GRAFANA_PASSWORD: {
    about: 'of the user admin of Grafana, profile observe',
    make: () => random('base64url'),
  },
}

const HEAD = `# Made by npm run env: secrets of this installation. Keep a copy in a safe place, and out of git.
# All other settings: .env.example
`

function random(encoding) {
  return randomBytes(SECRET_BYTES).toString(encoding)
}

function toText() {
  const lines = Object.entries(SECRETS).map(
    ([name, { about, make }]) => `\n# ${about}\n${name}=${make()}\n`,
  )
  return `${HEAD}${lines.join('')}`
}

async function main(file) {
  const path = resolve(ROOT, file)
  const name = relative(ROOT, path)
  try {
    await writeFile(path, toText(), { flag: 'wx', mode: MODE })
    // The shell's mask may have removed the owner's rights too.
    await chmod(path, MODE)
  } catch (error) {
    const isThere = error instanceof Error && 'code' in error && error.code === 'EEXIST'
    process.stderr.write(
      isThere ? `${name} is there already and stays as it is\n` : `${String(error)}\n`,
    )
    process.exitCode = 1
    return
  }
  process.stdout.write(`${name} is written, readable by you alone:\n\n`)
  for (const [secret, { about }] of Object.entries(SECRETS)) {
    process.stdout.write(`  ${secret.padEnd(16)} ${about}\n`)
  }
  process.stdout.write('\nStart it with: docker compose up -d\n')
}

const [argument = '.env'] = process.argv.slice(2)
if (argument === '--help' || argument === '-h') process.stdout.write(USAGE)
else if (argument.startsWith('-')) {
  process.stderr.write(`Unknown option '${argument}'. --help lists what there is.\n`)
  process.exitCode = 2
} else await main(argument)
