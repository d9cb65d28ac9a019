import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { glob, mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readOptions } from './read-options.ts'

const ROOT = fileURLToPath(new URL('../', import.meta.url))
const STAMP = join(ROOT, 'node_modules/.cache/chatbox/web-build')
const PAGES = ['chat', 'console']
const isBuilt = (page: string): boolean => existsSync(join(ROOT, 'web', page, 'dist/index.html'))
/** Everything that can change what a browser gets. The lock file covers packages. */
const INPUTS = [
  'package-lock.json',
  'web/*/{index.html,vite.config.*,package.json}',
  'web/*/{src,public}/**/*',
  'shared/contract/src/**/*.ts',
]

/** Builds the web pages if their sources have changed since the last build. */
export async function buildWeb(): Promise<void> {
  const hash = await hashInputs()
  if (PAGES.every(isBuilt) && (await readStamp()) === hash) return
  process.stderr.write('Building the web pages ...\n')
  const startedAt = performance.now()
  for (const page of PAGES) await runVite(page)
  await mkdir(dirname(STAMP), { recursive: true })
  await writeFile(STAMP, hash)
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
  process.stderr.write(`Building the web pages: done in ${seconds} s\n`)
}

async function hashInputs(): Promise<string> {
  const paths: string[] = []
  for await (const entry of glob(INPUTS, { cwd: ROOT, withFileTypes: true })) {
    if (entry.isFile()) paths.push(join(entry.parentPath, entry.name))
  }
  const hash = createHash('sha256')
  for (const path of paths.toSorted()) {
    // Names and lengths separate the contents, so that moving text between files changes the hash.
    const content = await readFile(path)
    hash.update(`${path.slice(ROOT.length)}\0${content.length}\0`).update(content)
  }
  return hash.digest('hex')
}

async function readStamp(): Promise<string | undefined> {
  return existsSync(STAMP) ? readFile(STAMP, 'utf8') : undefined
}

/** Builds in its own process, so that the server does not keep the bundler's memory. */
async function runVite(page: string): Promise<void> {
  const vite = join(ROOT, 'node_modules/vite/bin/vite.js')
  const child = spawn(process.execPath, [vite, 'build', '--logLevel', 'warn'], {
    cwd: join(ROOT, 'web', page),
    stdio: ['ignore', 2, 2],
  })
  const [code] = (await once(child, 'exit')) as [number | null]
  if (code !== 0) throw new Error('The web pages could not be built: see the lines above')
}

if (import.meta.filename === process.argv[1]) {
  readOptions({
    usage: 'npm run build --',
    about: 'Compiles every package, and builds the web pages where they are stale.',
    options: {},
  })
  await buildWeb()
}
