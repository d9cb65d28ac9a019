import { execFile } from 'node:child_process'
import { chmod, mkdir, mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

export interface SmallDisk {
  readonly folder: string
  /** Why this is only a folder on the machine's own disk, which cannot be filled. */
  readonly noLimit: string | undefined
  /** Uses up all remaining space. */
  fill(): Promise<void>
  /** Frees the space. */
  drain(): Promise<void>
  /** Makes it read-only. Only possible while no file in it is open for writing. */
  setReadOnly(isReadOnly: boolean): Promise<void>
  close(): Promise<void>
}

const SIZE_MB = 96
const CHUNK = Buffer.alloc(64 * 1024)
const run = promisify(execFile)

/** Mounts a separate file system if this user may, or else uses a folder. */
export async function openSmallDisk(): Promise<SmallDisk> {
  const folder = await mkdtemp(join(tmpdir(), 'chatbox-disk-'))
  const size = `size=${SIZE_MB}m`
  const noLimit = await run('mount', ['-t', 'tmpfs', '-o', size, 'tmpfs', folder]).then(
    () => undefined,
    () => 'this user may not mount a small file system',
  )
  const filler = join(folder, 'filler')
  await mkdir(join(folder, 'data'))
  return {
    folder,
    noLimit,
    fill: () => fill(filler),
    drain: () => rm(filler, { force: true }),
    async setReadOnly(isReadOnly) {
      if (noLimit) await chmod(join(folder, 'data'), isReadOnly ? 0o500 : 0o700)
      else await run('mount', ['-o', `remount,${isReadOnly ? 'ro' : 'rw'}`, folder])
    },
    async close() {
      if (!noLimit) await run('umount', ['--lazy', folder])
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function fill(path: string): Promise<void> {
  const file = await open(path, 'w')
  try {
    for (;;) await file.write(CHUNK)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
  } finally {
    await file.close()
  }
}
