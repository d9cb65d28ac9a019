import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { access, cp, mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)

const VERSION = '1.47.0'
const SOURCES = fileURLToPath(new URL('mongo-java-server/', import.meta.url))
const CACHE = fileURLToPath(new URL('../../../.runtime/mongo-java-server/', import.meta.url))
const MAVEN_TIMEOUT_MS = 180_000

type ToCommand = (port: number, dataFile: string) => [command: string, args: string[]]

/**
 * Returns the command that serves `dataFile` on a port. The server comes from Maven Central, speaks
 * MongoDB's wire protocol and uses its indexes like MongoDB. Its jars are fetched once. For a long
 * run it keeps no file. Throws a one-line reason if Java or Maven is missing.
 */
export async function prepareMongoJavaServer(isForLongRun: boolean): Promise<ToCommand> {
  const home = await makeMongoJavaServer()
  const classPath = `${join(home, 'lib')}/*:${join(home, 'classes')}`
  const launch = ['-XX:+UseSerialGC', '-cp', classPath]
  if (isForLongRun) {
    return (port) => ['java', ['-Xmx3g', ...launch, 'Launcher', `${port}`]]
  }
  // It starts in about 1 s. The optimising compiler would cost more than a test gains from it.
  const short = ['-XX:TieredStopAtLevel=1', '-Xmx1536m']
  return (port, dataFile) => ['java', [...short, ...launch, 'Launcher', `${port}`, dataFile]]
}

/** The folder with the server's jars in `lib` and our compiled classes in `classes`. */
export async function makeMongoJavaServer(): Promise<string> {
  const home = join(CACHE, `${VERSION}-${await hashSources()}`)
  if (!(await isThere(join(home, 'classes')))) await fill(home)
  return home
}

/** If our part of the server changes, it is another server. */
async function hashSources(): Promise<string> {
  const hash = createHash('sha256')
  for (const name of (await readdir(SOURCES)).sort()) {
    hash.update(name).update(await readFile(join(SOURCES, name)))
  }
  return hash.digest('hex').slice(0, 8)
}

/**
 * Fills a private folder and then moves it into place, because two test runs may do this at once.
 */
async function fill(home: string): Promise<void> {
  await mkdir(CACHE, { recursive: true })
  const folder = await mkdtemp(join(CACHE, 'new-'))
  try {
    await cp(SOURCES, folder, { recursive: true })
    const copyJars = ['-q', '-B', '-f', join(folder, 'pom.xml'), 'dependency:copy-dependencies']
    await attempt('mvn', [...copyJars, '-DincludeScope=runtime', `-DoutputDirectory=${folder}/lib`])
    await attempt('javac', [
      '--release',
      '17',
      '-cp',
      `${folder}/lib/*`,
      '-sourcepath',
      folder,
      '-d',
      join(folder, 'classes'),
      join(folder, 'Launcher.java'),
    ])
    await rename(folder, home).catch(async (error: unknown) => {
      if (!(await isThere(join(home, 'classes')))) throw error
    })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function attempt(command: string, args: string[]): Promise<void> {
  try {
    await run(command, args, { timeout: MAVEN_TIMEOUT_MS })
  } catch (error) {
    const [reason = ''] = error instanceof Error ? error.message.split('\n', 1) : []
    throw new Error(`${command} for mongo-java-server: ${reason.slice(0, 120)}`, { cause: error })
  }
}

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
