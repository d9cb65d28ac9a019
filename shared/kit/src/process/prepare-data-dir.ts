import { randomBytes } from 'node:crypto'
import {
  accessSync,
  closeSync,
  constants,
  fstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { toReason } from '../logging/error-fields.ts'
import type { Settings } from '../settings/settings.ts'
import { StartError } from './process-edge.ts'

/**
 * Creates the data folder of a standalone process if it is missing, with the keys that the settings
 * lack. Throws a `StartError` if the folder is not writable, or if others could put keys or data of
 * theirs there.
 */
export function prepareDataDir(settings: Settings): CompletedSettings {
  if (settings.process.mode !== 'standalone') return { settings, keysFile: undefined }
  const { dataDir } = settings.stores
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 })
    accessSync(dataDir, constants.W_OK | constants.X_OK)
    if (settings.process.production) refuseOpenFolder(dataDir)
    return addDevelopmentKeys(settings)
  } catch (error) {
    throw new StartError(`DATA_DIR cannot be used: ${toReason(error)}`, { cause: error })
  }
}

const OTHERS_WRITE = constants.S_IWGRP | constants.S_IWOTH

/** Outside production it may be a disk of another system, all of whose folders look open. */
function refuseOpenFolder(dataDir: string): void {
  if ((statSync(dataDir).mode & OTHERS_WRITE) === 0) return
  throw new Error('other users of this machine may write to it; run chmod go-w on it')
}

const FILE_NAME = 'development-keys.json'
const KEY_BYTES = 32

const keysSchema = z.object({
  jwtSecret: z.string().min(32),
  encryptionKey: z.base64().refine((text) => Buffer.from(text, 'base64').length === KEY_BYTES),
})
type Keys = z.infer<typeof keysSchema>

export interface CompletedSettings {
  settings: Settings
  /** The file of generated keys; undefined if none were needed. */
  keysFile: string | undefined
}

/**
 * Adds the keys that a standalone process outside production lacks. They are created once and
 * stored in its data folder, where only its own user can read them.
 */
function addDevelopmentKeys(settings: Settings): CompletedSettings {
  const { auth, stores } = settings
  const needsSecret = auth.jwtSecret === undefined && auth.jwksUrl === undefined
  const needsKey = stores.encryptionKeys.length === 0
  if (settings.process.production || !(needsSecret || needsKey)) {
    return { settings, keysFile: undefined }
  }
  const keysFile = join(stores.dataDir, FILE_NAME)
  const keys = readKeys(keysFile) ?? makeKeys(keysFile)
  const key = new Uint8Array(Buffer.from(keys.encryptionKey, 'base64'))
  return {
    keysFile,
    settings: {
      ...settings,
      auth: needsSecret ? { ...auth, jwtSecret: keys.jwtSecret } : auth,
      stores: needsKey ? { ...stores, encryptionKeys: [{ id: 'development', key }] } : stores,
    },
  }
}

/**
 * Throws if the file exists but is invalid, because new keys would lose the texts of the old ones.
 * Throws too if another user made it: who knows the keys can sign tokens and read texts.
 */
function readKeys(path: string): Keys | undefined {
  const text = readOwnFile(path)
  if (text === undefined) return undefined
  try {
    return keysSchema.parse(JSON.parse(text))
  } catch {
    throw new Error(`${path} does not hold development keys; restore it or move it away`)
  }
}

/** Opening a pipe would otherwise wait for a writer. */
const OPEN_ONLY_THIS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK

/**
 * Checks the file that it has opened. A check by name could see another file than the one that is
 * read afterwards.
 */
function readOwnFile(path: string): string | undefined {
  const foreign = () => new Error(`${path} was not made by this user; move it away`)
  let file: number
  try {
    file = openSync(path, OPEN_ONLY_THIS)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return undefined
    throw code === 'ELOOP' ? foreign() : error
  }
  try {
    const stats = fstatSync(file)
    if (!stats.isFile() || !isOwn(stats.uid)) throw foreign()
    return readFileSync(file, 'utf8')
  } finally {
    closeSync(file)
  }
}

/** There are no user ids on Windows. */
function isOwn(uid: number): boolean {
  return process.getuid === undefined || uid === process.getuid()
}

/** With `wx`, one of two processes that start at once fails instead of replacing the other's keys. */
function makeKeys(path: string): Keys {
  const keys = {
    jwtSecret: randomBytes(48).toString('base64url'),
    encryptionKey: randomBytes(KEY_BYTES).toString('base64'),
  }
  writeFileSync(path, JSON.stringify(keys), { mode: 0o600, flag: 'wx', flush: true })
  return keys
}
